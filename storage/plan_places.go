package storage

import "sort"

// placeGap is the room between two rows, for those that come between them later.
const placeGap = 1 << 20

// assignPlaces gives every row a place so that places grow, and as many rows
// as can be keep the one they have: a row that comes or goes moves no other.
func assignPlaces(had []int64) []int64 {
	keep := longestRise(had)
	out := make([]int64, len(had))
	for i := 0; i < len(had); {
		if keep[i] {
			out[i] = had[i]
			i++
			continue
		}
		end := i // rows i..end-1 need a place between the kept ones around them
		for end < len(had) && !keep[end] {
			end++
		}
		low := int64(0)
		if i > 0 {
			low = out[i-1]
		}
		step := int64(placeGap)
		if end < len(had) {
			step = (had[end] - low) / int64(end-i+1)
		}
		if step == 0 { // no room left: start afresh
			for j := range out {
				out[j] = int64(j+1) * placeGap
			}
			return out
		}
		for ; i < end; i++ {
			low += step
			out[i] = low
		}
	}
	return out
}

// longestRise marks a longest run of rows whose places grow; 0 is no place.
func longestRise(had []int64) []bool {
	var tails []int // index of the smallest end of a rise of each length
	before := make([]int, len(had))
	for i, p := range had {
		if p == 0 {
			continue
		}
		n := sort.Search(len(tails), func(k int) bool { return had[tails[k]] >= p })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	keep := make([]bool, len(had))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			keep[i] = true
		}
	}
	return keep
}

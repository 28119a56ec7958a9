package bridge

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Mask hides an address as TikTok's listings do: the first and last character
// of the local part stay, each one between becomes a star (PORTAL:
// d**a@example.com). What happens to one or two characters is not documented;
// they stay here, and FitsMask takes either form.
func Mask(email string) string {
	email = FoldEmail(email)
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	local := []rune(email[:at])
	if len(local) < 3 {
		return email
	}
	return string(local[0]) + strings.Repeat("*", len(local)-2) + string(local[len(local)-1]) + email[at:]
}

// FitsMask says whether a masked address may stand for the full one: the same
// domain, the same number of characters, and every character that shows agrees.
func FitsMask(mask, email string) bool {
	mask, email = FoldEmail(mask), FoldEmail(email)
	mat, eat := strings.LastIndexByte(mask, '@'), strings.LastIndexByte(email, '@')
	if mat < 1 || eat < 1 || mask[mat:] != email[eat:] {
		return false
	}
	m, e := []rune(mask[:mat]), []rune(email[:eat])
	if len(m) != len(e) {
		return false
	}
	stars := false
	for i := range m {
		if m[i] == '*' {
			stars = true
		} else if m[i] != e[i] {
			return false
		}
	}
	return stars || mask == email
}

// maskIndex finds the addresses that a mask may hide without looking at all of
// them: those of TikTok's shape by the mask itself, others by domain and length.
type maskIndex struct {
	all    []string
	byMask map[string][]string
	byKey  map[string][]string // made when a mask of another shape turns up
}

func (x *maskIndex) add(address string) {
	if x.byMask == nil {
		x.byMask = map[string][]string{}
	}
	m := Mask(address)
	x.byMask[m] = append(x.byMask[m], address)
	x.all = append(x.all, address)
}

// fits lists the addresses that a folded mask may hide.
func (x *maskIndex) fits(mask string) []string {
	if usual(mask) {
		return x.byMask[mask]
	}
	if x.byKey == nil {
		x.byKey = map[string][]string{}
		for _, a := range x.all {
			k := maskKey(a)
			x.byKey[k] = append(x.byKey[k], a)
		}
	}
	var out []string
	for _, a := range x.byKey[maskKey(mask)] {
		if FitsMask(mask, a) {
			out = append(out, a)
		}
	}
	return out
}

// usual says that a mask has TikTok's shape: only the first and the last
// character of the local part show.
func usual(mask string) bool {
	at := strings.LastIndexByte(mask, '@')
	if at < 0 {
		return false
	}
	local := []rune(mask[:at])
	n := len(local)
	return n > 2 && local[0] != '*' && local[n-1] != '*' && strings.Count(string(local), "*") == n-2
}

// MaskKey is what a mask of TikTok's shape shows of an address, without the
// stars: the same for the mask and for every address that it may hide. "" for a
// mask or an address of another shape.
func MaskKey(address string) string {
	address = Mask(address)
	if !usual(address) {
		return ""
	}
	at := strings.LastIndexByte(address, '@')
	local := []rune(address[:at])
	return strconv.Itoa(utf8.RuneCountInString(address)) + string(local[0]) + string(local[len(local)-1]) + address[at:]
}

// maskKey is the domain and length of an address.
func maskKey(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return strconv.Itoa(utf8.RuneCountInString(address[:at])) + address[at:]
}

// plausible says whether an address can be written to at all.
func plausible(email string) bool {
	at := strings.LastIndexByte(email, '@')
	return at > 0 && at < len(email)-1 && !strings.ContainsAny(email, " \t\r\n,;<>*")
}

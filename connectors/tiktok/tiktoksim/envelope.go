package tiktoksim

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// envelope wraps an answer: HTTP 200, code, message, request_id, data.
func (s *Sim) envelope(data any, f *fail, flat bool) answer {
	a := answer{status: http.StatusOK, kind: "application/json; charset=utf-8", requestID: s.newRequestID()}
	message := "OK"
	if f != nil {
		if a.code, message = f.code, f.message; s.sw.Wording == "bare" {
			message = "Request failed."
		}
		data, flat = struct{}{}, false
	} else if data == nil {
		data = struct{}{}
	}
	env := map[string]any{"code": a.code, "message": message, "request_id": a.requestID}
	switch {
	case flat:
		for name, v := range data.(map[string]any) {
			env[name] = v
		}
	case f == nil || s.sw.ErrorData == "empty":
		env["data"] = data
	}
	body, err := json.Marshal(env)
	if err != nil {
		panic(err) // every answer is built from plain values
	}
	a.body = body
	return a
}

// newRequestID is 34 characters: UTC time and 20 upper case hex digits.
func (s *Sim) newRequestID() string {
	return s.clock().Format("20060102150405") + fmt.Sprintf("%016X%04X", s.rnd.Uint64(), s.rnd.Uint32()&0xffff)
}

// newID is an unused 19-digit id.
func (s *Sim) newID() string {
	for {
		v := fmt.Sprint(7_000_000_000_000_000_000 + s.rnd.Int64N(999_999_999_999_999_999))
		if !s.ids[v] {
			s.ids[v] = true
			return v
		}
	}
}

// pageInfo is data.page_info.
type pageInfo struct {
	Page        int `json:"page"`
	PageSize    int `json:"page_size"`
	TotalNumber int `json:"total_number"`
	TotalPage   int `json:"total_page"`
}

// page cuts the asked page out of a list, whose order is not documented.
func page[T any](k *call, all []T) ([]T, pageInfo) { return cut(k, all, k.sw.Order == "newest") }

func cut[T any](k *call, all []T, backwards bool) ([]T, pageInfo) {
	p, size := k.number("page", 1), k.number("page_size", 10)
	info := pageInfo{p, size, len(all), (len(all) + size - 1) / size}
	if p > info.TotalPage {
		return []T{}, info
	}
	lo := (p - 1) * size
	hi := min(lo+size, len(all))
	out := make([]T, 0, hi-lo)
	for i := lo; i < hi; i++ {
		if backwards {
			out = append(out, all[len(all)-1-i])
		} else {
			out = append(out, all[i])
		}
	}
	return out, info
}

package bridge

import "errors"

// What a directory cannot keep or answer. They are wrapped with the attribute
// that is at fault, and are the caller's to mend.
var (
	ErrValue  = errors.New("the value cannot be stored")
	ErrFilter = errors.New("the filter cannot be answered")
)

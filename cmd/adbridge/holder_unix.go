//go:build unix

package main

import (
	"errors"
	"syscall"
)

// gone says that no process has the number.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

//go:build !unix

package nvt

import "syscall"

// UrgentInline does nothing on this system.
func UrgentInline(string, string, syscall.RawConn) error { return nil }

//go:build !unix

package exec

import "syscall"

// urgentInline does nothing on this system.
func urgentInline(string, string, syscall.RawConn) error { return nil }

//go:build !unix

package exec

import "syscall"

// urgentInline leaves urgent octets where the system has them.
func urgentInline(string, string, syscall.RawConn) error { return nil }

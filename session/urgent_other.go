//go:build !unix

package session

import "syscall"

// urgentInline leaves urgent octets where the system has them.
func urgentInline(string, string, syscall.RawConn) error { return nil }

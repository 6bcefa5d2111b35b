package netdev

import (
	"errors"
	"syscall"
)

// isTransient reports whether a socket can go on after an error: the kernel reports ICMP errors for earlier packets.
func isTransient(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EMSGSIZE,
		syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

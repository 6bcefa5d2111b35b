//go:build !linux

package port

import (
	"syscall"
	"time"
)

// limitUnsent has no effect: this system has no limit for a connection. Its own is that of all (minutes).
func limitUnsent(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }

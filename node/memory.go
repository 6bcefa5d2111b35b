package node

import (
	"context"
	"runtime/debug"
	"time"
)

// startTime is when the lines have come up, or will take long: one without modem signals takes seven seconds.
const startTime = 20 * time.Second

// trim gives back to the system, once, what only the start needed: the nodes of a long configuration, stacks that opening the lines has grown.
// Else it stays until the daemon, idle most of its life, collects garbage some minutes later.
func trim(ctx context.Context) {
	t := time.NewTimer(startTime)
	defer t.Stop()
	select {
	case <-t.C:
		debug.FreeOSMemory()
	case <-ctx.Done():
	}
}

package node

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/ringback/ringback/lines"
)

// The start waits startTime at most for the lines, since a port may not answer. restTime later the lines are
// idle.
const (
	startTime = time.Minute
	restTime  = 10 * time.Second
)

// Values of GOGC (percent) unless the environment sets it. Reading a configuration, or many pending callbacks, makes
// much garbage in a moment, for which the start or new calls wait: it is collected afterwards. Frequent collections
// while the lines come up keep lasting allocations close together; later a collection costs more than the memory it
// frees.
const (
	readGarbage  = 600
	startGarbage = 25
	runGarbage   = 200
)

func setGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// trim is called when the lines begin to come up. It returns to the system, once, the memory that only the start
// needed: the nodes of a long configuration, stacks grown while opening the lines. Otherwise it stays until the daemon,
// idle most of the time, collects garbage some minutes later.
func trim(ctx context.Context, p *lines.Pool) {
	setGarbage(startGarbage)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	end := time.Now().Add(startTime)
	for at := time.Now().Add(restTime); time.Now().Before(at); {
		if p.Starting() > 0 && time.Now().Before(end) {
			at = time.Now().Add(restTime)
		} else {
			setGarbage(runGarbage)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
	debug.FreeOSMemory()
}

package node

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/ringback/ringback/lines"
)

// The lines are waited for no longer than startTime: the port of one may not answer. restTime after that they rest.
const (
	startTime = time.Minute
	restTime  = 10 * time.Second
)

// How much garbage may gather, in percent of what is in use, where GOGC does not say it. What the start allocates for
// good lies close together where its garbage is collected often; afterwards a collection costs more than the memory
// that it gives back.
const (
	startGarbage = 25
	runGarbage   = 200
)

func setGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// trim gives back to the system, once, what only the start needed: the nodes of a long configuration, stacks that
// opening the lines has grown. Else it stays until the daemon, idle most of its life, collects garbage some minutes
// later.
func trim(ctx context.Context, p *lines.Pool) {
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

package modem

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/lines"
)

// A line on which nothing has happened for a while rests: the goroutines of live and of the reader end, which frees
// their buffers and their stacks. Go does not shrink a stack below 4 KiB once it has grown. A goroutine with a fresh
// stack waits for the port. Octets, a signal, the time of the next probe, a user of the line and the end of ctx start
// the two goroutines again.

// restAfter is the time without events after which a line rests. It makes the cost of two new goroutines negligible.
const restAfter = 5 * time.Second

// errRests means that the line may rest.
var errRests = errors.New("the line rests")

// past is a deadline that ends a wait.
var past = time.Unix(1, 0)

// mayRestLocked reports whether the line has nothing to do.
func (d *Driver) mayRestLocked() bool {
	rings := d.rings > 0 || !d.callerAt.IsZero()
	return d.phase == idle && d.lost == nil && !rings && !d.mail.busyLocked() && len(d.op) == 0 && len(d.wake) == 0
}

func (d *Driver) mayRest() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mayRestLocked()
}

// beginRest ends the reader and sets the time at which the wait for the port ends. false means that something has
// happened meanwhile and the reader continues. The end of ctx rouses only a line that rests.
func (d *Driver) beginRest(ctx context.Context, port lines.Port, probeAt time.Time) bool {
	d.mu.Lock()
	d.resting = ctx.Err() == nil && d.mayRestLocked()
	rests := d.resting
	if rests {
		_ = port.SetReadDeadline(past)
	}
	d.mu.Unlock()
	if !rests {
		return false
	}
	d.reading.Wait()
	d.mu.Lock()
	d.resting = d.mayRestLocked() // the reader may just have received something, or ctx may have ended
	rests = d.resting
	deadline := time.Time{}
	if rests {
		deadline = probeAt
		d.split.shrink()
	}
	_ = port.SetReadDeadline(deadline)
	d.mu.Unlock()
	if !rests {
		d.startReader()
	}
	return rests
}

// rest is the goroutine of a resting line, until something happens. It only waits, so that its stack stays small.
func (d *Driver) rest(ctx context.Context, ended func(error)) {
	d.port.Await() // no other port is opened meanwhile
	d.mu.Lock()
	d.resting = false
	_ = d.port.SetReadDeadline(time.Time{}) // if it fails, so does the next Read
	d.mu.Unlock()
	go d.live(ctx, ended)
}

// rouse ends the rest of the line, if it rests.
func (d *Driver) rouse() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rouseLocked()
}

func (d *Driver) rouseLocked() {
	if d.resting {
		signal(d.wake)
		_ = d.port.SetReadDeadline(past)
	}
}

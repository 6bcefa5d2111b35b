package attach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
)

const (
	// progress is how often a user who waits for a line reads their place in the queue.
	progress = 30 * time.Second
	// probeTime is how long a user waits for a free line: until its modem has answered.
	probeTime = time.Minute
	// ctrlC leaves the queue.
	ctrlC = 0x03
	// maxEarly is how much of what a user types is kept until they have a line.
	maxEarly = 16 << 10
)

// The ends of a wait for a line.
var (
	errBusy  = errors.New("the line is in use")
	errLeft  = errors.New("the user left the queue")
	errProbe = errors.New("its modem does not answer")
	errEarly = fmt.Errorf("more than %d octets were sent before there was a line", maxEarly)
)

// Pool is what an attachment needs of the lines: a *lines.Pool.
type Pool interface {
	Request(w lines.Want) (*lines.Waiting, error)
	Ahead(w lines.Want, others []lines.Want) int
	Lines() []lines.Status
}

// queue gets a line for a user.
type queue struct {
	pool Pool
	want lines.Want
	wait bool // in the queue if no line is free
	say  func(format string, args ...any)
}

// lease blocks until the user has a line, or leaves: typed has what they type while they wait, and is closed when they
// have gone. What they have typed is for the line: early. The error says why there is none; the user has read it.
func (q queue) lease(ctx context.Context, typed <-chan []byte, taken chan<- bool) (_ *lines.Lease, early []byte,
	err error) {
	free := q.pool.Ahead(q.want, nil) == 0
	if !free && !q.wait {
		q.say("%% %s\n", busyText(q.want, q.pool.Lines()))
		return nil, nil, errBusy
	}
	w, err := q.pool.Request(q.want)
	if err != nil {
		q.say("%% No line is available: %v\n", err)
		return nil, nil, err
	}
	defer w.Cancel() // it does nothing if the lease was received
	reading := ctx   // of typed
	if free && !q.wait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, probeTime, errProbe)
		defer cancel()
	}
	tick := time.NewTimer(time.Second) // a line that is free needs no message
	defer tick.Stop()
	told := 0
	for {
		select {
		case l, ok := <-w.Lease():
			if !ok {
				q.say("%% No line is available: %v\n", w.Err())
				return nil, nil, w.Err()
			}
			return l, early, nil
		case <-tick.C:
			if place := w.Place(); q.wait && place > 0 && !free || told > 0 {
				told++
				q.say("%% %s\n", placeText(place, told == 1))
			}
			tick.Reset(progress)
		case b, ok := <-typed:
			if !ok && reading.Err() != nil {
				return nil, nil, context.Cause(reading)
			}
			if !ok {
				return nil, nil, errLeft
			}
			leaves := bytes.IndexByte(b, ctrlC) >= 0
			early = append(early, b...) // b is used again
			taken <- true
			if leaves {
				return nil, nil, errLeft
			}
			if len(early) > maxEarly {
				q.say("%% No line is available: %v\n", errEarly)
				return nil, nil, errEarly
			}
		case <-ctx.Done():
			if err := context.Cause(ctx); err == errProbe {
				q.say("%% No line is available: %v\n", err)
			}
			return nil, nil, context.Cause(ctx)
		}
	}
}

func placeText(place int, first bool) string {
	text := fmt.Sprintf("You are number %d in the queue for a line", place)
	if first {
		return "All lines are in use. " + text + " (Ctrl-C leaves it)"
	}
	return text
}

// busyText says what uses the lines that could serve w, and nothing about persons.
func busyText(w lines.Want, all []lines.Status) string {
	may, err := lines.Choose(w, all)
	if err != nil || len(may) != 1 {
		return "All lines are in use, try again later"
	}
	for _, s := range all {
		if s.TTY == may[0] {
			if out := s.State == lines.Down || s.State == lines.Quarantined || s.State == lines.BusiedOut; out {
				return fmt.Sprintf("Line %d is out of service, try again later", s.TTY)
			}
			return fmt.Sprintf("Line %d is in use by %s, try again later", s.TTY, use(s))
		}
	}
	return "The line is in use, try again later"
}

// use says what uses a line.
func use(s lines.Status) string {
	switch s.Role {
	case lines.ForUser, lines.ForAdmin:
		return "another user on the network"
	case lines.ForOrder:
		return "a test or a script of the operator"
	case lines.ForCallback:
	}
	switch s.State {
	case lines.InCall, lines.Ringing:
		return "an incoming call"
	case lines.Leased, lines.Dialing, lines.OutCall:
		return "a callback"
	case lines.HangingUp, lines.Preparing:
		return "a call that is being ended"
	case lines.Idle, lines.Down, lines.Quarantined, lines.BusiedOut:
	}
	return "another call"
}

package lines

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Occasion is when a free line's modem is prepared by a script, in the words of IOS (`script startup`, `script reset`).
type Occasion string

// The occasions.
const (
	Startup Occasion = "startup" // the port was opened and the modem is initialized
	Reset   Occasion = "reset"   // the line is proven on hook after a call or a lease
)

// Preparation prepares a line's modem. It must return soon after ctx ends.
type Preparation func(ctx context.Context, m Commander) error

// prepareTime bounds a preparation: until it ends, the line takes no calls.
const prepareTime = time.Minute

var errPrepareTime = fmt.Errorf("the script did not end within %v, and the line takes no calls before", prepareTime)

// commander is the Commander of a line that is not leased.
type commander struct{ l *line }

func (c commander) TTY() int { return c.l.cfg.TTY }

func (c commander) Command(ctx context.Context, fn Script) (ResultCode, error) {
	return c.l.driver.Command(ctx, fn)
}

// dueLocked makes the line be prepared before it is used again. What Startup prepares includes what Reset does not
// know.
func (l *line) dueLocked(o Occasion) {
	if l.due == "" || o == Startup {
		l.due = o
	}
}

// readyLocked prepares a free line if that is due, and otherwise passes it on; fresh is as for passLocked.
func (l *line) readyLocked(fresh bool) {
	if !l.prepareLocked() {
		l.pool.passLocked(l, fresh)
	}
}

// prepareLocked begins the preparation that is due. It reports whether there is one; until it has ended and the line is
// proven on hook, the line is not free.
func (l *line) prepareLocked() bool {
	p, o := l.pool, l.due
	if o == "" || !l.up || l.quarantine != "" || l.lease != nil || l.settling || l.next != nil || p.closing {
		return false
	}
	l.due = ""
	var prepare Preparation
	if p.o.Prepare != nil {
		prepare = p.o.Prepare(l.cfg.TTY, o)
	}
	if prepare == nil {
		l.noticeLocked(string(o), "") // a reload may have removed the script that failed
		return false
	}
	if !l.goLocked(func(ctx context.Context) { l.prepare(ctx, o, prepare) }) {
		return false // the pool has stopped
	}
	l.settling = true
	l.phaseLocked(Preparing)
	return true
}

// prepare runs a preparation and proves the line on hook again. If it fails, the line is used all the same: the modem
// was initialized, and is proven on hook.
func (l *line) prepare(ctx context.Context, o Occasion, prepare Preparation) {
	limit, cancel := context.WithTimeoutCause(ctx, prepareTime, errPrepareTime)
	err := l.preparing(limit, prepare)
	cancel()
	if ctx.Err() == nil && !errors.Is(err, ErrDown) { // otherwise the line ends, or is prepared when it is up again
		l.prepared(o, err)
	}
	l.settle(ctx)
}

// preparing runs a preparation. A panic ends only that.
func (l *line) preparing(ctx context.Context, prepare Preparation) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return prepare(ctx, commander{l})
}

// prepared shows the result of a preparation.
func (l *line) prepared(o Occasion, err error) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if err == nil {
		l.noticeLocked(string(o), "")
		return
	}
	l.pool.o.Debug(l.cfg.TTY, err.Error())
	l.failLocked(&Failed{Kind: FailScript, Text: err.Error()}, FailScript)
	l.noticeLocked(string(o), err.Error())
}

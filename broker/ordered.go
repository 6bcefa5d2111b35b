package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// orderedDial is a dial by an order or on schedule, without a callback: that of a modem test or of start-chat.
type orderedDial struct {
	what   string // for errors: "modem test k3vq2xha of tty 65 with tty 66"
	number numbers.Number
	ttys   []int // the lines that it uses
	cancel context.CancelCauseFunc
}

// ordered has the dials by order that are in progress. The zero value has none.
type ordered struct {
	mu       sync.Mutex // no other mutex is taken while it is held, except that of the lockdown
	running  []*orderedDial
	admitted map[*orderedDial]bool // which a lockdown must cancel

	jobs orders
	base context.Context // nil: the broker does not run
}

// open lets orders begin until close. They end with ctx.
func (o *ordered) open(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.base = ctx
}

// close keeps orders from beginning, and waits for the end of those in progress. The context of open must have ended.
func (o *ordered) close() {
	o.mu.Lock()
	o.base = nil
	o.mu.Unlock()
	o.jobs.wait()
}

// start runs f, unless the broker does not run.
func (o *ordered) start(f func(base context.Context)) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.base == nil {
		return false
	}
	base := o.base
	o.jobs.start(func() { f(base) })
	return true
}

// run calls f and returns when it has returned; false: the broker does not run, and f was not called. The context of f
// ends with ctx, with that of open, or with cancel.
func (o *ordered) run(ctx context.Context, f func(ctx context.Context, cancel context.CancelCauseFunc)) bool {
	done := make(chan struct{})
	if !o.start(func(base context.Context) {
		defer close(done)
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(base, func() { cancel(context.Cause(base)) })()
		f(ctx, cancel)
	}) {
		return false
	}
	<-done
	return true
}

// add registers a dial, unless one of its lines or its number is in use by another.
func (o *ordered) add(d *orderedDial) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, other := range o.running {
		same := other.number == d.number && !d.number.IsZero() // raw access has none
		if same || slices.ContainsFunc(d.ttys, func(tty int) bool {
			return slices.Contains(other.ttys, tty)
		}) {
			return fmt.Errorf("%s, at %s, is in progress", other.what, other.number)
		}
	}
	o.running = append(o.running, d)
	return nil
}

// admit lets a dial begin, unless there is a lockdown; then it returns the reason. A later lockdown cancels it.
func (o *ordered) admit(d *orderedDial, l *lockdown) (locked string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.admitted == nil {
		o.admitted = map[*orderedDial]bool{}
	}
	o.admitted[d] = true
	return l.deny()
}

// cut cancels the dials and calls of all orders. It returns how many.
func (o *ordered) cut(cause error) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for d := range o.admitted {
		d.cancel(cause)
		n++
	}
	return n
}

// remove ends a registration.
func (o *ordered) remove(d *orderedDial) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.admitted, d)
	o.running = slices.DeleteFunc(o.running, func(other *orderedDial) bool { return other == d })
}

// dialing returns which order dials a number now; "" if none.
func (o *ordered) dialing(n numbers.Number) (what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.running {
		if d.number == n {
			return d.what
		}
	}
	return ""
}

// takeOrder registers a dial by order, unless there is a lockdown, a line is not idle, or the number is in use or was
// dialed a moment ago. The caller must call ordered.remove.
func (b *Broker) takeOrder(d *orderedDial) error {
	if locked := b.lock.deny(); locked != "" {
		return errors.New(locked)
	}
	for _, tty := range d.ttys {
		if s, ok := b.opt.Pool.Line(tty); !ok {
			return lines.NoLine(tty)
		} else if s.State != lines.Idle {
			return fmt.Errorf("tty %d is %s", tty, s.State)
		}
	}
	if err := b.ordered.add(d); err != nil {
		return err
	}
	// Only now: a callback that dials from here on finds the registration.
	if why := b.undialable(d.number); why != "" {
		b.ordered.remove(d)
		return errors.New(why)
	}
	return nil
}

// undialable returns why a number must not be dialed by order now; "" if it may.
func (b *Broker) undialable(n numbers.Number) string {
	b.mu.Lock()
	used, is := b.inUse(nil, n)
	b.mu.Unlock()
	if is {
		return used.Detail
	}
	if used, is = b.calling(n, ""); is {
		return used.Detail
	}
	if wait := b.dialedAt.wait(n, b.config.Load().HoldOff); wait > 0 {
		return fmt.Sprintf("%s was dialed a moment ago (callback.hold_off): wait %v", n, wait.Round(time.Second))
	}
	return ""
}

// orderLeases is how long an order waits for idle lines: for the probes of their modems.
const orderLeases = 30 * time.Second

// leaseFor leases a line for an order, whose modem is probed first. It must be able to dial; with answers, to be
// called.
func (b *Broker) leaseFor(ctx context.Context, owner string, tty int, answers bool) (*lines.Lease, error) {
	return b.opt.Pool.Acquire(ctx, lines.Want{Owner: owner, Role: lines.ForOrder, TTYs: []int{tty},
		Rotary: lines.NoRotary, Answers: answers})
}

// untilSettled waits, for orderLeases at most, while lines prove that they are on hook after a call, such as that of an
// earlier order.
func (b *Broker) untilSettled(ctx context.Context, ttys ...int) {
	limit := time.NewTimer(orderLeases)
	defer limit.Stop()
	for {
		changed := b.opt.Pool.Changed()
		settling := slices.ContainsFunc(ttys, func(tty int) bool {
			s, _ := b.opt.Pool.Line(tty)
			return s.State == lines.HangingUp
		})
		if !settling {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// trunkOf returns the trunk through which a line dials a number by order; "": the site has no trunks.
func (c *Config) trunkOf(n numbers.Number, tty int) (string, error) {
	site := c.Policies.Site()
	if len(site.Trunks) == 0 {
		return "", nil
	}
	taking, why := site.Trunks.Taking(site.Plan, n)
	i := slices.IndexFunc(taking.Names(), func(name string) bool { return taking.Unfit(name, tty) == "" })
	if i < 0 {
		return "", fmt.Errorf("no trunk of tty %d takes %s: %s", tty, n, why)
	}
	return taking.Names()[i], nil
}

// noteDial notes a dial by order of an earlier process, for callback.hold_off. One that was interrupted ends now.
func (b *Broker) noteDial(row journal.Call, now time.Time) {
	n, err := numbers.Reread(row.Called)
	if err != nil {
		return
	}
	at := now
	if !row.End.IsZero() && row.End.Before(now) { // otherwise the clock was set back
		at = row.End
	}
	b.dialedAt.note(n, at)
}

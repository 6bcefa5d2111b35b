package broker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/callback"
)

// wait is what a callback waits for.
type wait struct {
	kind  callback.TimerKind // its timer
	until time.Time
	why   string
	began time.Time
	full  bool // the forced wait is counted from began, because of a restart
}

// beginsToWait returns the wait of a timer that runs for d from now. If the callback keeps no line meanwhile, the wait
// ends with its dial, after that timer. Only the loop calls it.
func (b *Broker) beginsToWait(w *work, kind callback.TimerKind, d time.Duration) wait {
	if kind == callback.LineRetry {
		if b.rest(w) <= 0 {
			return wait{kind: kind, until: time.Now().Add(d), why: "a line is requested again"}
		}
		d += heldWait
	}
	return wait{kind: kind, until: time.Now().Add(max(d, 0)), why: b.whyItWaits(w, d)}
}

// whyItWaits says why the next dial waits d: the reason that alone takes as long.
func (b *Broker) whyItWaits(w *work, d time.Duration) string {
	number := w.nextStep().Number
	for _, longest := range []struct {
		d   time.Duration
		why string
	}{
		{max(b.untilDialed(w), b.untilBarred(w)), fmt.Sprintf("the modem of tty %s named a time for which it does not "+
			"dial %s (BLACKLISTED or DELAYED)", b.barring(w), number)},
		{b.heldOff(w), fmt.Sprintf("%s was dialed a short time ago (callback.hold_off)", number)},
		{w.putOff(), "a CoA-Request or an operator delayed it"},
	} {
		const passed = time.Second // since d was computed
		if longest.d > 0 && longest.d+passed >= d {
			return longest.why
		}
	}
	if w.state.Tried() {
		return fmt.Sprintf("retry wait before attempt %d of %d", w.nextAttempt(), w.state.Max)
	}
	return "the forced wait after the hang-up"
}

// late returns how long after the end of the wait a dial begins.
func (w *work) late(began time.Time) time.Duration {
	if w.wait.kind != callback.Wait && w.wait.kind != callback.RetryWait {
		return 0
	}
	return max(began.Sub(w.wait.until), 0)
}

// barring names the lines whose modems do not dial the next number of a callback; with a lease, only its line.
func (b *Broker) barring(w *work) string {
	var ttys []int
	for k, until := range b.bars {
		if k.Number == w.nextStep().Number && time.Now().Before(until) && (w.lease == nil || w.lease.TTY() == k.TTY) {
			ttys = append(ttys, k.TTY)
		}
	}
	slices.Sort(ttys)
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ttys), " ", ", "), "[]")
}

// explained adds to the view of a pending callback why it waits and until when.
func (b *Broker) explained(v CallbackView) CallbackView {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.works[v.ID]
	switch {
	case w == nil:
	case w.wait.kind != callback.NoTimer && w.wait.kind == w.state.Timer:
		v.WaitsFor, v.WaitsUntil = w.wait.why, w.wait.until
	case w.state.Phase == callback.Leasing && w.state.Asked:
		v.WaitsFor = "a line is free (`ringback show queue`)"
	}
	return v
}

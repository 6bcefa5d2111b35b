package lines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestLeasesComeBack attacks law 9: whatever happens, in any order, no line is leased twice, no line that is down or
// quarantined is leased, and all leases are released.
func TestLeasesComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(struct{ rapid.TB }{t}, attack) }) // a bubble has no deadline
}

// attacker has the leases, requests and calls of a run.
type attacker struct {
	t       *rapid.T
	w       *town
	queue   []*Waiting
	leases  []*Lease
	calls   map[int]*stubData // incoming, by line
	ringing map[int]bool      // answered, but neither connected nor missed
	bad     map[int]bool      // Settle fails
	odd     map[int]bool      // Probe may return anything
	down    map[int]bool
}

func attack(t *rapid.T) {
	var cfgs []Config
	for tty := range rapid.IntRange(1, 5).Draw(t, "lines") {
		cfgs = append(cfgs, Config{
			TTY: tty + 1, Rotary: rapid.SampledFrom([]int{NoRotary, 0, 1}).Draw(t, "rotary"),
			Modem:  rapid.SampledFrom([]ModemMode{InOut, InOut, CallOut, CallIn}).Draw(t, "mode"),
			InBand: rapid.Bool().Draw(t, "in-band"), SameLine: rapid.Bool().Draw(t, "same line"),
		})
	}
	a := &attacker{t: t, calls: map[int]*stubData{}, ringing: map[int]bool{}, bad: map[int]bool{}, odd: map[int]bool{},
		down: map[int]bool{}}
	prepared := rapid.SampledFrom([]time.Duration{0, time.Second, 2 * prepareTime}).Draw(t, "preparations")
	var o PoolOptions
	if prepared > 0 {
		o.Prepare = preparesFor(prepared)
	}
	a.w = newTownOf(t, o, func(ctx context.Context, c *Call) {
		select {
		case <-c.Done():
		case <-ctx.Done():
		}
	}, cfgs, true)
	defer a.w.stop()
	a.hunt(t)
	t.Repeat(map[string]func(*rapid.T){
		"":        a.check,
		"request": a.request,
		"take":    a.take,
		"cancel":  a.cancel,
		"release": a.release,
		"use":     a.use,
		"ring":    a.ring,
		"connect": a.connect,
		"hang up": a.hangUp,
		"break":   a.breakOrMend,
		"port":    a.port,
		"probe":   a.probe,
		"hunt":    a.hunt,
		"busyout": a.busyOut,
		"in-band": func(t *rapid.T) { a.w.stubs[a.tty(t)].host.InBand(rapid.Bool().Draw(t, "is")) },
		"clear":   func(t *rapid.T) { _ = a.w.Clear(a.tty(t)) },
		"time":    func(t *rapid.T) { <-time.After(time.Duration(rapid.IntRange(1, 30).Draw(t, "s")) * time.Second) },
	})
	a.end()
}

func (a *attacker) tty(t *rapid.T) int { return rapid.IntRange(1, len(a.w.stubs)).Draw(t, "tty") }

func (a *attacker) request(t *rapid.T) {
	roles := []Role{ForCallback, ForUser, ForAdmin}
	x := Want{Owner: "cb", Role: rapid.SampledFrom(roles).Draw(t, "role"),
		Rotary: rapid.SampledFrom([]int{NoRotary, 0, 1}).Draw(t, "rotary"), Called: a.tty(t),
		NoVerify: rapid.Bool().Draw(t, "no verify")}
	if rapid.Bool().Draw(t, "explicit") {
		x.TTYs = []int{a.tty(t), a.tty(t)}
	}
	if rapid.Bool().Draw(t, "some unfit") {
		unfit := a.tty(t)
		x.Unfit = func(tty int) string {
			if tty == unfit {
				return "cannot serve ppp"
			}
			return ""
		}
	}
	if rapid.Bool().Draw(t, "some avoided") {
		x.Avoid = []int{a.tty(t)}
	}
	before := a.w.Lines()
	q, err := a.w.Request(x)
	may, chooseErr := Choose(x, before)
	if (err == nil) != (chooseErr == nil) {
		t.Fatalf("%+v: Request returns %v, Choose returns %v", x, err, chooseErr)
	}
	if err != nil {
		return
	}
	a.queue = append(a.queue, q)
	idle, slow := false, false // slow: the request may be waiting for a probe
	for _, s := range before {
		if s.State == Idle && slices.Contains(may, s.TTY) {
			odd := a.odd[s.TTY] || a.w.probing(s.TTY)
			idle, slow = idle || !odd, slow || odd
		}
	}
	synctest.Wait()
	select {
	case l := <-q.Lease():
		// A probe that failed immediately has put its line out of service, and another line may serve now.
		now, _ := Choose(x, a.w.Lines())
		if !slices.Contains(may, l.TTY()) && !(slow && slices.Contains(now, l.TTY())) {
			t.Fatalf("%+v got tty %d, Choose returned %v, and afterwards %v", x, l.TTY(), may, now)
		}
		if l.Owner() != "cb" {
			t.Fatalf("a lease of %q", l.Owner())
		}
		a.queue = a.queue[:len(a.queue)-1]
		a.leases = append(a.leases, l)
	default:
		if idle && !slow {
			t.Fatalf("%+v waits though one of %v is idle", x, may)
		}
	}
}

func (a *attacker) take(t *rapid.T) {
	for i, q := range a.queue {
		select {
		case l := <-q.Lease():
			a.leases = append(a.leases, l)
			a.queue = slices.Delete(a.queue, i, i+1)
			return
		default:
		}
	}
}

func (a *attacker) cancel(t *rapid.T) {
	if len(a.queue) == 0 {
		return
	}
	i := rapid.IntRange(0, len(a.queue)-1).Draw(t, "which")
	a.queue[i].Cancel()
	if rapid.Bool().Draw(t, "twice") {
		a.queue[i].Cancel()
	}
	a.queue = slices.Delete(a.queue, i, i+1)
}

func (a *attacker) release(t *rapid.T) {
	if len(a.leases) == 0 {
		return
	}
	i := rapid.IntRange(0, len(a.leases)-1).Draw(t, "which")
	a.leases[i].Release()
	if rapid.Bool().Draw(t, "twice") {
		a.leases[i].Release()
	}
	a.leases = slices.Delete(a.leases, i, i+1)
}

func (a *attacker) use(t *rapid.T) {
	if len(a.leases) == 0 {
		return
	}
	l := a.leases[rapid.IntRange(0, len(a.leases)-1).Draw(t, "which")]
	if rapid.Bool().Draw(t, "dial") {
		_, _, _ = l.Dial(context.Background(), func(context.Context, CommandConn) error { return nil })
		return
	}
	_, _ = l.Command(context.Background(), func(context.Context, CommandConn) error { return nil })
}

func (a *attacker) ring(t *rapid.T) {
	tty := a.tty(t)
	if a.down[tty] {
		return
	}
	was, _ := a.w.Line(tty)
	if a.w.stubs[tty].host.Answer("", "") {
		if was.State != Idle || was.Modem == CallOut {
			t.Fatalf("answered: %+v", was)
		}
		a.ringing[tty] = true
	}
}

func (a *attacker) connect(t *rapid.T) {
	tty := a.tty(t)
	if !a.ringing[tty] {
		return
	}
	delete(a.ringing, tty)
	if rapid.Bool().Draw(t, "missed") {
		a.w.stubs[tty].host.Missed(a.proof(tty))
		return
	}
	a.calls[tty] = newStubData(a.proof(tty))
	a.w.stubs[tty].host.Connected(&Call{Data: a.calls[tty], TTY: tty})
}

func (a *attacker) proof(tty int) error {
	switch {
	case a.down[tty]:
		return fmt.Errorf("lost: %w", ErrDown)
	case a.bad[tty]:
		return errors.New("DCD stays on")
	}
	return nil
}

func (a *attacker) hangUp(t *rapid.T) {
	tty := a.tty(t)
	if c := a.calls[tty]; c != nil {
		delete(a.calls, tty)
		_ = c.Hangup(context.Background())
	}
}

func (a *attacker) breakOrMend(t *rapid.T) {
	tty := a.tty(t)
	a.bad[tty] = !a.bad[tty]
	a.w.stubs[tty].settles(a.proof(tty))
}

func (a *attacker) port(t *rapid.T) {
	tty := a.tty(t)
	a.down[tty] = !a.down[tty]
	a.w.stubs[tty].settles(a.proof(tty))
	if a.down[tty] {
		a.w.stubs[tty].host.Down(errors.New("unplugged"))
		return
	}
	a.w.stubs[tty].host.Up(a.proof(tty))
}

// probe changes the result of a modem's probe, and its delay.
func (a *attacker) probe(t *rapid.T) {
	tty := a.tty(t)
	err := rapid.SampledFrom([]error{nil, ErrRinging, ErrDown, errors.New("no OK")}).Draw(t, "says")
	takes := time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second
	a.odd[tty] = a.odd[tty] || err != nil || takes > 0
	a.w.stubs[tty].probes(err, takes)
}

// busyOut orders a line out of service, or back.
func (a *attacker) busyOut(t *rapid.T) {
	all := a.w.Busyouts()
	if tty := a.tty(t); rapid.Bool().Draw(t, "restore") {
		delete(all, tty)
	} else {
		all[tty] = Busyout{By: "uid 0"}
	}
	a.w.SetBusyouts(all)
}

// hunt changes which of several idle lines is used.
func (a *attacker) hunt(t *rapid.T) {
	hunts := map[int]Hunt{}
	for _, r := range []int{0, 1} {
		hunts[r] = rapid.SampledFrom(Hunts()).Draw(t, "hunt")
	}
	a.w.SetHunts(hunts)
}

func (w *town) probing(tty int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines[tty].probing
}

// check runs after each step.
func (a *attacker) check(t *rapid.T) {
	synctest.Wait()
	owned := map[int]int{}
	for _, l := range a.leases {
		owned[l.TTY()]++
	}
	for _, q := range a.queue {
		if len(q.lease) > 0 { // leased, but not received yet
			l := <-q.lease
			q.lease <- l
			owned[l.TTY()]++
		}
	}
	for tty := range a.calls {
		owned[tty]++
	}
	for tty := range a.ringing {
		owned[tty]++
	}
	total := 0
	for tty, n := range owned {
		if total += n; n > 1 {
			t.Fatalf("tty %d is leased %d times", tty, n)
		}
		if s, _ := a.w.Line(tty); s.Owner == "" {
			t.Fatalf("leased without an owner: %+v", s)
		}
		if a.w.stubs[tty].clashed() {
			t.Fatalf("concurrent use of tty %d", tty)
		}
	}
	if out := a.w.Outstanding(); out != total {
		t.Fatalf("%d leases are outstanding, the test has %d", out, total)
	}
	a.checkUsable(t)
}

// checkUsable recounts the lines in service.
func (a *attacker) checkUsable(t *rapid.T) {
	count, trusted := map[int]int{}, map[int]int{}
	for _, s := range a.w.Lines() {
		if s.Rotary != NoRotary && s.Modem != CallIn && s.inService() {
			count[s.Rotary]++
			if !s.Untrusted {
				trusted[s.Rotary]++
			}
		}
	}
	for _, r := range []int{0, 1} {
		a.w.mu.Lock()
		n := a.w.usable[r]
		a.w.mu.Unlock()
		if n.all != count[r] || n.trusted != trusted[r] {
			t.Fatalf("rotary %d: %+v counted, %d in service, %d trusted", r, n, count[r], trusted[r])
		}
	}
}

// end releases all leases and repairs all lines; each line must then become idle.
func (a *attacker) end() {
	for tty, s := range a.w.stubs {
		a.bad[tty], a.down[tty] = false, false
		s.settles(nil)
		s.probes(nil, 0)
		s.host.Up(nil)
	}
	a.w.SetBusyouts(nil)
	<-time.After(5 * time.Minute) // a probe or a preparation may be running or delayed
	for _, q := range a.queue {
		may, _ := Choose(q.want, a.w.Lines())
		for _, tty := range may {
			if len(q.lease) == 0 && a.w.state(tty) == Idle {
				a.t.Fatalf("%+v waits forever although tty %d is idle", q.want, tty)
			}
		}
	}
	for len(a.queue)+len(a.leases) > 0 {
		for _, q := range a.queue {
			q.Cancel()
		}
		for _, l := range a.leases {
			l.Release()
		}
		a.queue, a.leases = nil, nil
	}
	for tty := range a.ringing {
		a.w.stubs[tty].host.Missed(nil)
	}
	for _, c := range a.calls {
		c.err = nil
		_ = c.Hangup(context.Background())
	}
	<-time.After(5 * time.Minute) // a probe or a preparation may be running or delayed
	for _, s := range a.w.Lines() {
		if s.State != Idle {
			a.t.Fatalf("not idle at the end: %+v", s)
		}
	}
	a.w.stop()
}

package broker

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
)

// The simulation runs the loop's own code (take, commit, undo, done) in one goroutine against a world driven by a
// seeded random generator: callers, lines, modems, timers, a disk that fails, a process that is killed between any two
// steps. The laws are checked from outside the loop: what callers were told and what modems were told to dial. The same
// seed gives the same trace.

// disk is a Store in memory. Only what a Commit returned nil for survives a crash.
type disk struct {
	rng       *rand.Rand
	failing   bool
	crash     func(where string) // may end the process before or after a commit
	callbacks map[string]journal.Callback
	attempts  map[string]int             // callback → attempts recorded
	row       map[string]journal.Attempt // callback → the last one
	last      map[string]rowState
	ended     map[string]int // callback → audit records of its end
	lockdown  journal.Lockdown
}

// rowState is the state of the row of a callback's last attempt.
type rowState int

const (
	none  rowState = iota
	open           // recorded, and the dial command may be sent
	spare          // it was held back
	over
)

var errDisk = errors.New("no space left on device")

func (d *disk) Commit(ctx context.Context, tx ...journal.Mutation) error {
	return d.CommitEach(ctx, tx)[0]
}

func (d *disk) Room() error { return nil }

func (d *disk) CommitEach(_ context.Context, groups ...[]journal.Mutation) []error {
	d.crash("before a commit")
	errs := make([]error, len(groups))
	for i, g := range groups {
		if d.failing {
			errs[i] = errDisk
			continue
		}
		for _, m := range g {
			d.apply(m)
		}
	}
	d.crash("after a commit")
	return errs
}

func (d *disk) apply(m journal.Mutation) {
	switch m := m.(type) {
	case journal.PutCallback:
		if old, ok := d.callbacks[m.Callback.ID]; ok && !old.Pending() &&
			!(old.Outcome == journal.GivenUp && m.Callback.Epoch > old.Epoch) {
			panic("an ended callback was written again: " + m.Callback.ID)
		}
		d.callbacks[m.Callback.ID] = m.Callback
	case journal.PutAttempt:
		d.attempts[m.Attempt.CallbackID]++
		d.row[m.Attempt.CallbackID] = m.Attempt
		d.last[m.Attempt.CallbackID] = open
	case journal.ReopenAttempt:
		if id := m.Attempt.CallbackID; d.last[id] != spare || d.attempts[id] != m.Attempt.N {
			panic("an attempt that may have been dialed was reused: " + id)
		}
		d.row[m.Attempt.CallbackID] = m.Attempt
		d.last[m.Attempt.CallbackID] = open
	case journal.EndAttempt:
		if d.last[m.CallbackID] == open && d.attempts[m.CallbackID] == m.N {
			d.last[m.CallbackID] = over
			if m.Outcome == journal.HeldBack {
				d.last[m.CallbackID] = spare
			}
		}
	case journal.PutLockdown:
		d.lockdown = m.Lockdown
	case journal.AddAudit:
		if kind, ok := strings.CutSuffix(m.Audit.Kind, " ended"); ok {
			d.ended[strings.TrimPrefix(kind, "callback ")]++
		}
	}
}

func (d *disk) Pending(context.Context) (v []journal.Callback, _ []journal.Damage, _ error) {
	for _, id := range slices.Sorted(maps.Keys(d.callbacks)) {
		if c := d.callbacks[id]; c.Pending() {
			v = append(v, c)
		}
	}
	return v, nil, nil
}

func (d *disk) OpenCalls(context.Context) ([]journal.Call, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) LoginLimits(context.Context) ([]journal.LoginLimit, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) LoginNames(context.Context) ([]journal.LoginName, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Lockdown(context.Context) (journal.Lockdown, error) { return d.lockdown, nil }
func (d *disk) AccessWindows(context.Context) ([]journal.AccessWindow, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Calls(context.Context, int, journal.CallFilter) ([]journal.Call, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Usage(context.Context, time.Time, time.Time) (_ []journal.Usage, _ time.Time, _ []journal.Damage,
	_ error) {
	return
}
func (d *disk) Triggered(context.Context) ([]journal.Triggered, []journal.Damage, error) {
	return nil, nil, nil
}

func (d *disk) Dialed(context.Context) ([]journal.Dialed, []journal.Damage, error) {
	return nil, nil, nil
}

func (d *disk) LineRecords(context.Context) ([]journal.LineRecord, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Owed(context.Context) ([]journal.Owed, []journal.Damage, error) { return nil, nil, nil }
func (d *disk) SpoolLists(context.Context) ([]string, error)                   { return nil, nil }
func (d *disk) SpoolAfter(context.Context, string, int64, int) ([]journal.Spooled, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Accounts(context.Context, ...string) ([]journal.Account, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Reservations(context.Context) ([]journal.Reservation, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) CountCallbacks(context.Context, journal.Filter) (int, error) { panic("not asked") }
func (d *disk) Callbacks(context.Context, int, journal.Filter) ([]journal.Callback, []journal.Damage, error) {
	return nil, nil, nil
}
func (d *disk) Callback(context.Context, string) (journal.Callback, []journal.Attempt, error) {
	return journal.Callback{}, nil, journal.ErrNotFound
}

// killed is the panic that ends the process.
type killed struct{}

// happening is a scheduled event of the world.
type happening struct {
	at   time.Duration
	seq  int
	life int // the process that ordered it; 0: the world itself
	do   func()
}

type agenda []happening

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	*a = old[:len(old)-1]
	return x
}

// world is everything outside the loop.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	trace  hash.Hash
	disk   *disk
	b      *Broker
	now    time.Duration
	seq    int
	agenda agenda
	life   int // counts processes
	kills  int

	heard  map[string]bool // callbacks that a caller was told about
	dials  map[string]int  // callback → dial commands that modems received
	tries  map[string]int  // callback → orders to dial, including those whose dial command was held back
	held   int
	budget map[string]int
	plans  map[string]callback.Plan
	steps  map[string]map[int]int  // callback → step of its plan → dial commands
	final  map[string]map[int]bool // callback → steps that can never succeed
	passed int
	over   map[string]bool          // callbacks whose end was carried out or is on disk
	leases map[uint64]bool          // leased to this process and not returned
	putOff map[string]time.Duration // callback → the confirmed time before which it must not be dialed
	puts   int
	locked bool // a lockdown was acknowledged, and no order to lift it was given
	locks  int
}

func (w *world) log(format string, args ...any) {
	fmt.Fprintf(w.trace, "%v ", w.now)
	fmt.Fprintf(w.trace, format+"\n", args...)
}

func (w *world) in(d time.Duration, life int, do func()) {
	w.seq++
	heap.Push(&w.agenda, happening{at: w.now + d, seq: w.seq, life: life, do: do})
}

// some returns a random duration up to d.
func (w *world) some(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

// feed passes an event to the loop, as this process would.
func (w *world) feed(e event) {
	batch := append(w.b.backlog, e)
	w.b.backlog = nil
	for _, e := range batch {
		w.log("%s %T %+v", e.id, e.what, e.what)
		w.b.round(context.Background(), []event{e})
	}
}

// boot starts a process on the data of the disk.
func (w *world) boot() {
	w.life++
	w.leases = map[uint64]bool{}
	b := New(Options{Journal: w.disk}, Config{Policies: mustPolicies(w.t)})
	b.carry = w.carry
	b.again = func(_ context.Context, e event) { w.in(time.Second, w.life, func() { w.feed(e) }) }
	w.b = b
	if err := b.recover(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	for _, work := range b.works {
		if work.state.NotBefore != 0 { // in the world's time
			work.state.NotBefore = int64(w.now + work.state.Delay)
		}
	}
	backlog := b.backlog
	b.backlog = nil
	slices.SortFunc(backlog, func(x, y event) int { return cmpText(x.id, y.id) })
	for _, e := range backlog {
		w.feed(e)
	}
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// carry carries out an effect in the world.
func (w *world) carry(_ context.Context, work *work, e callback.Effect) {
	id, life := work.row.ID, w.life
	w.log("%s %v", id, e)
	w.disk.crash("before an effect")
	say := func(d time.Duration, what callback.Event) {
		w.in(d, life, func() { w.feed(event{id: id, what: what}) })
	}
	switch e := e.(type) {
	case callback.Tell:
		if _, ok := w.disk.callbacks[id]; !ok {
			w.t.Fatalf("callback %s: told before it was on disk (law 1)", id)
		}
		w.heard[id] = true
		if w.rng.IntN(20) > 0 { // otherwise they never hang up by themselves
			say(w.some(2*time.Second), callback.HungUp{})
		}
	case callback.HangUpCaller:
		if w.rng.IntN(4) > 0 {
			say(w.some(time.Second), callback.HungUp{})
		} else {
			say(w.some(time.Second), callback.HangUpUnproven{Cause: "DCD stuck"})
		}
	case callback.Acquire:
		if w.rng.IntN(8) == 0 {
			say(w.some(time.Second), callback.NoLine{Cause: "all lines are busy"})
			return
		}
		if w.rng.IntN(20) == 0 { // this step's lines will never exist
			w.sayFinal(id, w.plans[id].Step(work.state.Next()), w.some(time.Second),
				callback.NoLine{Cause: "no such line", Final: true})
			return
		}
		w.in(w.some(time.Minute), life, func() {
			w.leases[w.b.leaseSeq+1] = true
			w.feed(event{id: id, what: callback.Leased{}})
		})
	case callback.OffHook:
		if w.rng.IntN(15) == 0 {
			say(w.some(time.Minute), callback.LineLost{Lease: e.Lease, Cause: "unplugged"})
		}
		say(w.some(3*time.Second), callback.OffHookEnded{Lease: e.Lease})
	case callback.ArmTimer:
		d := map[callback.TimerKind]time.Duration{
			callback.Lifetime: time.Hour, callback.Wait: 5 * time.Second, callback.RetryWait: 30 * time.Second,
			callback.DialDeadline: 5 * time.Minute,
		}[e.Kind]
		if d == 0 {
			d = 20 * time.Second
		}
		if e.Kind == callback.Wait || e.Kind == callback.RetryWait {
			d = max(d, time.Duration(work.state.NotBefore)-w.now)
		}
		say(d, callback.TimerFired{Kind: e.Kind, Gen: e.Gen})
	case callback.Recheck:
		reason := ""
		takes := time.Second
		switch w.rng.IntN(50) {
		case 0:
			reason = "the number is denied now"
			if next := w.plans[id].After(work.state.Next()); w.rng.IntN(2) == 0 { // another number may be allowed
				w.sayFinal(id, w.plans[id].Step(work.state.Next()), w.some(takes),
					callback.DenialRechecked{Gen: e.Gen, Reason: reason, Next: next})
				return
			}
		case 1: // AAA is asked again, and is silent
			reason, takes = "authorization before the dial: silent", 2*time.Minute
		case 2: // … or answers late
			takes = 2 * time.Minute
		}
		say(w.some(takes), callback.DenialRechecked{Gen: e.Gen, Reason: reason})
	case callback.Dial:
		w.tries[id]++
		if w.rng.IntN(3) == 0 { // glare, or a dead modem: it receives nothing
			w.heldBack(id, e)
			return
		}
		w.dialCommand(id, e)
		w.dialEnds(id, e, say)
	case callback.StartSession:
		w.legTwo(e, say)
	case callback.ReleaseLease:
		if !w.leases[e.Lease] {
			w.t.Fatalf("callback %s: lease %d was returned twice, or never leased (law 9)", id, e.Lease)
		}
		delete(w.leases, e.Lease)
	case callback.End:
		w.over[id] = true
	}
}

// dialCommand is the modem's side of a Dial. It checks law 2.
func (w *world) dialCommand(id string, e callback.Dial) {
	w.dials[id]++
	step := w.plans[id].Step(e.Of)
	if w.final[id][step] {
		w.t.Fatalf("callback %s: step %d dialed again, although it can never succeed", id, step)
	}
	if w.steps[id][step]++; w.steps[id][step] > w.plans[id][step].Times {
		w.t.Fatalf("callback %s: step %d dialed %d times of %d (law 2)", id, step, w.steps[id][step],
			w.plans[id][step].Times)
	}
	if row := w.disk.row[id]; row.Step != step || row.Number != w.plans[id][step].Number.String() ||
		row.N != e.Attempt {
		w.t.Fatalf("callback %s: dial %d of its plan, but the disk has %+v (law 2)", id, e.Of, row)
	}
	if w.disk.attempts[id] < w.dials[id] {
		w.t.Fatalf("callback %s: %d dial commands, %d attempts on disk (law 2)", id, w.dials[id], w.disk.attempts[id])
	}
	if w.disk.last[id] != open {
		w.t.Fatalf("callback %s: dialed, and its attempt is not open on disk (law 2)", id)
	}
	if w.locked {
		w.t.Fatalf("callback %s: dialed after a lockdown was acknowledged", id)
	}
	if w.over[id] {
		w.t.Fatalf("callback %s: dialed after its end (law 3)", id)
	}
	if !w.leases[e.Lease] {
		w.t.Fatalf("callback %s: dialed without its lease", id)
	}
	if w.now < w.putOff[id] {
		w.t.Fatalf("callback %s: dialed at %v, delayed until %v (law 8)", id, w.now, w.putOff[id])
	}
}

// heldBack reports the end of a dial that never reached the modem, sometimes twice.
func (w *world) heldBack(id string, e callback.Dial) {
	w.held++
	what := callback.DialEnded{Attempt: e.Attempt, Lease: e.Lease, Outcome: "glare", HeldBack: true,
		Unproven: w.rng.IntN(10) == 0}
	rows := []journal.Mutation{journal.EndAttempt{CallbackID: id, N: e.Attempt, Outcome: journal.HeldBack}}
	life := w.life
	w.in(w.some(time.Second), life, func() { w.feed(event{id: id, what: what, rows: rows}) })
	if w.rng.IntN(5) == 0 { // twice, late
		w.in(w.some(10*time.Minute), life, func() { w.feed(event{id: id, what: what}) })
	}
}

func (w *world) dialEnds(id string, e callback.Dial, say func(time.Duration, callback.Event)) {
	ended := callback.DialEnded{Attempt: e.Attempt, Lease: e.Lease, Connected: w.rng.IntN(2) == 0, Outcome: "busy"}
	if ended.Connected {
		ended.Outcome = "connected"
	}
	ended.Unproven = !ended.Connected && w.rng.IntN(10) == 0
	if ended.Final = !ended.Connected && w.rng.IntN(6) == 0; ended.Final {
		ended.Outcome = "no script"
		w.sayFinal(id, w.plans[id].Step(e.Of), w.some(time.Minute), ended)
		return
	}
	if w.rng.IntN(30) > 0 { // otherwise the dialer hangs
		say(w.some(time.Minute), ended)
	}
	if w.rng.IntN(5) == 0 { // twice, late
		say(w.some(10*time.Minute), ended)
	}
}

// sayFinal reports that a step of a plan can never succeed. Once that is on disk the step must not be dialed again.
func (w *world) sayFinal(id string, step int, d time.Duration, what callback.Event) {
	w.in(d, w.life, func() {
		reply := make(chan error, 1)
		w.feed(event{id: id, what: what, reply: reply})
		select {
		case err := <-reply:
			if err == nil {
				w.final[id][step] = true
				w.passed++
			}
		default: // the disk failed; it is retried
		}
	})
}

func (w *world) legTwo(e callback.StartSession, say func(time.Duration, callback.Event)) {
	switch w.rng.IntN(4) {
	case 0:
		say(w.some(time.Minute), callback.NotAdmitted{Attempt: e.Attempt, Cause: "wrong password"})
		say(time.Minute+w.some(time.Second), callback.CallEnded{Attempt: e.Attempt, Cause: "hung up"})
	case 1:
		say(w.some(time.Minute), callback.CallEnded{Attempt: e.Attempt, Cause: "lost carrier",
			Unproven: w.rng.IntN(10) == 0})
	default:
		say(w.some(time.Minute), callback.Admitted{Attempt: e.Attempt})
		say(time.Minute+w.some(time.Hour), callback.CallEnded{Attempt: e.Attempt, Cause: "user request"})
	}
}

// plan returns 1 to 3 steps, each with its own number, which a few other users have too, and perhaps its own lines.
func (w *world) plan(user int) (p callback.Plan) {
	for i := range 1 + w.rng.IntN(3) {
		s := callback.PlanStep{Number: number(fmt.Sprintf("84%02d%d", user-user%4*w.rng.IntN(2), i)),
			Times: 1 + w.rng.IntN(2)}
		if w.rng.IntN(3) == 0 {
			s.Lines = []int{65 + i}
		}
		p = append(p, s)
	}
	return p
}

// caller logs in, and is promised a callback or not.
func (w *world) caller(n int) {
	number := w.rng.IntN(40)
	plan, user := w.plan(number), "user"+strconv.Itoa(number)
	id := fmt.Sprintf("cb%06d", n)
	service := []aaa.Service{aaa.EXEC, aaa.PPP}[n%2]
	work := newWork(journal.Callback{
		ID: id, User: user, Entry: "radius", Service: string(service), Created: time.Now(), Decision: "{}",
		Authorization: "{}",
	}, trace{}, grant{})
	work.follow(plan)
	pending := w.b.beside(work)
	w.budget[id], w.plans[id], w.steps[id], w.final[id] = plan.Dials(), plan, map[int]int{}, map[int]bool{}
	reply := make(chan error, 1)
	w.feed(event{id: id, promise: work, what: callback.Promise{ID: id, Max: plan.Dials()}, reply: reply})
	select {
	case err := <-reply:
		if err == nil && pending != nil {
			w.t.Fatalf("user %s: promised although %v (law 3)", user, pending)
		}
		if err != nil && w.heard[id] {
			w.t.Fatalf("callback %s: promised to the caller, then refused: %v (law 1)", id, err)
		}
	default:
	}
	if w.rng.IntN(30) == 0 {
		w.in(w.some(time.Minute), w.life, func() { w.feed(event{id: id, what: callback.Cancel{By: "operator"}}) })
	}
	for range w.rng.IntN(4) {
		w.in(w.some(2*time.Minute), 0, func() { w.coa(id) })
	}
}

// lockdown is an operator's order; it lasts a few minutes, and is repeated until the disk takes it.
func (w *world) lockdown() {
	row, _ := w.b.lock.begin(journal.Lockdown{Active: true, Reason: "fraud", Who: "operator"})
	w.log("lockdown")
	w.in(w.some(5*time.Minute), 0, w.lift)
	if w.disk.Commit(context.Background(), journal.PutLockdown{Lockdown: row}) != nil {
		w.in(time.Second, w.life, w.lockdown)
		return
	}
	w.locked = true
	w.locks++
}

func (w *world) lift() {
	if w.b.lock.over() == nil {
		return // an order that overtook this one
	}
	was := w.locked
	w.locked = false
	if w.disk.Commit(context.Background(), journal.PutLockdown{}) != nil {
		w.locked = was
		w.in(time.Second, 0, w.lift)
		return
	}
	w.b.lock.lift(w.b.lock.order)
	w.log("lifted")
}

// coa is a Change or a Disconnect from AAA, in any state of the callback. A confirmed request must have taken effect.
func (w *world) coa(id string) {
	if w.rng.IntN(10) == 0 {
		w.feed(event{id: id, what: callback.Cancel{By: "CoA"}})
		return
	}
	until, reply := w.now+w.some(10*time.Minute), make(chan error, 1)
	w.feed(event{id: id, what: callback.Delay{NotBefore: int64(until), For: until - w.now, By: "CoA"},
		reply: reply})
	select {
	case err := <-reply:
		if err != nil {
			return
		}
		if until <= w.putOff[id] {
			w.t.Fatalf("callback %s: delayed until %v, then until %v (law 8)", id, until, w.putOff[id])
		}
		w.putOff[id] = until
		w.puts++
	default: // the disk failed; it is retried, and the request was not confirmed
	}
}

// run simulates n callers, then lets everything end. A kill is a panic out of the loop's code; the next process starts
// on the disk.
func (w *world) run(n int) {
	for i := range n {
		w.in(w.some(time.Duration(n)*30*time.Second), 0, func() { w.caller(i) })
	}
	for range n / 20 {
		w.in(w.some(time.Duration(n)*30*time.Second), 0, w.lockdown)
	}
	w.safely(w.boot)
	for w.agenda.Len() > 0 {
		h := heap.Pop(&w.agenda).(happening)
		w.now = h.at
		if h.life != 0 && h.life != w.life {
			continue // that process is dead
		}
		if w.rng.IntN(200) == 0 {
			w.disk.failing = !w.disk.failing
		}
		w.safely(h.do)
		if w.agenda.Len() == 0 {
			w.disk.failing = false
			w.retryAll()
		}
	}
}

// retryAll is a restart at the end, which resumes what a failing disk delayed.
func (w *world) retryAll() {
	if v, _, _ := w.disk.Pending(context.Background()); len(v) > 0 {
		w.safely(w.boot)
	}
}

// safely runs a part of the process; if it is killed, the next process starts.
func (w *world) safely(do func()) {
	killedNow := func() (killedNow bool) {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case killed:
				killedNow = true
			default:
				panic(r)
			}
		}()
		do()
		return false
	}()
	if killedNow {
		w.kills++
		w.log("killed")
		w.safely(w.boot)
	}
}

func mustPolicies(t *testing.T) *policies.Set {
	s, err := policies.New(policies.Site{Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// simulate runs one seed and returns the trace's hash.
func simulate(t *testing.T, seed uint64, callers int) (sum string, w *world) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 5732))
	w = &world{
		t: t, rng: rng, trace: sha256.New(), putOff: map[string]time.Duration{}, heard: map[string]bool{},
		dials: map[string]int{}, tries: map[string]int{}, budget: map[string]int{},
		plans: map[string]callback.Plan{}, steps: map[string]map[int]int{}, final: map[string]map[int]bool{},
		over: map[string]bool{},
	}
	w.disk = &disk{rng: rng, callbacks: map[string]journal.Callback{}, attempts: map[string]int{},
		row: map[string]journal.Attempt{}, last: map[string]rowState{}, ended: map[string]int{}}
	w.disk.crash = func(string) {
		if rng.IntN(300) == 0 {
			panic(killed{})
		}
	}
	w.run(callers)
	w.verify(seed)
	return hex.EncodeToString(w.trace.Sum(nil)), w
}

// verify checks the laws: every callback that a caller was told about ended once, and dials ≤ attempts ≤ budget.
func (w *world) verify(seed uint64) {
	for id := range w.heard {
		c, ok := w.disk.callbacks[id]
		if !ok || c.Pending() {
			w.t.Errorf("seed %d: callback %s was promised and has no end: %+v", seed, id, c.Phase)
		}
		if w.disk.ended[id] != 1 {
			w.t.Errorf("seed %d: callback %s has %d audit records of its end", seed, id, w.disk.ended[id])
		}
	}
	for id, n := range w.dials {
		if a := w.disk.attempts[id]; n > a || a > w.budget[id] {
			w.t.Errorf("seed %d: callback %s: %d dials, %d attempts, budget %d", seed, id, n, a, w.budget[id])
		}
	}
	for id, n := range w.tries {
		if n > w.budget[id]+callback.MaxHeldBack {
			w.t.Errorf("seed %d: callback %s: %d orders to dial, budget %d", seed, id, n, w.budget[id])
		}
	}
}

// TestSimulation simulates thousands of callbacks with faults and crashes, each seed twice.
func TestSimulation(t *testing.T) {
	seeds := 8 // scripts/long: 500
	if v := os.Getenv("RINGBACK_SEEDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("RINGBACK_SEEDS=%s: %v", v, err)
		}
		seeds = n
	}
	var heard, dials, held, kills, puts, passed, locks int
	for seed := range uint64(seeds) {
		one, w := simulate(t, seed, 200)
		if two, _ := simulate(t, seed, 200); one != two {
			t.Errorf("seed %d: two runs, two traces", seed)
		}
		heard += len(w.heard)
		for _, n := range w.dials {
			dials += n
		}
		held += w.held
		kills += w.kills
		puts += w.puts
		locks += w.locks
		passed += w.passed
	}
	t.Logf("%d seeds: %d promises, %d dial commands, %d held back, %d final steps, %d delayed, %d kills, "+
		"%d lockdowns", seeds, heard, dials, held, passed, puts, kills, locks)
	if passed < seeds*5 || heard < seeds*20 || kills < seeds || dials < seeds*10 || held < seeds*10 || puts < seeds*5 ||
		locks < seeds*3 {
		t.Errorf("too few events to prove anything: %d promises, %d dials, %d kills", heard, dials, kills)
	}
}

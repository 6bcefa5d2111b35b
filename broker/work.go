package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// work is one callback that the loop handles. Only the loop writes it; fields that views read are written under the
// Broker's mutex.
type work struct {
	state callback.State
	row   journal.Callback
	trace trace
	auth  grant

	plan     callback.Plan     // what its attempts dial; set by follow, restored by readPlan
	attempts policies.Attempts // what follows an attempt that failed, as promised
	// its numbers take turns with those of the user's next callback
	remembers bool
	// added to the wait before the first dial; drawn with the promise
	randomWait time.Duration
	barred     []barredFor // what modems said of its numbers
	hurried    int         // the dial before which an operator has ended the retry wait; 0: none. A restart forgets it
	avoid      int         // the line of that attempt, if the next one is to be made on another; 0: any

	hungUp    time.Time // when leg one went down (monotonic); zero after a restart
	dialEnded time.Time // when the last attempt ended
	begun     time.Time // when this process began with the callback (monotonic)
	expires   time.Time // when its lifetime ends (monotonic); zero: never
	notBefore time.Time // when a delayed dial may begin (monotonic); zero if not delayed, or delayed by another process
	// left by an earlier process, and Restarted is not on disk yet: its state describes resources that no longer exist
	unstarted bool
	leg1      *call  // until it is down
	ringing   bool   // instead of leg 1: the call that is not answered has not stopped ringing yet
	leg1Stop  string // accounting record whose acknowledgement the dial awaits for a limited time

	timers  map[callback.TimerKind]*time.Timer
	wait    wait // the last one that began
	waiting *lines.Waiting
	lease   *lines.Lease
	leaseNo uint64
	// lineWait is the forced wait of the leased line at the time of the lease: no reload shortens a wait (law 8).
	lineWait   time.Duration
	dial       *dial
	dialedFrom int            // the line of the last dial; 0: none in this process
	dialed     numbers.Number // in it; zero: none

	rejectInUse bool             // not promised to a number that another callback has on a call
	limits      policies.Limits  // of the promise
	slot        time.Duration    // reserved for each attempt; 0: nothing is reserved
	rates       []tariff.Rate    // by step of the plan; the zero Rate for a number without a price
	spent       map[int]spent    // by attempt
	reservation *journal.Reserve // until the promise is recorded

	// In a fleet. The Broker's mutex guards row.Epoch and what follows up to offered.
	granted     int  // the attempt that this process has recorded in the fleet, and may dial
	spentUnrung int  // the attempt that counts although nothing may be dialed for it
	offered     bool // to other nodes, at offeredAt
	offeredAt   time.Time
	shared      bool // the fleet has its completion

	foreign   bool                        // another node has promised it
	ending    atomic.Int32                // ends that are being recorded in the fleet
	claimed   atomic.Pointer[lines.Lease] // with which it was taken from another node
	again     *event                      // with which a later process begins; nil: it has begun
	stopOffer context.CancelFunc          // ends an offer that is not made yet; nil if none
	stopAwait context.CancelFunc          // ends the wait for a line that may serve; nil if none

	stopCheck context.CancelFunc // ends the last Recheck; nil if none
	stopWatch context.CancelFunc // ends the watch over the leased line; nil if none
}

// unwatch ends the watch over the leased line.
func (w *work) unwatch() {
	if w.stopWatch != nil {
		w.stopWatch()
		w.stopWatch = nil
	}
}

// verifyOn returns why a callback without verification needs a login on this line; "" if it needs none, or needs one
// anyway.
func (w *work) verifyOn(c lines.Config) string {
	switch {
	case !w.row.NoVerify || lines.Want{Called: w.calledHere()}.MayOmitLogin(c):
		return ""
	case !c.Trusted():
		return fmt.Sprintf("tty %d has no modem signals (insecure_signals is off): leg two requires a login", c.TTY)
	}
	return fmt.Sprintf("tty %d was called and calls back (callback.same_line_no_verify is off): leg two requires "+
		"a login", c.TTY)
}

// dial is a running attempt: its dialer, then leg two's call.
type dial struct {
	attempt int
	began   time.Time
	cancel  context.CancelCauseFunc // ends the dialer, later the session
	call    *lines.Call             // set when connected
}

// grant is what leg two needs from leg one's authorization and call. It is stored in the journal with the promise; it
// has no secrets.
type grant struct {
	Server  string            `json:"server,omitempty"`
	Auth    aaa.Authorization `json:"authorization"`
	Called  string            `json:"called,omitempty"`   // the number that the caller dialed
	PPPAuth string            `json:"ppp_auth,omitempty"` // as in session.Asked
	Class   [][]byte          `json:"class,omitempty"`    // Auth does not encode it
}

func (g grant) encode() string {
	g.Class = g.Auth.Class
	g.Auth.Readings = nil // Attributes say the same in fewer octets
	return mustJSON(g)
}

func decodeGrant(s string) (grant, error) {
	var g grant
	if err := json.Unmarshal([]byte(s), &g); err != nil {
		return grant{}, err
	}
	g.Auth.Class = g.Class
	return g, nil
}

// pppAuth is the method of the caller for the policies. Version 0.3.0 and earlier did not store it.
func (g grant) pppAuth() string { return cmp.Or(g.PPPAuth, policies.AnyPPPAuth) }

// trace is the reason for a callback's decision and its history, as its row has them.
type trace struct {
	Decision policies.Trace // nil in a later process: only head has it
	Group    string

	earlier string   // what an earlier process has written; "": nothing, or it was read
	head    []byte   // the decision and the group, encoded; nil: not encoded yet
	lines   [][]byte // the history, encoded
}

// recorded is what the row of a callback has of its trace.
type recorded[Decision, Line any] struct {
	Decision Decision `json:"decision"`
	Group    string   `json:"group"`
	History  []Line   `json:"history"`
}

// read reads what an earlier process has written. That is done when the trace is first needed: a start with many
// pending callbacks does not wait for it. Nothing depends on a trace but what operators see, so one that cannot be read
// says so and goes on.
func (t *trace) read() {
	if t.earlier == "" {
		return
	}
	var r recorded[json.RawMessage, json.RawMessage]
	err := unmarshal(t.earlier, &r)
	t.earlier = ""
	if err != nil {
		t.head = headOf("null", t.Group)
		t.add(Happening{Time: time.Now(), Text: fmt.Sprintf("the history until here cannot be read: %v", err)})
		return
	}
	t.head = headOf(cmp.Or(string(r.Decision), "null"), t.Group)
	for _, line := range r.History {
		t.lines = append(t.lines, line)
	}
}

// Happening is one line of a callback's history.
type Happening struct {
	Time  time.Time `json:"time"`
	What  string    `json:"what"`           // the event
	Phase string    `json:"phase"`          // the phase after it
	Text  string    `json:"text,omitempty"` // details for operators
}

// maxHistory limits the history of a callback that is retried for a long time; the oldest lines except the first are
// dropped.
const maxHistory = 200

func (t *trace) add(h Happening) {
	t.read()
	if len(t.lines) >= maxHistory {
		t.lines = append(t.lines[:1], t.lines[2:]...)
	}
	t.lines = append(t.lines, []byte(mustJSON(h)))
}

// undo removes the line that was added last.
func (t *trace) undo() {
	if n := len(t.lines); n > 0 {
		t.lines = t.lines[:n-1]
	}
}

// headOf returns the beginning of a trace's JSON.
func headOf(decision, group string) []byte {
	return []byte(`{"decision":` + decision + `,"group":` + mustJSON(group) + `,"history":[`)
}

// encode returns the JSON of t, a recorded. It reuses what was encoded before, because a callback stores its trace at
// every step.
func (t *trace) encode() string {
	t.read()
	if t.head == nil {
		t.head = headOf(mustJSON(t.Decision), t.Group)
	}
	n := len(t.head) + len("]}")
	for _, line := range t.lines {
		n += len(line) + len(",")
	}
	var out strings.Builder
	out.Grow(n)
	out.Write(t.head)
	for i, line := range t.lines {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(line)
	}
	out.WriteString("]}")
	return out.String()
}

func newWork(row journal.Callback, t trace, g grant) *work {
	return &work{row: row, trace: t, auth: g, timers: map[callback.TimerKind]*time.Timer{}, begun: time.Now()}
}

// overdue reports whether the lifetime has ended.
func (w *work) overdue() bool { return !w.expires.IsZero() && time.Now().After(w.expires) }

func (w *work) identity() aaa.Identity { return aaa.Identity{Entry: w.row.Entry, User: w.row.User} }

// scripts returns the patterns that select the chat script of a dial from the leased line; it must match all. They are
// that of the plan's step (the group's policy) or of the line, and the step's for any line. Without any, it is the
// built-in one of the callback's service, by a pattern that matches no script of the user.
func (b *Broker) scripts(w *work, s callback.PlanStep) []string {
	if s.Script != "" || w.lease == nil {
		return patterns(s.Script, s.Modem)
	}
	l, ok := b.config.Load().Lines[w.lease.TTY()]
	own := cmp.Or(l.CallbackScript, l.DialerScript)
	if ok && own == "" && s.Modem == "" {
		own = "^" + w.row.Service + "-callback$"
	}
	return patterns(own, s.Modem)
}

// systemScripts returns the patterns that select the script that runs after the dial of a step, on the call.
func (b *Broker) systemScripts(w *work, s callback.PlanStep) []string {
	if w.lease == nil {
		return patterns(s.System)
	}
	return patterns(b.config.Load().Lines[w.lease.TTY()].SystemScript, s.System)
}

// noScript returns why the next dial has no script although the group's policy or the line demands one; "" if it has.
// A dial with the script of its line alone tells by itself, and is made on another line.
func (b *Broker) noScript(w *work) string {
	s := w.nextStep()
	modem, system := b.scripts(w, s), b.systemScripts(w, s)
	if w.lease == nil || s.Modem == "" && len(system) == 0 {
		return ""
	}
	d := b.config.Load().Dialer
	if err := cmp.Or(d.Check(modem...), d.Check(system...)); err != nil {
		return fmt.Sprintf("tty %d: %v", w.lease.TTY(), err)
	}
	return ""
}

// joined returns patterns that a script matches together as one text.
func joined(patterns []string) string { return strings.Join(patterns, " and ") }

// patterns returns those that are not empty.
func patterns(all ...string) []string {
	return slices.DeleteFunc(all, func(p string) bool { return p == "" })
}

// cannotBeCut reports whether a shutdown waits for this callback.
func (w *work) cannotBeCut() bool {
	switch w.state.Phase {
	case callback.Promised:
		return !w.ringing // a call that rings is not ours to end
	case callback.Dialing, callback.Answered:
		return true
	}
	return false
}

// readState sets the state from the row.
func (w *work) readState() error {
	if err := unmarshal(w.row.State, &w.state); err != nil {
		return err
	}
	w.state.ID, w.state.Phase, w.state.Cause = w.row.ID, callback.Phase(w.row.Phase), w.row.Cause
	w.state.Attempt, w.state.Max = w.row.Attempts, w.row.Max
	return nil
}

// restore sets the state of a pending callback from the row.
func (w *work) restore() error {
	if err := w.readState(); err != nil {
		return err
	}
	switch w.state.Phase {
	case callback.Promised, callback.Leasing, callback.Waiting, callback.Dialing, callback.Answered:
		return nil
	}
	return fmt.Errorf("phase %q is not that of a pending callback", w.row.Phase)
}

// decided is a decision as stored in its callback's row, without what has a column there.
type decided struct {
	policies.Decision
	Number   struct{} `json:"number,omitzero"`
	NoVerify struct{} `json:"no_verify,omitzero"`
	Lines    struct{} `json:"callback_line,omitzero"`
	Tiers    struct{} `json:"callback_tiers,omitzero"`
	Rotary   struct{} `json:"callback_rotary,omitzero"`
	Digest   struct{} `json:"digest,omitzero"`
}

// decision returns the decision of the promise for the next dial, as the row has narrowed it.
func (w *work) decision() (d policies.Decision, err error) {
	err = unmarshal(w.row.Decision, &d)
	s := w.nextStep()
	d.Number, d.NoVerify, d.Digest = s.Number, w.row.NoVerify, w.row.PolicyDigest
	d.Lines, d.Tiers, d.Rotary = s.Lines, s.Tiers, s.Rotary
	return d, err
}

// record updates the row from the state and returns it for the commit.
func (w *work) record(now time.Time) journal.Callback {
	w.row.Phase = string(w.state.Phase)
	w.row.State = mustJSON(w.state)
	w.row.Attempts, w.row.Max = w.state.Attempt, w.state.Max
	w.row.Cause = w.state.Cause
	w.row.Updated = now
	w.row.Trace = w.trace.encode()
	if w.state.Phase.Terminal() && w.row.Ended.IsZero() {
		w.row.Ended = now
		w.row.Outcome = string(w.state.Phase)
	}
	return w.row
}

// mustJSON encodes values of our own types, for which encoding cannot fail.
func mustJSON(v any) string {
	var out strings.Builder
	if err := json.NewEncoder(&out).Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

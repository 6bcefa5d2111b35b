// Package replay compares what two sets of policies decide about the same requests: those of the past. It prints
// nothing and opens no file.
package replay

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// Event is a request of the past and what followed.
type Event struct {
	At      string // where it was read: a line of a file, a callback
	Request policies.Request
	Calls   []time.Duration  // connected times of the calls that its callback made
	Then    policies.Outcome // what was decided; "": not known
	// Unknown is why the request cannot be evaluated; "": it can.
	Unknown string
}

// Report has the differences.
type Report struct {
	Requests int          `json:"requests"` // evaluated
	Changed  int          `json:"changed"`  // decided otherwise
	Changes  []Change     `json:"changes"`
	Users    []User       `json:"users"`       // with changes; most changes first
	Examples []Difference `json:"differences"` // the first ones
	Unpriced int          `json:"unpriced"`    // changed requests with calls to a number without a price
	Then     int          `json:"then"`        // requests about which the old policies decide otherwise than was decided
	Unknown  []Count      `json:"unknown"`     // requests that could not be evaluated, by reason
}

// Change sums the requests with the same old and new outcome. If both are call_back, something else differs.
type Change struct {
	Was      policies.Outcome `json:"was"`
	Will     policies.Outcome `json:"will"`
	Requests int              `json:"requests"`
	Usage
}

// Usage is what the callbacks of changed requests used.
type Usage struct {
	Calls   int           `json:"calls"`
	Seconds int64         `json:"seconds"`        // connected, as tariff.Seconds
	Cost    *tariff.Money `json:"cost,omitempty"` // of the calls that have a price; nil: no tariff
}

// User sums the changed requests of a user.
type User struct {
	User     string `json:"user"`
	Requests int    `json:"requests"`
	Admitted int    `json:"admitted"` // called back or admitted now, and not before
	Rejected int    `json:"rejected"` // neither now, but before
	Usage
}

// Difference is one changed request.
type Difference struct {
	At   string    `json:"at"`
	User string    `json:"user"`
	Time time.Time `json:"time"`
	Was  Decided   `json:"was"`
	Will Decided   `json:"will"`
}

// Decided is the part of a decision that callers notice, and why.
type Decided struct {
	Outcome  policies.Outcome  `json:"outcome"`
	Group    string            `json:"group"`
	Number   string            `json:"number,omitempty"`
	NoVerify bool              `json:"no_verify,omitempty"`
	Attempts policies.Attempts `json:"attempts,omitzero"`
	Terms    string            `json:"terms,omitempty"` // of the callback and of the session, except limits
	Reason   string            `json:"reason"`
}

// Count is how many requests have something in common.
type Count struct {
	Reason   string `json:"reason"`
	Requests int    `json:"requests"`
}

// Comparison says what is compared.
type Comparison struct {
	Was, Will *policies.Set   // of the same site
	Tariff    *tariff.Table   // nil: nothing has a price
	Examples  int             // maximum of Report.Examples
	Progress  func(total int) // called now and then, by one goroutine; nil: not at all
}

// Read passes some events to a function, which does not keep them; any goroutine calls it.
type Read func(one func(*Event)) error

// Run evaluates all events and blocks until the end, the first error of a Read, or the end of ctx. Several goroutines
// evaluate; the result does not depend on their number. At the end, it waits for all of them.
func (c Comparison) Run(ctx context.Context, source iter.Seq[Read]) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan chan part, 2*runtime.GOMAXPROCS(0))
	go func() {
		defer close(queue)
		for read := range source {
			done := make(chan part, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return
			}
			go func() { done <- c.part(read) }()
		}
	}()
	all := newPart()
	var err error
	for done := range queue {
		p := <-done
		if err == nil && p.err != nil {
			err = p.err
			cancel()
		}
		if err == nil {
			all.add(p, c.Examples)
		}
		if c.Progress != nil {
			c.Progress(all.Requests)
		}
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return all.report(), err
}

// part is the result for some events.
type part struct {
	Report
	changes map[Change]Change // by Was and Will
	users   map[string]User
	unknown map[string]int
	err     error
}

func newPart() part {
	return part{changes: map[Change]Change{}, users: map[string]User{}, unknown: map[string]int{}}
}

func (c Comparison) part(read Read) part {
	p := newPart()
	p.err = read(func(e *Event) { p.event(c, e) })
	return p
}

func (p *part) event(c Comparison, e *Event) {
	if e.Unknown != "" {
		p.unknown[e.Unknown]++
		return
	}
	p.Requests++
	was, _ := c.Was.Evaluate(e.Request)
	will := was
	if !c.Will.SamePolicy(e.Request, was) {
		will, _ = c.Will.Evaluate(e.Request)
	}
	if e.Then != "" && e.Then != was.Outcome {
		p.Then++
	}
	if !same(was, will) {
		p.change(c, e, was, will)
	}
}

// same reports whether two decisions are the same for the caller and the telephone bill. The ceilings and time limits
// of the groups are not compared: what they change depends on other calls.
func same(a, b policies.Decision) bool {
	x, y := decided(a), decided(b)
	x.Group, x.Reason = y.Group, y.Reason
	return x == y
}

func decided(d policies.Decision) Decided {
	out := Decided{Outcome: d.Outcome, Group: d.Group, Number: d.Number.String(), NoVerify: d.NoVerify,
		Terms: terms(d), Reason: d.Reason}
	if d.Outcome == policies.CallBack {
		out.Attempts = d.Attempts
	}
	return out
}

// terms returns what a decision says about the callback and the session, nearly as policy files have it.
func terms(d policies.Decision) string {
	var all []string
	if len(d.Further) > 0 {
		all = append(all, fmt.Sprintf("or %v", d.Further))
	}
	if len(d.Lines) > 0 {
		all = append(all, fmt.Sprintf("tty %v", d.Lines))
	}
	if d.Rotary != nil {
		all = append(all, fmt.Sprintf("rotary %d", *d.Rotary))
	}
	if d.Reauthorize {
		all = append(all, "reauthorize: before_dial")
	}
	if d.MayDecline {
		all = append(all, "may be declined")
	}
	if d.Dial.Script != "" {
		all = append(all, "script: "+d.Dial.Script)
	}
	if d.Dial.Wait != 0 {
		all = append(all, "wait: "+d.Dial.Wait.String())
	}
	if d.Secure {
		all = append(all, "secure")
	}
	if !in(d) {
		return strings.Join(all, ", ")
	}
	if !d.EXEC.IsZero() && d.EXEC.String() != (policies.EXEC{}).String() {
		all = append(all, "exec: {"+d.EXEC.String()+"}")
	}
	if d.Record {
		all = append(all, "record: true")
	}
	if d.PPP != (policies.PPP{}) {
		all = append(all, "ppp: {"+d.PPP.String()+"}")
	}
	return strings.Join(all, ", ")
}

// change adds a changed request.
func (p *part) change(c Comparison, e *Event, was, will policies.Decision) {
	p.Changed++
	u, priced := c.usage(e, cmp.Or(was.Number, will.Number))
	if !priced {
		p.Unpriced++
	}
	key := Change{Was: was.Outcome, Will: will.Outcome}
	sum := p.changes[key]
	sum.Was, sum.Will, sum.Requests, sum.Usage = key.Was, key.Will, sum.Requests+1, sum.plus(u)
	p.changes[key] = sum
	name := e.Request.Identity.User
	user := p.users[name]
	user.User, user.Requests, user.Usage = name, user.Requests+1, user.plus(u)
	if in(will) && !in(was) {
		user.Admitted++
	}
	if in(was) && !in(will) {
		user.Rejected++
	}
	p.users[name] = user
	if len(p.Examples) < c.Examples {
		p.Examples = append(p.Examples, Difference{e.At, name, e.Request.Time, decided(was), decided(will)})
	}
}

// in reports whether the caller gets a session or a callback, or may still choose its number.
func in(d policies.Decision) bool {
	return d.Outcome != policies.Refuse && d.Outcome != policies.InvalidNumber
}

// usage returns what an event used; false: a call has no price although there is a tariff.
func (c Comparison) usage(e *Event, number numbers.Number) (u Usage, priced bool) {
	rate, ok := c.Tariff.Find(number)
	var cost tariff.Money
	for _, connected := range e.Calls {
		u.Calls++
		u.Seconds += tariff.Seconds(connected)
		if ok {
			cost = cost.Plus(rate.Cost(connected))
		}
	}
	if c.Tariff != nil {
		u.Cost = &cost
	}
	return u, ok || c.Tariff == nil || len(e.Calls) == 0
}

func (u Usage) plus(v Usage) Usage {
	sum := Usage{Calls: u.Calls + v.Calls, Seconds: u.Seconds + v.Seconds, Cost: cmp.Or(u.Cost, v.Cost)}
	if u.Cost != nil && v.Cost != nil {
		cost := u.Cost.Plus(*v.Cost)
		sum.Cost = &cost
	}
	return sum
}

// add adds a later part.
func (p *part) add(q part, examples int) {
	p.Requests, p.Changed, p.Unpriced = p.Requests+q.Requests, p.Changed+q.Changed, p.Unpriced+q.Unpriced
	p.Then += q.Then
	for key, c := range q.changes {
		sum := p.changes[key]
		p.changes[key] = Change{key.Was, key.Will, sum.Requests + c.Requests, sum.plus(c.Usage)}
	}
	for name, u := range q.users {
		sum := p.users[name]
		p.users[name] = User{name, sum.Requests + u.Requests, sum.Admitted + u.Admitted, sum.Rejected + u.Rejected,
			sum.plus(u.Usage)}
	}
	for reason, n := range q.unknown {
		p.unknown[reason] += n
	}
	p.Examples = append(p.Examples, q.Examples[:min(len(q.Examples), examples-len(p.Examples))]...)
}

// report sorts the sums.
func (p *part) report() Report {
	r := p.Report
	r.Changes, r.Users, r.Unknown = []Change{}, []User{}, []Count{}
	for _, c := range p.changes {
		r.Changes = append(r.Changes, c)
	}
	slices.SortFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Was, b.Was), cmp.Compare(a.Will, b.Will))
	})
	for _, u := range p.users {
		r.Users = append(r.Users, u)
	}
	slices.SortFunc(r.Users, func(a, b User) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.User, b.User))
	})
	for reason, n := range p.unknown {
		r.Unknown = append(r.Unknown, Count{reason, n})
	}
	slices.SortFunc(r.Unknown, func(a, b Count) int { return cmp.Compare(a.Reason, b.Reason) })
	r.Examples = append([]Difference{}, r.Examples...)
	return r
}

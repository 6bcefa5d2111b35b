package broker

import (
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
)

// PastRequest returns the request for which a callback of the journal was promised. The journal does not have
// everything: a number that the caller gave, or that of a place that the caller named, is written in the notation of
// this plan; the access window that was open for the group is; how many sessions the user had is not known; the line
// is described as it is now.
func PastRequest(c journal.Callback, plan numbers.Plan, line func(tty int) policies.Line) (r policies.Request,
	err error) {
	g, err := decodeGrant(c.Authorization)
	if err != nil {
		return r, fmt.Errorf("its authorization cannot be read: %w", err)
	}
	var d policies.Decision
	if err := unmarshal(c.Decision, &d); err != nil {
		return r, fmt.Errorf("its decision cannot be read: %w", err)
	}
	var why trace
	_ = unmarshal(c.Trace, &why) // without it, no window was open
	w := newWork(c, why, g)
	q := w.question()
	q.Leg = 1
	granted := aaa.Result{Identity: w.identity(), Auth: g.Auth, PPPAuth: g.pppAuth()}
	r = policies.Ask(q, granted, line(q.TTY), c.Created, policies.Used{})
	if w, ok := why.Decision.Window(); ok {
		r.Windows = map[string]policies.AccessWindow{why.Group: w}
	}
	r.Ringing, r.Trigger = d.OnRing, d.Trigger
	if d.Origin != numbers.OriginCaller || d.OnRing {
		return r, nil
	}
	for _, typed := range []string{c.Number, "+" + c.Number} {
		if n, err := plan.Canonical(typed, numbers.OriginCaller); err == nil && n.String() == c.Number {
			r.FromCaller = &typed
			return r, nil
		}
	}
	return r, errors.New("the number plan has no notation for the number that the caller gave")
}

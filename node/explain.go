package node

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
	"github.com/ringback/ringback/schema"
)

// configuration returns the configuration in force.
func (d *daemon) configuration(ctx context.Context) (cfg *config.Config, err error) {
	return cfg, d.read(ctx, func() { cfg = d.applied })
}

// explainPolicy decides about a request with the policies in force, as of the lines in force.
func (d *daemon) explainPolicy(ctx context.Context, request string) (v client.PolicyExplanation, err error) {
	asked, problems := policytest.ParseRequest("request", []byte(request), time.Now())
	if problems.HasErrors() {
		return v, invalid("query.request", problems)
	}
	cfg, err := d.configuration(ctx)
	if err != nil {
		return v, err
	}
	r := asked.Request()
	if asked.Windows == nil {
		r.Windows = d.broker.OpenWindows()
	}
	if asked.Line != 0 {
		i := slices.IndexFunc(cfg.Lines, func(l config.Line) bool { return l.TTY == asked.Line })
		if i < 0 {
			return v, api.Invalid{{At: "query.request.line", Text: "the configuration has no such line"}}
		}
		if r.Line = cfg.Lines[i].ForPolicies(); asked.Rotary != nil {
			r.Line.Rotary = asked.Rotary
		}
	}
	decision, trace := cfg.Policies.Evaluate(r)
	return client.PolicyExplanation{Time: r.Time.Local(), Decision: decisionFor(cfg, decision), Trace: api.Steps(trace),
		Windows: slices.Sorted(maps.Keys(r.Windows))}, nil
}

// invalid returns the error of a question with problems; at says where the question is in the request.
func invalid(at string, problems schema.Problems) api.Invalid {
	var all api.Invalid
	for _, p := range problems {
		f := api.Fault{At: at, Text: p.Msg}
		if p.Key != "" {
			f.At += "." + p.Key
		}
		if p.Hint != "" {
			f.Text += " (" + p.Hint + ")"
		}
		all = append(all, f)
	}
	return all
}

// decisionFor returns a decision for clients.
func decisionFor(cfg *config.Config, d policies.Decision) client.PolicyDecision {
	v := client.PolicyDecision{Outcome: string(d.Outcome), Reason: d.Reason, Hint: d.Hint, Text: d.Text.English(),
		Group: d.Group, Digest: d.Digest, Lines: d.Lines, NoVerify: d.NoVerify, Record: d.Record}
	if _, ok := cfg.Policies.Group(d.Group); ok {
		v.File = filepath.Join(cfg.PoliciesDir, d.Group+".yaml")
	}
	for _, n := range d.Numbers() {
		v.Numbers = append(v.Numbers, n.String())
	}
	if d.Outcome == policies.CallBack {
		v.Attempts = d.Attempts.Max
	}
	if !d.EXEC.IsZero() {
		v.EXEC = d.EXEC.String()
	}
	if d.PPP != (policies.PPP{}) {
		v.PPP = d.PPP.String()
	}
	return v
}

package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
	"github.com/ringback/ringback/policies/replay/past"
	"github.com/ringback/ringback/schema"
)

const (
	simulationTime     = time.Minute // how long a comparison may take
	simulationExamples = 20          // single differences, if the question has no number
	simulationUsers    = 100         // in a report
	simulationProblems = 50          // of policy files in an answer
)

// newSimulations returns the limits of comparisons.
func newSimulations() *turns { return &turns{most: 1, every: 5 * time.Second, burst: 4} }

// simulate compares policy files with those in force, over the callbacks of the journal. It ends with ctx.
func (d *daemon) simulate(ctx context.Context, q client.Simulation) (v client.SimulationReport, err error) {
	release, err := d.simulations.take(api.Account(ctx))
	if err != nil {
		return v, err
	}
	defer release()
	cfg, err := d.configuration(ctx)
	if err != nil {
		return v, err
	}
	will, err := candidates(cfg, q)
	if err != nil {
		return v, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, simulationTime, api.Invalid{{At: "body.from",
		Text: fmt.Sprintf("the comparison took more than %v: choose a shorter time", simulationTime)}})
	defer cancel()
	r, err := d.compare(limited, cfg, will, q)
	if cause := context.Cause(limited); cause != nil {
		return v, cause
	}
	if err != nil {
		return v, err
	}
	d.broker.Happened(events.PoliciesSimulated{Files: len(q.Files), Requests: r.Requests, Changed: r.Changed,
		By: api.By(ctx)})
	v = simulationFor(cfg, r)
	v.Groups = append(v.Groups, policies.ChangedGroups(cfg.Policies, will)...)
	if !q.Alone {
		if onDisk, _ := policies.LoadDir(cfg.PoliciesDir, cfg.Policies.Site()); onDisk != nil {
			v.NotLoaded = policies.ChangedGroups(cfg.Policies, onDisk)
		}
	}
	return v, nil
}

// candidates returns the changed policies; the error is an api.Invalid.
func candidates(cfg *config.Config, q client.Simulation) (*policies.Set, error) {
	texts := map[string]string{}
	for _, f := range q.Files {
		if _, twice := texts[f.Name]; twice {
			return nil, api.Invalid{{At: "body.files", Text: fmt.Sprintf("the file %q is there twice", f.Name)}}
		}
		texts[f.Name] = f.Text
	}
	if q.Alone && len(texts) == 0 {
		return nil, api.Invalid{{At: "body.files", Text: "there is no file"}}
	}
	if q.From != nil && q.Until != nil && !q.From.Before(*q.Until) {
		return nil, api.Invalid{{At: "body.until", Text: "the end must be after the begin"}}
	}
	set, problems := policies.LoadTexts(cfg.PoliciesDir, cfg.Policies.Site(), texts, q.Alone, cfg.Policies.Files())
	if set != nil {
		return set, nil
	}
	var all api.Invalid
	for _, p := range problems.Only(schema.Error) {
		if len(all) == simulationProblems {
			all = append(all, api.Fault{At: "body.files", Text: "and more"})
			break
		}
		all = append(all, api.Fault{At: "body.files", Text: p.String()})
	}
	return nil, all
}

// compare replays the callbacks of the journal, through a connection of its own.
func (d *daemon) compare(ctx context.Context, cfg *config.Config, will *policies.Set, q client.Simulation) (
	r replay.Report, err error) {
	j, err := sqlite.OpenReader(ctx, filepath.Join(d.cfg.StateDir, "journal.db"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	c := replay.Comparison{Was: cfg.Policies, Will: will, Tariff: cfg.Tariff, Examples: simulationExamples}
	if q.Most > 0 {
		c.Examples = q.Most
	}
	var in past.Span
	if q.From != nil {
		in.From = *q.From
	}
	if q.Until != nil {
		in.Until = *q.Until
	}
	return past.Replay(ctx, j, c, cfg.LinesForPolicies(), in)
}

// simulationFor returns a report for clients.
func simulationFor(cfg *config.Config, r replay.Report) client.SimulationReport {
	v := client.SimulationReport{Requests: r.Requests, Changed: r.Changed, Groups: []string{},
		Changes: []client.Change{}, Users: []client.UserChange{}, Differences: []client.Difference{},
		Currency: cfg.Tariff.Currency(), Unpriced: r.Unpriced, Then: r.Then, Unknown: []client.Unknown{}}
	for _, c := range r.Changes {
		v.Changes = append(v.Changes, client.Change{Was: string(c.Was), Will: string(c.Will), Requests: c.Requests,
			CallUse: callUse(c.Usage)})
	}
	for i, u := range r.Users {
		if i == simulationUsers {
			v.MoreUsers = len(r.Users) - i
			break
		}
		v.Users = append(v.Users, client.UserChange{User: u.User, Requests: u.Requests, Admitted: u.Admitted,
			Rejected: u.Rejected, CallUse: callUse(u.Usage)})
	}
	for _, e := range r.Examples {
		v.Differences = append(v.Differences, client.Difference{At: e.At, User: e.User, Time: e.Time.Local(),
			Was: decidedFor(e.Was), Will: decidedFor(e.Will)})
	}
	for _, u := range r.Unknown {
		v.Unknown = append(v.Unknown, client.Unknown(u))
	}
	return v
}

func callUse(u replay.Usage) client.CallUse {
	v := client.CallUse{Calls: u.Calls, Seconds: u.Seconds}
	if u.Cost != nil {
		v.Cost = u.Cost.String()
	}
	return v
}

func decidedFor(d replay.Decided) client.Decided {
	return client.Decided{Outcome: string(d.Outcome), Group: d.Group, Number: d.Number, NoVerify: d.NoVerify,
		Attempts: d.Attempts.Max, Terms: d.Terms, Reason: d.Reason}
}

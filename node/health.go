package node

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
)

const (
	healthEvery  = 15 * time.Second // interval of the checks
	healthRepeat = 15 * time.Minute // interval of repeated logs of a lasting problem
	// time limit of what a check reads: the caller of /readyz waits
	healthPatience = 3 * time.Second
)

// healthOf returns the health, for clients.
func (d *daemon) healthOf(ctx context.Context) client.Health {
	s, _ := d.check(ctx)
	return s.Health
}

// check checks the daemon, its journal and its disk. It returns within about healthPatience, also if the disk or the
// loop hangs.
func (d *daemon) check(ctx context.Context) (state, []problem) {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	s, err := d.examined.get(ctx, d.examine)
	if err != nil {
		s = state{Health: client.Health{Spool: []client.Backlog{}, Out: []int{}, Busyouts: []int{}}, hangs: err}
	}
	s.doors = d.doors.list()
	s.broker, s.loop, s.now = d.broker.State(), d.progress(ctx), time.Now()
	problems := problemsOf(s)
	s.Problems, s.Warnings, s.Ready = []string{}, []client.Warning{}, true
	for _, p := range problems {
		s.Problems = append(s.Problems, p.text())
		s.Warnings = append(s.Warnings, p.Warning)
		s.Ready = s.Ready && !p.Unready
	}
	return s, problems
}

// progress returns an error if the loop is not ready for an event in time. A daemon that starts is not stuck, however
// long its journal is, nor one that ends its last work.
func (d *daemon) progress(ctx context.Context) error {
	if d.broker.State() != broker.Running {
		return nil
	}
	err := d.broker.Progress(ctx)
	if d.broker.State() == broker.Stopping {
		return nil
	}
	return err
}

// examine reads what the checks look at. It blocks as long as the disk hangs.
func (d *daemon) examine(ctx context.Context) state {
	j := d.journal.Health()
	s := state{journal: j, Health: client.Health{
		Spool: []client.Backlog{}, Out: []int{}, Busyouts: []int{},
		Arrears: d.broker.Arrears(), Log: d.logHealth(),
		Lockdown: api.LockdownOf(d.broker.LockdownState()), Drain: api.DrainOf(d.broker.DrainState()),
		Journal: client.Journal{
			Path: j.Path, Octets: j.Octets, LogOctets: j.Log, Free: j.Free, Busy: j.Busy.Seconds(),
			Last: j.Last.Seconds(), Longest: j.Longest.Seconds(), Slow: j.Slow,
		},
	}}
	s.tally = d.broker.Tally()
	s.Lines, s.Out = s.tally.Lines, append(s.Out, s.tally.Out...)
	s.Busyouts = append(s.Busyouts, s.tally.BusiedOut...)
	var backlogs []journal.Backlog
	backlogs, s.read = d.journal.Backlogs(ctx)
	for _, b := range backlogs {
		if strings.HasPrefix(b.List, spool.HookPrefix) {
			continue // the checks of hooks report it
		}
		s.Spool = append(s.Spool, client.Backlog{List: cmp.Or(b.List, "default"), Records: b.Records, Oldest: b.Oldest})
	}
	if j.Room != nil {
		s.Journal.Reserve = j.Room.Error()
	}
	if j.Failed != nil {
		s.Journal.Error = j.Failed.Error()
	}
	if broken := d.broken.Load(); broken != nil {
		s.broken = *broken
	}
	if d.sealer != nil {
		s.seals = d.sealer.State()
	}
	if d.records != nil {
		s.records = d.records.State()
	}
	if d.hooks != nil {
		s.hooks = d.hooks.States()
	}
	if d.fleet.orders != nil {
		s.fleet = d.fleet.orders.Status()
	}
	if stale := d.stale.Load(); stale != nil {
		s.stale = *stale
	}
	return s
}

// verifyAudit reports an audit that was changed while no process ran. It reads the whole chain once, beside the work of
// the daemon, and neither opens nor holds up a line.
func (d *daemon) verifyAudit(ctx context.Context, verify func(context.Context) ([]journal.Damage, error)) {
	bad, err := verify(ctx)
	switch {
	case ctx.Err() != nil || err == nil && len(bad) == 0:
		return
	case err != nil:
		d.log.Error("journal: verify the audit", zap.Error(err))
		return
	}
	more := ""
	if len(bad) > 1 {
		more = fmt.Sprintf(", and %d more", len(bad)-1)
	}
	text := fmt.Sprintf("the audit was changed by another program: %s%s", bad[0], more)
	d.broken.Store(&text)
	d.broker.Happened(events.Alarm{Text: text + " (ringback journal check)"})
}

// watchHealth logs each problem when it appears, again at intervals while it lasts, and when it is over.
func (d *daemon) watchHealth(ctx context.Context) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	told := troubles{}
	for {
		select {
		case now := <-tick.C:
			s, problems := d.check(ctx)
			d.events.Health(s.Health)
			told.tell(problems, now, d.broker.Happened)
		case <-ctx.Done():
			return
		}
	}
}

// troubles are the logged problems, by key, with the time of the last log.
type troubles map[string]time.Time

func (t troubles) tell(problems []problem, now time.Time, happened func(events.Event)) {
	stay := map[string]bool{}
	for _, p := range problems {
		stay[p.key] = true
		if last, told := t[p.key]; !told || now.Sub(last) >= healthRepeat {
			happened(events.Trouble{Problem: p.text()})
			t[p.key] = now
		}
	}
	for key := range t {
		if !stay[key] {
			happened(events.TroubleOver{Problem: key})
			delete(t, key)
		}
	}
}

package node

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

const (
	healthEvery  = 15 * time.Second // interval of the checks
	healthRepeat = 15 * time.Minute // interval of repeated logs of a lasting problem
	spoolOld     = 10 * time.Minute // an accounting record that waits longer is a problem
	diskLow      = 64 << 20         // fewer free octets on the disk are a problem
)

// problem is something that the operator should fix. key identifies it while its text changes.
type problem struct{ key, text string }

// health checks the daemon, its journal and its disk.
func (d *daemon) health(ctx context.Context) (client.Health, []problem) {
	j := d.journal.Health()
	h := client.Health{
		Problems: []string{}, Spool: []client.Backlog{}, Out: []int{}, Busyouts: []int{},
		Arrears: d.broker.Arrears(), Log: d.logHealth(),
		Lockdown: api.LockdownOf(d.broker.LockdownState()),
		Journal: client.Journal{
			Path: j.Path, Octets: j.Octets, LogOctets: j.Log, Free: j.Free, Busy: j.Busy.Seconds(),
			Last: j.Last.Seconds(), Longest: j.Longest.Seconds(), Slow: j.Slow,
		},
	}
	for _, l := range d.broker.Lines() {
		h.Lines++
		if outOfService(l) != "" {
			h.Out = append(h.Out, l.TTY)
		}
		if l.Busyout != nil {
			h.Busyouts = append(h.Busyouts, l.TTY)
		}
	}
	backlogs, err := d.journal.Backlogs(ctx)
	for _, b := range backlogs {
		h.Spool = append(h.Spool, client.Backlog{List: cmp.Or(b.List, "default"), Records: b.Records, Oldest: b.Oldest})
	}
	if j.Room != nil {
		h.Journal.Reserve = j.Room.Error()
	}
	if j.Failed != nil {
		h.Journal.Error = j.Failed.Error()
	}
	problems := problemsOf(h, j, time.Now())
	if broken := d.broken.Load(); broken != nil {
		problems = append(problems, problem{"audit", *broken})
	}
	if stale := d.stale.Load(); stale != nil {
		problems = append(problems, problem{"reload", "the last reload failed; the configuration before it is in " +
			"force, and the next start may fail: " + *stale + " (ringback check-config; then reload again)"})
	}
	if err != nil {
		problems = append(problems, problem{"read", err.Error()})
	}
	for _, p := range problems {
		h.Problems = append(h.Problems, p.text)
	}
	return h, problems
}

// problemsOf returns the problems, most urgent first.
func problemsOf(h client.Health, j journal.Health, now time.Time) (all []problem) {
	add := func(wrong bool, key, format string, args ...any) {
		if wrong {
			all = append(all, problem{key, fmt.Sprintf(format, args...)})
		}
	}
	dir := filepath.Dir(j.Path)
	since := func(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
	add(h.Lockdown.Active, "lockdown", "a lockdown is in force, by %s: %s", h.Lockdown.By, h.Lockdown.Reason)
	add(h.Lockdown.Active && !h.Lockdown.OnDisk, "lockdown not on disk",
		"the lockdown is not on disk: a restart would end it")
	add(j.Failed != nil, "journal", "nothing can be recorded since %s: %v", j.Since.Format(time.DateTime), j.Failed)
	add(j.Room != nil, "reserve", "%v", j.Room)
	add(j.Busy > journal.SlowCommit, "disk hangs", "the disk of %s has not finished a transaction for %v", dir,
		since(j.Busy))
	add(j.Last > journal.SlowCommit, "disk is slow",
		"the disk of %s is slow: the last transaction took %v, the longest %v, and %d more than %v", dir, since(j.Last),
		since(j.Longest), j.Slow, journal.SlowCommit)
	add(j.Reachable && j.Free < diskLow, "disk is full",
		"the disk of %s has %d MiB free (free some space: without it no callback can be recorded)", dir, j.Free>>20)
	for _, name := range j.Missing {
		add(true, "missing "+name, "%s was removed while ringback was running (restore it from a backup: the "+
			"next start needs it)", filepath.Join(dir, name))
	}
	add(h.Arrears > 0, "arrears", "%d calls have ended and are in memory only: writing them to the disk fails",
		h.Arrears)
	for _, b := range h.Spool {
		age := now.Sub(b.Oldest)
		add(age > spoolOld, "spool "+b.List,
			"%d accounting records of list %s wait for a server to acknowledge them, the oldest for %v (show aaa)",
			b.Records, b.List, age.Round(time.Second))
	}
	add(h.Log.Untold > 0, "log", "the log loses records, %d so far: its reader is stalled or gone, or the disk of "+
		"log.file is full", h.Log.Untold)
	add(len(h.Out) > 0, "lines", "%d of %d lines are out of service: %v (show line)", len(h.Out), h.Lines, h.Out)
	return all
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
	text := fmt.Sprintf("the audit was changed by another program: %s%s (ringback journal check)", bad[0], more)
	d.broken.Store(&text)
	d.broker.Happened(events.Alarm{Text: text})
}

// watchHealth logs each problem when it appears, again at intervals while it lasts, and when it is over.
func (d *daemon) watchHealth(ctx context.Context) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	told := troubles{}
	for {
		select {
		case now := <-tick.C:
			_, problems := d.health(ctx)
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
			happened(events.Trouble{Problem: p.text})
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

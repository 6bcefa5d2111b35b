package node

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/hooks"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/recordings"
)

const (
	spoolOld = 10 * time.Minute // an accounting record that waits longer is a problem
	hookSlow = time.Minute      // a hook that fails for longer is a problem
	diskLow  = 64 << 20         // fewer free octets on the disk are a problem
)

// state is what the checks look at.
type state struct {
	client.Health
	journal journal.Health
	tally   lines.Tally
	broker  broker.State
	loop    error  // the loop was not ready for an event in time; nil: it was, or the broker is not running
	hangs   error  // the state of the journal and its disk could not be read in time, and is unknown
	read    error  // the spool could not be read
	broken  string // what is wrong with the audit
	stale   string // why the last reload failed
	seals   audit.State
	hooks   []hooks.State
	doors   []client.Listener
	records recordings.State
	fleet   fleet.Status // zero: the node is alone
	now     time.Time
}

// check is a row of the table of health checks.
type check struct {
	code    string
	unready bool // while it lasts, callers cannot be served
	doc     string
	fix     string
	// find passes what is wrong to found, with the file or list that it is about; "" if there is only one
	find func(s state, found func(subject, format string, args ...any))
}

// checks are the health checks, the most urgent first. `show health`, the admin API, /readyz, the log and the metric
// ringback_health_warnings are all made of them.
var checks = []check{
	{"starting", true, "The daemon reads the journal.", "wait; if it lasts, see the log", func(s state, found finder) {
		if s.broker == broker.Starting {
			found("", "ringback is starting: it reads the journal")
		}
	}},
	{"stopping", true, "The daemon ends.", "start it again, unless somebody has stopped it",
		func(s state, found finder) {
			if s.broker == broker.Stopping {
				found("", "ringback is stopping: it takes no more calls")
			}
		}},
	{"loop_hangs", true, "The loop that steps the callbacks makes no progress.",
		"look for a disk that hangs; otherwise restart ringback and report the goroutines of SIGQUIT",
		func(s state, found finder) {
			if s.loop != nil {
				found("", "the loop has not been ready for an event for %v", healthPatience)
			}
		}},
	{"health_hangs", true, "The state of the journal and its disk cannot be read.",
		"look for a disk or network file system that hangs (dmesg)", func(s state, found finder) {
			if s.hangs != nil {
				found("", "the state of the journal and its disk could not be read within %v", healthPatience)
			}
		}},
	{"lockdown", true, "An operator has stopped all dialing.",
		"when its reason is gone: ringback lockdown --lift", func(s state, found finder) {
			if s.Lockdown.Active {
				found("", "a lockdown is in force, by %s: %s", s.Lockdown.By, s.Lockdown.Reason)
			}
		}},
	{"lockdown_not_on_disk", false, "A lockdown is in memory only.",
		"repair the disk of state_dir; ringback tries again by itself", func(s state, found finder) {
			if s.Lockdown.Active && !s.Lockdown.OnDisk {
				found("", "the lockdown is not on disk: a restart would end it")
			}
		}},
	{"fleet_away", false, "This node is not a member of its fleet, or the fleet's PostgreSQL cannot be reached.",
		"ringback fleet check says what is wrong; what only this node's lines may dial goes on",
		func(s state, found finder) {
			if f := s.fleet; f.Node != "" && !(f.Connected && f.Member) {
				found("", "node %s works without its fleet since %s: %s", f.Node, f.Since.Format(time.DateTime),
					cmp.Or(f.Reason, "PostgreSQL cannot be reached"))
			}
		}},
	{"fleet_lost", false, "The fleet's PostgreSQL has lost commits that it had acknowledged.",
		"make the standby synchronous (ringback fleet check); the nodes have written back what their journals have",
		func(s state, found finder) {
			if s.fleet.Lost != "" {
				found("", "acknowledged commits of the fleet were lost: %s", s.fleet.Lost)
			}
		}},
	{"fleet_forged", false, "Rows of the fleet do not verify with the fleet's key.",
		"find who else can write to the database, and compare key_file on all nodes (sha256sum)",
		func(s state, found finder) {
			if s.fleet.Forged > 0 {
				found("", "%d rows of the fleet did not verify since the start: they are not dialed", s.fleet.Forged)
			}
		}},
	{"drained", true, "An operator lets no line take calls.", "when the work is done: ringback undrain",
		func(s state, found finder) {
			if s.Drain.Active {
				found("", "drained by %s: %s", s.Drain.By, cmp.Or(s.Drain.Reason, "no reason given"))
			}
		}},
	{"journal_fails", true, "The last transaction of the journal failed.",
		"see the error: free space on the disk of state_dir, or repair it", func(s state, found finder) {
			if s.journal.Failed != nil {
				found("", "nothing can be recorded since %s: %v", s.journal.Since.Format(time.DateTime),
					s.journal.Failed)
			}
		}},
	{"reserve", true, "The room on the disk for the ends of sessions is not complete.",
		"free space on the disk of state_dir; ringback completes the reserve by itself", func(s state, found finder) {
			if s.journal.Room != nil {
				found("", "%d of %d KiB of the disk of %s are reserved for the ends of sessions: no user is admitted",
					s.journal.Reserved>>10, s.journal.Reserve>>10, s.dir())
			}
		}},
	{"disk_hangs", true, "A transaction of the journal does not end.", "look for a disk or network file system that " +
		"hangs (dmesg)", func(s state, found finder) {
		if s.journal.Busy > journal.SlowCommit {
			found("", "the disk of %s has not finished a transaction for %v", s.dir(), tenths(s.journal.Busy))
		}
	}},
	{"disk_slow", false, "The last transaction of the journal took more than a second.",
		"find what else writes to the disk, or move state_dir to a faster one", func(s state, found finder) {
			if j := s.journal; j.Last > journal.SlowCommit {
				found("", "the disk of %s is slow: the last transaction took %v, the longest %v, and %d more than %v",
					s.dir(), tenths(j.Last), tenths(j.Longest), j.Slow, journal.SlowCommit)
			}
		}},
	{"disk_full", false, "The disk of the journal has less than 64 MiB free.",
		"free some space: without it no callback can be recorded", func(s state, found finder) {
			if s.journal.Reachable && s.journal.Free < diskLow {
				found("", "the disk of %s has %d MiB free", s.dir(), s.journal.Free>>20)
			}
		}},
	{"file_missing", false, "A file that the next start needs was removed.",
		"restore it from a backup: the next start needs it", func(s state, found finder) {
			for _, name := range s.journal.Missing {
				found(name, "%s was removed while ringback was running", filepath.Join(s.dir(), name))
			}
		}},
	{"arrears", false, "Ends of calls are in memory only.", "repair the disk of state_dir before ringback stops",
		func(s state, found finder) {
			if s.Arrears > 0 {
				found("", "%d calls have ended and are in memory only: writing them to the disk fails", s.Arrears)
			}
		}},
	{"spool_old", false, "Accounting records wait for more than ten minutes.",
		"ringback show aaa says which server does not answer, and why", func(s state, found finder) {
			for _, b := range s.Spool {
				if age := s.now.Sub(b.Oldest); age > spoolOld {
					found(b.List, "%d accounting records of list %s wait for a server to acknowledge them, the "+
						"oldest for %v", b.Records, b.List, age.Round(time.Second))
				}
			}
		}},
	{"log_lost", false, "Records of the log are lost.",
		"read standard error of the daemon, or free space on the disk of log.file", func(s state, found finder) {
			if s.Log.Untold > 0 {
				found("", "the log loses records, %d so far: its reader is stalled or gone, or the disk of log.file "+
					"is full", s.Log.Untold)
			}
		}},
	{"syslog_down", false, "The syslog server is out of reach: records wait, and are dropped if there are many.",
		"check log.syslog.address, the network and the server; the log has the error", func(s state, found finder) {
			if y := s.Log.Syslog; y != nil && y.Down {
				found("", "the syslog server %s is out of reach; %d records were dropped", y.Server, y.Dropped)
			}
		}},
	{"no_lines", true, "No line is in service.", "ringback show line says why, ringback doctor looks for the cause",
		func(s state, found finder) {
			if s.Lines > 0 && len(s.Out) == s.Lines {
				found("", "none of %d lines is in service", s.Lines)
			}
		}},
	{"lines_out", false, "Some lines are out of service.",
		"ringback show line says why, ringback doctor looks for the cause", func(s state, found finder) {
			if len(s.Out) > 0 && len(s.Out) < s.Lines {
				found("", "%d of %d lines are out of service: %v", len(s.Out), s.Lines, s.Out)
			}
		}},
	{"audit_changed", false, "Another program has changed the audit.", "ringback journal check shows the damage",
		func(s state, found finder) {
			if s.broken != "" {
				found("", "%s", s.broken)
			}
		}},
	{"listener_fails", false, "A listener for users over the network cannot take connections.",
		"see the error; `too many open files`: raise LimitNOFILE of the service", func(s state, found finder) {
			for _, l := range s.doors {
				if l.Error != "" {
					found(l.Address, "listener %s takes no connections: %s", l.Address, l.Error)
				}
			}
		}},
	{"listener_full", false, "All sessions of a listener are in use.",
		"ringback show users, ringback clear vty N; or raise sessions of the listener", func(s state, found finder) {
			for _, l := range s.doors {
				if l.Sessions >= l.MaxSessions {
					found(l.Address, "all %d sessions of the listener %s are in use", l.MaxSessions, l.Address)
				}
			}
		}},
	{"hook_fails", false, "A hook has not taken its events for a minute, or wants no more.",
		"see the error; ringback hooks test sends a test event", func(s state, found finder) {
			for _, h := range s.hooks {
				switch {
				case h.Gone:
					found(h.Name, "hook %s wants no more events until the next reload: %v", h.Name, h.Err)
				case !h.Failing.IsZero() && s.now.Sub(h.Failing) > hookSlow:
					found(h.Name, "hook %s fails since %s, %d events wait: %v", h.Name,
						h.Failing.Format(time.DateTime), h.Waiting, h.Err)
				}
			}
		}},
	{"hook_lost", false, "Events for a hook were lost or given up in the last hour.",
		"let the receiver answer faster, name fewer events, or set a longer retry_for", func(s state, found finder) {
			for _, h := range s.hooks {
				if h.Lost > 0 && s.now.Sub(h.LostAt) < time.Hour {
					found(h.Name, "hook %s has lost %d events since the start, the last at %s", h.Name, h.Lost,
						h.LostAt.Format(time.DateTime))
				}
			}
		}},
	{"recordings_fail", false, "Sessions cannot be recorded; users whose group has `record: true` are not admitted.",
		"see the error: free space on the disk of recordings.dir, or lower recordings.max_size",
		func(s state, found finder) {
			if r := s.records; r.Failed != nil {
				found("", "recordings fail since %s: %v", r.Since.Format(time.DateTime), r.Failed)
			}
		}},
	{"recording_lost", false, "Recordings have lost output in the last hour.",
		"see the reason: a disk that is slow or full, or a recording longer than recordings.max_session",
		func(s state, found finder) {
			if r := s.records; r.Lost > 0 && s.now.Sub(r.LostAt) < time.Hour {
				found("", "recordings have lost %d octets of output since the start, the last at %s: %s", r.Lost,
					r.LostAt.Format(time.DateTime), r.Why)
			}
		}},
	{"audit_not_as_sealed", false, "The audit is not the one that was sealed before the start.",
		"ringback audit verify shows which rows differ", func(s state, found finder) {
			if s.seals.Changed != "" {
				found("", "the audit is not the one that was sealed before the start: %s", s.seals.Changed)
			}
		}},
	{"seals_fail", false, "The audit cannot be sealed.",
		"see the error: free space on the disk of audit.seals, or name another file; ringback tries again by itself",
		func(s state, found finder) {
			switch st := s.seals; {
			case st.Failed != nil:
				found("", "the audit is not sealed since %s, %d rows wait: %v", st.Since.Format(time.DateTime), st.Rows,
					st.Failed)
			case !st.Busy.IsZero() && s.now.Sub(st.Busy) > sealSlow:
				found("", "the disk of %s has not finished a seal of the audit for %v", st.File,
					s.now.Sub(st.Busy).Round(time.Second))
			}
		}},
	{"reload_failed", false, "The last reload failed.", "ringback check-config; then reload again",
		func(s state, found finder) {
			if s.stale != "" {
				found("", "the last reload failed; the configuration before it is in force, and the next start may "+
					"fail: %s", s.stale)
			}
		}},
	{"spool_unread", false, "The accounting spool cannot be read.", "ringback journal check shows the damage",
		func(s state, found finder) {
			if s.read != nil {
				found("", "the accounting spool could not be read: %v", s.read)
			}
		}},
}

type finder = func(subject, format string, args ...any)

// dir is the directory of the journal.
func (s state) dir() string { return filepath.Dir(s.journal.Path) }

func tenths(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

// problem is something that the operator should fix. key identifies it while its text changes.
type problem struct {
	key string
	client.Warning
}

// text is the problem in one line, with what to do.
func (p problem) text() string { return fmt.Sprintf("%s (%s)", p.What, p.Fix) }

// problemsOf returns the problems, most urgent first.
func problemsOf(s state) (all []problem) {
	for _, c := range checks {
		c.find(s, func(subject, format string, args ...any) {
			all = append(all, problem{strings.TrimSpace(c.code + " " + subject), client.Warning{Code: c.code,
				What: fmt.Sprintf(format, args...), Fix: c.fix, Unready: c.unready}})
		})
	}
	return all
}

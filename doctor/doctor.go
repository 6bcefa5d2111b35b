// Package doctor looks for what keeps modem lines from working and names the command that fixes it. It changes nothing.
// It opens a port only if it is asked to, no daemon runs and no program uses the device; what a daemon knows about its
// lines, it asks the daemon.
package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines/port"
)

// Check is one row of the table.
type Check struct {
	Name  string
	Looks string // what it looks at
	// find returns what is wrong, in the order of the lines. An error means that the check could not be made.
	find func(ctx context.Context, s *Site) ([]Finding, error)
}

// Finding is one thing that is wrong.
type Finding struct {
	Check string `json:"check"`
	TTY   int    `json:"tty,omitempty"` // the line concerned; 0: none in particular
	Found string `json:"found"`
	Fix   string `json:"fix"` // a command, or what to change
}

// Skipped is a check that could not be made.
type Skipped struct {
	Check string `json:"check"`
	Why   string `json:"why"`
}

// Report is the result of all checks.
type Report struct {
	Checks   []string  `json:"checks"` // their names
	Findings []Finding `json:"findings"`
	Skipped  []Skipped `json:"skipped"`
}

// Site is what is examined.
type Site struct {
	Lines []config.Line
	Root  string // "" is /; a test has a directory with proc, dev, etc and run
	User  User   // the user that runs the daemon
	API   config.API
	Self  Self
	// what the running daemon says; nil if none runs
	Daemon *Daemon
	// opens the port of a line and returns what its modem says, see Modem; nil: no port is opened
	Ask func(ctx context.Context, l config.Line) (Modem, error)

	holders map[string][]process // by device
	hidden  map[int]bool         // the processes whose files are hidden from this user
	asked   map[int]Modem        // by TTY
}

// User are the numbers of a user and its groups.
type User struct {
	UID  int
	GIDs []int
}

// Daemon is what a running daemon knows.
type Daemon struct {
	PID    int // 0: unknown
	Lines  []client.Line
	Health client.Health
	Nodes  client.Nodes // of its fleet; none if it is alone
}

// Checks are all checks, in the order in which they are made.
func Checks() []Check { return slices.Concat(deviceChecks, socketChecks, daemonChecks, modemChecks) }

// Run makes the checks. It blocks for what they read; a modem is asked for a few seconds.
func Run(ctx context.Context, s *Site, checks []Check) Report {
	r := Report{Findings: []Finding{}, Skipped: []Skipped{}}
	for _, c := range checks {
		r.Checks = append(r.Checks, c.Name)
		found, err := c.find(ctx, s)
		if err != nil {
			r.Skipped = append(r.Skipped, Skipped{c.Name, err.Error()})
		}
		for _, f := range found {
			f.Check = c.Name
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}

// serial calls f for each line on a serial device of this machine, with the device after all symbolic links.
func (s *Site) serial(f func(l config.Line, device string)) {
	for _, l := range s.Lines {
		if l.Address.Scheme == port.Serial {
			f(l, s.resolve(l.Address.Path))
		}
	}
}

// at returns a finding about a line.
func at(l config.Line, fix, format string, args ...any) Finding {
	return Finding{TTY: l.TTY, Found: fmt.Sprintf(format, args...), Fix: fix}
}

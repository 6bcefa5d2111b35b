// Package config reads ringback.yaml and the files that it names, checks all of it together, and fills the
// Config of every other package. It opens no port and contacts no server: its checks are of the files alone. Of
// the other packages, only the wiring imports it.
package config

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/hooks"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/recordings"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/syslog"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/triggers"
)

// Problem is an error or a warning about the configuration; Problems are all of them.
type (
	Problem  = schema.Problem
	Problems = schema.Problems
)

// Config is a valid configuration. Its paths are absolute, or relative to the working directory if the path of
// the file is.
type Config struct {
	File string // as passed to Load
	// warnings, as errors, about files that others may change or secrets that others may read; the daemon does
	// not start with them
	Unsafe Problems
	Digest string // SHA-256 of the file, the overrides, the policies and the tariff, without secrets

	Hostname string
	StateDir string // the daemon creates it if it does not exist
	API      API
	Journal  Journal
	Audit    audit.Settings
	// of sessions whose group has `record: true`
	Recordings Recordings
	Hooks      []hooks.Hook
	Log        Log
	CDR        CDR
	Traces     Traces
	Metrics    Metrics
	Console    Console

	PoliciesDir string
	Policies    *policies.Set // with the number plan, the places and the switches of callbacks

	Tariff *tariff.Table // nil: no number has a price

	Callback Callback
	Session  session.Config
	Exec     exec.Config
	Locale   texts.Locale // how callers are addressed, unless their line or group says otherwise
	Logins   broker.LoginLimits
	Ceilings []journal.Limit // of all callbacks together

	ModemTests broker.ModemTests
	Triggers   triggers.Rules
	Sites      Sites
	ChatPolicy string // the group whose policy permits the dials of start-chat; "": there are none

	RADIUS    radius.Config     // no servers if the method radius is not used
	TACACS    tacplus.Config    // likewise
	Groups    []Group           // of servers
	Lists     Lists             // method lists
	Users     []aaa.User        // of the method local
	Enable    *aaa.EnableSecret // of the method enable; nil for none
	CallCheck CallCheck         // the server for Call-Check

	Fleet *Fleet // nil: this node is alone

	DynamicAuthor *DynamicAuthor // nil: no Disconnect- or CoA-Requests are accepted

	PPP PPP

	Numbers numbers.Plan
	Scripts []*chat.Script // from the file, then those shipped whose names the file does not use
	// of modems: the shipped ones and those of modems_dir
	Profiles *profiles.Set
	Lines    []Line             // by TTY
	Hunts    map[int]lines.Hunt // by rotary

	Listen []Listener

	written   written
	effective []byte // see Effective
}

// Journal configures the journal.
type Journal struct {
	Keep time.Duration // how long to keep callbacks and calls after their end; 0: forever
}

// Recordings configures the recordings of sessions.
type Recordings struct {
	Dir string
	recordings.Limits
}

// Log configures the log.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // console, json
	File   string // "" standard error
	Syslog *Syslog

	MaskNumbers *int // the digits of a number that are shown; nil: all
}

// Traces configures the collector of traces.
type Traces struct {
	Endpoint   string // the URL; "" none
	Identities bool   // users and numbers are attributes
	TLS        certs.Files
}

// CDR configures the file of call detail records.
type CDR struct {
	File   string // "": none, the records are in the log only
	Format string // csv, json
}

// Syslog configures the syslog server; a nil one is none.
type Syslog struct {
	syslog.Server
	Level      string // as of Log
	Facility   int
	Hostname   string // of this machine
	Enterprise int    // private enterprise number
}

// Callback configures all callbacks.
type Callback struct {
	Lifetime   time.Duration // from the promise until the callback expires
	HoldOff    time.Duration // between two dials of a number; 0: none
	RandomWait time.Duration // most that chance adds to the wait before the first dial; 0: nothing
}

// Line is a line, as configured for the pool, the driver and the broker, with its port.
type Line struct {
	lines.Config
	broker.Line // without its Login, which the wiring creates from Lists
	Lists       ListNames
	PPP         LinePPP
	Address     port.Address
	TLS         certs.Files // of a port over TLS
}

// ForPolicies returns what the policies know about the line. The zero Line is no line in particular.
func (l Line) ForPolicies() policies.Line {
	known := policies.Line{Trusted: l.Trusted()}
	if l.TTY != 0 && l.Rotary != lines.NoRotary {
		known.Rotary = &l.Rotary
	}
	return known
}

// LinesForPolicies returns what the policies know about each line, by TTY.
func (c *Config) LinesForPolicies() map[int]policies.Line {
	all := map[int]policies.Line{}
	for _, l := range c.Lines {
		all[l.TTY] = l.ForPolicies()
	}
	return all
}

// ListNames are the method lists of a line: list name by kind (ListKinds). A kind that is missing means
// `default`.
type ListNames map[string]string

// Of returns the name of the line's list of a kind.
func (n ListNames) Of(kind string) string { return cmp.Or(n[kind], defaultList) }

// String returns the lists other than `default` as text, the same for equal ListNames.
func (n ListNames) String() string {
	var all []string
	for kind, name := range n {
		if name != defaultList && name != "" {
			all = append(all, kind+"="+strconv.Quote(name))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// line returns the line with this TTY; nil: there is none.
func (c *Config) line(tty int) *Line {
	i := sort.Search(len(c.Lines), func(i int) bool { return c.Lines[i].TTY >= tty }) // copies no lines
	if i == len(c.Lines) || c.Lines[i].TTY != tty {
		return nil
	}
	return &c.Lines[i]
}

// anyLine reports whether f is true for a line.
func (c *Config) anyLine(f func(*Line) bool) bool {
	for i := range c.Lines {
		if f(&c.Lines[i]) {
			return true
		}
	}
	return false
}

// dials reports whether a line places calls.
func (l *Line) dials() bool { return l.Modem != lines.CallIn }

// rotaryDials reports whether a line of a rotary places calls.
func (c *Config) rotaryDials(rotary int) bool {
	return c.anyLine(func(l *Line) bool { return l.Rotary == rotary && l.dials() })
}

// idle returns the lines as lines.Choose needs them, all in service and not leased.
func (c *Config) idle() []lines.Status {
	all := make([]lines.Status, len(c.Lines))
	for i := range c.Lines {
		all[i] = c.Lines[i].Idle()
	}
	return all
}

// LineConfigs returns the lines without their addresses.
func (c *Config) LineConfigs() []lines.Config {
	out := make([]lines.Config, len(c.Lines))
	for i, l := range c.Lines {
		out[i] = l.Config
	}
	return out
}

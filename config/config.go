// Package config reads ringback.yaml and the files that it names, checks all of it at once, and fills the Config of
// every other package. It opens no port and asks no server: what it says holds for the files alone. No other package
// knows it.
package config

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
)

// Problem is one thing that is wrong in the configuration; Problems are all of them, errors and warnings.
type (
	Problem  = schema.Problem
	Problems = schema.Problems
)

// Config is a configuration that was checked. Paths in it are absolute, or relative to the working directory as the
// file's own was.
type Config struct {
	File string // as Load was given it
	// warnings, as errors, of files that others may change or of secrets that others may read: no daemon goes by them
	Unsafe Problems
	Digest string // SHA-256 of the file, what overrides it, and the policies; no secret is in it

	Hostname string
	StateDir string // the daemon creates it where it is not there
	API      API
	Journal  Journal
	Log      Log

	PoliciesDir string
	Policies    *policies.Set // with the number plan, the places and the switches of callbacks

	Callback Callback
	Session  session.Config
	Exec     exec.Config
	Logins   broker.LoginLimits

	RADIUS    radius.Config     // no server where the method radius is not used
	TACACS    tacplus.Config    // likewise
	Groups    []Group           // of servers
	Lists     Lists             // method lists
	Users     []aaa.User        // of the method local
	Enable    *aaa.EnableSecret // of the method enable; nil: there is none
	CallCheck CallCheck         // who is asked by Call-Check

	DynamicAuthor *DynamicAuthor // nil: no requests are taken from outside

	Scripts []*chat.Script // the file's own, then those shipped whose names are free
	Lines   []Line         // by TTY

	written written
}

// Journal is what the journal keeps.
type Journal struct {
	Keep time.Duration // of callbacks and calls, after their end; 0: everything
}

// API is the admin interface.
type API struct {
	Socket string // path of the unix socket
}

// Log says how and where to log.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // console, json
	File   string // "" standard error
}

// Callback is what all callbacks have in common.
type Callback struct {
	Lifetime time.Duration // from the promise until it expires
}

// Line is a line: what the pool and the driver know of it, what the broker does, and where its port is.
type Line struct {
	lines.Config
	broker.Line // without its Login, which the wiring makes of Lists
	Lists       ListNames
	Address     port.Address
}

// ListNames are the method lists of a line: the name of a list by the name of its kind (ListKinds). A kind that is not
// there stands for `default`.
type ListNames map[string]string

// Of is the name of the line's list of a kind.
func (n ListNames) Of(kind string) string { return cmp.Or(n[kind], defaultList) }

// String names the lists of all kinds.
func (n ListNames) String() string {
	var all []string
	for _, k := range ListKinds {
		all = append(all, k.Name+"="+strconv.Quote(n.Of(k.Name)))
	}
	return strings.Join(all, " ")
}

// LineConfigs returns the lines without their addresses.
func (c *Config) LineConfigs() []lines.Config {
	out := make([]lines.Config, len(c.Lines))
	for i, l := range c.Lines {
		out[i] = l.Config
	}
	return out
}

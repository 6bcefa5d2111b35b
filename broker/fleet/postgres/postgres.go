package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"go.uber.org/zap"
)

// The values of Options.Durability.
const (
	Replicated = "replicated" // a commit waits for a synchronous standby
	Server     = "server"     // a commit waits for the disk of the server alone
)

// Options of an Authority.
type Options struct {
	Addresses []string // host:port, or the directory of a socket; whichever takes writes is used
	Database  string
	User      string
	Password  string
	TLS       *tls.Config // nil: none

	Node        string // the name of this node
	Incarnation string // random, of this process
	JournalID   string // of this node's journal
	Version     string // of ringback
	Key         []byte // of the fleet: signs all rows

	Durability string        // Replicated or Server
	Takeover   time.Duration // a node silent for so long loses what it has waiting
	History    time.Duration // how long callbacks that have ended are kept
	Lifetime   time.Duration // the longest that a callback may be pending
	Timeout    time.Duration // of each operation; 0: 2 s
	// Connections is the most that this node has; 0: 16. Two more are for heartbeats and notifications.
	Connections int
	// AttemptLimit is how long an attempt of a node that is lost is left alone; 0: until its dial, login and grace
	// limits must be over.
	AttemptLimit time.Duration

	// Digests returns digests of what must agree over the nodes, as fleet.Node has them; nil: there are none. It is
	// called every few seconds.
	Digests func() map[string]string

	// Drained returns why this node is drained, "" if it is not; nil: its orders alone say so. Called as Digests is.
	Drained func() string

	Log   *zap.Logger
	Alarm func(text string) // tells operators of something that they must look at; called from any goroutine
}

// attemptLimit has the limits of a dial, its login and its grace, and a minute.
const attemptLimit = 5*time.Minute + 90*time.Second + 45*time.Second + time.Minute

// Authority implements fleet.Authority. It is made by Open.
type Authority struct {
	opt     Options
	log     *zap.Logger
	keys    keys
	known   memory
	watch   watch
	orphans orphans
	late    late
	turn    turn
	recall  recall
	cursors cursors
	link    link

	clock   func() time.Duration // monotonic
	member  membership
	taken   ordersTaken
	mail    *mailbox
	renewed chan struct{} // has room for one: rows may have an old roll
	hurried chan struct{} // has room for one: a look for changes is due
	alarms  alarms

	pollEach time.Duration // between two looks for changes
	retained time.Duration // when the last removal was
	pruned   time.Duration // when accounts were last removed; 0: never
}

// withDefaults returns the options with the defaults of what is not set.
func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Connections == 0 {
		o.Connections = mostConns
	}
	if o.AttemptLimit == 0 {
		o.AttemptLimit = attemptLimit
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Alarm == nil {
		o.Alarm = func(string) {}
	}
	if o.Digests == nil {
		o.Digests = func() map[string]string { return nil }
	}
	return o
}

// Open returns the authority of a node. It does not wait for a server: connections are made when they are needed.
func Open(ctx context.Context, opt Options) (*Authority, error) {
	if opt.Node == "" || len(opt.Key) == 0 {
		return nil, errors.New("fleet: the node's name or the fleet's key is missing")
	}
	opt = opt.withDefaults()
	a := &Authority{opt: opt, log: opt.Log, keys: newKeys(opt.Key)}
	a.prepare()
	if err := a.connect(); err != nil {
		return nil, err
	}
	return a, nil
}

// Close closes the connections. No other method may be called afterwards.
func (a *Authority) Close() { a.disconnect() }

// Package broker owns every call and every callback of a node. One goroutine, the loop, steps the callback machines,
// writes one transaction, then has the effects carried out; the calls' own goroutines ask it through Decide and tell it
// through Report. It knows no modem and no prompt: it lends lines from a pool, dials through a dialer and leaves the
// talking to session.
package broker

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// Config is what a reload may change. Calls and callbacks that have begun keep the decision they were given; before a
// dial only denials are taken from the newer one.
type Config struct {
	Session    session.Config
	Lines      map[int]Line              // by TTY. A line that is not there lets nobody in and dials nobody
	Accounting map[string]AccountingList // by name, which lines give. One that is not there records start and stop
	Policies   *policies.Set
	Lifetime   time.Duration // from the promise to `expired`; 0: 1 h
	Dialer     Dialer

	LoginLimits LoginLimits
	LocalUsers  map[string]bool // names that logs may show though their users have not logged in yet
}

// Login is the method lists of a line. An aaa.Login is one.
type Login interface {
	session.Login
	// Reauthorize asks again, without a password, what a user may have, and blocks for Granted, Refused or Silent.
	// Where nobody can be asked without one, granted stands.
	Reauthorize(ctx context.Context, r aaa.Request, id aaa.Identity, granted aaa.Authorization) aaa.Result
}

// Dialer dials on the lines that the broker leases. Its methods may be called by many goroutines at once and keep
// nothing of a lease. A script is given as the line names it: a pattern of names, which only the Dialer resolves.
type Dialer interface {
	// Dial dials number and blocks until a call is up, or the line is on hook again or known not to be
	// (Dialed.Unproven). It ends soon after ctx, with its cause as the reason.
	Dial(ctx context.Context, l lines.Dialable, script string, number numbers.Number) lines.Dialed
	// OffHook runs a script that dials nobody, and blocks until it has ended: nil where it ended well or script is "".
	OffHook(ctx context.Context, l lines.Dialable, script string) error
}

// Options are the parts that a Broker works with for its whole life.
type Options struct {
	Journal journal.Store
	Pool    *lines.Pool
	// Accountant delivers the spooled records; nil: nothing is accounted and nothing spooled.
	Accountant aaa.Accountant
	// CallCheck asks AAA whether a call that rings may be answered (Service-Type Call-Check), for lines that want it;
	// it blocks until the answer or ctx's end. Only Granted answers the telephone. nil: such lines answer nobody.
	CallCheck func(ctx context.Context, r aaa.Request) aaa.Result
	Log       *zap.Logger                // nil: none
	Debug     func(tty int, text string) // `debug callback`; nil: none
	Limits    Limits
	NameKey   []byte // of the hashes by which names that are nobody's are logged and counted; nil: one of this process
}

// Limits are the loop's own deadlines. Zero fields stand for the defaults in the comments.
type Limits struct {
	HangUp    time.Duration // leg one must be down after the promise: 30 s
	LineRetry time.Duration // pause before a line is asked for again: 5 s
	OffHook   time.Duration // grace for an off-hook script at the end of the wait: 15 s
	Dial      time.Duration // backstop behind a dial script's own time limits: 5 min
	Login     time.Duration // leg two must be admitted: 90 s
	Grace     time.Duration // a hang-up that was ordered must show: 45 s
	// longest that a dial waits for leg one's Stop to be acknowledged, counted from its spooling: 5 s
	Accounting time.Duration
	// longest that anybody waits for a report, or a record of the audit, to be on disk, where nothing depends on it: 5
	// s
	Report      time.Duration
	WaitStart   time.Duration // longest that a caller waits for their Start to be acknowledged (wait-start): 10 s
	Reauthorize time.Duration // longest that one question for authorization without a login may take: 20 s
	CallCheck   time.Duration // longest that a call rings while AAA is asked whether to answer it: 15 s
	Retry       time.Duration // pause before a step that could not be recorded is tried again: 1 s
}

// Broker is the owner of calls and callbacks. New makes one, Run works.
type Broker struct {
	opt    Options
	sinks  []events.Sink
	config atomic.Pointer[Config]
	log    *zap.Logger

	events   chan event
	over     chan struct{} // closed when the loop has ended
	draining atomic.Bool
	running  sync.WaitGroup // goroutines of effects and calls
	turns    sync.WaitGroup // goroutines that write for a call
	spool    *spool.Spool
	guard    *guard
	notes    notes

	mu    sync.Mutex       // guards what follows
	calls map[string]*call // live calls by ID
	works map[string]*work // callbacks the loop has in hand, by ID; written by the loop only

	// The loop's own.
	backlog  []event
	batch    []event         // memory of gather
	taken    map[string]bool // likewise
	steps    []step          // memory of round
	leaseSeq uint64
	carry    func(context.Context, *work, callback.Effect) // carryOut; the simulation has a world of its own
	again    func(context.Context, event)                  // tryAgain, likewise
	undone   time.Time                                     // when it was last logged that a step could not be recorded
	quiet    int                                           // how many were not logged since
	refused  atomic.Uint64                                 // events that no rule covered
}

// New returns a Broker that owns nothing yet.
func New(o Options, c Config) *Broker {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Debug == nil {
		o.Debug = func(int, string) {}
	}
	o.Limits = o.Limits.withDefaults()
	b := &Broker{
		opt:    o,
		log:    o.Log,
		sinks:  []events.Sink{events.Log{Logger: o.Log}, events.Debug(o.Debug)},
		events: make(chan event, 256),
		over:   make(chan struct{}),
		calls:  map[string]*call{},
		works:  map[string]*work{}, taken: map[string]bool{},
	}
	b.carry, b.again = b.carryOut, b.tryAgain
	b.spool = spool.New(o.Journal, o.Accountant, o.Log, b.publish)
	b.guard = newGuard(b, o.NameKey)
	b.config.Store(&c)
	return b
}

// Reload swaps the configuration for calls and decisions to come.
func (b *Broker) Reload(c Config) { b.config.Store(&c) }

// Run takes up what the journal holds, runs the lines and the loop, and blocks until ctx ends: then no call is taken
// any more, what is dialling or logging in gets a moment to finish, sessions are ended, and promises stay in the
// journal for the next start. An error means that it could not start, or that a part broke down.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.recover(ctx); err != nil {
		return err
	}
	base := context.WithoutCancel(ctx)
	work, stop := context.WithCancelCause(base)
	defer stop(nil)
	onLines, stopLines := context.WithCancel(base)
	defer stopLines()
	var parts sync.WaitGroup
	parts.Go(func() { b.loop(work) })
	parts.Go(func() { b.spool.Run(work) })
	pool := make(chan error, 1)
	go func() { pool <- b.opt.Pool.Run(onLines, b.Accept) }()
	var err error
	select {
	case <-ctx.Done():
		b.drain()
		b.hangUpAll()
		b.until(func() bool { return len(b.calls) == 0 })
	case err = <-pool:
		pool <- err
	}
	stop(errShutdown)
	b.running.Wait()
	parts.Wait()
	b.giveBackAll()
	stopLines()
	<-pool
	b.turns.Wait()
	// in good order: a part that broke down is started again at once, and its calls are not over for AAA
	if ctx.Err() != nil {
		b.switchOff(base)
	}
	b.spool.Flush(base)
	b.notesWritten()
	return err
}

var errShutdown = errors.New("ringback is shutting down")

// drainTime is how long a shutdown waits for attempts and logins of leg two that have begun, and then for calls to be
// down.
const drainTime = 10 * time.Second

// drain stops new calls and dials and lets what must not be cut come to its end.
func (b *Broker) drain() {
	b.draining.Store(true)
	b.opt.Pool.Drain()
	b.until(func() bool {
		for _, w := range b.works {
			if w.cannotBeCut() {
				return false
			}
		}
		return true
	})
}

// until waits for quiet, asked with the mutex held, but no longer than drainTime.
func (b *Broker) until(quiet func() bool) {
	deadline := time.NewTimer(drainTime)
	defer deadline.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		b.mu.Lock()
		done := quiet()
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-deadline.C:
			return
		case <-poll.C:
		}
	}
}

// giveBackAll returns the leases of callbacks that go on after the next start. The loop has ended.
func (b *Broker) giveBackAll() {
	for _, w := range b.works {
		if w.lease != nil {
			w.lease.Release()
		}
	}
}

func (b *Broker) hangUpAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		c.cancel(session.End{Cause: aaa.CauseNASReboot, Text: errShutdown.Error()})
	}
}

// Arrears is how many ends of calls wait in memory for a disk that takes them.
func (b *Broker) Arrears() int {
	return b.spool.Owed()
}

// Refused is how many events no rule of the machine covered: late and doubled ones.
func (b *Broker) Refused() uint64 { return b.refused.Load() }

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&l.HangUp, 30*time.Second)
	set(&l.LineRetry, 5*time.Second)
	set(&l.OffHook, 15*time.Second)
	set(&l.Dial, 5*time.Minute)
	set(&l.Login, 90*time.Second)
	set(&l.Grace, 45*time.Second)
	set(&l.Accounting, 5*time.Second)
	set(&l.Report, 5*time.Second)
	set(&l.WaitStart, 10*time.Second)
	set(&l.Reauthorize, 20*time.Second)
	set(&l.CallCheck, 15*time.Second)
	set(&l.Retry, time.Second)
	return l
}

// newID returns 8 characters that nobody can guess and a person can type.
func newID() string {
	b := make([]byte, 5)
	rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))
}

// Package broker owns every call and every callback of a node. One goroutine, the loop, steps the callback machines,
// writes one transaction, then has the effects carried out. The goroutines of the calls ask for decisions with Decide
// and report with Report. The package knows nothing of modems and prompts: it leases lines from a pool, dials through a
// dialer, and leaves the dialogue to session.
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
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/triggers"
)

// Config is the part of the configuration that a reload may change. Calls and callbacks that have begun keep the
// decision they were given; right before a dial, the newer configuration can only deny.
type Config struct {
	Session    session.Config
	Lines      map[int]Line              // by TTY. A line that is not listed admits no one and dials no one
	Accounting map[string]AccountingList // by the name in Line.Accounting. A missing list records start and stop
	Policies   *policies.Set
	Lifetime   time.Duration   // from promised to expired; 0: 1 h
	HoldOff    time.Duration   // from the end of a dial to the next one of the same number
	RandomWait time.Duration   // most that chance adds to the wait before the first dial of a callback
	Ceilings   []journal.Limit // of all callbacks together; the zone of the node defines their windows
	Tariff     *tariff.Table   // nil: no number has a price
	Dialer     Dialer
	Tests      ModemTests
	// ChatPolicy is the group whose policy permits and limits the dials of start-chat; "": none is permitted.
	ChatPolicy string
	// Triggers say who may request callbacks by short messages and missed calls.
	Triggers triggers.Rules
	Sites    Sites
	// Entries are the names of the entries of all method lists: a callback of another node is taken only if its user
	// was authenticated by one of them. nil: any.
	Entries map[string]bool

	LoginLimits LoginLimits
	LocalUsers  map[string]bool // names that logs may show before their users have logged in
}

// Login is the method lists of a line, such as an aaa.Login.
type Login interface {
	session.Login
	// Reauthorize asks again, without a password, what a user may have, and blocks until the result is Granted, Refused
	// or Silent. If no method can be asked without a password, it returns granted.
	Reauthorize(ctx context.Context, r aaa.Request, id aaa.Identity, granted aaa.Authorization) aaa.Result
	// Vouch asks, without a password, what a user may have who has not called, and blocks until the result is Granted,
	// with their identity, Refused or Silent.
	Vouch(ctx context.Context, r aaa.Request) aaa.Result
}

// Dialer dials on the lines that the broker leases. Its methods may be called concurrently and must not retain a lease.
// script is the pattern of script names that the line configures; the Dialer resolves it.
type Dialer interface {
	// Dial dials and blocks until a call is up, or the line is on hook again or cannot be proven to be
	// (Dialed.Unproven). It ends soon after ctx does, with the cause of ctx as the reason. The script matches script
	// and each pattern in and.
	Dial(ctx context.Context, l lines.Dialable, script string, dial numbers.Dialstring, and ...string) lines.Dialed
	// Check returns an error if no script matches all these patterns. "" is no pattern.
	Check(scripts ...string) error
	// CheckDial returns the name of the script that Dial would run, or an error if Dial would send nothing.
	CheckDial(dial numbers.Dialstring, scripts ...string) (script string, err error)
	// Command runs a script that dials no one, and blocks until it has ended. It returns nil if the script succeeded or
	// is "", and lines.ErrRinging if it did while the line rang; what is what the script is for, for errors.
	Command(ctx context.Context, l lines.Commander, what, script string) (lines.Chatted, error)
	// Converse runs a script that talks to the other side of a call, and blocks until it has ended. It is as Command
	// for its arguments and results; the script matches all patterns. The call is on line tty.
	// as is who it logs on as.
	Converse(ctx context.Context, tty int, c lines.TextConn, as lines.LogonAs, what string, scripts ...string) (
		lines.Chatted, error)
}

// Options are the parts that a Broker uses for its whole life.
type Options struct {
	Journal journal.Store
	Pool    *lines.Pool
	// Accountant delivers the spooled records; nil: no accounting and no spool.
	Accountant aaa.Accountant
	// CallCheck asks AAA whether a ringing call may be answered (Service-Type Call-Check), for lines that require it.
	// It blocks until the answer or the end of ctx. Only Granted answers the call. nil: such lines answer no call.
	CallCheck func(ctx context.Context, r aaa.Request) aaa.Result
	// KeepBusyouts writes the lines that are busied out, by TTY, and returns when they are on disk. nil: a restart
	// forgets them.
	KeepBusyouts func(map[int]lines.Busyout) error
	// Record begins the recording of a session and blocks until it has begun; the error is why it cannot begin. nil:
	// none can.
	Record func(ctx context.Context, of Recorded) (session.Recorder, error)
	// Fleet is the authority that the nodes of a fleet share; nil: this node is alone. Its Run must run for longer than
	// that of the Broker, and its changes must have no orders. Node is the name of this node.
	Fleet      fleet.Authority
	Node       string
	FleetRules FleetRules
	Log        *zap.Logger   // nil: none
	Sinks      []events.Sink // receive each event, in addition to the log and the audit, in this order
	Limits     Limits
	NameKey    []byte // key of the hashes under which unknown names are logged and counted; nil: a random key
}

// Recorded is a session that is to be recorded.
type Recorded struct {
	Session  string // as in accounting
	Call     string
	User     string
	TTY, Leg int
	Callback string // of leg two
	Group    string
	Charset  texts.Charset // of the terminal. What one with Big5 shows reaches the Recorder as UTF-8
}

// Limits are the loop's own deadlines. Zero fields mean the defaults in the comments.
type Limits struct {
	HangUp    time.Duration // from the promise until leg one must be down: 30 s
	LineRetry time.Duration // pause before a line is requested again: 5 s
	OffHook   time.Duration // extra time for an off-hook script at the end of the wait: 15 s
	Dial      time.Duration // backstop beyond a dial script's own time limits: 5 min
	Script    time.Duration // maximum time of a script on a call that is up: 1 min
	Login     time.Duration // until leg two must be admitted: 90 s
	Grace     time.Duration // until an ordered hang-up must have happened: 45 s
	// maximum wait of a dial for the acknowledgement of leg one's Stop, counted from its spooling: 5 s
	Accounting time.Duration
	// maximum wait for a report or an audit record to be on disk, if nothing depends on it: 5 s
	Report      time.Duration
	WaitStart   time.Duration // maximum wait of a caller for their Start to be acknowledged (wait-start): 10 s
	Reauthorize time.Duration // maximum time of one request for authorization without a login: 20 s
	CallCheck   time.Duration // maximum time that a call rings while AAA is asked whether to answer it: 15 s
	Ringing     time.Duration // from the promise of a callback to a call that rings until it must stop: 3 min
	Retry       time.Duration // pause before a step that could not be recorded is retried: 1 s
}

// Broker owns calls and callbacks.
type Broker struct {
	opt    Options
	sinks  []events.Sink
	fleet  *member // nil: this node is alone
	config atomic.Pointer[Config]
	log    *zap.Logger

	events    chan event
	progress  chan struct{} // received from by the loop between two rounds
	over      chan struct{} // closed when the loop has ended
	draining  atomic.Bool
	drained   atomic.Pointer[lines.Busyout] // an operator's order; nil: none
	running   sync.WaitGroup                // goroutines of effects and calls
	turns     sync.WaitGroup                // goroutines that write for a call
	spool     *spool.Spool
	guard     *guard
	notes     notes
	lock      lockdown
	access    access
	records   lineRecords
	triggered triggered
	busyout   sync.Mutex  // one order for a line at a time; no other mutex is held
	undrain   *time.Timer // ends the drain; guarded by busyout; nil: there was none for a time
	orders    orders
	ordered   ordered
	tests     tests
	reloaded  chan struct{} // capacity 1: the schedule of the tests may have changed

	recovered atomic.Bool // what the journal holds has been resumed

	mu     sync.Mutex        // guards what follows
	calls  map[string]*call  // live calls by ID
	rings  map[int]string    // calling numbers of calls that ring and about which AAA is asked, by TTY
	fullAt map[int]time.Time // by TTY: when Full last rejected a ring
	works  map[string]*work  // callbacks that the loop works on, by ID; written by the loop only
	clock  clock
	ended  map[aaa.Identity]ended // callbacks of which their users have not heard

	// Used by the loop only.
	backlog  []event
	batch    []event         // reused by gather
	taken    map[string]bool // reused by gather
	steps    []step          // reused by round
	leaseSeq uint64
	bars     map[barred]time.Time                          // until when
	dialedAt dialTimes                                     // when the last dial of a number ended
	disabled map[numbers.Number]time.Time                  // until when no callback to a number is promised
	last     map[aaa.Identity]policies.Last                // of users whose numbers take turns
	carry    func(context.Context, *work, callback.Effect) // carryOut; the simulation replaces it
	again    func(context.Context, event)                  // tryAgain; the simulation replaces it
	undone   time.Time                                     // when it was last logged that a step could not be recorded
	quiet    int                                           // failures not logged since then
	refused  atomic.Uint64                                 // events that no rule covered
}

// New returns a Broker without calls or callbacks.
func New(o Options, c Config) *Broker {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	o.Limits = o.Limits.withDefaults()
	b := &Broker{
		opt:      o,
		fleet:    newMember(o),
		log:      o.Log,
		sinks:    append([]events.Sink{events.Log{Logger: o.Log}}, o.Sinks...),
		events:   make(chan event, 256),
		progress: make(chan struct{}),
		over:     make(chan struct{}),
		reloaded: make(chan struct{}, 1),
		calls:    map[string]*call{}, rings: map[int]string{}, fullAt: map[int]time.Time{},
		works: map[string]*work{}, taken: map[string]bool{}, bars: map[barred]time.Time{},
		disabled: map[numbers.Number]time.Time{},
		last:     map[aaa.Identity]policies.Last{},
		ended:    map[aaa.Identity]ended{}, records: lineRecords{onDisk: map[int]*lines.Record{}},
	}
	b.carry, b.again = b.carryOut, b.tryAgain
	b.spool = spool.New(o.Journal, o.Accountant, o.Log, b.publish)
	b.guard = newGuard(b, o.NameKey)
	b.config.Store(&c)
	return b
}

// Reload replaces the configuration for future calls and decisions.
func (b *Broker) Reload(c Config) {
	b.config.Store(&c)
	select {
	case b.reloaded <- struct{}{}:
	default:
	}
}

// Run resumes what the journal holds, runs the lines and the loop, and blocks until ctx ends. It then accepts no more
// calls, gives dials and logins in progress a short time to finish, and ends the sessions; pending callbacks stay in
// the journal for the next start. An error means that it could not start, or that a part failed.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.recover(ctx); err != nil {
		return err
	}
	b.loadRecords(ctx)
	b.recovered.Store(true)
	base := context.WithoutCancel(ctx)
	work, stop := context.WithCancelCause(base)
	defer stop(nil)
	onLines, stopLines := context.WithCancel(base)
	defer stopLines()
	var parts sync.WaitGroup
	parts.Go(func() { b.loop(work) })
	parts.Go(func() { b.spool.Run(work) })
	b.ordered.open(work)
	parts.Go(func() { b.testOnSchedule(work) })
	parts.Go(func() { b.keepRecords(work) })
	leave := b.joinFleet(base, work, &parts)
	_ = b.Progress(work) // the lines begin all together, and the loop, with those who wait for it, before them
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
	parts.Wait() // first: the loop starts what runs
	b.running.Wait()
	b.ordered.close()
	b.giveBackAll()
	stopLines()
	<-pool
	b.turns.Wait()
	_ = b.writeRecords(equal) // it logs an error
	// Only in an orderly shutdown: a part that failed is restarted immediately, and for AAA its calls are not over.
	if ctx.Err() != nil {
		b.switchOff(base)
	}
	b.spool.Flush(base)
	leave()
	b.access.stop()
	b.endDrain()
	b.orders.wait()
	b.notesWritten()
	return err
}

// interruptedBy returns the outcome of a dial that was cut short.
func interruptedBy(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), errShutdown) {
		return restarted
	}
	return interrupted
}

// errShutdown is the cause of the context of what a shutdown ends; shutdownEnd is that of a session.
var (
	errShutdown = errors.New("ringback is shutting down")
	shutdownEnd = session.End{Cause: aaa.CauseNASReboot, Text: texts.EndShutdown}
)

// cutShort reports whether ctx ended because ringback itself cut a dial or a session short: in a lockdown or a
// shutdown.
func cutShort(ctx context.Context) bool {
	cause := context.Cause(ctx)
	for _, own := range []error{errLockdown, lockdownEnd, errShutdown, shutdownEnd} {
		if errors.Is(cause, own) {
			return true
		}
	}
	return false
}

// drainTime is how long a shutdown waits for attempts and logins of leg two in progress, and then for calls to be down.
const drainTime = 10 * time.Second

// drain stops new calls and dials and waits for work that must not be interrupted.
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

// until waits until quiet returns true, at most drainTime. quiet is called with the mutex held.
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

// giveBackAll returns the leases of callbacks that continue after the next start, and those of events that were sent
// when the loop had ended.
func (b *Broker) giveBackAll() {
	for len(b.events) > 0 {
		b.refuse(<-b.events)
	}
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
		c.cancel(shutdownEnd)
	}
}

// Arrears returns how many ends of calls wait in memory for the disk to accept them.
func (b *Broker) Arrears() int {
	return b.spool.Owed()
}

// Refused returns how many events no rule of the machine covered: late and duplicate ones.
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
	set(&l.Script, time.Minute)
	set(&l.Login, 90*time.Second)
	set(&l.Grace, 45*time.Second)
	set(&l.Accounting, 5*time.Second)
	set(&l.Report, 5*time.Second)
	set(&l.WaitStart, 10*time.Second)
	set(&l.Reauthorize, 20*time.Second)
	set(&l.CallCheck, 15*time.Second)
	set(&l.Ringing, 3*time.Minute)
	set(&l.Retry, time.Second)
	return l
}

// NewID returns an ID for a call that no line has, such as a Visit: it is unique among all calls.
func NewID() string { return newID() }

// idLength is the number of characters of an ID, of 5 bits each: enough for the nodes of a fleet to choose IDs without
// asking each other.
const idLength = 13

// newID returns idLength characters that are hard to guess and easy to type.
func newID() string {
	b := make([]byte, (idLength*5+7)/8)
	rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)[:idLength])
}

package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/dialer"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/triggers"
	"github.com/ringback/ringback/trunks"
)

// dtePort is a modem of the exchange as a lines.Port, in memory, with modem signals.
type dtePort struct {
	*exchange.DTE
}

func (dtePort) HasSignals() bool { return true }
func (p dtePort) Signals() lines.Signals {
	var s lines.Signals
	for from, to := range map[exchange.Signals]lines.Signals{
		exchange.DCD: lines.DCD, exchange.DSR: lines.DSR, exchange.CTS: lines.CTS, exchange.RI: lines.RI,
		exchange.DTR: lines.DTR, exchange.RTS: lines.RTS,
	} {
		if p.DTE.Signals().Has(from) {
			s |= to
		}
	}
	return s
}
func (p dtePort) SetDTR(on bool) error    { p.DTE.SetDTR(on); return nil }
func (dtePort) Break(time.Duration) error { return nil }
func (dtePort) String() string            { return "memory" }

// plain hides the signals: the port has only data, like TCP and PTY ports.
type plain struct{ dtePort }

func (plain) HasSignals() bool          { return false }
func (plain) Signals() lines.Signals    { return 0 }
func (plain) Changes() <-chan struct{}  { return nil }
func (plain) SetDTR(bool) error         { return lines.ErrNoSignals }
func (plain) Break(time.Duration) error { return lines.ErrNoSignals }

func (p plain) Await() {
	select {
	case <-p.DTE.Changes(): // no one else reads it
	default:
	}
	p.DTE.Await()
}

// town is an exchange, lines, and a broker on a real journal, all in one synctest bubble.
type town struct {
	t       *testing.T
	x       *exchange.Exchange
	lines   []*exchange.Modem
	home    *exchange.Modem // 84001
	pool    *lines.Pool
	broker  *broker.Broker
	journal *sqlite.Journal
	dir     string
	opt     townOptions
	stop    context.CancelFunc
	ended   chan error

	node *fleettest.Node // nil: it is alone

	busyouts map[int]lines.Busyout // on disk
	inside   func() *api.Inside    // for the commands of callers
	served   sync.WaitGroup        // the API of inside
}

type townOptions struct {
	lines      int
	number     string // of the lines; "" 55555
	noSignals  bool
	insecure   bool // insecure_signals
	sameLine   bool // same_line_no_verify
	attempts   int
	forcedWait time.Duration
	noRotary   bool
	home       exchange.ModemConfig // of the subscriber at 84001
	line       exchange.ModemConfig // of the lines' modems
	login      broker.Login
	dial       string            // the callback script; "" that of document 5732
	ownScripts bool              // the lines name no scripts
	scripts    map[string]string // more chat scripts, by name
	order      []string          // still more, before these: name, text, …
	chatDebug  func(tty int, text string)
	events     func(l *broker.Line) // changes the scripts of the lines
	accountant aaa.Accountant
	accounting map[string]broker.AccountingList
	list       string                 // the lines' accounting list
	policy     func(*policies.Policy) // changes the group's policy
	// AAA's answer when it is asked again; nil: the same as before
	again     func(aaa.Request, aaa.Authorization) aaa.Result
	sites     broker.Sites
	user      func(*aaa.Authorization) // changes what users are granted
	grant     func(aaa.Request, *aaa.Authorization)
	callerID  bool
	lifetime  time.Duration
	holdOff   time.Duration
	random    time.Duration                     // random_wait
	store     func(journal.Store) journal.Store // wraps the journal; nil: no wrapper
	limits    broker.LoginLimits
	ceilings  []journal.Limit
	trunks    trunks.List
	tariff    string // CSV
	exchange  exchange.Config
	exec      func(*exec.Config)                         // changes the EXEC
	frontEnds func(session.FrontEnd) session.Chooser     // replaces the EXEC; nil: the EXEC alone
	driver    func(tty int, d lines.Driver) lines.Driver // wraps the lines' drivers
	log       *zap.Logger
	// asked about each call that rings; nil: the lines have no call_check
	callCheck func(context.Context, aaa.Request) aaa.Result
	busyouts  func() error // the disk for the lines that are busied out; nil: a good one
	// asked before the port of a line is opened, which it may refuse; nil: no port is refused
	open       func(tty int) error
	lineConfig func(*lines.Config)      // changes the lines
	hunts      map[int]lines.Hunt       // of rotaries
	tests      func(*broker.ModemTests) // allows modem tests of all lines; it may change what is allowed
	triggers   triggers.Rules           // who may request callbacks without a call
	chatPolicy string                   // whose policy permits the dials of start-chat
	sinks      []events.Sink            // of the broker
	fleet      *fleettest.Fleet         // the node named node is one of it; nil: it is alone
	node       string
	cut        bool // at its start it cannot reach the fleet
	rules      broker.FleetRules
	// begins recordings; nil: there are none
	record func(context.Context, broker.Recorded) (session.Recorder, error)
}

// directNumber is the number of a line alone.
func directNumber(tty int) string { return fmt.Sprintf("555550%d", tty) }

// asked is a login whose AAA can be asked again, and grants what the town's configuration says.
type asked struct {
	aaa.Login
	o *townOptions
}

func (l asked) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	c, res := l.Login.Start(ctx, r)
	if l.o.user != nil && res.Kind == aaa.Granted {
		l.o.user(&res.Auth)
	}
	if l.o.grant != nil && res.Kind == aaa.Granted {
		l.o.grant(r, &res.Auth)
	}
	return c, res
}

func (l asked) Reauthorize(ctx context.Context, r aaa.Request, id aaa.Identity, granted aaa.Authorization) aaa.Result {
	if l.o.again == nil {
		return l.Login.Reauthorize(ctx, r, id, granted)
	}
	return l.o.again(r, granted)
}

const password = "maui-1993"

func newTown(t *testing.T, o townOptions) *town {
	t.Helper()
	if o.lines == 0 {
		o.lines = 2
	}
	if o.attempts == 0 {
		o.attempts = 1
	}
	if o.forcedWait == 0 {
		o.forcedWait = 5 * time.Second
	}
	if o.number == "" {
		o.number = "55555"
	}
	w := &town{t: t, opt: o, dir: memoryDir(t), x: exchange.New(o.exchange)}
	for i := range o.lines {
		c := o.line
		c.Name, c.Number, c.Direct = fmt.Sprintf("tty%d", 65+i), o.number, directNumber(65+i)
		w.lines = append(w.lines, w.x.AddModem(c))
	}
	c := o.home
	c.Name, c.Number = "home", "84001"
	w.home = w.x.AddModem(c)
	w.x.Reserve("84010", exchange.Busy)
	w.x.Reserve("84011", exchange.NoAnswer)
	if err := broker.FreshJournal(filepath.Join(w.dir, "state")); err != nil {
		t.Fatal(err)
	}
	w.start()
	return w
}

// memoryDir returns a directory on a disk in memory, if there is one: the journal of a town need not wait for syncs.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "ringback-town-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// start boots a ringback on the existing journal.
func (w *town) start() {
	w.t.Helper()
	j, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(w.dir, "state", "journal.db")})
	if err != nil {
		w.t.Fatal(err)
	}
	w.journal = j
	w.pool = lines.NewPool(lines.PoolOptions{Full: func(r lines.RingingCall) bool { return w.broker.Full(r) },
		Screen:  func(ctx context.Context, r lines.RingingCall) bool { return w.broker.Screen(ctx, r) },
		Message: func(ctx context.Context, m lines.Message) bool { return w.broker.Message(ctx, m) },
		Prepare: func(tty int, o lines.Occasion) lines.Preparation { return w.broker.Prepare(tty, o) }})
	var ttys []int
	for i := range w.lines {
		ttys = append(ttys, 65+i)
	}
	w.pool.SetHunts(w.opt.hunts)
	w.pool.Reconfigure(w.planned(nil, ttys...))
	var store journal.Store = j
	if w.opt.store != nil {
		store = w.opt.store(j)
	}
	w.pool.SetBusyouts(maps.Clone(w.busyouts))
	var shared fleet.Authority
	if w.opt.fleet != nil {
		w.node = w.opt.fleet.Node(w.opt.node)
		w.node.Cut(w.opt.cut)
		shared = w.node
	}
	w.broker = broker.New(broker.Options{Fleet: shared, Node: w.opt.node, FleetRules: w.opt.rules,
		Journal: store, Pool: w.pool, Accountant: w.opt.accountant, Log: w.opt.log,
		NameKey: []byte("names"), KeepBusyouts: w.keepBusyouts, CallCheck: w.opt.callCheck,
		Sinks: w.opt.sinks, Record: w.opt.record}, w.config())
	ctx, cancel := context.WithCancel(context.Background())
	w.stop, w.ended = cancel, make(chan error, 1)
	w.inside = sync.OnceValue(func() *api.Inside {
		l := api.NewInside()
		s := &api.Server{Daemon: api.FromBroker(w.broker), Feed: &api.Feed{}}
		w.served.Go(func() { _ = s.ServeInside(ctx, l) })
		return l
	})
	go func() { w.ended <- w.broker.Run(ctx) }()
}

// planned returns the lines of the town with these TTYs; change, unless it is nil, may change their configurations.
func (w *town) planned(change func(*lines.Config), ttys ...int) (all []lines.Planned) {
	for _, tty := range ttys {
		m, rotary := w.lines[tty-65], 1
		if w.opt.noRotary {
			rotary = lines.NoRotary
		}
		cfg := &lines.Config{TTY: tty, Rotary: rotary, CallerID: w.opt.callerID,
			CallCheck: w.opt.callCheck != nil}
		cfg.InBand, cfg.InsecureSignals, cfg.SameLine = w.opt.noSignals, w.opt.insecure, w.opt.sameLine
		if w.opt.lineConfig != nil {
			w.opt.lineConfig(cfg)
		}
		if change != nil {
			change(cfg)
		}
		open := func(context.Context) (lines.Port, error) {
			if w.opt.open != nil {
				if err := w.opt.open(tty); err != nil {
					return nil, err
				}
			}
			p := dtePort{m.DTE()}
			if w.opt.noSignals {
				return plain{p}, nil
			}
			return p, nil
		}
		all = append(all, lines.Planned{Config: cfg, Driver: func() lines.Driver {
			var driver lines.Driver = modem.New(modem.Options{Config: cfg, Open: open})
			if w.opt.driver != nil {
				driver = w.opt.driver(cfg.TTY, driver)
			}
			return driver
		}})
	}
	return all
}

// ttys returns the numbers of all lines.
func (w *town) ttys() (all []int) {
	for i := range w.lines {
		all = append(all, 65+i)
	}
	return all
}

// keepBusyouts is a disk that may fail.
func (w *town) keepBusyouts(all map[int]lines.Busyout) error {
	if w.opt.busyouts != nil {
		if err := w.opt.busyouts(); err != nil {
			return err
		}
	}
	w.busyouts = maps.Clone(all)
	return nil
}

func (w *town) config() broker.Config {
	users := []aaa.User{
		{Name: "austin-01", Password: password, Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("84001"),
			NoVerify: true}},
		{Name: "austin-02", Password: password, Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("")}},
		{Name: "AUSTIN-02", Password: password, Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("")}},
		{Name: "kihei-03", Password: password, Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("84001")}},
		{Name: "busy-05", Password: password, Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("84010")}},
		{Name: "paia-04", Password: password},
		{Name: "hana-06", Password: password, DialOut: true},
	}
	local, err := aaa.NewLocal(users)
	if err != nil {
		w.t.Fatal(err)
	}
	policy := policies.Policy{
		Group: "default", Callback: policies.Optional, NoVerify: true,
		Numbers:  policies.Numbers{From: policies.AnySource(), Allow: []string{"84*"}, Deny: []string{"849*"}},
		Attempts: policies.Attempts{Max: w.opt.attempts, RetryWait: 30 * time.Second},
	}
	if w.opt.policy != nil {
		w.opt.policy(&policy)
	}
	var prices *tariff.Table
	if w.opt.tariff != "" {
		var problems schema.Problems
		if prices, problems = tariff.Parse("tariff.csv", []byte(w.opt.tariff), "EUR"); prices == nil {
			w.t.Fatal(problems)
		}
	}
	set, err := policies.New(policies.Site{Trunks: w.opt.trunks,
		Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}, Places: map[string]string{"home": "84001"},
		Lines: w.siteLines(), Tariff: prices}, policy)
	if err != nil {
		w.t.Fatal(err)
	}
	list := aaa.List{Name: "default", Entries: []aaa.Method{local}}
	lists := aaa.Lists{aaa.EXEC: list, aaa.PPP: list, aaa.Outbound: list}
	var login broker.Login = asked{aaa.Login{Authentication: lists}, &w.opt}
	if w.opt.login != nil {
		login = w.opt.login
	}
	dial := w.opt.dial
	if dial == "" {
		dial = `ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c`
	}
	running := map[int]broker.Line{}
	for i := range w.opt.lines {
		running[65+i] = broker.Line{
			Login: login, Accounting: w.opt.list, CallbackScript: "rtp", OffHookScript: "offhook",
			ForcedWait: w.opt.forcedWait,
		}
		if w.opt.ownScripts {
			running[65+i] = broker.Line{Login: login}
		}
		if w.opt.events != nil {
			l := running[65+i]
			w.opt.events(&l)
			running[65+i] = l
		}
	}
	scripts := append(chat.Shipped(), script(w.t, "rtp", dial))
	for i := 0; i < len(w.opt.order); i += 2 {
		scripts = append(scripts, script(w.t, w.opt.order[i], w.opt.order[i+1]))
	}
	for name, text := range w.opt.scripts {
		scripts = append(scripts, script(w.t, name, text))
	}
	e := exec.Config{Hostname: "maui-nas-04", Client: w.operator,
		Chat: func(ctx context.Context, c lines.Chat) (lines.Chatted, error) { return w.broker.StartChat(ctx, c) }}
	if w.opt.exec != nil {
		w.opt.exec(&e)
	}
	var frontEnds session.Chooser = session.Only{FrontEnd: exec.New(e)}
	if w.opt.frontEnds != nil {
		frontEnds = w.opt.frontEnds(exec.New(e))
	}
	return broker.Config{
		Session: session.Config{FrontEnds: frontEnds}, Lines: running, Policies: set,
		Accounting: w.opt.accounting, Lifetime: w.opt.lifetime, HoldOff: w.opt.holdOff, RandomWait: w.opt.random,
		Dialer:      &dialer.Dialer{Scripts: scripts, Debug: w.opt.chatDebug},
		LoginLimits: w.opt.limits, Ceilings: w.opt.ceilings,
		Tariff: prices, Tests: w.modemTests(), ChatPolicy: w.opt.chatPolicy, Sites: w.opt.sites,
		Triggers: w.opt.triggers,
	}
}

// operator is an exec.Config.Client: commands of callers ask the admin API, as in a daemon.
func (w *town) operator(user, name string, privileged bool) *client.Client {
	role := api.Read
	if privileged {
		role = api.Operate
	}
	return w.inside().Client(api.User{Account: user, Name: name, Role: role})
}

// modemTests allows tests of all lines if the town has them.
func (w *town) modemTests() (m broker.ModemTests) {
	if w.opt.tests == nil {
		return m
	}
	m = broker.ModemTests{Lines: map[int]broker.TestLine{}, MaxPerDay: 50, QuarantineAfter: 3}
	for i := range w.opt.lines {
		n, err := numbers.Reread(directNumber(65 + i))
		if err != nil {
			w.t.Fatal(err)
		}
		m.Lines[65+i] = broker.TestLine{Number: n}
	}
	w.opt.tests(&m)
	return m
}

func (w *town) siteLines() (all []policies.SiteLine) {
	rotary := 1
	for i := range w.opt.lines {
		l := policies.SiteLine{TTY: 65 + i}
		if !w.opt.noRotary {
			l.Rotary = &rotary
		}
		all = append(all, l)
	}
	return all
}

func script(t *testing.T, name, text string) *chat.Script {
	t.Helper()
	s, err := chat.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// halt shuts ringback down in an orderly way; the town continues.
func (w *town) halt() {
	w.t.Helper()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
	w.served.Wait()
	if n := w.pool.Outstanding(); n != 0 {
		w.t.Errorf("%d leases were not returned (law 9)", n)
	}
	if err := w.journal.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *town) close() {
	w.t.Helper()
	w.halt()
	w.x.Close()
}

// pc is a caller with a PC and a modem.
type pc struct {
	t   *testing.T
	dte *exchange.DTE
}

func (w *town) pc(m *exchange.Modem) *pc { return &pc{t: w.t, dte: m.DTE()} }

func (p *pc) typ(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.dte, text+"\r"); err != nil {
		p.t.Errorf("type %q: %v", text, err)
	}
}

// see waits for a text for at most within, and returns the input up to its end.
func (p *pc) see(text string, within time.Duration) string {
	p.t.Helper()
	got, ok := p.await(text, within)
	if !ok {
		p.t.Fatalf("%q did not come within %v; the screen shows %q", text, within, got)
	}
	return got
}

func (p *pc) await(text string, within time.Duration) (string, bool) {
	p.dte.SetReadDeadline(time.Now().Add(within))
	var got strings.Builder
	b := make([]byte, 1)
	for !strings.Contains(got.String(), text) {
		n, err := p.dte.Read(b)
		got.Write(b[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			return got.String(), false
		}
	}
	return got.String(), true
}

// login dials and logs in up to the answer to the password.
func (p *pc) login(user string) {
	p.t.Helper()
	p.typ("atdt55555")
	p.see("CONNECT", time.Minute)
	p.see("Username: ", time.Minute)
	p.typ(user)
	p.see("Password: ", time.Minute)
	p.typ(password)
}

// idle waits until all lines are on hook and not leased.
func (w *town) idle(within time.Duration) {
	w.t.Helper()
	deadline := time.Now().Add(within)
	for {
		busy := ""
		for _, s := range w.pool.Lines() {
			if s.State != lines.Idle {
				busy = fmt.Sprintf("tty %d is %s %s", s.TTY, s.State, s.Reason)
			}
		}
		if busy == "" {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the lines are not back in service after %v: %s", within, busy)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// last returns the newest callback.
func (w *town) last() broker.CallbackView {
	w.t.Helper()
	all, _, err := w.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true, Limit: 1})
	if err != nil || len(all) == 0 {
		w.t.Fatalf("no callback: %v", err)
	}
	v, err := w.broker.Callback(context.Background(), all[0].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// dialed returns the numbers that the lines' modems were told to dial.
func (w *town) dialed() []exchange.Dial {
	var v []exchange.Dial
	for _, d := range w.x.Dials() {
		if strings.HasPrefix(d.Modem, "tty") {
			v = append(v, d)
		}
	}
	return v
}

func inTown(t *testing.T, o townOptions, f func(w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, o)
		defer w.close()
		w.idle(time.Minute)
		f(w)
	})
}

// pass lets time pass in the synctest bubble.
func (w *town) pass(d time.Duration) {
	w.t.Helper()
	<-time.After(d)
}

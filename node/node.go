// Package node wires a daemon from a configuration: lines, AAA, broker, journal, admin API; its reloads, its
// log and its health.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/hooks"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/metrics"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/node/systemd"
	"github.com/ringback/ringback/recordings"
	"github.com/ringback/ringback/tariff"
)

// Options are the options of Run.
type Options struct {
	File    string // the configuration file
	Version string // of the binary, for the log and the admin API

	// Stderr receives the log if the configuration names no file for it. A goroutine writes to it until the
	// process ends.
	Stderr io.Writer
}

// ConfigError is the error for a configuration that the daemon does not start with.
type ConfigError struct{ Problems config.Problems }

func (e *ConfigError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// Run reads the configuration and runs the daemon until ctx ends, then ends calls and attempts in an orderly
// way and returns nil. SIGHUP, and an order on the admin socket, reopen the log file and reload the
// configuration. Run also handles SIGPIPE, so it is for one daemon in a process that has no other use for these
// signals. The error is a *ConfigError if the configuration is invalid, or if others may change it or read its
// secrets; then nothing was opened or written.
func Run(ctx context.Context, o Options) error {
	hup := handleSignals()
	setGarbage(readGarbage)
	cfg, problems := config.Load(o.File, nil)
	if cfg == nil {
		return &ConfigError{problems}
	}
	if len(cfg.Unsafe) > 0 {
		return &ConfigError{cfg.Unsafe}
	}
	log, err := newLogger(cfg.Log, o.Stderr)
	if err != nil {
		return err
	}
	defer log.close()
	service, err := systemd.Open()
	if err != nil {
		return err
	}
	defer service.Close()
	for _, p := range problems {
		log.Warn("configuration", zap.String("problem", p.String()))
	}
	d := &daemon{
		version: o.Version, cfg: cfg, applied: cfg, feed: &api.Feed{Hide: log.mask.text}, events: api.NewEvents(),
		inside: api.NewInside(), hup: hup, asks: make(chan reloadAsk), reads: make(chan func()),
		newLimits: make(chan struct{}, 1), serving: make(chan struct{}),
		log: log.Logger, reopenLog: log.reopen, logHealth: log.health, logLevel: &log.level,
		loginTests: newLoginTests(), simulations: newSimulations(),
	}
	d.systemd = service
	return d.run(ctx)
}

// daemon is the wired program.
type daemon struct {
	version string
	cfg     *config.Config // of the start
	applied *config.Config // in force; the goroutine of reloads alone uses it
	log     *zap.Logger
	feed    *api.Feed
	events  *api.Events
	systemd *systemd.Service
	serving chan struct{} // closed when systemd knows that the start is complete
	inside  *api.Inside   // for the commands of callers
	broker  *broker.Broker
	journal *sqlite.Journal
	lines   *lines.Pool
	drivers drivers
	// known has the lines in force: those of the configuration, and removed ones that calls and callbacks may need
	known   []config.Line
	carrier carrier      // of PPP
	access  access       // of the admin API
	doors   *listeners   // for users who come over the network
	page    *page        // nil: not served
	keep    atomic.Int64 // journal.keep of the configuration in force
	sealer  *audit.Sealer
	hooks   *hooks.Manager
	fleet   membership
	records *recordings.Store
	broken  atomic.Pointer[string] // what is wrong with the audit
	stale   atomic.Pointer[string] // why the last reload failed; nil if it did not

	metrics  *metrics.Metrics
	scraped  scraped        // for the metrics
	examined reading[state] // for the checks of the health

	newLimits chan struct{} // of the recordings, by a reload

	hup       <-chan os.Signal
	asks      chan reloadAsk
	reads     chan func() // for the goroutine of reloads, which alone uses applied
	reopenLog func() error
	logHealth func() client.Log
	logLevel  *runtimeLevel
	cdr       *detailRecords
	traces    *traces
	tariff    atomic.Pointer[tariff.Table] // in force

	loginTests  *turns
	simulations *turns

	mu      sync.Mutex
	methods *methods.Set // of the configuration in force
	old     []generation // replaced, but still needed for accounting; oldest first
}

// handleSignals handles, until the process ends, the signals that must not end the daemon: SIGHUP, which it
// returns, and SIGPIPE, which the system sends if the reader of standard error is gone.
func handleSignals() (hup <-chan os.Signal) {
	hups, pipes := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hups, syscall.SIGHUP)
	signal.Notify(pipes, syscall.SIGPIPE) // not Ignore, which a child process would inherit
	return hups
}

func (d *daemon) run(ctx context.Context) error {
	// Before the journal, whose own error for missing descriptors is less clear.
	if text := tooFewDescriptors(d.cfg, descriptorLimit()); text != "" {
		d.log.Error(text)
	}
	d.metrics = metrics.New(d.snapshot)
	d.scraped.configured(d.cfg)
	path := filepath.Join(d.cfg.StateDir, "journal.db")
	_, missing := os.Stat(path)
	j, err := sqlite.Open(ctx, sqlite.Options{Path: path, Observe: d.metrics.Committed})
	if err != nil {
		return err
	}
	defer j.Close()
	if errors.Is(missing, fs.ErrNotExist) { // later than what the journal reports, which is an error
		d.log.Info("a new journal was made: there are no earlier callbacks, calls and sums (if state_dir is on a disk "+
			"of its own, is it mounted?)", zap.String("path", path))
	}
	d.journal = j
	d.keep.Store(int64(d.cfg.Journal.Keep))
	for _, w := range j.Warnings() {
		d.log.Error("journal", zap.String("problem", w))
	}
	if d.lines, err = d.pool(); err != nil {
		return err
	}
	if d.carrier, err = newCarrier(d.cfg.PPP, d.feed); err != nil {
		return err
	}
	defer d.carrier.close()
	if err := d.openFleet(ctx); err != nil {
		return err
	}
	bc, m, err := d.build(d.cfg, nil, nil, nil)
	if err != nil {
		return err
	}
	d.methods, d.known = m, d.cfg.Lines
	defer d.closeMethods()
	exporter := d.exporter()
	d.tariff.Store(d.cfg.Tariff)
	d.cdr, err = newDetailRecords(detailRecords{CDR: d.cfg.CDR, journal: j, mask: newMask(d.cfg.Log.MaskNumbers),
		prices: &d.tariff, happened: func(e events.Event) { d.broker.Happened(e) }, log: d.log,
		fleet: d.cfg.Fleet != nil}, d.cfg.StateDir, time.Now())
	if err != nil {
		return err
	}
	d.hooks = hooks.New(hooks.Options{Journal: j, Log: d.log, Site: d.cfg.Hostname, Hooks: d.cfg.Hooks,
		Happened: func(e events.Event) { d.broker.Happened(e) }})
	if d.records, err = d.openRecordings(); err != nil {
		return err
	}
	d.broker = broker.New(d.join(broker.Options{
		Journal: j, Pool: d.lines, Accountant: d, CallCheck: d.callCheck, Log: d.log,
		NameKey: j.NameKey(), KeepBusyouts: d.busyouts().keep, Record: d.record,
		Sinks: []events.Sink{d.feed, d.events, d.metrics, d.cdr, d.traces, d.hooks},
	}), bc)
	doors, err := d.listen(ctx)
	if err != nil {
		return err
	}
	if err := d.openListeners(ctx); err != nil {
		doors.close()
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dynamicAuthor, err := d.dynamicAuthor(ctx)
	if err != nil {
		return err
	}
	d.hooks.Start()
	defer d.hooks.Close() // after all that reports events
	defer d.runFleet(ctx)()
	d.sealer = audit.Start(d.cfg.StateDir, d.cfg.Audit, j, d.broker.Happened)
	defer d.closeSealer() // after all parts, which write rows of the audit
	defer d.closeRecordings()
	monitoring, err := d.monitoring(ctx)
	if err != nil {
		return err
	}
	page, err := d.openPage(ctx)
	if err != nil {
		return err
	}
	started := time.Now()
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	parts.Go(func() { d.reloads(ctx) })
	parts.Go(func() { d.whenServing(ctx, d.cdr.run) })
	if exporter != nil {
		parts.Go(func() { exporter.Run(ctx) })
	}
	parts.Go(func() { watchLines(ctx, d.lines, d.broker.Happened) })
	parts.Go(func() { onChange(ctx, d.lines, func() { d.events.Lines(d.lines.Each()) }) })
	parts.Go(func() { d.sweep(ctx) })
	parts.Go(func() { d.watchHealth(ctx) })
	parts.Go(func() { d.whenServing(ctx, func(ctx context.Context) { d.verifyAudit(ctx, j.VerifyAudit) }) })
	parts.Go(func() { d.whenServing(ctx, func(ctx context.Context) { trim(ctx, d.lines) }) })
	keep := func() time.Duration { return time.Duration(d.keep.Load()) }
	parts.Go(func() { retain(ctx, d.log, keep, j.Prune) })
	parts.Go(func() { d.pruneRecordings(ctx) })
	parts.Go(func() { d.warnOfCleartext(ctx, net.DefaultResolver.LookupNetIP) })
	if dynamicAuthor != nil {
		parts.Go(dynamicAuthor)
	}
	if monitoring != nil {
		parts.Go(monitoring)
	}
	if page != nil {
		parts.Go(page)
	}
	d.serve(ctx, &parts, doors, started)
	parts.Go(func() { d.doors.set.Run(ctx) })
	d.broker.Happened(events.Started{Version: d.version, Lines: len(d.cfg.Lines), Socket: d.cfg.API.Socket})
	defer d.broker.Happened(events.Stopped{})
	over := make(chan struct{})
	defer close(over)
	parts.Go(func() { d.tellSystemd(ctx, over) })
	return d.broker.Run(ctx)
}

// whenServing runs a part that reads much of the journal when calls and callbacks no longer wait for the start.
func (d *daemon) whenServing(ctx context.Context, run func(context.Context)) {
	select {
	case <-d.serving:
		run(ctx)
	case <-ctx.Done():
	}
}

// about returns the version and the start time; the name is that of the configuration in force.
func (d *daemon) about(started time.Time) client.Version {
	return client.Version{
		Version: d.version, Go: runtime.Version(), Hostname: d.inForce().Hostname(), PID: os.Getpid(), Started: started,
	}
}

// topicAAA is the topic of packets and logins.
const topicAAA = "aaa"

func (d *daemon) tracePacket(p methods.Packet) {
	protocol := map[string]string{config.MethodRADIUS: "RADIUS", config.MethodTACACS: "TACACS+"}[p.Protocol]
	where := "from " + p.Server
	switch {
	case p.Sent:
		where = "to " + p.Server
	case p.Remark:
		where = p.Server
	}
	shown := ""
	if p.About.User != "" {
		shown = d.broker.ShownName(p.About.User)
	}
	publish := func(text string) { d.feed.PublishOf(topicAAA, p.About.TTY, p.About.User, shown, text) }
	publish(fmt.Sprintf("%s: %s: %s", protocol, where, p.What))
	for _, l := range p.Lines {
		publish(protocol + ":   " + l)
	}
}

// trying tells the debug feed whose login is tried on a line.
func (d *daemon) trying(tty int, user string) { d.feed.Trying(tty, user, d.broker.ShownName(user)) }

// silent logs why a method gave no answer.
func (d *daemon) silent(method, user, reason string) {
	d.broker.Happened(events.MethodSilent{Method: method, User: d.broker.ShownName(user), Reason: reason})
}

// callCheck asks AAA whether a ringing call may be answered.
func (d *daemon) callCheck(ctx context.Context, r aaa.Request) aaa.Result {
	return d.inForce().CallCheck(ctx, r)
}

func (d *daemon) inForce() *methods.Set {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.methods
}

func (d *daemon) closeMethods() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.old {
		g.Close()
	}
	d.methods.Close()
}

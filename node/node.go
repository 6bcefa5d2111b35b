package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/dialer"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/port"
)

func newServe(version string) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "serve -c ringback.yaml",
		Short: "the daemon: answers, decides, calls back",
		Long: `Runs the daemon on a configuration until SIGTERM or Ctrl-C: then no call is answered any more, and promises stay in the journal for the next start.
SIGHUP opens log.file anew and reads the configuration again: it is taken whole, or, where it has a mistake, the old one stays and the log says why. Ports and modems,
state_dir and api.socket change with a restart only (docs/reference/configuration.md has a table of what a reload does).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), version, path, cmd.ErrOrStderr())
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "/etc/ringback/ringback.yaml", "the configuration file")
	return c
}

// daemon is the wired program.
type daemon struct {
	version string
	cfg     *config.Config
	log     *zap.Logger
	feed    *api.Feed
	broker  *broker.Broker
	journal *journal.Journal

	hup       <-chan os.Signal
	reopenLog func() error

	mu      sync.Mutex
	methods *methods     // of the configuration in force
	old     []generation // of those before, what is still accounted by; oldest first
}

func serve(ctx context.Context, version, path string, stderr io.Writer) error {
	hup := handleSignals()
	cfg, problems := config.Load(path, nil)
	if cfg == nil {
		printProblems(stderr, problems)
		return exitStatus(1)
	}
	if len(cfg.Unsafe) > 0 {
		printProblems(stderr, cfg.Unsafe)
		return exitStatus(1)
	}
	log, err := newLogger(cfg.Log, stderr)
	if err != nil {
		return err
	}
	defer log.Sync()
	for _, p := range problems {
		log.Warn("configuration", zap.String("problem", p.String()))
	}
	d := &daemon{version: version, cfg: cfg, log: log.Logger, reopenLog: log.reopen, hup: hup, feed: &api.Feed{}}
	return d.run(ctx)
}

// handleSignals takes the signals that must not end the daemon, from before it has anything to lose until the process is over: SIGHUP, which it returns,
// and SIGPIPE, which the system sends where the reader of standard error is gone.
func handleSignals() (hup <-chan os.Signal) {
	hups, pipes := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hups, syscall.SIGHUP)
	signal.Notify(pipes, syscall.SIGPIPE) // not Ignore, which a child process would inherit
	return hups
}

func (d *daemon) run(ctx context.Context) error {
	j, err := journal.Open(ctx, journal.Options{Path: filepath.Join(d.cfg.StateDir, "journal.db")})
	if err != nil {
		return err
	}
	defer j.Close()
	d.journal = j
	for _, w := range j.Warnings() {
		d.log.Error("journal", zap.String("problem", w))
	}
	pool, err := d.pool()
	if err != nil {
		return err
	}
	bc, m, err := d.build(d.cfg, nil)
	if err != nil {
		return err
	}
	d.methods = m
	defer d.closeMethods()
	d.broker = broker.New(broker.Options{
		Journal: j, Pool: pool, Accountant: d.accountant(), CallCheck: d.callCheck, Log: d.log, Debug: d.feed.Topic("callback"), NameKey: j.NameKey(),
	}, bc)
	sock, err := api.Listen(d.cfg.API.Socket)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dynamicAuthor, err := d.dynamicAuthor(ctx)
	if err != nil {
		return err
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	parts.Go(func() { d.reloads(ctx) })
	parts.Go(func() { d.watchLines(ctx, pool) })
	parts.Go(func() { d.sweep(ctx) })
	parts.Go(func() { d.watchHealth(ctx) })
	parts.Go(func() { trim(ctx) })
	parts.Go(func() { d.warnOfCleartext(ctx, net.DefaultResolver.LookupNetIP) })
	if dynamicAuthor != nil {
		parts.Go(dynamicAuthor)
	}
	parts.Go(func() {
		srv := api.Server{
			Daemon: api.FromBroker(d.broker), AAAServers: func() []client.AAAServer { return d.inForce().servers() }, Feed: d.feed, Version: d.about(),
			Health: func(ctx context.Context) client.Health {
				h, _ := d.health(ctx)
				return h
			},
		}
		if err := srv.ServeListener(ctx, sock); err != nil {
			d.log.Error("admin API", zap.Error(err))
		}
	})
	if text := tooFewDescriptors(d.cfg, descriptorLimit()); text != "" {
		d.log.Error(text)
	}
	d.log.Info("ringback serves", zap.String("version", d.version), zap.Int("lines", len(d.cfg.Lines)), zap.String("socket", d.cfg.API.Socket))
	defer d.log.Info("ringback has ended")
	return d.broker.Run(ctx)
}

func (d *daemon) about() client.Version {
	return client.Version{Version: d.version, Go: runtime.Version(), Hostname: d.cfg.Hostname, PID: os.Getpid(), Started: time.Now()}
}

// pool makes the lines. They are opened when the pool runs.
func (d *daemon) pool() (*lines.Pool, error) {
	p := lines.NewPool(lines.PoolOptions{
		Debug:  d.feed.Topic("modem"),
		Screen: func(ctx context.Context, r lines.RingingCall) bool { return d.broker.Screen(ctx, r) }, // no call rings before the broker is there
	})
	proofs, err := modem.OpenProofs(filepath.Join(d.cfg.StateDir, "lines"))
	if err != nil {
		return nil, err
	}
	poller := &port.Poller{}
	for _, l := range d.cfg.Lines {
		o := port.Options{FlowControl: l.FlowControl, TTY: l.TTY, Poller: poller}
		driver := modem.New(modem.Options{
			Config: l.Config,
			Open:   func(ctx context.Context) (lines.Port, error) { return l.Address.Open(ctx, o) },
			Proofs: proofs,
			Debug:  d.feed.Topic("modem"),
		})
		if err := p.Add(l.Config, driver); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// build makes of a configuration what a reload may swap. old are the methods in force, nil none.
func (d *daemon) build(cfg *config.Config, old *methods) (broker.Config, *methods, error) {
	m, err := newMethods(cfg, old, d.tracePacket, d.silent)
	if err != nil {
		return broker.Config{}, nil, err
	}
	running, err := m.lines(d.cfg.Lines)
	if err != nil {
		m.close()
		return broker.Config{}, nil, err
	}
	s := cfg.Session
	s.Debug = d.feed.Topic("aaa")
	return broker.Config{
		Session: s, Lines: running, Accounting: accountingLists(cfg), Policies: cfg.Policies, Places: cfg.Places, Plan: cfg.Plan, Exec: cfg.Exec.Callback,
		Lifetime: cfg.Callback.Lifetime, Scripts: dialer.Dialer{Scripts: cfg.Scripts, Debug: d.feed.Topic("chat")},
		LoginLimits: cfg.Logins, LocalUsers: localUsers(cfg),
	}, m, nil
}

func localUsers(cfg *config.Config) map[string]bool {
	names := map[string]bool{}
	for _, u := range cfg.Users {
		names[u.Name] = true
	}
	return names
}

func accountingLists(cfg *config.Config) map[string]broker.AccountingList {
	lists, first := map[string]broker.AccountingList{}, map[string]string{}
	for _, l := range cfg.Lists[config.AccountingLists] {
		methods := strings.Join(l.Methods, " ")
		if _, ok := first[methods]; !ok && l.Record != string(broker.NoRecording) {
			first[methods] = l.Name
		}
		lists[l.Name] = broker.AccountingList{Record: broker.Recording(l.Record), Interim: l.Interim, Commands: l.Commands, SendAs: first[methods]}
	}
	return lists
}

func (d *daemon) tracePacket(p packet) {
	protocol := map[string]string{config.MethodRADIUS: "RADIUS", config.MethodTACACS: "TACACS+"}[p.Protocol]
	where := "from " + p.Server
	switch {
	case p.Sent:
		where = "to " + p.Server
	case p.Remark:
		where = p.Server
	}
	d.feed.Publish("aaa", 0, fmt.Sprintf("%s: %s: %s", protocol, where, p.What))
	for _, l := range p.Lines {
		d.feed.Publish("aaa", 0, protocol+":   "+l)
	}
}

// silent logs why a method gave no answer.
func (d *daemon) silent(method, user, reason string) {
	d.log.Warn("AAA is silent", zap.String("method", method), zap.String("user", d.broker.ShownName(user)), zap.String("reason", reason))
}

// accountant sends by the methods of the configuration in force; nil where the start has none that accounts.
func (d *daemon) accountant() aaa.Accountant {
	if accounts(d.cfg) {
		return d
	}
	return nil
}

// accounts reports whether anything is recorded.
func accounts(cfg *config.Config) bool {
	return slices.ContainsFunc(cfg.Lists[config.AccountingLists], func(l config.MethodList) bool {
		return l.Record != string(broker.NoRecording)
	})
}

// callCheck asks whether a call that rings may be answered.
func (d *daemon) callCheck(ctx context.Context, r aaa.Request) aaa.Result {
	m := d.inForce()
	c := m.radius[m.cfg.CallCheck.Method]
	if c == nil {
		return aaa.Result{Reason: "call check: no RADIUS method is configured for it (aaa.call_check)"}
	}
	r.Password = m.cfg.CallCheck.Password
	return c.CallCheck(ctx, r)
}

func (d *daemon) inForce() *methods {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.methods
}

func (d *daemon) closeMethods() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.old {
		g.close()
	}
	d.methods.close()
}

// reloads opens the log's file and takes the configuration anew at each SIGHUP, or keeps the old one and says why.
func (d *daemon) reloads(ctx context.Context) {
	for {
		select {
		case <-d.hup:
			if err := d.reopenLog(); err != nil {
				d.log.Error("the log goes on in the old file", zap.Error(err))
			}
			d.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) reload(ctx context.Context) {
	defer func() { // whatever stands in the file: a reload never ends the calls
		if p := recover(); p != nil {
			d.log.Error("reload: a defect of ringback's; the old configuration stays", zap.Any("panic", p), zap.Stack("stack"))
		}
	}()
	cfg, problems := config.Load(d.cfg.File, nil)
	for _, p := range problems {
		d.log.Warn("configuration", zap.String("problem", p.String()))
	}
	if cfg == nil || len(cfg.Unsafe) > 0 {
		d.log.Error("reload: the new configuration has mistakes: the old one stays", zap.String("file", d.cfg.File))
		d.broker.Audit("reload failed", "SIGHUP", d.cfg.File+": the new configuration has mistakes")
		return
	}
	bc, m, err := d.build(cfg, d.inForce())
	if err != nil {
		d.log.Error("reload: the old configuration stays", zap.Error(err))
		d.broker.Audit("reload failed", "SIGHUP", d.cfg.File+": "+err.Error())
		return
	}
	old := d.replace(m, time.Now())
	d.broker.Reload(bc)
	old.retire() // conversations that they began are still their own
	d.broker.Audit("reload", "SIGHUP", cfg.File+", digest "+cfg.Digest)
	d.log.Info("reloaded", zap.String("file", cfg.File), zap.String("digest", cfg.Digest))
	d.warnOfPending(ctx, m)
	for _, what := range needsRestart(d.cfg, cfg) {
		d.log.Warn("reload: this changes with a restart only", zap.String("key", what))
	}
}

// needsRestart names what a reload left as it was.
func needsRestart(old, now *config.Config) []string {
	var keys []string
	if old.StateDir != now.StateDir {
		keys = append(keys, "state_dir")
	}
	if old.API != now.API {
		keys = append(keys, "api")
	}
	if old.Log != now.Log {
		keys = append(keys, "log")
	}
	if accounts(old) != accounts(now) {
		keys = append(keys, "aaa.lists.accounting: that there is accounting at all")
	}
	if !reflect.DeepEqual(old.DynamicAuthor, now.DynamicAuthor) {
		keys = append(keys, "aaa.dynamic_author")
	}
	if fmt.Sprint(old.LineConfigs()) != fmt.Sprint(now.LineConfigs()) {
		keys = append(keys, "lines")
	}
	return keys
}

// watchEvery is how often the states of all lines are looked at, at most: each call changes some.
const watchEvery = 100 * time.Millisecond

// watchLines logs each line that goes out of service, and its return, and each notice, once.
func (d *daemon) watchLines(ctx context.Context, p *lines.Pool) {
	out, notices := map[int]string{}, map[int][]string{}
	for {
		changed := p.Changed()
		for _, s := range p.Lines() {
			d.logNotices(s, notices[s.TTY])
			notices[s.TTY] = s.Notices
			reason := outOfService(s)
			if reason == out[s.TTY] {
				continue
			}
			if out[s.TTY] = reason; reason != "" {
				d.log.Warn("line out of service", zap.Int("line", s.TTY), zap.String("port", s.Port), zap.String("reason", reason))
			} else {
				d.log.Info("line back in service", zap.Int("line", s.TTY), zap.String("port", s.Port))
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return
		}
	}
}

// logNotices logs what has changed of a line's notices.
func (d *daemon) logNotices(s lines.Status, before []string) {
	for _, text := range s.Notices {
		if !slices.Contains(before, text) {
			d.log.Warn("line notice", zap.Int("line", s.TTY), zap.String("port", s.Port), zap.String("notice", text))
		}
	}
	for _, text := range before {
		if !slices.Contains(s.Notices, text) {
			d.log.Info("line notice cleared", zap.Int("line", s.TTY), zap.String("port", s.Port), zap.String("notice", text))
		}
	}
}

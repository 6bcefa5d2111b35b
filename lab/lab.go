// Package lab runs a simulated town on one machine: a telephone exchange with soft modems, subscribers, an AAA server
// that sends real packets, and `ringback serve` as a child process with a generated configuration. The daemon cannot
// tell that it runs in a lab.
package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab/dialects"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/postgres"
	"github.com/ringback/ringback/texts"
)

// Options select the lab to start.
type Options struct {
	Dir     string          // directory of its files; "": the user's state directory
	Pace    float64         // speed factor of the telephone network; 0: 1. The broker's own waits do not change
	S7      int             // register S7 of the modems: network seconds to wait for carrier; 0: their default, 50
	Binary  string          // ringback, started as `Binary serve -c …`
	Command string          // how the user calls ringback, for the texts; "": "ringback"
	Quiet   bool            // started by another program: do not publish this lab
	Ports   Ports           // how the daemon reaches its modems; "": RFC2217
	Lines   []dialects.Line // a line for each, and each is a rotary of its own; nil: four lines with the lab's modem
	AAA     AAA             // the kind of the town's AAA server; "": ByRADIUS
	// Language is what callers read; "": English. Scenarios are in English.
	Language texts.Language
	// NoDaemon: the lab starts no daemon. The ports are for the lines of another one, and Binary is not used. What asks
	// the daemon (Client, Play, Attack, StartDaemon, StopDaemon, PID) may then not be called, except Client and Play if
	// that one has its socket in Dir, as ringback.sock.
	NoDaemon bool
	// Nodes is the number of the nodes of a fleet, each with a daemon and lines of its own; 0: one daemon and no fleet.
	// Client then asks the first node, and Play, Attack, StartDaemon, StopDaemon and PID may not be called.
	Nodes int
	// Postgres is the address of a server for the fleet, with an empty database; "": the lab has its own.
	Postgres string
	// Programs is the directory with the installed versions of PostgreSQL; "": that of Debian.
	Programs string

	Tell func(text string) // called with the reason if Start must wait; may be nil

	// RADIUS is a server used instead of the lab's own, over UDP; nil: the lab's own.
	RADIUS *RADIUS
	// Line gives the modem of a line its port, instead of Ports, and returns the port's URL; nil: Ports applies.
	Line func(tty int, m *exchange.Modem) (url string, err error)
	// Modem changes the configuration of a modem before it is installed: tty65 … or a subscriber's name. nil: no
	// changes.
	Modem func(name string, c *exchange.ModemConfig)
	// Policies are the texts of policy files by name, "default.yaml". nil: those of policies/examples, with their tests
	// and the number plan, the tariff and the ceilings of their site. With Policies, the town has none of these.
	Policies map[string]string
	// Edit changes the text of a file before the lab writes it: ringback.yaml, policies.d/NAME, users, tacacs.conf.
	// nil: no changes.
	Edit func(name, text string) string
}

// RADIUS is a server outside the lab.
type RADIUS struct {
	Auth, Acct string // host:port
	Secret     aaa.Secret
}

// Lab is a running town. Start makes it, Close ends it.
type Lab struct {
	opt         Options
	dir         string
	other       string // directory of the lab that Find returns instead of this one; ""
	lock        *lock  // nil if not locked
	sockets     *sockets
	exchange    *exchange.Exchange
	lines       []*exchange.Modem
	subscribers map[string]*exchange.Modem
	site        *exchange.Modem
	urls        []string // the URLs of the lines' ports
	daemon      *daemon
	nodes       []*Node          // of the fleet; nil: there is none
	postgres    *postgres.Server // nil: there is none, or it is not the lab's
	logs        []io.Closer
	Kept        []string      // files of the directory that the user has changed; the lab did not overwrite them
	Down        []client.Line // lines of Options.Lines whose modems did not come into service
	cancel      context.CancelFunc
	unpublish   func()
	wg          sync.WaitGroup

	mu       sync.Mutex
	attached map[string]bool
	// of Ring, by number
	telephones map[string]*exchange.Modem

	counts counts
}

// counts counts the exchange's events by modem. Events may arrive while the lab's own lock is held.
type counts struct {
	mu      sync.Mutex
	events  map[string]int
	answers map[string]int
}

func (c *counts) add(e exchange.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		c.events, c.answers = map[string]int{}, map[string]int{}
	}
	c.events[e.Modem]++
	if e.Kind == exchange.AnswerEvent {
		c.answers[e.Modem]++
	}
}

func (c *counts) of(m *exchange.Modem) (events, answers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[m.Name()], c.answers[m.Name()]
}

// CheckPace returns an error for a factor that is not a speed of the network. The errors of the checks name the flag.
func CheckPace(pace float64) error {
	if !(pace >= 1) || math.IsInf(pace, 1) { // also not a number
		return fmt.Errorf("--pace %g: must be 1 or greater", pace)
	}
	return nil
}

// Start starts the town and waits until its daemon answers. The caller must Close the Lab.
func Start(ctx context.Context, o Options) (*Lab, error) {
	if o.Pace == 0 {
		o.Pace = 1
	}
	if o.Dir == "" {
		o.Dir = home()
		if o.Nodes > 0 {
			o.Dir += "-fleet"
		}
	}
	if o.Command == "" {
		o.Command = "ringback"
	}
	if o.Ports == "" {
		o.Ports = RFC2217
	}
	if o.AAA == "" {
		o.AAA = ByRADIUS
	}
	if err := errors.Join(CheckPace(o.Pace), o.Ports.Check(), o.AAA.Check(), CheckNodes(o.Nodes)); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	other := ""
	if t, err := Find(); err == nil && t.Dir != dir {
		o.Quiet, other = true, t.Dir // the other lab remains the one that Find returns
	}
	l := &Lab{opt: o, dir: dir, other: other, subscribers: map[string]*exchange.Modem{}, attached: map[string]bool{}}
	l.nodes = newNodes(l, o.Nodes)
	if err := l.start(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context) error {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	b, err := l.open(ctx)
	if err != nil {
		return err
	}
	if err := l.openPostgres(ctx); err != nil {
		return err
	}
	if err := l.startTown(); err != nil {
		return err
	}
	if err := l.writeFiles(b); err != nil {
		return err
	}
	if err := l.startAAA(own); err != nil {
		return err
	}
	control, err := listenUnix(filepath.Join(l.dir, "lab.sock"))
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	l.logs = append(l.logs, control)
	l.wg.Go(func() { l.serveControl(own, control) })
	l.wg.Go(func() { serveWeb(own, l.sockets.web) })
	l.wg.Go(func() { serveSite(own, l.site) })
	switch {
	case l.nodes != nil:
		err = l.startNodes(ctx)
	case !l.opt.NoDaemon:
		err = l.StartDaemon(ctx)
	}
	if err != nil {
		return err
	}
	if l.opt.Quiet {
		return nil
	}
	l.unpublish, err = publish(l.Town())
	return err
}

// StopDaemon shuts the daemon down, as SIGTERM does, and keeps the town: its modems still ring.
func (l *Lab) StopDaemon() { l.child().stop() }

// StartDaemon starts the daemon, after StopDaemon or its end, and waits until its lines are in service.
func (l *Lab) StartDaemon(ctx context.Context) error {
	if err := l.launch(); err != nil {
		return err
	}
	return l.ready(ctx)
}

// launch starts the daemon and does not wait for it.
func (l *Lab) launch() error {
	d, err := startDaemon(l.opt.Binary, l.dir, "ringback", "daemon.pid", l.lock.f)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.daemon = d
	l.mu.Unlock()
	return nil
}

// PID is the daemon's process id.
func (l *Lab) PID() int { return l.child().cmd.Process.Pid }

func (l *Lab) child() *daemon {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.daemon
}

// Town is what other processes must know about this lab.
func (l *Lab) Town() Town {
	t := Town{PID: os.Getpid(), Dir: l.dir, Socket: l.socket(), Control: filepath.Join(l.dir, "lab.sock"),
		Number: mainNumber}
	if l.nodes != nil {
		t.Number = l.nodes[0].Number
	}
	if l.opt.NoDaemon {
		t.Socket = ""
	}
	return t
}

// socket is the admin socket of the town's daemon, or of its first node.
func (l *Lab) socket() string {
	if l.nodes != nil {
		return l.nodes[0].Socket()
	}
	return filepath.Join(l.dir, "ringback.sock")
}

// Client returns a client of the town's daemon.
func (l *Lab) Client() *client.Client { return client.New(l.socket()) }

// PageLink returns a link to the page of the town's daemon, which logs in once; "" if it has no page.
func (l *Lab) PageLink(ctx context.Context) string {
	v, err := l.Client().PageLink(ctx)
	if err != nil { // the user's own configuration may have none
		return ""
	}
	return v.URL
}

// Dir is the directory of the lab's files.
func (l *Lab) Dir() string { return l.dir }

// Dials returns all dial commands that any modem of the town has received.
func (l *Lab) Dials() []exchange.Dial { return l.exchange.Dials() }

func (l *Lab) startTown() error {
	log, err := os.OpenFile(filepath.Join(l.dir, "exchange.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	l.logs = append(l.logs, log)
	l.exchange = exchange.New(exchange.Config{Pace: l.opt.Pace, OnEvent: func(e exchange.Event) {
		l.counts.add(e)
		fmt.Fprintf(log, "%s %-10s %-10s %s → %s %s\n", e.Time.Local().Format("2006-01-02T15:04:05.000Z07:00"), e.Modem,
			e.Kind, e.From, e.To, e.Text)
	}})
	profile := ""
	if l.opt.S7 > 0 {
		profile = fmt.Sprintf("S7=%d", l.opt.S7)
	}
	for i, lis := range l.sockets.lines {
		p := l.place(i)
		c := exchange.ModemConfig{Name: p.name, Number: p.number, Direct: p.direct, CallerID: true, Profile: profile}
		if l.opt.Lines != nil {
			c.Dialect, c.ConnectText = l.opt.Lines[i].Dialect, l.opt.Lines[i].Connect
		}
		m := l.addModem(c)
		if l.opt.Lines != nil {
			m.SetFault(l.opt.Lines[i].Fault)
		}
		url, err := l.serveLine(firstTTY+i, m, lis)
		if err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		l.lines, l.urls = append(l.lines, m), append(l.urls, url)
	}
	for _, r := range residents {
		l.subscribers[r.Name] = l.addModem(exchange.ModemConfig{Name: r.Name, Number: r.Number, Profile: profile})
	}
	l.site = l.addModem(exchange.ModemConfig{Name: siteName, Number: siteNumber, Profile: profile})
	for _, r := range reserved {
		l.exchange.Reserve(r.Number, r.Behavior)
	}
	return nil
}

func (l *Lab) addModem(c exchange.ModemConfig) *exchange.Modem {
	if l.opt.Modem != nil {
		l.opt.Modem(c.Name, &c)
	}
	return l.exchange.AddModem(c)
}

// startTime is how long a daemon may take until its lines are in service, on a busy machine.
const startTime = time.Minute

// modemTime is how long the modems of Options.Lines may take; then the town begins without those that do not work.
const modemTime = 20 * time.Second

// ready waits until the daemon's lines are in service.
func (l *Lab) ready(ctx context.Context) error {
	deadline, patience := time.Now().Add(startTime), time.Now().Add(modemTime)
	for {
		lines, err := l.Client().Lines(ctx)
		if err == nil && inService(lines) {
			return nil
		}
		if err == nil && l.opt.Lines != nil && time.Now().After(patience) {
			l.Down = notInService(lines)
			return nil
		}
		select {
		case <-l.child().ended:
			return fmt.Errorf("lab: the daemon ended: %s", l.child().lastWords())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			if err == nil {
				err = errors.New("its lines are not in service: see `show line`")
			}
			return fmt.Errorf("lab: the daemon did not come up in %v: %w; its log is %s", startTime, err,
				filepath.Join(l.dir, "ringback.log"))
		}
	}
}

func inService(lines []client.Line) bool { return len(lines) > 0 && len(notInService(lines)) == 0 }

// notInService returns the lines whose modems do not work.
func notInService(lines []client.Line) []client.Line {
	var down []client.Line
	for _, l := range lines {
		if l.State == "down" || l.State == "quarantined" {
			down = append(down, l)
		}
	}
	return down
}

// Done is closed when the current daemon has ended for any reason; never if the lab has none.
func (l *Lab) Done() <-chan struct{} {
	if d := l.child(); d != nil {
		return d.ended
	}
	return nil
}

// Close shuts the daemon down, then the town. It may be called twice.
func (l *Lab) Close() error {
	if l.lock != nil {
		l.lock.ending()
	}
	if l.unpublish != nil {
		l.unpublish()
		l.unpublish = nil
	}
	if d := l.child(); d != nil {
		d.stop()
	}
	l.stopNodes()
	if l.cancel != nil {
		l.cancel()
	}
	if l.exchange != nil {
		l.exchange.Close()
	}
	if l.sockets != nil {
		l.sockets.close()
	}
	for _, c := range l.logs {
		c.Close()
	}
	l.logs = nil
	l.wg.Wait()
	var err error
	if l.postgres != nil {
		err = l.postgres.Close()
	}
	if l.lock != nil {
		l.lock.release()
		l.lock = nil
	}
	return err
}

// daemon is `ringback serve` as a child process.
type daemon struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
}

// startDaemon starts the daemon whose configuration is NAME.yaml in dir; its log goes to NAME.log.
func startDaemon(binary, dir, name, pidFile string, lock *os.File) (*daemon, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	cmd := exec.Command(binary, "serve", "-c", filepath.Join(dir, name+".yaml"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock} // held until the daemon has ended too
	// The lab handles a Ctrl-C at its terminal; and no daemon outlives its lab.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	d := &daemon{cmd: cmd, log: log, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Pdeathsig is sent when the thread that started the child ends, so this thread must live as long as the child.
		runtime.LockOSThread()
		defer close(d.ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		log.Close()
		return nil, fmt.Errorf("lab: start the daemon: %w", err)
	}
	return d, os.WriteFile(filepath.Join(dir, pidFile), fmt.Appendf(nil, "%d\n", cmd.Process.Pid), 0o600)
}

// kill ends the daemon as kill -9 does.
func (d *daemon) kill() {
	d.cmd.Process.Kill()
	<-d.ended
	d.log.Close()
}

// stopTimeout is how long a daemon may take to shut down.
const stopTimeout = 30 * time.Second

// stop asks the daemon to end, and kills it after a while.
func (d *daemon) stop() {
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(stopTimeout):
		d.cmd.Process.Kill()
		<-d.ended
	}
	d.log.Close()
}

// lastWords are the last lines of the daemon's log.
func (d *daemon) lastWords() string {
	if _, err := d.log.Seek(0, io.SeekStart); err != nil {
		return err.Error()
	}
	var last []string
	for in := bufio.NewScanner(d.log); in.Scan(); {
		if last = append(last, in.Text()); len(last) > 5 {
			last = last[1:]
		}
	}
	return strings.Join(last, "\n")
}

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/servers"
)

// crashWorld describes the town in which the daemon is killed. The zero value has one caller and two lines behind RFC
// 2217.
type crashWorld struct {
	name         string
	tcp, pty     bool          // the lines' ports are plain TCP or pseudo terminals: no signals
	lines        int           // 0: 2, one number, one rotary
	staysOffHook bool          // the lines' modems keep a call when their port drops
	max          int           // attempts; 0: 1
	lifetime     time.Duration // of a callback; 0: 1 h
	verify       bool          // leg two logs in
	busy         int           // this many dials meet a busy number; -1: all
	callers      int           // 0: 1
	users        int           // more than callers: these take turns at the callers' modems
	plain        bool          // the last caller is admitted without a callback
	ppp          bool          // the callers speak PPP, by the client of the lab
	pppd         string        // PPP's callers are pppds with this library, and the daemon's network device is tun
	wait         time.Duration // forced_wait; 0: 200 ms
	state        string        // state_dir; "": in the town's directory
	node         string        // the lines are those of a node of a fleet
	program      string        // of the daemon; "": ringback
	number       string        // of the lines; "": crashMain
	only         []string      // for each line: "callin", "callout"; "" or missing: both
	more         string        // keys of the configuration
	policy       string        // keys of the policy
}

// crashTown is everything except the daemon, and outlives each daemon.
type crashTown struct {
	crashWorld
	dir     string
	x       *exchange.Exchange
	callers []*crashCaller
	stderr  *os.File // of the daemon; nil: captured, to be read

	mu     sync.Mutex
	events []exchange.Event
	busies map[string]int
	admin  *client.Client // of client
}

const (
	crashMain   = "55555"
	crashSecret = "the secret that the town's server shares"
	// crashPatience lets a modem wait as long as it can for the other side: a call that a busy machine answers late is
	// no call that nobody answers.
	crashPatience = "S7=255"
)

// newCrashTown builds the town; it ends with the test.
func newCrashTown(t *testing.T, w crashWorld) *crashTown {
	t.Helper()
	dir, err := os.MkdirTemp("", "rbc") // short, because a unix socket must fit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if w.lines == 0 {
		w.lines = 2
	}
	w.max, w.callers = max(w.max, 1), max(w.callers, 1)
	if w.wait == 0 {
		w.wait = 200 * time.Millisecond
	}
	if w.state == "" {
		w.state = filepath.Join(dir, "state")
	}
	town := &crashTown{crashWorld: w, dir: dir, busies: map[string]int{}}
	town.x = exchange.New(exchange.Config{Instant: true, Pace: 40, OnEvent: town.event})
	var parts sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); town.x.Close(); parts.Wait() })
	radius := town.startRADIUS(t, ctx, &parts)
	var ports []string
	for i := range w.lines {
		ports = append(ports, town.startLine(t, i, &parts))
	}
	for i := range w.callers {
		c := newCrashCaller(town, fmt.Sprint(84001+i))
		town.callers = append(town.callers, c)
		switch {
		case w.pppd != "":
			if err := c.openPPPD(); err != nil {
				t.Fatal(err)
			}
			parts.Go(func() { c.runPPPD(ctx) })
		case w.ppp:
			parts.Go(c.runPPP)
		default:
			parts.Go(c.run)
		}
	}
	town.write(t, radius, ports)
	return town
}

func (town *crashTown) startLine(t *testing.T, i int, parts *sync.WaitGroup) (url string) {
	t.Helper()
	number := cmp.Or(town.number, crashMain)
	if town.direction(i) == "callout" {
		number = "9" + number
	}
	m := town.x.AddModem(exchange.ModemConfig{Name: fmt.Sprintf("tty%d%s", 65+i, town.node), Number: number,
		StaysOffHook: town.staysOffHook, Profile: crashPatience})
	if town.pty {
		link := filepath.Join(town.dir, m.Name())
		if _, err := m.ServePTY(link); err != nil {
			t.Fatal(err)
		}
		return "pty://" + link
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if town.tcp {
		parts.Go(func() { m.ServeTCP(l) })
		return "tcp://" + l.Addr().String()
	}
	parts.Go(func() { m.ServeRFC2217(l) })
	return "rfc2217://" + l.Addr().String()
}

// direction is what a line may do.
func (town *crashTown) direction(i int) string {
	if i < len(town.only) && town.only[i] != "" {
		return town.only[i]
	}
	return "inout"
}

func (town *crashTown) startRADIUS(t *testing.T, ctx context.Context, parts *sync.WaitGroup) *servers.RADIUS {
	t.Helper()
	var users strings.Builder
	for i := range max(town.crashWorld.callers, town.users) {
		if town.plain && i == town.crashWorld.callers-1 {
			fmt.Fprintf(&users, "u%[1]d Cleartext-Password := \"p%[1]d\"\n\tService-Type = NAS-Prompt-User\n", 84001+i)
			break
		}
		kind := "Callback-NAS-Prompt"
		if town.ppp {
			kind = "Callback-Framed-User"
		}
		fmt.Fprintf(&users, "u%[1]d%[3]s Cleartext-Password := \"p%[1]d\"\n\tService-Type = %[2]s, "+
			"Callback-Number = \"%[1]d\"", 84001+i%town.crashWorld.callers, kind, turn(i/town.crashWorld.callers))
		if !town.verify && !town.ppp {
			users.WriteString(", Cisco-AVPair += \"shell:nocallback-verify=1\"")
		}
		users.WriteString("\n")
	}
	parsed, err := servers.ParseUsers(strings.NewReader(users.String()))
	if err != nil {
		t.Fatal(err)
	}
	r, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: aaa.Secret(crashSecret), Users: parsed})
	if err == nil {
		err = r.Listen(":0", ":0")
	}
	if err != nil {
		t.Fatal(err)
	}
	parts.Go(func() { r.Run(ctx) })
	return r
}

// turn is the end of the names of the users at one modem.
func turn(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprint("-", i)
}

func (town *crashTown) write(t *testing.T, radius *servers.RADIUS, ports []string) {
	t.Helper()
	var b strings.Builder
	if town.lifetime > 0 {
		fmt.Fprintf(&b, "callback: {lifetime: %v}\n", town.lifetime)
	}
	fmt.Fprintf(&b, `hostname: crash
state_dir: %s
api: {socket: %s}
policies_dir: policies.d
login: {failure_delay: 0s}
aaa:
  radius:
    - {name: town, address: "%s", accounting: "%s", secret_file: radius.secret}
  lists: {login: {default: [radius]}, ppp: {default: [radius]}}
chat_scripts:
  - {name: offhook, script: '"" "ATH1" OK'}
  - {name: rtp, script: 'ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 10 CONNECT \c'}
lines:
`, town.crashWorld.state, town.socket(), radius.AuthAddr(), radius.AcctAddr())
	serves := ""
	if town.ppp {
		serves = "autoselect: [dedicated], ppp_profile: default, "
	}
	guard := "100ms" // no +++ is needed with DTR
	if town.tcp || town.pty {
		guard = "1.05s" // S12
	}
	for i, port := range ports {
		scripts := "scripts: {modem_off_hook: offhook, callback: rtp}, "
		if town.direction(i) == "callin" {
			scripts = ""
		}
		fmt.Fprintf(&b, "  - {tty: %d, port: %q, rotary: 7, modem: %s, %s%s"+
			"callback: {forced_wait: %v, same_line_no_verify: true}, insecure_signals: %v,\n"+
			"     timing: {command: 1s, command_gap: 1ms, settle: 1ms, answer: 5s, dtr_low: 20ms, guard: %s, "+
			"on_hook: 2s, reopen: 50ms, quarantine: 200ms, rings: 400ms, silence: 20ms, drain: 100ms}}\n",
			65+i, port, town.direction(i), serves, scripts, town.wait, town.tcp || town.pty, guard)
	}
	if town.ppp {
		device := "userspace"
		if town.pppd != "" {
			device = "tun"
		}
		b.WriteString("ppp:\n  netdev: " + device + `
  profiles: [{name: default, address: 10.8.0.1, pool: dialin}]
  pools: [{name: dialin, addresses: [10.8.0.10-10.8.0.20]}]
`)
	}
	b.WriteString(town.more)
	policy := fmt.Sprintf("group: default\ncallback: optional\nno_verify: allow\nattempts: {max: %d, retry_wait: 1s}\n",
		town.max) + town.policy
	if err := os.Mkdir(filepath.Join(town.dir, "policies.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ringback.yaml": b.String(), "policies.d/default.yaml": policy,
		"radius.secret": crashSecret + "\n"} {
		if err := os.WriteFile(filepath.Join(town.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (town *crashTown) socket() string  { return filepath.Join(town.dir, "s") }
func (town *crashTown) journal() string { return filepath.Join(town.crashWorld.state, "journal.db") }

// client returns the client of all that the test asks: each client keeps its connections for a while.
func (town *crashTown) client() *client.Client {
	town.mu.Lock()
	defer town.mu.Unlock()
	if town.admin == nil {
		town.admin = client.New(town.socket())
	}
	return town.admin
}

// event records the network's events, and answers for the numbers that are busy for a while.
func (town *crashTown) event(e exchange.Event) {
	town.mu.Lock()
	defer town.mu.Unlock()
	town.events = append(town.events, e)
	if e.Kind == exchange.RefusedEvent && e.Text == "busy" && town.busy > 0 {
		if town.busies[e.To]++; town.busies[e.To] == town.busy {
			town.x.Reserve(e.To, exchange.Subscriber)
		}
	}
}

// lineDials are the dial commands that the lines' modems have received, the independent evidence.
func (town *crashTown) lineDials() []exchange.Dial {
	var d []exchange.Dial
	for _, dial := range town.x.Dials() {
		if strings.HasPrefix(dial.Modem, "tty") {
			d = append(d, dial)
		}
	}
	return d
}

// crashDaemon is one life of the daemon.
type crashDaemon struct {
	town  *crashTown
	cmd   *exec.Cmd
	out   *bytes.Buffer // may be read when ended is closed
	ended chan struct{}
}

// start starts the daemon, as the last argument of the command before if there is one. It is killed at the end of the
// test if it is still running.
func (town *crashTown) start(t *testing.T, before ...string) *crashDaemon {
	t.Helper()
	return town.startOn(t, "ringback.yaml", before...)
}

// startOn is start with another configuration.
func (town *crashTown) startOn(t *testing.T, config string, before ...string) *crashDaemon {
	t.Helper()
	args := append(before, cmp.Or(town.program, program(t)), "serve", "-c", filepath.Join(town.dir, config))
	d := &crashDaemon{town: town, cmd: exec.Command(args[0], args[1:]...), out: &bytes.Buffer{},
		ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	if town.stderr != nil {
		d.cmd.Stderr = town.stderr
	}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	d.cmd.WaitDelay = 10 * time.Second
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig is sent at the end of the thread that started the child
		defer close(d.ended)
		err := d.cmd.Start()
		started <- err
		if err == nil {
			d.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	return d
}

func (d *crashDaemon) kill() {
	d.cmd.Process.Kill()
	<-d.ended
}

// over reports whether the daemon has ended.
func (d *crashDaemon) over() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// killed reports whether SIGKILL ended it.
func (d *crashDaemon) killed() bool {
	s, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// errCrashEnded is the error of waiting for a daemon that has ended.
var errCrashEnded = errors.New("the daemon has ended")

// until polls until ok returns true, the daemon ends, or patience is over.
func (d *crashDaemon) until(what string, ok func(ctx context.Context) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok(ctx) {
		select {
		case <-d.ended:
			return errCrashEnded
		case <-ctx.Done():
			lines, _ := d.town.client().Lines(context.Background())
			callbacks, _ := d.town.client().Callbacks(context.Background(), true)
			return fmt.Errorf("%s: not within %v\nlines: %+v\ncallbacks: %+v", what, patience, lines, callbacks)
		case <-tick.C:
		}
	}
	return nil
}

// ready waits until all lines are in service.
func (d *crashDaemon) ready() error {
	return d.until("lines in service", func(ctx context.Context) bool {
		lines, err := d.town.client().Lines(ctx)
		for _, l := range lines {
			if l.State == "down" || l.State == "quarantined" {
				return false
			}
		}
		return err == nil && len(lines) > 0
	})
}

// rest waits until at least n callbacks are recorded, all of them have ended, and no line has a caller.
func (d *crashDaemon) rest(n int) error {
	return d.until("rest", func(ctx context.Context) bool {
		callbacks, err := d.town.client().Callbacks(ctx, true)
		if err != nil || len(callbacks) < n {
			return false
		}
		for _, c := range callbacks {
			if c.Ended == nil {
				return false
			}
		}
		lines, err := d.town.client().Lines(ctx)
		for _, l := range lines {
			if l.State != "idle" {
				return false
			}
		}
		return err == nil && len(lines) > 0
	})
}

// stop shuts the daemon down.
func (d *crashDaemon) stop() error {
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
		return nil
	case <-time.After(patience):
		d.kill()
		return fmt.Errorf("it did not end within %v of SIGTERM", patience)
	}
}

// crashCaller sits at a PC modem, logs in whenever asked, and counts promises. The modem answers when it rings.
type crashCaller struct {
	town   *crashTown
	number string
	modem  *exchange.Modem
	dte    *exchange.DTE
	over   chan struct{} // capacity 1: a call has ended, or failed
	mains  []string      // the numbers that it calls in turns
	calls  int
	tty    string        // of a pppd
	dial   chan struct{} // capacity 1: a pppd is to call

	mu       sync.Mutex
	screen   strings.Builder
	logins   int
	heard    int  // promises
	refused  int  // "Callback not available", or the service
	again    bool // the login prompt came after a refusal
	sessions int  // prompts of the EXEC
}

func newCrashCaller(town *crashTown, number string) *crashCaller {
	m := town.x.AddModem(exchange.ModemConfig{Name: number, Number: number, Profile: "S0=1" + crashPatience})
	if town.busy != 0 {
		town.x.Reserve(number, exchange.Busy)
	}
	return &crashCaller{town: town, number: number, modem: m, dte: m.DTE(), over: make(chan struct{}, 1),
		mains: []string{crashMain}, dial: make(chan struct{}, 1)}
}

// call dials a main number.
func (c *crashCaller) call() {
	select {
	case <-c.over: // of an earlier call
	default:
	}
	if c.tty != "" {
		c.dial <- struct{}{}
		return
	}
	main := c.mains[c.calls%len(c.mains)]
	c.calls++
	c.dte.Write([]byte("ATDT" + main + "\r"))
}

// run is the caller's loop; it ends with the exchange.
func (c *crashCaller) run() {
	buf := make([]byte, 4096)
	unseen := ""
	for {
		n, err := c.dte.Read(buf)
		if err != nil {
			return
		}
		unseen += string(buf[:n])
		c.mu.Lock()
		c.screen.Write(buf[:n])
		for {
			act, rest := c.next(unseen)
			if act == nil {
				break
			}
			unseen = rest
			act()
		}
		c.mu.Unlock()
	}
}

// next finds the first text on the screen that the caller reacts to.
func (c *crashCaller) next(screen string) (act func(), rest string) {
	at := len(screen)
	for text, do := range map[string]func(){
		"Username: ":             c.name,
		"Password: ":             func() { c.say("p" + c.number) },
		"Callback initiated":     func() { c.heard++ },
		"Callback not available": func() { c.refused++ },
		"Service not available":  func() { c.refused++ },
		"crash>":                 func() { c.sessions++; c.say("exit") },
		"NO CARRIER":             c.ended,
		"BUSY":                   c.ended,
		"NO ANSWER":              c.ended,
		"NO DIALTONE":            c.ended,
		"ERROR":                  c.ended,
	} {
		if i := strings.Index(screen, text); i >= 0 && i < at {
			at, act, rest = i, do, screen[i+len(text):]
		}
	}
	return act, rest
}

func (c *crashCaller) name() {
	if c.refused > 0 {
		c.again = true
	}
	c.say("u" + c.number + turn(c.logins%max(1, c.town.users/c.town.crashWorld.callers)))
	c.logins++
}

// say types without blocking the reader: a write blocks while the far end does not read.
func (c *crashCaller) say(text string) { go c.dte.Write([]byte(text + "\r")) }

func (c *crashCaller) ended() {
	select {
	case c.over <- struct{}{}:
	default:
	}
}

// saw returns what the caller has seen so far.
func (c *crashCaller) saw() (heard, refused, sessions int, again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard, c.refused, c.sessions, c.again
}

package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/bench/wire"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/servers"
)

// town is an exchange without delays, with the access server's modems and the subscribers.
type town struct {
	x       *exchange.Exchange
	callers []*caller
	waiters []*caller
	seen    *seen // nil: not counted

	mu     sync.Mutex
	onHook []wire.OnHook
	dials  []wire.Dial
}

func newTown(count bool) *town {
	t := &town{}
	if count {
		t.seen = &seen{}
	}
	t.x = exchange.New(exchange.Config{Instant: true, OnEvent: t.event})
	return t
}

func (t *town) close() { t.x.Close() }

// event records when a called line's modem went on hook. Calls by the access server have no caller's number.
func (t *town) event(e exchange.Event) {
	if e.Kind != exchange.OnHookEvent || e.From == "" || !strings.HasPrefix(e.Modem, "in") {
		return
	}
	t.mu.Lock()
	t.onHook = append(t.onHook, wire.OnHook{Number: e.From, Time: e.Time})
	t.mu.Unlock()
}

// dialed records a dial script of the access server.
func (t *town) dialed(d wire.Dial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dials = append(t.dials, d)
}

// slow is a modem with the delays of a real one: it answers after a moment, and loses what comes too early after an
// answer.
const (
	slowAnswer = 50 * time.Millisecond
	slowDeaf   = 100 * time.Millisecond
)

// serveLines puts modems behind listeners on loopback, or on PTYs.
func (t *town) serveLines(conf config) ([]string, error) {
	var addresses []string
	for i := range conf.callin + conf.callout {
		c := exchange.ModemConfig{Name: fmt.Sprint("in", i), Number: fmt.Sprint(wire.FirstLine + i)}
		if i >= conf.callin {
			c = exchange.ModemConfig{Name: fmt.Sprint("out", i)}
		}
		if conf.slow {
			c.Dialect.Deaf = slowDeaf
		}
		m := t.x.AddModem(c)
		if conf.slow {
			m.SetFault(exchange.Fault{DelayOK: slowAnswer})
		}
		if conf.kind == "pty" {
			path, err := m.ServePTY("")
			if err != nil {
				return nil, err
			}
			addresses = append(addresses, path)
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, l.Addr().String())
		p := &tap{Listener: l, seen: t.seen, line: i}
		if i >= conf.callin {
			p.dialed = t.dialed
		}
		if p.dialed != nil || p.seen != nil {
			l = p
		}
		switch conf.kind {
		case "rfc2217":
			go m.ServeRFC2217(l)
		case "tcp":
			go m.ServeTCP(l)
		default:
			return nil, fmt.Errorf("unknown port kind %q; valid kinds: rfc2217, tcp, pty", conf.kind)
		}
	}
	return addresses, nil
}

// settle adds the subscribers: user uN with the number 84N, a modem that answers, and a line that they call. A caller
// who calls again finds that line long on hook; hunting would send them to the line that went on hook last, whose
// driver is still proving that it is down. A waiter is user wN with the number 89N, whose modem does not answer.
func (t *town) settle(conf config) {
	for i := range conf.waiters {
		m := t.x.AddModem(exchange.ModemConfig{Name: fmt.Sprint("w", i), Number: fmt.Sprint(wire.FirstWait + i),
			Profile: "E0S0=0"})
		t.waiters = append(t.waiters, &caller{user: fmt.Sprint("w", i),
			calls: fmt.Sprint(wire.FirstLine + i%conf.callin), dte: m.DTE()})
	}
	for i := range conf.callers {
		number := fmt.Sprint(wire.FirstHome + i)
		m := t.x.AddModem(exchange.ModemConfig{Name: "pc" + number, Number: number, Profile: "E0S0=1"})
		t.callers = append(t.callers, &caller{user: fmt.Sprint("u", i),
			calls: fmt.Sprint(wire.FirstLine + i%conf.callin), dte: m.DTE()})
	}
}

// serveRADIUS starts a RADIUS server with the subscribers: callback to their number, with verification.
func (t *town) serveRADIUS(ctx context.Context) (auth, acct string, err error) {
	var users strings.Builder
	for i, c := range t.callers {
		fmt.Fprintf(&users, "%s\tCleartext-Password := %q\n\tService-Type = Callback-NAS-Prompt,\n\tCallback-Number "+
			"= \"%d\"\n\n", c.user, wire.Password, wire.FirstHome+i)
	}
	parsed, err := servers.ParseUsers(strings.NewReader(users.String()))
	if err != nil {
		return "", "", err
	}
	r, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: wire.Secret, Users: parsed})
	if err != nil {
		return "", "", err
	}
	var socks [2]net.PacketConn
	for i := range socks {
		if socks[i], err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return "", "", err
		}
	}
	go r.Serve(ctx, socks[0], socks[1])
	return socks[0].LocalAddr().String(), socks[1].LocalAddr().String(), nil
}

// report returns what the modems have seen.
func (t *town) report(wire.Load) (r wire.Result) {
	if t.seen == nil {
		r.Failed, r.Failures = 1, []string{"the town was not started with -seen"}
		return r
	}
	r.Opened, r.Commands = t.seen.report()
	return r
}

// wait has each of the waiters call, until a callback is promised.
func (t *town) wait(wire.Load) (r wire.Result) {
	for _, c := range t.waiters {
		r.Begun++
		if err := c.promise(); err != nil {
			r.Failed++
			r.Failures = append(r.Failures, c.user+": "+err.Error())
			c.hangUp()
		}
		r.Promised += c.promised
		c.promised = 0
	}
	return r
}

// load has the callers call, and waits until the last has hung up.
func (t *town) load(l wire.Load) wire.Result {
	before := cpu()
	t.mu.Lock()
	t.onHook, t.dials = nil, nil
	t.mu.Unlock()
	begin := time.Now()
	end := begin.Add(l.For)
	home := make(chan *caller, len(t.callers))
	for _, c := range t.callers[:l.Callers] {
		home <- c
	}
	var r wire.Result
	var mu sync.Mutex
	var all sync.WaitGroup
	note := func(c *caller, d time.Duration, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			r.Done++
			r.Latencies = append(r.Latencies, d)
		default:
			r.Failed++
			if len(r.Failures) < 20 {
				r.Failures = append(r.Failures, c.user+": "+err.Error())
			}
		}
		r.Promised += c.promised
		r.Busy += c.busy
		c.promised, c.busy = 0, 0
	}
	one := func(c *caller) {
		began := time.Now()
		err := c.cycle()
		note(c, time.Since(began), err)
	}
	if l.Rate > 0 {
		every := time.Duration(float64(time.Second) / l.Rate)
		for at := begin; at.Before(end); at = at.Add(every) {
			time.Sleep(time.Until(at))
			c := <-home
			r.Begun++
			all.Go(func() { one(c); home <- c })
		}
	} else {
		for range l.Callers {
			c := <-home
			all.Go(func() {
				for time.Now().Before(end) {
					mu.Lock()
					r.Begun++
					mu.Unlock()
					one(c)
				}
			})
		}
	}
	all.Wait()
	r.Elapsed = time.Since(begin)
	r.CPU = cpu() - before
	t.mu.Lock()
	r.OnHooks, r.Dials = t.onHook, t.dials
	t.mu.Unlock()
	return r
}

// cpu is the CPU time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

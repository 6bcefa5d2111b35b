package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// inn simulates the hosts of a test: each connection is a pipe to the test.
type inn struct {
	err   error // returned instead of a connection
	panic bool

	mu      sync.Mutex
	dialed  []string
	guests  []*guest
	reading sync.WaitGroup
}

// guest is the host's end of a connection.
type guest struct {
	net.Conn
	inn    *inn
	mu     sync.Mutex
	heard  bytes.Buffer
	closed bool // the session closed it
}

func (i *inn) dial(ctx context.Context, network, address string) (net.Conn, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dialed = append(i.dialed, network+" "+address)
	switch {
	case i.panic:
		panic("dial")
	case i.err == errHang:
		<-ctx.Done()
		return nil, ctx.Err()
	case i.err != nil:
		return nil, i.err
	}
	near, far := net.Pipe()
	g := &guest{Conn: far, inn: i}
	i.guests = append(i.guests, g)
	i.reading.Go(g.read)
	return near, nil
}

// errHang simulates a host that does not answer.
var errHang = errors.New("hang")

func (g *guest) read() {
	buf := make([]byte, 512)
	for {
		n, err := g.Conn.Read(buf)
		g.mu.Lock()
		g.heard.Write(buf[:n])
		g.closed = errors.Is(err, io.EOF)
		g.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hears returns the input since the last call.
func (g *guest) hears() string {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.heard.String()
	g.heard.Reset()
	return s
}

// says sends data that the session must accept at once.
func (g *guest) says(t *testing.T, s string) {
	t.Helper()
	g.Conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := g.Conn.Write([]byte(s)); err != nil {
		t.Errorf("the host says %q: %v", s, err)
	}
	synctest.Wait()
}

// stopsReading makes the host accept no more data.
func (g *guest) stopsReading() {
	g.Conn.SetReadDeadline(time.Unix(1, 0))
	g.inn.reading.Wait()
}

var (
	byTelnet = &aaa.Host{Address: "192.0.2.5", Service: aaa.Telnet, Port: 23}
	byClear  = &aaa.Host{Address: "2001:db8::5", Service: aaa.TCPClear, Port: 2001}
)

// atHost logs a user in who is connected to a host.
func atHost(t *testing.T, i *inn, auth aaa.Authorization, cfg settings) (*desk, *guest) {
	t.Helper()
	cfg.exec.Hosts.Dial = i.dial
	d := atDesk(t, &authority{}, auth, cfg)
	if len(i.guests) == 0 {
		return d, nil
	}
	return d, i.guests[0]
}

func TestJoinedByTelnet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &inn{}
		d, host := atHost(t, i, aaa.Authorization{Host: byTelnet, ReplyMessage: "Welcome"}, settings{})
		if s := d.sees(); s != "\nWelcome\nTrying 192.0.2.5 ... Open\n" ||
			!slices.Equal(i.dialed, []string{"tcp 192.0.2.5:23"}) {
			t.Errorf("the caller saw %q; dialed %q", s, i.dialed)
		}
		host.says(t, iacDo+"\x18"+iacWill+"\x01"+iacDo+"\x1f"+sbTTypeSend+"\r\nlogin: ")
		if s := host.hears(); s != iacWill+"\x18"+iacDo+"\x01"+iacWont+"\x1f"+sbTTypeIsVT100 {
			t.Errorf("the host received %q", s)
		}
		d.types("guest\r\n\xff")
		if s := host.hears(); s != "guest\r\x00\xff\xff" {
			t.Errorf("the host received %q", s)
		}
		host.says(t, "\x1b[2JBye\xff\xff\r\n")
		if s := d.sees(); s != "\nlogin: \x1b[2JBye\xff\n" {
			t.Errorf("the caller saw %q", s)
		}
		host.Close()
		out := d.ends()
		if s := d.sees(); s != "\n[Connection to 192.0.2.5 closed by foreign host]\n" {
			t.Errorf("the caller saw %q", s)
		}
		if out.Kind != session.SessionEnded || out.Cause != aaa.CauseHostRequest ||
			out.Reason != "192.0.2.5:23: closed by the host" {
			t.Errorf("outcome %+v", out)
		}
		if len(d.authz.asked) != 0 || d.b.told() != "began 1 u leg 1\nended 1 u leg 1 cause 18 admitted true "+
			"callback \"\"" {
			t.Errorf("told\n%s", d.b.told())
		}
		d.mu.Lock()
		seen := uint64(len("\r\nUsername: u\r\nPassword: \r\nWelcome\r\nTrying 192.0.2.5 ... Open\r\n\r\nlogin: " +
			"\x1b[2JBye\xff\r\n\r\n[Connection to 192.0.2.5 closed by foreign host]\r\n"))
		d.mu.Unlock()
		if last := d.b.reports[1]; last.OctetsIn != uint64(len("u\rlogin-pw\rguest\r\n\xff")) ||
			last.OctetsOut != seen {
			t.Errorf("octets %d, %d; want %d out", last.OctetsIn, last.OctetsOut, seen)
		}
	})
}

// Each connection attempt is reported, with the name of the user.
func TestJoinedIsTold(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{{nil, `u on 65: 192.0.2.5:23 with telnet ""`},
		{syscall.ECONNREFUSED, `u on 65: 192.0.2.5:23 with telnet "connection refused"`}} {
		synctest.Test(t, func(t *testing.T) {
			var told []string
			cfg := settings{calls: session.Config{Joined: func(c *lines.Call, user, host, why string) {
				told = append(told, fmt.Sprintf("%s on %d: %s %q", user, c.TTY, host, why))
			}}}
			d, _ := atHost(t, &inn{err: tt.err}, aaa.Authorization{Host: byTelnet}, cfg)
			d.hangsUp()
			if !slices.Equal(told, []string{tt.want}) {
				t.Errorf("%q, must be %q", told, tt.want)
			}
		})
	}
}

func TestJoinedByTCPClear(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	synctest.Test(t, func(t *testing.T) {
		i := &inn{}
		d, host := atHost(t, i, aaa.Authorization{Host: byClear}, settings{})
		if s := d.sees(); s != "\n" || i.dialed[0] != "tcp [2001:db8::5]:2001" {
			t.Errorf("the caller saw %q; dialed %q", s, i.dialed)
		}
		d.types(string(all) + "\x1ex")
		if s := host.hears(); s != string(all)+"\x1ex" {
			t.Errorf("the host received %q", s)
		}
		host.says(t, string(all))
		d.mu.Lock()
		if s := d.screen.String(); s != string(all) {
			t.Errorf("the caller saw %q", s)
		}
		d.screen.Reset()
		d.mu.Unlock()
		host.Close()
		if out := d.ends(); out.Cause != aaa.CauseHostRequest || d.sees() != "" {
			t.Errorf("outcome %+v", out)
		}
	})
}

// The LF after the CR of the password is not sent to the host, but type-ahead is.
func TestJoinedBehindCRLF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &inn{}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw", auth: aaa.Authorization{Host: byClear}}},
			cfg:    settings{exec: Config{Hosts: Hosts{Dial: i.dial}}},
			broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}})
		go p.far.Write([]byte("u\r\npw\r\n\nahead"))
		p.waits(time.Second)
		if s := i.guests[0].hears(); s != "\nahead" {
			t.Errorf("the host received %q", s)
		}
		p.hangsUp()
	})
}

func TestLeavingTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, host := atHost(t, &inn{}, aaa.Authorization{Host: byTelnet}, settings{})
		d.types("a\x1ex")
		out := d.ends()
		if s := host.hears(); s != "a" || !host.closed {
			t.Errorf("closed %v, the host received %q", host.closed, s)
		}
		if s := d.sees(); !strings.HasSuffix(s, "a\n[Connection to 192.0.2.5 closed]\n") ||
			out.Cause != aaa.CauseUserRequest {
			t.Errorf("%q; %+v", s, out)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d, host := atHost(t, &inn{}, aaa.Authorization{Host: byTelnet, NoEscape: true}, settings{})
		d.types("a\x1ex")
		if s := host.hears(); s != "a\x1ex" || d.isOver() {
			t.Errorf("sealed: the host received %q", s)
		}
		if out := d.hangsUp(); out.Cause != aaa.CauseLostCarrier {
			t.Errorf("outcome %+v", out)
		}
	})
}

func TestHostThatCannotBeReached(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name  string
		err   error
		cfg   settings
		text  string
		after time.Duration
	}{
		{"refused", refused, settings{}, "% Connection refused by remote host", 0},
		{"does not answer", errHang, settings{}, "% Connection timed out; remote host not responding",
			15 * time.Second},
		{"does not answer, as configured", errHang, settings{exec: Config{Hosts: Hosts{Timeout: time.Second}}},
			"% Connection timed out; remote host not responding", time.Second},
		{"timed out by the system", &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, settings{},
			"% Connection timed out; remote host not responding", 0},
		{"no route", &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, settings{},
			"% Destination unreachable; gateway or host down", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				d, _ := atHost(t, &inn{err: tt.err}, aaa.Authorization{Host: byTelnet}, tt.cfg)
				out := d.ends()
				if took := time.Since(start) - 100*time.Millisecond; took != tt.after && tt.after > 0 {
					t.Errorf("after %v", took)
				}
				if s := d.sees(); s != "\nTrying 192.0.2.5 ... \n"+tt.text+"\n" {
					t.Errorf("the caller saw %q", s)
				}
				if out.Kind != session.SessionEnded || out.Cause != aaa.CauseServiceUnavailable ||
					!strings.HasPrefix(out.Reason, "connect to 192.0.2.5:23 with telnet: ") {
					t.Errorf("outcome %+v", out)
				}
				if len(d.b.reports) != 2 {
					t.Errorf("told\n%s", d.b.told())
				}
			})
		})
	}
}

// Every event that ends a session also ends it on a host, with the host's connection.
func TestEndsOnAHost(t *testing.T) {
	tests := []struct {
		name  string
		auth  aaa.Authorization
		do    func(d *desk, host *guest)
		cause aaa.Cause
		after time.Duration
		text  string
	}{
		{"hang-up", aaa.Authorization{}, func(d *desk, _ *guest) { d.data.lose() }, aaa.CauseLostCarrier, 0, ""},
		{"clear line", aaa.Authorization{}, func(d *desk, _ *guest) { d.cancel(errCleared) }, aaa.CauseAdminReset, 0,
			"\n% Line cleared\n"},
		{"idle", aaa.Authorization{}, func(*desk, *guest) {}, aaa.CauseIdleTimeout, 10 * time.Minute,
			"\n% Idle timeout\n"},
		{"idle of AAA", aaa.Authorization{IdleTimeout: time.Minute}, func(*desk, *guest) {}, aaa.CauseIdleTimeout,
			time.Minute, "\n% Idle timeout\n"},
		{"idle behind some typing", aaa.Authorization{IdleTimeout: time.Minute}, func(d *desk, _ *guest) {
			for range 3 {
				d.waits(50 * time.Second)
				d.types("\x1b")
			}
		}, aaa.CauseIdleTimeout, 210 * time.Second, "\n% Idle timeout\n"},
		{"idle behind some reading", aaa.Authorization{IdleTimeout: time.Minute}, func(d *desk, host *guest) {
			for range 3 {
				d.waits(50 * time.Second)
				host.Conn.Write([]byte("\a"))
			}
		}, aaa.CauseIdleTimeout, 210 * time.Second, "\n% Idle timeout\n"},
		{"session", aaa.Authorization{SessionTimeout: time.Hour, IdleTimeout: 2 * time.Hour}, func(*desk, *guest) {},
			aaa.CauseSessionTimeout, time.Hour, "\n% Session timeout\n"},
		{"the host breaks", aaa.Authorization{}, func(_ *desk, host *guest) { breakPipe(host) }, aaa.CauseHostRequest,
			0, "\n[Connection to 192.0.2.5 closed by foreign host]\n"},
	}
	for _, tt := range tests {
		for _, service := range []*aaa.Host{byTelnet, byClear} {
			t.Run(tt.name+" "+service.Service, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tt.auth.Host = service
					d, host := atHost(t, &inn{}, tt.auth, settings{})
					d.sees()
					start := time.Now()
					tt.do(d, host)
					out := d.ends()
					if took := time.Since(start); took != tt.after || out.Cause != tt.cause ||
						out.Kind != session.SessionEnded {
						t.Errorf("after %v: %+v", took, out)
					}
					s := strings.ReplaceAll(d.sees(), "<BEL>", "")
					if service == byClear && tt.cause == aaa.CauseHostRequest {
						tt.text = ""
					}
					if s != tt.text {
						t.Errorf("the caller saw %q", s)
					}
					host.hears()
					if !host.closed && tt.cause != aaa.CauseHostRequest {
						t.Error("the host's connection was left open")
					}
					if len(d.b.reports) != 2 {
						t.Errorf("told\n%s", d.b.told())
					}
				})
			})
		}
	}
}

func breakPipe(g *guest) { g.Conn.Close() }

// Carrier loss and other events end a session while it connects to its host.
func TestEndsWhileDialing(t *testing.T) {
	tests := map[aaa.Cause]func(d *desk){
		aaa.CauseLostCarrier: func(d *desk) { d.data.lose() },
		aaa.CauseAdminReset:  func(d *desk) { d.cancel(errCleared) },
	}
	for cause, end := range tests {
		synctest.Test(t, func(t *testing.T) {
			d, _ := atHost(t, &inn{err: errHang}, aaa.Authorization{Host: byTelnet}, settings{})
			start := time.Now()
			end(d)
			if out := d.ends(); out.Cause != cause || time.Since(start) != 0 {
				t.Errorf("after %v: %+v", time.Since(start), out)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		d, _ := atHost(t, &inn{err: errHang}, aaa.Authorization{Host: byTelnet, SessionTimeout: 3 * time.Second},
			settings{})
		if out := d.ends(); out.Cause != aaa.CauseSessionTimeout || d.took != 3100*time.Millisecond {
			t.Errorf("after %v: %+v", d.took, out)
		}
	})
}

// A caller who accepts no output stops the host: nothing is queued.
func TestHostThatFloods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, host := atHost(t, &inn{}, aaa.Authorization{Host: byTelnet}, settings{})
		d.far.SetReadDeadline(time.Unix(1, 0)) // the caller's modem accepts no output
		d.taken.Wait()
		sent := 0
		host.Conn.SetWriteDeadline(time.Now().Add(time.Minute))
		for {
			n, err := host.Conn.Write(bytes.Repeat([]byte("x"), 1024))
			sent += n
			if err != nil {
				break
			}
		}
		if sent > 16*1024 {
			t.Errorf("%d octets were read from the host, but the caller accepted none", sent)
		}
		start := time.Now()
		out := d.ends()
		if took := time.Since(start); out.Cause != aaa.CauseIdleTimeout || took > 10*time.Minute {
			t.Errorf("after %v: %+v", took, out)
		}
	})
}

// A host that accepts no data stops the caller, and in the end the session; its output is still relayed.
func TestHostThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &inn{}
		d, host := atHost(t, i, aaa.Authorization{Host: byClear}, settings{})
		host.stopsReading()
		d.sees()
		start := time.Now()
		d.types("x")
		d.waits(hostStall)
		host.says(t, "last words")
		out := d.ends()
		if took := time.Since(start); took != hostStall+hostLinger || out.Cause != aaa.CauseLostService ||
			d.sees() != "last words" {
			t.Errorf("after %v: %+v", took, out)
		}
	})
}

func TestManyOctets(t *testing.T) {
	const total = 4 << 20
	for _, service := range []*aaa.Host{byTelnet, byClear} {
		t.Run(service.Service, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &inn{}
				d, host := atHost(t, i, aaa.Authorization{Host: service}, settings{})
				d.far.SetReadDeadline(time.Unix(1, 0))
				d.taken.Wait()
				d.far.SetReadDeadline(time.Time{})
				host.stopsReading()
				host.Conn.SetReadDeadline(time.Time{})
				if service == byTelnet {
					go io.ReadFull(host.Conn, make([]byte, 6))
					host.says(t, iacWill+"\x01"+iacDo+"\x00")
				}
				block := bytes.Repeat([]byte("0123456789abcde\n"), 2048)
				pump := func(w io.Writer, r io.Reader) {
					var both sync.WaitGroup
					both.Go(func() {
						for n := 0; n < total; n += len(block) {
							w.Write(block)
						}
					})
					got := make([]byte, len(block))
					for n := 0; n < total; n += len(block) {
						if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, block) {
							t.Errorf("after %d octets: %v", n, err)
							break
						}
					}
					both.Wait()
				}
				var ways sync.WaitGroup
				ways.Go(func() { pump(d.far, host.Conn) })
				ways.Go(func() { pump(host.Conn, d.far) })
				ways.Wait()
				if out := d.hangsUp(); out.OctetsIn < total || out.OctetsOut < total {
					t.Errorf("outcome %+v", out)
				}
			})
		})
	}
}

func TestPanicOnAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := atHost(t, &inn{panic: true}, aaa.Authorization{Host: byTelnet}, settings{})
		if out := d.ends(); out.Cause != aaa.CauseNASError || out.Stack == "" {
			t.Errorf("outcome %+v", out)
		}
	})
	for _, reading := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			cfg := settings{exec: Config{Hosts: Hosts{Dial: func(context.Context, string, string) (net.Conn, error) {
				near, _ := net.Pipe()
				return explosive{near, reading}, nil
			}}}}
			d := atDesk(t, &authority{}, aaa.Authorization{Host: byTelnet}, cfg)
			if !reading {
				d.types("x")
			}
			out := d.ends()
			if out.Cause != aaa.CauseNASError || out.Reason != "panic: boom" ||
				!strings.Contains(out.Stack, "explosive") || len(d.b.reports) != 2 {
				t.Errorf("reading %v: outcome %+v", reading, out)
			}
		})
	}
}

// explosive panics when it is used.
type explosive struct {
	net.Conn
	reading bool
}

func (e explosive) Read(p []byte) (int, error) {
	if e.reading {
		panic("boom")
	}
	return e.Conn.Read(p)
}

func (e explosive) Write([]byte) (int, error) { panic("boom") }

func rules(t *testing.T, texts ...string) (all []HostRule) {
	t.Helper()
	for _, text := range texts {
		r, err := ParseHostRule(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestWhichHosts(t *testing.T) {
	telnetTo := func(address string, port int) *aaa.Host {
		return &aaa.Host{Address: address, Service: aaa.Telnet, Port: port}
	}
	names := func(_ context.Context, name string) ([]netip.Addr, error) {
		switch name {
		case "bbs.example":
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.9")}, nil
		case "evil.example":
			return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1"), netip.MustParseAddr("198.51.100.1")}, nil
		}
		return nil, errors.New("no such host")
	}
	tests := []struct {
		name   string
		host   *aaa.Host
		hosts  Hosts
		typed  []string
		dialed string // "" none
		screen string // after the password
		cause  aaa.Cause
	}{
		{name: "a listed loopback", host: telnetTo("127.0.0.1", 2323), hosts: Hosts{Allow: rules(t, "127.0.0.1:2323")},
			dialed: "tcp 127.0.0.1:2323",
			screen: "\nTrying 127.0.0.1, 2323 ... Open\n"},
		{name: "the login host", host: telnetTo("", 0), hosts: Hosts{Default: "10.0.0.7"}, dialed: "tcp 10.0.0.7:23",
			screen: "\nTrying 10.0.0.7 ... Open\n"},
		{name: "the login host by name, though not listed", host: telnetTo("", 0),
			hosts: Hosts{Default: "bbs.example", Allow: rules(t, "10.0.0.0/8")}, dialed: "tcp 127.0.0.1:23",
			screen: "\nTrying bbs.example ... Open\n"},
		{name: "any", host: telnetTo("any", 23), hosts: Hosts{Ask: true, Allow: rules(t, "192.0.2.0/24:23")},
			typed: []string{" 192.0.2.7 "}, dialed: "tcp 192.0.2.7:23",
			screen: "\nHost:  192.0.2.7 \nTrying 192.0.2.7 ... Open\n"},
		{name: "any by name: the first address that is listed", host: telnetTo("any", 23),
			hosts: Hosts{Ask: true, Allow: rules(t, "192.0.2.0/24")}, typed: []string{"bbs.example"},
			dialed: "tcp 192.0.2.9:23",
			screen: "\nHost: bbs.example\nTrying bbs.example ... Open\n"},
		{name: "any, not listed", host: telnetTo("any", 23), hosts: Hosts{Ask: true, Allow: rules(t, "192.0.2.0/24")},
			typed:  []string{"evil.example"},
			screen: "\nHost: evil.example\nTrying evil.example ... \n% Connection not allowed\n",
			cause:  aaa.CauseServiceUnavailable},
		{name: "any, no name", host: telnetTo("any", 23), hosts: Hosts{Ask: true, Allow: rules(t, "192.0.2.0/24")},
			typed:  []string{"a;b\u00e9 c"},
			screen: "\nHost: a;b\u00e9 c\nTrying a;b\u00e9 c ... \n% Destination unreachable; gateway or host down\n",
			cause:  aaa.CauseServiceUnavailable},
		{name: "any, nothing", host: telnetTo("any", 23), hosts: Hosts{Ask: true, Allow: rules(t, "192.0.2.0/24")},
			typed:  []string{"", " ", ""},
			screen: "\nHost: \nHost:  \nHost: \n", cause: aaa.CauseNASRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &inn{}
				tt.hosts.Resolve = names
				d, _ := atHost(t, i, aaa.Authorization{Host: tt.host}, settings{exec: Config{Hosts: tt.hosts}})
				for _, typed := range tt.typed {
					d.types(typed + "\r")
				}
				if s := d.sees(); s != tt.screen {
					t.Errorf("the caller saw %q", s)
				}
				if got := strings.Join(i.dialed, ","); got != tt.dialed {
					t.Errorf("dialed %q", got)
				}
				if over := d.isOver(); over != (tt.cause != 0) {
					t.Errorf("over: %v", over)
				}
				if out := d.hangsUp(); tt.cause != 0 && out.Cause != tt.cause {
					t.Errorf("outcome %+v", out)
				}
			})
		})
	}
}

// An address from AAA is checked for every notation of this machine's own addresses.
func TestOwnAddressesAreRefused(t *testing.T) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		own, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		at := netip.AddrPortFrom(own.Unmap(), 23)
		if (Hosts{}).refuses(at, byAAA) == nil {
			t.Errorf("%v is a local address, but it is allowed", at)
		}
		rule := HostRule{Prefix: netip.PrefixFrom(own.Unmap(), own.Unmap().BitLen())}
		if err := (Hosts{Allow: []HostRule{rule}}).refuses(at, byAAA); err != nil {
			t.Errorf("listed: %v", err)
		}
	}
}

func TestParseHostRule(t *testing.T) {
	good := map[string]string{
		"10.0.0.0/8": "10.0.0.0/8 0", "10.1.2.3/8": "10.0.0.0/8 0", "10.0.0.5": "10.0.0.5/32 0",
		"10.0.0.5:23": "10.0.0.5/32 23", "10.0.0.0/8:23": "10.0.0.0/8 23",
		"2001:db8::5": "2001:db8::5/128 0", "[2001:db8::5]:23": "2001:db8::5/128 23",
		"[2001:db8::/32]:23": "2001:db8::/32 23", "2001:db8::/32": "2001:db8::/32 0",
		"::ffff:10.0.0.5": "10.0.0.5/32 0", "::1": "::1/128 0",
	}
	for text, want := range good {
		r, err := ParseHostRule(text)
		if got := fmt.Sprint(r.Prefix, r.Port); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":", ":23", "bbs.example", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:",
		"10.0.0.5:telnet", "10.0.0.0/33", "fe80::1%eth0", "[::1", "::1]:23", "[]:23", "*"} {
		if r, err := ParseHostRule(text); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
}

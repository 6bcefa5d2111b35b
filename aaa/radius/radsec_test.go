package radius_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

// tlsTown is a client and one RadSec server in a bubble.
type tlsTown struct {
	town
	streams *aaatest.StreamNet
	ca      *servers.Authority
	dir     string
	o       servers.RadSec
	stop    context.CancelFunc
	done    *sync.WaitGroup
	config  radius.ServerConfig
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// inTLSTown starts a server "radsec.example" with the options o and a client, and runs f. set may change the client's
// configuration; it may be nil.
func inTLSTown(t *testing.T, o servers.RadSec, set func(w *tlsTown, c *radius.ServerConfig), f func(*tlsTown)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &tlsTown{town: town{t: t, server: map[string]*servers.RADIUS{}}, streams: &aaatest.StreamNet{},
			dir: t.TempDir(), o: o, done: &sync.WaitGroup{}}
		var err error
		if w.ca, err = servers.NewAuthority("ca"); err != nil {
			t.Fatal(err)
		}
		if err := w.ca.WriteFiles(w.dir, servers.Certificate{Name: "nas", Client: true}); err != nil {
			t.Fatal(err)
		}
		if w.o.TLS == nil {
			w.o.TLS = w.serverTLS(servers.Certificate{Name: "radsec", Hosts: []string{"radsec.example"}, Server: true})
		}
		w.o.Violation = t.Errorf
		w.start()
		c := radius.ServerConfig{Name: "one", Transport: radius.TLS, Address: "radsec.example",
			Accounting: "radsec.example",
			TLS: &radius.TLSConfig{Files: certs.Files{CAFile: filepath.Join(w.dir, "ca.pem"),
				CertFile: filepath.Join(w.dir, "nas.pem"), KeyFile: filepath.Join(w.dir, "nas.key")}}}
		w.dial = w.streams.Dial
		if set != nil {
			set(w, &c)
		}
		w.config = c
		if w.client, err = radius.New(radius.Config{Servers: []radius.ServerConfig{c}, NASIdentifier: "maui",
			Dial: w.dial, Trace: w.note}); err != nil {
			t.Fatal(err)
		}
		f(w)
		w.client.Close()
		w.halt()
		if got := strings.Join(w.trace, "\n"); strings.Contains(got, canary) || strings.Contains(got, secret) {
			t.Errorf("a secret in the trace:\n%s", got)
		}
	})
}

// serverTLS returns the TLS configuration of a server that requires a client certificate and supports both versions.
func (w *tlsTown) serverTLS(c servers.Certificate) *tls.Config {
	w.t.Helper()
	cert, err := w.ca.TLS(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs: w.ca.Pool(), NextProtos: []string{"radius/1.1", "radius/1.0"}}
}

// start starts the server, also after halt, which ends it and its connections.
func (w *tlsTown) start() {
	w.t.Helper()
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: "radsec", Users: users})
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := w.streams.Listen("radsec.example:2083")
	if err != nil {
		w.t.Fatal(err)
	}
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.server["one"] = s
	w.done.Go(func() {
		if err := s.ServeRadSec(ctx, l, w.o); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *tlsTown) halt() { w.stop(); w.done.Wait() }

func off(_ *tlsTown, c *radius.ServerConfig) { c.TLS.RADIUS11 = radius.RADIUS11Off }

func TestRadSec(t *testing.T) {
	for version, set := range map[string]func(*tlsTown, *radius.ServerConfig){"RADIUS/1.0": off, "RADIUS/1.1": nil} {
		t.Run(version, func(t *testing.T) {
			inTLSTown(t, servers.RadSec{SignReplies: true}, set, func(w *tlsTown) {
				w.want("bob", aaa.Granted, "")
				if res := w.want("cb", aaa.Granted, ""); res.Auth.Dialstring.Value() != "84001" {
					t.Errorf("%+v", res)
				}
				w.want("nobody", aaa.Refused, "refused")
				c, res := w.login("otp")
				if res.Kind != aaa.Prompt {
					t.Fatalf("%+v", res)
				}
				if res = c.Answer(context.Background(), "123456"); res.Kind != aaa.Granted {
					t.Errorf("%+v", res)
				}
				if err := w.client.Send(context.Background(), stop(time.Now())); err != nil {
					t.Error(err)
				}
				if recs := w.server["one"].Records(); len(recs) != 1 || recs[0].Get("Acct-Session-Id") != "s1" {
					t.Errorf("%v", recs)
				}
				st := w.client.Servers()
				if len(st) != 1 || st[0].Version != version || st[0].State != radius.Okay ||
					st[0].Serves != "authentication+accounting" || st[0].Sockets != 1 || w.streams.Dialed() != 1 {
					t.Errorf("%+v, %d connections", st, w.streams.Dialed())
				}
			})
		})
	}
}

// With RADIUS/1.0, more requests than identifiers need more connections; RADIUS/1.1 has enough Tokens on one
// connection.
func TestRadSecManyInFlight(t *testing.T) {
	for version, set := range map[string]func(*tlsTown, *radius.ServerConfig){"RADIUS/1.0": off, "RADIUS/1.1": nil} {
		t.Run(version, func(t *testing.T) {
			inTLSTown(t, servers.RadSec{}, set, func(w *tlsTown) {
				w.server["one"].SetFaults(servers.Faults{Delay: time.Second})
				var wg sync.WaitGroup
				for i := range 600 {
					wg.Go(func() {
						user, kind := "bob", aaa.Granted
						if i%2 == 1 {
							user, kind = "nobody", aaa.Refused
						}
						w.want(user, kind, "")
					})
				}
				wg.Wait()
				want := 3
				if version == "RADIUS/1.1" {
					want = 1
				}
				if n := w.streams.Dialed(); n != want {
					t.Errorf("%d connections, want %d", n, want)
				}
			})
		})
	}
}

// If the client or the server rejects the other's certificate, the login fails immediately with a hint, and no password
// is sent.
func TestRadSecCertificates(t *testing.T) {
	other := func(w *tlsTown) *servers.Authority {
		ca, err := servers.NewAuthority("other")
		if err != nil {
			w.t.Fatal(err)
		}
		return ca
	}
	good := servers.Certificate{Name: "radsec", Hosts: []string{"radsec.example"}, Server: true}
	for _, tt := range []struct {
		name string
		set  func(w *tlsTown, c *radius.ServerConfig)
		want string
	}{
		{"wrong name", func(w *tlsTown, c *radius.ServerConfig) { c.TLS.ServerName = "radsec.other" },
			"check server_name"},
		{"address not in certificate", func(w *tlsTown, c *radius.ServerConfig) { c.TLS.ServerName = "192.0.2.1" },
			"check server_name"},
		{"a name in the subject only", func(w *tlsTown, c *radius.ServerConfig) {
			*w.o.TLS = *w.serverTLS(servers.Certificate{Name: "radsec.example", Server: true})
		}, "certificate"},
		{"wrong CA", func(w *tlsTown, c *radius.ServerConfig) {
			ca := other(w)
			if err := ca.WriteFiles(w.t.TempDir()); err != nil {
				w.t.Fatal(err)
			}
			dir := w.t.TempDir()
			if err := ca.WriteFiles(dir); err != nil {
				w.t.Fatal(err)
			}
			c.TLS.CAFile = filepath.Join(dir, "ca.pem")
		}, "check ca_file"},
		{"expired", func(w *tlsTown, c *radius.ServerConfig) {
			old := good
			old.Expired = true
			*w.o.TLS = *w.serverTLS(old)
		}, "expired or not yet valid"},
		{"not yet", func(w *tlsTown, c *radius.ServerConfig) {
			old := good
			old.Future = true
			*w.o.TLS = *w.serverTLS(old)
		}, "expired or not yet valid"},
		{"a client's certificate", func(w *tlsTown, c *radius.ServerConfig) {
			wrong := good
			wrong.Server, wrong.Client = false, true
			*w.o.TLS = *w.serverTLS(wrong)
		}, "not valid"},
		{"no client certificate", func(w *tlsTown, c *radius.ServerConfig) { c.TLS.CertFile, c.TLS.KeyFile = "", "" },
			"set cert_file and key_file"},
		{"client certificate of another CA", func(w *tlsTown, c *radius.ServerConfig) {
			dir := w.t.TempDir()
			if err := other(w).WriteFiles(dir, servers.Certificate{Name: "nas", Client: true}); err != nil {
				w.t.Fatal(err)
			}
			c.TLS.CertFile, c.TLS.KeyFile = filepath.Join(dir, "nas.pem"), filepath.Join(dir, "nas.key")
		}, "signed by an authority that the server trusts"},
		{"expired client certificate", func(w *tlsTown, c *radius.ServerConfig) {
			dir := w.t.TempDir()
			if err := w.ca.WriteFiles(dir, servers.Certificate{Name: "nas", Client: true, Expired: true}); err != nil {
				w.t.Fatal(err)
			}
			c.TLS.CertFile, c.TLS.KeyFile = filepath.Join(dir, "nas.pem"), filepath.Join(dir, "nas.key")
		}, "rejected our certificate"},
		{"TLS 1.2", func(w *tlsTown, c *radius.ServerConfig) { w.o.TLS.MaxVersion = tls.VersionTLS12 }, "too old"},
		{"no RADIUS/1.1", func(w *tlsTown, c *radius.ServerConfig) {
			c.TLS.RADIUS11, w.o.TLS.NextProtos = radius.RADIUS11Require, nil
		}, "does not support RADIUS/1.1"},
		{"RADIUS/1.0 only", func(w *tlsTown, c *radius.ServerConfig) {
			c.TLS.RADIUS11, w.o.TLS.NextProtos = radius.RADIUS11Require, []string{"radius/1.0"}
		}, "check radius11"},
		{"RADIUS/1.1 only", func(w *tlsTown, c *radius.ServerConfig) {
			c.TLS.RADIUS11, w.o.TLS.NextProtos = radius.RADIUS11Off, []string{"radius/1.1"}
		}, "check radius11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTLSTown(t, servers.RadSec{}, tt.set, func(w *tlsTown) {
				begun := time.Now()
				w.want("bob", aaa.Silent, tt.want)
				if d := time.Since(begun); d > 2*time.Second {
					t.Errorf("reported after %v", d)
				}
				if all, _ := w.server["one"].Requests(); all != 0 {
					t.Error("the request was sent")
				}
			})
		})
	}
}

// Other combinations that work: an address instead of a name, an old server if allowed, no ALPN, and RADIUS/1.1
// required and supported.
func TestRadSecAgreements(t *testing.T) {
	for _, tt := range []struct {
		name    string
		set     func(w *tlsTown, c *radius.ServerConfig)
		version string
	}{
		{"an address", func(w *tlsTown, c *radius.ServerConfig) {
			c.TLS.ServerName = "192.0.2.1"
			*w.o.TLS = *w.serverTLS(servers.Certificate{Name: "x", Hosts: []string{"192.0.2.1"}, Server: true})
		}, "RADIUS/1.1"},
		{"TLS 1.2", func(w *tlsTown, c *radius.ServerConfig) {
			c.TLS.MinTLS12, w.o.TLS.MaxVersion = true, tls.VersionTLS12
		}, "RADIUS/1.0"},
		{"no ALPN", func(w *tlsTown, c *radius.ServerConfig) { w.o.TLS.NextProtos = nil }, "RADIUS/1.0"},
		{"1.0 of both", func(w *tlsTown, c *radius.ServerConfig) { w.o.TLS.NextProtos = []string{"radius/1.0"} },
			"RADIUS/1.0"},
		{"1.1 required", func(w *tlsTown, c *radius.ServerConfig) { c.TLS.RADIUS11 = radius.RADIUS11Require },
			"RADIUS/1.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTLSTown(t, servers.RadSec{}, tt.set, func(w *tlsTown) {
				w.want("bob", aaa.Granted, "")
				if st := w.client.Servers(); st[0].Version != tt.version {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// A request on a lost connection is sent again on the next one.
func TestRadSecLostConnection(t *testing.T) {
	// the server counts probes too
	alone := func(_ *tlsTown, c *radius.ServerConfig) { c.StatusServer = radius.StatusOff }
	inTLSTown(t, servers.RadSec{CloseOn: 2}, alone, func(w *tlsTown) {
		for range 5 {
			w.want("bob", aaa.Granted, "")
		}
		if n := w.streams.Dialed(); n != 5 {
			t.Errorf("%d connections", n)
		}
	})
	// The first connection is lost before the server sends anything.
	inTLSTown(t, servers.RadSec{}, alone, func(w *tlsTown) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		var wg sync.WaitGroup
		wg.Go(func() { w.want("bob", aaa.Granted, "") })
		pass(time.Second)
		w.halt()
		w.start()
		wg.Wait()
	})
	// A server restarts: the request waits for it until its timeout.
	inTLSTown(t, servers.RadSec{}, nil, func(w *tlsTown) {
		w.want("bob", aaa.Granted, "")
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		var wg sync.WaitGroup
		wg.Go(func() { w.want("bob", aaa.Granted, "") })
		pass(time.Second)
		w.halt()
		pass(2 * time.Second)
		w.start()
		wg.Wait()
	})
	// A server that does not come back is silent.
	inTLSTown(t, servers.RadSec{}, nil, func(w *tlsTown) {
		w.want("bob", aaa.Granted, "")
		w.halt()
		synctest.Wait()
		for range 2 {
			begun := time.Now()
			w.want("bob", aaa.Silent, "connection refused")
			if d := time.Since(begun); d < 11*time.Second || d > 14*time.Second {
				t.Errorf("silent after %v", d)
			}
		}
		w.start()
		w.want("bob", aaa.Granted, "")
	})
}

// A server restarts while nothing or only accounting is under way: a login waits for it, also if another request made
// the first attempts to connect.
func TestRadSecRestart(t *testing.T) {
	for name, records := range map[string]int{"idle": 0, "accounting pending": 1, "much accounting pending": 20} {
		t.Run(name, func(t *testing.T) {
			inTLSTown(t, servers.RadSec{}, nil, func(w *tlsTown) {
				_, otp := w.login("otp")
				c, _ := w.login("otp")
				if otp.Kind != aaa.Prompt {
					t.Fatalf("%+v", otp)
				}
				w.halt()
				var wg sync.WaitGroup
				for i := range records {
					wg.Go(func() {
						record := stop(time.Now())
						record.SessionID = fmt.Sprint("s", i) // the server ignores a duplicate of what it processes
						for w.client.Send(context.Background(), record) != nil {
							pass(300 * time.Millisecond)
						}
					})
				}
				pass(time.Second)
				begun := time.Now()
				wg.Go(func() { w.want("bob", aaa.Granted, "") })
				wg.Go(func() {
					pass(900 * time.Millisecond)
					w.want("cb", aaa.Granted, "")
				})
				wg.Go(func() {
					if res := c.Answer(context.Background(), "123456"); res.Kind != aaa.Refused ||
						!strings.Contains(res.Reason, "refused") { // the restarted server has no challenges
						t.Errorf("%+v", res)
					}
				})
				pass(10 * time.Second)
				w.start()
				wg.Wait()
				if d := time.Since(begun); d > 13*time.Second {
					t.Errorf("after %v", d)
				}
			})
		})
	}
}

// A server that cannot be reached is not waited for while another server or method can be asked.
func TestRadSecRestartOfOne(t *testing.T) {
	inTLSTown(t, servers.RadSec{}, nil, func(w *tlsTown) {
		first := w.config
		first.Name, first.Address, first.Accounting = "zero", "nobody.example", "nobody.example"
		begun := time.Now()
		c, err := radius.New(radius.Config{Servers: []radius.ServerConfig{first, w.config}, Dial: w.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, res := c.Start(context.Background(), aaa.Request{User: "bob", Password: canary}); res.Server != "one" ||
			res.Kind != aaa.Granted {
			t.Errorf("%+v", res)
		}
		w.halt()
		if _, res := w.client.Start(context.Background(), aaa.Request{User: "bob", Password: canary,
			Fallback: true}); res.Kind != aaa.Silent {
			t.Errorf("%+v", res)
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("after %v", d)
		}
	})
}

// path is the network between client and server. The connections open when it is cut stay open, but carry nothing to
// the server any more.
type path struct {
	streams *aaatest.StreamNet
	mu      sync.Mutex
	conns   []*cutConn
	refuse  bool // new connections are refused
}

type cutConn struct {
	net.Conn
	cut    atomic.Bool
	closed atomic.Bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	if c.cut.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

func (n *path) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse {
		return nil, errors.New("connection refused")
	}
	c, err := n.streams.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	n.conns = append(n.conns, &cutConn{Conn: c})
	return n.conns[len(n.conns)-1], nil
}

func (n *path) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.cut.Store(true)
	}
}

// open returns the number of connections made, and of those that are not closed.
func (n *path) open() (made, open int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		if !c.closed.Load() {
			open++
		}
	}
	return len(n.conns), open
}

// onPath runs f with a client whose connection was used a minute ago.
func onPath(t *testing.T, f func(w *tlsTown, n *path)) {
	for version, set := range map[string]func(*tlsTown, *radius.ServerConfig){"RADIUS/1.0": off,
		"RADIUS/1.1": func(*tlsTown, *radius.ServerConfig) {}} {
		t.Run(version, func(t *testing.T) {
			n := &path{}
			inTLSTown(t, servers.RadSec{}, func(w *tlsTown, c *radius.ServerConfig) {
				set(w, c)
				c.StatusServer = radius.StatusOff // only requests find out
				n.streams, w.dial = w.streams, n.dial
			}, func(w *tlsTown) {
				w.want("bob", aaa.Granted, "")
				pass(time.Minute)
				f(w, n)
			})
		})
	}
}

// A connection that is open but dead: all requests on it are sent again on one new connection after one timeout.
func TestRadSecSilentConnection(t *testing.T) {
	onPath(t, func(w *tlsTown, n *path) {
		n.cut()
		begun := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { w.want("cb", aaa.Granted, "") })
			wg.Go(func() { w.want("nobody", aaa.Refused, "refused") })
		}
		wg.Go(func() {
			if err := w.client.Send(context.Background(), stop(time.Now())); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { // it begins later, and shares the new connection
			pass(time.Second)
			w.want("bob", aaa.Granted, "")
		})
		wg.Wait()
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("after %v", d)
		}
		w.want("bob", aaa.Granted, "")
		synctest.Wait()
		if made, open := n.open(); made != 2 || open != 1 {
			t.Errorf("%d connections, %d open", made, open)
		}
	})
}

// A new connection that stays silent is not replaced for the same request, and the login ends in the usual time.
func TestRadSecSilentServer(t *testing.T) {
	onPath(t, func(w *tlsTown, n *path) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		begun := time.Now()
		w.want("bob", aaa.Silent, "no authentic answer in 14s to 2 transmissions")
		synctest.Wait()
		if made, open := n.open(); time.Since(begun) != 14*time.Second || made != 2 || open != 0 {
			t.Errorf("after %v, %d connections, %d open", time.Since(begun), made, open)
		}
	})
}

// A late answer on the old connection ends the login, whatever the new one does, and the login is granted once.
func TestRadSecLateAnswer(t *testing.T) {
	for name, after := range map[string]struct {
		faults servers.Faults // for the new connection
		refuse bool
	}{
		"new connection silent":      {faults: servers.Faults{Silent: true}},
		"new connection slow":        {faults: servers.Faults{Delay: 5 * time.Second}},
		"both answer":                {faults: servers.Faults{Delay: time.Second}},
		"no new connection possible": {refuse: true},
	} {
		t.Run(name, func(t *testing.T) {
			onPath(t, func(w *tlsTown, n *path) {
				w.server["one"].SetFaults(servers.Faults{Delay: 3 * time.Second})
				begun := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { w.want("bob", aaa.Granted, "") })
				pass(time.Second)
				w.server["one"].SetFaults(after.faults)
				n.mu.Lock()
				n.refuse = after.refuse
				n.mu.Unlock()
				wg.Wait()
				if d := time.Since(begun); d != 3*time.Second {
					t.Errorf("after %v", d)
				}
				synctest.Wait()
				if _, open := n.open(); open > 1 {
					t.Errorf("%d connections are open", open)
				}
			})
		})
	}
}

// A connection on which others are answered is alive: a slow answer is awaited there.
func TestRadSecSlowAnswer(t *testing.T) {
	onPath(t, func(w *tlsTown, n *path) {
		w.server["one"].SetFaults(servers.Faults{Delay: 8 * time.Second})
		var wg sync.WaitGroup
		wg.Go(func() { w.want("bob", aaa.Granted, "") })
		pass(time.Second)
		w.server["one"].SetFaults(servers.Faults{})
		w.want("cb", aaa.Granted, "")
		wg.Wait()
		if made, open := n.open(); made != 1 || open != 1 {
			t.Errorf("%d connections, %d open", made, open)
		}
	})
}

// Replies with wrong lengths or authenticators end the connection; no invalid reply is accepted.
func TestRadSecBadReplies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      servers.RadSec
		faults servers.Faults
		set    func(*tlsTown, *radius.ServerConfig)
		want   string
	}{
		{"length 0", servers.RadSec{Length: -65536}, servers.Faults{}, off, "packet length 0 not from 20 to 4096"},
		{"length 19", servers.RadSec{Length: 19}, servers.Faults{}, off, "packet length 19 not from 20 to 4096"},
		{"length 4097", servers.RadSec{Length: 4097}, servers.Faults{}, off, "packet length 4097 not from 20 to 4096"},
		{"length 65535", servers.RadSec{Length: 65535}, servers.Faults{}, nil,
			"packet length 65535 not from 20 to 4096"},
		{"attributes cut", servers.RadSec{Length: 25}, servers.Faults{}, nil, "bad length"},
		{"wrong Message-Authenticator", servers.RadSec{}, servers.Faults{WrongMAC: true}, off,
			"wrong Message-Authenticator"},
		{"two Message-Authenticators", servers.RadSec{}, servers.Faults{DoubleMAC: true}, off,
			"two Message-Authenticators"},
		{"another secret", servers.RadSec{}, servers.Faults{Forge: 1}, off, "wrong Response Authenticator"},
		{"wrong id", servers.RadSec{}, servers.Faults{WrongID: true}, off, "no authentic answer"},
		{"wrong code", servers.RadSec{}, servers.Faults{WrongCode: true}, nil, "unexpected code"},
		{"Protocol-Error", servers.RadSec{ProtocolError: 502}, servers.Faults{}, nil, "Error-Cause 502"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTLSTown(t, tt.o, tt.set, func(w *tlsTown) {
				w.server["one"].SetFaults(tt.faults)
				w.want("bob", aaa.Silent, tt.want)
			})
		})
	}
}

// Over TLS no Message-Authenticator is required.
func TestRadSecUnsigned(t *testing.T) {
	inTLSTown(t, servers.RadSec{}, off, func(w *tlsTown) {
		w.server["one"].SetFaults(servers.Faults{Unsigned: true})
		w.want("bob", aaa.Granted, "")
	})
}

// A server accepts the connection but sends nothing, during or after the TLS handshake.
func TestRadSecDumb(t *testing.T) {
	inTLSTown(t, servers.RadSec{}, nil, func(w *tlsTown) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		begun := time.Now()
		w.want("bob", aaa.Silent, "no authentic answer")
		if d := time.Since(begun); d < 12*time.Second || d > 16*time.Second {
			t.Errorf("silent after %v", d)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begun = time.Now()
		if _, res := w.client.Start(ctx, aaa.Request{User: "bob", Password: canary}); res.Kind != aaa.Silent ||
			time.Since(begun) != time.Second {
			t.Errorf("%+v after %v", res, time.Since(begun))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		streams := &aaatest.StreamNet{}
		l, err := streams.Listen("dumb:2083")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var conns []net.Conn
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				conns = append(conns, c)
				wg.Go(func() { // it reads the TLS handshake and sends nothing
					b := make([]byte, 4096)
					for {
						if _, err := c.Read(b); err != nil {
							return
						}
					}
				})
			}
		})
		c, err := radius.New(radius.Config{Dial: streams.Dial,
			Servers: []radius.ServerConfig{{Transport: radius.TLS, Address: "dumb"}}})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, res := c.Start(context.Background(),
			aaa.Request{User: "bob", Password: canary}); res.Kind != aaa.Silent || time.Since(begun) > 14*time.Second ||
			!strings.Contains(res.Reason, "RADIUS over TLS port") {
			t.Errorf("%+v after %v", res, time.Since(begun))
		}
		c.Close()
		l.Close()
		for _, c := range conns {
			c.Close()
		}
		wg.Wait()
	})
}

func TestTLSConfig(t *testing.T) {
	dir := t.TempDir()
	for want, c := range map[string]radius.TLSConfig{
		"no such file":     {Files: certs.Files{CAFile: filepath.Join(dir, "none.pem")}},
		"both or neither":  {Files: certs.Files{CertFile: "x"}},
		`radius11 "maybe"`: {RADIUS11: "maybe"},
		"TLS 1.3":          {Files: certs.Files{MinTLS12: true}, RADIUS11: radius.RADIUS11Allow},
		"nas.pem": {Files: certs.Files{CertFile: filepath.Join(dir, "nas.pem"),
			KeyFile: filepath.Join(dir, "nas.key")}},
		"no certificate in": {Files: certs.Files{CAFile: "radsec_test.go"}},
	} {
		_, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Name: "s", Transport: radius.TLS,
			Address: "h", TLS: &c}}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "radius server s: ") {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Transport: "dtls",
		Address: "h"}}}); err == nil || !strings.Contains(err.Error(), `transport "dtls"`) {
		t.Error(err)
	}
	if w := (radius.ServerConfig{Transport: radius.TLS,
		TLS: &radius.TLSConfig{Files: certs.Files{MinTLS12: true}}}).Warnings(); len(w) != 2 {
		t.Error(w)
	}
}

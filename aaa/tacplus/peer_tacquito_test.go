package tacplus_test

import (
	"cmp"
	"crypto/tls"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest/tacquito"
	"github.com/ringback/ringback/aaa/tacplus"
)

// startTacquito serves testdata/tacquito.yaml, a configuration as an operator writes it, until the test ends; over TLS
// if c is not nil.
func startTacquito(t testing.TB, c *tls.Config) *tacquito.Server {
	t.Helper()
	config, err := os.ReadFile("testdata/tacquito.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return tacquito.Start(t, tacquito.Options{Config: string(config), TLS: c})
}

// clientOf makes a client of q that lives as long as the test.
func clientOf(t testing.TB, q *tacquito.Server, c tacplus.Config, s tacplus.ServerConfig) *tacplus.Client {
	t.Helper()
	s.Name, s.Address = "tacquito", q.Addr
	if s.TLS == nil && s.Secret == "" {
		s.Secret = secret
	}
	s.Timeout = cmp.Or(s.Timeout, time.Minute) // bcrypt, with the race detector, on a busy machine
	c.Servers = []tacplus.ServerConfig{s}
	cl, err := tacplus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}

// peers runs f with tacquito over each kind of connection.
func peers(t *testing.T, f func(t *testing.T, q *tacquito.Server, cl func(tacplus.Config) *tacplus.Client)) {
	t.Parallel()
	certs := newCertificates(t)
	serverTLS := certs.server(t, "server")
	serverTLS.MinVersion = tls.VersionTLS13
	for name, c := range map[string]struct {
		tls    *tls.Config
		server tacplus.ServerConfig
	}{
		"one per session":        {nil, tacplus.ServerConfig{}},
		"single connection":      {nil, tacplus.ServerConfig{SingleConnection: true}},
		"TLS":                    {serverTLS, certs.client()},
		"TLS, single connection": {serverTLS, tacplus.ServerConfig{SingleConnection: true, TLS: certs.client().TLS}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := startTacquito(t, c.tls)
			var mu sync.Mutex
			var trace []string
			f(t, q, func(cfg tacplus.Config) *tacplus.Client {
				cfg.Trace = func(e tacplus.Event) {
					mu.Lock()
					defer mu.Unlock()
					trace = append(trace, e.What+" "+strings.Join(e.Lines, ", "))
				}
				return clientOf(t, q, cfg, c.server)
			})
			mu.Lock()
			defer mu.Unlock()
			if all := strings.Join(trace, "\n"); strings.Contains(all, canary) || strings.Contains(all, secret) ||
				len(trace) == 0 {
				t.Errorf("the trace:\n%s", all)
			}
		})
	}
}

func TestPeerTacquitoLogin(t *testing.T) {
	peers(t, func(t *testing.T, q *tacquito.Server, client func(tacplus.Config) *tacplus.Client) {
		ctx := t.Context()
		for _, how := range []string{tacplus.ASCII, tacplus.PAP} {
			cl := client(tacplus.Config{Authentication: how})
			r := aaa.Request{Service: aaa.EXEC, User: "fixed", Password: canary, TTY: 65, Caller: "5551"}
			if _, res := cl.Start(ctx, r); res.Kind != aaa.Granted || res.Identity.User != "fixed" {
				t.Errorf("%s: %+v", how, res)
			}
			r.Password = "wrong"
			if _, res := cl.Start(ctx, r); res.Kind != aaa.Refused || res.Message != "login failure" {
				t.Errorf("%s, wrong password: %+v", how, res)
			}
		}
		cl := client(tacplus.Config{})
		conv, res := cl.Start(ctx, aaa.Request{Service: aaa.EXEC})
		if res.Kind != aaa.Prompt || res.Message != "username:" || !res.Echo {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(ctx, "fixed"); res.Kind != aaa.Prompt || res.Message != "password:" || res.Echo {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(ctx, canary); res.Kind != aaa.Granted || res.Identity.User != "fixed" {
			t.Errorf("%+v", res)
		}
		if _, res = cl.Start(ctx, aaa.Request{Service: aaa.EXEC, User: "fixed", Password: canary,
			Enable: 15}); res.Kind != aaa.Granted || res.Auth.PrivLevel != 15 {
			t.Errorf("enable: %+v", res)
		}
		if _, res = cl.Start(ctx, aaa.Request{Service: aaa.PPP, User: "framed",
			Password: canary}); res.Kind != aaa.Granted {
			t.Errorf("PAP of PPP: %+v", res)
		}
		// tacquito does not support CHAP and answers ERROR: no server is left.
		if _, res = cl.Start(ctx, aaa.Request{Service: aaa.PPP, User: "framed",
			CHAP: &aaa.CHAP{Challenge: []byte("12345678"), Response: make([]byte, 16)}}); res.Kind != aaa.Silent ||
			!strings.Contains(res.Reason, "unknown authenticate start packet type") {
			t.Errorf("CHAP: %+v", res)
		}
	})
}

func TestPeerTacquitoAuthorization(t *testing.T) {
	peers(t, func(t *testing.T, q *tacquito.Server, client func(tacplus.Config) *tacplus.Client) {
		cl := client(tacplus.Config{})
		ask := func(user string, edit ...func(*aaa.Question)) aaa.Result {
			q := asking(user)
			for _, f := range edit {
				f(&q)
			}
			return cl.Authorize(t.Context(), q)
		}
		ppp := func(q *aaa.Question) { q.Service = aaa.PPP }
		res := ask("fixed")
		if a := res.Auth; res.Kind != aaa.Granted || a.Dialstring != aaa.DialstringOf("84001") || !a.NoVerify ||
			len(a.Lines) != 1 || a.Lines[0] != 7 || a.PrivLevel != 7 || a.IdleTimeout != 5*time.Minute {
			t.Errorf("fixed: %+v", res)
		}
		if res := ask("fixed", func(q *aaa.Question) { q.NoPassword, q.Leg = true, 2 }); res.Kind != aaa.Granted ||
			res.Auth.PrivLevel != 7 {
			t.Errorf("again, without a password: %+v", res)
		}
		if res := ask("null"); res.Kind != aaa.Granted || !res.Auth.Dialstring.IsNull() ||
			len(res.Auth.Readings) != 2 || res.Auth.Readings[1].Note != "it is unknown; optional, ignored" {
			t.Errorf("null: %+v", res)
		}
		if res := ask("mandatory"); res.Kind != aaa.Refused ||
			!strings.Contains(res.Reason, "x-mandatory: it is unknown and mandatory") {
			t.Errorf("mandatory: %+v", res)
		}
		if res := ask("nobody"); res.Kind != aaa.Refused {
			t.Errorf("nobody: %+v", res)
		}
		res = ask("framed", ppp)
		if a := res.Auth; res.Kind != aaa.Granted || a.Dialstring != aaa.DialstringOf("84002") ||
			a.SendSecret != canary || a.Framed == nil || a.Framed.Address != "10.9.0.2" || a.Framed.InACL[0] != "101" {
			t.Errorf("framed: %+v", res)
		}
		if res := ask("fixed", ppp); res.Kind != aaa.Refused {
			t.Errorf("fixed, PPP: %+v", res)
		}
		if res := ask("fixed", func(q *aaa.Question) {
			q.Command = []string{"show",
				"version"}
		}); res.Kind != aaa.Granted {
			t.Errorf("show version: %+v", res)
		}
		if res := ask("fixed", func(q *aaa.Question) {
			q.Command = []string{"show",
				"running-config"}
		}); res.Kind != aaa.Refused {
			t.Errorf("show running-config: %+v", res)
		}
	})
}

func TestPeerTacquitoAccounting(t *testing.T) {
	peers(t, func(t *testing.T, q *tacquito.Server, client func(tacplus.Config) *tacplus.Client) {
		cl := client(tacplus.Config{SystemUser: "ringback"})
		r := aaa.Record{ID: "1", Time: time.Unix(1000000000, 0), SessionID: "s1", User: "fixed", Service: aaa.EXEC,
			TTY: 65, Caller: "5551"}
		for _, kind := range []aaa.RecordType{aaa.On, aaa.Start, aaa.Interim, aaa.Stop, aaa.Off} {
			r.Type, r.SessionTime, r.Cause = kind, 9*time.Second, aaa.CauseCallback
			if err := cl.Send(t.Context(), r); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		log := strings.Join(q.Accounting(), "\n")
		for _, want := range []string{`"event=sys_acct"`, `"Flags":2`, `"Flags":10`, `"Flags":4`,
			`"disc-cause-ext=1102"`, `"User":"fixed","Port":"tty65","RemAddr":"5551"`, `"stop_time=1000000000"`,
			`"start_time=999999991"`} {
			if !strings.Contains(log, want) {
				t.Errorf("%s is not in its log:\n%s", want, log)
			}
		}
		r.User, r.Type = "nobody", aaa.Start
		if err := cl.Send(t.Context(), r); err == nil ||
			!strings.Contains(err.Error(), "failed to lookup user [nobody]") {
			t.Errorf("an unknown user: %v", err)
		}
	})
}

// Many concurrent logins over one connection.
func TestPeerTacquitoMany(t *testing.T) {
	t.Parallel()
	q := startTacquito(t, nil)
	cl := clientOf(t, q, tacplus.Config{}, tacplus.ServerConfig{SingleConnection: true})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 4 {
				if res := cl.Authorize(t.Context(), asking("fixed")); res.Kind != aaa.Granted ||
					res.Auth.PrivLevel != 7 {
					t.Errorf("%+v", res)
				}
				if _, res := cl.Start(t.Context(), aaa.Request{Service: aaa.EXEC, User: "fixed",
					Password: canary}); res.Kind != aaa.Granted {
					t.Errorf("%+v", res)
				}
			}
		})
	}
	wg.Wait()
	if st := cl.Servers()[0]; st.Connections != 1 || !st.SingleConnection || st.Silent != 0 {
		t.Errorf("%+v", st)
	}
}

// With different secrets, each side decodes noise.
func TestPeerTacquitoWrongSecret(t *testing.T) {
	t.Parallel()
	q := startTacquito(t, nil)
	cl := clientOf(t, q, tacplus.Config{}, tacplus.ServerConfig{Secret: "another secret of 32 octets....."})
	if _, res := cl.Start(t.Context(), aaa.Request{Service: aaa.EXEC, User: "fixed",
		Password: canary}); res.Kind != aaa.Silent || !strings.Contains(res.Reason, "secret") {
		t.Errorf("%+v", res)
	}
}

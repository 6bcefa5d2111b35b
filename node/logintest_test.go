package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab/servers"
)

// withServers is a configuration that asks a RADIUS server at the first port, and one that never answers at the second.
const withServers = `hostname: maui
state_dir: state
api: {socket: DIR/s}
console: {listen: "127.0.0.1:0"}
exec: {callback: true}
login: {delay_after: 20, lock_user_after: 4}
aaa:
  radius:
    - {name: r1, address: "127.0.0.1:%d", secret_file: secret}
    - {name: dead, address: "127.0.0.1:%d", secret_file: secret, timeout: 200ms, retries: 0}
  groups: [{name: off, servers: [dead]}, {name: up, servers: [r1]}]
  lists: {login: {default: [up], slow: [off]}}
lines:
  - {tty: 1, port: "tcp://127.0.0.1:1", rotary: 7}
`

// hostileText would act on a page or a screen.
const hostileText = "<script>alert(1)</script>\u202e\x1b[2J"

// withRADIUS starts a daemon with a RADIUS server that has these users.
func withRADIUS(t *testing.T, users ...servers.User) *monitored {
	t.Helper()
	return withServer(t, servers.RADIUSConfig{Users: users})
}

// withServer starts a daemon with a RADIUS server.
func withServer(t *testing.T, c servers.RADIUSConfig) *monitored {
	t.Helper()
	c.Secret = "a secret of more than 24 octets"
	open := func() net.PacketConn {
		c, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	s, err := servers.NewRADIUS(c)
	if err != nil {
		t.Fatal(err)
	}
	login, accounting, dead := open(), open(), open()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(ctx, login, accounting)
	}()
	t.Cleanup(func() { cancel(); <-served })
	port := func(c net.PacketConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	return running(t, fmt.Sprintf(withServers, port(login), port(dead)), pageAt)
}

// TestLoginTest: an operator's login has AAA's answer, its attributes and the decision; the password is nowhere, not
// even if the server repeats it.
func TestLoginTest(t *testing.T) {
	t.Parallel()
	const password = "hana-1993-xyz"
	m := withRADIUS(t, servers.User{Name: "kim", Password: password, Reply: []servers.Attribute{
		{Name: "Service-Type", Value: "Callback-NAS-Prompt"}, {Name: "Callback-Number", Value: "84001"},
		{Name: "Reply-Message", Value: hostileText + password}}})
	c := client.New(filepath.Join(m.dir, "s"))
	v, err := c.TestLogin(t.Context(), client.LoginTest{User: "kim", Password: password, Line: 1, Caller: "808"})
	if err != nil {
		t.Fatal(err)
	}
	read := func(r client.Reading) bool {
		return r.Attribute == "Callback-Number" && r.Value == `"84001"` && r.Field == "callback, dialstring"
	}
	if v.Result != "granted" || v.Verdict != "call_back" || v.Entry != "up" || !slices.ContainsFunc(v.Readings, read) ||
		v.Decision == nil || v.Decision.Outcome != "call_back" || len(v.Trace) == 0 || len(v.Packets) < 2 {
		t.Errorf("%+v", v)
	}
	text := fmt.Sprintf("%+v %s", v, v.Authorization)
	if strings.Contains(text, password) || !strings.Contains(v.Message, "[secret]") {
		t.Errorf("the report has the password: %s", text)
	}
	m.logs(t, `login tested	{"user": "kim", "line": 1, "result": "granted"`)
	if strings.Contains(m.log.String(), password) {
		t.Errorf("the log has the password:\n%s", m.log)
	}
	for want, q := range map[string]client.LoginTest{
		"body.line": {User: "kim", Line: 99}, "body.list": {User: "kim", List: "none"}, "body.user": {},
		"body.service":  {User: "kim", Service: "slip"},
		"body.password": {User: "kim", Password: strings.Repeat("x", 300)},
	} {
		_, err := c.TestLogin(t.Context(), q)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestLoginTestSlow: a server that does not answer ends with its time limit, and the report says so.
func TestLoginTestSlow(t *testing.T) {
	t.Parallel()
	m := withRADIUS(t)
	c := client.New(filepath.Join(m.dir, "s"))
	v, err := c.TestLogin(t.Context(), client.LoginTest{User: "kim", Password: "x", List: "slow"})
	if err != nil || v.Result != "silent" || v.Verdict != "refuse" || len(v.Packets) == 0 {
		t.Errorf("%+v %v", v, err)
	}
}

// TestLoginTestGuesses: wrong passwords lock the name for the operator, as they do for a calling number. The lock is
// there although the guesses give other calling numbers, and a right password is not tried then.
func TestLoginTestGuesses(t *testing.T) {
	t.Parallel()
	m := withRADIUS(t, servers.User{Name: "kim", Password: "hana-1993-xyz",
		Challenge: "Code?", Answer: "4711"})
	c := client.New(filepath.Join(m.dir, "s"))
	guess := func(i int, password string, answers ...string) (client.LoginReport, error) {
		return c.TestLogin(t.Context(), client.LoginTest{User: "kim", Password: password, Answers: answers,
			Caller: fmt.Sprint("84", i)})
	}
	var p *client.Problem
	if _, err := guess(0, "hana-1993-xyz"); !errors.As(err, &p) || p.Errors[0].Location != "body.answers" ||
		!strings.Contains(p.Errors[0].Message, `"Code?"`) {
		t.Errorf("a code that is not given: %v", err)
	}
	if v, err := guess(0, "hana-1993-xyz", "4711"); err != nil || v.Result != "granted" {
		t.Errorf("the code: %+v %v", v, err)
	}
	for i := range 3 { // the code that was not given is a failure too
		if v, err := guess(i, "wrong-wrong"); err != nil || v.Result != "refused" {
			t.Fatalf("guess %d: %+v %v", i, v, err)
		}
	}
	if _, err := guess(9, "hana-1993-xyz", "4711"); !errors.As(err, &p) || p.Status != 429 ||
		!strings.Contains(p.Detail, "locked until") {
		t.Errorf("after 4 failures: %v", err)
	}
	locks, err := c.LoginLocks(t.Context())
	if err != nil || len(locks) == 0 || locks[0].Of != "name+number" ||
		!strings.HasPrefix(locks[0].Number, "operator:uid-") {
		t.Errorf("%+v %v", locks, err)
	}
}

// TestLoginTestLeft: an operator who leaves when the server is asked has guessed all the same.
func TestLoginTestLeft(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 99)
	m := withServer(t, servers.RADIUSConfig{Users: []servers.User{{Name: "kim", Password: "hana-1993-xyz"}},
		Trace: func(servers.Event) { asked <- struct{}{} }})
	c := client.New(filepath.Join(m.dir, "s"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.TestLogin(ctx, client.LoginTest{User: "kim", Password: "wrong-wrong"})
	}()
	<-asked
	cancel()
	<-done
	m.logs(t, "login failed")
}

// TestTurns: an operator asks only so often, and only some at a time.
func TestTurns(t *testing.T) {
	t.Parallel()
	l := &turns{most: 2, every: time.Hour, burst: 3}
	take := func(who string, want bool) func() {
		release, err := l.take(who)
		var busy api.Busy
		if (err == nil) != want || err != nil && (!errors.As(err, &busy) || busy.Wait <= 0) {
			t.Errorf("%s: %v", who, err)
		}
		return release
	}
	a, b := take("kim", true), take("lee", true)
	take("max", false) // two at a time
	a()
	a() // once
	c := take("kim", true)
	take("max", false)
	b()
	c()
	take("kim", true)()
	take("kim", false) // the fourth
	take("lee", true)()
	for i := range maxTurns {
		l.each[fmt.Sprint(i)] = l.each["kim"]
	}
	take("another", false)
}

// TestMasked: secrets are masked in all texts of an authorization, and it stays JSON.
func TestMasked(t *testing.T) {
	t.Parallel()
	secrets := []string{"3600", "ab"}
	got := maskedJSON(aaa.Authorization{ReplyMessage: "abab 3600", PrivLevel: 3600, Groups: []string{"x3600"}},
		func(s string) string { return masked(s, secrets) })
	if text := string(got); !strings.Contains(text, `"abab [secret]"`) || !strings.Contains(text, `"x[secret]"`) ||
		!strings.Contains(text, `"priv_lvl":3600`) {
		t.Errorf("%s", got)
	}
}

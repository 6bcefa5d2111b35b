package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/load"
	"github.com/ringback/ringback/lab/servers"
)

const loadSecret = "a secret of the load, 24+"

// loadServer runs a test server on loopback until the test ends.
func loadServer(t *testing.T) *servers.RADIUS {
	t.Helper()
	users, err := servers.ParseUsers(strings.NewReader("good\tCleartext-Password := \"pw1\"\n\tService-Type = " +
		"NAS-Prompt-User\nother\tCleartext-Password := \"p,2\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: loadSecret, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0", ""); err != nil {
		t.Fatal(err)
	}
	runServer(t, s.Run)
	return s
}

// runServer runs a server until the test ends.
func runServer(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// write writes text to a file in the test's own directory.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadJSON runs `aaa load` in this process, with JSON output. It leaves the CPUs to the other tests.
func loadJSON(t *testing.T, ctx context.Context, args ...string) (load.Report, error) {
	t.Helper()
	c := newAAALoad()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(append([]string{"-o", "json", "--cpus", "0"}, args...))
	c.SilenceUsage, c.SilenceErrors = true, true
	err := c.ExecuteContext(ctx)
	var r load.Report
	if out.Len() > 0 {
		if e := json.Unmarshal(out.Bytes(), &r); e != nil {
			t.Fatalf("%v:\n%s", e, out.String())
		}
	}
	return r, err
}

func TestAAALoadCounts(t *testing.T) {
	t.Parallel()
	s := loadServer(t)
	secret := write(t, "secret", loadSecret+"\n")
	users := write(t, "users.csv", "# three take turns\ngood,pw1\ngood,wrong\nother,\"p,2\"\n")
	r, err := loadJSON(t, t.Context(), "-n", "300", "-p", "8", "--users", users, "--address", s.AuthAddr(),
		"--secret-file", secret)
	if err != nil {
		t.Error(err)
	}
	if want := (load.Answered{Granted: 200, Refused: 100}); r.Answers != want || r.Done != 300 || r.Interrupted ||
		len(r.Reasons) > 0 || r.Discarded != 0 {
		t.Errorf("%+v", r)
	}
	if all, _ := s.Requests(); all != 300 {
		t.Errorf("the server received %d requests", all)
	}
	l := r.Latency
	if l.P50 <= 0 || l.P90 < l.P50 || l.P99 < l.P90 || l.P999 < l.P99 || l.Max < l.P999 || r.CPU <= 0 ||
		r.PerSecond < 1 || r.Seconds <= 0 || l.Max > 1000*r.Seconds {
		t.Errorf("%+v", r)
	}
}

// loadTACACS runs a TACACS+ test server on loopback until the test ends.
func loadTACACS(t *testing.T) *servers.TACACS {
	t.Helper()
	profiles, err := servers.ParseTACACS(strings.NewReader("user = good {\n\tlogin = cleartext \"pw1\"\n\tservice = " +
		"exec {\n\t\tpriv-lvl = 1\n\t}\n}\n" +
		"user = bare {\n\tlogin = cleartext \"pw2\"\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := servers.NewTACACS(servers.TACACSConfig{Key: loadSecret, Profiles: profiles})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0"); err != nil {
		t.Fatal(err)
	}
	runServer(t, s.Run)
	return s
}

// With TACACS+ a login is an authentication and, if that is granted, an authorization, all on one connection.
func TestAAALoadTACACS(t *testing.T) {
	t.Parallel()
	s := loadTACACS(t)
	users := write(t, "users.csv", "good,pw1\ngood,wrong\nbare,pw2\n")
	r, err := loadJSON(t, t.Context(), "-n", "60", "-p", "8", "--users", users, "--address", s.Addr(), "--secret-file",
		write(t, "key", loadSecret), "--protocol", "tacacs")
	if err != nil {
		t.Error(err)
	}
	if want := (load.Answered{Granted: 20, Refused: 40}); r.Answers != want || r.Protocol != "tacacs" || r.Done != 60 ||
		len(r.Reasons) > 0 {
		t.Errorf("%+v", r)
	}
	if c := s.Counts(); c.Sessions != 60+40 {
		t.Errorf("the server received %+v, want 60 authentications and 40 authorizations", c)
	}
	s.SetFaults(servers.TACACSFaults{Silent: true})
	r, err = loadJSON(t, t.Context(), "-n", "4", "-p", "4", "--users", users, "--address", s.Addr(), "--secret-file",
		write(t, "key", loadSecret), "--protocol", "tacacs", "--timeout", "100ms")
	if err == nil || r.Answers != (load.Answered{Silent: 4}) {
		t.Errorf("%v %+v", err, r)
	}
}

// The server may be from a configuration: the only one in it, or the one that is named.
func TestAAALoadConfigured(t *testing.T) {
	t.Parallel()
	s, tac := loadServer(t), loadTACACS(t)
	dir := fileDir(t, map[string]string{"secret": loadSecret, "password": "pw1",
		"one.yaml": "hostname: h\naaa:\n  radius: [{name: r1, address: " + s.AuthAddr() + ", secret_file: secret}]\n" +
			"  lists: {login: {default: [radius]}}\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n"})
	two := strings.Replace(readFile(t, dir+"/one.yaml"), "  lists", "  tacacs: [{name: t1, address: "+tac.Addr()+
		", secret_file: secret}]\n  lists", 1)
	if err := os.WriteFile(dir+"/two.yaml", []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file, server string
		protocol     string
		want         string
	}{
		{"one.yaml", "", "radius", ""},
		{"one.yaml", "r1", "radius", ""},
		{"two.yaml", "r1", "radius", ""},
		{"two.yaml", "t1", "tacacs", ""},
		{"two.yaml", "", "", "name one with --server: r1, t1"},
		{"two.yaml", "r2", "", "has no server \"r2\"; valid servers: r1, t1"},
		{"none.yaml", "", "", "exit status 1"},
	} {
		args := []string{"-n", "3", "-p", "2", "--user", "good", "--password-file", dir + "/password", "-c",
			dir + "/" + tt.file}
		if tt.server != "" {
			args = append(args, "--server", tt.server)
		}
		c := newAAALoad()
		var out, problems bytes.Buffer
		c.SetOut(&out)
		c.SetErr(&problems)
		c.SilenceUsage, c.SilenceErrors = true, true
		c.SetArgs(append(args, "--cpus", "0", "-o", "json"))
		err := c.ExecuteContext(t.Context())
		switch {
		case tt.want != "":
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s %s: %v, want %q", tt.file, tt.server, err, tt.want)
			}
		case err != nil || !strings.Contains(out.String(), `"granted": 3,`) ||
			!strings.Contains(out.String(), `"protocol": "`+tt.protocol+`"`):
			t.Errorf("%s %s: %v\n%s%s", tt.file, tt.server, err, out.String(), problems.String())
		}
	}
}

// Faults of the server are in the report, and in the exit status.
func TestAAALoadLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		wait   string // --timeout: short if no answer is expected
		faults servers.Faults
		want   load.Answered
		reason string
		status exitStatus
	}{
		{"unsigned replies", "1s", servers.Faults{Unsigned: true}, load.Answered{Silent: 6},
			"without Message-Authenticator", 1},
		{"silence", "50ms", servers.Faults{Silent: true}, load.Answered{Silent: 6},
			"no authentic answer in … to 2 transmissions", 1},
		{"forged replies before the genuine one", "10s", servers.Faults{Forge: 3}, load.Answered{Granted: 6}, "", 0},
		{"challenges", "10s", servers.Faults{Challenge: "Code: "}, load.Answered{Challenged: 6}, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := loadServer(t)
			s.SetFaults(tt.faults)
			r, err := loadJSON(t, t.Context(), "-n", "6", "-p", "6", "--user", "good", "--password-file",
				write(t, "password", "pw1"), "--address", s.AuthAddr(),
				"--secret-file", write(t, "secret", loadSecret), "--timeout", tt.wait, "--retries", "1")
			var status exitStatus
			if errors.As(err, &status); status != tt.status || err != nil && status == 0 {
				t.Errorf("status %v", err)
			}
			if r.Answers != tt.want || r.Done != 6 || r.Interrupted {
				t.Errorf("%+v", r)
			}
			n := 0
			for reason, times := range r.Reasons {
				n += times
				if !strings.Contains(reason, tt.reason) {
					t.Errorf("reason %q", reason)
				}
			}
			if n != int(tt.want.Lost()) {
				t.Errorf("%d reasons for %d lost: %v", n, tt.want.Lost(), r.Reasons)
			}
			if tt.faults.Forge > 0 && r.Discarded != 18 {
				t.Errorf("%d datagrams were discarded, 18 were forged", r.Discarded)
			}
		})
	}
}

// A login that is not even sent does not count as an answer of the server.
func TestAAALoadUnsent(t *testing.T) {
	t.Parallel()
	s := loadServer(t)
	r, err := loadJSON(t, t.Context(), "-n", "4", "-p", "2", "--user", "good", "--password-file",
		write(t, "password", strings.Repeat("x", 200)), "--address", s.AuthAddr(),
		"--secret-file", write(t, "secret", loadSecret))
	if err == nil || r.Answers != (load.Answered{Unsent: 4}) || len(r.Reasons) != 1 {
		t.Errorf("%v %+v", err, r)
	}
	if all, _ := s.Requests(); all != 0 {
		t.Errorf("the server received %d requests", all)
	}
}

// asked answers the first few logins. Each later one reports that it waits, and gets no answer.
type asked struct {
	answers chan struct{} // closed after the last
	enough  chan struct{}
}

func (m asked) Start(ctx context.Context, _ aaa.Request) (aaa.Conversation, aaa.Result) {
	if _, ok := <-m.answers; ok {
		return nil, aaa.Result{Kind: aaa.Granted, Server: "s"}
	}
	m.enough <- struct{}{}
	<-ctx.Done()
	return nil, aaa.Result{Reason: "given up"}
}

// An interrupt ends the load; the results so far are reported, and abandoned logins are not counted.
func TestAAALoadInterrupted(t *testing.T) {
	t.Parallel()
	m := asked{answers: make(chan struct{}, 5), enough: make(chan struct{})}
	for range cap(m.answers) {
		m.answers <- struct{}{}
	}
	close(m.answers)
	ctx, cancel := context.WithCancel(t.Context())
	l := load.New(&load.Target{Method: m}, []load.User{{Name: "good"}}, 1000, 3)
	go func() {
		for range 3 { // all three workers wait for an answer that does not come
			<-m.enough
		}
		cancel()
	}()
	l.Run(ctx)
	r := l.Report()
	if !r.Interrupted || r.Done != 5 || r.Answers != (load.Answered{Granted: 5}) {
		t.Errorf("%+v", r)
	}
	var text bytes.Buffer
	loadText(&text, r)
	if !strings.Contains(text.String(), "interrupted: 995") {
		t.Errorf("%s", text.String())
	}
}

func TestAAALoadRefusesFlags(t *testing.T) {
	t.Parallel()
	secret, short := write(t, "secret", loadSecret), write(t, "short", "testing123")
	password := write(t, "password", "pw")
	who := []string{"--user", "u", "--password-file", password}
	where := []string{"--address", "127.0.0.1:1", "--secret-file", secret}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{where, "no user given"},
		{append([]string{"--users", "f"}, append(who, where...)...), "no user given"},
		{append([]string{"--user", "u"}, where...), "must be given together"},
		{append([]string{"-n", "0"}, append(who, where...)...), "-n 0"},
		{append([]string{"-p", "0"}, append(who, where...)...), "-p 0"},
		{append([]string{"--cpus", "-1"}, append(who, where...)...), "0 (all)"},
		{append([]string{"--address", "h"}, who...), "needs --secret-file"},
		{append([]string{"--server", "s"}, append(who, where...)...), "--server and --address exclude each other"},
		{append([]string{"--protocol", "diameter"}, append(who, where...)...), "must be radius or tacacs"},
		{append([]string{"--message-authenticator", "no"}, append(who, where...)...), "must be require, auto or off"},
		{append([]string{"--address", "h", "--secret-file", short}, who...), "10 octets"},
		{append([]string{"--address", "h", "--secret-file", write(t, "two", "a\nb\n")}, who...), "on one line"},
		{append([]string{"--users", write(t, "csv", "good\n")}, where...), "line 1: expected user,password"},
		{append([]string{"--users", write(t, "csv", "\n# nobody\n")}, where...), "no users: write one"},
	} {
		if _, err := loadJSON(t, t.Context(), tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestAAALoadProgress(t *testing.T) {
	t.Parallel()
	const want = "[#############...........]  55% 110 of 200, 55/s, 7 refused, 3 lost, p50 3ms p99 3ms"
	got := loadProgress(load.Progress{Done: 110, Logins: 200, PerSecond: 55,
		Answers: load.Answered{Granted: 100, Refused: 7, Silent: 3},
		P50:     3 * time.Millisecond, P99: 3 * time.Millisecond})
	if got != want {
		t.Errorf("%s\nmust be\n%s", got, want)
	}
	l := load.New(&load.Target{}, nil, 200, 2)
	var out bytes.Buffer
	stop := drawProgress(&out, l, time.Hour)
	stop()
	if text := out.String(); !strings.HasPrefix(text, "\r\x1b[K[...") || !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("%q", text)
	}
}

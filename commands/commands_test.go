package commands

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

// daemon answers as the admin API does: what a path has, and what was asked of it.
type daemon struct {
	answers map[string]string // by method and path
	asked   []string
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.asked = append(d.asked, r.Method+" "+r.URL.String())
	answer, ok := d.answers[r.Method+" "+r.URL.Path]
	if !ok {
		http.Error(w, `{"status": 409, "title": "Conflict", "detail": "it is \u001b[2Jnot so"}`, http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, answer)
}

// serve returns a client of the daemon.
func (d *daemon) serve(t *testing.T) *client.Client { return clientOf(t, d) }

func clientOf(t *testing.T, h http.Handler) *client.Client {
	dir, err := os.MkdirTemp("", "rb") // a short path
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close(); os.RemoveAll(dir) })
	return client.New(filepath.Join(dir, "s"))
}

// typed returns what a user sees who types a line.
func typed(t *testing.T, u User, line string) string {
	t.Helper()
	var out strings.Builder
	m, err := (&console.Tree{Commands: u.Nodes()}).Lookup(line)
	if err == nil {
		err = m.Node.Run(t.Context(), m.Args, &out)
	}
	if err != nil {
		out.WriteString(console.Clean(err.Error()) + "\n")
	}
	return out.String()
}

func at(t time.Time) func() tables.Place { return func() tables.Place { return tables.Place{Now: t} } }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const (
	someCallbacks = `[{"id": "3apm7fwc", "phase": "waiting", "user": "kim", "number": "0018085551234", "caller": "84002",
		"numbers": ["0018085551234", "84007"], "max": 3, "created": "2026-11-21T11:59:00Z"}]`
	someUsers = `[{"tty": 65, "user": "kim", "service": "exec", "leg": 1, "caller": "84002",
		"start": "2026-11-21T11:59:00Z"}]`
	someCalls = `[{"id": "x", "tty": 65, "direction": "incoming", "user": "kim", "caller": "84002",
		"connect": "CONNECT 9600;84002", "start": "2026-11-21T11:59:00Z", "seconds": 60}]`
	somePPP = `[{"tty": 65, "user": "kim", "phase": "network", "address": "192.0.2.77"}]`
	pools   = `{"pools": [{"name": "p", "holders": [{"address": "192.0.2.78", "user": "kim"}]}],
		"outside": [{"address": "192.0.2.79", "user": "kim"}]}`
	someQueue = `[{"callback": "3apm7fwc", "user": "kim", "number": "0018085551234", "called_tty": 65}]`
	someLines = `[{"tty": 65, "state": "in call", "modem": "inout", "connect": "CONNECT 9600;84002",
		"since": "2026-11-21T11:59:00Z"}]`
)

// A user without privileges sees no number of another user, and no address, whatever is shown.
func TestUnprivilegedSeeNoNumbers(t *testing.T) {
	d := &daemon{answers: map[string]string{"GET /v1/callbacks": someCallbacks, "GET /v1/users": someUsers,
		"GET /v1/fleet": `{}`, "GET /v1/calls/active": someCalls, "GET /v1/ppp/sessions": somePPP, "GET /v1/ppp/pools": pools,
		"GET /v1/queue": someQueue, "GET /v1/lines": someLines}}
	c := d.serve(t)
	for _, line := range []string{"show callback", "show users", "show call active", "show ppp", "show ppp pools",
		"show queue", "show line", "show line 65"} {
		for level, wants := range map[int]bool{1: false, Privileged: true} {
			got := typed(t, User{Client: c, Level: level, Here: at(noon)}, line)
			private := slices.ContainsFunc([]string{"0018085551234", "84002", "84007", "192.0.2.7"},
				func(s string) bool { return strings.Contains(got, s) })
			if private != wants && !(wants && line == "show line") {
				t.Errorf("level %d, %s:\n%s", level, line, got)
			}
			if strings.Contains(got, "not available") || got == "" {
				t.Errorf("level %d, %s: %q", level, line, got)
			}
		}
	}
	if got := typed(t, User{Client: c, Level: 1, Here: at(noon)}, "show callback"); !strings.Contains(got,
		"***********34") {
		t.Errorf("%s", got)
	}
}

// Below level 15 there is no command that changes something or reads the history.
func TestUnprivilegedChangeNothing(t *testing.T) {
	d := &daemon{}
	u := User{Client: d.serve(t), Level: Privileged - 1, Terminal: &console.Terminal{}}
	u.Monitor = NewMonitor(t.Context(), u.Client, true, func(string) {})
	for _, line := range []string{"clear line 65", "clear counters", "cancel callback x", "line busyout 65",
		"lockdown dialing x", "test modem back-to-back 65", "reload", "start-chat x 65", "debug all", "undebug all",
		"no debug all", "show callback x", "show call history", "show callback all", "show modem", "show login-locks",
		"show history", "show debugging", "terminal monitor", "show ppp 65"} {
		if got := typed(t, u, line); !strings.HasPrefix(got, "% Invalid input") {
			t.Errorf("%s: %s", line, got)
		}
	}
	if len(d.asked) > 0 {
		t.Errorf("asked %q", d.asked)
	}
}

func TestOrders(t *testing.T) {
	d := &daemon{answers: map[string]string{
		"POST /v1/lines/65/clear": "{}", "DELETE /v1/lines/65/counters": `{"cleared": 1}`,
		"DELETE /v1/lines/counters": `{"cleared": 4}`, "DELETE /v1/callbacks/3ap": "{}",
		"PUT /v1/lines/65/busyout": "{}", "DELETE /v1/lines/65/busyout": "{}",
		"PUT /v1/lockdown": `{"active": true, "reason": "fraud", "by": "root", "on_disk": true,
			"since": "2026-11-21T11:59:00Z"}`,
		"DELETE /v1/lockdown":        "{}",
		"POST /v1/lines/65/chat":     `{"line": 65, "script": "setup", "transcript": ["sent AT"]}`,
		"POST /v1/lines/65/test":     `{"id": "t", "tty": 65, "with_tty": 66, "number": "55566", "result": "passed"}`,
		"POST /v1/login-locks/clear": `{"cleared": 2}`,
		"POST /v1/reload":            `{"applied": true, "file": "ringback.yaml"}`,
	}}
	c := d.serve(t)
	for _, tt := range []struct{ line, asks, says string }{
		{"clear line 65", "POST /v1/lines/65/clear", "Line 65 cleared\n"},
		{"clear line tty 65", "POST /v1/lines/65/clear", "Line 65 cleared\n"},
		{"cle cou", "DELETE /v1/lines/counters", "Counters of 4 lines cleared\n"},
		{"clear counters line 65", "DELETE /v1/lines/65/counters", "Counters of line 65 cleared\n"},
		{"clear login-lock kim", "POST /v1/login-locks/clear?of=kim", "Login locks cleared: 2\n"},
		{"clear login-lock all", "POST /v1/login-locks/clear?all=true", "Login locks cleared: 2\n"},
		{"cancel callback 3ap", "DELETE /v1/callbacks/3ap", "Callback 3ap cancelled\n"},
		{"line busyout 65 new  cable", "PUT /v1/lines/65/busyout?reason=new++cable", "Line 65 takes no more calls\n"},
		{"line restore 65", "DELETE /v1/lines/65/busyout", "Line 65 takes calls again\n"},
		{"lockdown sessions a bill of 9000", "PUT /v1/lockdown?reason=a+bill+of+9000&sessions=true", "fraud"},
		{"lockdown lift solved", "DELETE /v1/lockdown?reason=solved", "The lockdown is lifted\n"},
		{"start-chat ^setup$ 65", "POST /v1/lines/65/chat?script=%5Esetup%24", "sent AT\n"},
		{"test modem back-to-back 65 66", "POST /v1/lines/65/test?with=66&number=", "passed"},
		{"reload", "POST /v1/reload", "ringback.yaml: reloaded\n"},
		{"clear line 66", "POST /v1/lines/66/clear", "it is [2Jnot so"},
		{"configure terminal", "", "The configuration is in the files of the daemon"},
	} {
		d.asked = nil
		u := User{Client: c, Level: Privileged, Here: at(noon)}
		if got := typed(t, u, tt.line); !strings.Contains(got, tt.says) {
			t.Errorf("%s: %q, want %q", tt.line, got, tt.says)
		}
		if got := strings.Join(d.asked, ", "); got != tt.asks {
			t.Errorf("%s: asked %q, want %q", tt.line, got, tt.asks)
		}
	}
}

// Each command of the tree says that there is no daemon, and does not panic.
func TestWithoutDaemon(t *testing.T) {
	var walk func(path string, nodes []console.Node)
	u := User{Level: Privileged, Here: at(noon)}
	n := 0
	walk = func(path string, nodes []console.Node) {
		for _, node := range nodes {
			word := node.Word
			switch node.Kind {
			case console.Number:
				word = "1"
			case console.Rest:
				word = "x"
			}
			line := strings.TrimSpace(path + " " + word)
			if node.Run != nil && !strings.Contains(line, "|") {
				n++
				got := typed(t, u, line)
				if !strings.Contains(got, "not available here") && line != "show clock" && line != "show privilege" &&
					!strings.HasPrefix(line, "configure") {
					t.Errorf("%s: %q", line, got)
				}
			}
			if node.Kind != console.Rest && word != "|" {
				walk(line, node.Next)
			}
		}
	}
	walk("", u.Nodes())
	if n < 40 {
		t.Errorf("only %d commands", n)
	}
}

func TestUptime(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "00:00:00", 83 * time.Second: "00:01:23",
		23*time.Hour + 59*time.Minute: "23:59:00", 26 * time.Hour: "1d02h", 25 * 24 * time.Hour: "3w4d"} {
		if got := uptime(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestTopicsHaveHelp(t *testing.T) {
	for _, topic := range client.Topics {
		if topicHelp[topic] == "" {
			t.Errorf("no help for %s", topic)
		}
	}
	if len(topicHelp) != len(client.Topics) {
		t.Errorf("%d helps for %d topics", len(topicHelp), len(client.Topics))
	}
}

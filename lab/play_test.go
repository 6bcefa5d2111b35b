package lab

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab/exchange"
)

// follow lets a subscriber follow a script at a modem that has a neighbour, and returns the screen and the time taken.
func follow(ctx context.Context, t *testing.T, script string) (screen string, took time.Duration, err error) {
	t.Helper()
	steps, err := parseSteps([]byte(script))
	if err != nil {
		t.Fatal(err)
	}
	x := exchange.New(exchange.Config{Instant: true})
	defer x.Close()
	m := x.AddModem(exchange.ModemConfig{Name: "one", Number: "84001"})
	x.AddModem(exchange.ModemConfig{Name: "two", Number: "84002", Profile: "S0=1"}).DTE()
	s := newSubscriber(m, nil)
	defer s.close()
	begun := time.Now()
	err = s.play(ctx, steps)
	return s.transcript(), time.Since(begun), err
}

func TestSubscriber(t *testing.T) {
	for _, tt := range []struct {
		script, err string
		took        time.Duration
	}{
		{"type at\nsee ok", "", 0},
		{"type at\nsee OK\ntype at\nsee OK", "", 0},
		{"type at\nsee at\nsee OK\nsee OK",
			`script line 4: see OK: not seen within 2m0s; since the last match the screen shows "\r\n"`,
			2 * time.Minute},
		{"within 3s\nsee OK", `script line 2: see OK: not seen within 3s; since the last match the screen shows ""`,
			3 * time.Second},
		{"pause 90s\nsend at\nsend i\npause 1s", "", 91 * time.Second},
		{"type atdt84002\nsee CONNECT\nhangup\nsee NO CARRIER", "", 0},
		{"fetch http://10.8.0.1/", "script line 1: fetch http://10.8.0.1/: the computer is not online: use ppp first",
			0},
		{"within 20s\ntype atdt84002\nsee CONNECT\nppp user=kim password=sesame",
			"script line 4: ppp user=kim: not online within 20s", 20 * time.Second},
		{"type atdt84002\nsee CONNECT\nppp user=kim password=sesame",
			"script line 3: ppp user=kim: LCP: the server does not agree after 10 requests", 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			screen, took, err := follow(t.Context(), t, tt.script)
			if said := errText(err); said != tt.err || took != tt.took {
				t.Errorf("%q: %v and %q, must be %v and %q; the screen shows %q", tt.script, took, said, tt.took,
					tt.err, screen)
			}
		})
	}
}

// A computer whose carrier is lost is told by its modem, in the middle of PPP.
func TestSubscriberLosesTheCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := exchange.New(exchange.Config{Instant: true})
		defer x.Close()
		s := newSubscriber(x.AddModem(exchange.ModemConfig{Name: "one", Number: "84001"}), nil)
		defer s.close()
		two := x.AddModem(exchange.ModemConfig{Name: "two", Number: "84002", Profile: "S0=1"}).DTE()
		go io.Copy(io.Discard, two)
		time.AfterFunc(20*time.Second, func() { two.SetDTR(false) })
		begun := time.Now()
		steps, err := parseSteps([]byte("type atdt84002\nsee CONNECT\nppp user=kim password=sesame\n"))
		if err != nil {
			t.Fatal(err)
		}
		err = s.play(t.Context(), steps)
		if took := time.Since(begun); !errors.Is(err, errCarrier) || took != 20*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if steps, err = parseSteps([]byte("see NO CARRIER")); err == nil {
			err = s.play(t.Context(), steps)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSubscriberInterrupted(t *testing.T) {
	why := errors.New("enough")
	for _, script := range []string{"see never", "pause 1h"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(5*time.Second, func() { cancel(why) })
			if _, took, err := follow(ctx, t, script); !errors.Is(err, why) || took != 5*time.Second {
				t.Errorf("%q: %v after %v", script, err, took)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	completed := &client.CallbackDetail{Callback: client.Callback{ID: "abc", Phase: "completed", User: "austin-01",
		Number: "84001", NoVerify: true, Attempts: 1, TTY: 66}}
	for _, tt := range []struct {
		name     string
		scenario Scenario
		screen   []string
		callback *client.CallbackDetail
		want     []string
	}{
		{"nothing expected", Scenario{}, []string{"ok"}, completed, nil},
		{"as expected", Scenario{Transcript: []string{"ok"}, Callback: map[string]string{"phase": "completed",
			"verify": "no", "tty": "66", "cause": ""}}, []string{"ok"}, completed, nil},
		{"a line differs", Scenario{Transcript: []string{"ok", "ring"}}, []string{"ok", "busy"}, nil,
			[]string{`transcript line 2: the screen showed "busy", expected "ring"`}},
		{"a line is missing", Scenario{Transcript: []string{"ok", "ring"}}, []string{"ok"}, nil,
			[]string{`transcript line 2: the screen showed "", expected "ring"`}},
		{"a line too many", Scenario{Transcript: []string{"ok"}}, []string{"ok", "ring"}, nil,
			[]string{`transcript line 2: the screen showed "ring", expected ""`}},
		{"a callback too many", Scenario{NoCallback: true}, nil, completed,
			[]string{"callback abc exists, expected none"}},
		{"no callback", Scenario{Callback: map[string]string{"phase": "failed"}}, nil, nil,
			[]string{"expected a callback, got none"}},
		{"another callback", Scenario{Callback: map[string]string{"phase": "failed", "attempts": "2"}}, nil, completed,
			[]string{`callback abc: attempts is "1", expected "2"`,
				`callback abc: phase is "completed", expected "failed"`}},
	} {
		r := &Result{Scenario: &tt.scenario, Callback: tt.callback}
		r.compare(tt.screen)
		if !reflect.DeepEqual(r.Problems, tt.want) || r.OK() != (tt.want == nil) {
			t.Errorf("%s: %q, must be %q", tt.name, r.Problems, tt.want)
		}
	}
}

// The subscriber's screen is printed beside the broker's trace, in order of time: testdata/print.golden
// (RINGBACK_UPDATE=1 rewrites it).
func TestPrint(t *testing.T) {
	begin := time.Date(1993, 11, 21, 10, 4, 5, 0, time.UTC)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	happened := func(ms int, event, phase, text string) client.Happening {
		return client.Happening{Time: at(ms), Event: event, Phase: phase, Text: text}
	}
	r := &Result{
		Scenario: &Scenario{Name: "busy", Title: "The number is busy.", At: "austin-01"},
		Screen: []Chunk{{at(0), "atdt 55555\r\n"}, {at(190), "CONN"}, {at(195), "ECT\r\n\r\nUsername: "},
			{at(210), "austin-01\r\n"},
			{at(300), "a line that is much longer than the column that it has to stand in\r\n"},
			{at(480), "\r\nNO CARRIER\r\n"}},
		Callback: &client.CallbackDetail{
			Callback: client.Callback{ID: "abc"}, Policy: "default",
			History: []client.Happening{
				happened(250, "Promise", "promised", "user austin-01"), happened(480, "HungUp", "leasing", ""),
				happened(6000, "DialEnded", "failed", "busy"),
			},
			Decision: []client.Step{{Rule: "number plan", Input: `"84001"`, Result: "84001"}},
		},
		Problems: []string{"one thing", "another"},
	}
	var b strings.Builder
	r.Print(&b)
	r.Problems, r.Callback = nil, nil
	r.Reasons = []client.DebugEvent{{Time: at(310), Topic: "callback", TTY: 65, Text: "user austin-01: refuse"}}
	r.Print(&b)
	const golden = "testdata/print.golden"
	if os.Getenv("RINGBACK_UPDATE") == "1" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("it prints\n%s\nmust be\n%s", b.String(), want)
	}
}

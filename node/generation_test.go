package node

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/node/methods"
)

const generationConfig = `hostname: h
users: [{name: kim, password_file: password}]
aaa:
  radius: [{name: r1, address: "127.0.0.1:1", accounting: "127.0.0.1:1", secret_file: secret}]
  tacacs: [{name: t1, address: "127.0.0.1:1", secret_file: secret}]
  lists: {login: {default: [local]}, accounting: {default: {record: start-stop, methods: [METHOD]}}}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`

// methodsOf returns the methods of a configuration, which are closed when the test ends.
func methodsOf(t *testing.T, cfg *config.Config) *methods.Set {
	t.Helper()
	m, err := methods.New(cfg, methods.Options{Trace: func(methods.Packet) {}, Silent: func(string, string, string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// A session is accounted with the methods of its begin, whatever a later reload configures.
func TestGenerations(t *testing.T) {
	t.Parallel()
	of := func(method string) *methods.Set {
		return methodsOf(t, configtest.Load(t, strings.Replace(generationConfig, "METHOD", method, 1)))
	}
	first, same, last := of("radius"), of("radius"), of("tacacs")
	now := time.Now()
	noon := now.Add(-time.Hour)
	// radius until noon, radius again until half past, and tacacs since.
	d := &daemon{methods: first}
	d.replace(same, noon)
	if got := d.generation(aaa.Record{Type: aaa.Stop, Time: noon.Add(-time.Minute)}, now); got != same ||
		len(d.old) != 0 {
		t.Errorf("an old client is used though the new one has the same servers; %d generations", len(d.old))
	}
	d.replace(last, noon.Add(30*time.Minute))
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	for name, tt := range map[string]struct {
		r    aaa.Record
		want *methods.Set
	}{
		"begun and ended before": {aaa.Record{Type: aaa.Stop, Time: at(-1), SessionTime: time.Minute},
			same},
		"begun before, ends now": {aaa.Record{Type: aaa.Stop, Time: now, SessionTime: now.Sub(at(-5))},
			same},
		"begun under the second": {aaa.Record{Type: aaa.Interim, Time: now, SessionTime: now.Sub(at(10))},
			same},
		"a Start that waited":           {aaa.Record{Type: aaa.Start, Time: at(10)}, same},
		"begun since":                   {aaa.Record{Type: aaa.Stop, Time: now, SessionTime: time.Minute}, last},
		"the access server's own":       {aaa.Record{Type: aaa.On, Time: at(-1)}, last},
		"of a list that does not exist": {aaa.Record{Type: aaa.Stop, Time: at(-1), List: "gone"}, same},
	} {
		if got := d.generation(tt.r, now); got != tt.want {
			t.Errorf("%s: wrong generation", name)
		}
	}
	if got := d.generation(aaa.Record{Type: aaa.Stop, Time: at(-1)}, now.Add(2*generationKept)); got != last {
		t.Error("servers that were removed hold records forever")
	}
	// After a change back to radius, sessions begun with TACACS+ stay there; those begun before go to the
	// newest client of the same server.
	back := of("radius")
	d.replace(back, noon.Add(40*time.Minute))
	for minute, want := range map[int]*methods.Set{10: back, 35: last, 45: back} {
		if got := d.generation(aaa.Record{Type: aaa.Stop, Time: at(minute)}, now); got != want {
			t.Errorf("begun at minute %d: wrong generation", minute)
		}
	}
}

// TestReloadsLeaveNothing: of a hundred configurations only the one in force is kept if all account with the
// same servers; otherwise each is kept until its sessions and records are done.
func TestReloadsLeaveNothing(t *testing.T) {
	t.Parallel()
	for name, methodAt := range map[string]func(int) string{
		"the same servers":    func(int) string { return "radius" },
		"alternating servers": func(n int) string { return []string{"radius", "tacacs"}[n%2] },
	} {
		t.Run(name, func(t *testing.T) {
			unsent := &spoolOfOne{}
			d := &daemon{log: zap.NewNop(), broker: broker.New(broker.Options{Journal: unsent}, broker.Config{})}
			configs := map[string]*config.Config{}
			for _, method := range []string{"radius", "tacacs"} {
				configs[method] = configtest.Load(t, strings.Replace(generationConfig, "METHOD", method, 1))
			}
			began := time.Now()
			var made []weak.Pointer[methods.Set]
			for n := range 100 {
				m, err := methods.New(configs[methodAt(n)], methods.Options{
					From: d.methods, Trace: func(methods.Packet) {}, Silent: func(string, string, string) {},
				})
				if err != nil {
					t.Fatal(err)
				}
				made = append(made, weak.Make(m))
				if n == 0 {
					d.methods = m
					continue
				}
				d.replace(m, began.Add(time.Duration(n)*time.Second)).Retire()
			}
			defer d.closeMethods()
			// A session of the last but one configuration waits for its Stop to be acknowledged.
			unsent.began = began.Add(98*time.Second + time.Millisecond)
			d.sweepOnce(t.Context(), began.Add(100*time.Second))
			if n := len(d.old); name == "alternating servers" && n != 1 {
				t.Errorf("%d generations are kept for one session", n)
			}
			unsent.began = time.Time{}
			d.sweepOnce(t.Context(), began.Add(200*time.Second))
			runtime.GC()
			held := 0
			for _, w := range made {
				if w.Value() != nil {
					held++
				}
			}
			if held != 1 {
				t.Errorf("%d of 100 configurations are held", held)
			}
		})
	}
}

// spoolOfOne is a journal with one unacknowledged record, of a session that began at began; if that is zero,
// with none.
type spoolOfOne struct {
	journal.Store
	began time.Time
}

func (s *spoolOfOne) SpoolLists(context.Context) ([]string, error) { return []string{""}, nil }

func (s *spoolOfOne) SpoolAfter(_ context.Context, _ string, after int64, _ int) ([]journal.Spooled, []journal.Damage,
	error) {
	if s.began.IsZero() || after > 0 {
		return nil, nil, nil
	}
	body := fmt.Sprintf(`{"type":"start","session_id":"s","time":%q}`, s.began.Format(time.RFC3339Nano))
	return []journal.Spooled{{Seq: 1, ID: "s-start", SessionID: "s", Body: body}}, nil, nil
}

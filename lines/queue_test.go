package lines

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestFirstComeFirstServedAlways attacks the order of the queue with requests of all roles that are cancelled, and
// lines that answer, fail, are busied out, and whose modems answer the probe late or not at all: no request gets a line
// while another waits that is before it: an older one, or an administrator's.
func TestFirstComeFirstServedAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(struct{ rapid.TB }{t}, queue) })
}

// queuer has the requests of a run, oldest first.
type queuer struct {
	w      *town
	all    []*Waiting          // in the order in which they are served
	leases map[*Waiting]*Lease // granted and taken
	calls  map[int]*stubData
	down   map[int]bool
}

func queue(t *rapid.T) {
	n := rapid.IntRange(1, 4).Draw(t, "lines")
	var ttys []int
	for i := range n {
		ttys = append(ttys, i+1)
	}
	q := &queuer{leases: map[*Waiting]*Lease{}, calls: map[int]*stubData{}, down: map[int]bool{}}
	q.w = newTown(t, func(_ context.Context, c *Call) { <-c.Done() }, rotary(ttys...), true)
	defer q.w.stop()
	tty := func(t *rapid.T) int { return rapid.IntRange(1, n).Draw(t, "tty") }
	t.Repeat(map[string]func(*rapid.T){
		"": q.check,
		"request": func(t *rapid.T) {
			role := rapid.SampledFrom([]Role{ForCallback, ForUser, ForAdmin, ForOrder}).Draw(t, "role")
			r, err := q.w.Request(Want{Owner: "cb", Role: role, Rotary: 1, Called: 99})
			if err != nil {
				t.Fatal(err)
			}
			at := len(q.all)
			if role == ForAdmin {
				at = q.admins()
			}
			q.all = slices.Insert(q.all, at, r)
		},
		"cancel": func(t *rapid.T) {
			if len(q.all) > 0 {
				i := rapid.IntRange(0, len(q.all)-1).Draw(t, "which")
				q.end(q.all[i])
			}
		},
		"ring": func(t *rapid.T) {
			n := tty(t)
			if h := q.w.stubs[n].host; !q.down[n] && h.Answer("", "") {
				q.calls[n] = newStubData(nil)
				h.Connected(&Call{Data: q.calls[n], TTY: n})
			}
		},
		"hang up": func(t *rapid.T) { q.hangUp(tty(t)) },
		"port": func(t *rapid.T) {
			n := tty(t)
			if q.down[n] = !q.down[n]; q.down[n] {
				q.w.stubs[n].host.Down(errors.New("unplugged"))
			} else {
				q.w.stubs[n].host.Up(nil)
			}
		},
		"busyout": func(t *rapid.T) {
			all := map[int]Busyout{}
			if rapid.Bool().Draw(t, "out") {
				all[tty(t)] = Busyout{By: "uid 0"}
			}
			q.w.SetBusyouts(all)
		},
		"probe": func(t *rapid.T) {
			err := rapid.SampledFrom([]error{nil, nil, ErrRinging, errors.New("no OK")}).Draw(t, "says")
			takes := time.Duration(rapid.IntRange(0, 9).Draw(t, "seconds")) * time.Second
			q.w.stubs[tty(t)].probes(err, takes)
		},
		"time": func(t *rapid.T) { <-time.After(time.Duration(rapid.IntRange(1, 30).Draw(t, "s")) * time.Second) },
	})
	for len(q.all) > 0 {
		q.end(q.all[0])
	}
	for n := range q.calls {
		q.hangUp(n)
	}
}

// end cancels a request, or releases its lease.
func (q *queuer) end(r *Waiting) {
	r.Cancel()
	if l := q.leases[r]; l != nil {
		l.Release()
	}
	delete(q.leases, r)
	q.all = slices.DeleteFunc(q.all, func(o *Waiting) bool { return o == r })
}

func (q *queuer) hangUp(tty int) {
	if c := q.calls[tty]; c != nil {
		delete(q.calls, tty)
		_ = c.Hangup(context.Background())
	}
}

// admins returns how many requests are of administrators: where those of others begin.
func (q *queuer) admins() int {
	admin := func(r *Waiting) bool { return r.want.Role == ForAdmin }
	return len(q.all) - len(slices.DeleteFunc(slices.Clone(q.all), admin))
}

func (q *queuer) check(t *rapid.T) {
	synctest.Wait()
	waiting, places := 0, q.w.Queue()
	for i, r := range q.all {
		got := false
		select {
		case q.leases[r], got = <-r.Lease():
		default:
		}
		switch {
		case got && waiting > 0:
			t.Fatalf("request %d gets tty %d, and %d before it wait", i, q.leases[r].TTY(), waiting)
		case q.leases[r] != nil && r.Place() != 0:
			t.Fatalf("request %d has tty %d, and place %d", i, q.leases[r].TTY(), r.Place())
		case q.leases[r] == nil:
			if waiting++; r.Place() != waiting {
				t.Fatalf("place %d, and %d wait before it", r.Place(), waiting-1)
			}
			if p := places[waiting-1]; p.Role != r.want.Role {
				t.Fatalf("at place %d is shown %+v", waiting, p)
			}
		}
	}
	if want := len(q.all) - len(q.leases); len(places) != want {
		t.Fatalf("%d places are shown, %d requests wait", len(places), want)
	}
}

// TestAhead: the place that a caller is told is the one that the callback then has.
func TestAhead(t *testing.T) {
	cfgs := append(rotary(1, 2), Config{TTY: 3, Rotary: 2}, Config{TTY: 4, Rotary: NoRotary})
	inTown(t, func(_ context.Context, c *Call) { <-c.Done() }, cfgs, func(t *testing.T, w *town) {
		var others []Want
		ask := func(x Want, want int) {
			t.Helper()
			if got := w.Ahead(x, others); got != want {
				t.Errorf("%+v behind %d: place %d, want %d", x, len(others), got, want)
			}
		}
		any1, one := Want{Rotary: 1, Called: 9}, Want{TTYs: []int{1}, Called: 9}
		two := Want{TTYs: []int{1, 2}, Called: 9}
		ask(any1, 0)
		first := taken(t, w.want(t, "a", one))
		ask(any1, 0)
		ask(one, 1)
		others = append(others, any1) // its caller still hangs up
		ask(any1, 1)
		others = nil
		second := taken(t, w.want(t, "b", any1))
		ask(any1, 1)
		others = append(others, any1, one)
		ask(any1, 3)
		ask(one, 3)
		ask(two, 3)
		ask(Want{TTYs: []int{2}, Called: 9}, 2) // the one for tty 1 is not in its way
		ask(Want{Rotary: 2, Called: 1}, 0)
		others = nil
		user := w.want(t, "u", Want{Role: ForUser, Rotary: 1}) // is before a callback that comes later
		ask(any1, 2)
		ask(Want{Rotary: 2, Called: 1}, 0)
		user.Cancel()
		others = []Want{any1, one}
		ask(Want{Rotary: NoRotary, Called: 1}, 3)
		if w.stubs[4].host.Answer("", "") { // the called line is free when its call has ended
			call := newStubData(nil)
			w.stubs[4].host.Connected(&Call{Data: call, TTY: 4})
			synctest.Wait()
			ask(Want{Rotary: NoRotary, Called: 4}, 0)
			others = append(others, Want{Rotary: NoRotary, Called: 4})
			ask(Want{Rotary: NoRotary, Called: 4}, 1)
			_ = call.Hangup(context.Background())
		}
		first.Release()
		second.Release()
	})
}

// TestRotaries: what show rotary and show queue print.
func TestRotaries(t *testing.T) {
	cfgs := append(rotary(1, 2), Config{TTY: 3, Rotary: 0}, Config{TTY: 4, Rotary: NoRotary})
	inTown(t, nil, cfgs, func(t *testing.T, w *town) {
		w.SetHunts(map[int]Hunt{0: LeastUsed})
		l, m := taken(t, w.want(t, "a", Want{Rotary: 1})), taken(t, w.want(t, "b", Want{Rotary: 1}))
		q, explicit := w.want(t, "c", Want{Rotary: 1}), w.want(t, "d", Want{Rotary: 1, TTYs: []int{2, 1}})
		all := w.Rotaries()
		if len(all) != 2 || all[0].Rotary != 0 || all[0].Hunt != LeastUsed || len(all[0].Queue) != 0 ||
			all[1].Rotary != 1 || all[1].Hunt != Linear || len(all[1].Lines) != 2 || len(all[1].Queue) != 1 ||
			all[1].Queue[0].Owner != "c" {
			t.Errorf("%+v", all)
		}
		places := w.Queue()
		if len(places) != 2 || places[1].Owner != "d" || places[1].Rotary != NoRotary ||
			!slices.Equal(places[1].TTYs, []int{2, 1}) || !places[1].Since.Equal(time.Now()) {
			t.Errorf("%+v", places)
		}
		q.Cancel()
		explicit.Cancel()
		l.Release()
		m.Release()
	})
}

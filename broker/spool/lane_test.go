package spool

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// records is the spool's part of a Store, in memory. A lane calls no other method; one that did would panic.
type records struct {
	journal.Store
	mu      sync.Mutex
	seq     int64
	rows    []journal.Spooled
	failing bool
}

func (s *records) Commit(ctx context.Context, tx ...journal.Mutation) error {
	return s.CommitEach(ctx, tx)[0]
}

func (s *records) CommitEach(_ context.Context, groups ...[]journal.Mutation) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(groups))
	for i, g := range groups {
		if errs[i] = nil; s.failing {
			errs[i] = errors.New("no space left on device")
			continue
		}
		for _, m := range g {
			switch m := m.(type) {
			case journal.Spool:
				s.seq++
				m.Record.Seq = s.seq
				s.rows = append(s.rows, m.Record)
			case journal.Unspool:
				s.rows = slices.DeleteFunc(s.rows, func(r journal.Spooled) bool { return r.ID == m.ID })
			case journal.UnspoolAll:
				seqs := map[int64]bool{}
				for _, seq := range m.Seqs {
					seqs[seq] = true
				}
				s.rows = slices.DeleteFunc(s.rows, func(r journal.Spooled) bool { return seqs[r.Seq] })
			}
		}
	}
	return errs
}

func (s *records) SpoolLists(context.Context) (names []string, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if !slices.Contains(names, r.List) {
			names = append(names, r.List)
		}
	}
	return names, nil
}

func (s *records) SpoolAfter(_ context.Context, list string, seq int64, n int) (rows []journal.Spooled,
	_ []journal.Damage, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, _ := slices.BinarySearchFunc(s.rows, seq+1,
		func(r journal.Spooled, seq int64) int { return int(r.Seq - seq) })
	for _, r := range s.rows[first:] {
		if r.List == list && len(rows) < n {
			rows = append(rows, r)
		}
	}
	return rows, nil, nil
}

func (s *records) left() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// server is an accounting server in memory. Each answer takes time; it does not acknowledge the records that down or
// deaf select.
type server struct {
	takes time.Duration
	deaf  func(aaa.Record) bool

	slow func(aaa.Record) time.Duration // replaces takes; nil: takes

	mu    sync.Mutex
	down  bool
	sent  int
	taken []string
	when  map[string]time.Time
}

func (s *server) Send(ctx context.Context, r aaa.Record) error {
	s.mu.Lock()
	s.sent++
	s.mu.Unlock()
	takes := s.takes
	if s.slow != nil {
		takes = s.slow(r)
	}
	if !pause(ctx, takes) {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || s.deaf != nil && s.deaf(r) {
		return errors.New("no answer")
	}
	s.taken = append(s.taken, r.ID)
	if s.when == nil {
		s.when = map[string]time.Time{}
	}
	s.when[r.ID] = time.Now()
	return nil
}

func (s *server) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.taken, id)
}

// got returns what it has acknowledged so far.
func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// at returns when it acknowledged a record; zero if it has not.
func (s *server) at(id string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.when[id]
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// ended reports whether it acknowledged n records, the last of which is id.
func (s *server) ended(id string, n int) bool {
	got := s.got()
	return len(got) == n && got[n-1] == id
}

func (s *server) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// strict is a log that panics if no rule covers a trigger.
func strict() *zap.Logger { return zap.New(zapcore.NewNopCore(), zap.Development()) }

// spooling runs a spool in a synctest bubble.
func spooling(t *testing.T, srv *server, f func(t *testing.T, s *Spool, store *records)) {
	t.Helper()
	spoolingTo(t, srv, func(events.Event) {}, f)
}

// spoolingTo is spooling with its events.
func spoolingTo(t *testing.T, srv *server, happened func(events.Event),
	f func(t *testing.T, s *Spool, store *records)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := &records{}
		s := New(store, srv, strict(), happened)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.Run(ctx) }()
		defer func() { stop(); <-ended }()
		f(t, s, store)
	})
}

// spoolUp spools records, each given as "session-kind" or as the name of a system record without a dash, optionally
// followed by "@list".
func spoolUp(t *testing.T, s *Spool, ids ...string) {
	t.Helper()
	for _, id := range ids {
		id, list, _ := strings.Cut(id, "@")
		session, kind, _ := strings.Cut(id, "-")
		r := aaa.Record{ID: id, Type: aaa.Start, SessionID: session, Time: time.Now(), List: list}
		switch {
		case kind == "":
			r.SessionID, r.Type = "", aaa.On
		case kind == "stop":
			r.Type = aaa.Stop
		case strings.HasPrefix(kind, "interim"):
			r.Type = aaa.Interim
		}
		if err := s.Put(t.Context(), []aaa.Record{r}); err != nil {
			t.Fatal(err)
		}
	}
}

func sleep(d time.Duration) { <-time.After(d) }

// TestSpoolRefusedRecord: a record that the server never acknowledges blocks Accounting-On and what follows for a
// limited number of attempts, and other records not at all.
func TestSpoolRefusedRecord(t *testing.T) {
	srv := &server{takes: time.Millisecond, deaf: func(r aaa.Record) bool { return r.SessionID == "bad" }}
	spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
		spoolUp(t, s, "bad-start", "bad-stop", "good-start", "good-stop", "on", "new-start")
		sleep(100 * time.Millisecond)
		if want := []string{"good-start", "good-stop"}; !slices.Equal(srv.got(), want) {
			t.Errorf("taken first %q, want %q", srv.got(), want)
		}
		sleep(2 * time.Minute)
		if want := []string{"good-start", "good-stop", "on", "new-start"}; !slices.Equal(srv.got(), want) {
			t.Errorf("taken %q, want %q", srv.got(), want)
		}
		if got := store.left(); !slices.Equal(got, []string{"bad-start", "bad-stop"}) {
			t.Errorf("in the spool %q; the refused ones must stay", got)
		}
		began := time.Now()
		spoolUp(t, s, "later-start")
		sleep(time.Second)
		if at := srv.at("later-start"); at.Sub(began) > 100*time.Millisecond {
			t.Errorf("a new record waited %v for a refused one", at.Sub(began))
		}
		srv.mu.Lock()
		srv.deaf = nil
		srv.mu.Unlock()
		sleep(2 * time.Minute)
		if taken := srv.got(); len(taken) != 7 || taken[5] != "bad-start" || taken[6] != "bad-stop" {
			t.Errorf("taken at last %q", taken)
		}
	})
}

// TestSpoolRefusedSystem: a server that acknowledges no Accounting-On still gets the records of sessions, in whatever
// parts the lane reads them: what is spooled after a pause was not there when the records before it were read.
func TestSpoolRefusedSystem(t *testing.T) {
	long := []string{"bad-stop", "on"} // more than two pages of records that are not sent before bad-stop
	for i := range 2*pageSize + 1 {
		long = append(long, fmt.Sprintf("bad-start%d", i))
	}
	for _, tt := range []struct {
		name   string
		spool  [][]string
		taken  []string
		spoilt string // a session that the server does not accept either
	}{
		{name: "one", spool: [][]string{{"a-stop", "on", "b-start"}}, taken: []string{"a-stop", "b-start"}},
		{name: "three", spool: [][]string{{"a-stop", "on", "off", "on2", "c-start"}},
			taken: []string{"a-stop", "c-start"}},
		{name: "nothing was read after it", spool: [][]string{{"on"}, {"c-start"}}, taken: []string{"c-start"}},
		{name: "only another one was read after it", spool: [][]string{{"on", "off"}, {"c-start"}},
			taken: []string{"c-start"}},
		{name: "pages of a refused session", spool: [][]string{long, {"c-start"}}, taken: []string{"c-start"},
			spoilt: "bad"},
		{name: "the first record after it is refused too", taken: []string{"c-start", "c-stop"}, spoilt: "bad",
			spool: [][]string{{"on", "bad-start", "bad-stop", "c-start", "c-stop"}}},
		{name: "the next one as well", taken: []string{"c-start"}, spoilt: "bad",
			spool: [][]string{{"on", "bad-start"}, {"on2"}, {"c-start"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := &server{takes: time.Millisecond,
				deaf: func(r aaa.Record) bool { return r.SessionID == tt.spoilt || r.SessionID == "" }}
			spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
				all := 0
				for _, ids := range tt.spool {
					spoolUp(t, s, ids...)
					all += len(ids)
					sleep(time.Second)
				}
				sleep(30 * time.Minute) // each is refused five times, up to a minute apart
				if !slices.Equal(srv.got(), tt.taken) {
					t.Errorf("taken %q, want %q", srv.got(), tt.taken)
				}
				if left := store.left(); len(left) != all-len(tt.taken) {
					t.Errorf("left %d of %d", len(left), all)
				}
			})
		})
	}
}

// TestSpoolManyRefused: more refused records than are sent concurrently, or fit in a page, do not block the others.
func TestSpoolManyRefused(t *testing.T) {
	for _, n := range []int{300, 2000} {
		srv := &server{takes: time.Second,
			deaf: func(r aaa.Record) bool { return strings.HasPrefix(r.SessionID, "bad") }}
		spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
			for i := range n {
				spoolUp(t, s, fmt.Sprintf("bad%d-start", i))
			}
			sleep(time.Hour)
			began := time.Now()
			spoolUp(t, s, "good-start", "good-stop")
			sleep(time.Minute)
			if at := srv.at("good-stop"); at.IsZero() || at.Sub(began) > 20*time.Second {
				t.Errorf("after %d refused records a good one was taken at %v, spooled at %v", n, at, began)
			}
			if got := len(store.left()); got != n {
				t.Errorf("%d of %d refused records are left", got, n)
			}
		})
	}
}

// TestSpoolOrderAfterOutage: after an outage of any length, a session's records arrive in order, and Accounting-On
// after the Stops before it.
func TestSpoolOrderAfterOutage(t *testing.T) {
	for outage := time.Second; outage < 10*time.Minute; outage += 7 * time.Second {
		srv := &server{down: true}
		spooling(t, srv, func(t *testing.T, s *Spool, _ *records) {
			spoolUp(t, s, "a-stop", "b-stop", "c-start", "c-stop", "on", "d-start", "d-stop")
			sleep(outage)
			srv.set(false)
			sleep(3 * time.Minute)
			taken := srv.got()
			at := func(id string) int { return slices.Index(taken, id) }
			if len(taken) != 7 || at("on") != 4 || at("c-start") > at("c-stop") || at("d-start") > at("d-stop") {
				t.Errorf("after %v: %q", outage, taken)
			}
		})
	}
}

// TestSpoolOrderOfLegs: after an outage the server receives both legs of a callback in order, although it processes
// records in different times.
func TestSpoolOrderOfLegs(t *testing.T) {
	srv := &server{down: true, slow: func(r aaa.Record) time.Duration {
		return time.Duration(len(r.ID)*7919%13) * 100 * time.Millisecond
	}}
	spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
		const callbacks = 200
		var want []string
		put := func(id, kind string, n int) {
			r := aaa.Record{ID: id + kind, Type: aaa.Start, SessionID: id, MultiSessionID: fmt.Sprintf("m-%d", n),
				Time: time.Now()}
			if kind == "-stop" {
				r.Type = aaa.Stop
			}
			if err := s.Put(t.Context(), []aaa.Record{r}); err != nil {
				t.Fatal(err)
			}
		}
		for n := range callbacks {
			one, two := fmt.Sprintf("one%d%s", n, strings.Repeat("x", n%11)),
				fmt.Sprintf("two%d%s", n, strings.Repeat("y", n%5))
			put(one, "-start", n)
			put(one, "-stop", n)
			put(two, "-start", n)
			want = append(want, one+"-start", one+"-stop", two+"-start")
		}
		sleep(10 * time.Minute)
		srv.set(false)
		sleep(10 * time.Minute)
		taken := srv.got()
		for n := range callbacks {
			a, b, c := slices.Index(taken, want[3*n]), slices.Index(taken, want[3*n+1]),
				slices.Index(taken, want[3*n+2])
			if a < 0 || b < a || c < b {
				t.Errorf("callback %d: leg one begins at %d and ends at %d, leg two begins at %d", n, a, b, c)
			}
		}
	})
}

// TestSpoolCongestion: a silent server receives few records, no matter how many wait; when it is back, all are sent
// quickly.
func TestSpoolCongestion(t *testing.T) {
	srv := &server{takes: time.Second, down: true}
	spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
		for i := range 5000 {
			spoolUp(t, s, fmt.Sprintf("s%d-start", i))
		}
		sleep(time.Hour)
		if srv.count() > 3600/5+2*atOnce {
			t.Errorf("%d records sent in an hour to a server that is silent", srv.count())
		}
		srv.set(false)
		sleep(maxWait*6/5 + 5000/atOnce*time.Second + 10*time.Second)
		if n := len(store.left()); n > 0 {
			t.Errorf("%d records are left", n)
		}
	})
}

// TestSpoolLists: the servers of one list are silent, those of another acknowledge all.
func TestSpoolLists(t *testing.T) {
	srv := &server{takes: time.Second, deaf: func(r aaa.Record) bool { return r.List == "dead" }}
	spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
		for i := range 2000 {
			spoolUp(t, s, fmt.Sprintf("d%d-start@dead", i))
		}
		spoolUp(t, s, "on@dead", "on2@alive")
		sleep(10 * time.Minute)
		began := time.Now()
		spoolUp(t, s, "a-start@alive", "b-start", "b-stop")
		sleep(10 * time.Second)
		for _, id := range []string{"on2", "a-start", "b-stop"} {
			if !srv.has(id) {
				t.Errorf("%s was not taken", id)
			}
		}
		if at := srv.at("a-start"); at.Sub(began) > 2*time.Second {
			t.Errorf("a record of another list waited %v", at.Sub(began))
		}
		if n := len(store.left()); n != 2001 {
			t.Errorf("%d records left", n)
		}
	})
}

// TestSpoolInterim: during an outage a session keeps one Interim, the newest; Start and Stop are always kept.
func TestSpoolInterim(t *testing.T) {
	srv := &server{takes: time.Second, down: true}
	spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
		spoolUp(t, s, "a-start")
		for i := range 50 {
			spoolUp(t, s, "a-"+strings.TrimPrefix(InterimID("", i), "-"))
			sleep(time.Minute)
		}
		if got := store.left(); !slices.Equal(got, []string{"a-start", "a-interim-49"}) {
			t.Errorf("in the spool %q", got)
		}
		spoolUp(t, s, "a-stop", "b-start")
		srv.set(false)
		sleep(2 * time.Minute)
		spoolUp(t, s, "b-interim-1")
		sleep(2 * time.Minute)
		spoolUp(t, s, "b-interim-2")
		sleep(2 * time.Minute)
		if got, want := srv.got(), []string{"a-start", "a-interim-49", "a-stop", "b-start", "b-interim-1",
			"b-interim-2"}; !sameBySession(got, want) {
			t.Errorf("taken %q, want %q", got, want)
		}
		if got := store.left(); len(got) > 0 {
			t.Errorf("left %q", got)
		}
	})
}

// sameBySession compares the records of each session.
func sameBySession(got, want []string) bool {
	split := func(ids []string) map[string][]string {
		m := map[string][]string{}
		for _, id := range ids {
			session, _, _ := strings.Cut(id, "-")
			m[session] = append(m[session], id)
		}
		return m
	}
	g, w := split(got), split(want)
	for k := range w {
		if !slices.Equal(g[k], w[k]) {
			return false
		}
	}
	return len(g) == len(w)
}

// TestSpoolDiskFails: records acknowledged while the disk failed are removed when it works again, and are not sent
// twice by the same process.
func TestSpoolDiskFails(t *testing.T) {
	srv := &server{takes: time.Second}
	spooling(t, srv, func(t *testing.T, s *Spool, store *records) {
		spoolUp(t, s, "a-start", "b-start")
		store.mu.Lock()
		store.failing = true
		store.mu.Unlock()
		sleep(10 * time.Minute)
		if n := len(store.left()); n != 2 {
			t.Fatalf("%d records left on a disk that fails", n)
		}
		store.mu.Lock()
		store.failing = false
		store.mu.Unlock()
		sleep(10 * time.Second)
		if n := len(store.left()); n != 0 || srv.count() != 2 {
			t.Errorf("%d records left, %d sent", n, srv.count())
		}
	})
}

// TestSpoolFlush: a shutdown sends all that a server acknowledges, Accounting-Off last; a silent server delays it by
// flushTime at most.
func TestSpoolFlush(t *testing.T) {
	for _, down := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv, store := &server{takes: 100 * time.Millisecond, down: down}, &records{}
			s := New(store, srv, strict(), func(events.Event) {})
			var ids []string
			for i := range 200 {
				ids = append(ids, fmt.Sprintf("s%d-stop", i))
			}
			spoolUp(t, s, append(ids, "off")...)
			began := time.Now()
			s.Flush(t.Context())
			took := time.Since(began)
			if !down && (len(store.left()) != 0 || !srv.ended("off", 201)) {
				t.Errorf("%d left, %d taken", len(store.left()), len(srv.got()))
			}
			if took > flushTime || down && len(store.left()) != 201 {
				t.Errorf("took %v, %d left", took, len(store.left()))
			}
		})
	}
}

// TestAwait: Await reports whether the acknowledgement came.
func TestAwait(t *testing.T) {
	srv := &server{takes: 3 * time.Second}
	spooling(t, srv, func(t *testing.T, s *Spool, _ *records) {
		spoolUp(t, s, "a-start")
		if s.Await(t.Context(), "a-start", 2*time.Second) {
			t.Error("acknowledged before it was")
		}
		if !s.Await(t.Context(), "a-start", 10*time.Second) || !srv.has("a-start") {
			t.Error("the acknowledgement was missed")
		}
		if !s.Await(t.Context(), "a-start", 0) || !s.Await(t.Context(), "unheard-of", 0) {
			t.Error("nothing is left to wait for")
		}
	})
}

// BenchmarkSpoolDrain drains a backlog of 10,000 unique records from a real journal to a server in memory.
func BenchmarkSpoolDrain(b *testing.B) {
	const backlog = 10_000
	for range b.N {
		b.StopTimer()
		j, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "state", "journal.db")})
		if err != nil {
			b.Fatal(err)
		}
		srv := &server{}
		s := New(j, srv, strict(), func(events.Event) {})
		var rs []aaa.Record
		for i := range backlog {
			id := fmt.Sprintf("c%07d", i)
			rs = append(rs, aaa.Record{
				ID: id + "-stop", Type: aaa.Stop, SessionID: id, MultiSessionID: "m-" + id, Time: time.Now(),
				Entry: "radius", Server: "one", User: "austin-01",
				Service: aaa.EXEC, TTY: 65, Caller: "84001", Called: "55555", Connect: "CONNECT 33600/V34",
				OctetsIn: 1234, OctetsOut: 5678, Cause: 16,
			})
		}
		if err := s.Put(b.Context(), rs); err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan struct{})
		b.StartTimer()
		go func() { defer close(ended); s.Run(ctx) }()
		s.Await(b.Context(), rs[backlog-1].ID, time.Minute)
		for s.pending() > 0 {
			s.Await(b.Context(), s.some(), time.Minute)
		}
		b.StopTimer()
		stop()
		<-ended
		j.Close()
	}
	b.ReportMetric(float64(backlog*b.N)/b.Elapsed().Seconds(), "records/s")
}

func (s *Spool) pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spooled)
}

func (s *Spool) some() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.spooled {
		return id
	}
	return ""
}

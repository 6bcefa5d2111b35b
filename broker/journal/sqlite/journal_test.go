package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ringback/ringback/broker/journal"
)

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv("RINGBACK_JOURNAL_CHILD")]; ok {
		run()
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(context.Background(), Options{Path: path, Reserve: testReserve})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j
}

// sweep returns the step between the places of a sweep: 1 for ./scripts/long, every for CI, which still covers each
// class of places (start, commits, end).
func sweep(every int) int {
	if os.Getenv("RINGBACK_LONG") != "" {
		return 1
	}
	return every
}

// testReserve is enough for a test's ends, and quickly written.
const testReserve = 64 << 10

// newPath returns a path on a disk in memory, if there is one: tests of what is written need not wait for syncs.
func newPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ringback-journal-")
	if err != nil {
		return diskPath(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "state", "journal.db")
}

// diskPath returns a path on a real disk: for crashes, syncs and benchmarks.
func diskPath(t testing.TB) string { return filepath.Join(t.TempDir(), "state", "journal.db") }

func commit(t testing.TB, j *Journal, tx ...journal.Mutation) {
	t.Helper()
	if err := j.Commit(context.Background(), tx...); err != nil {
		t.Fatal(err)
	}
}

func at(s int) time.Time { return time.Date(2026, 11, 21, 12, 0, s, 123456789, time.UTC) }

func call(id string) journal.Call {
	return journal.Call{ID: id, TTY: 65, Direction: "incoming", Caller: "+4930123", Called: "55555",
		Connect: "CONNECT 33600/V34", User: "austin-01",
		Entry: "radius", Service: "exec", Leg: 1, CallbackID: "cb1", SessionID: "0001", MultiSessionID: "m1",
		Start: at(1), End: time.Time{},
		Cause: "x", TerminateCause: 16, OctetsIn: 1 << 40, OctetsOut: 1<<64 - 1, Data: `{"class":"YQ=="}`}
}

func callback(id, user string) journal.Callback {
	rotary := 7
	return journal.Callback{ID: id, Phase: "promised", State: `{"phase":"promised"}`, User: user, Entry: "radius",
		Service: "exec", Caller: "12", Number: "84001",
		NoVerify: true, CallID: "call1", CalledTTY: 65, Lines: []int{66, 67}, Rotary: &rotary,
		ForcedWait: 5 * time.Second, RetryWait: time.Minute,
		Attempts: 0, Max: 2, Decision: "{}", Trace: `["a"]`, PolicyDigest: "sha256:00", Authorization: "{}",
		MultiSessionID: "m1",
		Created:        at(1), Updated: at(2), Plan: `{"script":"isdn"}`}
}

func ended(c journal.Callback, outcome string) journal.Callback {
	c.Phase, c.Outcome, c.Ended = outcome, outcome, at(9)
	return c
}

func dialing(c journal.Callback, n int) journal.Callback {
	c.Phase, c.Attempts = "dialing", n
	return c
}

func attempt(id string, n int) journal.Attempt {
	return journal.Attempt{CallbackID: id, N: n, Step: n - 1, TTY: 66, Script: "rtp", Number: "84001", Started: at(3)}
}

// heldBack returns an end of an attempt of callback a whose dial command was held back.
func heldBack(n int) journal.Mutation {
	return journal.EndAttempt{CallbackID: "a", N: n, Ended: at(4), Outcome: journal.HeldBack, Detail: "a call came in",
		Transcript: "AT"}
}

func spooled(id string) journal.Spooled {
	return journal.Spooled{ID: id, SessionID: "0001", Body: `{"type":"start"}`, Created: at(4)}
}

func record(text string) journal.Audit {
	return journal.Audit{Time: at(5), Kind: "callback ended", Who: "ringback", Text: text}
}

// everything returns a group that writes one row into each table.
func everything() []journal.Mutation {
	cb := callback("cb1", "austin-01")
	return []journal.Mutation{journal.PutCall{Call: call("call1")}, journal.PutCallback{Callback: cb},
		journal.PutCallback{Callback: dialing(cb, 1)}, journal.PutAttempt{Attempt: attempt("cb1", 1)},
		journal.Spool{Record: spooled("r1")}, journal.AddAudit{Audit: record("one")}}
}

func TestRowsComeBackAsTheyWentIn(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	odd := callback("cb\x00 '\"é\xff", "") // no column may change its value
	odd.Lines, odd.Rotary, odd.ForcedWait = nil, nil, -1
	commit(t, j, append(everything(), journal.PutCallback{Callback: odd})...)
	commit(t, j, journal.EndAttempt{CallbackID: "cb1", N: 1, Ended: at(6), Outcome: "busy", Detail: "BUSY",
		Transcript: "ATDT\n"},
		journal.EndCall{ID: "call1", End: at(7), Cause: "callback", TerminateCause: 16, OctetsIn: 3, OctetsOut: 4},
		journal.SpoolTried{ID: "r1", Err: "no answer"})

	check := func(r *Reader) {
		t.Helper()
		wantCB := dialing(callback("cb1", "austin-01"), 1)
		got, as, err := r.Callback(ctx, "cb1")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, wantCB)
		wantA := attempt("cb1", 1)
		wantA.Ended, wantA.Outcome, wantA.Detail, wantA.Transcript = at(6), "busy", "BUSY", "ATDT\n"
		equal(t, as, []journal.Attempt{wantA})
		got, _, err = r.Callback(ctx, odd.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, odd)
		wantC := call("call1")
		wantC.End, wantC.Cause, wantC.OctetsIn, wantC.OctetsOut = at(7), "callback", 3, 4
		c, err := r.Call(ctx, "call1")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, c, wantC)
		wantS := spooled("r1")
		wantS.Seq, wantS.Tries, wantS.LastError = 1, 1, "no answer"
		equal(t, rows(r.SpoolNext(ctx, 5)), []journal.Spooled{wantS})
		audit := rows(r.AuditTail(ctx, 5))
		if len(audit) != 1 || audit[0].Seq != 1 || audit[0].Text != "one" || !audit[0].Time.Equal(at(5)) ||
			len(audit[0].Hash) != 32 {
			t.Errorf("audit: %+v", audit)
		}
		if bad, err := r.Verify(ctx); err != nil || len(bad) != 0 {
			t.Errorf("verify: %v, %v", bad, err)
		}
	}
	check(j.Reader)
	beside, err := OpenReader(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	check(beside)
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := OpenReader(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	check(after)
	if err := after.Close(); err != nil {
		t.Error(err)
	}
	check(open(t, path).Reader)
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// rows returns the rows of a result that must have no damage.
func rows[T any](vs []T, bad []journal.Damage, err error) []T {
	if err != nil || len(bad) > 0 {
		panic(fmt.Sprintf("damage %v, error %v", bad, err))
	}
	return vs
}

func TestLaws(t *testing.T) {
	a, b := callback("a", "u"), callback("b", "u")
	other := callback("c", "u")
	other.Entry = "local"
	tests := []struct {
		name   string
		before []journal.Mutation
		tx     []journal.Mutation
		want   error
	}{
		{"second promise for an identity", []journal.Mutation{journal.PutCallback{Callback: a}},
			[]journal.Mutation{journal.PutCallback{Callback: b}}, journal.ErrPending},
		{"same user by another entry", []journal.Mutation{journal.PutCallback{Callback: a}},
			[]journal.Mutation{journal.PutCallback{Callback: other}}, nil},
		{"second promise after the end", []journal.Mutation{journal.PutCallback{Callback: a},
			journal.PutCallback{Callback: ended(a, "failed")}}, []journal.Mutation{journal.PutCallback{Callback: b}},
			nil},
		{"two promises in one group", nil, []journal.Mutation{journal.PutCallback{Callback: a},
			journal.PutCallback{Callback: b}}, journal.ErrPending},
		{"a changed end", []journal.Mutation{journal.PutCallback{Callback: a},
			journal.PutCallback{Callback: ended(a, "failed")}}, []journal.Mutation{journal.PutCallback{Callback: a}},
			journal.ErrEnded},
		{"a second end", []journal.Mutation{journal.PutCallback{Callback: a},
			journal.PutCallback{Callback: ended(a, "failed")}},
			[]journal.Mutation{journal.PutCallback{Callback: ended(a, "completed")}}, journal.ErrEnded},
		{"over budget", []journal.Mutation{journal.PutCallback{Callback: a}},
			[]journal.Mutation{journal.PutCallback{Callback: dialing(a, 3)}}, journal.ErrBudget},
		{"a falling count", []journal.Mutation{journal.PutCallback{Callback: a},
			journal.PutCallback{Callback: dialing(a, 1)}},
			[]journal.Mutation{journal.PutCallback{Callback: dialing(a, 0)}}, journal.ErrBudget},
		{"an attempt that is not counted", []journal.Mutation{journal.PutCallback{Callback: a}},
			[]journal.Mutation{journal.PutAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an attempt twice", []journal.Mutation{journal.PutCallback{Callback: a},
			journal.PutCallback{Callback: dialing(a, 1)}, journal.PutAttempt{Attempt: attempt("a", 1)}},
			[]journal.Mutation{journal.PutAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an attempt after the end", []journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
			journal.PutCallback{Callback: ended(dialing(a, 1), "failed")}},
			[]journal.Mutation{journal.PutAttempt{Attempt: attempt("a", 1)}}, journal.ErrEnded},
		{"an attempt without a callback", nil, []journal.Mutation{journal.PutAttempt{Attempt: attempt("a", 1)}},
			journal.ErrNotFound},
		{"an attempt that was held back, again", []journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
			journal.PutAttempt{Attempt: attempt("a", 1)}, heldBack(1)},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, nil},
		{"an attempt that was held back, twice in one group",
			[]journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
				journal.PutAttempt{Attempt: attempt("a", 1)}, heldBack(1),
				journal.ReopenAttempt{Attempt: attempt("a", 1)}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an attempt that may have been dialed, again",
			[]journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
				journal.PutAttempt{Attempt: attempt("a", 1)}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an attempt that was dialed, again", []journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
			journal.PutAttempt{Attempt: attempt("a", 1)}, journal.EndAttempt{CallbackID: "a", N: 1, Ended: at(4),
				Outcome: "busy"}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an attempt that a crash interrupted, again", []journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
			journal.PutAttempt{Attempt: attempt("a", 1)}, heldBack(1), journal.ReopenAttempt{Attempt: attempt("a", 1)},
			journal.EndAttempt{CallbackID: "a", N: 1, Ended: at(4), Outcome: "interrupted by restart"}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an older attempt that was held back, again", []journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
			journal.PutAttempt{Attempt: attempt("a", 1)}, heldBack(1), journal.PutCallback{Callback: dialing(a, 2)},
			journal.PutAttempt{Attempt: attempt("a", 2)}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrBudget},
		{"an attempt that was held back, after the end",
			[]journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)},
				journal.PutAttempt{Attempt: attempt("a", 1)}, heldBack(1),
				journal.PutCallback{Callback: ended(dialing(a, 1), "failed")}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrEnded},
		{"an attempt that was never made, again", []journal.Mutation{journal.PutCallback{Callback: dialing(a, 1)}},
			[]journal.Mutation{journal.ReopenAttempt{Attempt: attempt("a", 1)}}, journal.ErrNotFound},
		{"end of a missing attempt", nil, []journal.Mutation{journal.EndAttempt{CallbackID: "a", N: 1}},
			journal.ErrNotFound},
		{"end of a missing call", nil, []journal.Mutation{journal.EndCall{ID: "x"}}, journal.ErrNotFound},
		{"end of a call twice", []journal.Mutation{journal.PutCall{Call: call("x")},
			journal.EndCall{ID: "x", End: at(1)}}, []journal.Mutation{journal.EndCall{ID: "x", End: at(2)}},
			journal.ErrEnded},
		{"a record spooled twice", []journal.Mutation{journal.Spool{Record: spooled("r")}},
			[]journal.Mutation{journal.Spool{Record: spooled("r")}}, nil},
		{"a record gone twice", []journal.Mutation{journal.Spool{Record: spooled("r")}, journal.Unspool{ID: "r"}},
			[]journal.Mutation{journal.Unspool{ID: "r"}}, nil},
		{"records gone, some twice", []journal.Mutation{journal.Spool{Record: spooled("r")},
			journal.Spool{Record: spooled("q")}}, []journal.Mutation{journal.UnspoolAll{Seqs: []int64{2, 1, 2, 9}},
			journal.UnspoolAll{}}, nil},
		{"tried a removed record", nil, []journal.Mutation{journal.SpoolTried{ID: "r", Err: ""}}, journal.ErrNotFound},
		{"nothing", nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := open(t, newPath(t))
			commit(t, j, tt.before...)
			// All or none: the first mutation of the group must not survive the error of the last.
			err := j.Commit(context.Background(), append([]journal.Mutation{journal.AddAudit{Audit: record("before")}},
				tt.tx...)...)
			if !errors.Is(err, tt.want) || (err != nil) != (tt.want != nil) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			audit := rows(j.AuditTail(context.Background(), 5))
			if (len(audit) == 1) != (tt.want == nil) {
				t.Errorf("%d audit records after %v", len(audit), err)
			}
			commit(t, j, journal.AddAudit{Audit: record("goes on")})
			if bad, err := j.Verify(context.Background()); err != nil || len(bad) != 0 {
				t.Errorf("verify: %v, %v", bad, err)
			}
		})
	}
}

// TestReopenedAttempt: one row describes all dials of an attempt.
func TestReopenedAttempt(t *testing.T) {
	j := open(t, newPath(t))
	commit(t, j, journal.PutCallback{Callback: dialing(callback("a", "u"), 1)},
		journal.PutAttempt{Attempt: attempt("a", 1)}, heldBack(1))
	second := attempt("a", 1)
	second.TTY, second.Script, second.Started = 67, "other", at(20)
	commit(t, j, journal.ReopenAttempt{Attempt: second})
	_, as, err := j.Callback(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	second.Detail, second.Transcript = "a call came in", "AT"
	equal(t, as, []journal.Attempt{second})
	commit(t, j, journal.EndAttempt{CallbackID: "a", N: 1, Ended: at(30), Outcome: "busy", Detail: "BUSY",
		Transcript: "ATDT"})
	_, as, err = j.Callback(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	second.Ended, second.Outcome, second.Detail, second.Transcript = at(30), "busy", "a call came in; then BUSY",
		"AT\nATDT"
	equal(t, as, []journal.Attempt{second})
}

func TestErrorsNameTheRow(t *testing.T) {
	j := open(t, newPath(t))
	commit(t, j, journal.PutCallback{Callback: callback("a", "u")})
	err := j.Commit(context.Background(), journal.PutCallback{Callback: callback("b", "u")})
	if want := `callback b: a callback is already pending for this user: "u" by "radius"`; err == nil ||
		err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCommitEachLeavesTheOthersAlone(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	commit(t, j, journal.PutCallback{Callback: callback("a", "u")})
	before := j.Commits()
	errs := j.CommitEach(ctx, []journal.Mutation{journal.AddAudit{Audit: record("1")}},
		[]journal.Mutation{journal.AddAudit{Audit: record("x")}, journal.PutCallback{Callback: callback("b", "u")}},
		[]journal.Mutation{journal.PutCallback{Callback: callback("c", "v")}, journal.AddAudit{Audit: record("2")}},
		nil)
	if len(errs) != 4 || errs[0] != nil || !errors.Is(errs[1], journal.ErrPending) || errs[2] != nil || errs[3] != nil {
		t.Errorf("%v", errs)
	}
	if n := j.Commits() - before; n != 1 {
		t.Errorf("%d transactions", n)
	}
	audit := rows(j.AuditTail(ctx, 10))
	if len(audit) != 2 || audit[0].Text != "1" || audit[1].Text != "2" {
		t.Errorf("%+v", audit)
	}
	if got := rows(j.Pending(ctx)); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if bad, err := j.Verify(ctx); err != nil || len(bad) != 0 {
		t.Errorf("verify: %v, %v", bad, err)
	}
}

// TestGroupCommit blocks the writer with a request, lets callers queue after it, and counts transactions.
func TestGroupCommit(t *testing.T) {
	const callers = 64
	j := open(t, newPath(t))
	h := &held{entered: make(chan struct{}), leave: make(chan struct{})}
	errs := make(chan error, callers+1)
	go func() { errs <- j.Commit(context.Background(), h) }()
	<-h.entered
	before := j.Commits()
	for i := range callers {
		r := &request{groups: [][]journal.Mutation{{journal.AddAudit{Audit: record(fmt.Sprint(i))}}},
			done: make(chan struct{})}
		j.queue <- r
		go func() { <-r.done; errs <- r.errs[0] }()
	}
	close(h.leave)
	for range callers + 1 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := j.Commits() - before; n != 2 { // the blocking one, and one for all the others
		t.Errorf("%d transactions for %d callers", n, callers)
	}
	if got := rows(j.AuditTail(context.Background(), 100)); len(got) != callers {
		t.Errorf("%d records", len(got))
	}
}

// held is a mutation that blocks the writer until it is released.
type held struct {
	journal.Mutation
	entered, leave chan struct{}
}

func (h *held) apply(*writer) error {
	close(h.entered)
	<-h.leave
	return nil
}

// refusing is a mutation with an error that does not belong to one group, like a disk error.
type refusing struct {
	journal.Mutation
	err error
}

func (r refusing) apply(*writer) error { return r.err }

func TestContextEndsOnlyTheWaiting(t *testing.T) {
	j := open(t, newPath(t))
	h := &held{entered: make(chan struct{}), leave: make(chan struct{})}
	first := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { first <- j.Commit(ctx, journal.AddAudit{Audit: record("first")}, h) }()
	<-h.entered
	cancel() // the writer has it: Commit still returns the outcome
	if err := j.Commit(ctx, journal.AddAudit{Audit: record("late")}); !errors.Is(err, context.Canceled) {
		t.Errorf("a queued commit whose context ended: %v", err)
	}
	close(h.leave)
	if err := <-first; err != nil {
		t.Errorf("a commit that the writer had begun: %v", err)
	}
	commit(t, j, journal.AddAudit{Audit: record("second")})
	if got := rows(j.AuditTail(context.Background(), 9)); len(got) != 2 || got[0].Text != "first" ||
		got[1].Text != "second" {
		t.Errorf("%+v", got)
	}
}

func TestAnErrorOfTheDiskIsEverybodys(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	commit(t, j, journal.AddAudit{Audit: record("0")})
	disk := errors.New("disk on fire")
	errs := j.CommitEach(ctx, []journal.Mutation{journal.AddAudit{Audit: record("1")}},
		[]journal.Mutation{refusing{err: disk}}, []journal.Mutation{journal.AddAudit{Audit: record("2")}})
	for i, err := range errs {
		if !errors.Is(err, disk) || !strings.Contains(err.Error(), j.path) {
			t.Errorf("group %d: %v", i, err)
		}
	}
	// The file is opened again and checked before the next commit counts.
	commit(t, j, journal.AddAudit{Audit: record("3")}, journal.Spool{Record: spooled("r")})
	if got := rows(j.AuditTail(ctx, 9)); len(got) != 2 || got[1].Text != "3" || got[1].Seq != 2 {
		t.Errorf("%+v", got)
	}
	if n, err := j.number(ctx, "SELECT n FROM marks WHERE name = 'reopened'"); err != nil || n != 1 {
		t.Errorf("opened again %d times, %v", n, err)
	}
	if bad, err := j.Verify(ctx); err != nil || len(bad) != 0 {
		t.Errorf("verify: %v, %v", bad, err)
	}
}

func TestClosed(t *testing.T) {
	j := open(t, newPath(t))
	for range 2 {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := j.Commit(context.Background(), journal.AddAudit{}); !errors.Is(err, journal.ErrClosed) {
		t.Error(err)
	}
	if errs := j.CommitEach(context.Background(), nil, nil); len(errs) != 2 || !errors.Is(errs[1], journal.ErrClosed) {
		t.Error(errs)
	}
}

func TestQueries(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	for i := range 5 {
		cb := callback(fmt.Sprint("cb", i), fmt.Sprint("u", i))
		cb.Created = at(i)
		c := call(fmt.Sprint("call", i))
		c.Start = at(i)
		commit(t, j, journal.PutCallback{Callback: cb}, journal.PutCall{Call: c},
			journal.Spool{Record: spooled(fmt.Sprint("r", i))}, journal.AddAudit{Audit: record(fmt.Sprint(i))})
	}
	c3 := callback("cb3", "u3")
	c3.Created = at(3)
	commit(t, j, journal.PutCallback{Callback: ended(c3, "failed")}, journal.EndCall{ID: "call3", End: at(9)},
		journal.Unspool{ID: "r0"})
	ids := func(cs []journal.Callback) (s string) {
		for _, c := range cs {
			s += c.ID + " "
		}
		return s
	}
	for _, tt := range []struct {
		limit int
		f     journal.Filter
		want  string
	}{
		{0, journal.Filter{}, "cb4 cb3 cb2 cb1 cb0 "},
		{2, journal.Filter{}, "cb4 cb3 "},
		{0, journal.Filter{User: "u2"}, "cb2 "},
		{0, journal.Filter{User: "u3"}, "cb3 "},
		{0, journal.Filter{User: "u3", Since: at(4)}, ""},
		{0, journal.Filter{User: "u3", Pending: true}, ""},
		{0, journal.Filter{User: "u2", Since: at(2), Pending: true}, "cb2 "},
		{1, journal.Filter{Since: at(3)}, "cb4 "},
		{journal.All, journal.Filter{Since: at(2)}, "cb4 cb3 cb2 "},
		{2, journal.Filter{Pending: true, Since: at(1)}, "cb4 cb2 "},
		{0, journal.Filter{Ended: true}, "cb3 "},
		{0, journal.Filter{Ended: true, User: "u2"}, ""},
		{0, journal.Filter{Ended: true, User: "u3", Since: at(3)}, "cb3 "},
		{0, journal.Filter{Ended: true, Since: at(4)}, ""},
	} {
		if got := ids(rows(j.Callbacks(ctx, tt.limit, tt.f))); got != tt.want {
			t.Errorf("%+v: got %s, want %s", tt.f, got, tt.want)
		}
	}
	for _, tt := range []struct {
		f    journal.Filter
		want int
	}{{journal.Filter{}, 5}, {journal.Filter{Pending: true}, 4}, {journal.Filter{Since: at(3)}, 2},
		{journal.Filter{Since: at(9)}, 0}, {journal.Filter{Ended: true}, 1},
		{journal.Filter{Ended: true, Since: at(4)}, 0}} {
		if n, err := j.CountCallbacks(ctx, tt.f); err != nil || n != tt.want {
			t.Errorf("%+v: %d callbacks, %v; want %d", tt.f, n, err, tt.want)
		}
	}
	if got := ids(rows(j.Pending(ctx))); got != "cb0 cb1 cb2 cb4 " {
		t.Errorf("pending: %s", got)
	}
	if got := rows(j.OpenCalls(ctx)); len(got) != 4 || got[0].ID != "call0" {
		t.Errorf("open calls: %+v", got)
	}
	if got := rows(j.Calls(ctx, 2, journal.CallFilter{})); len(got) != 2 || got[0].ID != "call4" {
		t.Errorf("calls: %+v", got)
	}
	if got := rows(j.Calls(ctx, 9, journal.CallFilter{Ended: true})); len(got) != 1 || got[0].ID != "call3" {
		t.Errorf("ended calls: %+v", got)
	}
	if got := rows(j.SpoolNext(ctx, 2)); len(got) != 2 || got[0].ID != "r1" || got[0].Seq != 2 {
		t.Errorf("spool: %+v", got)
	}
	if got := rows(j.AuditTail(ctx, 2)); len(got) != 2 || got[0].Text != "3" || got[1].Text != "4" {
		t.Errorf("audit: %+v", got)
	}
	if _, _, err := j.Callback(ctx, "nobody"); !errors.Is(err, journal.ErrNotFound) {
		t.Error(err)
	}
}

// TestReadsWaitApart: a read that waits for a connection, to prepare its statement, holds up no other read beyond the
// time that the other one has.
func TestReadsWaitApart(t *testing.T) {
	r, err := OpenReader(context.Background(), made(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var taken []*sql.Conn
	for range readers {
		c, err := r.db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, c)
	}
	first := make(chan error, 1)
	go func() {
		_, _, err := r.SpoolNext(context.Background(), 1)
		first <- err
	}()
	for r.db.Stats().WaitCount == 0 {
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	second := make(chan error, 1)
	go func() {
		_, _, err := r.SpoolNext(ctx, 1)
		second <- err
	}()
	select {
	case err := <-second:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("second: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the second read waits for the first one")
	}
	for _, c := range taken {
		c.Close()
	}
	if err := <-first; err != nil {
		t.Errorf("first: %v", err)
	}
}

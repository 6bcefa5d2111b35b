package past

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
)

// memory is a journal in memory.
type memory struct {
	calls     []journal.Call
	callbacks []journal.Callback
	bad       []journal.Damage
	read      func(i int) error // before each callback; its error ends the reading
}

func (m memory) EachCall(_ context.Context, f func(journal.Call)) ([]journal.Damage, error) {
	for _, c := range m.calls {
		f(c)
	}
	return m.bad, nil
}

func (m memory) EachCallback(ctx context.Context, f func(journal.Callback)) ([]journal.Damage, error) {
	for i, c := range m.callbacks {
		if err := errors.Join(m.read(i), ctx.Err()); err != nil {
			return nil, err
		}
		f(c)
	}
	return nil, nil
}

// TestReplay: the callbacks of a span are compared, with their calls; what is not known is counted.
func TestReplay(t *testing.T) {
	t.Parallel()
	set := func(text string) *policies.Set {
		p, problems := policies.Parse("default.yaml", []byte(text))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		s, err := policies.New(policies.Site{Callback: map[aaa.Service]bool{aaa.EXEC: true}}, p)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c := replay.Comparison{Was: set("group: default\n"), Will: set("group: default\ncallback: off\n"), Examples: 1}
	first := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	j := memory{read: func(int) error { return nil }, bad: make([]journal.Damage, 1)}
	for i := range 3 * batch {
		at := first.Add(time.Duration(i) * time.Minute)
		j.callbacks = append(j.callbacks, journal.Callback{ID: fmt.Sprint(i), CallID: fmt.Sprint("in", i), User: "kim",
			Service: "exec", Created: at, Decision: "{}",
			Authorization: `{"authorization":{"callback":true,"dialstring":"84001"}}`})
		j.calls = append(j.calls, journal.Call{ID: fmt.Sprint("in", i), User: "kim", Start: at},
			journal.Call{ID: fmt.Sprint("x", i), User: "lee", Start: at},
			journal.Call{Leg: 2, CallbackID: fmt.Sprint(i), Start: at, End: at.Add(30 * time.Second)})
	}
	for _, tt := range []struct {
		in   Span
		want int
	}{
		{Span{}, 3 * batch},
		{Span{From: first.Add(time.Minute)}, 3*batch - 1},
		{Span{Until: first.Add(10 * time.Minute)}, 10},
		{Span{From: first.Add(2 * time.Minute), Until: first.Add(10 * time.Minute)}, 8},
		{Span{From: first.Add(-time.Hour), Until: first}, 0},
	} {
		r, err := Replay(t.Context(), j, c, nil, tt.in)
		if err != nil || r.Requests != tt.want || r.Changed != tt.want {
			t.Errorf("%+v: %+v %v", tt.in, r, err)
			continue
		}
		if tt.want > 0 && (r.Changes[0].Calls != tt.want || r.Changes[0].Seconds != int64(30*tt.want)) {
			t.Errorf("%+v: %+v", tt.in, r.Changes)
		}
		unknown := map[string]int{}
		for _, u := range r.Unknown {
			unknown[u.Reason] = u.Requests
		}
		if unknown["rows of the journal: they do not verify (ringback journal check)"] != 1 ||
			unknown["logins without a callback: the journal does not have what AAA granted"] != tt.want {
			t.Errorf("%+v: %v", tt.in, unknown)
		}
	}
	broken := errors.New("the disk has failed")
	j.read = func(i int) error {
		if i == 2*batch {
			return broken
		}
		return nil
	}
	if _, err := Replay(t.Context(), j, c, nil, Span{}); !errors.Is(err, broken) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	j.read = func(i int) error {
		if i == batch {
			cancel()
		}
		return nil
	}
	if _, err := Replay(ctx, j, c, nil, Span{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

package postgres

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/ringback/ringback/broker/fleet"
)

// received puts changes while nobody receives, and returns what is received then.
func received(t *testing.T, put ...fleet.Change) (got []fleet.Change) {
	synctest.Test(t, func(t *testing.T) {
		m := newMailbox()
		for _, c := range put {
			m.put(c)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { m.deliver(ctx); close(done) }()
		for {
			synctest.Wait()
			select {
			case c := <-m.out:
				got = append(got, c)
				continue
			default:
			}
			break
		}
		stop()
		<-done
	})
	return got
}

func TestMailbox(t *testing.T) {
	taken := func(id, holder string) fleet.Change { return fleet.Change{Kind: fleet.Taken, ID: id, Holder: holder} }
	order := func(seq int64) fleet.Change {
		return fleet.Change{Kind: fleet.Ordered, Order: fleet.Order{Seq: seq, Verb: fleet.Drain}}
	}
	gone, back := fleet.Change{Kind: fleet.Gone}, fleet.Change{Kind: fleet.Back}
	offered := fleet.Change{Kind: fleet.Offered}
	ended := fleet.Change{Kind: fleet.Ended, ID: "x", Outcome: "expired"}
	for _, test := range []struct {
		name      string
		put, want []fleet.Change
	}{
		{"nothing", nil, nil},
		{"in their order", []fleet.Change{back, taken("x", "b"), ended, order(1)},
			[]fleet.Change{back, taken("x", "b"), ended, order(1)}},
		{"once", []fleet.Change{offered, taken("x", "b"), offered, offered}, []fleet.Change{offered, taken("x", "b")}},
		{"the newer of one callback", []fleet.Change{taken("x", "b"), taken("y", "b"), taken("x", "c")},
			[]fleet.Change{taken("x", "c"), taken("y", "b")}},
		{"each order", []fleet.Change{order(1), order(2), order(1)}, []fleet.Change{order(1), order(2)}},
		{"away and back", []fleet.Change{gone, back}, []fleet.Change{gone, back}},
		{"back and away", []fleet.Change{back, gone}, []fleet.Change{gone}},
		{"away, back and away", []fleet.Change{gone, back, gone}, []fleet.Change{gone}},
	} {
		if got := received(t, test.put...); !slices.Equal(got, test.want) {
			t.Errorf("%s: received %v, want %v", test.name, got, test.want)
		}
	}
}

// TestMailboxWhileReceiving puts changes from several goroutines while they are received: none is lost.
func TestMailboxWhileReceiving(t *testing.T) {
	const each, writers = 500, 4
	m := newMailbox()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { m.deliver(ctx); close(done) }()
	for w := range writers {
		go func() {
			for i := range each {
				m.put(fleet.Change{Kind: fleet.Ended, ID: strconv.Itoa(w) + "/" + strconv.Itoa(i)})
			}
		}()
	}
	got := make(map[string]int)
	for range each * writers {
		got[(<-m.out).ID]++
	}
	stop()
	<-done
	if len(got) != each*writers {
		t.Errorf("%d changes were received, want %d", len(got), each*writers)
	}
}

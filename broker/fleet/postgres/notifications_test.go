package postgres

import (
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// TestPeerNoNotifications has a pooler, through which no notification comes: the node does without its own
// connection for them, and looks for changes.
func TestPeerNoNotifications(t *testing.T) {
	d := table.Shared(t)
	through := pgtest.PgBouncer(t, d, "")
	behind := *d
	behind.Address = through
	n := newNode(t, &behind, "a", func(o *Options) { o.Timeout = time.Second })
	if err := n.listen(t.Context()); err != errDeaf {
		t.Errorf("listening behind PgBouncer: %v, want that nothing comes", err)
	}
	a, b := run(t, &behind, "b", 20*time.Millisecond), run(t, &behind, "c", 20*time.Millisecond)
	for range 5 {
		o := a.order(fleet.Order{Node: "c", Verb: fleet.Drain, Who: "ann"})
		if got := b.await(fleet.Ordered); got.Order.Seq != o.Seq {
			t.Errorf("received %+v, want %+v", got.Order, o)
		}
	}
	direct := newNode(t, d, "d")
	joined(direct)
	all, err := direct.Nodes(t.Context())
	if err != nil || len(all) != 3 {
		t.Errorf("nodes %+v, error %v; want two behind the pooler and one that is not", all, err)
	}
}

package node

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/tariff"
)

// In a fleet, the node that ends a callback writes its record, once, whenever the callback was promised; a node that
// has given it up writes none, unless it comes back.
func TestDetailRecordsOfAFleet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	callback := func(id string, created time.Duration, epoch int64, outcome string) journal.Callback {
		c := journal.Callback{ID: id, Created: start.Add(created), Outcome: outcome, Epoch: epoch}
		if outcome != "" {
			c.Ended = c.Created.Add(time.Minute)
		}
		return c
	}
	k := &kept{}
	var told []string
	open := func() *detailRecords {
		t.Helper()
		d, err := newDetailRecords(detailRecords{journal: k, prices: &atomic.Pointer[tariff.Table]{}, log: zap.NewNop(),
			fleet: true, happened: func(e events.Event) { told = append(told, e.(events.CDR).Callback) }}, dir, start)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	for _, step := range []struct {
		what string
		add  []journal.Callback
		want string
	}{
		{"given up, and one of this node alone", []journal.Callback{callback("given", 1, 1, journal.GivenUp),
			callback("alone", 2, 1, "failed")}, "alone"},
		{"of before the start, by another node", []journal.Callback{callback("other", -time.Hour, 2, "completed"),
			callback("claimed", -time.Hour, 3, "")}, "alone other"},
		{"resumed after a restart", []journal.Callback{callback("resumed", 3, 2, "failed")}, "alone other resumed"},
		{"a later one", []journal.Callback{callback("later", time.Hour, 1, "failed")}, "alone other resumed later"},
		{"what was given up comes back, and another was never here", []journal.Callback{
			callback("given", 1, 3, "expired"), callback("old", -time.Hour, 1, "failed"),
			callback("claimed", -time.Hour, 3, "cancelled")}, "alone other resumed later claimed given"},
		{"days later", []journal.Callback{callback("days", 3*24*time.Hour, 1, "failed")},
			"alone other resumed later claimed given days"},
	} {
		for _, c := range step.add {
			for i, was := range k.callbacks {
				if was.ID == c.ID {
					k.callbacks = append(k.callbacks[:i:i], k.callbacks[i+1:]...)
					break
				}
			}
			k.callbacks = append(k.callbacks, c)
		}
		for range 2 {
			if err := d.write(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(told, " "); got != step.want {
				t.Fatalf("%s: %s, want %s", step.what, got, step.want)
			}
			d = open()
		}
	}
	if len(d.noted.Claimed) > 0 || len(d.noted.Done) != 1 {
		t.Errorf("the note grows: %+v", d.noted)
	}
}

package broker

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// The Stop of a PPP session that a crash interrupted has what the last report had.
func TestStopAfterACrash(t *testing.T) {
	t.Parallel()
	began := time.Unix(1000000000, 0)
	r := aaa.Record{ID: "s1-interim-1", Type: aaa.Interim, Time: began, SessionID: "s1", Service: aaa.PPP,
		OctetsIn: 1, OctetsOut: 2, PacketsIn: 3, PacketsOut: 4, FramedAddress: netip.MustParseAddr("10.8.0.10"),
		FramedPrefixes:    []netip.Prefix{netip.MustParsePrefix("2001:db8:8::/64")},
		FramedInterfaceID: "0:0:0:9"}
	got, ok := stopOf(journal.Call{SessionID: "s1", Data: mustJSON(r)}, began.Add(time.Minute), aaa.CauseNASReboot)
	if !ok || got.ID != "s1-stop" || got.Type != aaa.Stop || got.Cause != aaa.CauseNASReboot ||
		got.SessionTime != time.Minute || got.OctetsIn != 1 || got.OctetsOut != 2 || got.PacketsIn != 3 ||
		got.PacketsOut != 4 || got.FramedAddress != r.FramedAddress || len(got.FramedPrefixes) != 1 ||
		got.FramedPrefixes[0] != r.FramedPrefixes[0] || got.FramedInterfaceID != r.FramedInterfaceID {
		t.Errorf("%v %+v", ok, got)
	}
	// A journal of an older version has none of it.
	old := `{"id":"s1-start","type":"start","session_id":"s1","service":"ppp"}`
	if got, ok = stopOf(journal.Call{SessionID: "s1", Data: old}, began, aaa.CauseNASReboot); !ok ||
		got.FramedAddress.IsValid() {
		t.Errorf("%v %+v", ok, got)
	}
}

// manyRows is a journal with callbacks promised a minute apart. It counts the rows that were read.
type manyRows struct {
	journal.Store
	rows, read int
	newest     time.Time
}

func (s *manyRows) Callbacks(_ context.Context, limit int, _ journal.Filter) (all []journal.Callback,
	_ []journal.Damage, _ error) {
	for i := range min(limit, s.rows) {
		all = append(all, journal.Callback{ID: fmt.Sprint(i), Created: s.newest.Add(-time.Duration(i) * time.Minute)})
	}
	s.read += len(all)
	return all, nil, nil
}

// A start reads the recent callbacks and not the whole journal.
func TestRecent(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct{ rows, since, want, most int }{
		{0, 60, 0, 0}, {10, 60, 10, 10}, {10, 5, 6, 10}, {256, 1000, 256, 512}, {1_000_000, 60, 61, 256},
		{1_000_000, 2000, 2001, 256 + 1024 + 4096},
	} {
		s := &manyRows{rows: tt.rows, newest: now}
		b := New(Options{Journal: s}, Config{})
		all, err := b.recent(context.Background(), now.Add(-time.Duration(tt.since)*time.Minute))
		if err != nil || len(all) != tt.want || s.read > tt.most {
			t.Errorf("%+v: %d callbacks, %d rows read, %v", tt, len(all), s.read, err)
		}
	}
}

package broker

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
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

// askedRows is a store that keeps the filters of the callbacks that are read.
type askedRows struct {
	journal.Store
	filters []journal.Filter
}

func (s *askedRows) Callbacks(_ context.Context, _ int, f journal.Filter) ([]journal.Callback, []journal.Damage,
	error) {
	s.filters = append(s.filters, f)
	return nil, nil, nil
}

// A start reads the callbacks that have ended in the last days, not the whole journal, and the pending ones once.
func TestLoadPastReadsLittle(t *testing.T) {
	s := &askedRows{}
	before := time.Now()
	if err := New(Options{Journal: s}, Config{}).loadPast(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if len(s.filters) != 1 || !s.filters[0].Ended || s.filters[0].Since.Before(before.Add(-48*time.Hour)) {
		t.Errorf("read %+v", s.filters)
	}
}

// A later process goes on with the trace of an earlier one, octet by octet.
func TestTraceOfAnEarlierProcess(t *testing.T) {
	const row = `{"decision":[{"rule":"limits","result":"<ok>"}],"group":"staff","history":[{"what":"a"},{"what":"b"}]}`
	w := trace{Group: "staff", earlier: row}
	if got := w.encode(); got != row {
		t.Errorf("got  %s\nwant %s", got, row)
	}
	w = trace{Group: "staff", earlier: row}
	w.add(Happening{What: "c"})
	if got := w.encode(); !strings.HasPrefix(got, strings.TrimSuffix(row, "]}")+`,{"time":`) ||
		!strings.HasSuffix(got, `"what":"c","phase":""}]}`) {
		t.Error(got)
	}
	if w.undo(); w.encode() != row {
		t.Error(w.encode())
	}
	for _, damaged := range []string{"{", "null", `{"history":7}`, `{"decision":[]}`} {
		w := trace{Group: "staff", earlier: damaged}
		w.add(Happening{What: "c"})
		var r recorded[policies.Trace, Happening]
		if err := unmarshal(w.encode(), &r); err != nil || r.Group != "staff" || len(r.History) == 0 {
			t.Errorf("%s: %s: %v", damaged, w.encode(), err)
		}
	}
}

package broker

import (
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

package radius_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
)

func stop(now time.Time) aaa.Record {
	return aaa.Record{ID: "r1", Type: aaa.Stop, Time: now, SessionID: "s1", MultiSessionID: "m1", Entry: "radius",
		User: "bob", Service: aaa.EXEC, ServiceType: 9,
		Class: [][]byte{[]byte("cls"), {0, 255}}, TTY: 65, Caller: "5551", Called: "5552", Connect: "CONNECT 33600",
		SessionTime: 61 * time.Second,
		OctetsIn:    5<<32 + 7, OctetsOut: 9, Cause: aaa.CauseCallback, CallbackNumber: "84001"}
}

func TestAccounting(t *testing.T) {
	inTown(t, func(w *town) {
		if err := w.client.Send(context.Background(), stop(time.Now().Add(-90*time.Second))); err != nil {
			t.Fatal(err)
		}
		recs := w.server["one"].Records()
		if len(recs) != 1 {
			t.Fatal(recs)
		}
		for name, want := range map[string]string{"Acct-Status-Type": "Stop", "Acct-Session-Id": "s1",
			"Acct-Multi-Session-Id": "m1", "Acct-Authentic": "RADIUS", "User-Name": "bob",
			"Class": "0x636c73", "NAS-Port": "65", "NAS-Port-Id": "tty65", "NAS-Port-Type": "Async",
			"NAS-Identifier": "maui", "Acct-Delay-Time": "90", "Acct-Session-Time": "61",
			"Acct-Input-Octets": "7", "Acct-Input-Gigawords": "5", "Acct-Output-Octets": "9",
			"Acct-Output-Gigawords": "", "Acct-Terminate-Cause": "Callback", "Callback-Number": "84001",
			"Service-Type": "Callback-NAS-Prompt", "Event-Timestamp": "946684710", "Calling-Station-Id": "5551",
			"Called-Station-Id": "5552", "Connect-Info": "CONNECT 33600"} {
			if got := recs[0].Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		start := stop(time.Now())
		start.Type, start.Entry = aaa.Start, "local"
		for _, r := range []aaa.Record{start, {Type: aaa.On, SessionID: "boot"}, {Type: aaa.Off, ID: "x"}} {
			if err := w.client.Send(context.Background(), r); err != nil {
				t.Error(err)
			}
		}
		recs = w.server["one"].Records()[1:]
		if recs[0].Get("Acct-Status-Type") != "Start" || recs[0].Get("Acct-Terminate-Cause") != "" ||
			recs[0].Get("Acct-Authentic") != "Local" || recs[0].Get("Acct-Session-Time") != "" {
			t.Errorf("%v", recs[0])
		}
		if recs[1].Get("Acct-Status-Type") != "Accounting-On" || recs[1].Get("Acct-Session-Id") != "boot" ||
			recs[1].Get("User-Name") != "" {
			t.Errorf("%v", recs[1])
		}
		if recs[2].Get("Acct-Status-Type") != "Accounting-Off" || recs[2].Get("Acct-Session-Id") != "x" {
			t.Errorf("%v", recs[2])
		}
	}, one)
}

// A PPP session has its packets and addresses, in the octets of RFC 2865, 2866, 2869 and 3162.
func TestAccountingPPP(t *testing.T) {
	r := aaa.Record{ID: "r1", SessionID: "s1", User: "kim", Service: aaa.PPP, ServiceType: 4, OctetsIn: 3<<32 + 1,
		OctetsOut: 2, PacketsIn: 1<<32 + 5, PacketsOut: 6, FramedAddress: netip.MustParseAddr("10.8.0.10"),
		FramedPrefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:8::/64"),
			netip.MustParsePrefix("2001:db8:9::/47")},
		FramedInterfaceID: "307d:0:a2fe:77"}
	framed := "Service-Type = Callback-Framed-User, Framed-Protocol = PPP, Framed-IP-Address = 10.8.0.10, " +
		"Framed-Interface-Id = 307d:0000:a2fe:0077, Framed-IPv6-Prefix = 2001:db8:8::/64, " +
		"Framed-IPv6-Prefix = 2001:db8:8::/47"
	used := "Acct-Session-Time = 0, Acct-Input-Octets = 1, Acct-Output-Octets = 2, Acct-Input-Gigawords = 3, " +
		"Acct-Input-Packets = 4294967295, Acct-Output-Packets = 6"
	plain := r
	plain.ServiceType, plain.FramedAddress, plain.FramedPrefixes, plain.FramedInterfaceID = 0, netip.Addr{}, nil, ""
	for _, tt := range []struct {
		kind aaa.RecordType
		r    aaa.Record
		want string
	}{{aaa.Start, r, framed}, {aaa.Interim, r, framed + ", " + used}, {aaa.Stop, r, framed + ", " + used},
		{aaa.Start, plain, "Service-Type = Framed-User, Framed-Protocol = PPP"}} {
		inTown(t, func(w *town) {
			tt.r.Type = tt.kind
			if err := w.client.Send(context.Background(), tt.r); err != nil {
				t.Fatal(err)
			}
			_, sent, _ := strings.Cut(w.trace[0], "Service-Type")
			if got := "Service-Type" + sent; got != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.kind, got, tt.want)
			}
		}, one)
	}
}

// Each retransmission contains the current delay and has another identifier.
func TestAccountingDelayIsHonest(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Drop: 2})
		begun := time.Now()
		if err := w.client.Send(context.Background(), stop(begun)); err != nil {
			t.Fatal(err)
		}
		recs := w.server["one"].Records()
		if len(recs) != 1 {
			t.Fatal(recs)
		}
		if got, want := recs[0].Get("Acct-Delay-Time"), time.Since(begun).Truncate(time.Second).Seconds(); got == "0" ||
			got != strings.TrimSuffix(time.Duration(want*1e9).String(), "s") {
			t.Errorf("Acct-Delay-Time = %s after %vs", got, want)
		}
	}, one)
}

// A late answer to an earlier transmission acknowledges the record too.
func TestAccountingLateAnswer(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Delay: 3 * time.Second})
		begun := time.Now()
		if err := w.client.Send(context.Background(), stop(begun)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("acknowledged after %v", d)
		}
	}, one)
}

func TestAccountingFaults(t *testing.T) {
	for name, f := range map[string]servers.Faults{"silent": {Silent: true}, "wrong id": {WrongID: true},
		"wrong code": {WrongCode: true}, "cut": {Truncate: 1}} {
		inTown(t, func(w *town) {
			w.server["one"].SetFaults(f)
			err := w.client.Send(context.Background(), stop(time.Now()))
			if err == nil || !strings.Contains(err.Error(), "account stop of session s1") {
				t.Errorf("%s: %v", name, err)
			}
		}, one)
	}
}

func TestAccountingOrder(t *testing.T) {
	inTown(t, func(w *town) {
		r := stop(time.Now())
		r.Server = "two"
		if err := w.client.Send(context.Background(), r); err != nil || len(w.server["two"].Records()) != 1 ||
			len(w.server["one"].Records()) != 0 {
			t.Errorf("%v: the server that granted was not asked first", err)
		}
		w.server["two"].SetFaults(servers.Faults{Silent: true})
		if err := w.client.Send(context.Background(), r); err != nil || len(w.server["one"].Records()) != 1 {
			t.Errorf("%v: no fail-over", err)
		}
		r.Type = "watchdog"
		if err := w.client.Send(context.Background(), r); err == nil {
			t.Error("a record of unknown type was sent")
		}
	}, one, radius.ServerConfig{Name: "two"})
}

// An Accept may contain more Class attributes than fit into an Accounting-Request. The record is sent without the
// excess ones.
func TestAccountingFits(t *testing.T) {
	inTown(t, func(w *town) {
		r := stop(time.Now())
		r.Class = nil
		for i := range 16 { // 4,032 octets of attributes: they fit into an Accept
			r.Class = append(r.Class, []byte(strings.Repeat(string(rune('A'+i)), 250)))
		}
		if err := w.client.Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		recs := w.server["one"].Records()
		if len(recs) != 1 || recs[0].Get("Acct-Terminate-Cause") != "Callback" || recs[0].Get("Class") != "0x"+
			strings.Repeat("41", 250) {
			t.Errorf("%v", recs)
		}
	}, one)
}

// An update of a PPP session contains the usage so far, including packets, but no Acct-Terminate-Cause.
func TestAccountingInterim(t *testing.T) {
	inTown(t, func(w *town) {
		r := stop(time.Now())
		r.Type, r.Service, r.ServiceType, r.PacketsIn, r.PacketsOut = aaa.Interim, aaa.PPP, 0, 3, 5<<32
		if err := w.client.Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		rec := w.server["one"].Records()[0]
		// two names of 3 in FreeRADIUS's dictionary
		if got := rec.Get("Acct-Status-Type"); got != "Interim-Update" && got != "Alive" {
			t.Errorf("Acct-Status-Type = %q", got)
		}
		for name, want := range map[string]string{"Acct-Session-Id": "s1", "Acct-Session-Time": "61",
			"Acct-Input-Octets": "7", "Acct-Input-Gigawords": "5",
			"Acct-Output-Octets": "9", "Acct-Input-Packets": "3", "Acct-Output-Packets": "4294967295",
			"Acct-Terminate-Cause": "", "Framed-Protocol": "PPP", "Class": "0x636c73"} {
			if got := rec.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	}, one)
}

// Vendor-specific causes are sent only to servers with these dialects.
func TestAccountingDialects(t *testing.T) {
	inTown(t, func(w *town) {
		r := stop(time.Now())
		for _, server := range []string{"one", "two"} {
			r.Server = server
			if err := w.client.Send(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		}
		for server, want := range map[string]string{"one": "", "two": "disc-cause-ext=1102"} {
			if got := w.server[server].Records()[0].Get("Cisco-AVPair"); got != want {
				t.Errorf("%s: %q, want %q", server, got, want)
			}
		}
	}, one, radius.ServerConfig{Name: "two", Dialects: []string{radius.DialectAscend, radius.DialectCisco}})
	if err := (radius.ServerConfig{Address: "a", Secret: secret,
		Dialects: []string{"livingston"}}).Check(); err == nil ||
		!strings.Contains(err.Error(), `dialect "livingston"`) {
		t.Error(err)
	}
}

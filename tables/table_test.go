package tables

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// The tables fit into 80 columns with realistic data, without truncating an ID, a number or a reason. With -o
// wide they have all columns.
func TestTablesFit(t *testing.T) {
	at := Place{time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)}
	yesterday := at.Now.Add(-24 * time.Hour)
	one, ended := 1, at.Now
	refused := "rfc2217://10.20.30.40:2217: connection refused (is the server running, and does it listen on this " +
		"TCP port?)"
	lines := []client.Line{
		{TTY: 65, Port: "rfc2217://10.20.30.40:2217?speed=115200", Modem: "callout", Rotary: &one, State: "in call",
			Speed: 115200, Calls: 12345, Dials: 54321, Noise: 12,
			Counters: map[string]uint64{"calls_in": 12345, "calls_out": 54321},
			Signals:  "DTR RTS DCD DSR CTS", Owner: "7QK2JXW4MZ3TPLD5VYFHNRCA6B"},
		{TTY: 128, Port: "serial:///dev/ttyUSB0?speed=115200", Modem: "inout", State: "quarantined", Reason: refused},
	}
	users := []client.User{{TTY: 128, User: "austin-01@example", Service: "exec", Leg: 2, Caller: "+18085550123456",
		Start:   yesterday,
		Connect: "CONNECT 33600/ARQ/V34/LAPM/V42BIS", Call: "7QK2JXW4MZ3TPLD5VYFHNRCA6B"}}
	callbacks := []client.Callback{
		{ID: "3apm7fwc", Phase: "completed", User: "austin-01", Number: "001808555012345", TTY: 66, Attempts: 1, Max: 1,
			Created: yesterday, Ended: &ended, Called: 65},
		{ID: "7zzm7fwc", Phase: "cancelled", User: "austin-02", Number: "84010", Attempts: 3, Max: 3, Created: at.Now,
			NoVerify: true,
			Cause: "no line: the lines of rotary 1 are all quarantined, and the one that was called may not be used " +
				"(same_line)"},
	}
	callbacks = append(callbacks, client.Callback{ID: "8zzm7fwc", Phase: "waiting", User: "austin-03", Number: "84011",
		Max: 3, Created: at.Now, WaitsFor: "retry wait before attempt 2 of 3", WaitsUntil: &at.Now})
	calls := []client.Call{{ID: "7QK2JXW4MZ3TPLD5VYFHNRCA6B", TTY: 128, Direction: "outgoing",
		User: "austin-01@example", Called: "001808555012345", Service: "exec", Speed: 33600, Leg: 2,
		Callback: "3apm7fwc", Start: yesterday, Ended: &ended, Seconds: 86400,
		Connect: "CONNECT 33600/ARQ/V34/LAPM/V42BIS", Cause: "caller logged out"}}
	servers := []client.AAAServer{{Name: "primary", Protocol: "tacacs", Transport: "tls",
		Address: "192.168.100.20:1812", Serves: "authentication+accounting",
		State: "suspect", Answered: yesterday, Sockets: 3, Dropped: 4,
		Reason: "no authentic answer in 13.462s to 4 transmissions; 4 replies without Message-Authenticator were " +
			"discarded"}}
	sessions := []client.PPPSession{pppExample(at)}
	for name, tt := range map[string]struct {
		print      func(b *strings.Builder, wide bool)
		has, wider []string
	}{
		"lines": {func(b *strings.Builder, wide bool) { Lines(b, lines, wide) },
			[]string{"* 65 115200/115200 callout 1 66666 12 in call DCD DSR CTS", "128 - inout", refused},
			[]string{"7QK2JXW4MZ3TPLD5VYFHNRCA6B", "speed=115200", "DTR RTS DCD", "/dev/ttyUSB0"}},
		"users": {func(b *strings.Builder, wide bool) { Users(b, users, wide, at) },
			[]string{"austin-01@example", "+18085550123456", "Nov 20 10:04:05"},
			[]string{"7QK2JXW4MZ3TPLD5VYFHNRCA6B", "CONNECT 33600/ARQ/V34/LAPM/V42BIS"}},
		"calls": {func(b *strings.Builder, wide bool) { Calls(b, calls, wide, at) },
			[]string{"austin-01@example", "001808555012345", "24:00:00", "callback 3apm7fwc: caller logged out"},
			[]string{"7QK2JXW4MZ3TPLD5VYFHNRCA6B", "CONNECT 33600/ARQ/V34/LAPM/V42BIS"}},
		"callbacks": {func(b *strings.Builder, wide bool) { Callbacks(b, callbacks, wide, at) },
			[]string{"3apm7fwc", "001808555012345", "Nov 20 10:04:05", callbacks[1].Cause},
			[]string{"no-verify", "Called", "Ended", "retry wait before attempt 2 of 3"}},
		"ppp": {func(b *strings.Builder, wide bool) { PPP(b, sessions, wide, at) },
			[]string{"austin-01@example", "authenticate", "ms-chap-v2", "192.168.100.200", "12:34:56"},
			[]string{"0:58:55", "7QK2JXW4MZ3TPLD5VYFHNRCA6B", "Ack-Rcvd", "2001:db8:8::/64", "offered admin"}},
		"aaa": {func(b *strings.Builder, wide bool) { AAAServers(b, servers, wide, at) },
			[]string{"192.168.100.20:1812", "auth+acct", "Nov 20 10:04:05", servers[0].Reason},
			[]string{"authentication+accounting", "Sockets", "Dropped"}},
	} {
		var narrow, wide strings.Builder
		tt.print(&narrow, false)
		tt.print(&wide, true)
		for line := range strings.Lines(narrow.String()) {
			if console.Width(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: more than 80 columns: %s", name, line)
			}
		}
		text := strings.Join(strings.Fields(narrow.String()), " ") // notes are wrapped
		for _, want := range tt.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, narrow.String())
			}
		}
		for _, want := range tt.wider {
			if strings.Contains(text, want) || !strings.Contains(wide.String(), want) {
				t.Errorf("%s: %q must be in the wide table only\n%s%s", name, want, narrow.String(), wide.String())
			}
		}
	}
	var narrow strings.Builder
	AAAServers(&narrow, servers, false, at)
	if !strings.Contains(narrow.String(), "4 replies were dropped") {
		t.Error("aaa: the dropped replies are not reported")
	}
}

func TestCeilingTable(t *testing.T) {
	var b strings.Builder
	Ceilings(&b, []client.Ceiling{
		{Scope: "site", Reserved: client.Amount{Calls: 2, Failures: 2, Seconds: 7891, Money: "13.50"}, Open: 1,
			Periods: []client.Period{{Period: "day", Used: client.Amount{Calls: 317, Seconds: 61, Money: "112.05"},
				Limit: client.Amount{Calls: 400, Seconds: 720000, Money: "250.00"}}}},
		{Scope: "user", Name: "austin-01", Reserved: client.Amount{Money: "0.00"}, AtOnce: 1,
			Periods: []client.Period{{Period: "hour", Used: client.Amount{Calls: 3, Money: "0.00"},
				Limit: client.Amount{Money: "0.00"}}}},
	})
	const want = `Of    Name       Period  Calls      Failures  Minutes      Money                Pending
site             day     317+2/400  0+2       2+132/12000  112.05+13.50/250.00  1
user  austin-01  hour    3+0        0+0       0+0          0.00+0.00            0/1
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestLineText(t *testing.T) {
	at := Place{time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)}
	one := 1
	var b strings.Builder
	before := at.Now.Add(-time.Minute)
	Line(&b, client.Line{TTY: 65, Port: "tcp://127.0.0.1:7001", Modem: "inout", Rotary: &one, State: "quarantined",
		Owner: "3apm7fwc", InBand: true, Since: before, Reason: "DCD stays on\x1b[2J",
		WaitsFor: "the proof", Retry: &at.Now, Answered: &before,
		Counters: map[string]uint64{"calls_in": 3, "dial_busy": 12, "noise": 1}, CountersSince: before,
		Notices: []string{"caller ID: the modem refused AT+VCID=1"},
		Failure: &client.LineFailure{Kind: "carrier stays on", Text: "DCD stays on", Time: before,
			Cause: "the cable", Fix: "another cable"}}, false, at)
	const want = `line 65: quarantined since 10:03:05
  reason       DCD stays on[2J
  waits for    the proof
  tried again  10:04:05
  notice       caller ID: the modem refused AT+VCID=1
  port         tcp://127.0.0.1:7001
  Tx/Rx        -
  signals      in-band: this kind of port has none
  modem        inout
  profile      generic
  rotary       1
  owner        3apm7fwc
  probe        answered at 10:03:05
counters since 10:03:05
   3  incoming calls answered
  12  dials that ended with BUSY
   1  unexpected text lines from the modem
last failure at 10:03:05: DCD stays on
  likely cause: the cable
  fix:          another cable
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestWaitText: why a callback waits and until when, as `show callback` prints it without --trace.
func TestWaitText(t *testing.T) {
	t.Parallel()
	at := Place{Now: time.Date(2026, 11, 21, 10, 4, 5, 0, time.UTC)}
	until := at.Now.Add(10 * time.Minute)
	for _, tt := range []struct {
		of   client.Callback
		want string
	}{
		{client.Callback{Phase: "completed"}, ""},
		{client.Callback{Phase: "leasing", WaitsFor: "a line is free"}, "  waits until a line is free\n"},
		{client.Callback{Phase: "waiting", WaitsFor: "retry wait", WaitsUntil: &until},
			"  waits until 10:14:05: retry wait\n"},
	} {
		var b strings.Builder
		Callback(&b, client.CallbackDetail{Callback: tt.of}, false, at)
		if got := b.String(); tt.want == "" && strings.Contains(got, "waits") || !strings.HasSuffix(got, tt.want) {
			t.Errorf("%+v:\n%s\nmust end with %q", tt.of, got, tt.want)
		}
	}
}

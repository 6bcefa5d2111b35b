package cdr

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/tariff"
)

var at = time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)

func after(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }

// answered is a callback that was busy once, and then connected for 65 s; its login took 10 s.
func answered() (journal.Callback, []journal.Attempt, []journal.Call) {
	return journal.Callback{ID: "k7abcd23", CallID: "qwerty22", User: "kim", Caller: "84001", Number: "84010",
			CalledTTY: 65,
			Attempts:  2, Created: at, Ended: after(70), Outcome: "completed", Decision: `{"group":"staff"}`,
			Service: "exec"},
		[]journal.Attempt{{N: 1, TTY: 66, Number: "84010", Started: after(5)},
			{N: 2, TTY: 67, Number: "84011", Started: after(50)}},
		[]journal.Call{{ID: "qwerty22", Leg: 1, CallbackID: "k7abcd23", Start: after(-20), End: at},
			{Leg: 2, CallbackID: "k7abcd23", Called: "84011", Start: after(60), End: after(125), OctetsIn: 3,
				OctetsOut: 4},
			{Leg: 2, CallbackID: "another2", Called: "84011", Start: after(60)}}
}

func prices(t *testing.T) *tariff.Table {
	t.Helper()
	table, problems := tariff.Parse("t.csv", []byte("prefix,per_minute,granularity\n8401,0.60,60/60\n"), "EUR")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return table
}

// TestWait: the wait has milliseconds, and no digits that a sum of floating-point numbers adds.
func TestWait(t *testing.T) {
	for wait, want := range map[time.Duration]string{5738 * time.Millisecond: "5.738", 0: "0", -time.Second: "0",
		5*time.Second + 741*time.Microsecond: "5.001", 61 * time.Second: "61"} {
		c, attempts, calls := answered()
		attempts[0].Started = c.Created.Add(wait)
		r, _ := New(c, attempts, calls, nil)
		if row := string(r.Line("csv")); !strings.Contains(row, ","+want+",") {
			t.Errorf("%v: %s", wait, row)
		}
	}
}

func TestRecord(t *testing.T) {
	c, attempts, calls := answered()
	want := Record{Callback: "k7abcd23", Call: "qwerty22", User: "kim", Group: "staff", Caller: "84001",
		Number: "84011", CalledLine: 65, Lines: []int{66, 67}, Attempts: 2, Outcome: "completed", Promised: at,
		Dialed:    after(5),
		Connected: after(60), Ended: after(125), Wait: 5, Duration: 65, OctetsIn: 3, OctetsOut: 4, Cost: "1.20",
		Currency: "EUR", Service: "exec"}
	got, over := New(c, attempts, calls, prices(t))
	if !over || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want\n%+v", got, want)
	}
	if got, over = New(c, attempts, calls, nil); !over || got.Cost != "" || got.Currency != "" || got.Duration != 65 {
		t.Errorf("without a tariff: %+v", got)
	}
	calls[1].Called = "99"
	if got, over = New(c, attempts, calls, prices(t)); !over || got.Cost != "" {
		t.Errorf("a call without a price: %+v", got)
	}
	calls[1].End = time.Time{}
	if _, over = New(c, attempts, calls, nil); over {
		t.Error("a record although leg two is up")
	}
	failed, _, _ := answered()
	failed.Outcome, failed.Cause, failed.Attempts = "expired", "no line", 0
	want = Record{Callback: "k7abcd23", Call: "qwerty22", User: "kim", Group: "staff", Caller: "84001", Number: "84010",
		CalledLine: 65, Lines: []int{}, Outcome: "expired", Cause: "no line", Promised: at, Ended: after(70),
		Cost: "0.00", Currency: "EUR", Service: "exec"}
	if got, over = New(failed, nil, nil, prices(t)); !over || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want\n%+v", got, want)
	}
	failed.Ended = time.Time{}
	if _, over = New(failed, nil, nil, nil); over {
		t.Error("a record of a pending callback")
	}
}

// TestDialOut: a dial-out has a record when it is over: with its call, without one, and if nothing was dialed.
func TestDialOut(t *testing.T) {
	row := journal.Call{ID: "out-1", TTY: 66, Direction: "outgoing", Called: "84011", User: "harbor-out",
		Service: journal.DialOut, Start: after(5)}
	if _, over := NewDialOut(row, prices(t)); over {
		t.Error("a record although it is dialed")
	}
	row.End, row.Cause = after(30), "busy"
	const head = "{\"callback\":\"\",\"call\":\"out-1\",\"user\":\"harbor-out\",\"group\":\"\",\"caller\":\"\"," +
		"\"number\":\"84011\",\"called_line\":0,"
	const price = "\"currency\":\"EUR\",\"service\":\"outbound\"}\n"
	busy := row
	held := row
	held.Cause = journal.HeldBack
	up := row
	up.Connect, up.End, up.Cause, up.OctetsIn, up.OctetsOut = "CONNECT 33600", after(70), "the carrier was lost", 3, 4
	for _, tt := range []struct {
		row  journal.Call
		want string
	}{
		{busy, "\"lines\":[66],\"attempts\":1,\"outcome\":\"failed\",\"cause\":\"busy\"," +
			"\"dialed\":\"2026-11-29T18:00:05Z\",\"ended\":\"2026-11-29T18:00:30Z\",\"wait\":0,\"duration\":0," +
			"\"octets_in\":0,\"octets_out\":0,\"cost\":\"0.00\","},
		{held, "\"lines\":[],\"attempts\":0,\"outcome\":\"failed\",\"cause\":\"held back\"," +
			"\"ended\":\"2026-11-29T18:00:30Z\",\"wait\":0,\"duration\":0," +
			"\"octets_in\":0,\"octets_out\":0,\"cost\":\"0.00\","},
		{up, "\"lines\":[66],\"attempts\":1,\"outcome\":\"completed\",\"cause\":\"the carrier was lost\"," +
			"\"connected\":\"2026-11-29T18:00:05Z\",\"ended\":\"2026-11-29T18:01:10Z\",\"wait\":0,\"duration\":65," +
			"\"octets_in\":3,\"octets_out\":4,\"cost\":\"1.20\","},
	} {
		r, over := NewDialOut(tt.row, prices(t))
		if got := string(r.Line(JSON)); !over || got != head+tt.want+price {
			t.Errorf("%s\nwant\n%s", got, head+tt.want+price)
		}
	}
}

// TestLines compares whole lines, and reads hostile ones again.
func TestLines(t *testing.T) {
	c, attempts, calls := answered()
	r, _ := New(c, attempts, calls, prices(t))
	const head = "callback,call,user,group,caller,number,called_line,lines,attempts,outcome,cause,promised,dialed," +
		"connected,ended,wait,duration,octets_in,octets_out,cost,currency,service\n"
	const line = "k7abcd23,qwerty22,kim,staff,84001,84011,65,66 67,2,completed,,2026-11-29T18:00:00Z," +
		"2026-11-29T18:00:05Z,2026-11-29T18:01:00Z,2026-11-29T18:02:05Z,5,65,3,4,1.20,EUR,exec\n"
	if got := string(Head(CSV)) + string(r.Line(CSV)); got != head+line {
		t.Errorf("\n%s, want\n%s", got, head+line)
	}
	var back Record
	if err := json.Unmarshal(r.Line(JSON), &back); err != nil || !reflect.DeepEqual(back, r) || Head(JSON) != nil {
		t.Errorf("%s: %v", r.Line(JSON), err)
	}
	keys := map[string]any{}
	if err := json.Unmarshal(r.Line(JSON), &keys); err != nil || len(keys) != len(columns) {
		t.Errorf("JSON has %d keys, CSV %d columns", len(keys), len(columns))
	}
	for _, c := range columns {
		if _, ok := keys[c.name]; !ok {
			t.Errorf("JSON has no %s", c.name)
		}
	}
	for user, want := range map[string]string{
		"a,b": "a,b", `say "hi"`: `say "hi"`, "x\r\ny": `x\r\ny`, "=1+1": "'=1+1", "@x": "'@x",
		"+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
		"\t=x":               `\t=x`, "\x1b[2J\x00": `\x1b[2J\x00`, "\xff": `\xff`, "-": "'-", "'x": "''x", "é": "é", `a\b`: `a\\b`,
	} {
		r.User, r.Caller = user, user
		lines, err := csv.NewReader(bytes.NewReader(r.Line(CSV))).ReadAll()
		if err != nil || len(lines) != 1 || lines[0][2] != want || lines[0][4] != want {
			t.Errorf("%q: %q, %v", user, lines, err)
		}
	}
	for caller, want := range map[string]string{"+33140205050": "+33140205050", "*31#1": "*31#1", "+": "+",
		"+1+1": "'+1+1"} {
		r.Caller = caller
		if lines, err := csv.NewReader(bytes.NewReader(r.Line(CSV))).ReadAll(); err != nil || lines[0][4] != want {
			t.Errorf("%q: %q, %v", caller, lines, err)
		}
	}
}

// FuzzLine: whatever is in a record, CSV and JSON have one line, with the columns in their places.
func FuzzLine(f *testing.F) {
	f.Add("kim", "84001", "busy")
	f.Add("=x\r\n\"", "\x00,;", "\u2028\xff")
	f.Fuzz(func(t *testing.T, user, caller, cause string) {
		r := Record{Callback: "k7abcd23", User: user, Caller: caller, Cause: cause, Outcome: "failed"}
		for _, format := range []string{CSV, JSON} {
			line := string(r.Line(format))
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") ||
				strings.ContainsAny(line, "\r\x00\x1b") {
				t.Fatalf("%q", line)
			}
		}
		lines, err := csv.NewReader(bytes.NewReader(r.Line(CSV))).ReadAll()
		if err != nil || len(lines) != 1 || len(lines[0]) != len(columns) || lines[0][9] != "failed" {
			t.Fatalf("%q: %v", lines, err)
		}
		for _, cell := range lines[0] {
			if cell != "" && strings.Contains("=@-\t\r", cell[:1]) {
				t.Fatalf("%q is a formula", cell)
			}
		}
	})
}

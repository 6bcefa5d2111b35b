package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
)

// pastJournal writes a journal with callbacks of the past: one at a number that AAA fixed, two at numbers that the
// caller gave, one whose number no plan writes, one row that cannot be read; their calls, and another login.
func pastJournal(t *testing.T, dir string) {
	t.Helper()
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	var tx []journal.Mutation
	for i, c := range []struct{ id, user, number, fixed, origin string }{
		{"cb1", "kim", "84001", "84001", "aaa"}, {"cb2", "lee", "85001", "", "caller"},
		{"cb3", "lee", "84002", "", "caller"}, {"cb4", "lee", strings.Repeat("1", 99), "", "caller"},
	} {
		auth, err := json.Marshal(map[string]any{"authorization": aaa.Authorization{Callback: true,
			Dialstring: aaa.DialstringOf(c.fixed)}})
		if err != nil {
			t.Fatal(err)
		}
		leg1 := "call" + c.id
		tx = append(tx, journal.PutCall{Call: journal.Call{ID: leg1, Direction: "incoming", User: c.user, Start: at}},
			journal.PutCallback{Callback: journal.Callback{ID: c.id, Phase: "completed", Outcome: "completed",
				User: c.user, Entry: "local", Service: "exec", Number: c.number, Max: 1, CallID: leg1, CalledTTY: 65,
				Created: at, Ended: at, Authorization: string(auth),
				Decision: `{"outcome": "call_back", "origin": "` + c.origin + `"}`}},
			journal.PutCall{Call: journal.Call{ID: "out" + c.id, Direction: "outgoing", Leg: 2, CallbackID: c.id,
				User: c.user, Start: at, End: at.Add(time.Duration(i+1)*time.Minute - 400*time.Millisecond)}})
	}
	tx = append(tx, journal.PutCall{Call: journal.Call{ID: "admitted", Direction: "incoming", User: "kim", Start: at}},
		journal.PutCallback{Callback: journal.Callback{ID: "cb5", Phase: "failed", Outcome: "failed", User: "x",
			Entry: "local", Number: "1", Max: 1, Created: at, Ended: at, Authorization: "{"}})
	if err := j.Commit(t.Context(), tx...); err != nil {
		t.Fatal(err)
	}
}

func TestPolicySimulateJournal(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"policies.d/default.yaml": "group: default\nnumbers: {from: [aaa, caller], allow: ['84*', '85*']}\n",
		"new/default.yaml":        "group: default\nnumbers: {from: [aaa, caller], allow: ['84*'], deny: ['84001']}\n",
		"tariff.csv":              "prefix,zone,per_minute,per_call,granularity,currency\n84,x,0.10,0.05,60/60,EUR\n",
		"ringback.yaml": "policies_dir: policies.d\nstate_dir: state\naaa: {lists: {login: {default: [none]}}}\n" +
			"tariff: {file: tariff.csv}\nlines:\n  - {tty: 65-66, port: \"serial:///dev/ttyS{n}\", rotary: 1}\n",
	})
	pastJournal(t, filepath.Join(dir, "state"))
	args := []string{"simulate", "-c", filepath.Join(dir, "ringback.yaml"), "--journal", "--with",
		filepath.Join(dir, "new")}
	got, err := policyCommand(dir, append(args, "-o", "json")...)
	var r replay.Report
	if err != nil || json.Unmarshal([]byte(got), &r) != nil {
		t.Fatal(err, got)
	}
	// kim's call: a minute, lee's at 85001: two minutes without a price. cb4 and cb5 are not known.
	if r.Requests != 3 || r.Changed != 2 || r.Unpriced != 1 || r.Then != 0 || len(r.Changes) != 2 ||
		len(r.Unknown) != 3 {
		t.Errorf("%s", got)
	}
	for _, c := range r.Changes {
		refused := c.Will == policies.Refuse
		if c.Was != policies.CallBack || c.Requests != 1 || refused && (c.Seconds != 60 || c.Cost.String() != "0.15") ||
			!refused && (c.Will != policies.InvalidNumber || c.Seconds != 120 || c.Cost.String() != "0.00") {
			t.Errorf("%+v", c)
		}
	}
	got, err = policyCommand(dir, args...)
	for _, want := range []string{"callback cb1 2026-11-02T08:00:00Z kim\n  now   call_back, attempts 1: at 84001",
		"cost EUR", "call_back  refuse                  1         1      1:00     0.15", "without a price",
		"not known: 1 callbacks: the number plan has no notation",
		"not known: 1 callbacks: its authorization cannot be read",
		"not known: 1 logins without a callback", "3 requests, 2 decided otherwise\n"} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%v, no %q in\n%s", err, want, got)
		}
	}
	// The same calls in the other report: each of 59.6 s, 119.6 s … is a whole minute there, too.
	var out bytes.Buffer
	report := newReport()
	report.SetOut(&out)
	report.SetArgs([]string{"costs", "-c", filepath.Join(dir, "ringback.yaml"), "--by", "user", "--month", "2026-11"})
	if err := report.Execute(); err != nil || !strings.Contains(strings.Join(strings.Fields(out.String()), " "),
		"1 1:00 0.15") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// A callback of a group that requires an access window is replayed with the window in which it was promised: a change
// of the group's numbers is a difference, as is a second operator that the window does not have.
func TestPolicySimulateInWindow(t *testing.T) {
	const vendor = "group: vendor\nusers: [acme]\naccess: {window: required}\nnumbers: {from: [aaa]}\n"
	dir := fileDir(t, map[string]string{
		"policies.d/vendor.yaml": vendor, "numbers/vendor.yaml": vendor[:len(vendor)-2] + ", deny: ['84*']}\n",
		"two/vendor.yaml": strings.Replace(vendor, "required}", "required, approvals: 2}", 1),
		"ringback.yaml": "policies_dir: policies.d\nstate_dir: state\naaa: {lists: {login: {default: [none]}}}\n" +
			"lines:\n  - {tty: 65-66, port: \"serial:///dev/ttyS{n}\", rotary: 1}\n",
	})
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "state", "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	err = j.Commit(t.Context(), journal.PutCallback{Callback: journal.Callback{ID: "cb1", Phase: "failed",
		Outcome: "failed", User: "acme", Entry: "local", Service: "exec", Number: "84001", Max: 1, CallID: "c1",
		CalledTTY: 65, Created: at, Ended: at, Decision: `{"outcome": "call_back", "group": "vendor", "origin": "aaa"}`,
		Authorization: `{"authorization": ` + mustText(t, aaa.Authorization{Callback: true,
			Dialstring: aaa.DialstringOf("84001")}) + `}`,
		Trace: `{"decision": [{"rule": "access window", "input": "until 2026-11-02T09:00:00Z, by 1 of 1 operators",
			"result": "open"}], "group": "vendor"}`}})
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	for with, want := range map[string]string{"policies.d": "1 request, 0 decided otherwise\n",
		"numbers": "1 request, 1 decided otherwise\n", "two": "and two are required"} {
		got, err := policyCommand(dir, "simulate", "-c", filepath.Join(dir, "ringback.yaml"), "--journal", "--with",
			filepath.Join(dir, with))
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, no %q in\n%s", with, err, want, got)
		}
	}
}

func mustText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPolicySimulate(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"d/default.yaml": "group: default\n", "new/default.yaml": "group: default\ncallback: required\n",
		"bad/default.yaml": "group: x\n", "past.jsonl": `{"user": "kim"}` + "\n" + `{"user": "kim", "number": "84001"}`,
		"wrong.jsonl": `{"user": "kim", "numbr": "84001"}`,
	})
	for _, tt := range []struct{ args, want, err string }{
		{"d --with new --from past.jsonl", "past.jsonl:1 2026-01-05T12:00:00Z kim\n  now   admit: ", ""},
		{"d --with new --from past.jsonl", "2 requests, 1 decided otherwise\n", ""},
		{"d --with new --from past.jsonl --differences 0", "now    with the changed files", ""},
		{"d --with d --from past.jsonl", "2 requests, 0 decided otherwise\n", ""},
		{"d --with bad --from past.jsonl", "does not match the file name", "exit status 1"},
		{"d --with new --from wrong.jsonl", "", `wrong.jsonl:1:1: numbr: unknown key (did you mean "number"?)`},
		{"d --with new --from nowhere", "", "no such file"},
		{"d --with new --journal --state-dir nowhere", "", "nowhere/journal.db: no such file"},
		{"d --with new", "", "give --journal or --from FILE"},
		{"d --with new --journal --from past.jsonl", "", "give --journal or --from FILE"},
		{"d --from past.jsonl", "", "--with DIR is required"},
		{"d --with new --from past.jsonl --differences -1", "", "--differences -1: must be 0 or more"},
	} {
		args := append([]string{"simulate"}, strings.Fields(tt.args)...)
		for i := 1; i < len(args); i++ {
			if w := args[i]; !strings.HasPrefix(w, "-") && w != "0" && !strings.HasPrefix(args[i-1], "--differences") {
				args[i] = filepath.Join(dir, w)
			}
		}
		got, err := policyCommand(dir, args...)
		if !strings.Contains(got, tt.want) || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v\n%s", tt.args, err, got)
		}
	}
}

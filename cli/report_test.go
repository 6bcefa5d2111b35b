package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportCosts(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"policies.d/default.yaml": "group: default\n",
		"tariff.csv": "prefix,zone,per_minute,per_call,granularity,currency,caller_per_minute\n" +
			"84,x,0.10,0.05,60/60,EUR,0.20\n",
		"ringback.yaml": "policies_dir: policies.d\nstate_dir: state\naaa: {lists: {login: {default: [none]}}}\n" +
			"tariff: {file: tariff.csv}\nlines:\n  - {tty: 65-66, port: \"serial:///dev/ttyS{n}\", rotary: 1}\n",
		"free.yaml": "policies_dir: policies.d\nstate_dir: state\naaa: {lists: {login: {default: [none]}}}\n" +
			"lines:\n  - {tty: 65-66, port: \"serial:///dev/ttyS{n}\", rotary: 1}\n",
	})
	pastJournal(t, filepath.Join(dir, "state"))
	run := func(args string) (string, error) {
		var out strings.Builder
		root := newRoot("test")
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(append([]string{"report", "costs", "-c", filepath.Join(dir, "ringback.yaml")},
			strings.Fields(args)...))
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	// Of four callbacks of one to four minutes, those at 84001 and 84002 have a price: 0.05 and 0.10 a minute.
	for args, want := range map[string]string{
		"--month 2026-11 --by user -o csv": `user,leg_one_calls,leg_one_seconds,leg_two_calls,leg_two_seconds,cost,callers_cost,saved,currency,unpriced_calls,callers_unpriced_calls,estimated_calls
lee,0,0,3,540,0.35,,,EUR,2,3,0
kim,0,0,1,60,0.15,,,EUR,0,1,0
`,
		"--month 2026-11 --by site": `site  calls  minutes  callbacks  minutes  cost EUR  callers'  saved
-     0      0:00     4          10:00    0.50      -         -
2 callbacks to numbers without a price in the tariff
4 callbacks without a price for the caller: the calling number is unknown, or the tariff has no caller_per_minute for it
5 calls are not over, and not counted
`,
		"--month 2026-10 -o csv": "user,leg_one_calls,leg_one_seconds,leg_two_calls,leg_two_seconds,cost," +
			"callers_cost,saved,currency,unpriced_calls,callers_unpriced_calls,estimated_calls\n",
	} {
		if got, err := run(args); err != nil || got != want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", args, err, got, want)
		}
	}
	got, err := run("--month 2026-11 --by group -o json")
	var r costsReport
	if err != nil || json.Unmarshal([]byte(got), &r) != nil || len(r.Rows) != 1 || r.Currency != "EUR" || r.Open != 5 ||
		r.Rows[0].LegTwo.Calls != 4 || r.Month != "2026-11" {
		t.Errorf("%v\n%s", err, got)
	}
	const lee = `{
      "name": "lee",
      "leg_one": {
        "calls": 0,
        "seconds": 0
      },
      "leg_two": {
        "calls": 3,
        "seconds": 540
      },
      "cost": "0.35",
      "compared": 0,
      "unpriced": 2,
`
	if got, err := run("--month 2026-11 -o json"); err != nil || !strings.Contains(got, lee) {
		t.Errorf("%v, no amount is known for the caller:\n%s", err, got)
	}
	got, err = run("--month 2026-11 --by site -o json --config " + filepath.Join(dir, "free.yaml"))
	if err != nil || strings.Contains(got, `cost"`) || strings.Contains(got, "saved") {
		t.Errorf("%v, amounts without a tariff:\n%s", err, got)
	}
	for args, want := range map[string]string{
		"--by line": "--by line: must be user, group or site", "--month november": "--month november: is not a month",
		"-o xml": "-o xml: must be table, csv, json or yaml", "--state-dir nowhere": "no such file",
	} {
		if got, err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\n%s", args, err, got)
		}
	}
}

func TestNoFormula(t *testing.T) {
	for in, want := range map[string]string{"kim": "kim", "": "", "=1+1": "'=1+1", "+49": "'+49", "-x": "'-x",
		"@a": "'@a", "a=b": "a=b"} {
		if got := noFormula(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

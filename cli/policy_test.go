package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/policies/policytest"
)

// policyCommand runs `ringback policy ARGS` and returns its output, with dir left out, and its error.
func policyCommand(dir string, args ...string) (string, error) {
	var out bytes.Buffer
	c := newPolicy()
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.Execute()
	return strings.ReplaceAll(out.String(), dir+string(filepath.Separator), ""), err
}

func TestPolicyCheck(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"good/default.yaml":      "group: default\n",
		"good/staff.yaml":        "group: staff\nusers: [kim]\n",
		"good/staff.test.yaml":   "- is no policy",
		"alone/staff.yaml":       "group: staff\n",
		"broken/default.yaml":    "group: default\ncalback: off\nnumbers: {from_caller: allow}\n",
		"broken/staff.yaml":      "group: stuff\nusers: [kim, 7]\n",
		"broken/staff.test.yaml": "",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		args []string
		want string
		err  string
	}{
		{[]string{in("good")}, "valid (policies: groups default, staff)\n", ""},
		{[]string{in("good/staff.yaml")}, "valid (policies: groups staff)\n", ""},
		{[]string{in("good/staff.yaml"), in("good") + "/../good/staff.yaml", in("good/default.yaml")},
			"valid (policies: groups default, staff)\n", ""},
		{[]string{in("alone")}, "alone: warning: no policy file for the group default: ", ""},
		{[]string{in("good/staff.yaml"), in("alone/staff.yaml")}, `alone/staff.yaml: group "staff" has two policies`,
			"exit status 1"},
		{[]string{in("broken")}, `broken/default.yaml:2:1: calback: unknown key (did you mean "callback"?)
broken/staff.yaml:1:8: group: group "stuff" does not match the file name (rename the file to stuff.yaml, or write` +
			" group: staff)\nbroken/staff.yaml:2:14: users[1]: expected text, got the number 7 (quote it: \"7\")\n",
			"exit status 1"},
		{[]string{"-o", "json", in("broken/default.yaml")}, `"column": 1,
    "key": "calback",
    "msg": "unknown key",
    "hint": "did you mean \"callback\"?",
    "severity": "error"`, "exit status 1"},
		{[]string{"-o", "json", in("good")}, "[]\n", ""},
		{[]string{in("nowhere")}, "", "no such file or directory"},
		{[]string{in("good"), in("alone")}, "", "give one directory, or files"},
		{[]string{"-o", "xml", in("good")}, "", "-o xml: must be table, json or yaml"},
	} {
		got, err := policyCommand(dir, append([]string{"check"}, tt.args...)...)
		if !strings.Contains(got, tt.want) || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v: %v\n%s", tt.args, err, got)
		}
	}
}

func TestPolicyTest(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"good/default.yaml": "group: default\n",
		"good/default.test.yaml": "tests:\n  - {name: plain, request: {user: kim}, decision: {outcome: admit}}\n" +
			"  - {name: fixed, request: {user: kim, number: '84001'}, decision: {outcome: call_back}}\n",
		"bad/default.yaml":      "group: default\n",
		"bad/idle.yaml":         "group: idle\n",
		"bad/default.test.yaml": "tests:\n  - {name: plain, request: {user: kim}, decision: {outcome: refuse}}\n",
		"none/default.yaml":     "group: default\n",
		"lost/a.test.yaml":      "tests: []\n",
		"lost/default.yaml":     "group: default\n",
		"wrong/default.yaml":    "group: x\n",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		args []string
		want string
		err  string
	}{
		{[]string{in("good")}, "callback demanded   2          1\n", ""},
		{[]string{in("good")}, "2 tests, 0 failed\n", ""},
		{[]string{in("good"), "-o", "json"}, `"failures": []`, ""},
		{[]string{in("bad")}, "FAIL bad/default.test.yaml:2: plain\n  outcome\n    got   admit\n    want  refuse\n",
			"exit status 1"},
		{[]string{in("bad")}, "groups without a test: idle\n1 test, 1 failed\n", "exit status 1"},
		{[]string{in("none")}, "", "has no tests (write GROUP.test.yaml"},
		{[]string{in("lost")}, "lost/a.test.yaml: there is no policy file a.yaml", "exit status 1"},
		{[]string{in("wrong")}, `wrong/default.yaml:1:8: group: group "x" does not match`, "exit status 1"},
		{[]string{in("nowhere")}, "", "nowhere is not a directory of policy files"},
	} {
		got, err := policyCommand(dir, append([]string{"test"}, tt.args...)...)
		if !strings.Contains(got, tt.want) || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v: %v\n%s", tt.args, err, got)
		}
	}
}

// The examples are valid, their tests pass and are of every group and every rule, except those of a pending callback
// and of leg two, which a test beside a policy cannot describe, and of trunks and pools, which the site has not.
func TestPolicyExamples(t *testing.T) {
	const examples = "../policies/examples"
	got, err := policyCommand(examples, "test", "-c", examples+"/site/ringback.yaml", "-o", "json")
	var r policytest.Report
	if err := json.Unmarshal([]byte(got), &r); err != nil {
		t.Fatal(err, got)
	}
	if err != nil || r.Cases < 40 || len(r.Failures) > 0 || len(r.Untested) > 0 {
		t.Errorf("%v: %+v", err, r)
	}
	for _, c := range r.Rules {
		if c.Evaluated == 0 && c.Rule != "called number" && c.Rule != "since the promise" && c.Rule != "trunks" &&
			c.Rule != "PPP terms" && c.Rule != "raw access" { // the examples permit none
			t.Errorf("no test evaluates the rule %q", c.Rule)
		}
	}
}

func TestPolicyExplain(t *testing.T) {
	const examples = "../policies/examples"
	for _, tt := range []struct {
		args string
		want string
		err  string
	}{
		{"--user austin-01 --number 84001", "decision of group home: call_back: at 84001, allowed by group home\n" +
			"policy: home.yaml\n 1  group", ""},
		{"--user reno-07 --number=", "decision of group field: ask_number: ", ""},
		{"--user reno-07 --number= --typed 84901", "the caller reads: Number not allowed\nfix: check numbers.allow",
			""},
		{"--user kim --group-hint nobody --group-hint admins", "decision of group admins: admit: ", ""},
		{"--user kim --group-hint admins --service ppp --caller-id --caller 84001",
			"decision of group admins: refuse: AAA requires a callback to the caller ID, but group admins does not",
			""},
		{"--user customer --called 55556 --service ppp --auth pap", "the caller authenticated by pap, " +
			"and group isp has ppp.auth: [chap, eap, ms-chap-v2]\n", ""},
		{"--user customer --called 55556 --service ppp --auth chap", "decision of group isp: admit: ", ""},
		{"--user customer --called 55556 --service ppp", "depends on the method of the caller", ""},
		{"--user x --address 10.8.0.20", "", "--address is of PPP: --service ppp is required"},
		{"--user x --service ppp --address ::1", "", `--address: "::1" is not an IPv4 address`},
		{"--user x --auth pap", "", "--auth is of PPP: --service ppp is required"},
		{"--user x --service ppp --auth slip", "", "--auth slip: must be one of ms-chap-v2, ms-chap, chap, pap, eap"},
		{"--user austin-01 --number 84001 --leg 2 -o json", `"outcome": "admit"`, ""},
		{"", "", "--user is required"},
		{"--user x --service slip", "", "--service slip: must be exec, ppp or outbound"},
		{"--user x --leg 3", "", "--leg 3: must be 1 or 2"},
		{"--user x --priv-lvl 99", "", "--priv-lvl 99: must be 0 to 15"},
		{"--user x --priv-lvl -1", "", "--priv-lvl -1: must be 0 to 15"},
		{"--user x --rotary 5000", "", "--rotary 5000: must be 0 to 100"},
		{"--user x --line -4", "", "--line -4: must be 1 to 99999"},
		{"--user x --window nobody", "", "--window nobody: no policy file has this group (groups: admins, "},
		{"--user x --window admins", "decision of group ", ""},
		{"--user x --time noon", "", `--time: "noon" is not a time`},
		{"--user x -c nowhere.yaml", "nowhere.yaml", "exit status 1"},
	} {
		got, err := policyCommand(examples, append([]string{"explain", "-c", examples + "/site/ringback.yaml"},
			strings.Fields(tt.args)...)...)
		if !strings.Contains(got, tt.want) || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v\n%s", tt.args, err, got)
		}
	}
}

package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
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
		{[]string{"-o", "xml", in("good")}, "", "-o xml: must be table or json"},
	} {
		got, err := policyCommand(dir, append([]string{"check"}, tt.args...)...)
		if !strings.Contains(got, tt.want) || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v: %v\n%s", tt.args, err, got)
		}
	}
}

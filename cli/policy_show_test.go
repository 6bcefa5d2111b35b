package cli

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/policies"
)

// policy show prints where each value of a group's policy is written.
func TestPolicyShow(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"policies.d/default.yaml": "group: default\nno_verify: allow\nnumbers: {deny: [\"849*\"]}\n",
		"policies.d/field.yaml":   "group: field\nextends: default\nnumbers: {deny+: [\"848*\"]}\n",
		"ringback.yaml": "policies_dir: policies.d\naaa: {lists: {login: {default: [none]}}}\n" +
			"lines:\n  - {tty: 65-66, port: \"serial:///dev/ttyS{n}\", rotary: 1}\n",
	})
	run := func(args ...string) (string, error) {
		config := filepath.Join(dir, "ringback.yaml")
		return policyCommand("/nowhere", append([]string{"show", "-c", config}, args...)...)
	}
	got, err := run("field")
	text := strings.Join(strings.Fields(got), " ")
	for _, want := range []string{"Key Value Written in group field field.yaml:1", "users [] default",
		"no_verify allow default.yaml:2", "numbers.from_caller deny default",
		"numbers.deny[0] 849* default.yaml:3", "numbers.deny[1] 848* field.yaml:3"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%v, no %q in\n%s", err, want, got)
		}
	}
	var flat []policies.Setting
	got, err = run("field", "-o", "json")
	want := policies.Setting{Key: "numbers.deny[1]", Value: "848*",
		File: filepath.Join(dir, "policies.d", "field.yaml"), Line: 3}
	if err != nil || json.Unmarshal([]byte(got), &flat) != nil || !slices.Contains(flat, want) {
		t.Errorf("%v\n%s", err, got)
	}
	if got, err := run("staff"); err == nil || err.Error() != `group "staff" has no policy file in `+
		filepath.Join(dir, "policies.d")+` (files of groups default, field)` {
		t.Errorf("%v\n%s", err, got)
	}
}

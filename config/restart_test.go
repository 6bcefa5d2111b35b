package config

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// everyKey calls f with each scalar of the table: its path as in the reference, and a function that returns a
// file. around("v") gives the key the value v; around("") is the file without the key.
func everyKey(keys []schema.Key, prefix string, around func(string) string,
	f func(path string, k schema.Key, around func(string) string)) {
	for _, k := range keys {
		name := k.Name
		within := func(text string) string {
			if text == "" {
				return around("")
			}
			return around("{" + name + ": " + text + "}")
		}
		path := prefix + name
		for k.Elem != nil {
			outer := within
			switch k.Type {
			case schema.List:
				path += "[]"
				within = func(text string) string { return enclose(outer, "[", text, "]") }
			case schema.Dict:
				path += ".NAME"
				name := "{X: "
				switch path { // the names are numbers, or languages
				case "rotaries.NAME":
					name = "{7: "
				case "texts.NAME":
					name = "{zh-Hant: "
				}
				within = func(text string) string { return enclose(outer, name, text, "}") }
			}
			k = *k.Elem
		}
		if k.Type == schema.Object {
			everyKey(k.Keys, path+".", within, f)
			continue
		}
		f(path, k, within)
	}
}

// enclose returns the file without the key if text is empty.
func enclose(around func(string) string, left, text, right string) string {
	if text == "" {
		return around("")
	}
	return around(left + text + right)
}

// another returns a valid value of a key that is not its default.
func another(t *testing.T, path string, k schema.Key) string {
	t.Helper()
	switch {
	case len(k.Enum) > 0:
		return strconv.Quote(k.Enum[slices.IndexFunc(k.Enum, func(s string) bool { return s != k.Default })])
	case k.Type == schema.Bool:
		return fmt.Sprint(k.Default != "true")
	case k.Type == schema.Int && fmt.Sprint(k.Max) != k.Default:
		return fmt.Sprint(k.Max)
	case k.Type == schema.Duration:
		return time.Duration(k.Max).String()
	case k.Type == schema.String && k.Example != "" && strings.Trim(k.Example, `"`) != k.Default:
		return k.Example
	}
	text, ok := map[string]string{
		"policies_dir": "elsewhere", "prompts.password": `"Secret: "`, "exec.hosts.allow[]": `"192.0.2.0/24"`,
		"numbers.trunk_prefixes[]": `"9,"`, "numbers.emergency[]": `"911"`, "numbers.digits[]": "9",
		"numbers.international[]": `"00"`, "numbers.national[]": `"0"`,
		"numbers.private[]": `"84001"`, "numbers.own[]": `"33123456700"`, "users[].groups[]": "staff", "users[].callback.numbers[]": `"84002"`,
		"lines[].login": "other", "listen[].login": "other", "modem_test.lines[]": "66", "modem_test.numbers[]": `"84001"`,
		"fleet.postgres.addresses[]": "/run/postgresql",
		"listen[].raw[]":             "ops", "triggers.lines[]": "66", "triggers.keys[].users[]": "ted", "triggers.keys[].senders[]": `"84001"`,
		"aaa.groups[].servers[]": "primary", "lines[].result_codes.NAME": "BUSY",
		"api.roles.read.users[]": "1", "api.roles.read.groups[]": "1", "api.roles.read.certificates[]": "kim",
		"api.roles.operate.users[]": "1", "api.roles.operate.groups[]": "1", "api.roles.operate.certificates[]": "kim",
		"api.roles.admin.users[]": "1", "api.roles.admin.groups[]": "1", "api.roles.admin.certificates[]": "kim",
	}[path]
	if !ok && strings.HasPrefix(path, "aaa.lists.") || !ok && strings.HasPrefix(path, "aaa.radius[].dialects") {
		text, ok = "radius", true
	}
	if !ok {
		t.Fatalf("%s: no value for a test", path)
	}
	return text
}

// reported returns a key as it is named in a report: a list or dict is one key.
func reported(path string) string {
	rest, _, _ := strings.Cut(path, "[]")
	rest, _, _ = strings.Cut(rest, ".NAME")
	return rest
}

// Each key declares what a reload does with it, and NeedsRestart agrees: it returns a changed key if and only
// if the key needs a restart.
func TestReloadOfEachKey(t *testing.T) {
	n := map[schema.Reload]int{}
	everyKey(Keys(), "", func(s string) string { return s },
		func(path string, k schema.Key, around func(string) string) {
			n[k.Reload]++
			var want []string
			switch k.Reload {
			case schema.NewCalls, schema.AtOnce:
			case schema.Restart:
				want = []string{reported(path)}
				if strings.HasPrefix(path, "lines[].") {
					t.Errorf("%s: a reload changes a line without a restart", path)
				}
			default:
				t.Errorf("%s: the table does not say what a reload does with it", path)
				return
			}
			file := func(text string) (data string) {
				data = around(text)
				if strings.HasPrefix(path, "lines[].") && path != "lines[].tty" { // a line needs its number
					below, _ := strings.CutPrefix(data, "{lines: [{")
					data = "{lines: [{tty: 65, " + cmp.Or(below, "}]}")
				}
				return data
			}
			of := func(data string) written {
				v, _ := schema.Parse("", []byte(data), Keys())
				return source{file: v}.written()
			}
			a, b := file(""), file(another(t, path, k))
			for _, pair := range [][2]string{{a, b}, {b, a}} {
				var got []string
				got = append(got, needsRestart(of(pair[0]), of(pair[1]))...)
				named := slices.ContainsFunc(changes(of(pair[0]), of(pair[1])), func(c Change) bool {
					return c.Key == reported(path) && slices.Contains(c.Effect, k.Reload)
				})
				if !slices.Equal(got, want) || !named {
					t.Errorf("%s, from %s to %s: the report names %v, want %v", path, pair[0], pair[1], got, want)
				}
			}
			if same := changes(of(b), of(b)); len(same) > 0 {
				t.Errorf("%s: nothing has changed, but the report has %v", path, same)
			}
		})
	if n[schema.NewCalls] < 80 || n[schema.AtOnce] < 6 || n[schema.Restart] < 10 {
		t.Errorf("too few keys were checked: %v", n)
	}
	everyKey(policies.Keys(), "", func(s string) string { return s },
		func(path string, k schema.Key, _ func(string) string) {
			if k.Reload != schema.NewCalls {
				t.Errorf("policy file, %s: reload %q", path, k.Reload)
			}
		})
}

// Differences in notation or order need no restart.
func TestNeedsRestart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func(text, secret string, env map[string]string) *Config {
		t.Helper()
		write("ringback.yaml", "users: [{name: kim, password_file: secret}]\naaa: {lists: {login: {default: [local], "+
			"more: [local]}}"+text)
		write("secret", "pw")
		write("coa", secret)
		for name, value := range env {
			t.Setenv(name, value)
		}
		defer func() {
			for name := range maps.Keys(env) {
				os.Unsetenv(name)
			}
		}()
		c, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
		if c == nil {
			t.Fatal(problems)
		}
		return c
	}
	const (
		coa   = ", dynamic_author: {listen: \"127.0.0.1:3799\", clients: [{source: 127.0.0.1, secret_file: coa}]}"
		lines = "}\nstate_dir: /tmp/s\nlines: [{tty: 65-66, port: \"tcp://127.0.0.1:{7000+n}\"}, {tty: 70, port: " +
			"\"tcp://127.0.0.1:7070\"}]\n"
	)
	long := strings.Repeat("s", 16)
	old := load(coa+lines, long, nil)
	for name, tt := range map[string]struct {
		now  *Config
		want []string
	}{
		"the same": {load(coa+lines, long, nil), nil},
		"other notation and order": {load(coa+`}
lines:
- {port: "tcp://127.0.0.1:7070", tty: "70", modem: inout, timing: {answer: 60s, probe: 600s}, login: more}
- {tty: 66, port: "tcp://127.0.0.1:7001", callback: {forced_wait: 9s}}
- {tty: 65, port: "tcp://127.0.0.1:7000", callback: {same_line_no_verify: false}, exec: default}
state_dir: /tmp/s
log: {level: info}
login: {window: 1h}
`, long, nil), nil},
		"another secret in the same file": {load(coa+lines, strings.Repeat("t", 16), nil),
			[]string{"aaa.dynamic_author.clients"}},
		"an environment variable": {load(coa+lines, long, map[string]string{"RINGBACK_LOG_LEVEL": "debug"}),
			[]string{"log.level"}},
		"lines added, removed and changed": {load(coa+`}
state_dir: /tmp/s
lines: [{tty: 65-67, port: "tcp://127.0.0.1:{7010+n}", rotary: 3, login: more}]
`, long, nil), nil},
		"dynamic_author removed": {load(lines, long, nil),
			[]string{"aaa.dynamic_author.listen", "aaa.dynamic_author.clients"}},
		"a group of operators": {load(coa+lines, long, map[string]string{"RINGBACK_API_GROUP": "990",
			"RINGBACK_API_SOCKET": "/run/s"}), []string{"api.socket", "api.group"}},
		"another socket follows state_dir": {load(coa+strings.Replace(lines, "/tmp/s", "/tmp/t", 1), long, nil),
			[]string{"state_dir", "api.socket"}},
	} {
		if os.Geteuid() == 0 && name == "another socket follows state_dir" { // root's is elsewhere
			tt.want = tt.want[:1]
		}
		if got := NeedsRestart(old, tt.now); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

package policies

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/schema"
)

// TestLoadTexts: texts stand for files of a directory, beside the others or alone, and make nobody read other files.
func TestLoadTexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "..", "secret.txt")
	for name, text := range map[string]string{"default.yaml": "group: default\n",
		"staff.yaml": "group: staff\nusers: [kim]\n", "days.txt": "2026-12-25\n", secret: "hunter2\n"} {
		path := name
		if !filepath.IsAbs(name) {
			path = filepath.Join(dir, name)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hours := func(path string) string {
		return "group: staff\nhours: {zone: UTC, weekdays: [mon-fri 08:00-17:00], holidays: " + path + "}\n"
	}
	known := filepath.Join(dir, "days.txt")
	for _, c := range []struct {
		texts  map[string]string
		alone  bool
		groups string // of the set; "": there is none
		want   string // in the problems
	}{
		{nil, false, "default staff", ""},
		{nil, true, "", ""},
		{map[string]string{"staff.yaml": "group: staff\nusers: [lee]\n"}, false, "default staff", ""},
		{map[string]string{"new.yaml": "group: new\nextends: staff\nusers: [lee]\n"}, false, "default new staff", ""},
		{map[string]string{"new.yaml": "group: new\nusers: [kim]\n"}, false, "", "new.yaml:2:9: users[0]: user"},
		{map[string]string{"new.yaml": "group: new\n"}, true, "new", ""},
		{map[string]string{"new.yaml": "group: new\nextends: staff\n"}, true, "",
			"new.yaml:2:10: extends: there is no file"},
		{map[string]string{"new.yaml": "group: new\nusrs: [x]\n"}, true, "", "new.yaml:2:1: usrs: unknown key"},
		{map[string]string{"../new.yaml": "group: new\n"}, true, "", "not the name of a policy file"},
		{map[string]string{"/etc/new.yaml": "group: new\n"}, true, "", "not the name of a policy file"},
		{map[string]string{".yaml": "", "a.test.yaml": "", "b.txt": "", "": ""}, true, "",
			"not the name of a policy file"},
		{map[string]string{"staff.yaml": hours("days.txt")}, false, "default staff", ""},
		{map[string]string{"staff.yaml": hours("../secret.txt")}, false, "", "is not read here"},
		{map[string]string{"staff.yaml": hours(secret)}, true, "", "staff.yaml:2:63: hours.holidays"},
		{map[string]string{"staff.yaml": hours("/dev/zero")}, true, "", "is not read here"},
	} {
		set, problems := LoadTexts(dir, Site{}, c.texts, c.alone, []string{known})
		text := problems.Only(schema.Error).Err()
		got := strings.Join(set.Groups(), " ")
		if got != c.groups || (text == nil) != (c.want == "") ||
			text != nil && (!strings.Contains(text.Error(), c.want) || strings.Contains(text.Error(), "hunter2")) {
			t.Errorf("%q alone %v: groups %q, problems %v", c.texts, c.alone, got, problems)
		}
	}
	many := map[string]string{}
	for i := range MaxTexts + 1 {
		many[strings.Repeat("x", i+1)+".yaml"] = ""
	}
	if _, problems := LoadTexts(dir, Site{}, many, true, nil); !problems.HasErrors() || len(problems) > 1 {
		t.Errorf("%d problems", len(problems))
	}
	set, _ := LoadTexts(dir, Site{}, map[string]string{"staff.yaml": "group: staff\nusers: [lee]\n"}, false, nil)
	if p, ok := set.Group("staff"); !ok || !slices.Equal(p.Users, []string{"lee"}) {
		t.Errorf("the text is not used: %+v", p)
	}
}

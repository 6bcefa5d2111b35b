package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/texts"
)

// loadFiles loads ringback.yaml and files beside it, and returns the problems as one text.
func loadFiles(t *testing.T, files map[string]string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	files["kim.password"] = "pw\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
	return c, problems.String()
}

const spokenSite = `
aaa: {lists: {login: {default: [local]}}}
users: [{name: kim, password_file: kim.password}]
lines:
  - {tty: 65, port: "serial:///dev/ttyS0?speed=115200"}
  - {tty: 66, port: "serial:///dev/ttyS1?speed=115200", language: en}
  - {tty: 67, port: "serial:///dev/ttyS2?speed=115200", charset: big5}
  - {tty: 68, port: "serial:///dev/ttyS3?speed=115200&format=7e1"}
language: zh-Hant
`

// TestLanguages: a line has what it does not say from the configuration, and a port with 7 data bits shows ASCII.
func TestLanguages(t *testing.T) {
	c, problems := loadFiles(t, map[string]string{"ringback.yaml": spokenSite,
		"policies.d/staff.yaml": "group: staff\nusers: [kim]\ncharset: big5\n"})
	if c == nil {
		t.Fatal(problems)
	}
	for i, want := range []texts.Locale{{Language: "zh-Hant", Charset: "utf-8"}, {Language: "en", Charset: "utf-8"},
		{Language: "zh-Hant", Charset: "big5"}, {Language: "zh-Hant", Charset: "ascii"}} {
		if got := c.Lines[i].Locale; got != want {
			t.Errorf("tty %d: %v, want %v", c.Lines[i].TTY, got, want)
		}
	}
	if p, _ := c.Policies.Group("staff"); p.Locale != (texts.Locale{Charset: "big5"}) {
		t.Errorf("group staff: %v", p.Locale)
	}
	plain := strings.Replace(spokenSite, "language: zh-Hant", "", 1)
	english := texts.Locale{Language: "en", Charset: "utf-8"}
	if c, _ := loadFiles(t, map[string]string{"ringback.yaml": plain}); c == nil || c.Lines[0].Locale != english ||
		c.Exec.Texts != nil {
		t.Errorf("default: %+v", c)
	}
}

// TestLanguageProblems: texts that terminals cannot show, and files of texts that are wrong.
func TestLanguageProblems(t *testing.T) {
	for _, tt := range []struct {
		name, more, texts, policy string
		want                      string
		fatal                     bool
	}{
		{name: "Chinese in ASCII", more: "charset: ascii\n",
			want: "charset ascii cannot show language zh-Hant: callers read English"},
		{name: "a group", policy: "group: staff\nlanguage: zh-Hant\ncharset: ascii\n",
			want: "group staff: terminals with charset ascii cannot show language zh-Hant"},
		{name: "banner", more: "banner: 们\n", want: "terminals with charset big5 cannot show all of it"},
		{name: "prompt", more: "charset: ascii\nprompts: {username: 名}\n",
			want: "prompts.username: terminals with charset ascii cannot show all of it"},
		{name: "unknown language", more: "charset: gb2312\n", want: `"gb2312" is not "utf-8", "big5" or "ascii"`, fatal: true},
		{name: "no such file", more: "texts: {zh-Hant: none.yaml}\n", want: "none.yaml: no such file", fatal: true},
		{name: "unknown language of texts", more: "texts: {zh: own.yaml}\n",
			want: `language "zh": expected "en" or "zh-Hant"`, fatal: true},
		{name: "unknown key", more: "texts: {zh-Hant: own.yaml}\n", texts: "login.invald: x\n",
			want: `own.yaml:1:1: "login.invald": unknown key (did you mean "login.invalid"?)`, fatal: true},
		{name: "unknown placeholder", more: "texts: {en: own.yaml}\n", texts: "callback.queued: '{n}'\n",
			want: `own.yaml:1:18: callback.queued: has the placeholder {n}; this text has {place}`, fatal: true},
		{name: "control character", more: "texts: {en: own.yaml}\n", texts: "login.invalid: \"\\e[2J\"\n",
			want: `own.yaml:1:16: login.invalid: has the control character '\x1b'`, fatal: true},
	} {
		files := map[string]string{"ringback.yaml": spokenSite + tt.more}
		if tt.texts != "" {
			files["own.yaml"] = tt.texts
		}
		if tt.policy != "" {
			files["policies.d/staff.yaml"] = tt.policy
		}
		c, problems := loadFiles(t, files)
		if !strings.Contains(problems, tt.want) || (c == nil) != tt.fatal {
			t.Errorf("%s: loaded %v, problems\n%s\nwant %s", tt.name, c != nil, problems, tt.want)
		}
	}
}

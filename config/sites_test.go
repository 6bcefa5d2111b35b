package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a site must not be: each problem names the key, and nothing is dialed by half a profile.
func TestSites(t *testing.T) {
	dir := t.TempDir()
	load := func(text string) (*Config, string) {
		file := filepath.Join(dir, "ringback.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := Load(file, nil)
		return c, problems.String()
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("piliwale\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const base = "state_dir: state\naaa: {lists: {login: {default: [none]}}}\n" +
		"chat_scripts: [{name: logon, script: 'ogin: \\L'}]\n" +
		"lines: [{tty: 65, port: \"pty:///tmp/none\"}]\n"
	c, problems := load(base + "dial_out: {suffix: -site, password_file: secret}\n" +
		"sites: {harbor: {numbers: [\"84007\", \"84008\"], dialogue: 'ogin: \\L ssword: \\P', send_name: maui, " +
		"send_secret_file: secret, lines: [65]}, yard: {system_script: ^logon$}}\n")
	if c == nil {
		t.Fatal(problems)
	}
	h := c.Sites.Known["harbor"]
	if c.Sites.Suffix != "-site" || string(c.Sites.Password) != "piliwale" || c.Sites.List != "" ||
		len(c.Sites.Known) != 2 || strings.Join(h.Numbers, " ") != "84007 84008" || h.SendName != "maui" ||
		string(h.SendSecret) != "piliwale" || h.SystemScript != "^site:harbor$" || len(h.TTYs) != 1 ||
		c.Sites.Known["yard"].SystemScript != "^logon$" {
		t.Errorf("%+v", c.Sites)
	}
	if c, problems = load(base); c == nil || c.Sites.Suffix != "-out" || string(c.Sites.Password) != "cisco" {
		t.Errorf("the defaults: %s", problems)
	}
	for text, want := range map[string]string{
		"dial_out: {login: nowhere}":                            `there is no login list "nowhere"`,
		"sites: {a b: {}}":                                      "is not the name of a site",
		"sites: {x: {lines: [66]}}":                             "there is no line 66",
		"sites: {x: {system_script: nosuch}}":                   "no matching chat script",
		"sites: {x: {modem_script: '('}}":                       "sites.x.modem_script",
		"sites: {x: {dialogue: ABORT}}":                         "ABORT has no argument",
		"sites: {x: {dialogue: 'a b', system_script: ^logon$}}": "a dialogue and a system_script",
		"sites: {x: {send_secret_file: missing}}":               "sites.x.send_secret_file",
	} {
		if c, problems := load(base + text + "\n"); c != nil || !strings.Contains(problems, want) {
			t.Errorf("%s: %s, want %q", text, problems, want)
		}
	}
}

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

// withModems writes a configuration whose line has a profile, and files of modems_dir.
func withModems(t *testing.T, profile string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ringback.yaml", "state_dir: state\nmodems_dir: modems.d\naaa: {lists: {login: {default: [none]}}}\n"+
		"lines: [{tty: 65, port: \"serial:///dev/ttyS0\", profile: "+profile+"}]\n")
	for name, text := range files {
		write("modems.d/"+name, text)
	}
	return filepath.Join(dir, "ringback.yaml")
}

func TestModemsDir(t *testing.T) {
	const own = "about: own\ninit: AT&F1\ntiming: {command: 5s}\n"
	path := withModems(t, "own", map[string]string{"own.yaml": own, "README": "no profile", ".hidden.yaml": "{"})
	c, problems := Load(path, nil)
	if c == nil {
		t.Fatal(problems)
	}
	if line := c.Lines[0]; line.Init != "AT&F1" || line.Profile.Name != "own" || line.Timing.Command.String() != "5s" ||
		line.Timing.Answer != (lines.Timing{}).WithDefaults().Answer {
		t.Errorf("%+v", line)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "modems.d", "own.yaml"), []byte(own+"answer: ATA\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	changed, problems := Load(path, nil)
	if changed == nil {
		t.Fatal(problems)
	}
	if need := NeedsRestart(c, changed); len(need) > 0 {
		t.Errorf("a changed profile needs a restart: %q", need)
	}
	if c.Digest == changed.Digest {
		t.Error("the digest does not depend on the profiles")
	}
}

func TestModemsDirErrors(t *testing.T) {
	for _, tc := range []struct {
		profile string
		files   map[string]string
		want    string
	}{
		{"own", nil, `modems.d: no such file or directory (create the directory, or remove the key)`},
		{"onw", map[string]string{"own.yaml": "about: own\n"},
			`ringback.yaml:4:57: lines[0].profile: there is no profile "onw" (did you mean "own"?)`},
		{"courier-of-ours", map[string]string{"own.yaml": "about: own\n"}, `(profiles: generic, `},
		{"Own", map[string]string{"own.yaml": "about: own\n"}, `lines[0].profile: the name of a profile has`},
		{"own", map[string]string{"own.yaml": "about: own\nanwser: ATA\n"},
			`own.yaml:2:1: anwser: unknown key (did you mean "answer"?)`},
		{"own", map[string]string{"own.yml": "about: own\n"}, `own.yml: not a profile (rename it to own.yaml)`},
		{"generic", map[string]string{"Own Modem.yaml": "about: own\n"}, `Own Modem.yaml: the name of a profile has`},
	} {
		c, problems := Load(withModems(t, tc.profile, tc.files), nil)
		if c != nil || !strings.Contains(problems.String(), tc.want) {
			t.Errorf("profile %s, %v: %v, want %s", tc.profile, tc.files, problems, tc.want)
		}
	}
	path := withModems(t, "own", map[string]string{"own.yaml": "about: own\n"})
	if err := os.Chmod(filepath.Join(filepath.Dir(path), "modems.d", "own.yaml"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(path, nil)
	if c == nil || len(c.Unsafe) != 1 || !strings.Contains(problems.String(), "chmod go-w") {
		t.Errorf("a profile that others can write: %v", problems)
	}
}

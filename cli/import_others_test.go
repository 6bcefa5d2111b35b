package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
)

// importSamples are the inputs of the reference of imports, by command.
var importSamples = []struct{ title, command, file string }{
	{"tac_plus", "tac_plus", "../importer/tacplus/testdata/tac_plus.conf"},
	{"mgetty", "mgetty --dialin ../importer/mgetty/testdata/dialin.config --users ../importer/mgetty/testdata/users " +
		"--callback-config ../importer/mgetty/testdata/callback.config --login-config",
		"../importer/mgetty/testdata/login.config"},
	{"PortMaster", "portmaster", "../importer/portmaster/testdata/users.txt"},
	{"FreeRADIUS", "freeradius-users --place home-office=84022", "../importer/freeradius/testdata/users"},
}

// runImport runs `ringback import` and returns what it prints.
func runImport(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot("")
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(""))
	root.SetArgs(append([]string{"import"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// withFlags returns the words of a command, with flags after its name.
func withFlags(command string, flags ...string) []string {
	words := strings.Fields(command)
	return slices.Concat(words[:1], flags, words[1:])
}

// What an import writes is there as a whole, is not written a second time, and nothing is written at an error.
func TestImportOthersWrites(t *testing.T) {
	for _, s := range importSamples {
		dir := filepath.Join(t.TempDir(), "new")
		args := withFlags(s.command, "--out", dir)
		bad := filepath.Join(t.TempDir(), "bad")
		text := readFile(t, s.file)
		if err := os.WriteFile(bad, []byte(text+"\nthis is prose { \"pw"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := runImport(t, append(args, bad)...); err == nil || out != "" ||
			!strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("%s: %v %s", s.title, err, out)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: %s was made", s.title, dir)
		}
		out, err := runImport(t, append(args, s.file)...)
		if err != nil || !strings.Contains(out, "written and checked") {
			t.Fatalf("%s: %v %s", s.title, err, out)
		}
		cfg, problems := config.Load(filepath.Join(dir, "ringback.yaml"), nil)
		if cfg == nil || len(cfg.Unsafe) > 0 || len(cfg.Users) == 0 {
			t.Errorf("%s: %v", s.title, problems)
		}
		if _, err := runImport(t, append(args, s.file)...); err == nil || !strings.Contains(err.Error(), "exists") {
			t.Errorf("%s: a second time: %v", s.title, err)
		}
	}
	if _, err := runImport(t, "freeradius-users", "--place", "home", importSamples[0].file); err == nil ||
		!strings.Contains(err.Error(), "must be NAME=NUMBER") {
		t.Errorf("%v", err)
	}
}

// TestImportsReference prints docs/reference/imports.md: the reports of samples that have every kind of line.
func TestImportsReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What is imported\n\n<!-- Printed by go test ./cli -run ImportsReference -update. -->\n\n" +
		"The reports of `ringback import` about samples that have every kind of line.\n" +
		"See [Coming from another system](../how-to/coming-from-others.md).\n")
	for _, s := range importSamples {
		out, err := runImport(t, append(withFlags(s.command, "--all"), s.file)...)
		if err != nil {
			t.Fatalf("%s: %v", s.file, err)
		}
		out = strings.ReplaceAll(out, filepath.Dir(s.file)+"/", "")
		b.WriteString("\n## " + s.title + "\n\n```text\n" + strings.TrimSuffix(out, "nothing was written: give --out "+
			"DIR for that\n") + "```\n")
	}
	const path = "../docs/reference/imports.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, []byte(b.String())) {
		t.Errorf("%s is not what the code prints (%v): go test ./cli -run ImportsReference -update", path, err)
	}
}

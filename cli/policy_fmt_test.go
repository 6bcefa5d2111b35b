package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPolicyFmt(t *testing.T) {
	const loose, good = "callback: off\ngroup: a\n", "group: a\ncallback: off\n"
	dir := fileDir(t, map[string]string{
		"d/a.yaml": loose, "d/b.yaml": "group: b\n", "d/a.test.yaml": "tests: []\n", "d/note": "",
		"bad/a.yaml": loose, "bad/b.yaml": "grup: b\n", "none/note": "",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Chmod(in("d/a.yaml"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(in("link"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../bad/a.yaml", in("link/a.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want, err string }{
		{"d/a.yaml", good, ""},
		{"d", "", "2 files: give -w to replace them, or --check"},
		{"--check d", "d/a.yaml\n", "exit status 1"},
		{"-w bad", "bad/b.yaml:1:1: grup: unknown key", "exit status 1"},
		{"-w link/a.yaml", "", "a.yaml is not a regular file (give the file that a symbolic link points to)"},
		{"-w none", "", "none: no policy files"},
		{"-w d/a.test.yaml", "", "has tests (give the policy file)"},
		{"-w nowhere", "", "no such file"},
		{"d/a.yaml d/a.yaml", good, ""}, // one file
		{"--check d d/a.yaml link/../d", "d/a.yaml\n", "exit status 1"},
		{"-w", "", "requires at least 1 arg"},
		{"-w d", "d/a.yaml\n", ""},
		{"-w d", "", ""},
		{"--check d", "", ""},
	} {
		args := append([]string{"fmt"}, strings.Fields(tt.args)...)
		for i := 1; i < len(args); i++ {
			if !strings.HasPrefix(args[i], "-") {
				args[i] = in(args[i])
			}
		}
		got, err := policyCommand(dir, args...)
		if !strings.HasPrefix(got, tt.want) || strings.Count(got, "a.yaml\n") > 1 ||
			tt.want == "" && got != "" || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v\n%s", tt.args, err, got)
		}
	}
	st, err := os.Stat(in("d/a.yaml"))
	if readFile(t, in("d/a.yaml")) != good || err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", st, err)
	}
	if readFile(t, in("bad/a.yaml")) != loose {
		t.Error("a file was replaced although another one has an error, or through a symbolic link")
	}
	if left, _ := filepath.Glob(in("*/.*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

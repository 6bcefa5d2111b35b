package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestExportIOS(t *testing.T) {
	dir := t.TempDir()
	file := dir + "/ringback.yaml"
	const yaml = "hostname: maui\naaa: {lists: {login: {default: [local]}}}\n" +
		"users: [{name: kim, password_file: pw, callback: {dialstring: \"84001\"}}]\ncdr: {file: calls.csv}\n"
	for name, text := range map[string]string{file: yaml, dir + "/pw": "hunter2\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, string, error) {
		root := newRoot("")
		var out, errs bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&errs)
		root.SetArgs(append([]string{"export", "ios"}, args...))
		err := root.ExecuteContext(t.Context())
		return out.String(), errs.String(), err
	}
	out, _, err := run("-c", file)
	if err != nil || !strings.Contains(out, "\n! username kim callback-dialstring \"84001\": the password") ||
		!strings.Contains(out, "!   cdr.file: IOS writes no call detail records") || strings.Contains(out, "hunter2") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _, err := run("-c", file, "--secrets"); err != nil || !strings.Contains(out, " password 0 hunter2\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if err := os.WriteFile(file, []byte(yaml+"nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, err := run("-c", file); err == nil || out != "" || !strings.Contains(errs, "unknown key") {
		t.Errorf("a broken file: %v %q %q", err, out, errs)
	}
}

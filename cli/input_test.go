package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenInput: an interrupt ends a command that waits for the writer of a pipe, or for what it writes.
func TestOpenInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	read := func() {
		_, err := readInput(ctx, path, 10)
		failed <- err
	}
	go read()
	cancel()
	if err := <-failed; err == nil || err.Error() != path+": interrupted" {
		t.Errorf("no writer: %v", err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel = context.WithCancel(t.Context())
	go read()
	cancel()
	if err := <-failed; err == nil || err.Error() != path+": interrupted" {
		t.Errorf("a silent writer: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go read()
	if _, err := w.WriteString("0123456789"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// TestInputErrors: an error about a file says what to do.
func TestInputErrors(t *testing.T) {
	dir := t.TempDir()
	for args, want := range map[string]string{
		"policy simulate " + dir + " --with " + dir + " --from nofile": "nofile: no such file or directory " +
			"(check the path)",
		"policy simulate " + dir + " --with " + dir + " --from " + dir: dir + ":1: is a directory (give a file)",
		"policy fmt nodir": "nodir: no such file or directory (check the path)",
		"aaa load --users nofile --address 192.0.2.1 --secret-file x": "nofile: no such file or directory " +
			"(check the path)",
	} {
		if err := newRootWith(strings.Fields(args)).Execute(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// TestDecisionOfNoGroup: if several groups claim a caller, no empty name is printed.
func TestDecisionOfNoGroup(t *testing.T) {
	dir := t.TempDir()
	for _, group := range []string{"a", "b"} {
		match := map[string]string{"a": "prefix: [k]", "b": "suffix: [m]"}[group]
		text := "group: " + group + "\nmatch: {" + match + "}\n"
		if err := os.WriteFile(filepath.Join(dir, group+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, out := newRootWith([]string{"policy", "explain", dir, "--user", "kim"}), &strings.Builder{}
	root.SetOut(out)
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	want := "decision of no group: refuse: the groups a, b claim this caller\n"
	if !strings.HasPrefix(out.String(), want) ||
		strings.Contains(out.String(), "policy: ") {
		t.Errorf("%s, want %s", out, want)
	}
}

// TestPipesWithoutWriter: a command that a user gave a pipe without a writer in place of a file ends with an interrupt,
// or at once.
func TestPipesWithoutWriter(t *testing.T) {
	dir := t.TempDir()
	pipe, state := filepath.Join(dir, "pipe"), filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, filepath.Join(state, "journal.db")} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbL"+
		"DFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const waits, pipeError = "interrupted", "journal.db: is not a regular file but p"
	for args, want := range map[string]string{
		"audit verify --journal state/journal.db --key key --seals key":                               pipeError,
		"audit verify --journal key --key pipe --seals key":                                           waits,
		"audit verify --journal key --key key --seals pipe":                                           waits,
		"audit verify --export pipe --key key --seals key":                                            waits,
		"audit export --state-dir state":                                                              pipeError,
		"journal check --state-dir state":                                                             pipeError,
		"lab --modems pipe --play --dir lab":                                                          waits,
		"lab play pipe":                                                                               waits,
		"init --aaa local --user kim --password-file pipe --number 84001 --port tcp://[::1]:1 -c new": waits,
		"show line --api https://127.0.0.1:1 --ca pipe --cert key --key key":                          waits,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		root := newRoot("test")
		var out strings.Builder
		root.SetOut(&out)
		root.SetErr(&out)
		fields := strings.Fields(args)
		for i, f := range fields {
			if i > 0 && strings.HasPrefix(fields[i-1], "-") || f == "pipe" {
				if f == "pipe" || f == "key" || f == "new" || f == "lab" || strings.HasPrefix(f, "state") {
					fields[i] = filepath.Join(dir, f)
				}
			}
		}
		root.SetArgs(fields)
		ended := make(chan error, 1)
		go func() { ended <- root.ExecuteContext(ctx) }()
		if want == waits {
			cancel()
		}
		if err := <-ended; err == nil || !strings.Contains(err.Error()+out.String(), want) {
			t.Errorf("%s: %v\n%s", args, err, out.String())
		}
		cancel()
	}
}

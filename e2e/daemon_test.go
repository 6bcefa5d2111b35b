package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/lab"
)

// change edits a file of a running lab.
func change(t *testing.T, l *lab.Lab, name string, oldnew ...string) {
	t.Helper()
	path := filepath.Join(l.Dir(), name)
	text := readFile(t, path)
	changed := strings.NewReplacer(oldnew...).Replace(text)
	if changed == text {
		t.Fatalf("%s: nothing to change in\n%s", name, text)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload sends SIGHUP and waits for the text in the daemon's log.
func reload(t *testing.T, l *lab.Lab, what string) {
	t.Helper()
	log := filepath.Join(l.Dir(), "ringback.log")
	before := len(readFile(t, log))
	if err := syscall.Kill(l.PID(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, what+" in the daemon's log", func() bool {
		return strings.Contains(readFile(t, log)[before:], what)
	})
}

const (
	asksNumber = "see Callback Dialstring:\nhangup\n-- callback --\nnone\n"
	noCallback = "see % Callback not available\nhangup\n-- callback --\nnone\n"
)

// SIGHUP applies a good configuration to later calls, and keeps the old one if the new one is bad.
func TestReload(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{})
	caller := login("austin-02", "hana-1993")
	play(t, l, parse(t, caller+asksNumber))

	change(t, l, "policies.d/default.yaml", "callback: optional", "callback: perhaps")
	reload(t, l, "the old one stays")
	log := readFile(t, filepath.Join(l.Dir(), "ringback.log"))
	if want := `policies.d/default.yaml:3:11: callback: \"perhaps\" is not`; !strings.Contains(log, want) {
		t.Errorf("the log does not say %q:\n%s", want, log)
	}
	failed := func() bool {
		t.Helper()
		h, err := l.Client().Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(h.Problems, func(p string) bool { return strings.Contains(p, "last reload failed") })
	}
	if !failed() {
		t.Error("health does not report the reload that failed")
	}
	play(t, l, parse(t, caller+asksNumber))

	change(t, l, "policies.d/default.yaml", "callback: perhaps", "callback: off")
	reload(t, l, "reloaded")
	if failed() {
		t.Error("health still reports the failed reload after a good one")
	}
	play(t, l, parse(t, caller+noCallback))

	change(t, l, "ringback.yaml", "tty: 68", "tty: 69", "lines: [65-68]", "lines: [65-67]")
	reload(t, l, "lines reloaded")
	if log := readFile(t, filepath.Join(l.Dir(),
		"ringback.log")); !regexp.MustCompile(`lines reloaded\s+\{"added": "69", "removed": "68"`).MatchString(log) {
		t.Errorf("the log does not name the lines that come and go:\n%s", log)
	}
}

// SIGTERM while a callback is pending: the promise remains, and the next daemon fulfils it after the whole wait.
func TestTerminatedWithPromise(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{})
	s := parse(t, typedNumber)
	restarted := make(chan error, 1)
	go func() { restarted <- restartWhenPending(t.Context(), l) }()
	r := play(t, l, s)
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	if d := lineDials(l); len(d) != 1 || d[0].Number != "84001" {
		t.Errorf("dial commands of the lines: %+v, must be one to 84001", d)
	}
	if wait := waited(r.Callback, "Restarted", lineDials(l)); wait < 5*time.Second {
		t.Errorf("dialed %v after the restart, forced_wait is 5 s: %+v", wait, r.Callback.History)
	}
}

// restartWhenPending ends the daemon while it waits to call back, and starts it again.
func restartWhenPending(ctx context.Context, l *lab.Lab) error {
	if err := whenPending(ctx, l, l.StopDaemon); err != nil {
		return err
	}
	return l.StartDaemon(ctx)
}

// whenPending calls do while a callback waits to be dialed.
func whenPending(ctx context.Context, l *lab.Lab, do func()) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		pending, err := l.Client().Callbacks(ctx, false)
		if err != nil {
			return err
		}
		if len(pending) == 1 && pending[0].Phase == "waiting" {
			do()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Without RADIUS: local users are called back like RADIUS's, and `none` admits everybody.
func TestWithoutRADIUS(t *testing.T) {
	t.Parallel()
	radius := regexp.MustCompile(`(?s)  radius:.*?(  lists:)`)
	listen := regexp.MustCompile(`(?m)^listen:.*\n(  - .*\n)+`)
	for _, tt := range []struct {
		method string
		play   func(*testing.T, *lab.Lab)
	}{
		{"local", func(t *testing.T, l *lab.Lab) {
			play(t, l, shipped(t, "no-verify"))
			play(t, l, shipped(t, "any-number"))
			play(t, l, parse(t, login("austin-01", "wrong")+"see % Login invalid\nhangup\n-- callback --\nnone\n"))
			if d := lineDials(l); len(d) != 2 {
				t.Errorf("dial commands of the lines: %+v, must be two", d)
			}
		}},
		{"none", func(t *testing.T, l *lab.Lab) {
			play(t, l, parse(t, login("anybody", "any")+"see maui-nas-04>\nhangup\n-- callback --\nnone\n"))
		}},
	} {
		t.Run(tt.method, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			for _, user := range []string{"austin-01 maui-1993", "austin-02 hana-1993"} {
				name, password, _ := strings.Cut(user, " ")
				if err := os.WriteFile(filepath.Join(dir, name+".password"), []byte(password), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tt.play(t, startTown(t, lab.Options{Dir: dir, Edit: func(name, text string) string {
				if name == "ringback.yaml" {
					text = radius.ReplaceAllString(text, "$1")
					if tt.method == "none" { // which would admit everyone on the network
						text = listen.ReplaceAllString(text, "")
					}
					text = strings.NewReplacer("[radius, local]", "["+tt.method+"]", "[radius]", "[local]", "users:", `users:
  - {name: austin-01, password_file: austin-01.password, callback: {dialstring: "84001", no_verify: true}}
  - {name: austin-02, password_file: austin-02.password, callback: {dialstring: ""}}`).Replace(text)
				}
				return shortWait(name, text)
			}}))
		})
	}
}

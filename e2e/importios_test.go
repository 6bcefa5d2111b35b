package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/exchange"
)

// importTown imports a configuration of IOS and runs the daemon on it, unedited, with the modems of a town: the first
// of
// the lines gets the modem of number 5555065, the next that of 5555066. number is that of the subscriber austin-01.
func importTown(t *testing.T, sample, number string, lines ...int) *lab.Lab {
	t.Helper()
	dir := tempDir(t)
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, NoDaemon: true, Quiet: true, Pace: pace, S7: 255,
		Modem: func(name string, c *exchange.ModemConfig) {
			if name == "austin-01" {
				c.Number = number
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ports := regexp.MustCompile(`rfc2217://[^ \n]+`).FindAllString(l.Screen(), -1)
	out := filepath.Join(dir, "imported")
	args := []string{"import", "ios", "../testdata/ios/" + sample, "--out", out}
	for i, tty := range lines {
		args = append(args, "--port", fmt.Sprintf("%d=%s", tty, ports[i]))
	}
	report, status := ringback(t, "", args...)
	if status != 0 {
		t.Fatalf("%v: %s", args, report)
	}
	daemon := exec.Command(program(t), "serve", "-c", filepath.Join(out, "ringback.yaml"))
	daemon.Env = append(daemon.Environ(), "RINGBACK_API_SOCKET="+filepath.Join(dir, "ringback.sock"),
		"RINGBACK_STATE_DIR="+filepath.Join(dir, "state"), "RINGBACK_LOG_FILE="+filepath.Join(dir, "ringback.log"))
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("report:\n%s\nlog:\n%s", report, readFile(t, filepath.Join(dir, "ringback.log")))
		}
	})
	eventually(t, "the lines are in service", func() bool {
		have, err := l.Client().Lines(t.Context())
		return err == nil && len(have) == len(lines) &&
			!slices.ContainsFunc(have, func(line client.Line) bool { return line.State != "idle" })
	})
	return l
}

// TestImportIOSDocument plays both scenarios of Cisco document 5732 on its imported configuration: the line is aux 0,
// which is line 65, calls back itself, and nothing was edited.
func TestImportIOSDocument(t *testing.T) {
	t.Parallel()
	l := importTown(t, "exec-callback.cfg", "84001", 65)
	for _, name := range []string{"no-verify", "any-number"} {
		s := shipped(t, name)
		s.Callback["tty"] = "65"
		play(t, l, s)
	}
}

// TestImportIOSGuide plays callbacks on the imported examples of Cisco's guide, on the lines that the examples name.
func TestImportIOSGuide(t *testing.T) {
	t.Parallel()
	execCall := func(number, user, password, asks, tty string) string {
		return "-- at austin-01 --\ntype ats0=1\nsee OK\ntype atdt " + number +
			"\nsee CONNECT\nsee Username:\ntype " + user +
			"\nsee Password:\ntype " + password + "\n" + asks +
			"see Callback initiated\nsee NO CARRIER\nsee RING\nsee CONNECT\n" +
			"see Username:\ntype " + user + "\nsee Password:\ntype " + password +
			"\nsee dialback>\nhangup\n-- callback --\n" +
			"phase: completed\nuser: " + user + "\nnumber: 1234567\nverify: yes\nattempts: 1\ntty: " + tty + "\n"
	}
	t.Run("exec", func(t *testing.T) { // the called line calls back
		t.Parallel()
		l := importTown(t, "exec-same-line.cfg", "1234567", 4, 7)
		play(t, l, parse(t, execCall("5555065", "milo", "tollbooth", "", "4")))
		play(t, l, parse(t, execCall("5555066", "alec", "cisco", "see Callback Dialstring:\ntype 1234567\n", "7")))
	})
	t.Run("ara", func(t *testing.T) { // line 7 calls back, whichever line was called
		t.Parallel()
		l := importTown(t, "ara-callback.cfg", "1234567", 4, 7, 8)
		for _, number := range []string{"5555065", "5555066", "5555067"} {
			play(t, l, parse(t, execCall(number, "excalibur", "avalon", "", "7")))
		}
	})
	t.Run("ppp", func(t *testing.T) { // a line of rotary 77 calls back
		t.Parallel()
		l := importTown(t, "ppp-callback.cfg", "1234567", 7, 8, 9)
		const ppp = "ppp user=Ted password=Rhoda methods=pap"
		play(t, l, parse(t, "-- at austin-01 --\ntype ats0=1\nsee OK\ntype atdt 5555066\nsee CONNECT\n"+ppp+
			" callback=cbcp\nsee NO CARRIER\nsee RING\nsee CONNECT\n"+ppp+"\nhangup\n-- callback --\nphase: "+
			"completed\n"+
			"user: Ted\nnumber: 1234567\nverify: yes\nattempts: 1\ntty: 7\n"))
	})
}

// TestImportIOSNothingWritten: after an error there is nothing, not even a directory; and nothing is overwritten.
func TestImportIOSNothingWritten(t *testing.T) {
	t.Parallel()
	out := filepath.Join(tempDir(t), "new")
	text := readFile(t, "../testdata/ios/exec-callback.cfg")
	for _, tt := range []struct{ name, text, want string }{
		{"cut off", text[:900], "ringback: -: line "},
		{"prose", "This document provides a sample configuration\n" + text,
			"ringback: -: line 1: it begins with a word"},
		{"joined", strings.ReplaceAll(text, "\n", " "), "ringback: -: "},
	} {
		got, status := ringback(t, tt.text, "import", "ios", "-", "--out", out)
		if status != 1 || !strings.HasPrefix(got, tt.want) || !strings.HasSuffix(got, "nothing was written\n") {
			t.Errorf("%s: status %d, %q", tt.name, status, got)
		}
		if _, err := filepath.EvalSymlinks(out); err == nil {
			t.Errorf("%s: %s exists", tt.name, out)
		}
	}
	for _, want := range []int{0, 1} {
		if got, status := ringback(t, text, "import", "ios", "-", "--out", out); status != want {
			t.Errorf("status %d, want %d: %s", status, want, got)
		}
	}
}

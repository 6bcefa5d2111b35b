package chat

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// peer is the expected behavior of a program with one script, written by hand from the manuals.
type peer struct {
	sent    string
	outcome Outcome
	rc      int // exit status of pppd's chat: 0 success, 3 timeout, 4 the first ABORT string, 5 the second …
}

// TestPeerChat runs scripts that are valid in both grammars with pppd's chat and with Run, against the same modem. If
// the two differ, the row says how, and has a separate expectation for pppd.
func TestPeerChat(t *testing.T) {
	chat := needChat(t)
	modem := []rule{
		{"ATZ\r", "\r\nOK\r\n"},
		{"AT Z\r", "\r\nOK\r\n"},
		{"ATDT1\r", "\r\nCONNECT 9600\r\n"},
		{"ATDT2\r", "\r\nBUSY\r\n"},
		{"ATDT3\r", "\r\nNO CARRIER\r\n"},
		{"ATDT84001\r", "\r\nCONNECT\r\n"},
		{"ATDT 84001\r", "\r\nCONNECT\r\n"},
		{"me\r", "\r\nPassword: "},
	}
	ok := func(sent string) peer { return peer{sent, Success, 0} }
	late := func(sent string) peer { return peer{sent, TimedOut, 3} }
	for _, c := range []struct {
		name, script string
		first        string // sent by the modem before any input
		want         peer
		differs      string // how pppd's chat differs
		pppd         *peer  // its expected behavior; nil: the same
		pppdScript   string // the equivalent script in its grammar; "": the same text
	}{
		{name: "dial", script: `ABORT ERROR ABORT BUSY "" ATZ OK ATDT1 CONNECT \c`, want: ok("ATZ\rATDT1\r")},
		{name: "document 5732", script: `ABORT ERROR ABORT BUSY "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c`,
			want: ok("ATZ\rATDT 84001\r")},
		{name: "dial string in a word", script: `"" ATDT\T CONNECT \c`, want: ok("ATDT84001\r")},
		{name: "first abort", script: `ABORT BUSY ABORT "NO CARRIER" "" ATZ OK ATDT2 CONNECT \c`,
			want: peer{"ATZ\rATDT2\r", Aborted, 4}},
		{name: "second abort", script: `ABORT BUSY ABORT "NO CARRIER" "" ATZ OK ATDT3 CONNECT \c`,
			want: peer{"ATZ\rATDT3\r", Aborted, 5}},
		{name: "third abort", script: `ABORT A1 ABORT A2 ABORT BUSY "" ATDT2 CONNECT \c`,
			want: peer{"ATDT2\r", Aborted, 6}},
		{name: "abort never seen is none", script: `ABORT SINK TIMEOUT 1 "" ATDT2 CONNECT \c`, want: late("ATDT2\r")},
		{name: "stale abort", first: "NO CARRIER\r\n", script: `ABORT "NO CARRIER" "" ATZ OK \c`,
			want: peer{"ATZ\r", Aborted, 4}},
		{name: "timeout", script: `TIMEOUT 1 "" ATX OK \c`, want: late("ATX\r")},
		{name: "sub-expect", script: `TIMEOUT 1 "" ATX OK-ATZ-OK done\c`, want: ok("ATX\rATZ\rdone")},
		{name: "two sub-expects", script: `TIMEOUT 1 "" ATX OK-ATY-OK-ATZ-OK done\c`, want: ok("ATX\rATY\rATZ\rdone")},
		{name: "sub-expects in vain", script: `TIMEOUT 1 "" ATX OK-ATY-OK-ATX-OK done\c`,
			want: late("ATX\rATY\rATX\r")},
		{name: "sub-expect not needed", first: "ogin: ", script: `ogin:-BREAK-ogin: me ssword: secret`,
			want: ok("me\rsecret\r")},
		{name: "empty sub-send", script: `TIMEOUT 1 ogin:--ogin: me`, want: late("\r")},
		{name: "sub-send without sub-expect", script: `TIMEOUT 1 OK-ATX done\c`, want: ok("ATX\rdone")},
		{name: "break for a sub-send", script: `TIMEOUT 1 ogin:-BREAK-ogin: me`, want: late("")},
		{name: "empty send", first: "login: ", script: `ogin: ""`, want: ok("\r")},
		{name: "nothing sent", first: "login: ", script: `ogin: \c`, want: ok("")},
		{name: "empty expect does not wait", script: `"" ATX "" ATY`, want: ok("ATX\rATY\r")},
		{name: "ends in an expect", script: `"" ATZ OK`, want: ok("ATZ\r")},
		{name: "words in quotes", script: `"" "AT Z" "OK" \c`, want: ok("AT Z\r")},
		{name: "characters", script: `"" a\sb\tc\\d\nE`, want: ok("a b\tc\\d\nE\r")},
		{name: "return in a send", script: `"" a\rb\c`, want: ok("a\rb")},
		{name: "null", script: `"" \N\c`, want: ok("\x00")},
		{name: "octal", script: `"" \044HOME\101\c`, want: ok("$HOMEA")},
		{name: "control", first: "x", script: `x ^Cq^[\c`, want: ok("\x03q\x1b")},
		{name: "eot", script: `"" EOT`, want: ok("\x04")},
		{name: "break", script: `"" BREAK`, want: ok("")},
		{name: "break and pause in a send", script: `"" a\pb\Kc\c`, want: ok("abc")},
		{name: "return in an expect", script: `"" ATDT1 CONNECT\s9600\r\n \c`, want: ok("ATDT1\r")},
		{name: "hyphen in a send", script: `"" AT-X`, want: ok("AT-X\r")},
		{name: "case counts", first: "ok", script: `TIMEOUT 1 OK x`, want: late("")},
		{name: "self-overlap", first: "aabaabaaab", script: `TIMEOUT 1 aabaaab x\c`, want: ok("x")},

		{name: "default timeout", script: `"" ATX OK`, want: late("ATX\r"),
			differs: "the default TIMEOUT is 45 s there and 5 s here", pppdScript: `TIMEOUT 5 "" ATX OK`},
		{name: "delay", script: `"" a\db\c`, want: ok("ab"),
			differs: `\d is 1 s there and 2 s here (TestPeerChatTimes)`},
		{name: "quotes", script: `"" "don't"`, want: ok("don't\r"),
			differs:    "single quotes group words there; here they are plain inside double quotes and refused outside",
			pppdScript: `'' "don't"`},
		{name: "report", script: `"" ATDT1 CONNECT \c`, want: ok("ATDT1\r"),
			differs:    "REPORT is refused here: the transcript has the line",
			pppdScript: `REPORT CONNECT "" ATDT1 CONNECT \c`},
		{name: "clear abort", script: `"" ATDT2 BUSY \c`, want: ok("ATDT2\r"),
			differs:    "CLR_ABORT is refused here: an ABORT stays",
			pppdScript: `ABORT BUSY CLR_ABORT BUSY "" ATDT2 BUSY \c`},
		{name: "say", script: `"" ATZ OK`, want: ok("ATZ\r"),
			differs: "SAY, ECHO and HANGUP are refused here", pppdScript: `ECHO OFF HANGUP OFF SAY "hello" "" ATZ OK`},
		{name: "backspace", script: `"" a\010\c`, want: ok("a\b"), differs: `\b is refused here`,
			pppdScript: `"" a\b\c`},
		{name: "hyphen", first: "a-b", script: `a\055b x\c`, want: ok("x"),
			differs: `\- is refused here, \055 does the same in both`, pppdScript: `a\-b x\c`},
		{name: "abort and expect end together", first: "NO CARRIER", script: `ABORT "NO CARRIER" CARRIER x\c`,
			want:    peer{"", Aborted, 0},
			differs: "where both end with one octet the ABORT wins here, the expect there",
			pppd:    &peer{sent: "x", rc: 0}},
		{name: "abort across two expects", first: "NO CARRIER OK", script: `ABORT "NO CARRIER" NO \c OK x\c`,
			want: peer{"", Aborted, 0},
			differs: "Run recognizes an ABORT string split by an expect; in pppd's chat each expect starts the " +
				"search again",
			pppd: &peer{sent: "x", rc: 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conn, end := connect(&fakeModem{first: c.first, rules: modem})
				res := mustScript(t, "x", c.script).Run(t.Context(), conn, Options{Dialstring: number("84001")})
				if got := end(); got != c.want.sent || res.Outcome != c.want.outcome {
					t.Errorf("ours sent %q, %s; want %q, %s\n%s", got, res.Outcome, c.want.sent, c.want.outcome,
						texts(res.Transcript))
				}
			})
			want, script := c.want, c.script
			if c.pppd != nil {
				want = *c.pppd
			}
			if c.pppdScript != "" {
				script = c.pppdScript
			}
			got, _ := runChat(t, chat, script, &fakeModem{first: c.first, rules: modem})
			if got.sent != want.sent || got.rc != want.rc {
				t.Errorf("pppd's chat sent %q, status %d; want %q, %d (%s)", got.sent, got.rc, want.sent, want.rc,
					c.differs)
			}
		})
	}
}

// TestPeerChatTimes checks the pauses: each \d takes one second longer with Run.
func TestPeerChatTimes(t *testing.T) {
	chat := needChat(t)
	theirs := time.Hour
	for range 10 { // a busy machine makes it longer, never shorter
		_, took := runChat(t, chat, `"" \d\c`, &fakeModem{})
		if theirs = min(theirs, took); theirs < 2*time.Second {
			break
		}
	}
	var ours time.Duration
	synctest.Test(t, func(t *testing.T) {
		conn, end := connect(&fakeModem{})
		defer end()
		ours = mustScript(t, "x", `"" \d\c`).Run(t.Context(), conn, Options{}).Elapsed
	})
	if ours != 2*time.Second || theirs < time.Second || theirs >= 2*time.Second {
		t.Errorf(`\d is %v here and %v there`, ours, theirs)
	}
}

func needChat(t *testing.T) string {
	t.Helper()
	path := "/usr/sbin/chat"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatalf("needs pppd's chat: apt-get install ppp: %v", err)
		}
		t.Skip("needs pppd's chat: apt-get install ppp")
	}
	return path
}

// runChat runs pppd's chat on a new PTY with the modem at the other end.
func runChat(t *testing.T, path, script string, m *fakeModem) (peer, time.Duration) {
	t.Helper()
	master, slave := openPTY(t)
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(script+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := master.WriteString(m.first); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-S", "-s", "-T", "84001", "-f", file)
	cmd.Stdin, cmd.Stdout = slave, slave
	var stderr strings.Builder
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 256)
		for {
			n, err := master.Read(buf)
			if say := m.feed(buf[:n]); say != "" {
				_, _ = master.WriteString(say)
			}
			if err != nil {
				return
			}
		}
	})
	err := cmd.Wait()
	took := time.Since(began)
	// Close our descriptor of the slave last: the master then reads the remaining data, and EIO.
	_ = slave.Close()
	wg.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Logf("chat %s: status %d after %v %s", script, cmd.ProcessState.ExitCode(), took, stderr.String())
	return peer{sent: string(m.got), rc: cmd.ProcessState.ExitCode()}, took
}

// openPTY returns the two ends of a new PTY, raw.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("open a PTY: %v", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock the PTY: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("number of the PTY: %v", err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	tio, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
	tio.Cflag = tio.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	tio.Cc[unix.VMIN], tio.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, tio); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

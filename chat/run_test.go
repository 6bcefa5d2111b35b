package chat

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/numbers"
)

var update = flag.Bool("update", false, "rewrite the golden files; then read the diff")

// hayes responds like most modems, with echo off.
func hayes() *fakeModem {
	return &fakeModem{rules: []rule{
		{"ATZ\r", "\r\nOK\r\n"},
		{"ATH1\r", "\r\nOK\r\n"},
		{"ATDT1\r", "\r\nCONNECT 9600\r\n"},
		{"ATDT84001\r", "\r\nCONNECT\r\nhello"},
		{"ATDT2\r", "\r\nBUSY\r\n"},
		{"ATDT3\r", "\r\nNO CARRIER\r\n"},
		{"ATX\r", ""},
		{"AT\r", "\r\nOK\r\n"},
		{"say B", "B"},
	}}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, script string
		dial         string
		first        string // sent by the modem before any input
		sent         string
		outcome      Outcome
		abort        string
		expect       string
		step         int
		elapsed      time.Duration
	}{
		// the rule has no space
		{"dial", `ABORT BUSY "" ATZ OK "ATDT \T" CONNECT \c`, "1", "", "ATZ\rATDT 1\r", TimedOut, "", "CONNECT", 7,
			5 * time.Second},
		{"dial without a space", `"" ATZ OK ATDT\T CONNECT \c`, "1", "", "ATZ\rATDT1\r", Success, "", "", 6, 0},
		{"busy", `ABORT BUSY ABORT "NO CARRIER" "" ATZ OK ATDT\T CONNECT \c`, "2", "", "ATZ\rATDT2\r", Aborted, "BUSY",
			"CONNECT", 9, 0},
		{"no carrier", `ABORT BUSY ABORT "NO CARRIER" "" ATZ OK ATDT\T CONNECT \c`, "3", "", "ATZ\rATDT3\r", Aborted,
			"NO CARRIER", "CONNECT", 9, 0},
		{"default timeout", `"" ATX OK`, "", "", "ATX\r", TimedOut, "", "OK", 3, 5 * time.Second},
		{"timeout is sticky", `TIMEOUT 1 "" ATX NO-ATX-NO-ATX-NO`, "", "", "ATX\rATX\rATX\r", TimedOut, "", "NO", 5,
			3 * time.Second},
		{"timeout changes", `TIMEOUT 1 A-say\sB\c-B \c TIMEOUT 2 C`, "", "", "say B", TimedOut, "", "C", 7,
			3 * time.Second},
		{"alternatives", `TIMEOUT 1 OK-ATX-OK-ATZ-OK done\c`, "", "", "ATX\rATZ\rdone", Success, "", "", 4,
			2 * time.Second},
		{"alternatives unused", `OK-ATX-OK done\c`, "", "OK", "done", Success, "", "", 2, 0},
		{"ends in a send", `TIMEOUT 1 OK-ATX done\c`, "", "", "ATX\rdone", Success, "", "", 4, time.Second},
		{"empty last expect", `TIMEOUT 1 OK-ATX- done\c`, "", "", "ATX\rdone", Success, "", "", 4, time.Second},
		{"empty send", `login: ""`, "", "login: ", "\r", Success, "", "", 2, 0},
		{"nothing sent", `login: \c`, "", "login: ", "", Success, "", "", 2, 0},
		{"substring", `ogin:--ogin: ppp`, "", "Welcome\r\nLogin: ", "ppp\r", Success, "", "", 2, 0},
		{"case counts", `TIMEOUT 1 connect \c`, "", "CONNECT", "", TimedOut, "", "connect", 3, time.Second},
		{"self-overlap", `aabaaab x\c`, "", "aabaabaaab", "x", Success, "", "", 2, 0},
		{"delays", `"" a\db\pc\c`, "", "", "abc", Success, "", "", 2, 2250 * time.Millisecond},
		{"eot", `"" EOT`, "", "", "\x04", Success, "", "", 2, 0},
		{"stale abort", `ABORT "NO CARRIER" "" ATZ OK \c`, "", "NO CARRIER\r\n", "ATZ\r", Aborted, "NO CARRIER", "OK",
			5, 0},
		{"abort during a pause", `ABORT BUSY "" \d\c OK \c`, "", "BUSY", "", Aborted, "BUSY", "OK", 5, 2 * time.Second},
		{"abort set later", `A \c ABORT BUSY B x\c`, "", "BUSY A B", "x", Success, "", "", 6, 0},
		{"abort across expects", `ABORT "NO CARRIER" NO \c OK \c`, "", "NO CARRIER OK", "", Aborted, "NO CARRIER", "OK",
			5, 0},
		{"abort before expect on one octet", `ABORT "NO CARRIER" CARRIER x`, "", "NO CARRIER", "", Aborted,
			"NO CARRIER", "CARRIER", 3, 0},
		{"first abort of two on one octet", `ABORT ARRIER ABORT CARRIER OK`, "", "NO CARRIER", "", Aborted, "ARRIER",
			"OK", 5, 0},
		{"abort has no hyphens", `ABORT NO-CARRIER OK`, "", "NO-CARRIER", "", Aborted, "NO-CARRIER", "OK", 3, 0},
		{"null", `a\Nb x\c`, "", "a\x00b", "x", Success, "", "", 2, 0},
		{"only settings", `ABORT BUSY TIMEOUT 3`, "", "", "", Success, "", "", 3, 0},
		{"no number", `"" ATDT\T`, "", "", "", Refused, "", "", 0, 0},
		{"number of a script that does not dial", `"" ATZ`, "1", "", "ATZ\r", Success, "", "", 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hayes()
				m.first = c.first
				conn, end := connect(m)
				res := mustScript(t, "x", c.script).Run(t.Context(), conn, Options{Dialstring: number(c.dial)})
				synctest.Wait()
				if got := end(); got != c.sent {
					t.Errorf("sent %q, want %q", got, c.sent)
				}
				if res.Outcome != c.outcome || res.Abort != c.abort || res.Expect != c.expect || res.Step != c.step ||
					res.Elapsed != c.elapsed {
					t.Errorf("%s, abort %q, expect %q, step %d after %v (%v)\nwant %s, %q, %q, %d, %v\n%s", res.Outcome,
						res.Abort, res.Expect, res.Step, res.Elapsed, res.Err,
						c.outcome, c.abort, c.expect, c.step, c.elapsed, texts(res.Transcript))
				}
				if (res.Err == nil) != (res.Outcome == Success) {
					t.Errorf("%s with error %v", res.Outcome, res.Err)
				}
			})
		})
	}
}

// Data after the match of the last expect remains in the Conn.
func TestRunReadsNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := connect(hayes())
		defer end()
		res := mustScript(t, "x", `"" AT OK "ATDT\T" CONNECT \c`).Run(t.Context(), conn,
			Options{Dialstring: number("84001")})
		if res.Outcome != Success {
			t.Fatal(res.Err)
		}
		rest := make([]byte, 7)
		if _, err := io.ReadFull(conn, rest); err != nil || string(rest) != "\r\nhello" {
			t.Errorf("%q, %v is left", rest, err)
		}
	})
}

// number returns the Number with these digits; the zero Number if they are not canonical.
func number(digits string) numbers.Dialstring {
	n, _ := numbers.Reread(digits)
	return dialstring(n, "{number}")
}

// dialstring returns what is dialed for a number through a template; none for no number.
func dialstring(n numbers.Number, template string) numbers.Dialstring {
	t, err := numbers.ParseTemplate(template)
	if err != nil {
		panic(err)
	}
	d, _ := numbers.Plan{MaxDigits: numbers.MostDigits}.Dialstring(n, t)
	return d
}

// Without a valid dial string, no octet of the script is sent.
func TestDialstrings(t *testing.T) {
	for _, good := range []string{"1", "84001", strings.Repeat("9", numbers.MostDigits)} {
		c := &memConn{}
		if res := mustScript(t, "x", `"" "ATDT \T"`).Run(t.Context(), c,
			Options{Dialstring: number(good)}); res.Err != nil || len(c.wrote) != 1 || c.wrote[0] != "ATDT "+good+"\r" {
			t.Errorf("%q: %v, wrote %q", good, res.Err, c.wrote)
		}
	}
	for _, bad := range []string{"", "5551234;ATH", ",", "!", "W", "@", "&", "1\r", "1\x00", "٣", "１", "+1", "1 2",
		strings.Repeat("9", 41)} {
		c := &memConn{}
		res := mustScript(t, "x", `"" "ATDT \T"`).Run(t.Context(), c, Options{Dialstring: number(bad)})
		if res.Outcome != Refused || res.Err == nil || len(c.wrote) > 0 || c.reads > 0 {
			t.Errorf("%q: %s, wrote %q", bad, res.Outcome, c.wrote)
		}
	}
}

// A send is one write up to a pause or BREAK, so that a modem receives its command in one piece.
func TestWrites(t *testing.T) {
	c := &memConn{}
	synctest.Test(t, func(t *testing.T) {
		mustScript(t, "x", `"" "ATDT 9,\T;" "" a\Kb "" BREAK`).Run(t.Context(), c, Options{Dialstring: number("84001")})
	})
	want := []string{"ATDT 9,84001;\r", "a", "b\r"}
	if fmt.Sprintf("%q", c.wrote) != fmt.Sprintf("%q", want) || c.breaks != 2 {
		t.Errorf("wrote %q with %d BREAKs", c.wrote, c.breaks)
	}
}

func TestCancel(t *testing.T) {
	carrier := errors.New("the driver saw BUSY")
	for _, c := range []struct{ name, script, sent string }{
		{"in an expect", `"" ATX OK ATZ`, "ATX\r"},
		{"in an alternative", `"" ATX OK-ATZ-OK ATZ`, "ATX\r"},
		{"in a pause", `"" ATX\d\d\d`, "ATX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(3*time.Second, func() { cancel(carrier) })
				conn, end := connect(hayes())
				res := mustScript(t, "x", c.script).Run(ctx, conn, Options{})
				if got := end(); got != c.sent {
					t.Errorf("sent %q", got)
				}
				if res.Outcome != Cancelled || !errors.Is(res.Err, carrier) || res.Elapsed != 3*time.Second {
					t.Errorf("%s after %v: %v", res.Outcome, res.Elapsed, res.Err)
				}
			})
		})
	}
	t.Run("before the start", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(carrier)
		c := &memConn{}
		res := mustScript(t, "x", `"" ATZ`).Run(ctx, c, Options{})
		if res.Outcome != Cancelled || !errors.Is(res.Err, carrier) || len(c.wrote) > 0 {
			t.Errorf("%s, wrote %q: %v", res.Outcome, c.wrote, res.Err)
		}
	})
}

// A modem that accepts no output ends the script at its timeout or at the end of ctx.
func TestDeafModem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipes()
		defer theirs.Close()
		defer ours.Close()
		script := mustScript(t, "x", `TIMEOUT 7 "" ATZ OK`)
		if res := script.Run(t.Context(), ours, Options{}); res.Outcome != TimedOut || res.Elapsed != 7*time.Second {
			t.Errorf("%s after %v: %v", res.Outcome, res.Elapsed, res.Err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if res := script.Run(ctx, ours, Options{}); res.Outcome != Cancelled || res.Elapsed != 2*time.Second {
			t.Errorf("%s after %v: %v", res.Outcome, res.Elapsed, res.Err)
		}
	})
}

func TestLost(t *testing.T) {
	eio := errors.New("input/output error")
	for _, c := range []struct {
		name string
		conn Conn
		want error
	}{
		{"EOF", &memConn{empty: io.EOF}, io.EOF},
		{"EIO", &memConn{empty: eio}, eio},
		{"no deadlines", noDeadlines{&memConn{}}, os.ErrNoDeadline},
		{"reads nothing forever", silent{&memConn{}}, io.ErrNoProgress},
		{"short write", shortWriter{&memConn{}}, io.ErrShortWrite},
	} {
		res := mustScript(t, "x", `"" ATZ OK`).Run(t.Context(), c.conn, Options{})
		if res.Outcome != Lost || !errors.Is(res.Err, c.want) {
			t.Errorf("%s: %s, %v", c.name, res.Outcome, res.Err)
		}
	}
}

type noDeadlines struct{ *memConn }

func (noDeadlines) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

type silent struct{ *memConn }

func (silent) Read([]byte) (int, error) { return 0, nil }

type shortWriter struct{ *memConn }

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

// noisy is a modem with continuous output that ignores deadlines.
type noisy struct {
	memConn
	text string
	n    int
}

func (c *noisy) Read(p []byte) (int, error) {
	p[0] = c.text[c.n%len(c.text)]
	c.n++
	if c.n%1000 == 0 {
		<-time.After(time.Millisecond) // in the bubble's time: 1 MB/s
	}
	return 1, nil
}

// Continuous output ends at the timeout, with a transcript of bounded size.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &noisy{text: "OH NO CARRIE"}
		res := mustScript(t, "x", `ABORT "NO CARRIER" TIMEOUT 2 OK-\c-OK`).Run(t.Context(), c,
			Options{Secrets: []string{"OH"}})
		if res.Outcome != TimedOut || res.Elapsed < 4*time.Second || res.Elapsed > 4*time.Second+10*time.Millisecond {
			t.Errorf("%s after %v", res.Outcome, res.Elapsed)
		}
		if n := len(texts(res.Transcript)); n > 8*keep {
			t.Errorf("the transcript has %d bytes", n)
		}
		if strings.Contains(texts(res.Transcript), "OH") {
			t.Errorf("secret shown:\n%s", texts(res.Transcript))
		}
	})
}

func TestFloodCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res := mustScript(t, "x", `TIMEOUT 60 OK`).Run(ctx, &noisy{text: "x"}, Options{})
		if res.Outcome != Cancelled || res.Elapsed > time.Second+10*time.Millisecond {
			t.Errorf("%s after %v", res.Outcome, res.Elapsed)
		}
	})
}

// Run leaves the Conn without a deadline for its next reader.
func TestDeadlineCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipes()
		defer ours.Close()
		defer theirs.Close()
		mustScript(t, "x", `TIMEOUT 1 OK`).Run(t.Context(), ours, Options{})
		time.AfterFunc(time.Minute, func() { _, _ = theirs.Write([]byte("x")) })
		if _, err := ours.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestBreakThatCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := connect(&fakeModem{first: "OK"})
		defer end()
		conn.breakErr = errors.New("this kind of port has no modem signals")
		res := mustScript(t, "x", `"" BREAK OK \c`).Run(t.Context(), conn, Options{})
		if want := "event BREAK not sent: this kind of port has no modem " +
			"signals\nreceived OK\n"; res.Outcome != Success || texts(res.Transcript) != want {
			t.Errorf("%s:\n%s", res.Outcome, texts(res.Transcript))
		}
	})
}

// A secret is masked everywhere: in what was sent, in an echo split by an expect, in debug lines and in errors.
func TestSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var debug strings.Builder
		conn, end := connect(&fakeModem{first: "Password: ", rules: []rule{{"hunter2\r", "hunter2\r\nbad hunter2"}}})
		res := mustScript(t, "x",
			`TIMEOUT 1 ssword: hun\pter2 hunt \c bad\shunter2 \c ABORT hunter2 hunter2hunter2 \c`).Run(t.Context(),
			conn, Options{
				Secrets: []string{"", "hunter2"},
				Debug:   func(s string) { debug.WriteString(s + "\n") },
			})
		if got := end(); got != "hunter2\r" {
			t.Errorf("sent %q", got)
		}
		const want = `received Password:
sent [secret]
event pause 250ms
sent [secret]\r
received  [secret]
received [secret]\r\n
received bad [secret]
event no [secret] within 1s
`
		if got := texts(res.Transcript); got != want {
			t.Errorf("transcript:\n%s", got)
		}
		all := texts(res.Transcript) + debug.String() + res.Err.Error() + res.Expect + res.Abort
		if res.Outcome != TimedOut || strings.Contains(all, "hunter") || strings.Contains(all, "ter2") {
			t.Errorf("%s, secret shown:\n%s", res.Outcome, all)
		}
	})
}

// TestSecretsOfTheScript: an answer to a prompt for a password, and a send with \q, are masked, sent and echoed.
func TestSecretsOfTheScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var debug strings.Builder
		conn, end := connect(&fakeModem{first: "login: ", rules: []rule{
			{"kim\r", "kim\r\nPassword: "}, {"zx55\r", "zx55\r\nToken: "}, {"4711", "4711\r\n> "}}})
		res := mustScript(t, "x", `ogin: kim assword: zx\p55 oken: 47\q11\c > \c`).Run(t.Context(), conn,
			Options{Debug: func(s string) { debug.WriteString(s + "\n") }})
		if got := end(); got != "kim\rzx55\r4711" || res.Outcome != Success {
			t.Errorf("sent %q: %v", got, res.Err)
		}
		all := texts(res.Transcript) + debug.String()
		for _, secret := range []string{"zx", "55", "47", "11"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s is shown:\n%s", secret, all)
			}
		}
		if strings.Count(all, masked) < 6 || !strings.Contains(all, "kim") {
			t.Errorf("not masked, or too much:\n%s", all)
		}
	})
}

// Each entry has the time at which its own text arrived, not the start of the expect that read it: the rest of the OK
// arrives with the echo, and the telephone rings for 11 seconds.
func TestTranscriptTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipes()
		defer ours.Close()
		defer theirs.Close()
		go io.Copy(io.Discard, theirs)
		go func() {
			for _, say := range []struct {
				after time.Duration
				text  string
			}{
				{time.Second, "AT\r\r\nOK\r\n"}, {time.Second, "ATDT84001\r\r\n"}, {11 * time.Second, "\r\nRI"},
				{200 * time.Millisecond, "NG\r\n"},
				{20 * time.Millisecond, "\r\nCONNECT 33600\r\n"},
			} {
				<-time.After(say.after)
				theirs.Write([]byte(say.text))
			}
		}()
		res := mustScript(t, "x", `"" AT OK ATDT\T TIMEOUT 60 "CONNECT 33600" \c`).Run(t.Context(), ours,
			Options{Dialstring: number("84001")})
		var got strings.Builder
		for _, e := range res.Transcript {
			fmt.Fprintf(&got, "%.3f %s %s\n", e.At.Seconds(), e.Dir, e.Text)
		}
		const want = `0.000 sent AT\r
1.000 received AT\r\r\n
1.000 received OK
1.000 sent ATDT84001\r
1.000 received \r\n
2.000 received ATDT84001\r\r\n
13.000 received \r\nRING\r\n
13.220 received \r\nCONNECT 33600
`
		if got.String() != want {
			t.Errorf("%v\n%s", res.Err, got.String())
		}
	})
}

// Continuous output does not fill the memory: its beginning and end are kept, and the end has its own time.
func TestTranscriptOfNoise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipes()
		defer ours.Close()
		defer theirs.Close()
		go func() {
			for range 1000 {
				theirs.Write([]byte("0123456789abcd\r\n"))
				<-time.After(10 * time.Millisecond)
			}
			theirs.Write([]byte("CONNECT"))
		}()
		es := mustScript(t, "x", `TIMEOUT 60 CONNECT \c`).Run(t.Context(), ours, Options{}).Transcript
		if n := len(es); n != 65 { // 32 lines of 16 octets, the rest of a line, 31 lines, CONNECT
			t.Errorf("%d entries", n)
		}
		if last := es[len(es)-1]; last.At != 10*time.Second || last.Text != "CONNECT" {
			t.Errorf("the last entry: %+v", last)
		}
		i := slices.IndexFunc(es, func(e Entry) bool { return strings.Contains(e.Text, " […14983 octets…] ") })
		if i != 32 {
			t.Fatalf("the omitted part is in entry %d", i)
		}
		if at := es[i].At; at != 9680*time.Millisecond { // line 968, the first line in the kept end
			t.Errorf("the part after it has the time %v", at)
		}
	})
}

// The transcripts of the two scripts in Cisco's document 5732, with a modem that echoes.
func TestDocument5732(t *testing.T) {
	var b strings.Builder
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModem{rules: []rule{
			{"ATH1\r", "ATH1\r\r\nOK\r\n"},
			{"ATDT 84001\r", "ATDT 84001\r\r\nCONNECT 33600\r\n"},
			{"AT\r", "AT\r\r\nOK\r\n"},
		}}
		conn, end := connect(m)
		defer end()
		for _, c := range []struct{ name, script, dial string }{
			{"offhook", `"" "ATH1" OK`, ""},
			{"rtp", `ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c`, "84001"},
		} {
			fmt.Fprintf(&b, "chat-script %s %s\n", c.name, c.script)
			res := mustScript(t, c.name, c.script).Run(t.Context(), conn, Options{
				Dialstring: number(c.dial),
				Debug:      func(s string) { fmt.Fprintf(&b, "  debug     %s\n", s) },
			})
			for _, e := range res.Transcript {
				fmt.Fprintf(&b, "  %-9s %s\n", e.Dir, e.Text)
			}
			fmt.Fprintf(&b, "  %s\n", res.Outcome)
			synctest.Wait()
		}
	})
	golden(t, "cisco-5732.golden", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (run with -update, then read the diff):\n%s", path, got)
	}
}

func TestTranscriptIsBounded(t *testing.T) {
	c := &memConn{}
	c.in.WriteString("begin " + strings.Repeat("\x01", 100_000) + " end OK")
	res := mustScript(t, "x", `OK \c`).Run(t.Context(), c, Options{})
	text := ""
	for _, e := range res.Transcript {
		text += e.Text
	}
	if !strings.HasPrefix(text, `begin \001\001`) || !strings.HasSuffix(text, `\001 end OK`) ||
		!strings.Contains(text, " […98989 octets…] ") || len(text) > 5*2*keep {
		t.Errorf("%.60s … %s", text, text[len(text)-60:])
	}
}

// A run does not keep its whole input: a MiB from the modem takes almost no memory.
func TestMemoryIsBounded(t *testing.T) {
	c := &counted{left: 1 << 20}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	mustScript(t, "x", `ABORT BUSY ABORT ERROR OK`).Run(t.Context(), c, Options{Secrets: []string{"abc"}})
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 256<<10 {
		t.Errorf("%d bytes were allocated", used)
	}
}

type counted struct {
	memConn
	left int
}

func (c *counted) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	c.left--
	p[0] = byte(c.left)
	return 1, nil
}

// One Script runs on many lines at the same time (for the race detector).
func TestManyLines(t *testing.T) {
	s := mustScript(t, "x", `ABORT BUSY "" AT OK ATDT\T CONNECT \c`)
	done := make(chan Result)
	for range 8 {
		go func() {
			done <- s.Run(t.Context(), &memConn{modem: *hayes()}, Options{Dialstring: number("84001")})
		}()
	}
	for range 8 {
		if res := <-done; res.Outcome != Success {
			t.Error(res.Err)
		}
	}
}

// What a dial command has besides the dial string.
func TestAdds(t *testing.T) {
	for script, want := range map[string]string{
		`"" "ATDT \T" CONNECT \c`: "", `"" "ATD\T" CONNECT \c`: "", `"" "atdp\T" CONNECT \c`: "",
		`"" ATDT9,\T CONNECT \c`: "9,", `"" "ATDT \T;" OK`: ";", `"" "ATX3DT 0W\T,,12" CONNECT`: "0W,,12",
		`ABORT BUSY "" ATZ OK ATH1`: "", `"" "ATDT911\c" "" "\T" CONNECT \c`: "911",
	} {
		if got := mustScript(t, "x", script).Adds(); got != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
}

// \L and \P log on to the other side of a call, with the name and the secret that Run is given, and without these send
// nothing: no modem gets them. The transcript and the debug lines have the secret nowhere, sent or echoed.
func TestLogsOn(t *testing.T) {
	s, err := Parse("logon", `ogin: \L ssword: \P\d come`)
	if err != nil {
		t.Fatal(err)
	}
	for _, as := range []As{{}, {Name: "maui", Secret: "pa55word"}} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			var said strings.Builder
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer far.Close()
				in := bufio.NewReader(far)
				for _, prompt := range []string{"login:", "Password:"} {
					if _, err := io.WriteString(far, prompt); err != nil {
						return
					}
					line, err := in.ReadString('\r')
					said.WriteString(line)
					if err != nil {
						return
					}
				}
				io.WriteString(far, "pa55word\r\nwelcome")
			}()
			var debug strings.Builder
			res := s.Run(t.Context(), noBreak{near}, Options{As: as,
				Debug: func(text string) { debug.WriteString(text + "\n") }})
			near.Close()
			<-done
			if as == (As{}) {
				if res.Outcome != Refused || said.Len() > 0 || !errors.Is(res.Err, errNobody) {
					t.Errorf("without a name: %s %v, sent %q", res.Outcome, res.Err, said.String())
				}
				return
			}
			if res.Outcome != Success || said.String() != "maui\rpa55word\r" {
				t.Errorf("%s %v, sent %q", res.Outcome, res.Err, said.String())
			}
			all := debug.String() + fmt.Sprint(res.Transcript)
			if strings.Contains(all, "pa55word") || !strings.Contains(all, `\L<maui>`) || !strings.Contains(all, `\P<[secret]>`) {
				t.Errorf("shown: %s", all)
			}
		})
	}
	if !s.logsOn() {
		t.Error("the script logs on")
	}
}

type noBreak struct{ net.Conn }

func (noBreak) Break(time.Duration) error { return errors.New("no BREAK") }

package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// crashCall is one system call in strace's log. Begin and end are line numbers of the log, which is in order of time.
type crashCall struct {
	name       string
	args       string // as strace wrote them, without "<unfinished ...>"
	begin, end int
	ok         bool // returned without an error
}

var (
	crashBegun   = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	crashResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	crashResult  = regexp.MustCompile(`\) += (-?\d+)`)
)

// parseCrashTrace reads the log of strace -f. It ignores lines that neither begin nor end a call.
func parseCrashTrace(log string) []crashCall {
	var calls []crashCall
	open := map[string]int{} // thread → index of the call it is in
	for n, l := range strings.Split(log, "\n") {
		if m := crashResumed.FindStringSubmatch(l); m != nil {
			if i, ok := open[m[1]]; ok && calls[i].name == m[2] {
				calls[i].finish(m[3], n)
				delete(open, m[1])
			}
			continue
		}
		m := crashBegun.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		args, unfinished := strings.CutSuffix(strings.TrimRight(m[3], " "), "<unfinished ...>")
		c := crashCall{name: m[2], args: args, begin: n, end: -1}
		if unfinished {
			open[m[1]] = len(calls)
		} else {
			c.finish(args, n)
		}
		calls = append(calls, c)
	}
	return calls
}

// finish parses the part of the line with the result: the last match, in case the data looks like one too.
func (c *crashCall) finish(rest string, line int) {
	c.end = line
	if all := crashResult.FindAllStringSubmatch(rest, -1); all != nil {
		c.ok = !strings.HasPrefix(all[len(all)-1][1], "-")
	}
}

func TestCrashTraceParser(t *testing.T) {
	calls := parseCrashTrace(`12 write(5<socket:[1]>, "a) = 3", 6 <unfinished ...>
13 fsync(7</s/journal.db-wal> <unfinished ...>
12 <... write resumed>) = 6
13 <... fsync resumed>)              = 0
13 fsync(7</s/x>) = -1 EIO (Input/output error) (INJECTED)
12 --- SIGURG {si_signo=SIGURG} ---
12 write(5, "b", 1) = 1
13 <... futex resumed>) = 0
13 fsync(7</s/x>) = ?
13 +++ killed by SIGKILL +++`)
	want := []crashCall{
		{"write", `5<socket:[1]>, "a) = 3", 6 `, 0, 2, true},
		{"fsync", `7</s/journal.db-wal> `, 1, 3, true},
		{"fsync", `7</s/x>) = -1 EIO (Input/output error) (INJECTED)`, 4, 4, false},
		{"write", `5, "b", 1) = 1`, 6, 6, true},
		{"fsync", `7</s/x>) = ?`, 8, 8, false},
	}
	if fmt.Sprint(calls) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant\n%+v", calls, want)
	}
}

// TestPeerCrashOrder traces one callback with strace: what is written to the journal, when it is on the disk, and when
// what is sent to the modems.
func TestPeerCrashOrder(t *testing.T) {
	strace := crashStrace(t)
	for _, w := range []crashWorld{{name: "RFC 2217"}, {name: "TCP", tcp: true},
		{name: "two attempts", max: 2, busy: 1}} {
		t.Run(w.name, func(t *testing.T) {
			town := newCrashTown(t, w)
			log := filepath.Join(town.dir, "strace")
			d := town.start(t, strace, "-D", "-f", "--seccomp-bpf", "-y", "-s", "5000", "-o", log,
				"-e", "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg")
			if err := town.play(d); err != nil {
				t.Fatal(err, town.story(d))
			}
			if err := d.stop(); err != nil {
				t.Fatal(err)
			}
			text, err := crashTrace(log, d.cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			records, err := town.records()
			if err != nil || len(records) != 1 {
				t.Fatal(err, records)
			}
			o := crashOrder{t, parseCrashTrace(text)}
			id := records[0].ID
			told := o.first(0, "the promise to the caller", toModem, "Callback initiated")
			o.durableBefore(told, "the promise", `"phase\":\"promised`, id)
			after := 0
			for _, a := range records[0].attempts {
				dial := o.first(after, "the first octet of the dial command", toModem, "ATDT")
				o.durableBefore(dial, fmt.Sprintf("attempt %d", a.N), `phase\":\"dialing\"`,
					fmt.Sprintf("attempt %d of", a.N), id)
				after = dial.end + 1
			}
			if n := len(records[0].attempts); n != w.orOne() {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

type crashOrder struct {
	t     *testing.T
	calls []crashCall
}

func toModem(c crashCall) bool {
	return strings.Contains(c.args, "<socket:") || strings.Contains(c.args, "<TCP:")
}
func toJournal(c crashCall) bool { return strings.Contains(c.args, "journal.db-wal>") }

// first is the first call that begins at or after a line of the log, goes to the wanted file, and has all the texts in
// it.
func (o crashOrder) first(from int, what string, where func(crashCall) bool, texts ...string) crashCall {
	o.t.Helper()
next:
	for _, c := range o.calls {
		if c.begin < from || !where(c) {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(c.args, text) {
				continue next
			}
		}
		return c
	}
	o.t.Fatalf("%s: no such call in strace's log", what)
	return crashCall{}
}

// durableBefore checks that the journal's write was synced, and that the sync had returned 0, before the call c began.
func (o crashOrder) durableBefore(c crashCall, what string, texts ...string) {
	o.t.Helper()
	row := o.first(0, "writing "+what, toJournal, texts...)
	for _, s := range o.calls {
		if strings.HasSuffix(s.name, "sync") && toJournal(s) && s.ok && s.begin > row.end {
			if s.end >= c.begin {
				break
			}
			o.t.Logf("%s: written in line %d, synced in lines %d-%d, sent in line %d of strace's log", what, row.end+1,
				s.begin+1, s.end+1, c.begin+1)
			return
		}
	}
	o.t.Errorf("%s was not on the disk before line %d of strace's log sent it: %.200s", what, c.begin+1, c.args)
}

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashStrace is strace's path. It skips the test if strace is missing or not permitted to trace.
func crashStrace(t *testing.T) string {
	t.Helper()
	skip := t.Skip
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		skip = t.Fatal
	}
	path, err := exec.LookPath("strace")
	if err != nil {
		skip("needs strace: apt-get install strace")
	}
	if out, err := exec.Command(path, "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		skip(fmt.Sprintf("needs ptrace, which is not permitted here: %v %s", err, out))
	}
	return path
}

func crashLong() bool { return os.Getenv("RINGBACK_LONG") == "1" }

// crashWorlds are the towns whose crash points are enumerated: three in each run, all of them in a long one.
var crashWorlds = []crashWorld{
	{name: "no-verify"},
	{name: "busy first, login, two attempts", max: 2, busy: 1, verify: true},
	{name: "PPP", ppp: true, verify: true},
	{name: "one line, stays off hook", lines: 1, staysOffHook: true, verify: true},
	{name: "always busy, two attempts", max: 2, busy: -1},
	{name: "always busy", busy: -1},
	{name: "two attempts", max: 2},
	{name: "stays off hook, two attempts", max: 2, staysOffHook: true},
	{name: "TCP", tcp: true, lines: 1},
	{name: "TCP, stays off hook", tcp: true, lines: 1, staysOffHook: true},
	{name: "TCP, stays off hook, two attempts", tcp: true, max: 2, staysOffHook: true, verify: true},
}

// TestPeerCrashPoints kills the daemon at its first sync, at its second, and so on through the whole life of a
// callback, including start and shutdown. It ends when strace finds no further sync to kill at. A usual run has every
// second sync, the others the next day.
func TestPeerCrashPoints(t *testing.T) {
	strace := crashStrace(t)
	worlds, first, step := crashWorlds, 1, 1
	if !crashLong() {
		worlds, first, step = worlds[1:4], 1+time.Now().YearDay()%2, 2
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel() // these tests mostly wait
			start := time.Now()
			n, off := crashEnumerate(t, w, strace, "fsync,fdatasync", first, step)
			if n < 10 && !t.Failed() {
				t.Errorf("a life of %d syncs is not possible", n)
			}
			if (off > 0) != w.staysOffHook && !t.Failed() {
				t.Errorf("%d daemons found a modem off hook", off)
			}
			t.Logf("crash points %d to %d by %d in %v, %d times a modem was found off hook", first, n, step,
				time.Since(start).Round(time.Second), off)
		})
	}
}

// TestPeerCrashBetween kills at writes to the journal and to the modems, so also right after a sync.
func TestPeerCrashBetween(t *testing.T) {
	strace := crashStrace(t)
	step, worlds := 12, crashWorlds[:1]
	if crashLong() {
		step, worlds = 1, crashWorlds[:4]
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			n, _ := crashEnumerate(t, w, strace, "pwrite64", 1, step)
			t.Logf("the journal's thread writes %d times", n)
			n, _ = crashEnumerate(t, w, strace, "write", 2, (step+2)/3)
			t.Logf("no thread writes more than %d times", n)
		})
	}
}

// crashEnumerate plays a life and kills it at the n-th of the calls that a thread makes, for n = first, first+step, …
// two at a time if they can, until lives have fewer calls. No two lives commit alike, because writes that wait together
// are one commit. So a few more n after the last hit are tried, and a sync that one life did not have, although another
// had a later one, is tried again until it is hit. It returns the last n that was hit, and how often a daemon found a
// modem off hook.
func crashEnumerate(t *testing.T, w crashWorld, strace, calls string, first, step int) (last, offHook int) {
	t.Helper()
	const most, beyond, tries = 1000, 4, 8
	var mu sync.Mutex
	next, whole := first, most // whole: the least n that a life did not have
	var missed []int
	play := func(n int) (hit bool) {
		town := newCrashTown(t, w)
		hit, err := town.life(t, strace, calls, n)
		met, _ := town.provenOnHook()
		if err != nil {
			t.Errorf("killed at %s number %d: %v", calls, n, err)
		}
		mu.Lock()
		defer mu.Unlock()
		offHook += met
		if hit {
			last = max(last, n)
		}
		return hit
	}
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		n := next
		next += step
		return n, n < min(max(whole, last)+beyond*step, most) && !t.Failed()
	}
	workers := 2
	if w.pppd != "" {
		workers = 1 // a network namespace has one tty65
	}
	var both sync.WaitGroup
	for range workers {
		both.Go(func() {
			for n, ok := take(); ok; n, ok = take() {
				if play(n) {
					continue
				}
				mu.Lock()
				missed, whole = append(missed, n), min(whole, n)
				mu.Unlock()
			}
		})
	}
	both.Wait()
	if whole == most && !t.Failed() {
		t.Errorf("no end after %d times %s", most, calls)
	}
	for _, n := range missed {
		hit := n > last || !strings.Contains(calls, "sync") // other calls may come from any thread
		for try := 0; !hit && try < tries && !t.Failed(); try++ {
			hit = play(n)
		}
		if !hit && !t.Failed() {
			t.Errorf("%d lives had fewer than %d times %s, another one %d", tries+1, n, calls, last)
		}
	}
	return last, offHook
}

// life is one callback's life with a daemon that is killed at the n-th call, and its life with the next daemon. false:
// it was not killed.
func (town *crashTown) life(t *testing.T, strace, calls string, n int) (hit bool, err error) {
	log := filepath.Join(town.dir, "strace")
	first := town.start(t, strace, "-D", "-f", "-y", "-o", log, "-e", "trace="+calls, "-e",
		fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, n))
	var second *crashDaemon
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, town.story(first, second))
		}
	}()
	if err := town.play(first); err != nil && !errors.Is(err, errCrashEnded) {
		return false, err
	}
	if err := first.stop(); err != nil {
		return false, err
	}
	trace, err := crashTrace(log, first.cmd.Process.Pid)
	if err != nil {
		return false, err
	}
	hit = first.killed()
	if err := crashHit(trace, town.crashWorld.state, n, hit); err != nil {
		return hit, err
	}
	dials := len(town.lineDials())
	if !hit {
		if _, _, sessions, _ := town.callers[0].saw(); (sessions == 0) != (town.busy < 0) {
			return false, fmt.Errorf("a whole life with %d sessions", sessions)
		}
		return false, town.witness()
	}
	promised := 0
	if heard, _, _, _ := town.callers[0].saw(); heard > 0 {
		promised = 1
	}
	second, err = town.mend(t, promised)
	if d := len(town.lineDials()); err == nil && promised == 1 && d == 0 {
		// Only a crash between the attempt's record and its dial may cost the one promised call.
		records, _ := town.records()
		if len(records) != 1 || records[0].Attempts != town.max {
			return true, fmt.Errorf("a promise was seen, nothing was dialed, and no crash has used the budget "+
				"(%d dials before)", dials)
		}
	}
	return true, err
}

func (w crashWorld) orOne() int { return max(w.max, 1) }

// play has the first caller call, and waits until their callback has ended and the line is free. The daemon may end at
// any time.
func (town *crashTown) play(d *crashDaemon) error {
	if err := d.ready(); err != nil {
		return err
	}
	c := town.callers[0]
	c.call()
	select {
	case <-c.over:
	case <-d.ended:
		return errCrashEnded
	case <-time.After(patience):
		return fmt.Errorf("the caller's call did not end within %v", patience)
	}
	return d.rest(1)
}

// crashTrace is strace's log once it contains the end of process pid: the tracer is not a child of the test and ends a
// moment later.
func crashTrace(path string, pid int) (string, error) {
	last := regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\+\+\+ (killed|exited)`, pid))
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 12000 { // a minute
		b, err := os.ReadFile(path)
		if err == nil && last.Match(b) {
			return string(b), nil
		}
		<-tick.C
	}
	return "", errors.New("strace's log has no end")
}

// crashHit compares strace's log with its orders. strace counts the calls of each kind per thread: the thread that was
// killed reached n, and no other thread made more. All syncs of the journal come from one thread and are of one kind;
// otherwise counting to n would miss some of them. What other parts sync (line records, the audit's seals, the note of
// the CDR) are files that are replaced whole.
func crashHit(trace, state string, n int, hit bool) error {
	made, syncs := map[string]int{}, map[string]int{}
	most := 0
	for _, l := range strings.Split(trace, "\n") {
		f := strings.Fields(l)
		if len(f) < 2 || !strings.Contains(f[1], "(") {
			continue // a resumed call, a signal, an end
		}
		call, _, _ := strings.Cut(f[1], "(")
		who := f[0] + " " + call
		if hit && most == n {
			break // dying threads show the registers of the thread that strace looked at before
		}
		made[who]++
		most = max(most, made[who])
		if strings.HasSuffix(call, "sync") && strings.Contains(l, "<"+filepath.Join(state, "journal.")) {
			syncs[who]++
		}
	}
	switch {
	case hit && most != n:
		return fmt.Errorf("killed, but the busiest thread has made %d calls", most)
	case !hit && most >= n:
		return fmt.Errorf("not killed, though a thread has made %d calls", most)
	case len(syncs) > 1:
		return fmt.Errorf("syncs are of several kinds, or come from several threads: %v\n%s", syncs, trace)
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// pppd's share of the memory and the CPU of ringback's PPP may be 1/14 and 1/10: the daemon has one process for all.
const (
	pppMemoryGoal = 14
	pppCPUGoal    = 10
)

var (
	frameResult = regexp.MustCompile(`(?m)^BenchmarkFrame/(\w+)(?:-\d+)?\s.*?([\d.]+) MB/s-best\s+([\d.]+) x/octetwise`)
	copyResult  = regexp.MustCompile(`(?m)^BenchmarkPTY(?:-\d+)?\s.*?([\d.]+) ns/octet\s+([\d.]+) x/copy`)
)

// frames compares PPP's framing with octet-wise table code, and a session on a PTY with a plain copy. The benchmarks
// alternate the two.
func (b *bench) frames(ctx context.Context) error {
	out, err := b.goBench(ctx, "./ppp/hdlc", "^BenchmarkFrame$")
	if err != nil {
		return err
	}
	goals := map[string]float64{"random": 2, "text": 2, "flags": 1}
	for _, m := range frameResult.FindAllStringSubmatch(out, -1) {
		goal, ok := goals[m[1]]
		if !ok {
			continue
		}
		ratio, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return err
		}
		delete(goals, m[1])
		b.add(row{figure: "PPP frames of 1,500 octets, " + m[1], ours: m[2] + " MB/s",
			peer: "a table entry for each octet", ratio: times(ratio),
			goal: fmt.Sprintf("≥ %.0f", goal), verdict: hold(ratio >= goal),
			note: "encode, FCS, decode; the fastest batches"})
	}
	if len(goals) > 0 {
		return fmt.Errorf("the benchmark of ppp/hdlc printed no result for %v: %s", goals, out)
	}
	if out, err = b.goBench(ctx, "./session/ppp", "^BenchmarkPTY$"); err != nil {
		return err
	}
	m := copyResult.FindStringSubmatch(out)
	if m == nil {
		return fmt.Errorf("the benchmark of session/ppp printed no result: %s", out)
	}
	ratio, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return err
	}
	b.add(row{figure: "CPU of an octet of PPP received", ours: m[1] + " ns", peer: "a copy from the PTY to /dev/null",
		ratio: times(ratio), goal: "≤ 2", verdict: hold(ratio <= 2), port: "pty"})
	return nil
}

// goBench runs a benchmark of a package in a process of its own and returns what it printed.
func (b *bench) goBench(ctx context.Context, pkg, name string) (string, error) {
	binary := b.path("bench.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, pkg)
	build.Dir = b.source
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c %s: %w: %s", pkg, err, out)
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.bench", name)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "TMPDIR="+b.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the benchmark of %s: %w: %s", pkg, err, out)
	}
	return string(out), nil
}

// pppTown starts a town and a daemon with so many lines that serve PPP, each with a caller. The caller stops both.
func (b *bench) pppTown(ctx context.Context, lines int) (*other, *daemon, error) {
	town, err := b.startTown(ctx, append(townArgs(lines, 0, lines, "tcp", false), "-echo")...)
	if err != nil {
		return nil, nil, err
	}
	d, err := b.startDaemon(ctx, plan{Dir: b.path(fmt.Sprintf("ppp-%d", lines)), Kind: "tcp", CallIn: town.Lines,
		Users: lines, PPP: true, Echo: town.Echo})
	if err != nil {
		town.stop()
		return nil, nil, err
	}
	return town, d, nil
}

// pppMemory compares the memory of one more session, its line included, with a pppd.
func (b *bench) pppMemory(ctx context.Context) error {
	pppd, why, err := b.pppdPSS(ctx)
	if err != nil {
		return err
	}
	var kib [2]int
	n := b.sizes.pppSessions
	for i, sessions := range n {
		if kib[i], err = b.pppHeld(ctx, sessions); err != nil {
			return err
		}
		b.say("%d PPP sessions: PSS %d KiB", sessions, kib[i])
	}
	each := float64(kib[1]-kib[0]) / float64(n[1]-n[0])
	r := row{figure: "memory of a PPP session", ours: fmt.Sprintf("%.1f KiB", each), port: "tcp", verdict: info,
		goal: fmt.Sprintf("≤ 1/%d", pppMemoryGoal),
		note: fmt.Sprintf("with its line, echoes each 10 s: PSS %d KiB at %d sessions, %d KiB at %d", kib[0], n[0],
			kib[1], n[1])}
	if len(pppd) > 0 {
		ratio := each / pppd.median()
		r.peer, r.ratio, r.verdict = "pppd "+pppd.spread("%.0f", "KiB"), times(ratio), hold(ratio <= 1.0/pppMemoryGoal)
	} else {
		r.note += "; peer skipped: needs " + why
	}
	b.add(r)
	return nil
}

// pppHeld returns the daemon's PSS in KiB while that many sessions are held.
func (b *bench) pppHeld(ctx context.Context, sessions int) (kib int, err error) {
	town, d, err := b.pppTown(ctx, sessions)
	if err != nil {
		return 0, err
	}
	defer town.stop()
	defer d.stop()
	ended := make(chan error, 1)
	go func() {
		r, err := town.load(wire.Load{Callers: sessions, For: b.sizes.pppIdle, PPP: &wire.PPP{Stagger: pppStagger}})
		if err == nil && r.Failed > 0 {
			err = fmt.Errorf("%d of %d PPP sessions failed: %v", r.Failed, sessions, r.Failures)
		}
		ended <- err
	}()
	// All are open after the last has begun, and are held for pppIdle from then on.
	select {
	case err := <-ended:
		return 0, fmt.Errorf("the sessions ended early: %w", err)
	case <-time.After(time.Duration(sessions)*pppStagger + b.sizes.pppIdle*3/4):
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if kib, err = pss(d.pid()); err != nil {
		return 0, err
	}
	return kib, <-ended
}

// pppStagger is the time between the first calls of two callers.
const pppStagger = 20 * time.Millisecond

// pppLogins compares the CPU of a login, from the first flag to the end of a session that ends when IPCP is open, with
// that of a pppd from its start until IPCP is open. The calls themselves, which a pppd does not answer, are measured
// alone and subtracted.
func (b *bench) pppLogins(ctx context.Context) error {
	pppd, why, err := b.pppdLogins(ctx)
	if err != nil {
		return err
	}
	town, d, err := b.pppTown(ctx, b.sizes.pppLines)
	if err != nil {
		return err
	}
	defer town.stop()
	defer d.stop()
	var each, calls sample
	for range b.sizes.pppRounds {
		bare, err := b.pppCycles(town, d, true)
		if err != nil {
			return err
		}
		whole, err := b.pppCycles(town, d, false)
		if err != nil {
			return err
		}
		each, calls = append(each, whole-bare), append(calls, bare)
		b.say("a call %.2f ms CPU, with a PPP login %.2f ms", bare, whole)
	}
	r := row{figure: "CPU of a PPP login", ours: each.spread("%.2f", "ms"), port: "tcp", verdict: info,
		goal: fmt.Sprintf("≤ 1/%d", pppCPUGoal),
		note: fmt.Sprintf("by PAP, with its records and its end, without the call (%s); pppd from its start until "+
			"IPCP is open", calls.spread("%.2f", "ms"))}
	if len(pppd) > 0 {
		ratio := each.median() / pppd.median()
		r.peer, r.ratio, r.verdict = "pppd "+pppd.spread("%.1f", "ms"), times(ratio), hold(ratio <= 1.0/pppCPUGoal)
	} else {
		r.note += "; peer skipped: needs " + why
	}
	b.add(r)
	return nil
}

// pppCycles returns the daemon's CPU of a call in ms, without PPP if bare.
func (b *bench) pppCycles(town *other, d *daemon, bare bool) (float64, error) {
	before, err := cpuExactly(d.pid())
	if err != nil {
		return 0, err
	}
	r, err := town.load(wire.Load{Callers: b.sizes.pppLines, PPP: &wire.PPP{Cycles: b.sizes.pppCycles, Bare: bare,
		Stagger: pppStagger}})
	if err != nil {
		return 0, err
	}
	after, err := cpuExactly(d.pid())
	switch {
	case err != nil:
		return 0, err
	case r.Failed > 0:
		return 0, fmt.Errorf("%d calls failed: %v; output of ringback: %s", r.Failed, r.Failures, d.lastWords())
	}
	return milliseconds(after-before) / float64(r.Done), nil
}

// pppFull has many sessions send at 115,200 bit/s both ways.
func (b *bench) pppFull(ctx context.Context) error {
	n := b.sizes.pppFull
	town, d, err := b.pppTown(ctx, n)
	if err != nil {
		return err
	}
	defer town.stop()
	defer d.stop()
	before, err := cpuOf(d.pid())
	if err != nil {
		return err
	}
	const rate, packet = 115200 / 10, 1000
	r, err := town.load(wire.Load{Callers: n, For: b.sizes.pppFor, PPP: &wire.PPP{Stagger: pppStagger, Rate: rate,
		Packet: packet, Echo: town.Echo}})
	if err != nil {
		return err
	}
	after, err := cpuOf(d.pid())
	if err != nil {
		return err
	}
	if len(r.Latencies) < 3 || len(r.Echoes) < 3 {
		return fmt.Errorf("no packet came back: %d sent, %d sessions failed: %v; output of ringback: %s", r.Sent,
			r.Failed, r.Failures, d.lastWords())
	}
	note := fmt.Sprintf("%d sessions for %v, packets of %d octets to an echo server and back: %d sent, %d received; "+
		"CPU %.0f s of ringback, %.0f s of the callers", n, b.sizes.pppFor, packet, r.Sent, r.Received,
		(after - before).Seconds(), r.CPU.Seconds())
	for _, f := range r.Failures[:min(len(r.Failures), 5)] {
		b.say("failed: %s", f)
	}
	b.add(row{figure: "PPP at 115,200 bit/s both ways, sessions lost", ours: fmt.Sprintf("%d of %d", r.Failed, n),
		goal: "0", verdict: hold(r.Failed == 0), port: "tcp", note: note})
	p99 := milliseconds(r.Echoes[1])
	b.add(row{figure: "… LCP echo, p99", ours: fmt.Sprintf("%.1f ms", p99), goal: "≤ 50 ms", verdict: hold(p99 <= 50),
		port: "tcp", note: spreadOf(r.Echoes)})
	b.add(row{figure: "… to the echo server and back, p99", ours: fmt.Sprintf("%.1f ms", milliseconds(r.Latencies[1])),
		verdict: info, port: "tcp", note: spreadOf(r.Latencies)})
	return nil
}

// spreadOf describes what the town returns of many times.
func spreadOf(d []time.Duration) string {
	return fmt.Sprintf("p50 %.1f ms, max %.1f ms", milliseconds(d[0]), milliseconds(d[2]))
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

var nsPerOp = regexp.MustCompile(`(?m)^Benchmark(Commit|BareCommit|PromiseReserved)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// buildJournal builds the benchmarks of the journal.
func (b *bench) buildJournal(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.path("journal.test"), "./broker/journal/sqlite")
	build.Dir = b.source
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c ./broker/journal/sqlite: %w: %s", err, out)
	}
	return nil
}

// journal runs benchmarks of the journal, and returns what they print.
func (b *bench) journal(ctx context.Context, names, benchtime string) (string, error) {
	cmd := exec.CommandContext(ctx, b.path("journal.test"), "-test.run", "^$", "-test.bench", names,
		"-test.benchtime", benchtime)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "TMPDIR="+b.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the benchmarks of broker/journal/sqlite: %w: %s", err, out)
	}
	return string(out), nil
}

var nsPerSearch = regexp.MustCompile(`(?m)^BenchmarkSearch/([a-z_]+)-?\d*\s+\d+\s+([\d.]+) ns/op`)

// search lists callbacks in a journal with a million of them.
func (b *bench) search(ctx context.Context) error {
	if err := b.buildJournal(ctx); err != nil {
		return err
	}
	out, err := b.journal(ctx, "^BenchmarkSearch$", "5x")
	if err != nil {
		return err
	}
	slowest, name, found := 0.0, "", 0
	for _, m := range nsPerSearch.FindAllStringSubmatch(out, -1) {
		ns, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return err
		}
		if found++; ns/1e6 > slowest {
			slowest, name = ns/1e6, m[1]
		}
	}
	if found == 0 {
		return fmt.Errorf("the benchmarks of broker/journal/sqlite printed no result: %s", out)
	}
	b.add(row{figure: "list of a million callbacks", ours: fmt.Sprintf("%.1f ms", slowest), goal: "≤ 100 ms",
		verdict: hold(slowest <= 100), note: fmt.Sprintf("the slowest of %d filters: %s", found, name)})
	return nil
}

// promise compares the journal's durable promise with the same row written by SQLite alone: same driver, same settings,
// same file system. Each round measures both, one right after the other, and the ratio is the median of the rounds'
// ratios, because other disk activity affects both.
func (b *bench) promise(ctx context.Context) error {
	if err := b.buildJournal(ctx); err != nil {
		return err
	}
	var ours, bare, ratios, reserved, ledger sample
	for range b.sizes.commitRounds {
		out, err := b.journal(ctx, "^Benchmark(Commit|BareCommit|PromiseReserved)$", "400ms")
		if err != nil {
			return err
		}
		got := map[string]float64{}
		for _, m := range nsPerOp.FindAllStringSubmatch(out, -1) {
			ns, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				return err
			}
			got[m[1]] = ns / 1000
		}
		if len(got) != 3 {
			return fmt.Errorf("the benchmarks of broker/journal/sqlite printed no result: %s", out)
		}
		ours, bare = append(ours, got["Commit"]), append(bare, got["BareCommit"])
		ratios = append(ratios, got["Commit"]/got["BareCommit"])
		reserved = append(reserved, got["PromiseReserved"])
		ledger = append(ledger, got["PromiseReserved"]/got["Commit"])
	}
	b.add(row{
		figure: "durable promise", ours: ours.spread("%.0f", "µs"), peer: "bare SQLite commit " +
			bare.spread("%.0f", "µs"),
		ratio: times(ratios.median()), goal: "≤ 1.25", verdict: hold(ratios.median() <= 1.25),
		note: fmt.Sprintf("%d rounds, ratio %s", len(ratios), ratios.spread("%.2f", "")),
	})
	b.add(row{
		figure: "… with a reservation", ours: reserved.spread("%.0f", "µs"), peer: "without " +
			ours.spread("%.0f", "µs"),
		ratio: times(ledger.median()), goal: "≤ 1.2", verdict: hold(ledger.median() <= 1.2),
		note: fmt.Sprintf("three accounts, ratio %s", ledger.spread("%.2f", "")),
	})
	return nil
}

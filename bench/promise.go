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

// promise compares the journal's durable promise with the same row written by SQLite alone: same driver, same settings,
// same file system. Each round measures both, one right after the other, and the ratio is the median of the rounds'
// ratios, because other disk activity affects both.
func (b *bench) promise(ctx context.Context) error {
	binary := b.path("journal.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./broker/journal/sqlite")
	build.Dir = b.source
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c ./broker/journal/sqlite: %w: %s", err, out)
	}
	var ours, bare, ratios, reserved, ledger sample
	for range b.sizes.commitRounds {
		cmd := exec.CommandContext(ctx, binary, "-test.run", "^$",
			"-test.bench", "^Benchmark(Commit|BareCommit|PromiseReserved)$",
			"-test.benchtime", "400ms")
		cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "TMPDIR="+b.dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("the benchmarks of broker/journal: %w: %s", err, out)
		}
		got := map[string]float64{}
		for _, m := range nsPerOp.FindAllStringSubmatch(string(out), -1) {
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

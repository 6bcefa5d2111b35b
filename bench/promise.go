package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

var nsPerOp = regexp.MustCompile(`(?m)^Benchmark(Commit|BareCommit)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// promise compares the journal's durable promise with the same row written by SQLite alone: same driver, same settings, same file system.
// The rounds of both alternate.
func (b *bench) promise(ctx context.Context) error {
	length := "1s"
	if b.quick {
		length = "200ms"
	}
	got := map[string]sample{}
	for range b.sizes.commitRounds {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Bare)?Commit$", "-benchtime", length, "./broker/journal")
		cmd.Dir, cmd.Env = b.source, append(os.Environ(), "TMPDIR="+b.dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("go test ./broker/journal: %w: %s", err, out)
		}
		for _, m := range nsPerOp.FindAllStringSubmatch(string(out), -1) {
			ns, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				return err
			}
			got[m[1]] = append(got[m[1]], ns/1000)
		}
	}
	ours, bare := got["Commit"], got["BareCommit"]
	if len(ours) == 0 || len(bare) == 0 {
		return fmt.Errorf("the benchmarks of broker/journal printed no result")
	}
	ratio := ours.median() / bare.median()
	b.add(row{
		figure: "durable promise", ours: ours.spread("%.0f", "µs"), peer: "bare SQLite commit " + bare.spread("%.0f", "µs"),
		ratio: times(ratio), goal: "≤ 1.50", verdict: hold(ratio <= 1.5),
	})
	return nil
}

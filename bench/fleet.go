package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// fleetFigure is a result of the benchmarks of broker/fleet/postgres: a value and its unit.
var fleetFigure = regexp.MustCompile(`\s([\d.e+-]+) ([a-zµ][\w/µ-]*)`)

// fleet measures what nodes ask of their PostgreSQL, in comparison with a bare commit and with River, on servers that
// it starts. The rounds and the ratios are of the benchmarks in broker/fleet/postgres.
func (b *bench) fleet(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.path("fleet.test"), "./broker/fleet/postgres")
	build.Dir = b.source
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c ./broker/fleet/postgres: %w: %s", err, out)
	}
	missing := b.buildRiver(ctx)
	figures := map[string]float64{}
	for _, name := range []string{"Promise", "Claim", "Statements", "Takeover", "Lives"} {
		if b.quick && name != "Promise" && name != "Lives" {
			continue
		}
		cmd := exec.CommandContext(ctx, b.path("fleet.test"), "-test.run", "^$", "-test.bench", "^Benchmark"+name+"$",
			"-test.benchtime", "1x", "-test.timeout", "20m")
		cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "RINGBACK_RIVER="+b.path("river"), "RINGBACK_REQUIRE_PEERS=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("benchmark %s of broker/fleet/postgres: %w: %s", name, err, out)
		}
		for _, m := range fleetFigure.FindAllStringSubmatch(string(out), -1) {
			if figures[m[2]], err = strconv.ParseFloat(m[1], 64); err != nil {
				return err
			}
		}
	}
	b.fleetPromise(figures)
	if !b.quick {
		b.fleetClaim(figures)
	}
	b.fleetRiver(figures, missing)
	return nil
}

// fleetPromise are the rows of the promise.
func (b *bench) fleetPromise(f map[string]float64) {
	micros := func(rate string) string { return fmt.Sprintf("%.0f µs", 1e6/f[rate]) }
	rate := func(name string) string { return fmt.Sprintf("%.0f/s", f[name]) }
	once := func(figure, name, ratio string) {
		b.add(row{figure: figure, ours: micros(name), peer: "bare INSERT " + micros("bare-1"), ratio: times(f[ratio]),
			goal: "≤ 1.5", verdict: hold(f[ratio] <= 1.5)})
	}
	least := func(figure, name, peer, ratio, goal string, least float64) {
		b.add(row{figure: figure, ours: rate(name), peer: peer, ratio: times(f[ratio]), goal: goal,
			verdict: hold(f[ratio] >= least)})
	}
	once("promise in PostgreSQL, no accounts", "free-1", "free-ratio-1")
	once("… with the accounts of its user and its number", "promise-1", "time-ratio-1")
	least("16 callers, no accounts", "free-16", "bare INSERT "+rate("bare-16"), "free-rate-ratio-16", "≥ 0.5", 0.5)
	least("… with the accounts of its user and its number", "promise-16", "bare INSERT "+rate("bare-16"),
		"rate-ratio-16", "≥ 0.5", 0.5)
	least("… and a ceiling of the site", "site-16", "without "+rate("promise-16"), "site-ratio", "≥ 0.8", 0.8)
	b.add(row{figure: "… a bare INSERT with a counter in one row", ours: rate("counter-16"),
		peer: "promise " + rate("promise-16"), ratio: times(f["counter-ratio"]), verdict: info})
}

// fleetClaim are the rows of claims, statements and the takeover.
func (b *bench) fleetClaim(f map[string]float64) {
	ratio := func(figure, ours, peer, name, goal string, most float64) {
		b.add(row{figure: figure, ours: ours, peer: peer, ratio: times(f[name]), goal: goal,
			verdict: hold(f[name] <= most)})
	}
	micros := func(name string) string { return fmt.Sprintf("%.0f µs", f[name]) }
	ratio("claim of one of 10,000", micros("many-µs"), "of 100 "+micros("few-µs"), "many-ratio", "≤ 1.5", 1.5)
	ratio("… after 10,000 claims beside an old transaction", micros("old-µs"), "without "+micros("new-µs"),
		"old-ratio", "≤ 3", 3)
	each := func(name string) string { return fmt.Sprintf("%.1f", f[name]) }
	ratio("statements a callback, 8 nodes", each("statements-8"), "1 node "+each("statements-1"), "statements-ratio",
		"≤ 1.1", 1.1)
	ratio("octets of the log a callback, 8 nodes", each("wal-8"), "1 node "+each("wal-1"), "wal-ratio", "≤ 1.1", 1.1)
	waiting := f["idle-1-node-5000-waiting"] / f["idle-1-node"]
	b.add(row{figure: "statements a second, idle, 5,000 callbacks wait", ours: each("idle-1-node-5000-waiting"),
		peer: "none " + each("idle-1-node"), ratio: times(waiting), goal: "≤ 1.1", verdict: hold(waiting <= 1.1),
		note: "8 nodes " + each("idle-8-nodes")})
	late := f["s-after-takeover"]
	b.add(row{figure: "10,000 of a dead node may be taken", ours: fmt.Sprintf("takeover + %.2f s", late),
		goal: "≤ takeover + 2 s", verdict: hold(late <= 2)})
}

// fleetRiver is the row of River.
func (b *bench) fleetRiver(f map[string]float64, missing string) {
	ours := fmt.Sprintf("%.0f/s", f["lives-16"])
	if f["river-16"] == 0 {
		b.add(row{figure: "claim, attempt and end, 16 workers", ours: ours, verdict: info, note: missing})
		return
	}
	b.add(row{figure: "claim, attempt and end, 16 workers", ours: ours,
		peer: fmt.Sprintf("River, fetch and complete %.0f/s", f["river-16"]), ratio: times(f["river-ratio"]),
		goal: "≥ 1", verdict: hold(f["river-ratio"] >= 1)})
}

// buildRiver builds the peer, which is a module of its own. It returns why there is none.
func (b *bench) buildRiver(ctx context.Context) (missing string) {
	build := exec.CommandContext(ctx, "go", "build", "-o", b.path("river"), ".")
	build.Dir = filepath.Join(b.source, "bench", "river")
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "no peer: go build in bench/river (it fetches River): " + strings.TrimSpace(string(out))
	}
	return ""
}

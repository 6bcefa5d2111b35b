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
	for _, part := range []struct {
		name string
		rows func(map[string]float64)
		long bool
	}{
		{"Promise", b.fleetPromise, false}, {"Claim", b.fleetClaim, true}, {"Statements", b.fleetStatements, true},
		{"Takeover", b.fleetTakeover, true},
		{"Lives", func(f map[string]float64) { b.fleetRiver(f, missing) }, false},
	} {
		if part.long && b.quick {
			continue
		}
		figures, err := b.fleetFigures(ctx, part.name)
		if err != nil {
			return err
		}
		part.rows(figures)
	}
	return nil
}

// fleetFigures runs a benchmark of broker/fleet/postgres.
func (b *bench) fleetFigures(ctx context.Context, name string) (map[string]float64, error) {
	cmd := exec.CommandContext(ctx, b.path("fleet.test"), "-test.run", "^$", "-test.bench", "^Benchmark"+name+"$",
		"-test.benchtime", "1x", "-test.timeout", "20m")
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "RINGBACK_RIVER="+b.path("river"), "RINGBACK_REQUIRE_PEERS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmark %s of broker/fleet/postgres: %w: %s", name, err, out)
	}
	figures := map[string]float64{}
	for _, m := range fleetFigure.FindAllStringSubmatch(string(out), -1) {
		if figures[m[2]], err = strconv.ParseFloat(m[1], 64); err != nil {
			return nil, err
		}
	}
	return figures, nil
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

// most is a row of a ratio that must not be greater.
func (b *bench) most(figure, ours, peer string, ratio, most float64) {
	b.add(row{figure: figure, ours: ours, peer: peer, ratio: times(ratio), goal: fmt.Sprintf("≤ %v", most),
		verdict: hold(ratio <= most)})
}

// fleetClaim are the rows of claims.
func (b *bench) fleetClaim(f map[string]float64) {
	micros := func(name string) string { return fmt.Sprintf("%.0f µs", f[name]) }
	b.most("claim of one of 10,000", micros("many-µs"), "of 100 "+micros("few-µs"), f["many-ratio"], 1.5)
	b.most("… after 10,000 claims beside an old transaction", micros("old-µs"), "without "+micros("new-µs"),
		f["old-ratio"], 3)
}

// fleetStatements are the rows of what a callback and an idle node ask.
func (b *bench) fleetStatements(f map[string]float64) {
	each := func(name string) string { return fmt.Sprintf("%.1f", f[name]) }
	octets := func(name string) string { return fmt.Sprintf("%.0f", f[name]) }
	b.most("statements a callback, 8 nodes", each("statements-8"), "1 node "+each("statements-1"),
		f["statements-ratio"], 1.1)
	b.most("octets of the log a callback, 8 nodes", octets("wal-8"), "1 node "+octets("wal-1"), f["wal-ratio"], 1.1)
	b.most("statements a second, idle, 5,000 callbacks wait", each("idle-1-node-5000-waiting"),
		"none wait "+each("idle-1-node"), f["idle-1-node-5000-waiting"]/f["idle-1-node"], 1.1)
	b.most("… of each of 8 idle nodes", fmt.Sprintf("%.1f", f["idle-8-nodes"]/8), "1 node "+each("idle-1-node"),
		f["idle-8-nodes"]/8/f["idle-1-node"], 1.1)
}

// fleetTakeover is the row of a dead node.
func (b *bench) fleetTakeover(f map[string]float64) {
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

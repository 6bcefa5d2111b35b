// Command bench compares ringback with its peers and prints ratios. scripts/bench builds and starts it; the modems are
// in another process (bench/town). docs/explanation/performance.md describes the method.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench is one run of the program.
type bench struct {
	quick    bool
	ringback string // the daemon's binary
	town     string // the town's binary
	source   string // root of the source tree, for `go test`
	dir      string // for configurations and journals
	rows     []row
	sizes    sizes
}

// sizes are the amounts to measure.
type sizes struct {
	dialRounds, dialScripts int // of ours; the peer runs a twentieth
	idleLines               [2]int
	idleTime                time.Duration
	mgettys                 int
	waitLines, waitRounds   int
	waitRate                float64
	waitFor, forcedWait     time.Duration
	commitRounds            int
	cycleLines              int // of each direction
	cycleFor                time.Duration
	cycleRounds             int
	logins, loginRounds     int // at an AAA server
	backlog, backlogRounds  int // of accounting records
	tacacs, tacacsRounds    int // authorizations
	pppds                   int // peers
	pppSessions             [2]int
	pppIdle                 time.Duration
	pppLines, pppCycles     int
	pppRounds               int
	pppFull                 int // sessions at full speed
	pppFor                  time.Duration
	policyRounds            int
	policyPast              int // requests to replay
	idleFor                 time.Duration
	reloads, probes         int
	planLines, planRounds   int
	planRate                float64
	waiters                 int
	scrapes                 int
	pageFor                 time.Duration
	pageRounds              int
	starts, pending         int   // callbacks
	bulk                    int64 // octets
	bulkRounds              int
}

var whole = sizes{
	dialRounds: 7, dialScripts: 2000, idleLines: [2]int{100, 2000}, idleTime: 20 * time.Second, mgettys: 20,
	waitLines: 1000, waitRounds: 5, waitRate: 100, waitFor: 5 * time.Second, forcedWait: 2 * time.Second,
	commitRounds: 11, cycleLines: 96, cycleFor: 10 * time.Second, cycleRounds: 3,
	logins: 20000, loginRounds: 5, backlog: 10000, backlogRounds: 3, tacacs: 10000, tacacsRounds: 3,
	pppds: 8, pppSessions: [2]int{20, 500}, pppIdle: 20 * time.Second, pppLines: 32, pppCycles: 30, pppRounds: 5,
	pppFull: 1000, pppFor: 10 * time.Second,
	policyRounds: 7, policyPast: 200_000,
	idleFor: 30 * time.Second, reloads: 7, probes: 3,
	planLines: 600, planRounds: 5, planRate: 60, waiters: 20,
	scrapes: 300, pageFor: 10 * time.Second, pageRounds: 5, starts: 7, pending: 10_000,
	bulk: 64 << 20, bulkRounds: 7,
}

var smoke = sizes{
	dialRounds: 2, dialScripts: 400, idleLines: [2]int{20, 120}, idleTime: 2 * time.Second, mgettys: 5,
	waitLines: 100, waitRounds: 1, waitRate: 40, waitFor: 2 * time.Second, forcedWait: time.Second,
	commitRounds: 1, cycleLines: 32, cycleFor: 2 * time.Second, cycleRounds: 1,
	logins: 2048, loginRounds: 1, backlog: 1000, backlogRounds: 1, tacacs: 1000, tacacsRounds: 1,
	pppds: 1, pppSessions: [2]int{5, 30}, pppIdle: 4 * time.Second, pppLines: 4, pppCycles: 3, pppRounds: 1,
	pppFull: 20, pppFor: 2 * time.Second,
	policyRounds: 1, policyPast: 10_000,
	idleFor: 10 * time.Second, reloads: 2, probes: 1,
	planLines: 60, planRounds: 1, planRate: 20, waiters: 3,
	scrapes: 20, pageFor: 2 * time.Second, pageRounds: 1, starts: 2, pending: 200,
	bulk: 4 << 20, bulkRounds: 1,
}

// part is one of the benchmarks.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

// parts are the benchmarks in their order.
var parts = []part{
	{"dial", (*bench).dial},
	{"memory", (*bench).memory},
	{"idle", (*bench).idleCPU},
	{"scrape", (*bench).scrape},
	{"page", (*bench).page},
	{"start", (*bench).start},
	{"reload", (*bench).reload},
	{"probe", (*bench).probe},
	{"wait", (*bench).wait},
	{"plans", (*bench).plans},
	{"promise", (*bench).promise},
	{"search", (*bench).search},
	{"cycles", (*bench).cycles},
	{"radius", (*bench).radius},
	{"spool", (*bench).spool},
	{"tacacs", (*bench).tacacs},
	{"frames", (*bench).frames},
	{"ppp-memory", (*bench).pppMemory},
	{"ppp-login", (*bench).pppLogins},
	{"ppp-load", (*bench).pppFull},
	{"policy", (*bench).policy},
	{"console-server", (*bench).consoleServer},
	{"fleet", (*bench).fleet},
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func main() {
	b := &bench{sizes: whole}
	flag.BoolVar(&b.quick, "quick", false, "a smoke run of less than a minute, without meaningful figures")
	flag.StringVar(&b.ringback, "ringback", "", "binary of ringback")
	flag.StringVar(&b.town, "town", "", "binary of bench/town")
	flag.StringVar(&b.source, "source", ".", "root of the source tree")
	exchange := flag.String("layeh", "", "run as the child that logs in at this RADIUS server with layeh.com/radius")
	logins := flag.Int("logins", 0, "number of logins of that child")
	tacquito := flag.Bool("tacquito", false, "run as the child that is tacquito's server")
	flag.Parse()
	if b.quick {
		b.sizes = smoke
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return b.run(ctx, flag.Args()) }
	if *exchange != "" {
		run = func() error { return layeh(ctx, *exchange, *logins) }
	}
	if *tacquito {
		run = serveTacquito
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == n }) {
			return fmt.Errorf("unknown benchmark %q; valid benchmarks: %s", n, strings.Join(partNames(), ", "))
		}
	}
	dir, err := os.MkdirTemp("", "ringback-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	broken := false
	for _, p := range parts {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "== %s\n", p.name)
		began := time.Now()
		if err := p.run(b, ctx); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			broken = true
			b.rows = append(b.rows, row{figure: p.name, note: "BROKEN: " + err.Error()})
		}
		b.say("took %.0f s, load now %s", time.Since(began).Seconds(), load())
	}
	b.print(os.Stdout)
	if broken {
		return fmt.Errorf("some benchmarks failed: see BROKEN above")
	}
	return nil
}

func (b *bench) path(elem ...string) string {
	return filepath.Join(append([]string{b.dir}, elem...)...)
}

// say prints progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "   "+strings.TrimSuffix(format, "\n")+"\n", args...)
}

// load is the machine's load average over a minute.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(data), " ")
	return one
}

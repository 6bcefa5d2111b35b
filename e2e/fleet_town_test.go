package e2e

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/fleet/postgres"
	"github.com/ringback/ringback/lab/exchange"
)

// fleetWorld describes a fleet over one exchange and one PostgreSQL.
type fleetWorld struct {
	crashWorld                  // of each node; lines: of each node
	nodes      int              // 0: 2
	only       map[int][]string // of a node: what its lines may do
	server     pgtest.Options
	alone      bool // no standby: durability server
	async      bool // the standby is asynchronous, and durability server
	takeover   time.Duration
	onLoss     string
	proxied    bool // each node reaches the servers through proxies of its own
	pooled     bool // all nodes reach the server through one PgBouncer
}

// fleetTown is everything except the nodes' processes: the callers and the servers outlive them.
type fleetTown struct {
	*crashTown // the callers and the exchange
	world      fleetWorld
	db         *pgtest.Database // of the server that takes writes
	primary    *pgtest.Server   // nil if the world is alone: its server is one that tests share
	standby    *pgtest.Server   // nil if the world is alone
	nodes      []*fleetNode
	pooler     string // directory of PgBouncer's socket; "": none
}

// fleetNode is one node: its files and lines, and the process that runs.
type fleetNode struct {
	*crashTown
	name    string
	daemon  *crashDaemon
	proxies []*fleetProxy // to the primary and its standby; empty unless the world is proxied
}

// fleetKey signs the rows of the fleets in the tests.
const fleetKey = "a key of thirty-two octets at least, for tests"

// newFleetTown builds the town. The schema is there, and no node runs.
func newFleetTown(t *testing.T, w fleetWorld) *fleetTown {
	t.Helper()
	w.nodes, w.callers, w.max = max(w.nodes, 2), max(w.callers, 1), max(w.max, 1)
	if w.lines == 0 {
		w.lines = 2
	}
	if w.wait == 0 {
		w.wait = 200 * time.Millisecond
	}
	if w.takeover == 0 {
		w.takeover = 2 * time.Second
	}
	town := &fleetTown{world: w}
	switch {
	case w.alone:
		town.db = pgtest.Shared(t)
	case w.async:
		town.primary = pgtest.Start(t, w.server)
		town.standby = town.primary.AsyncStandby(t)
	default:
		town.primary = pgtest.Start(t, w.server)
		town.standby = town.primary.Standby(t)
	}
	if town.primary != nil {
		town.db = &town.primary.Database
	}
	if w.pooled {
		town.pooler = pgtest.PgBouncer(t, town.db, "default_pool_size = 10")
	}
	town.crashTown = &crashTown{crashWorld: w.crashWorld, dir: tempDir(t), busies: map[string]int{}}
	town.x = exchange.New(exchange.Config{Instant: true, Pace: 40, OnEvent: town.event})
	var parts sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); town.x.Close(); parts.Wait() })
	radius := town.startRADIUS(t, ctx, &parts)
	for i := range w.nodes {
		n := town.addNode(t, i)
		var ports []string
		for line := range n.lines {
			ports = append(ports, n.startLine(t, line, &parts))
		}
		n.write(t, radius, ports)
		for name, text := range map[string]string{"fleet.key": fleetKey, "pg.password": pgtest.Password} {
			if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range w.callers {
		c := newCrashCaller(town.crashTown, fmt.Sprint(84001+i))
		c.mains = nil
		for k := range town.nodes {
			c.mains = append(c.mains, town.nodes[(i+k)%len(town.nodes)].number)
		}
		town.callers = append(town.callers, c)
		parts.Go(c.run)
	}
	if err := postgres.Migrate(t.Context(), postgres.Options{Addresses: []string{town.db.Address},
		Database: town.db.Name, User: pgtest.User, Durability: postgres.Server}, "", func(string) {}); err != nil {
		t.Fatal(err)
	}
	return town
}

// addNode describes node i.
func (town *fleetTown) addNode(t *testing.T, i int) *fleetNode {
	t.Helper()
	name := fmt.Sprintf("node-%d", i+1)
	w := town.world.crashWorld
	w.node, w.number, w.only = "@"+name, fmt.Sprint(55551+i), town.world.only[i]
	dir := filepath.Join(town.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.state = filepath.Join(dir, "state")
	addresses := []string{cmp.Or(town.pooler, town.db.Address)}
	if town.standby != nil {
		addresses = append(addresses, town.standby.Address)
	}
	var proxies []*fleetProxy
	if town.world.proxied {
		for i, address := range addresses {
			proxies = append(proxies, newFleetProxy(t, address))
			addresses[i] = proxies[i].listener.Addr().String()
		}
	}
	durability := "replicated"
	if town.world.alone || town.world.async {
		durability = "server"
	}
	w.more += fmt.Sprintf("fleet: {node: %s, key_file: fleet.key, durability: %s, rotaries: [7], takeover: %v,\n"+
		"  on_loss: %s, postgres: {addresses: [%s], database: %s, user: %s, password_file: pg.password}}\n", name,
		durability, town.world.takeover, cmp.Or(town.world.onLoss, "refuse"), strings.Join(addresses, ", "),
		town.db.Name, pgtest.User)
	n := &fleetNode{name: name, proxies: proxies}
	n.crashTown = &crashTown{crashWorld: w, dir: dir, x: town.x, busies: map[string]int{}}
	town.nodes = append(town.nodes, n)
	return n
}

// run starts the process of a node and waits until its lines are in service and it is a member.
func (town *fleetTown) run(t *testing.T, n *fleetNode) {
	t.Helper()
	n.daemon = n.start(t)
	if err := n.daemon.ready(); err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
}

// runAll starts all nodes and waits until they see each other, and vouch to each other for what they write.
func (town *fleetTown) runAll(t *testing.T) {
	t.Helper()
	for _, n := range town.nodes {
		town.run(t, n)
	}
	eventually(t, "all nodes are members", func() bool {
		up := town.db.SQL(t, "SELECT count(*) FROM ringback.nodes WHERE state = 'up'")
		return strings.TrimSpace(up) == fmt.Sprint(len(town.nodes))
	})
	town.known(t)
}

// known waits until each node that is up has the present watch of each other one in its roll.
func (town *fleetTown) known(t *testing.T) {
	t.Helper()
	eventually(t, "the nodes know each other", func() bool {
		return town.db.SQL(t, `SELECT count(*) FROM ringback.nodes a JOIN ringback.nodes b ON a.name <> b.name
			LEFT JOIN ringback.rolls r ON r.node = a.name WHERE a.state = 'up' AND b.state = 'up'
			AND (b.watch = 0 OR coalesce(position(int8send(b.watch) IN r.watches), 0) = 0)`) == "0"
	})
}

// dialsOf are the dial commands that the modems of a node have received.
func (town *fleetTown) dialsOf(n *fleetNode) (dials []exchange.Dial) {
	for _, d := range town.lineDials() {
		if strings.HasSuffix(d.Modem, n.node) {
			dials = append(dials, d)
		}
	}
	return dials
}

// rowOf is a callback as PostgreSQL has it.
type rowOf struct {
	id, number, home, holder, outcome, cause string
	epoch                                    int64
	attempts, open                           int
	shared                                   bool      // otherwise the attempts are in the journal of home alone
	created, ended                           time.Time // ended is zero while it is pending
}

// rows are all callbacks in PostgreSQL, oldest first.
func (town *fleetTown) rows(t *testing.T) (rows []rowOf) {
	t.Helper()
	out := town.db.SQL(t, `SELECT id, encode(username, 'escape'), home, holder, epoch, attempts, open, created,
		coalesce(ended, 0), shared, outcome, encode(cause, 'escape') FROM ringback.callbacks ORDER BY created, id`)
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 12)
		if len(f) != 12 {
			t.Fatalf("a row of %d columns: %q", len(f), line)
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(f[1], "u"), "-")
		r := rowOf{id: f[0], number: number, home: f[2], holder: f[3], shared: f[9] == "t",
			outcome: f[10], cause: f[11]}
		var created, ended int64
		_, err := fmt.Sscan(strings.Join(f[4:9], " "), &r.epoch, &r.attempts, &r.open, &created, &ended)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		r.created = time.Unix(0, created)
		if ended != 0 {
			r.ended = time.Unix(0, ended)
		}
		rows = append(rows, r)
	}
	return rows
}

// attemptOf is an attempt's row.
type attemptOf struct {
	id, node string
	n        int
	epoch    int64
}

func (town *fleetTown) attempts(t *testing.T) (all []attemptOf) {
	t.Helper()
	out := town.db.SQL(t, `SELECT callback, node, n, epoch FROM ringback.attempts ORDER BY callback, n`)
	for line := range strings.Lines(out) {
		var a attemptOf
		if _, err := fmt.Sscan(strings.ReplaceAll(line, "|", " "), &a.id, &a.node, &a.n, &a.epoch); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, a)
	}
	return all
}

// rest waits until at least n callbacks are in PostgreSQL, all have ended, and the nodes that run were told of those
// that others have taken from them. However many they are, some end all the time; one that nobody may take, because its
// node died before its journal had it, ends with its lifetime.
func (town *fleetTown) rest(t *testing.T, n int) {
	t.Helper()
	fewest, since := math.MaxInt, time.Now()
	for {
		out := town.db.SQL(t, `SELECT count(*), count(*) FILTER (WHERE ended IS NULL) FROM ringback.callbacks`)
		var all, pending int
		fmt.Sscan(strings.ReplaceAll(out, "|", " "), &all, &pending)
		if all >= n && pending == 0 {
			break
		}
		if left := max(n-all, 0) + pending; left < fewest {
			fewest, since = left, time.Now()
		}
		if time.Since(since) > patience+town.lifetime {
			t.Fatalf("%d callbacks, and %d of them have not ended for %v:\n%s", all, pending, patience+town.lifetime,
				town.db.SQL(t, `SELECT id, home, holder, epoch, offered, attempts, open, to_timestamp(created / 1e9)
				FROM ringback.callbacks WHERE ended IS NULL ORDER BY created LIMIT 100`))
		}
		<-time.After(50 * time.Millisecond)
	}
	for _, node := range town.nodes {
		if node.daemon != nil && !node.daemon.over() {
			eventually(t, node.name+" has read its notices", func() bool {
				return town.db.SQL(t, `SELECT count(*) FROM ringback.notices WHERE node = '`+node.name+`'`) == "0"
			})
		}
	}
}

// stop ends all nodes in order.
func (town *fleetTown) stop(t *testing.T) {
	t.Helper()
	for _, n := range town.nodes {
		if n.daemon != nil && !n.daemon.over() {
			if err := n.daemon.stop(); err != nil {
				t.Errorf("%s: %v", n.name, err)
			}
		}
	}
}

// logs describes what happened, for a failure.
func (town *fleetTown) logs() string {
	var b strings.Builder
	town.mu.Lock()
	for _, e := range town.events {
		fmt.Fprintf(&b, "%s %-12s %-10s %s → %s %s\n", e.Time.Format(time.StampMicro), e.Modem, e.Kind, e.From, e.To,
			e.Text)
	}
	town.mu.Unlock()
	for _, n := range town.nodes {
		if n.daemon != nil {
			n.daemon.kill()
			out := n.daemon.out.String()
			fmt.Fprintf(&b, "%s:\n%s\n", n.name, out[max(0, len(out)-20000):])
		}
	}
	return b.String()
}

// logged prints logs if the test has failed.
func (town *fleetTown) logged(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(town.logs())
		}
	})
}

// cut cuts the node off from PostgreSQL: nothing passes, and no connection ends.
func (n *fleetNode) cut() {
	for _, p := range n.proxies {
		p.cut()
	}
}

// heal ends cut.
func (n *fleetNode) heal() {
	for _, p := range n.proxies {
		p.heal()
	}
}

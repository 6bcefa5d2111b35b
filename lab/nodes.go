package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab/postgres"
)

// The lines of each node of a town with a fleet.
const (
	nodeLines   = 4 // the first half is in the fleet's rotary, the other half is the node's own
	fleetRotary = 7
	ownRotary   = 1
	maxNodes    = 9
	// fleetKey has the key that signs what the nodes share; pgPassword that of Options.Postgres, if there is one.
	fleetKey   = "fleet.key"
	pgPassword = "postgres.password"
)

// takeover is how long a node of the town is silent before others take what it has waiting.
const takeover = "10s"

// CheckNodes returns an error for a number of nodes that a town cannot have; 0: no fleet.
func CheckNodes(n int) error {
	if n != 0 && (n < 2 || n > maxNodes) {
		return fmt.Errorf("--nodes %d: must be 2 to %d", n, maxNodes)
	}
	return nil
}

// Node is one node of the town's fleet.
type Node struct {
	Name string
	// Number is that of its lines in the fleet's rotary, Own that of the others.
	Number, Own string

	lab    *Lab
	daemon *daemon // guarded by lab.mu
}

// Nodes returns the nodes of the town's fleet; none without a fleet.
func (l *Lab) Nodes() []*Node { return l.nodes }

// newNodes describes the nodes.
func newNodes(l *Lab, count int) (all []*Node) {
	for k := 1; k <= count; k++ {
		all = append(all, &Node{Name: fmt.Sprintf("maui-%d", k), Number: fmt.Sprintf("5555%d", k),
			Own: fmt.Sprintf("5555%d0", k), lab: l})
	}
	return all
}

// Socket is the admin socket of the node's daemon.
func (n *Node) Socket() string { return filepath.Join(n.lab.dir, n.Name+".sock") }

// Client returns a client of the node's daemon.
func (n *Node) Client() *client.Client { return client.New(n.Socket()) }

func (n *Node) child() *daemon {
	n.lab.mu.Lock()
	defer n.lab.mu.Unlock()
	return n.daemon
}

// PID is the process id of the node's daemon.
func (n *Node) PID() int { return n.child().cmd.Process.Pid }

// place is where a line of the town is.
type place struct {
	node         *Node // nil: the town has one daemon
	tty          int
	rotary       int
	modem        string // what the line may do: inout, callin
	name, number string
	direct       string
}

// place returns where line i is. The first node's lines in the fleet's rotary only answer: other nodes call back those
// who call there.
func (l *Lab) place(i int) place {
	if l.nodes == nil {
		tty := firstTTY + i
		p := place{tty: tty, rotary: 1, modem: "inout", name: fmt.Sprintf("tty%d", tty), number: mainNumber,
			direct: DirectNumber(tty)}
		if l.opt.Lines != nil { // each calls back itself: its modem is called and dials
			p.rotary = i + 1
		}
		return p
	}
	n, k := l.nodes[i/nodeLines], i%nodeLines
	p := place{node: n, tty: firstTTY + k, rotary: fleetRotary, modem: "inout", number: n.Number}
	p.name, p.direct = fmt.Sprintf("%s/%d", n.Name, p.tty), n.Number+fmt.Sprintf("%03d", p.tty)
	switch {
	case k >= nodeLines/2:
		p.rotary, p.number = ownRotary, n.Own
	case n == l.nodes[0]:
		p.modem = "callin"
	}
	return p
}

// nodeOf returns the node whose line a modem of the exchange is; nil: it is a subscriber's.
func (l *Lab) nodeOf(modem string) *Node {
	name, _, _ := strings.Cut(modem, "/")
	for _, n := range l.nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// configs are the names of the configurations of the town's daemons.
func (l *Lab) configs() (all []string) {
	for _, n := range l.nodes {
		all = append(all, n.Name+".yaml")
	}
	if all == nil {
		all = []string{"ringback.yaml"}
	}
	return all
}

// fleetText is the key fleet of a node.
const fleetText = `fleet:                                     # several nodes over one PostgreSQL
  node: %s
  key_file: ` + fleetKey + `                      # the same for all nodes
  postgres: {addresses: ["%s"], database: %s, user: %s%s}
  durability: server                       # this PostgreSQL has no standby
  rotaries: [%d]                            # any node with a free line in it dials
  takeover: ` + takeover + `

`

// fleetOf is the key fleet for a node.
func (l *Lab) fleetOf(n *Node) string {
	if n == nil {
		return ""
	}
	address, database, user, password := l.opt.Postgres, postgres.Name, postgres.Name, ""
	if l.postgres != nil {
		address = l.postgres.Dir
	} else { // as PostgreSQL's own programs find them
		database, user = cmp.Or(os.Getenv("PGDATABASE"), database), cmp.Or(os.Getenv("PGUSER"), user)
		if os.Getenv("PGPASSWORD") != "" {
			password = ", password_file: " + pgPassword
		}
	}
	return fmt.Sprintf(fleetText, n.Name, address, database, user, password, fleetRotary)
}

// secretsOfFleet are the files of the fleet that are not configurations.
func (l *Lab) secretsOfFleet() map[string][]byte {
	if l.nodes == nil {
		return nil
	}
	all := map[string][]byte{fleetKey: []byte(rand.Text() + rand.Text() + "\n")}
	if p := os.Getenv("PGPASSWORD"); p != "" && l.postgres == nil {
		all[pgPassword] = []byte(p + "\n")
	}
	return all
}

// openPostgres starts PostgreSQL for the nodes, unless they use one that is there. Journals of an earlier lab, which
// this database does not know, are removed.
func (l *Lab) openPostgres(ctx context.Context) error {
	if l.nodes == nil || l.opt.Postgres != "" {
		return nil
	}
	var err error
	l.postgres, err = postgres.New(ctx, filepath.Join(l.dir, "postgres"), cmp.Or(l.opt.Programs, postgres.Debian))
	if errors.Is(err, postgres.ErrMissing) {
		return fmt.Errorf("lab: %w; to use a server that runs already, give its address and an empty database of the "+
			"user ringback: --postgres HOST:PORT, or the directory of its socket; the lab of one node needs no "+
			"PostgreSQL: %s lab", err, l.opt.Command)
	}
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for _, n := range l.nodes {
		if l.postgres.Fresh {
			if err := os.RemoveAll(l.state(n)); err != nil {
				return fmt.Errorf("lab: %w", err)
			}
		}
	}
	if err := l.postgres.Start(ctx, l.lock.f); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// state is the state directory of a node's daemon.
func (l *Lab) state(n *Node) string {
	if n == nil {
		return filepath.Join(l.dir, "state")
	}
	return filepath.Join(l.dir, n.Name+".state")
}

// startNodes makes the tables, starts the daemons, and waits until their lines are in service and each sees all.
func (l *Lab) startNodes(ctx context.Context) error {
	migrate := exec.CommandContext(ctx, l.opt.Binary, "fleet", "migrate", "-c", filepath.Join(l.dir, l.configs()[0]))
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("lab: make the tables in PostgreSQL: %w: %s", err, out)
	}
	for _, n := range l.nodes {
		if err := n.launch(); err != nil {
			return err
		}
	}
	for _, n := range l.nodes {
		if err := n.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// launch starts the node's daemon and does not wait for it.
func (n *Node) launch() error {
	d, err := startDaemon(n.lab.opt.Binary, n.lab.dir, n.Name, n.Name+".pid", n.lab.lock.f)
	if err != nil {
		return err
	}
	n.lab.mu.Lock()
	defer n.lab.mu.Unlock()
	n.daemon = d
	return nil
}

// stopNodes ends the daemons, all at the same time.
func (l *Lab) stopNodes() {
	var all sync.WaitGroup
	for _, n := range l.nodes {
		if d := n.child(); d != nil {
			all.Go(d.stop)
		}
	}
	all.Wait()
}

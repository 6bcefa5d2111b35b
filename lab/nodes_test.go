package lab

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab/exchange"
)

// buildFleet makes the files, ports and modems of a town with a fleet whose PostgreSQL is at a socket.
func buildFleet(t *testing.T, dir string, nodes int) *Lab {
	t.Helper()
	l := &Lab{opt: Options{Dir: dir, Pace: 50, Ports: RFC2217, AAA: ByRADIUS, Nodes: nodes,
		Postgres: "/run/postgresql"}, dir: dir, subscribers: map[string]*exchange.Modem{}, attached: map[string]bool{}}
	l.nodes = newNodes(l, nodes)
	t.Cleanup(func() { l.Close() })
	b, err := l.open(t.Context())
	if err == nil {
		err = l.openPostgres(t.Context())
	}
	if err == nil {
		err = l.startTown()
	}
	if err == nil {
		err = l.writeFiles(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestNodesOfATown: each node has its own configuration, lines, state and socket, and all have one key.
func TestNodesOfATown(t *testing.T) {
	t.Setenv("PGPASSWORD", "secret of PostgreSQL")
	t.Setenv("PGUSER", "callbacks")
	dir := t.TempDir()
	l := buildFleet(t, dir, 3)
	seen := map[string]string{}
	for i, n := range l.Nodes() {
		text := read(t, dir, n.Name+".yaml")
		for _, want := range []string{"hostname: " + n.Name, "  node: " + n.Name, "state_dir: " + n.Name + ".state",
			"key_file: fleet.key", `addresses: ["/run/postgresql"], database: ringback, user: callbacks, ` +
				"password_file: postgres.password", "rotaries: [7]", n.Name + ".sock", "modem_test: {lines: [65-68]}"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q", n.Name, want)
			}
		}
		if got := strings.Count(text, "rotary: 7, "); got != nodeLines/2 {
			t.Errorf("%s has %d lines in the fleet's rotary", n.Name, got)
		}
		if got := strings.Count(text, "modem: callin"); got > 0 != (i == 0) {
			t.Errorf("%s has %d lines that only answer", n.Name, got)
		}
		for j := range l.lineCount() {
			url := l.urls[j]
			if strings.Contains(text, url) {
				if other := seen[url]; other != "" {
					t.Errorf("%s has a line of %s", n.Name, other)
				}
				seen[url] = n.Name
			}
		}
	}
	if len(seen) != 3*nodeLines {
		t.Errorf("%d lines", len(seen))
	}
	if key := strings.TrimSpace(read(t, dir, fleetKey)); len(key) < 32 {
		t.Errorf("the key has %d octets", len(key))
	}
	if got := strings.TrimSpace(read(t, dir, pgPassword)); got != "secret of PostgreSQL" {
		t.Errorf("password %q", got)
	}
	if by := l.nodeOf(l.lines[nodeLines].Name()); by != l.nodes[1] || l.nodeOf("kihei-03") != nil {
		t.Errorf("the fifth line is that of %v", by)
	}
}

// TestNumbersOfNodes: a call to a node's number reaches that node's lines only.
func TestNumbersOfNodes(t *testing.T) {
	l := buildFleet(t, t.TempDir(), 2)
	numbers := map[string]bool{}
	for i := range l.lineCount() {
		p := l.place(i)
		if numbers[p.direct] || numbers[p.number] && i%(nodeLines/2) == 0 {
			t.Errorf("line %d: number %s or %s is another's", i, p.number, p.direct)
		}
		numbers[p.direct], numbers[p.number] = true, true
	}
}

// The screen of a fleet leaves rows to type in too.
func TestFleetScreenFits(t *testing.T) {
	for _, command := range []string{"ringback", "go run ./cmd/ringback"} {
		l := buildFleet(t, t.TempDir(), 3)
		l.opt.Command, l.dir = command, "/home/somebody/.local/state/ringback/lab-fleet"
		for _, n := range l.nodes {
			n.daemon = fakeDaemon()
		}
		l.urls = nil // those of the daemons' lines, which the user does not need
		checkScreen(t, command, l)
		for _, n := range l.nodes {
			n.daemon = nil
		}
	}
}

// TestFleetPorts: the next lab in a directory has the same ports and the same key.
func TestFleetPorts(t *testing.T) {
	dir := t.TempDir()
	l := buildFleet(t, dir, 2)
	first, key := read(t, dir, "maui-2.yaml"), read(t, dir, fleetKey)
	l.Close()
	again := buildFleet(t, dir, 2)
	if read(t, dir, "maui-2.yaml") != first || read(t, dir, fleetKey) != key {
		t.Error("the second lab in a directory has other ports or another key")
	}
	if _, ok := again.sockets.lines[2*nodeLines-1].Addr().(*net.TCPAddr); !ok {
		t.Errorf("%d ports", len(again.sockets.lines))
	}
}

// TestNoPostgres: without PostgreSQL, the lab says what to install, and the other ways.
func TestNoPostgres(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "lab"), Nodes: 3, Quiet: true,
		Command: "./rb", Programs: t.TempDir()})
	for _, want := range []string{"postgresql-15", "--postgres", "./rb lab"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, without %q", err, want)
		}
	}
}

func TestCheckNodes(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 1: false, 2: true, 9: true, 10: false, -1: false} {
		if err := CheckNodes(n); (err == nil) != ok {
			t.Errorf("%d: %v", n, err)
		}
	}
	if CheckStory(2) == nil || CheckStory(3) != nil {
		t.Error("the story needs three nodes")
	}
}

// The story is told in lines of at most 80 columns, and a step that did not happen is said and ends it.
func TestSteps(t *testing.T) {
	var b strings.Builder
	s := &story{&Lab{}, &b}
	long := strings.Repeat("words of the story ", 12)
	if err := s.step(long, func() error { return nil }); err != nil {
		t.Error(err)
	}
	if err := s.step("it fails", func() error { return fmt.Errorf("nobody called") }); err == nil {
		t.Error("no error")
	}
	if got := strings.Join(strings.Fields(b.String()), " "); got != "* "+strings.TrimSpace(long)+
		" done * it fails did NOT happen: nobody called" {
		t.Errorf("%s", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > screenWidth+1 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

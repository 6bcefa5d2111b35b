package postgres

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// racing is one node of the races: a process that may be stopped and killed, behind proxies of its own.
type racing struct {
	name    string
	proxies []*pgtest.Proxy

	mu    sync.Mutex
	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan struct{}
}

// raceDial is a dial as the parent of all nodes saw it, or the row of its attempt.
type raceDial struct {
	process  string // its incarnation
	n, epoch int
}

// races are the nodes, the servers, and what was seen.
type races struct {
	*testing.T
	primary, standby *pgtest.Server
	nodes            []*racing

	mu       sync.Mutex
	promised map[string]bool       // callbacks; false: their users were not told
	dials    map[string][]raceDial // by callback
	overs    map[string]int        // nodes that have given a callback up or ended it
	changed  chan struct{}         // has room for one
	troubled atomic.Bool           // each kind of fault has happened
}

func newRaces(t *testing.T) *races {
	r := &races{T: t, primary: started(t, pgtest.Options{}), promised: map[string]bool{},
		dials: map[string][]raceDial{}, overs: map[string]int{}, changed: make(chan struct{}, 1)}
	r.standby = r.primary.Standby(t)
	for i := range 3 {
		n := &racing{name: fmt.Sprintf("node-%d", i+1)}
		for _, s := range []*pgtest.Server{r.primary, r.standby} {
			n.proxies = append(n.proxies, pgtest.NewProxy(t, &s.Database))
		}
		r.nodes = append(r.nodes, n)
		r.start(n)
		t.Cleanup(n.kill)
	}
	return r
}

// members waits until all nodes have joined.
func (r *races) members() {
	r.Helper()
	within(r.T, "three members", func() bool {
		return r.primary.SQL(r, "SELECT count(*) FROM ringback.nodes WHERE state = 'up' AND timeline <> ''") == "3"
	})
}

// start starts the process of a node.
func (r *races) start(n *racing) {
	r.Helper()
	o := racerOptions{Node: n.name, Database: r.primary.Name}
	for _, p := range n.proxies {
		o.Addresses = append(o.Addresses, p.Address)
	}
	text, _ := json.Marshal(o)
	reports, w, err := os.Pipe()
	if err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), racerVariable+"="+string(text))
	cmd.ExtraFiles, cmd.Stderr = []*os.File{w}, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		r.Fatal(err)
	}
	begun, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig is sent at the end of the thread that started the child
		defer close(ended)
		err := cmd.Start()
		begun <- err
		w.Close()
		if err == nil {
			r.read(fmt.Sprint(n.name, cmd.Process.Pid), reports)
			cmd.Wait()
		}
	}()
	if err := <-begun; err != nil {
		r.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cmd, n.in, n.ended = cmd, in, ended
}

// read notes what a process reports until it ends.
func (r *races) read(process string, reports *os.File) {
	defer reports.Close()
	for in := bufio.NewScanner(reports); in.Scan(); {
		var verb, id string
		d := raceDial{process: process}
		fmt.Sscan(in.Text(), &verb, &id, &d.n, &d.epoch)
		r.mu.Lock()
		switch verb {
		case "promised", "refused":
			r.promised[id] = verb == "promised"
		case "dial":
			r.dials[id] = append(r.dials[id], d)
		case "over":
			r.overs[id]++
		}
		r.mu.Unlock()
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

func (n *racing) tell(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.in, format+"\n", args...) // a process that was killed is told by nobody
}

func (n *racing) kill() {
	n.cmd.Process.Kill()
	<-n.ended
}

// until waits until f is true, which is asked with the mutex held, or some time has passed.
func (r *races) until(d time.Duration, f func() bool) bool {
	late := time.After(d)
	for {
		r.mu.Lock()
		ok := f()
		r.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-r.changed:
		case <-time.After(50 * time.Millisecond): // another race may have read it
		case <-late:
			return false
		}
	}
}

// promise lets nodes promise callbacks until one is promised, and returns its ID; "" if none is: the fleet is troubled.
func (r *races) promise(i int) (id string) {
	for try := range 20 {
		id, told := fmt.Sprintf("race-%d-%05d", try, i), false
		r.nodes[(i+try)%3].tell("promise %s", id)
		if r.until(3*time.Second, func() (known bool) { told, known = r.promised[id]; return known }) && told {
			return id
		}
		<-time.After(100 * time.Millisecond)
	}
	return ""
}

// race lets a node promise a callback, and then two or all three of the nodes claim it at once. It returns when each of
// them is done, or takes too long: it may be stopped, cut off or dead.
func (r *races) race(i int) {
	id := r.promise(i)
	if id == "" {
		return
	}
	all := r.nodes
	if i%2 == 0 {
		out := i / 2 % 3
		all = append(append([]*racing{}, r.nodes[:out]...), r.nodes[out+1:]...)
	}
	for _, n := range all {
		n.tell("race %s", id)
	}
	r.until(3*time.Second, func() bool { return r.overs[id] >= len(all) })
}

// begin runs races, some of them together: count of them, and more until each kind of fault has happened. The channel
// is closed when all are over.
func (r *races) begin(count, together int) <-chan struct{} {
	done := make(chan struct{})
	var running sync.WaitGroup
	for worker := range together {
		running.Go(func() {
			for i := worker; i < count || !r.troubled.Load() && i < 100*count; i += together {
				r.race(i)
			}
		})
	}
	go func() { running.Wait(); close(done) }()
	return done
}

// trouble lets faults happen, one after the other, until done is closed: a node is stopped for longer than the
// takeover, cut off, or killed, and failOvers times the primary is killed.
func (r *races) trouble(random *rand.Rand, failOvers int, done <-chan struct{}) (count map[string]int) {
	count = map[string]int{}
	for i := 0; ; i++ {
		if i == 5 {
			r.troubled.Store(true)
		}
		n, kind := r.nodes[random.IntN(3)], []string{"stopped", "cut off", "killed"}[i%3]
		lasts := time.Duration(1200+random.IntN(1500)) * time.Millisecond
		if i%5 == 4 && failOvers > 0 {
			failOvers--
			kind = "fail-over"
		}
		select {
		case <-done:
			return count
		case <-time.After(time.Duration(200+random.IntN(800)) * time.Millisecond):
		}
		count[kind]++
		switch kind {
		case "stopped":
			n.cmd.Process.Signal(syscall.SIGSTOP)
			<-time.After(lasts)
			n.cmd.Process.Signal(syscall.SIGCONT)
		case "cut off":
			n.hold(lasts)
		case "killed":
			n.kill()
			<-time.After(lasts / 2)
			r.start(n)
		default:
			r.failOver()
		}
	}
}

// hold lets no message of a node pass for some time.
func (n *racing) hold(d time.Duration) {
	passes := make(chan struct{})
	for _, p := range n.proxies {
		p.Rule(func(pgtest.Message) pgtest.Verdict { <-passes; return pgtest.Pass })
	}
	<-time.After(d)
	for _, p := range n.proxies {
		p.Rule(nil)
	}
	close(passes)
}

// failOver kills the primary, promotes the standby, and gives that one a standby.
func (r *races) failOver() {
	dead := r.primary.Address
	r.primary.Kill()
	r.standby.Promote(r)
	r.primary = r.standby
	r.standby = r.primary.Standby(r)
	for _, n := range r.nodes {
		for _, p := range n.proxies {
			p.Move(dead, &r.standby.Database)
		}
	}
}

// settle lets nodes work on what is pending until nothing is.
func (r *races) settle() {
	r.Helper()
	late := time.After(4 * time.Minute)
	for {
		pending := r.primary.SQL(r, "SELECT id FROM ringback.callbacks WHERE ended IS NULL")
		if pending == "" {
			return
		}
		for id := range strings.FieldsSeq(pending) {
			for _, n := range r.nodes {
				n.tell("race %s", id)
			}
		}
		select {
		case <-time.After(time.Second):
		case <-late:
			r.Fatalf("callbacks are pending after 4 minutes: %s\n%s", pending, r.primary.SQL(r,
				"SELECT id, holder, epoch, offered, attempts, open FROM ringback.callbacks WHERE ended IS NULL"))
		}
	}
}

// granted returns which process inserted each attempt, and under which epoch.
func (r *races) granted() map[string]raceDial {
	r.Helper()
	all := map[string]raceDial{}
	for f := range strings.Lines(r.primary.SQL(r, `SELECT callback || ' ' || n || ' ' || epoch || ' ' || encode(body, 'hex')
		FROM ringback.attempts`)) {
		var id, text string
		var a raceDial
		fmt.Sscan(f, &id, &a.n, &a.epoch, &text)
		body, err := hex.DecodeString(text)
		if err == nil {
			_, a.process, err = decodeAttempt(body)
		}
		if err != nil {
			r.Fatalf("attempt %d of %s: %v", a.n, id, err)
		}
		all[fmt.Sprintf("%s %d", id, a.n)] = a
	}
	return all
}

// check compares what was dialed with PostgreSQL: each dial has its attempt, which the same process inserted, under the
// same epoch or under one before, if it resumed in between; no attempt was dialed twice; each promise has ended, and
// attempts are within the budget.
func (r *races) check() (dialed int) {
	r.Helper()
	granted := r.granted()
	spent := map[string]bool{}
	for id, dials := range r.dials {
		for _, d := range dials {
			attempt := fmt.Sprintf("%s %d", id, d.n)
			if a := granted[attempt]; a.process != d.process || a.epoch > d.epoch {
				r.Errorf("attempt %s: dialed by %+v, inserted by %+v", attempt, d, a)
			}
			if spent[attempt] {
				r.Errorf("attempt %s was dialed twice: %+v", attempt, dials)
			}
			spent[attempt] = true
		}
		if len(dials) > 2 {
			r.Errorf("%s has a budget of 2 and was dialed: %+v", id, dials)
		}
		dialed += len(dials)
	}
	outcomes := map[string]string{}
	for f := range strings.Lines(r.primary.SQL(r, `SELECT id || ' ' || outcome || ' ' || (attempts > max)
		FROM ringback.callbacks`)) {
		var id, outcome, over string
		fmt.Sscan(f, &id, &outcome, &over)
		outcomes[id] = outcome
		if over == "true" {
			r.Errorf("%s has more attempts than its budget", id)
		}
		if n := len(r.dials[id]); outcome == "completed" && n == 0 {
			r.Errorf("%s is completed, and was never dialed", id)
		}
	}
	for id, told := range r.promised {
		if _, ok := outcomes[id]; told && !ok {
			r.Errorf("%s was promised, and is lost", id)
		}
	}
	return dialed
}

// TestPeerRaces: two or three processes claim a callback at once, again and again, while they are stopped for longer
// than the takeover, cut off from PostgreSQL and killed, and primaries are killed. None dials for an attempt that it
// has not inserted, none is dialed twice, and no promise is lost.
func TestPeerRaces(t *testing.T) {
	count, failOvers, together := 100, 1, 8
	if os.Getenv("RINGBACK_LONG") != "" {
		count, failOvers, together = 10_000, 6, 24
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := newRaces(t)
	r.members()
	began := time.Now()
	happened := r.trouble(rand.New(rand.NewPCG(seed, 0)), failOvers, r.begin(count, together))
	r.settle()
	dialed := r.check()
	told := 0
	for _, is := range r.promised {
		if is {
			told++
		}
	}
	t.Logf("races for %v: %d promised, %d dials, faults: %v", time.Since(began).Round(time.Second), told,
		dialed, happened)
	if told < count/2 || dialed < told/2 || len(happened) < 4 {
		t.Error("too little happened to prove anything")
	}
}

package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/journal"
)

// racerVariable says that the process is a node of TestPeerRaces, with its options as JSON.
const racerVariable = "TEST_RACER"

// TestMain makes this test binary also a node, which a test may stop and kill.
func TestMain(m *testing.M) {
	if text := os.Getenv(racerVariable); text != "" {
		if err := runRacer(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// racerOptions are what a racer is told at its start.
type racerOptions struct {
	Node, Database string
	Addresses      []string
}

// options are those of the authority of the racer. Only the takeover is shorter than that of a program.
func (o racerOptions) options() Options {
	return Options{Addresses: o.Addresses, Database: o.Database, User: pgtest.User, Node: o.Node,
		Incarnation: fmt.Sprint(o.Node, os.Getpid()), JournalID: "journal of " + o.Node, Version: "1.0",
		Key: []byte("the fleet's key of the races"), Durability: Replicated, Takeover: time.Second,
		Lifetime: 15 * time.Second, AttemptLimit: 15 * time.Second, History: time.Hour}
}

// racer is a node without lines: its dial is a line that it writes to its parent. It has no journal: what it had is
// gone with its process.
type racer struct {
	*Authority
	out   *os.File
	works sync.RWMutex // held for writing while the node resumes

	mu   sync.Mutex
	mine map[string]*fleet.Known // by callback
	busy map[string]bool         // callbacks that a goroutine works on
	sent map[string]int          // attempts that were dialed
}

// runRacer carries out the commands on standard input until that ends: "promise ID", "race ID".
func runRacer(text string) error {
	var o racerOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	a, err := Open(context.Background(), o.options())
	if err != nil {
		return err
	}
	r := &racer{Authority: a, out: os.NewFile(3, "reports"), mine: map[string]*fleet.Known{},
		busy: map[string]bool{}, sent: map[string]int{}}
	go a.Run(context.Background())
	go r.follow()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch verb, id, _ := strings.Cut(in.Text(), " "); verb {
		case "promise":
			go r.promise(id)
		case "race":
			go r.race(id)
		}
	}
	return nil
}

// say reports to the parent, in one write.
func (r *racer) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// follow acts on what others did.
func (r *racer) follow() {
	for c := range r.Changes() {
		switch c.Kind {
		case fleet.Back:
			r.resume()
		case fleet.Taken, fleet.Ended:
			r.gone(c.ID)
		}
	}
}

// gone forgets a callback that others have taken or ended. The change may be from before a newer claim of this node.
func (r *racer) gone(id string) {
	row, _, _, err := r.Callback(context.Background(), id)
	if err != nil || row.Pending() && row.Holder == r.opt.Node {
		return // if it is unknown, the next step tells
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.mine[id]; k != nil && k.Epoch <= row.Epoch {
		delete(r.mine, id)
	}
}

// resume tells the authority what this node has, until that has answered.
func (r *racer) resume() {
	r.works.Lock()
	defer r.works.Unlock()
	for {
		r.mu.Lock()
		var all []fleet.Known
		for _, k := range r.mine {
			all = append(all, *k)
		}
		r.mu.Unlock()
		standings, err := r.Resume(context.Background(), all)
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, s := range standings {
				if k := r.mine[s.ID]; s.Mine && k != nil {
					k.Epoch, k.Attempts = s.Epoch, s.Attempts
					if k.Open != s.Open {
						k.Open = 0
					}
				} else {
					delete(r.mine, s.ID)
				}
			}
			return
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (r *racer) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mine, id)
}

func (r *racer) have(row fleet.Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mine[row.ID] = &fleet.Known{Row: row}
}

// get returns what this node has of a callback.
func (r *racer) get(id string) (row fleet.Row, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.mine[id]; k != nil {
		return k.Row, true
	}
	return row, false
}

// send notes that an attempt is dialed, and returns whether it was not dialed before.
func (r *racer) send(id string, n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.sent[id]
	r.sent[id] = n
	return before != n
}

// set notes the attempts of a callback.
func (r *racer) set(id string, attempts, open int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.mine[id]; k != nil {
		k.Attempts, k.Open = attempts, open
	}
}

// promise promises a callback and offers it. Its user is told if that is certain.
func (r *racer) promise(id string) {
	r.works.RLock()
	defer r.works.RUnlock()
	row := fleet.Row{Rotary: 7, Callback: journal.Callback{ID: id, User: id, Entry: "users", Number: "84001", Max: 2,
		Shared: true, Created: time.Now(), Epoch: 1, Home: r.opt.Node}, Holder: r.opt.Node, Format: fleet.Format}
	err := r.Promise(context.Background(), fleet.Promise{Row: row, Time: row.Created})
	if errors.Is(err, fleet.ErrUnknown) {
		for r.Withdraw(context.Background(), id, "not told") != nil {
			<-time.After(50 * time.Millisecond)
		}
	}
	if err != nil {
		r.say("refused %s", id)
		return
	}
	r.have(row)
	r.say("promised %s", id)
	r.Offer(context.Background(), row)
}

// race tries to dial for a callback. It reports when it is over for this node.
func (r *racer) race(id string) {
	r.mu.Lock()
	busy := r.busy[id]
	r.busy[id] = true
	r.mu.Unlock()
	if busy {
		return
	}
	for range 20 {
		if r.turn(id) {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	r.mu.Lock()
	delete(r.busy, id)
	r.mu.Unlock()
	r.say("over %s", id)
}

// turn makes the next step for a callback, and returns whether nothing is left to do here.
func (r *racer) turn(id string) (over bool) {
	if unknown, over := r.step(id); !unknown {
		return over
	}
	r.resume() // this node may have it
	return false
}

func (r *racer) step(id string) (unknown, over bool) {
	r.works.RLock()
	defer r.works.RUnlock()
	row, ok := r.get(id)
	if !ok {
		return r.claim(id)
	}
	n, err := row.Open, error(nil)
	if n == 0 { // otherwise the attempt that was held back
		n = row.Attempts + 1
		err = r.Attempt(context.Background(), row.Claim(), journal.Attempt{CallbackID: id, N: n, Started: time.Now()})
	}
	if err == nil {
		r.set(id, n, n)
		err = r.Look(context.Background(), row.Claim(), n)
	}
	switch {
	case errors.Is(err, fleet.ErrSpent):
		return false, r.end(row, "failed")
	case errors.Is(err, fleet.ErrFenced):
		r.forget(id)
		return false, true
	case err != nil:
		return false, false
	}
	if r.send(id, n) {
		r.say("dial %s %d %d", id, n, row.Epoch)
	}
	return false, r.dialed(row, n)
}

// claim takes a callback.
func (r *racer) claim(id string) (unknown, over bool) {
	row, _, _, err := r.Callback(context.Background(), id)
	if err == nil && !row.Pending() {
		return false, true
	}
	if err == nil {
		row, err = r.Take(context.Background(), row)
	}
	if err == nil {
		r.have(row)
	}
	return errors.Is(err, fleet.ErrUnknown), errors.Is(err, fleet.ErrFenced)
}

// dialed ends a callback, or offers it again: every fourth number is busy at the first attempt.
func (r *racer) dialed(row fleet.Row, n int) (over bool) {
	row.Attempts, row.Open = n, 0
	if n == 1 && strings.HasSuffix(row.ID, "0") {
		if err := r.Offer(context.Background(), row); err == nil || errors.Is(err, fleet.ErrFenced) {
			r.set(row.ID, n, 0)
			return true
		}
	}
	return r.end(row, "completed")
}

// end ends a callback.
func (r *racer) end(row fleet.Row, outcome string) (over bool) {
	for {
		err := r.End(context.Background(), fleet.End{Claim: row.Claim(), Time: time.Now(), Outcome: outcome,
			Attempts: row.Attempts, Settle: &journal.Settle{Callback: row.ID, Time: time.Now()}})
		if err == nil || errors.Is(err, fleet.ErrFenced) {
			r.forget(row.ID)
			return true
		}
		<-time.After(50 * time.Millisecond)
	}
}

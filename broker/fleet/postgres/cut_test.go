package postgres

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// cutter passes connections on to a server, and cuts the one that sends a text: before the server gets it, or before
// the client gets the answer.
type cutter struct {
	dir, server string

	mu     sync.Mutex
	text   []byte // nil: cuts nothing
	answer bool   // cut the answer
}

func newCutter(t *testing.T, server string) *cutter {
	dir, err := os.MkdirTemp("", "cut") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{dir: dir, server: server}
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait(); os.RemoveAll(dir) })
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.serve(client) })
		}
	})
	return c
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", filepath.Join(c.server, ".s.PGSQL.5432"))
	if err != nil {
		return
	}
	defer server.Close()
	answered := make(chan struct{}, 1)
	var lost sync.Mutex // held while answers are discarded
	discard := false
	var back sync.WaitGroup
	defer back.Wait()
	defer server.Close()
	back.Go(func() {
		defer client.Close()
		b := make([]byte, 1<<16)
		for {
			n, err := server.Read(b)
			if err != nil {
				return
			}
			lost.Lock()
			if discard {
				select {
				case answered <- struct{}{}:
				default:
				}
			} else {
				_, err = client.Write(b[:n])
			}
			lost.Unlock()
			if err != nil {
				return
			}
		}
	})
	b := make([]byte, 1<<20)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		cut, answer := c.cuts(b[:n])
		if cut && !answer {
			return
		}
		if cut {
			lost.Lock()
			discard = true
			lost.Unlock()
		}
		if _, err := server.Write(b[:n]); err != nil && err != io.EOF {
			return
		}
		if cut {
			<-answered
			return
		}
	}
}

// cut cuts the next connection that sends a text.
func (c *cutter) cut(text string, answer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text, c.answer = []byte(text), answer
}

func (c *cutter) cuts(b []byte) (cut, answer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.text) == 0 || !bytes.Contains(b, c.text) {
		return false, false
	}
	c.text = nil
	return true, c.answer
}

// TestPeerCut: the connection is lost when a change is sent, or when it is answered. The error tells that the outcome
// is not known, never that it happened or that it was refused; what is there afterwards is all of the change or
// nothing, and the change can be asked for again, or be withdrawn.
func TestPeerCut(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	c := newCutter(t, w.d.Address)
	a := w.member("lyon-1", func(o *Options) { o.Addresses = []string{c.dir} })
	charges := []journal.Charge{{Scope: "user", Key: "k"}, {Scope: "site"}}
	promised := func(id string) fleet.Row {
		t.Helper()
		untilAnswered(t, func() error { return a.Promise(ctx, promiseOf(id, id)) })
		row, _, _, err := a.Callback(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	for _, answer := range []bool{false, true} {
		name := map[bool]string{false: "-sent", true: "-answered"}[answer]
		for _, p := range []fleet.Promise{promiseOf("bare"+name, "bare"), promiseOf("charged"+name, "charged")} {
			if p.User == "charged" {
				p.Charges, p.Amount = charges, journal.Amount{Calls: 1}
			}
			c.cut(p.ID, answer)
			if err := a.Promise(ctx, p); !errors.Is(err, fleet.ErrUnknown) {
				t.Errorf("promise %s: %v", p.ID, err)
			}
			untilAnswered(t, func() error { return a.Withdraw(ctx, p.ID, "not known") })
			if err := a.Promise(ctx, p); err == nil {
				t.Errorf("promise %s arrives after it was withdrawn", p.ID)
			}
		}
		row := promised("row" + name)
		c.cut(row.ID, answer)
		if err := a.Attempt(ctx, row.Claim(), attemptOf(row.ID, 1)); !errors.Is(err, fleet.ErrUnknown) {
			t.Errorf("attempt %s: %v", name, err)
		}
		untilAnswered(t, func() error { return a.Attempt(ctx, row.Claim(), attemptOf(row.ID, 1)) })
		if err := a.Attempt(ctx, row.Claim(), attemptOf(row.ID, 1)); !errors.Is(err, fleet.ErrSpent) {
			t.Errorf("attempt %s a third time: %v", name, err)
		}
		c.cut(row.ID, answer)
		if err := a.End(ctx, endOf(row, "completed")); !errors.Is(err, fleet.ErrUnknown) {
			t.Errorf("end %s: %v", name, err)
		}
		untilAnswered(t, func() error { return a.End(ctx, endOf(row, "completed")) })
		got, attempts, _, err := a.Callback(ctx, row.ID)
		if err != nil || got.Outcome != "completed" || got.Attempts != 1 || len(attempts) != 1 || !got.Settled {
			t.Errorf("%s: %+v, %d attempts, %v", name, got, len(attempts), err)
		}
	}
	all, err := a.Accounts(ctx)
	for _, account := range all {
		t.Errorf("nothing was used, but an account has %+v", account)
	}
	if err != nil {
		t.Error(err)
	}
}

// untilAnswered asks again while the connection is being made anew.
func untilAnswered(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if err = f(); !errors.Is(err, fleet.ErrAway) && !errors.Is(err, fleet.ErrNotMember) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// memory is a journal in memory.
type memory struct {
	mu      sync.Mutex
	id      string
	rows    []journal.Audit
	audited chan struct{}
}

func newMemory() *memory {
	return &memory{id: strings.Repeat("ab", 16), audited: make(chan struct{}, 1)}
}

// add appends n rows.
func (m *memory) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		a := journal.Audit{Seq: int64(len(m.rows) + 1), Time: time.Now(), Kind: "login", Who: "paia-01"}
		a.Text = fmt.Sprintf("tty %d", a.Seq)
		a.Digest = a.DigestAfter(m.digest(len(m.rows)))
		m.rows = append(m.rows, a)
	}
	select {
	case m.audited <- struct{}{}:
	default:
	}
}

func (m *memory) digest(n int) []byte {
	if n == 0 {
		return make([]byte, journal.DigestSize)
	}
	return m.rows[n-1].Digest
}

func (m *memory) AuditHead() journal.AuditHead {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := journal.AuditHead{Journal: m.id, Seq: int64(len(m.rows))}
	copy(h.Digest[:], m.digest(len(m.rows)))
	return h
}

func (m *memory) Audited() <-chan struct{} { return m.audited }

func (m *memory) AuditDigest(_ context.Context, seq int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq > int64(len(m.rows)) {
		return nil, nil
	}
	return m.digest(int(seq)), nil
}

// copied returns the rows.
func (m *memory) copied() []Row {
	var out []Row
	for _, a := range m.rows {
		out = append(out, Row{Audit: a})
	}
	return out
}

// relink makes the digests of rows fit their content, as somebody who may write the journal can.
func relink(rows []Row) []Row {
	digest := make([]byte, journal.DigestSize)
	for i := range rows {
		rows[i].Seq = int64(i + 1)
		rows[i].Digest = rows[i].DigestAfter(digest)
		digest = rows[i].Digest
	}
	return rows
}

// node is a server: its directory, its journal, and what it has reported.
type node struct {
	dir     string
	journal *memory

	mu     sync.Mutex
	events []events.Event
	sealed chan struct{} // receives a value for each seal
}

func newNode(t *testing.T) *node {
	t.Helper()
	return &node{dir: t.TempDir(), journal: newMemory(), sealed: make(chan struct{}, 100)}
}

func (n *node) happened(e events.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
	if _, ok := e.(events.AuditSealed); ok {
		n.sealed <- struct{}{}
	}
}

func (n *node) seals() string { return filepath.Join(n.dir, SealsFile) }

func (n *node) start() *Sealer {
	return Start(n.dir, Settings{File: n.seals(), Every: time.Hour, Rows: 10}, n.journal, n.happened)
}

// run runs the server: it makes a seal at its start, adds rows, and makes a seal at its stop.
func (n *node) run(t *testing.T, rows int) {
	t.Helper()
	for len(n.sealed) > 0 {
		<-n.sealed
	}
	s := n.start()
	<-n.sealed
	n.journal.add(rows)
	if err := s.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
}

func (n *node) key(t *testing.T) ed25519.PublicKey {
	t.Helper()
	key, err := Key(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// lines returns the lines of the file of seals.
func (n *node) lines(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(n.seals())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	return lines[:len(lines)-1]
}

// verify verifies rows with files of seals.
func verify(t *testing.T, rows []Row, keys []ed25519.PublicKey, files ...string) Report {
	t.Helper()
	v := NewVerifier(keys...)
	for i, text := range files {
		if err := v.ReadSeals(fmt.Sprintf("seals%d", i+1), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	v.Begin(0, nil, false)
	for _, r := range rows {
		v.Row(r)
	}
	return v.End(time.Now())
}

func (r Report) all() string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, "finding: "+f.String())
	}
	for _, n := range r.Notes {
		out = append(out, "note: "+n)
	}
	return strings.Join(out, "\n")
}

package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// The states of a node in its row. A node that is silent or drained is up there.
const (
	stateUp      = "up"
	stateDown    = "down" // shut down in order
	stateRemoved = "removed"
)

// membership is the place of this node in the fleet, and what it sees of the others. A node is a member while its row
// has the incarnation that it wrote when it joined.
type membership struct {
	mu          sync.Mutex
	view        silence
	incarnation string        // of this membership; "": not a member
	digests     string        // as its row has them
	tried       string        // the incarnation of a join whose outcome is unknown
	beat        int64         // the last one that was acknowledged
	doubtful    int64         // beats after it whose outcome is unknown
	strays      strays        // beats before it that were given up
	answered    time.Duration // when that was, on the monotonic clock
	failures    int           // beats in sequence without an answer
	connected   bool          // the last beat was answered, or no two in sequence failed
	reason      string        // why this node is not connected, or not a member
	since       time.Time
	server      string               // the server's identity and timeline
	changed     time.Duration        // when it was seen to be another, in watched time
	resumed     string               // the server with which this node, as the member that it is, has resumed
	rows        map[string]memberRow // of all nodes, as last read
	followed    map[string]bool      // absent nodes that were reported already
	lost        string               // what the server had lost at its last change
}

// memberRow is what a beat reads of a node.
type memberRow struct {
	sight
	journal  string
	drained  string // why, as the others see it
	timeline string // the server, as in membership.server, with which the node has resumed last
}

// hasResumed reports whether this node has told the present server which callbacks it has. m must be locked.
func (m *membership) hasResumed() bool { return m.server != "" && m.resumed == m.server }

// cloneReason is the reason after another process took the row of this node.
const cloneReason = "another process runs with the name and the journal of this node: stop one of the two"

// incarnation returns what the statements of a member test in the row of its node (see memberSQL). Its error wraps
// fleet.ErrNotMember, or fleet.ErrAway after a takeover's time without an acknowledged beat: others may have followed
// this node then.
func (a *Authority) incarnation() (string, error) {
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.incarnation == "" && m.connected:
		return "", fmt.Errorf("%w: %s", fleet.ErrNotMember, m.reason)
	case m.incarnation == "":
		return "", fmt.Errorf("%w: %s", fleet.ErrAway, m.reason)
	case a.clock()-m.answered > a.opt.Takeover:
		return "", fmt.Errorf("%w: no heartbeat was acknowledged for %v", fleet.ErrAway, a.opt.Takeover)
	}
	return m.incarnation, nil
}

// candidate decides whether this node may write its row anew: "" if it may. Otherwise it returns the reason, and
// whether that needs an operator.
func (m *membership) candidate(node, journal string) (reason string, operator bool) {
	row, ok := m.rows[node]
	switch {
	case !ok, row.state == stateRemoved:
		return "", false
	case row.journal != journal:
		return fmt.Sprintf("a node with another journal has the name %q: set fleet.node to another name, or, if that "+
			"node is gone for good, run \"ringback fleet remove %s\"", node, node), true
	case row.state == stateDown:
		return "", false
	}
	w := m.view.nodes[node]
	if w.unchanged >= fewestReads && 2*m.view.quiet(node) >= 5*row.interval { // 2.5 of its beats
		return "", false
	}
	if w.moves > 0 {
		return cloneReason, true
	}
	return "waits for an earlier process of this node, which did not shut down, to miss its heartbeats", false
}

// join writes the row of this node with a new incarnation, if the row is still as it was read.
func (a *Authority) join(ctx context.Context) error {
	m := &a.member
	m.mu.Lock()
	seen := m.rows[a.opt.Node]
	m.tried = rand.Text()
	mine := m.tried
	m.mu.Unlock()
	self := a.identity(mine)
	digests := self.digestsJSON()
	joined := false
	err := a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := a.sameKey(ctx, tx); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, joinSQL, a.opt.Node, mine, a.opt.JournalID, a.opt.Version, fleet.Format,
			digests, int64(a.interval()), time.Now().UnixNano(), a.keys.sum(self.mac(a.keys)),
			seen.incarnation, seen.beat, seen.state)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		joined = true
		_, err = tx.Exec(ctx, lockdownSQL, a.opt.Node)
		return err
	})
	if err != nil || !joined {
		return err // the next read tells whether it was done
	}
	m.mu.Lock()
	m.digests = digests
	m.mu.Unlock()
	a.joined(mine, seen.beat+1)
	return nil
}

const joinSQL = `
INSERT INTO ringback.nodes AS n (name, incarnation, journal_id, state, version, format, digests, beat, pace, since, mac)
VALUES ($1, $2, $3, 'up', $4, $5, $6, 1, $7, $8, $9)
ON CONFLICT (name) DO UPDATE SET incarnation = $2, journal_id = $3, state = 'up', version = $4, format = $5,
	digests = $6, beat = n.beat + 1, pace = $7, since = $8, mac = $9, drained = '', timeline = ''
WHERE n.incarnation = $10 AND n.beat = $11 AND n.state = $12`

// prepare makes what a node needs before it joins.
func (a *Authority) prepare() {
	began := time.Now()
	a.clock = func() time.Duration { return time.Since(began) }
	a.pollEach = pollEach
	a.mail, a.hurried = newMailbox(), make(chan struct{}, 1)
	a.renewed = make(chan struct{}, 1)
	a.taken = ordersTaken{orders: make(map[int64]fleet.Order), results: make(map[int64]string)}
	a.alarms.told = make(map[string]bool)
	a.recall.prepare(a.opt.Node)
	a.member.view = silence{interval: a.interval(), takeover: a.opt.Takeover}
	a.member.since, a.member.reason = began, "it has not connected yet"
}

// joined notes that this node is a member, from a beat on.
func (a *Authority) joined(incarnation string, beat int64) {
	m := &a.member
	m.mu.Lock()
	m.incarnation, m.tried, m.beat, m.doubtful, m.strays = incarnation, "", beat, 0, strays{}
	m.answered, m.since, m.reason, m.resumed = a.clock(), time.Now(), "", ""
	m.mu.Unlock()
	a.log.Info("joined the fleet")
	a.mail.put(fleet.Change{Kind: fleet.Back})
	a.hurry()
}

// identity returns what this node says of itself.
func (a *Authority) identity(incarnation string) identity {
	return identity{a.opt.Node, incarnation, a.opt.JournalID, a.opt.Version, fleet.Format, a.opt.Digests()}
}

// renew writes the digests of this node anew if they have changed, as by a reload of its configuration.
func (a *Authority) renew(ctx context.Context) error {
	m := &a.member
	m.mu.Lock()
	mine, was := m.incarnation, m.digests
	m.mu.Unlock()
	self := a.identity(mine)
	digests := self.digestsJSON()
	if mine == "" || digests == was {
		return nil
	}
	_, err := a.link.pool.Exec(ctx, `UPDATE ringback.nodes SET digests = $3, mac = $4
		WHERE name = $1 AND incarnation = $2`, a.opt.Node, mine, digests, a.keys.sum(self.mac(a.keys)))
	if err == nil {
		m.mu.Lock()
		m.digests = digests
		m.mu.Unlock()
	}
	return err
}

// showDrained tells the others whether this node is drained, if its row does not: an operator at the node itself, or
// the time of the order, may have ended it.
func (a *Authority) showDrained(ctx context.Context) error {
	m := &a.member
	m.mu.Lock()
	mine, shown := m.incarnation, m.rows[a.opt.Node].drained
	m.mu.Unlock()
	if a.opt.Drained == nil || mine == "" || a.opt.Drained() == shown {
		return nil
	}
	_, err := a.link.pool.Exec(ctx, `UPDATE ringback.nodes SET drained = $3 WHERE name = $1 AND incarnation = $2`,
		a.opt.Node, mine, a.opt.Drained())
	return err
}

// identity is what a node says of itself in its row, signed.
type identity struct {
	name, incarnation, journal, version string
	format                              int
	digests                             map[string]string
}

func (i identity) mac(k keys) *mac {
	return k.begin("nodes").text(i.name).text(i.incarnation).text(i.journal).text(i.version).number(int64(i.format)).
		text(i.digestsJSON())
}

// digestsJSON returns the digests in the order of their names.
func (i identity) digestsJSON() string {
	text, _ := json.Marshal(i.digests) // of strings, which cannot fail
	return string(text)
}

// leave reports that this node has shut down in order.
func (a *Authority) leave(ctx context.Context) {
	m := &a.member
	m.mu.Lock()
	mine := m.incarnation
	m.incarnation, m.reason = "", "it has shut down"
	m.mu.Unlock()
	if mine == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.opt.Timeout)
	defer cancel()
	if _, err := a.link.beats.Exec(ctx, leaveSQL, a.opt.Node, mine); err != nil {
		a.log.Warn("the fleet was not told that this node shuts down: others wait for the takeover time")
	}
}

const leaveSQL = `
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
gone AS (UPDATE ringback.nodes SET state = 'down', beat = beat + 1 FROM quick WHERE name = $1 AND incarnation = $2
	RETURNING name)
SELECT pg_notify('ringback', '') FROM gone`

// validName reports whether a node may have this name, which is as a label of a host name.
func validName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && len(name) <= 63 && strings.Trim(name, "-") == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(letters+"-", r) })
}

package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A row that was true earlier verifies for ever. So that nobody can put one back for a node that has not seen the later
// one, each node draws a random number, its watch, when it begins to read what others attempt and end. A node that
// holds callbacks lists the watches that it sees in its roll, and what it writes of a callback has the number of that
// roll. A row whose roll lists the present watch of a node was written since that watch has begun, and what became of
// it since is in the feed that the node reads.

// watch is what this node watches, and its roll.
type watch struct {
	mu     sync.Mutex
	number int64 // random; 0: none yet
	begun  bool  // the feed was read
	from   int64 // the transaction from which the feed is read next; 0: from the present one
	fed    time.Duration
	rolls  map[int64]bool // of others, which list this watch
	roll   int64          // of this node; 0: none
	listed []int64        // the watches in it
}

// mostRolls bounds the rolls of others that are remembered: nodes make new ones if somebody changes the watches.
const mostRolls = 1000

// random returns a number that nobody can guess.
func random() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return max(int64(binary.BigEndian.Uint64(b[:])>>1), 1)
}

// again begins a new watch: rows that were written before are vouched for no longer. w must be locked.
func (w *watch) again() { w.number, w.begun, w.rolls = random(), false, nil }

// anew begins a new watch with another server, or with an empty memory.
func (w *watch) anew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again()
	w.from = 0
}

// present returns the roll of this node.
func (w *watch) present() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roll
}

// longestGap is how long the feed may be unread: what was put back meanwhile would not be noticed.
func (a *Authority) longestGap() time.Duration { return max(a.opt.Takeover, 3*a.pollEach) }

// rolls returns the rolls whose rows this node may take. After a gap there are none, and the next look begins anew.
func (a *Authority) rolls() []int64 {
	w := &a.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun || a.clock()-w.fed > a.longestGap() {
		a.hurry()
		return nil
	}
	return slices.Collect(maps.Keys(w.rolls))
}

// vouched reports whether a row was written since this node watches.
func (a *Authority) vouched(r *record) bool { return slices.Contains(a.rolls(), r.roll) }

// listing is what a node has of another one: its watch, and its roll.
type listing struct {
	name    string
	up      bool
	watch   int64
	roll    int64
	watches []byte
	mac     []byte
}

// listingsSQL reads all of them.
const listingsSQL = `SELECT n.name, n.state = 'up', n.watch, coalesce(r.roll, 0), coalesce(r.watches, ''),
	coalesce(r.mac, '') FROM ringback.nodes n LEFT JOIN ringback.rolls r ON r.node = n.name
	AND octet_length(r.watches) + octet_length(r.mac) <= 65536`

// showSQL shows the watch $3 and the roll of a node. It does not wait for a standby, as beats do not: another server
// begins without rolls.
const showSQL = `
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
shown AS (UPDATE ringback.nodes SET watch = $3 FROM quick WHERE name = $1 AND incarnation = $2 RETURNING name),
listed AS (INSERT INTO ringback.rolls (node, roll, watches, mac) SELECT name, $4, $5, $6 FROM shown
	ON CONFLICT (node) DO UPDATE SET roll = excluded.roll, watches = excluded.watches, mac = excluded.mac)
SELECT pg_notify('ringback', '') FROM shown`

// callRoll reads the watches and rolls of the others, and shows the new ones of this node.
func (a *Authority) callRoll(ctx context.Context) error {
	mine, err := a.incarnation()
	if err != nil {
		return nil
	}
	rows, err := a.link.pool.Query(ctx, listingsSQL)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (l listing, err error) {
		err = r.Scan(&l.name, &l.up, &l.watch, &l.roll, &l.watches, &l.mac)
		return l, err
	})
	if err != nil {
		return err
	}
	next, news := a.watch.take(a.opt.Node, all, a.keys)
	if news {
		_, err = a.link.pool.Exec(ctx, showSQL, a.opt.Node, mine, next.watch, next.roll, next.watches,
			a.keys.sum(a.keys.rollMac(a.opt.Node, next)))
	}
	if err == nil && news {
		a.watch.shown(next)
	}
	select {
	case a.renewed <- struct{}{}:
	default:
	}
	return err
}

func (k keys) rollMac(node string, l listing) *mac {
	return k.begin("rolls").text(node).number(l.roll).octets(l.watches)
}

// take takes what the nodes show, and returns what this node must show instead of what it shows.
func (w *watch) take(node string, all []listing, k keys) (next listing, news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var own listing
	var seen []int64
	for _, l := range all {
		if l.name == node {
			own = l
			continue
		}
		if l.up && l.watch != 0 {
			seen = append(seen, l.watch)
		}
		if !w.rolls[l.roll] && slices.Contains(numbers(l.watches), w.number) && k.verify(k.rollMac(l.name, l), l.mac) {
			if len(w.rolls) >= mostRolls || w.rolls == nil {
				w.rolls = map[int64]bool{}
			}
			w.rolls[l.roll] = true
		}
	}
	next = listing{watch: own.watch, roll: w.roll, watches: octets(w.listed)}
	if w.begun {
		next.watch = w.number
	}
	unlisted := slices.ContainsFunc(seen, func(n int64) bool { return !slices.Contains(w.listed, n) })
	if unlisted || own.roll != w.roll {
		next.roll, next.watches = random(), octets(seen)
	}
	return next, next.watch != own.watch || next.roll != own.roll
}

// shown notes the roll that this node has shown.
func (w *watch) shown(l listing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roll, w.listed = l.roll, numbers(l.watches)
}

func octets(all []int64) []byte {
	b := make([]byte, 0, 8*len(all))
	for _, n := range all {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func numbers(b []byte) (all []int64) {
	for ; len(b) >= 8; b = b[8:] {
		all = append(all, int64(binary.BigEndian.Uint64(b)))
	}
	return all
}

package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// record is a row of callbacks. sum signs what its holder wrote when it promised or offered, mac signs sum and the
// state.
type record struct {
	id, entry, user, home string
	rotary                int
	shared                bool
	format, max           int
	created               int64
	reservation, body     []byte
	sum                   []byte
	state
	mac []byte
	big bool // more than mostOctets: texts and body were not read
}

// state is what changes in a row.
type state struct {
	holder   string
	epoch    int64
	offered  bool
	attempts int
	open     int
	ended    int64 // 0: pending
	outcome  string
	cause    string
	settled  bool
}

// withdrawn is the outcome of a row that stands for a promise that was withdrawn before it arrived: the promise can no
// longer be recorded. Operators do not see it.
const withdrawn = "withdrawn"

// mostOctets is the most that is read of a row.
const mostOctets = 1 << 20

// The columns of a record. What is too big is not read: somebody else may have written it.
const (
	fitsSQL = `(octet_length(entry) + octet_length(username) + octet_length(home) + octet_length(reservation) +
		octet_length(body) + octet_length(sum) + octet_length(holder) + octet_length(outcome) + octet_length(cause) +
		octet_length(mac) <= 1048576)`
	ifFits   = `CASE WHEN ` + fitsSQL + ` THEN `
	elseNone = ` ELSE '' END, `
	columns  = `left(id, 64), ` + ifFits + `entry` + elseNone + ifFits + `username` + elseNone + ifFits + `home` + elseNone +
		`rotary, shared, format, max, created, ` + ifFits + `reservation` + elseNone + ifFits + `body` + elseNone +
		ifFits + `sum` + elseNone + ifFits + `holder` + elseNone + `epoch, offered, attempts, open, coalesce(ended, 0), ` +
		ifFits + `outcome` + elseNone + ifFits + `cause` + elseNone + `settled, ` + ifFits + `mac` + elseNone +
		`NOT ` + fitsSQL
)

// scan reads the columns.
func scan(row pgx.Row) (*record, error) {
	r := &record{}
	var entry, user, cause []byte
	err := row.Scan(&r.id, &entry, &user, &r.home, &r.rotary, &r.shared, &r.format, &r.max, &r.created, &r.reservation,
		&r.body, &r.sum, &r.holder, &r.epoch, &r.offered, &r.attempts, &r.open, &r.ended, &r.outcome, &cause,
		&r.settled, &r.mac, &r.big)
	r.entry, r.user, r.cause = string(entry), string(user), string(cause)
	return r, err
}

func (k keys) sumOf(r *record) []byte {
	return k.sum(k.begin("callbacks").text(r.id).text(r.entry).text(r.user).text(r.home).number(int64(r.rotary)).
		flag(r.shared).number(int64(r.format)).number(int64(r.max)).number(r.created).octets(r.reservation).
		octets(r.body))
}

func (k keys) macOf(r *record) []byte {
	return k.sum(k.begin("state").text(r.id).octets(r.sum).text(r.holder).number(r.epoch).flag(r.offered).
		number(int64(r.attempts)).number(int64(r.open)).number(r.ended).text(r.outcome).text(r.cause).flag(r.settled))
}

// newRecord returns the record of a row, without signatures.
func newRecord(r fleet.Row, reservation []byte) (*record, error) {
	if !fits(r) || r.ID == "" || len(r.ID) > 64 || r.Attempts > r.Max {
		return nil, fmt.Errorf("callback %.64q: it cannot be recorded (attempts %d of %d)", r.ID, r.Attempts, r.Max)
	}
	out := &record{id: r.ID, entry: r.Entry, user: r.User, home: r.Home, rotary: r.Rotary, shared: r.Shared,
		format: cmp.Or(r.Format, fleet.Format), max: r.Max, created: nanos(r.Created), reservation: reservation,
		body: encodeBody(r.Callback), state: state{holder: r.Holder, epoch: r.Epoch, offered: r.Offered,
			attempts: r.Attempts, open: r.Open, ended: nanos(r.Ended), outcome: r.Outcome, cause: r.Cause,
			settled: r.Settled}}
	if n := len(out.body) + len(out.entry) + len(out.user) + len(out.reservation); n > mostOctets-4096 {
		return nil, fmt.Errorf("callback %s: it has %d octets, and other nodes read %d", r.ID, n, mostOctets)
	}
	return out, nil
}

// row returns the record as nodes know it.
func (r *record) row() (fleet.Row, error) {
	out := fleet.Row{Holder: r.holder, Rotary: r.rotary, Offered: r.offered, Open: r.open, Settled: r.settled,
		Format: r.format}
	out.Callback = journal.Callback{ID: r.id, Entry: r.entry, User: r.user, Attempts: r.attempts, Max: r.max,
		Created: moment(r.created), Ended: moment(r.ended), Outcome: r.outcome, Cause: r.cause, Epoch: r.epoch,
		Home: r.home, Shared: r.shared}
	if err := decodeBody(r.body, &out.Callback); err != nil {
		return out, fmt.Errorf("callback %s: its body: %w", r.id, err)
	}
	return out, nil
}

// sign writes both signatures.
func (a *Authority) sign(r *record) {
	r.sum = a.keys.sumOf(r)
	r.mac = a.keys.macOf(r)
}

// check returns an error that wraps fleet.ErrForged if a record that was read does not verify, or is older than what
// this process has seen before the read began. It remembers the others.
func (a *Authority) check(r *record, before uint64) error {
	why := ""
	switch {
	case r.big:
		why = "has more than 1 MiB"
	case !bytes.Equal(r.sum, a.keys.sumOf(r)) || !bytes.Equal(r.mac, a.keys.macOf(r)):
		why = "does not verify"
	case a.known.behind(r, before):
		why = "is older than this node has seen it"
	default:
		a.known.see(r, before)
		return nil
	}
	a.forged(r.id)
	return fmt.Errorf("callback %s: its row %s: %w", r.id, why, fleet.ErrForged)
}

// find reads a record and checks it. It returns nil if there is none.
func (a *Authority) find(ctx context.Context, id string) (*record, error) {
	before := a.known.now()
	var r *record
	err := a.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		r, err = scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM ringback.callbacks WHERE id = $1`, id))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r, a.check(r, before)
}

const insertSQL = `INSERT INTO ringback.callbacks (id, entry, username, folded, home, rotary, shared, format, max, created,
	reservation, body, sum, holder, epoch, offered, attempts, open, ended, outcome, cause, settled, mac)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, nullif($19::bigint, 0), $20,
	$21, $22, $23)`

// insert signs a record and queues its insertion.
func (a *Authority) insert(b *pgx.Batch, r *record) {
	a.sign(r)
	b.Queue(insertSQL, r.id, []byte(r.entry), []byte(r.user), []byte(fold(r.user)), r.home, r.rotary, r.shared,
		r.format, r.max, r.created, r.reservation, r.body, r.sum, r.holder, r.epoch, r.offered, r.attempts, r.open,
		r.ended, r.outcome, []byte(r.cause), r.settled, r.mac)
}

// fold returns a name as all its spellings have it: a user may have one callback, however the name is written.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}

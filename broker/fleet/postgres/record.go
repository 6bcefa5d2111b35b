package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/aaa"
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
	big bool // too big to be read: only the numbers were
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
	roll     int64 // of its holder, when it wrote this
}

// withdrawn is the outcome of a row that stands for a promise that was withdrawn before it arrived: the promise can no
// longer be recorded. Operators do not see it.
const withdrawn = "withdrawn"

// The most that is read of a row: of its body, and of any other column.
const (
	mostBody   = 1 << 20
	mostColumn = 64 << 10
)

// bodyColumn is that of the body among the columns.
const bodyColumn = `CASE WHEN octet_length(body) <= 1048576 THEN body END`

// The columns of a record. What is too big is not read, and NULL: somebody else has written it.
const columns = `left(id, 64), CASE WHEN octet_length(entry) <= 65536 THEN entry END,
	CASE WHEN octet_length(username) <= 65536 THEN username END, CASE WHEN octet_length(home) <= 65536 THEN home END,
	rotary, shared, format, max, created, CASE WHEN octet_length(reservation) <= 65536 THEN reservation END,
	` + bodyColumn + `, CASE WHEN octet_length(sum) <= 65536 THEN sum END,
	CASE WHEN octet_length(holder) <= 65536 THEN holder END, epoch, offered, attempts, open, coalesce(ended, 0),
	CASE WHEN octet_length(outcome) <= 65536 THEN outcome END, CASE WHEN octet_length(cause) <= 65536 THEN cause END,
	settled, roll, CASE WHEN octet_length(mac) <= 65536 THEN mac END`

// scan reads the columns.
func scan(row pgx.Row) (*record, error) {
	r := &record{}
	var entry, user, cause []byte
	var home, holder, outcome *string
	err := row.Scan(&r.id, &entry, &user, &home, &r.rotary, &r.shared, &r.format, &r.max, &r.created, &r.reservation,
		&r.body, &r.sum, &holder, &r.epoch, &r.offered, &r.attempts, &r.open, &r.ended, &outcome, &cause, &r.settled,
		&r.roll, &r.mac)
	if err != nil {
		return nil, err
	}
	for _, b := range [][]byte{entry, user, cause, r.reservation, r.body, r.sum, r.mac} {
		r.big = r.big || b == nil
	}
	if r.big = r.big || home == nil || holder == nil || outcome == nil; r.big {
		return r, nil
	}
	r.entry, r.user, r.cause, r.home, r.holder, r.outcome = string(entry), string(user), string(cause), *home, *holder,
		*outcome
	return r, nil
}

func (k keys) sumOf(r *record) []byte {
	return k.sum(k.begin("callbacks").text(r.id).text(r.entry).text(r.user).text(r.home).number(int64(r.rotary)).
		flag(r.shared).number(int64(r.format)).number(int64(r.max)).number(r.created).octets(r.reservation).
		octets(r.body))
}

func (k keys) macOf(r *record) []byte {
	return k.sum(k.begin("state").text(r.id).octets(r.sum).text(r.holder).number(r.epoch).flag(r.offered).
		number(int64(r.attempts)).number(int64(r.open)).number(r.ended).text(r.outcome).text(r.cause).flag(r.settled).
		number(r.roll))
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
	if len(out.body) > mostBody {
		return nil, fmt.Errorf("callback %s: its body has %d octets, and nodes read %d", r.ID, len(out.body), mostBody)
	}
	for _, n := range []int{len(out.entry), len(out.user), len(out.cause), len(reservation)} {
		if n > mostColumn {
			return nil, fmt.Errorf("callback %s: a column has %d octets, and nodes read %d", r.ID, n, mostColumn)
		}
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
		why = "is too big"
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
	reservation, body, sum, holder, epoch, offered, attempts, open, ended, outcome, cause, settled, mac, roll, ended_tx)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, nullif($19::bigint, 0), $20,
	$21, $22, $23, $24, CASE WHEN $25::boolean THEN pg_current_xact_id()::text::bigint END`

// insert signs a record of this node and queues its insertion.
func (a *Authority) insert(b *pgx.Batch, r *record) { b.Queue(insertSQL, a.insertArgs(r)...) }

// insertArgs signs a record of this node and returns the arguments of insertSQL.
func (a *Authority) insertArgs(r *record) []any {
	r.roll = a.watch.present()
	a.sign(r)
	return []any{r.id, []byte(r.entry), []byte(r.user), []byte(aaa.FoldUser(r.user)), r.home, r.rotary, r.shared,
		r.format, r.max, r.created, r.reservation, r.body, r.sum, r.holder, r.epoch, r.offered, r.attempts, r.open,
		r.ended, r.outcome, []byte(r.cause), r.settled, r.mac, r.roll, r.ended != 0}
}

package postgres

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// errCodec is the error of octets that no version has written.
var errCodec = errors.New("it cannot be decoded")

// encoder appends values. A number is a varint, a text has its length before it.
type encoder []byte

func (e *encoder) text(s string) { *e = append(binary.AppendUvarint(*e, uint64(len(s))), s...) }

func (e *encoder) number(n int64) { *e = binary.AppendVarint(*e, n) }

func (e *encoder) flag(b bool) {
	if b {
		e.number(1)
		return
	}
	e.number(0)
}

func (e *encoder) time(t time.Time) { e.number(nanos(t)) }

func (e *encoder) amount(a journal.Amount) {
	e.number(a.Calls)
	e.number(a.Failures)
	e.number(int64(a.Time))
	e.number(a.Money)
}

// nanos returns a time as rows have it: 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment is the inverse of nanos.
func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// decoder reads what an encoder has written. After an error it returns zero values. Octets after the last value are
// those of a newer format.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) err() error {
	if d.failed {
		return errCodec
	}
	return nil
}

func (d *decoder) fail() { d.b, d.failed = nil, true }

func (d *decoder) text() string {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n > uint64(len(d.b)-size) {
		d.fail()
		return ""
	}
	s := string(d.b[size : size+int(n)])
	d.b = d.b[size+int(n):]
	return s
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) int() int {
	n := d.number()
	if n != int64(int32(n)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) flag() bool {
	n := d.number()
	if n != 0 && n != 1 {
		d.fail()
	}
	return n == 1
}

func (d *decoder) time() time.Time { return moment(d.number()) }

func (d *decoder) amount() journal.Amount {
	return journal.Amount{Calls: d.number(), Failures: d.number(), Time: time.Duration(d.number()), Money: d.number()}
}

// count reads the number of the values that follow, each of at least one octet.
func (d *decoder) count() int {
	n := d.number()
	if n < 0 || n > int64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

// encodeBody returns what a row has no column for.
func encodeBody(c journal.Callback) []byte {
	e := make(encoder, 0, 128+len(c.State)+len(c.Plan)+len(c.Decision)+len(c.Trace)+len(c.Authorization))
	for _, s := range []string{c.Phase, c.State, c.Service, c.Caller, c.Number, c.CallID, c.Plan, c.Decision, c.Trace,
		c.PolicyDigest, c.Authorization, c.MultiSessionID} {
		e.text(s)
	}
	e.flag(c.NoVerify)
	e.number(int64(c.CalledTTY))
	e.number(int64(len(c.Lines)))
	for _, n := range c.Lines {
		e.number(int64(n))
	}
	e.flag(c.Rotary != nil)
	if c.Rotary != nil {
		e.number(int64(*c.Rotary))
	}
	e.number(int64(c.ForcedWait))
	e.number(int64(c.RetryWait))
	e.time(c.Updated)
	return e
}

func decodeBody(b []byte, c *journal.Callback) error {
	d := decoder{b: b}
	for _, s := range []*string{&c.Phase, &c.State, &c.Service, &c.Caller, &c.Number, &c.CallID, &c.Plan, &c.Decision,
		&c.Trace, &c.PolicyDigest, &c.Authorization, &c.MultiSessionID} {
		*s = d.text()
	}
	c.NoVerify = d.flag()
	c.CalledTTY = d.int()
	for range d.count() {
		c.Lines = append(c.Lines, d.int())
	}
	if d.flag() {
		n := d.int()
		c.Rotary = &n
	}
	c.ForcedWait, c.RetryWait, c.Updated = time.Duration(d.number()), time.Duration(d.number()), d.time()
	return d.err()
}

// encodeAttempt returns an attempt as it begins. The incarnation tells the process that may dial for it.
func encodeAttempt(a journal.Attempt, incarnation string) []byte {
	e := make(encoder, 0, 64+len(a.Script)+len(a.Number))
	e.text(incarnation)
	e.number(int64(a.Step))
	e.number(int64(a.TTY))
	e.text(a.Script)
	e.text(a.Number)
	e.time(a.Started)
	return e
}

func decodeAttempt(b []byte) (a journal.Attempt, incarnation string, err error) {
	d := decoder{b: b}
	incarnation = d.text()
	a.Step, a.TTY, a.Script, a.Number, a.Started = d.int(), d.int(), d.text(), d.text(), d.time()
	return a, incarnation, d.err()
}

// charged is an account of a reservation.
type charged struct {
	scope, key string
	stripe     int
}

// encodeReservation returns what a callback reserves; nothing if it charges no account.
func encodeReservation(accounts []charged, amount journal.Amount) []byte {
	if len(accounts) == 0 {
		return []byte{}
	}
	e := make(encoder, 0, 32+32*len(accounts))
	e.amount(amount)
	e.number(int64(len(accounts)))
	for _, c := range accounts {
		e.text(c.scope)
		e.text(c.key)
		e.number(int64(c.stripe))
	}
	return e
}

func decodeReservation(b []byte) (accounts []charged, amount journal.Amount, err error) {
	if len(b) == 0 {
		return nil, amount, nil
	}
	d := decoder{b: b}
	amount = d.amount()
	for range d.count() {
		accounts = append(accounts, charged{d.text(), d.text(), d.int()})
	}
	if amount.Negative() {
		d.fail()
	}
	return accounts, amount, d.err()
}

// fits reports whether numbers of a row can be stored as an integer of PostgreSQL.
func fits(r fleet.Row) bool {
	for _, n := range []int{r.Attempts, r.Max, r.Open, r.Rotary, r.Format} {
		if n < math.MinInt32 || n > math.MaxInt32 {
			return false
		}
	}
	return true
}

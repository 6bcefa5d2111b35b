package sqlite

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// table describes an SQL table whose rows have a checksum: its columns in the order of values, the key first.
type table struct {
	name string
	key  int // number of leading columns that form the key
	cols []string
	// late is the number of last columns that a migration added. If they are all empty texts or 0, the checksum omits
	// them, so that older rows still verify.
	late int
}

var (
	callsTable = &table{"calls", 1,
		strings.Fields(`id tty direction caller called connect user entry service leg callback_id session_id
		multi_session_id started ended cause terminate_cause octets_in octets_out data`), 0}
	callbacksTable = &table{"callbacks", 1,
		strings.Fields(`id phase state user entry service caller number no_verify call_id called_tty lines
		rotary forced_wait retry_wait attempts max decision trace policy_digest authorization multi_session_id held_by created updated
		ended outcome cause plan epoch home shared`), 4}
	attemptsTable = &table{"attempts", 2,
		strings.Fields(`callback_id n tty script number started ended outcome detail transcript step`), 1}
	spoolTable = &table{"spool", 1, strings.Fields(`seq id session_id body created tries last_error list`), 1}
	auditTable = &table{"audit", 1, strings.Fields(`seq time kind who text prev`), 0}
)

// columns lists the columns with the checksum last, for SELECT and INSERT.
func (t *table) columns() string {
	sum := "sum"
	if t == auditTable {
		sum = "hash"
	}
	return strings.Join(t.cols, ", ") + ", " + sum
}

// sum returns the checksum of a row: HMAC-SHA-256 over the table's name and every value with its type and length, so
// that no two different rows have the same encoding. Values are what SQLite stores: nil, int64, string, []byte.
func (t *table) sum(k rowKey, values []any) []byte {
	for i := range t.late {
		if n := len(values); n != len(t.cols)-i || values[n-1] != "" && values[n-1] != int64(0) {
			break
		}
		values = values[:len(values)-1]
	}
	s := summers.Get().(*summer)
	defer summers.Put(s)
	buf := append(s.buf[:0], t.name...)
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			buf = append(buf, 'n')
		case int64:
			buf = binary.BigEndian.AppendUint64(append(buf, 'i'), uint64(v))
		case string:
			buf = binary.BigEndian.AppendUint64(append(buf, 's'), uint64(len(v)))
			buf = append(buf, v...)
		case []byte:
			buf = binary.BigEndian.AppendUint64(append(buf, 'b'), uint64(len(v)))
			buf = append(buf, v...)
		default:
			buf = append(buf, '?') // such values are never written
		}
	}
	s.buf = buf
	return s.sign(k, buf)
}

// summer is reusable memory for a checksum: each callback signs dozens of rows.
type summer struct {
	buf []byte
	key rowKey
	mac hash.Hash // by key
}

var summers = sync.Pool{New: func() any { return &summer{} }}

func (s *summer) sign(k rowKey, b []byte) []byte {
	if k == nil {
		return k.sign(b)
	}
	if s.mac == nil || !bytes.Equal(s.key, k) {
		s.key, s.mac = bytes.Clone(k), hmac.New(sha256.New, k)
	}
	s.mac.Reset()
	s.mac.Write(b)
	return s.mac.Sum(nil)
}

// check verifies a row as read, with its checksum last, and returns its values without the checksum.
func (t *table) check(k rowKey, row []any) ([]any, *journal.Damage) {
	if len(row) != len(t.cols)+1 {
		return nil, &journal.Damage{Table: t.name, Key: "?", Reason: fmt.Sprintf("%d columns instead of %d", len(row),
			len(t.cols)+1)}
	}
	values := row[:len(t.cols)]
	want, ok := row[len(t.cols)].([]byte)
	if !ok || !hmac.Equal(want, t.sum(k, values)) {
		return nil, t.damage(values, "its checksum does not match its content")
	}
	return values, nil
}

func (t *table) damage(values []any, reason string) *journal.Damage {
	var key []string
	for _, v := range values[:min(t.key, len(values))] {
		switch v := v.(type) {
		case string:
			key = append(key, fmt.Sprintf("%.80q", v))
		default:
			key = append(key, fmt.Sprint(v))
		}
	}
	return &journal.Damage{Table: t.name, Key: strings.Join(key, "/"), Reason: reason}
}

// cols reads values one after the other with their types; the first mismatch is kept in err.
type cols struct {
	values []any
	err    error
}

func take[T any](c *cols) (v T) {
	if c.err != nil {
		return v
	}
	if len(c.values) == 0 {
		c.err = errors.New("too few columns")
		return v
	}
	v, ok := c.values[0].(T)
	if !ok {
		c.err = fmt.Errorf("a column has the type %T instead of %T", c.values[0], v)
	}
	c.values = c.values[1:]
	return v
}

func (c *cols) str() string        { return take[string](c) }
func (c *cols) i64() int64         { return take[int64](c) }
func (c *cols) dur() time.Duration { return time.Duration(c.i64()) }
func (c *cols) time() time.Time    { return fromNanos(c.i64()) }
func (c *cols) unused() *cols      { c.str(); return c }
func (c *cols) blob() []byte       { return take[[]byte](c) }
func (c *cols) octets() uint64     { return uint64(c.i64()) }
func (c *cols) boolean() bool      { return c.int() == 1 }
func (c *cols) int() int {
	n := c.i64()
	if n > math.MaxInt32 || n < math.MinInt32 {
		c.fail("the number %d is out of range", n)
	}
	return int(n)
}

func (c *cols) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *cols) optional() *int {
	if c.err == nil && len(c.values) > 0 && c.values[0] == nil {
		c.values = c.values[1:]
		return nil
	}
	n := c.int()
	return &n
}

func (c *cols) ttys() []int {
	s := c.str()
	if s == "" {
		return nil
	}
	var out []int
	for _, f := range strings.Split(s, ",") {
		n, err := strconv.Atoi(f)
		if err != nil {
			c.fail("%.40q is not a list of lines", s)
			return nil
		}
		out = append(out, n)
	}
	return out
}

func (c *cols) end() error {
	if c.err == nil && len(c.values) > 0 {
		return errors.New("too many columns")
	}
	return c.err
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func ttyList(ttys []int) string {
	var b strings.Builder
	for i, n := range ttys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

func optional(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

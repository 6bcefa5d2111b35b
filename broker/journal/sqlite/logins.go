package journal

import (
	"context"
	"strings"
	"time"
)

// LoginLimit is how many logins of one source failed lately.
type LoginLimit struct {
	Kind        string // what Key is of
	Key         string // keyed hash, or clear text; opaque here
	Label       string // for people
	Failures    int
	First       time.Time // of the failures that count
	LockedUntil time.Time // zero: not locked
}

// LoginName is a name that has logged in, by its keyed hash.
type LoginName struct {
	Key  string
	Seen time.Time // lately, not always the last time
}

// PutLoginLimit writes a limit, new or known.
type PutLoginLimit struct{ Limit LoginLimit }

// DropLoginLimit removes a limit. It is no error if there is none.
type DropLoginLimit struct{ Kind, Key string }

// PutLoginName writes a name, new or known.
type PutLoginName struct{ Name LoginName }

// DropLoginName removes a name. It is no error if there is none.
type DropLoginName struct{ Key string }

var (
	loginLimitsTable = &table{"login_limits", 2, strings.Fields(`kind key label failures first locked_until`), 0}
	loginNamesTable  = &table{"login_names", 1, strings.Fields(`key seen`), 0}

	putLoginLimit = upsert(loginLimitsTable, "true")
	putLoginName  = upsert(loginNamesTable, "true")
)

func (l LoginLimit) values() []any {
	return []any{l.Kind, l.Key, l.Label, int64(l.Failures), nanos(l.First), nanos(l.LockedUntil)}
}

func decodeLoginLimit(values []any) (LoginLimit, error) {
	v := &cols{values: values}
	l := LoginLimit{Kind: v.str(), Key: v.str(), Label: v.str(), Failures: v.int(), First: v.time(), LockedUntil: v.time()}
	return l, v.end()
}

func (n LoginName) values() []any { return []any{n.Key, nanos(n.Seen)} }

func decodeLoginName(values []any) (LoginName, error) {
	v := &cols{values: values}
	n := LoginName{Key: v.str(), Seen: v.time()}
	return n, v.end()
}

func (m PutLoginLimit) apply(w *writer) error {
	_, err := w.put(loginLimitsTable, putLoginLimit, m.Limit.values())
	return about("login limit", m.Limit.Kind+" "+m.Limit.Key, err)
}

func (m DropLoginLimit) apply(w *writer) error {
	_, err := w.c.exec("DELETE FROM login_limits WHERE kind = ? AND key = ?", m.Kind, m.Key)
	return about("login limit", m.Kind+" "+m.Key, err)
}

func (m PutLoginName) apply(w *writer) error {
	_, err := w.put(loginNamesTable, putLoginName, m.Name.values())
	return about("login name", m.Name.Key, err)
}

func (m DropLoginName) apply(w *writer) error {
	_, err := w.c.exec("DELETE FROM login_names WHERE key = ?", m.Key)
	return about("login name", m.Key, err)
}

// LoginLimits returns all limits, and the rows that do not verify.
func (r *Reader) LoginLimits(ctx context.Context) ([]LoginLimit, []Damage, error) {
	return list(ctx, r, loginLimitsTable, decodeLoginLimit, "ORDER BY kind, key")
}

// LoginNames returns the names that have logged in, oldest first, and the rows that do not verify.
func (r *Reader) LoginNames(ctx context.Context) ([]LoginName, []Damage, error) {
	return list(ctx, r, loginNamesTable, decodeLoginName, "ORDER BY seen, key")
}

package sqlite

import (
	"context"
	"strings"

	"github.com/ringback/ringback/broker/journal"
)

var (
	loginLimitsTable = &table{"login_limits", 2, strings.Fields(`kind key label failures first locked_until`), 0}
	loginNamesTable  = &table{"login_names", 1, strings.Fields(`key seen`), 0}

	putLoginLimitSQL = replace(loginLimitsTable)
	putLoginNameSQL  = replace(loginNamesTable)
)

func limitValues(l journal.LoginLimit) []any {
	return []any{l.Kind, l.Key, l.Label, int64(l.Failures), nanos(l.First), nanos(l.LockedUntil)}
}

func decodeLoginLimit(values []any) (journal.LoginLimit, error) {
	v := &cols{values: values}
	l := journal.LoginLimit{Kind: v.str(), Key: v.str(), Label: v.str(), Failures: v.int(), First: v.time(),
		LockedUntil: v.time()}
	return l, v.end()
}

func nameValues(n journal.LoginName) []any { return []any{n.Key, nanos(n.Seen)} }

func decodeLoginName(values []any) (journal.LoginName, error) {
	v := &cols{values: values}
	n := journal.LoginName{Key: v.str(), Seen: v.time()}
	return n, v.end()
}

func (w *writer) putLoginLimit(m journal.PutLoginLimit) error {
	_, err := w.put(loginLimitsTable, putLoginLimitSQL, limitValues(m.Limit))
	return about("login limit", m.Limit.Kind+" "+m.Limit.Key, err)
}

func (w *writer) dropLoginLimit(m journal.DropLoginLimit) error {
	_, err := w.c.exec("DELETE FROM login_limits WHERE kind = ? AND key = ?", m.Kind, m.Key)
	return about("login limit", m.Kind+" "+m.Key, err)
}

func (w *writer) putLoginName(m journal.PutLoginName) error {
	_, err := w.put(loginNamesTable, putLoginNameSQL, nameValues(m.Name))
	return about("login name", m.Name.Key, err)
}

func (w *writer) dropLoginName(m journal.DropLoginName) error {
	_, err := w.c.exec("DELETE FROM login_names WHERE key = ?", m.Key)
	return about("login name", m.Key, err)
}

// LoginLimits returns all limits, and the rows that do not verify.
func (r *Reader) LoginLimits(ctx context.Context) ([]journal.LoginLimit, []journal.Damage, error) {
	return list(ctx, r, loginLimitsTable, decodeLoginLimit, "ORDER BY kind, key")
}

// LoginNames returns the names that have logged in, oldest first, and the rows that do not verify.
func (r *Reader) LoginNames(ctx context.Context) ([]journal.LoginName, []journal.Damage, error) {
	return list(ctx, r, loginNamesTable, decodeLoginName, "ORDER BY seen, key")
}

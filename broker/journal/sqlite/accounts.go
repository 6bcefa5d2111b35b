package sqlite

import (
	"errors"

	"github.com/ringback/ringback/broker/journal"
)

// accountCache has the rows of accounts that the writer has verified or written, as they are in its transaction. A
// promise needs four of them, and to read one costs as much as to write it. It is valid for as long as SQLite's own
// cache of pages: until a transaction is reverted, the connection is closed, or another program commits. The zero
// value is empty.
type accountCache struct {
	rows    map[accountName][]any // nil: the table has no such row
	version uint32                // of the data, after the writer's last commit
}

type accountName struct{ scope, key string }

// maxAccounts limits the cache, to about 1 MiB. A full one is emptied: the accounts that all callbacks share are in it
// again after one promise.
const maxAccounts = 1024

func (c *accountCache) keep(n accountName, values []any) {
	if _, ok := c.rows[n]; c.rows == nil || len(c.rows) >= maxAccounts && !ok {
		c.rows = map[accountName][]any{}
	}
	c.rows[n] = values
}

// drop must be called by whatever changes rows of accounts without keep.
func (c *accountCache) drop() { clear(c.rows) }

// current reports whether no other connection has committed since the last commit of this one. A transaction must be
// open.
func (c *accountCache) current(conn *conn) bool {
	v, err := conn.version()
	return err == nil && v == c.version
}

func (c *accountCache) committed(conn *conn) {
	var err error
	if c.version, err = conn.version(); err != nil {
		c.drop()
	}
}

// account reads an account, unless it is in the cache.
func (w *writer) account(scope, key string) (journal.Account, error) {
	n := accountName{scope, key}
	if values, ok := w.accounts.rows[n]; ok && values == nil {
		return journal.Account{}, journal.ErrNotFound
	} else if ok {
		return decodeAccount(values)
	}
	a, err := get(w, accountsTable, decodeAccount, scope, key)
	switch {
	case err == nil:
		w.accounts.keep(n, accountValues(a))
	case errors.Is(err, journal.ErrNotFound):
		w.accounts.keep(n, nil)
	}
	return a, err
}

func (w *writer) putAccount(a journal.Account) error {
	values := accountValues(a)
	_, err := w.put(accountsTable, setAccount, values)
	if err == nil {
		w.accounts.keep(accountName{a.Scope, a.Key}, values)
	}
	return err
}

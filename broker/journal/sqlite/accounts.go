package sqlite

import "github.com/ringback/ringback/broker/journal"

// accountCache has the rows of accounts that the writer has verified or written, as they are in its transaction. A
// promise needs four of them, and to read one costs as much as to write it. It is valid for as long as SQLite's own
// cache of pages: until a transaction is reverted, the connection is closed, or another program commits. The zero
// value is empty.
type accountCache struct {
	rows    map[accountName][]any
	version uint32 // of the data, after the writer's last commit
}

type accountName struct{ scope, key string }

// maxAccounts limits the cache, to about 1 MiB. A full one is emptied: the accounts that all callbacks share are in it
// again after one promise.
const maxAccounts = 1024

func (c *accountCache) keep(n accountName, values []any) {
	if c.rows == nil || len(c.rows) >= maxAccounts && c.rows[n] == nil {
		c.rows = map[accountName][]any{}
	}
	c.rows[n] = values
}

// drop must be called by whatever changes rows of accounts without keep.
func (c *accountCache) drop() { clear(c.rows) }

// begun drops the rows if another connection has committed since the last commit of this one. A transaction must be
// open.
func (c *accountCache) begun(conn *conn) {
	if v, err := conn.version(); err != nil || v != c.version {
		c.drop()
	}
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
	if values := w.accounts.rows[n]; values != nil {
		return decodeAccount(values)
	}
	a, err := get(w, accountsTable, decodeAccount, scope, key)
	if err == nil {
		w.accounts.keep(n, accountValues(a))
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

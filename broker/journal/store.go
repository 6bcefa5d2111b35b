package journal

import (
	"context"
	"math"
	"time"
)

// Mutation is one change of the journal, as a value. This package has all types of mutations.
type Mutation interface{ mutation() }

// Store is the durable record of a node. When a commit returns nil, all of it is on disk; if it returns an error, none
// of it is. All methods block and may be called concurrently.
type Store interface {
	// Commit makes the mutations durable, all or none, in their order. ctx limits only the wait until the writer takes
	// them.
	Commit(ctx context.Context, tx ...Mutation) error
	// CommitEach commits several groups with one sync. Each group is committed entirely or not at all; it returns one
	// error per group.
	CommitEach(ctx context.Context, groups ...[]Mutation) []error
	// Room returns nil while the disk has room for the ends of sessions. Otherwise it returns the reason, and no
	// session must begin.
	Room() error

	Promises
	Own
}

// Promises reads the rows that the nodes of a fleet may share. Rows that do not verify are returned as Damage and must
// not be acted on.
type Promises interface {
	// Pending returns all callbacks that have not ended, oldest first.
	Pending(ctx context.Context) ([]Callback, []Damage, error)
	// Callbacks returns up to limit callbacks, last recorded first; limit 0 means 100.
	Callbacks(ctx context.Context, limit int, f Filter) ([]Callback, []Damage, error)
	CountCallbacks(ctx context.Context, f Filter) (int, error)
	// Callback returns one callback and its attempts in order. Errors: ErrNotFound if there is none, ErrDamaged if a
	// row does not verify.
	Callback(ctx context.Context, id string) (Callback, []Attempt, error)
	// Accounts returns what is used and reserved of each account, in the order of scope and key; with scopes, only of
	// the accounts in them.
	Accounts(ctx context.Context, scopes ...string) ([]Account, []Damage, error)
	// Reservations returns the open reservations, oldest first.
	Reservations(ctx context.Context) ([]Reservation, []Damage, error)
}

// Own reads the rows that belong to the node.
type Own interface {
	// OpenCalls returns the calls that have no end, oldest first.
	OpenCalls(ctx context.Context) ([]Call, []Damage, error)
	// Calls returns up to limit calls of the newest CallsSearched, last recorded first; limit 0 means 100.
	Calls(ctx context.Context, limit int, f CallFilter) ([]Call, []Damage, error)
	// SpoolLists returns the accounting lists of the records in the spool.
	SpoolLists(ctx context.Context) ([]string, error)
	// SpoolAfter returns up to n records of one list that were spooled after number seq, oldest first; n 0 means 100.
	SpoolAfter(ctx context.Context, accounting string, seq int64, n int) ([]Spooled, []Damage, error)
	LoginLimits(ctx context.Context) ([]LoginLimit, []Damage, error)
	LoginNames(ctx context.Context) ([]LoginName, []Damage, error)
	// Lockdown returns the row of the lockdown; the zero Lockdown if there is none. If the row does not verify, the
	// error wraps ErrDamaged.
	Lockdown(ctx context.Context) (Lockdown, error)
	// AccessWindows returns the latest access window of each group that ever had one, by group, and the rows that do
	// not verify.
	AccessWindows(ctx context.Context) ([]AccessWindow, []Damage, error)
	// Dialed returns the last numbers of the users that have such a row, and the rows that do not verify.
	Dialed(ctx context.Context) ([]Dialed, []Damage, error)
	// Triggered returns the last signed text of each user, and the rows that do not verify.
	Triggered(ctx context.Context) ([]Triggered, []Damage, error)
	// LineRecords returns the records of the lines, by TTY, and the rows that do not verify.
	LineRecords(ctx context.Context) ([]LineRecord, []Damage, error)
	// Owed returns what the node owes its fleet, oldest first, and the rows that do not verify.
	Owed(ctx context.Context) ([]Owed, []Damage, error)
	// Usage returns the hours that begin at from or later and before to, oldest first, without those in which nothing
	// happened, and the rows that do not verify. first is the beginning of the oldest hour of all; zero if there is
	// none.
	Usage(ctx context.Context, from, to time.Time) (hours []Usage, first time.Time, bad []Damage, err error)
}

// Damage describes a row that does not verify. The row is not returned and must not be acted on.
type Damage struct {
	Table  string `json:"table"` // "calls", "callbacks", "accounts", …
	Key    string `json:"key"`   // the row's key, if it can be read
	Reason string `json:"reason"`
}

// String returns which row is damaged and how.
func (d Damage) String() string { return d.Table + " row " + d.Key + ": " + d.Reason }

// Filter selects callbacks; zero fields select all.
type Filter struct {
	User    string
	Pending bool      // only pending ones
	Ended   bool      // only ended ones
	Since   time.Time // only those created at this time or later
}

// All is a limit that omits nothing.
const All = math.MaxInt32

// SlowCommit is the duration above which a transaction counts as slow.
const SlowCommit = time.Second

// Health is the state of a journal and its disk.
type Health struct {
	Path      string
	Octets    int64         // of the file
	Log       int64         // octets of its write-ahead log
	Free      uint64        // octets that this user can still write to the disk
	Reachable bool          // the directory exists
	Missing   []string      // files of the journal that no longer exist
	Busy      time.Duration // how long the current transaction has taken so far; 0 if none
	Last      time.Duration // how long the last one took
	Longest   time.Duration // longest since the start
	Slow      uint64        // how many took longer than SlowCommit
	Failed    error         // why the last one failed; nil if it did not
	Since     time.Time     // when they began to fail
	Room      error         // why the reserve for the ends of sessions is not complete; nil if it is
	Reserved  int64         // octets of the disk that the reserve has
	Reserve   int64         // octets of a complete reserve
}

// Backlog is the number of records that wait in the spool for one accounting list.
type Backlog struct {
	List    string // "" default
	Records int
	Oldest  time.Time // when the oldest was spooled
}

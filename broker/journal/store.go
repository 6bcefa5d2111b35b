package journal

import (
	"context"
	"math"
	"time"
)

// Mutation is one change of the journal, a value. The types of this package are all there are.
type Mutation interface{ mutation() }

// Store is the durable record of a node. What its commits return nil for is on disk; with an error none of it is. All
// methods may be called from any goroutine, and block.
type Store interface {
	// Commit makes the mutations durable, all or none, in their order. ctx ends only the waiting for the writer's
	// attention.
	Commit(ctx context.Context, tx ...Mutation) error
	// CommitEach commits several groups with one sync. Each is all or none by itself; the answer has one error a group.
	CommitEach(ctx context.Context, groups ...[]Mutation) []error
	// Room is nil while the ends of sessions have room on the disk. An error says why not: no session must begin.
	Room() error

	Promises
	Own
}

// Promises reads what the nodes of a fleet may share. Rows that do not verify are returned as Damage and must not be
// acted on.
type Promises interface {
	// Pending returns all callbacks that have not ended, oldest first.
	Pending(ctx context.Context) ([]Callback, []Damage, error)
	// Callbacks returns up to limit callbacks, last recorded first; limit 0 stands for 100.
	Callbacks(ctx context.Context, limit int, f Filter) ([]Callback, []Damage, error)
	CountCallbacks(ctx context.Context, f Filter) (int, error)
	// Callback returns one callback and its attempts, first attempt first. ErrNotFound where there is none, ErrDamaged
	// where a row does not verify.
	Callback(ctx context.Context, id string) (Callback, []Attempt, error)
}

// Own reads what is the node's own.
type Own interface {
	// OpenCalls returns the calls that have no end, oldest first.
	OpenCalls(ctx context.Context) ([]Call, []Damage, error)
	// SpoolLists returns the accounting lists that records in the spool are for.
	SpoolLists(ctx context.Context) ([]string, error)
	// SpoolAfter returns up to n records of one list that were spooled after number seq, oldest first; n 0 stands for
	// 100.
	SpoolAfter(ctx context.Context, accounting string, seq int64, n int) ([]Spooled, []Damage, error)
	LoginLimits(ctx context.Context) ([]LoginLimit, []Damage, error)
	LoginNames(ctx context.Context) ([]LoginName, []Damage, error)
}

// Damage is a row that does not verify. It was not returned as a row and must not be acted on.
type Damage struct {
	Table  string `json:"table"` // "calls", "callbacks", "attempts", "spool", "audit"
	Key    string `json:"key"`   // the row's key as far as it can be read
	Reason string `json:"reason"`
}

// String says which row is damaged and how.
func (d Damage) String() string { return d.Table + " row " + d.Key + ": " + d.Reason }

// Filter narrows what Callbacks returns; zero fields do not.
type Filter struct {
	User    string
	Phase   string
	Number  string
	Pending bool      // only pending ones
	Since   time.Time // only those created then or later
}

// All is a limit that leaves nothing out.
const All = math.MaxInt32

// SlowCommit is how long a transaction may take before it is counted as slow.
const SlowCommit = time.Second

// Health is how a journal and its disk are.
type Health struct {
	Path      string
	Octets    int64         // of the file
	Log       int64         // octets of its write-ahead log
	Free      uint64        // octets that this user may still write to the disk
	Reachable bool          // the directory is there
	Missing   []string      // files that belong to the journal and are no longer beside it
	Busy      time.Duration // for how long the transaction under way has been written; 0 none is
	Last      time.Duration // how long the last one took
	Longest   time.Duration // of all since the start
	Slow      uint64        // how many took longer than SlowCommit
	Failed    error         // why the last one failed; nil: it did not
	Since     time.Time     // when they began to fail
	Room      error         // why the reserve for the ends of sessions is not whole; nil: it is
}

// Backlog is what waits in the spool for one accounting list.
type Backlog struct {
	List    string // "" default
	Records int
	Oldest  time.Time // when the oldest was spooled
}

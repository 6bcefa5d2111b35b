package sqlite

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// Options configure a journal.
type Options struct {
	// Path of the database file, e.g. /var/lib/ringback/journal.db. Its directory is the state directory: it is created
	// with mode 0700 if it is missing, and locked by one process at a time (a lock file in it).
	Path string
	// Reserve is how many octets of the disk are reserved for groups with UseReserve; 0 means the constant Reserve.
	Reserve int64
	// Observe, if not nil, is called after each transaction with the time that it took and its error. It must not
	// block.
	Observe func(took time.Duration, err error)
}

// Journal is the open record of this node. Its methods may be called concurrently.
type Journal struct {
	*Reader

	lock     *lock
	key      rowKey
	names    []byte
	warnings []string
	queue    chan *request
	closing  chan struct{} // closed by Close: no more requests are accepted
	stopped  chan struct{} // closed by the writer when it has ended
	closeOne sync.Once
	closeErr error
	commits  atomic.Uint64
	disk     diskWatch
	room     int64 // octets of the reserve
	reserve  reserve
	head     atomic.Pointer[journal.AuditHead]
	audited  chan struct{} // capacity 1
}

// queueLength limits the requests that wait for the writer; above it, Commit blocks.
const queueLength = 1024

// Open opens the journal, creates or migrates it if needed, and locks its state directory. The error names the file
// and, if a user can fix it, how. The caller must Close it.
//
// Open starts the writer's goroutine and returns when that has opened the file; ctx is not retained.
func Open(ctx context.Context, o Options) (*Journal, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil || o.Path == "" {
		return nil, errors.Join(errors.New("journal: no path given"), err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j := &Journal{disk: diskWatch{observe: o.Observe}, queue: make(chan *request, queueLength),
		closing: make(chan struct{}), stopped: make(chan struct{}), room: cmp.Or(o.Reserve, Reserve),
		audited: make(chan struct{}, 1)}
	opened := make(chan error)
	go j.run(path, opened)
	if err := <-opened; err != nil {
		<-j.stopped
		return nil, err
	}
	if j.Reader, err = openPool(ctx, path, "rw"); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	j.Reader.key = j.key
	return j, nil
}

// Warnings returns what SQLite's check found wrong in single rows when the journal was opened; Verify reports more.
func (j *Journal) Warnings() []string { return j.warnings }

// NameKey returns the key for hashes of names, in names.key of the state directory. The journal does not use it; its
// writer creates it because the writer's thread does all syncs of the state directory.
func (j *Journal) NameKey() []byte { return j.names }

// Commits counts the transactions that were written and synced since Open. Several callers may share one.
func (j *Journal) Commits() uint64 { return j.commits.Load() }

// Health returns the state of the journal and its disk.
func (j *Journal) Health() journal.Health {
	h := j.disk.health(j.path)
	h.Room = j.Room()
	h.Reserved, h.Reserve = j.reserve.size(), j.room
	return h
}

// Busy returns for how long the transaction in progress has been written; 0 if there is none.
func (j *Journal) Busy() time.Duration { return j.disk.busy() }

// Room returns nil while the disk has room reserved for the ends of the open sessions. Otherwise it returns the reason,
// and no session must begin.
func (j *Journal) Room() error { return j.reserve.missing() }

// Commit makes the mutations durable, all or none, in their order, and blocks until they are. nil means that they are
// on disk. ctx limits only the wait until the writer takes them: once the writer has begun, Commit waits for the
// outcome, so that its result is always certain.
func (j *Journal) Commit(ctx context.Context, tx ...journal.Mutation) error {
	r := &request{groups: [][]journal.Mutation{tx}, done: make(chan struct{})}
	return j.submit(ctx, r)[0]
}

// CommitEach commits several groups in one transaction and with one sync. Each group is committed entirely or not at
// all: an ErrPending in one does not affect the others. It returns one error per group; a disk error is returned for
// all.
func (j *Journal) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	if len(groups) == 0 {
		return nil
	}
	return j.submit(ctx, &request{groups: groups, done: make(chan struct{})})
}

func (j *Journal) submit(ctx context.Context, r *request) []error {
	select {
	case <-j.closing: // otherwise select may still choose the queue
		return r.all(journal.ErrClosed)
	default:
	}
	select {
	case j.queue <- r:
	case <-j.closing:
		return r.all(journal.ErrClosed)
	case <-ctx.Done():
		return r.all(ctx.Err())
	}
	select {
	case <-r.done:
		return r.errs
	case <-ctx.Done():
		if r.claim() {
			return r.all(ctx.Err())
		}
	case <-j.stopped:
		if r.claim() {
			return r.all(journal.ErrClosed)
		}
	}
	<-r.done // the writer has it, and always replies to what it has
	return r.errs
}

// Close writes what was submitted, ends the writer and unlocks the state directory. It may be called twice.
func (j *Journal) Close() error {
	j.closeOne.Do(func() {
		if j.Reader != nil {
			// Before the writer: the last connection to close checkpoints, and only the writer's thread may do that.
			j.closeErr = j.Reader.Close()
		}
		close(j.closing)
		<-j.stopped
	})
	return j.closeErr
}

// run is the writer's goroutine, from opening to closing. It has its own thread: see the package doc.
func (j *Journal) run(path string, opened chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(j.stopped)
	w := &writer{path: path, commits: &j.commits, disk: &j.disk, reserve: &j.reserve, head: &j.head,
		audited: j.audited}
	err := w.start(j)
	opened <- err
	if err != nil {
		return
	}
	w.serve(j.queue, j.closing)
	if err := w.stop(); err != nil {
		j.closeErr = errors.Join(j.closeErr, err)
	}
	if err := j.lock.release(); err != nil {
		j.closeErr = errors.Join(j.closeErr, err)
	}
}

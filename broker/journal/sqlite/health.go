package journal

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// SlowCommit is how long a transaction may take before it is counted as slow.
const SlowCommit = time.Second

// Health is how a journal and its disk are.
type Health struct {
	Path    string
	Octets  int64         // of the file
	Log     int64         // octets of its write-ahead log
	Free    uint64        // octets that this user may still write to the disk
	Busy    time.Duration // for how long the transaction under way has been written; 0 none is
	Last    time.Duration // how long the last one took
	Longest time.Duration // of all since the start
	Slow    uint64        // how many took longer than SlowCommit
	Failed  error         // why the last one failed; nil: it did not
	Since   time.Time     // when they began to fail
	Room    error         // why the reserve for the ends of sessions is not whole; nil: it is
}

// diskWatch times the transactions.
type diskWatch struct {
	mu    sync.Mutex
	begun time.Time // zero: none is under way
	h     Health
}

func (d *diskWatch) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun = time.Now()
}

func (d *diskWatch) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.h.Last = time.Since(d.begun)
	d.h.Longest = max(d.h.Longest, d.h.Last)
	if d.h.Last > SlowCommit {
		d.h.Slow++
	}
	if err != nil && d.h.Failed == nil {
		d.h.Since = time.Now()
	}
	d.h.Failed, d.begun = err, time.Time{}
}

func (d *diskWatch) health(path string) Health {
	d.mu.Lock()
	h := d.h
	if !d.begun.IsZero() {
		h.Busy = time.Since(d.begun)
	}
	d.mu.Unlock()
	h.Path, h.Octets, h.Log, h.Free = path, sizeOf(path), sizeOf(path+"-wal"), freeOf(path)
	return h
}

// freeOf is how many octets this user may still write to the disk that path is on.
func freeOf(path string) uint64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(path), &fs) != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize)
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Backlog is what waits in the spool for one accounting list.
type Backlog struct {
	List    string // "" default
	Records int
	Oldest  time.Time // when the oldest was spooled
}

// Backlogs returns what waits in the spool, by list.
func (r *Reader) Backlogs(ctx context.Context) ([]Backlog, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT list, n, (SELECT created FROM spool WHERE seq = first)
		FROM (SELECT list, count(*) AS n, min(seq) AS first FROM spool INDEXED BY spool_lists GROUP BY list) ORDER BY list`)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer rows.Close()
	var out []Backlog
	for rows.Next() {
		var b Backlog
		var created int64
		if err := rows.Scan(&b.List, &b.Records, &created); err != nil {
			return nil, explain(r.path, err)
		}
		b.Oldest = fromNanos(created)
		out = append(out, b)
	}
	return out, explain(r.path, rows.Err())
}

package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// diskWatch times the transactions.
type diskWatch struct {
	observe func(took time.Duration, err error) // nil: nobody does

	mu    sync.Mutex
	begun time.Time // zero: no transaction is in progress
	h     journal.Health
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
	if d.h.Last > journal.SlowCommit {
		d.h.Slow++
	}
	if err != nil && d.h.Failed == nil {
		d.h.Since = time.Now()
	}
	d.h.Failed, d.begun = err, time.Time{}
	if d.observe != nil {
		d.observe(d.h.Last, err)
	}
}

// busy returns for how long a transaction has been in progress; 0 if none is.
func (d *diskWatch) busy() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun.IsZero() {
		return 0
	}
	return time.Since(d.begun)
}

func (d *diskWatch) health(path string) journal.Health {
	d.mu.Lock()
	h := d.h
	d.mu.Unlock()
	h.Busy = d.busy()
	h.Path, h.Octets, h.Log = path, sizeOf(path), sizeOf(path+"-wal")
	h.Free = freeOf(path)
	_, err := os.Stat(filepath.Dir(path))
	h.Reachable = err == nil
	h.Missing = missing(path)
	return h
}

// missing returns the missing files that the next start needs beside the journal. It returns none if the directory is
// gone: the journal itself is then reported as unreachable.
func missing(path string) (names []string) {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	for _, name := range []string{filepath.Base(keyPath(path)), identityName, namesKeyName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			names = append(names, name)
		}
	}
	return names
}

// freeOf returns how many octets this user can still write to the disk of path.
func freeOf(path string) uint64 {
	var disk syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(path), &disk) != nil {
		return 0
	}
	return disk.Bavail * uint64(disk.Bsize)
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Backlogs returns how many records wait in the spool, by list.
func (r *Reader) Backlogs(ctx context.Context) ([]journal.Backlog, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT list, n, (SELECT created FROM spool WHERE seq = first)
		FROM (SELECT list, count(*) AS n, min(seq) AS first FROM spool INDEXED BY spool_lists GROUP BY list) ORDER BY list`)
	if err != nil {
		return nil, explain(r.path, err)
	}
	defer rows.Close()
	var out []journal.Backlog
	for rows.Next() {
		var b journal.Backlog
		var created int64
		if err := rows.Scan(&b.List, &b.Records, &created); err != nil {
			return nil, explain(r.path, err)
		}
		b.Oldest = fromNanos(created)
		out = append(out, b)
	}
	return out, explain(r.path, rows.Err())
}

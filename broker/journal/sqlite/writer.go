package sqlite

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/ringback/ringback/broker/journal"
)

// request is one call of Commit or CommitEach. The first to claim it decides its outcome: the writer, or the caller
// when its ctx ends.
type request struct {
	groups  [][]journal.Mutation
	claimed atomic.Bool
	errs    []error // one per group, valid once done is closed
	done    chan struct{}
}

func (r *request) claim() bool { return r.claimed.CompareAndSwap(false, true) }

// all sets err for each group.
func (r *request) all(err error) []error {
	errs := make([]error, len(r.groups))
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// writer owns the write connection. All its methods run on its one goroutine.
type writer struct {
	path    string
	key     rowKey
	row     []any // reused by put
	c       *conn // nil after a disk error, until it is opened again
	old     *conn // the connection that had the error
	commits *atomic.Uint64
	disk    *diskWatch

	identity identity // as of the last commit
	mark     *os.File // the identity file beside the journal
	files    []inode  // the journal and its log
	shorter  bool     // one of them has lost octets, and the rest has not been checked
	spare    spare    // for the connection that is opened after a disk error
	reserve  *reserve

	audit    mark  // of the last record of the audit, in the running transaction
	saved    mark  // as of the last commit
	written  mark  // as the file has it: older than saved if the file's mark was behind the audit's end
	sealed   bool  // the seal fitted when the file was opened: another one is never replaced
	spoolSeq int64 // the last one assigned

	accounts accountCache
	reserved reservedSums

	head    *atomic.Pointer[journal.AuditHead]
	audited chan<- struct{}
}

// mark is the audit's end. The sums are of 32 bytes; strings, so that marks compare.
type mark struct {
	seq    int64
	hash   string // of the chain with the key
	digest string // of the chain without a key
}

// maxBatch is the maximum number of groups in a transaction: enough for any load, and a limit for the time that the
// first waits for the last.
const maxBatch = 256

func (w *writer) start(j *Journal) error {
	dir := filepath.Dir(w.path)
	if err := prepareDir(dir); err != nil {
		return err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	err = removeLeftKeys(dir)
	if err == nil {
		j.warnings, err = w.open(j)
	}
	if err != nil {
		w.stop() // err says more
		return errors.Join(err, lock.release())
	}
	j.lock = lock
	return nil
}

// open opens the journal, once it is known to be the one that belongs there, and reads or creates its keys.
func (w *writer) open(j *Journal) (warnings []string, err error) {
	broken, warnings, err := recognize(w.path)
	if err == nil && broken != "" {
		var warning string
		warning, err = rebuild(w.path, broken)
		warnings = append(warnings, warning)
	}
	if err != nil {
		return nil, explain(w.path, err)
	}
	if err := prepareFile(w.path); err != nil {
		return nil, err
	}
	if w.c, err = openWriter(w.path); err == nil {
		w.key, err = w.signed()
		j.key = w.key
	}
	if err == nil {
		var more []string
		more, err = w.upgrade()
		warnings = append(warnings, more...)
	}
	if err == nil {
		j.names, err = stateKey(filepath.Join(filepath.Dir(w.path), namesKeyName))
	}
	if err == nil {
		err = w.load()
	}
	if err == nil {
		w.mark, err = keepIdentity(w.path, w.identity)
	}
	for _, name := range []string{w.path, w.path + "-wal"} {
		if err == nil {
			var f inode
			f, err = inodeOf(name)
			w.files = append(w.files, f)
		}
	}
	w.spare.take()
	if err == nil {
		err = w.reserve.open(w.path, j.room)
	}
	return warnings, explain(w.path, err)
}

// load reads what the writer keeps in memory.
func (w *writer) load() error {
	rows, err := w.c.query("SELECT n, hash FROM marks WHERE name = 'audit'")
	if err != nil {
		return err
	}
	if len(rows) != 1 {
		return errors.New("the mark of the audit is missing" + toRepair)
	}
	seq, ok := rows[0][0].(int64)
	hash, ok2 := rows[0][1].([]byte)
	if !ok || !ok2 {
		return errors.New("the mark of the audit is damaged" + toRepair)
	}
	digest, err := w.c.scalar("SELECT hash FROM marks WHERE name = 'digest'")
	if err != nil {
		return err
	}
	digestText, ok := digest.([]byte)
	if !ok {
		return errors.New("the mark of the audit's digest is missing" + toRepair)
	}
	known := w.saved
	w.audit = mark{seq, string(hash), string(digestText)}
	w.written = w.audit
	// If the chain is longer than its mark says, continue after its end: a number is never used twice.
	if last, err := w.c.number("SELECT max(seq) FROM audit"); err != nil {
		return err
	} else if last > seq {
		w.audit.seq = last
		if digest, err = w.c.scalar("SELECT digest FROM audit WHERE seq = ?", last); err != nil {
			return err
		} else if b, ok := digest.([]byte); ok {
			w.audit.digest = string(b)
		}
	}
	// What this process has written is not believed again from a file that others can write.
	if known.seq == w.audit.seq && known.digest != "" {
		w.audit.digest, w.written.digest = known.digest, known.digest
	}
	w.saved = w.audit
	if rows, err = w.c.query(sealQuery); err != nil {
		return err
	}
	w.sealed = w.key.fits(rows[0])
	if w.identity, err = stored(w.c); err != nil {
		return err
	}
	w.showHead()
	last, err := w.c.number("SELECT max(seq) FROM spool")
	w.spoolSeq = max(w.spoolSeq, last) // never decreases: readers depend on it
	return err
}

func (w *writer) stop() error {
	var err error
	if w.old != nil {
		w.old.close()
	}
	if w.c != nil {
		err = explain(w.path, w.c.close())
	}
	w.spare.release()
	err = errors.Join(err, w.reserve.close())
	if w.mark != nil {
		err = errors.Join(err, w.mark.Sync(), w.mark.Close())
	}
	return err
}

// serve writes until closing is closed, then writes what is still in the queue.
func (w *writer) serve(queue <-chan *request, closing <-chan struct{}) {
	for {
		select {
		case r := <-queue:
			w.batch(r, queue)
		case <-w.reserve.retry():
			w.reserve.take()
		case <-closing:
			for {
				select {
				case r := <-queue:
					w.batch(r, queue)
				default:
					return
				}
			}
		}
	}
}

// batch writes r and the other waiting requests, in one transaction, and replies to all of them.
func (w *writer) batch(r *request, queue <-chan *request) {
	var rs []*request
	groups := 0
	for r != nil {
		if r.claim() {
			rs = append(rs, r)
			groups += len(r.groups)
		}
		r = nil
		if groups < maxBatch {
			select {
			case r = <-queue:
			default:
			}
		}
	}
	if len(rs) == 0 {
		return
	}
	w.reserve.take()
	w.disk.begin()
	err := w.write(rs)
	ends, endErr := rs, err
	if err != nil {
		ends = slices.DeleteFunc(slices.Clone(rs), func(r *request) bool { return !r.usesReserve() })
		if len(ends) > 0 {
			endErr = w.fromReserve(ends, err)
		}
	}
	w.disk.end(err)
	for _, r := range rs {
		err := err
		if slices.Contains(ends, r) {
			err = endErr
		}
		if err != nil {
			r.errs = r.all(err)
		}
		close(r.done)
	}
}

// write commits the requests' groups. Its error concerns all of them; the errors of single groups are in their
// requests.
func (w *writer) write(rs []*request) error {
	if err := w.look(); err != nil {
		return err
	}
	if err := w.ensure(); err != nil {
		if w.shorter {
			return w.cutShort(err)
		}
		return explain(w.path, err)
	}
	err := w.try(rs, false)
	if err != nil && ofGroup(err) {
		// One group failed: write the others again, each with a savepoint.
		err = w.try(rs, true)
	}
	if err != nil {
		w.fail()
		// Immediately, before any caller receives the error: what the failed commit left in the log is overwritten,
		// because otherwise a crash right now could make it valid. If the disk still fails, the next commit tries
		// again. The log may have filled the disk, and has been written into the file now.
		if w.ensure() == nil && code(err) == codeFull {
			if err = w.try(rs, true); err == nil {
				return nil
			}
			w.fail()
			_ = w.ensure()
		}
		return explain(w.path, err)
	}
	return nil
}

// look compares the files with their state after the last commit. A file that was removed or exchanged accepts no
// commit. One that lost octets is opened again and checked first: only another program's checkpoint makes the log
// shorter without harm.
func (w *writer) look() error {
	for i := range w.files {
		shorter, err := w.files[i].look()
		if err != nil {
			return fmt.Errorf("journal %w", err)
		}
		w.shorter = w.shorter || shorter
	}
	if w.shorter && w.c != nil {
		w.fail()
	}
	if w.files[0].empty() { // if it were opened, SQLite would remove the log, which has what is left
		return w.cutShort(errors.New("it is empty"))
	}
	return nil
}

func (w *writer) cutShort(err error) error {
	return fmt.Errorf("journal %s was truncated while ringback runs: nothing can be recorded, and no callback is "+
		"promised or dialed "+
		"(stop ringback and restore a backup): %w", w.path, err)
}

// try writes all groups in one transaction. Without savepoints it stops at the first group that fails.
func (w *writer) try(rs []*request, savepoints bool) (err error) {
	w.audit = w.saved
	if _, err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	w.begun()
	written := 0
	for _, r := range rs {
		r.errs = make([]error, len(r.groups))
		for i, g := range r.groups {
			if savepoints {
				err = w.guarded(g)
			} else {
				err = w.apply(g)
			}
			switch {
			case err == nil:
				written++
			case savepoints && ofGroup(err):
				r.errs[i] = err
			default:
				return errors.Join(err, w.rollback())
			}
		}
	}
	if written == 0 {
		return w.rollback()
	}
	if err := w.writeMarks(); err != nil {
		return errors.Join(err, w.rollback())
	}
	if _, err := w.c.exec("COMMIT"); err != nil {
		return errors.Join(err, w.rollback())
	}
	w.committed()
	if w.audit != w.saved {
		w.saved, w.written = w.audit, w.audit
	}
	w.commits.Add(1)
	w.identity.commits++
	w.showHead()
	// Not synced, and an error does no harm: a number that is too low only detects less.
	w.mark.WriteAt([]byte(w.identity.text()), 0)
	w.seen()
	return nil
}

// seen records the files' sizes after a commit, which may have moved the log into the journal and truncated it.
func (w *writer) seen() {
	for i := range w.files {
		w.files[i].look() // the next commit reports what is wrong with it
	}
}

func (w *writer) apply(g []journal.Mutation) error {
	for _, m := range g {
		if err := w.mutate(m); err != nil {
			return err
		}
	}
	return nil
}

// guarded applies a group after a savepoint and reverts it if it fails.
func (w *writer) guarded(g []journal.Mutation) error {
	if _, err := w.c.exec("SAVEPOINT g"); err != nil {
		return fmt.Errorf("savepoint: %v", err)
	}
	before, changes := w.audit, len(w.reserved.undo)
	err := w.apply(g)
	if err != nil {
		w.audit = before
		w.accounts.drop()
		w.reserved.revert(changes)
		if _, err2 := w.c.exec("ROLLBACK TO g"); err2 != nil {
			return fmt.Errorf("%v; roll back: %v", err, err2)
		}
	}
	if _, err2 := w.c.exec("RELEASE g"); err2 != nil {
		return fmt.Errorf("release: %v", err2)
	}
	return err
}

// writeMarks counts the transaction, updates the audit's mark and the total of the reservations and signs them, in one
// statement. The values are those that the writer knows: what another program has written into the marks is not signed.
func (w *writer) writeMarks() error {
	end := w.written
	if w.audit != w.saved {
		end = w.audit
	}
	commits, hash := w.identity.commits+1, []byte(end.hash)
	names, rows, seal, total := "'audit', 'digest', 'commits'", int64(3), []byte(nil), []byte(nil)
	if w.sealed {
		names, rows = names+", 'seal'", rows+1
		id, err := hex.DecodeString(w.identity.id)
		if err != nil {
			return err
		}
		seal = sealed.sum(w.key, []any{id, commits, end.seq, hash})
	}
	if now := w.reserved.now(); now != w.reserved.total {
		names, rows, total = names+", 'reserved'", rows+1, w.key.encodeTotal(now)
	}
	n, err := w.c.exec(setMarks+"("+names+")", commits, end.seq, hash, seal, total, []byte(end.digest))
	if err == nil && n != rows {
		err = errors.New("a mark of its transactions or its audit is missing" + toRepair)
	}
	return err
}

const setMarks = `UPDATE marks SET n = CASE name WHEN 'commits' THEN ?1 WHEN 'audit' THEN ?2 WHEN 'digest' THEN ?2 ELSE n END,
	hash = CASE name WHEN 'audit' THEN ?3 WHEN 'seal' THEN ?4 WHEN 'reserved' THEN ?5 WHEN 'digest' THEN ?6 ELSE hash END
	WHERE name IN `

// rollback ends the transaction. An error of the disk may have ended it already; then there is nothing to do.
func (w *writer) rollback() error {
	w.audit = w.saved
	w.accounts.drop()
	w.reserved.revert(0)
	_, err := w.c.exec("ROLLBACK")
	if code(err) == codeError {
		return nil // "cannot rollback - no transaction is active"
	}
	return err
}

// fail retires the connection after a disk error: after a failed sync, a later success of it would mean nothing.
func (w *writer) fail() {
	if w.old != nil {
		w.old.close()
	}
	w.old, w.c = w.c, nil
	w.accounts.drop()
	w.reserved = reservedSums{}
}

// ensure opens the file again after a disk error and checks it before anything else is written: its structure is
// checked, and a mark is committed and read back. That commit also overwrites, in the write-ahead log, what the failed
// one left there.
//
// The old connection is closed only after that. While one is open, SQLite does not replay the log, so a commit that was
// reported as an error cannot become valid.
func (w *writer) ensure() error {
	if w.c != nil {
		return nil
	}
	w.spare.release()
	defer w.spare.take()
	c, err := openConn(w.path, "rw")
	if err != nil {
		return err
	}
	if err := w.prove(c); err != nil {
		c.close()
		return err
	}
	w.c = c
	w.shorter = false
	w.seen()
	if w.old != nil {
		w.old.close() // its error was already reported
		w.old = nil
	}
	return w.load()
}

func (w *writer) prove(c *conn) error {
	if err := c.durable(); err != nil {
		return err
	}
	if info, err := os.Stat(w.path); err != nil {
		return err
	} else if info.Size() <= smallFile || w.shorter {
		if broken, _, err := quickCheck(c); err != nil || broken != "" {
			return errors.Join(fmt.Errorf("is damaged: %s (restart ringback: it rebuilds the journal from its "+
				"readable part)", broken), err)
		}
	}
	found, err := stored(c)
	if err == nil {
		err = w.identity.differs(found)
	}
	if err != nil {
		return err
	}
	if _, err := c.query("PRAGMA wal_checkpoint(PASSIVE)"); err != nil && code(err) != codeFull {
		return err
	}
	before, err := c.number("SELECT n FROM marks WHERE name = 'reopened'")
	if err != nil {
		return err
	}
	if _, err := c.exec("UPDATE marks SET n = n + 1 WHERE name = 'reopened'"); err != nil {
		return err
	}
	after, err := c.number("SELECT n FROM marks WHERE name = 'reopened'")
	if err == nil && after != before+1 {
		err = errors.New("a mark written after a disk error was read back wrong")
	}
	return err
}

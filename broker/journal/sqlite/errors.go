package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ringback/ringback/broker/journal"
)

// code returns SQLite's primary result code of err; 0 if it is not an error of SQLite.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// ofGroup reports whether err concerns one group of mutations and neither the disk nor the file.
func ofGroup(err error) bool {
	for _, e := range []error{journal.ErrPending, journal.ErrEnded, journal.ErrBudget, journal.ErrNotFound,
		journal.ErrDamaged, journal.ErrCeiling} {
		if errors.Is(err, e) {
			return true
		}
	}
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return true
	}
	return false
}

// explain adds to an error the file and, if a user can fix it, how.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("journal %s: %w%s", path, err, hint(path, extended(err)))
}

// hint returns what to do about an error with an extended result code.
func hint(path string, extended int) string {
	code := extended & 0xff
	if extended == sqlite3.SQLITE_IOERR_SHMSIZE {
		code = sqlite3.SQLITE_FULL // SQLite reports a full disk so while it makes the index of its log
	}
	switch code {
	case sqlite3.SQLITE_FULL:
		return fmt.Sprintf(" (free space on the disk of %s; no callback is promised until then)", filepath.Dir(path))
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Sprintf(" (the file is damaged or not a journal of ringback: stop ringback, move %[1]s, "+
			"%[1]s-wal and %[1]s-shm aside together and restore a backup; without one move %[2]s "+
			"aside too, and ringback creates an empty journal: pending callbacks are lost)",
			filepath.Base(path), identityName)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Sprintf(" (may this user write to %s and everything in it?)", filepath.Dir(path))
	case sqlite3.SQLITE_IOERR:
		return " (the disk or its file system reports an error: see the kernel log)"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return " (another program has locked it: find it with fuser)"
	}
	return ""
}

const codeCorrupt = sqlite3.SQLITE_CORRUPT

const codeFull = sqlite3.SQLITE_FULL

const codeWrite = sqlite3.SQLITE_IOERR_WRITE

const codeReadOnly = sqlite3.SQLITE_READONLY

const codeError = sqlite3.SQLITE_ERROR

// extended returns SQLite's extended result code of err; 0 if it is not an error of SQLite.
func extended(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// Package sqlite is the journal of a node in one SQLite file: calls, callbacks, attempts, the accounting spool and the
// audit. It is a [journal.Store]: it stores rows and decides nothing about them; the callback machine and the broker's
// loop do.
//
// # What Commit guarantees
//
// When Commit returns nil, its rows are on the disk: the write-ahead log was synced (synchronous=FULL). When it returns
// an error, none of them are stored. Concurrent callers share one transaction and one sync.
//
// One goroutine writes. It is locked to an OS thread that opens the connection, migrates, commits and checkpoints, so
// that every sync of the journal is issued by that one thread.
//
// # What the journal detects
//
// Each row has an HMAC-SHA-256 over its columns with the key in journal.key beside it, which is checked whenever the
// row is read; the audit is a chain of these. A row that does not verify is returned as a [journal.Damage] separate
// from the valid rows, never as a row. A file beside the journal counts its transactions: [Open] refuses a different
// journal, or one that lacks the newest transactions, and leaves it unchanged.
//
// Only these rows are deleted: spooled records that were acknowledged, counts and names of logins, and what
// [Journal.Prune] removes. A damaged row that [journal.SetAside] takes out of use is kept as it was found.
package sqlite

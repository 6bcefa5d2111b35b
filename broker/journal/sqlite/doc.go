// Package sqlite is the journal of a node in one SQLite file: calls, callbacks, attempts, the accounting spool and the
// audit. It is a [journal.Store]: it stores rows and decides nothing about them; the callback machine and the broker's
// loop do.
//
// # What Commit promises
//
// When Commit returns nil, its rows are on the disk: the write-ahead log was synced (synchronous=FULL). When it returns
// an error, none of them count. Callers that come at the same time share one transaction and one sync.
//
// One goroutine writes. It is locked to an OS thread that opens the connection, migrates, commits and checkpoints, so
// that every sync of the journal is issued by that one thread.
//
// # What the journal finds out by itself
//
// Each row carries an HMAC-SHA-256 over its columns by the key in journal.key beside it, checked whenever it is read;
// the audit is a chain of these. A row that does not verify comes back as a [journal.Damage] beside the good ones,
// never as a row. A file beside the journal counts its transactions: one that is another, or lacks the newest ones, is
// refused by [Open] and left as it is.
//
// Rows are never deleted but those of the spool, once their record was acknowledged. A damaged row that
// [journal.SetAside] takes out of the way is kept as it was found.
package sqlite

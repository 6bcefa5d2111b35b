package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/ringback/ringback/broker/journal"
)

// Verify checks every row, the audit chain and SQLite's own structure, and returns what is wrong; nil, nil if nothing
// is. It takes seconds on a large journal and does not block the writer.
func (r *Reader) Verify(ctx context.Context) ([]journal.Damage, error) {
	var out []journal.Damage
	add := func(d journal.Damage) { out = append(out, d) }
	for _, check := range []func() error{
		func() error {
			return each(ctx, r.db, r.key, callsTable, decodeCall, func(journal.Call) {}, add, "NOT INDEXED")
		},
		func() error {
			return each(ctx, r.db, r.key, callbacksTable, decodeCallback, func(journal.Callback) {}, add, "NOT INDEXED")
		},
		func() error {
			return each(ctx, r.db, r.key, attemptsTable, decodeAttempt, func(journal.Attempt) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, spoolTable, decodeSpooled, func(journal.Spooled) {}, add, "NOT INDEXED")
		},
		func() error {
			return each(ctx, r.db, r.key, loginLimitsTable, decodeLoginLimit, func(journal.LoginLimit) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, loginNamesTable, decodeLoginName, func(journal.LoginName) {}, add, "")
		},
		func() error { return each(ctx, r.db, r.key, sumsTable, decodeSum, func(journal.Sum) {}, add, "") },
		func() error {
			return each(ctx, r.db, r.key, accountsTable, decodeAccount, func(journal.Account) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, reservationsTable, decodeReservation, func(journal.Reservation) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, lockdownTable, decodeLockdown, func(journal.Lockdown) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, accessWindowsTable, decodeAccessWindow, func(journal.AccessWindow) {}, add,
				"")
		},
		func() error {
			return each(ctx, r.db, r.key, lineRecordsTable, decodeLineRecord, func(journal.LineRecord) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, dialedTable, decodeDialed, func(journal.Dialed) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, triggeredTable, decodeTriggered, func(journal.Triggered) {}, add, "")
		},
		func() error {
			return each(ctx, r.db, r.key, usageTable, decodeUsage, func(journal.Usage) {}, add, "")
		},
		func() error { return each(ctx, r.db, r.key, owedTable, decodeOwed, func(journal.Owed) {}, add, "") },
		func() error { return r.verifyAudit(ctx, add) },
		func() error { return r.verifyFile(ctx, add) },
	} {
		if err := check(); err != nil {
			return out, explain(r.path, err)
		}
	}
	return out, nil
}

// VerifyAudit follows the chain of the audit, and returns what is wrong; nil, nil if nothing is. It takes seconds on a
// large journal and does not block the writer.
func (r *Reader) VerifyAudit(ctx context.Context) (out []journal.Damage, err error) {
	err = r.verifyAudit(ctx, func(d journal.Damage) { out = append(out, d) })
	return out, explain(r.path, err)
}

// verifyAudit follows the chain from its first record to the mark. It reads both in one transaction, because the writer
// continues meanwhile.
func (r *Reader) verifyAudit(ctx context.Context, add func(journal.Damage)) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() // it only reads
	last := journal.Audit{Hash: make([]byte, 32)}
	broken := func(seq int64, format string, args ...any) {
		add(journal.Damage{Table: "audit", Key: fmt.Sprint(seq), Reason: fmt.Sprintf(format, args...)})
	}
	follow := func(a journal.Audit) {
		switch {
		case a.Seq != last.Seq+1:
			broken(a.Seq, "the record before it is %d: a part of the chain is missing", last.Seq)
		case !bytes.Equal(a.PrevHash, last.Hash):
			broken(a.Seq, "it does not follow from the record before it")
		}
		last = a
	}
	if err := each(ctx, tx, r.key, auditTable, r.key.decodeAudit, follow, add, "ORDER BY seq"); err != nil {
		return err
	}
	if err := verifyDigests(ctx, tx, broken); err != nil {
		return err
	}
	marks := make([]any, len(sealed.cols)+1)
	err = tx.QueryRowContext(ctx, sealQuery).Scan(&marks[0], &marks[1], &marks[2], &marks[3], &marks[4])
	if err != nil {
		return err
	}
	gone := false
	for i, name := range []string{"identity", "commits", "audit", "audit", "seal"} {
		if marks[i] == nil && i != 3 {
			add(journal.Damage{Table: "marks", Key: name, Reason: "it is missing" + toRepair})
			gone = true
		}
	}
	if gone {
		return nil
	}
	seq, _ := marks[2].(int64)
	hash, _ := marks[3].([]byte)
	if !r.key.fits(marks) {
		broken(seq, "its end is not the one that the last transaction signed: it was replaced, perhaps by an older one")
	}
	if seq != last.Seq || !bytes.Equal(hash, last.Hash) {
		broken(max(seq, last.Seq), "the chain ends at %d, its mark says %d", last.Seq, seq)
	}
	return nil
}

// verifyFile makes SQLite compare tables and indexes.
func (r *Reader) verifyFile(ctx context.Context, add func(journal.Damage)) error {
	rows, err := r.db.QueryContext(ctx, "PRAGMA integrity_check(100)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			add(journal.Damage{Table: "the file", Reason: text})
		}
	}
	return rows.Err()
}

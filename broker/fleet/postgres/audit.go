package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/journal"
)

// auditMac signs the copy of a record of a node's audit.
func (a *Authority) auditMac(node string, r journal.Audit) *mac {
	return a.keys.begin("audit").text(node).text(a.opt.JournalID).number(r.Seq).number(nanoseconds(r.Time)).
		text(r.Kind).text(r.Who).text(r.Text).octets(r.PrevHash).octets(r.Hash).octets(r.Digest)
}

// nanoseconds returns a time as the tables have it: 0 if it is zero.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// ShipAudit implements fleet.Orders. Without rows it returns the number of the last record that was copied. A record
// that is there with another content, or a gap, is an error, and the copy stays as it is.
func (a *Authority) ShipAudit(ctx context.Context, rows []journal.Audit) (last int64, err error) {
	err = a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var digest []byte
		err := tx.QueryRow(ctx, `SELECT seq, digest FROM ringback.audit WHERE node = $1 AND journal_id = $2
			ORDER BY seq DESC LIMIT 1`, a.opt.Node, a.opt.JournalID).Scan(&last, &digest)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		b := &pgx.Batch{}
		for _, r := range rows {
			switch {
			case r.Seq <= last:
				if err := a.sameAudit(ctx, tx, r); err != nil {
					return err
				}
				continue
			case r.Seq != last+1:
				return fmt.Errorf("audit record %d cannot follow %d: the records between are missing", r.Seq, last)
			case last > 0 && !bytes.Equal(r.DigestAfter(digest), r.Digest):
				return a.auditConflict(r.Seq)
			}
			b.Queue(`INSERT INTO ringback.audit (node, journal_id, seq, time, kind, who, text, prev_hash, hash,
				digest, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, a.opt.Node, a.opt.JournalID, r.Seq,
				nanoseconds(r.Time), []byte(r.Kind), []byte(r.Who), []byte(r.Text), r.PrevHash, r.Hash, r.Digest,
				a.keys.sum(a.auditMac(a.opt.Node, r)))
			last, digest = r.Seq, r.Digest
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("copy the audit to the fleet: %w", err)
	}
	return last, nil
}

// sameAudit returns an error if a record that was copied before is not the same.
func (a *Authority) sameAudit(ctx context.Context, tx pgx.Tx, r journal.Audit) error {
	var signature []byte
	err := tx.QueryRow(ctx, `SELECT mac FROM ringback.audit WHERE node = $1 AND journal_id = $2 AND seq = $3`,
		a.opt.Node, a.opt.JournalID, r.Seq).Scan(&signature)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if !a.keys.verify(a.auditMac(a.opt.Node, r), signature) {
		return a.auditConflict(r.Seq)
	}
	return nil
}

// errAudit is wrapped by the error of a copy that differs.
var errAudit = errors.New("the copy in the fleet's database differs from the audit of this node")

// auditConflict reports that the copy differs.
func (a *Authority) auditConflict(seq int64) error {
	err := fmt.Errorf("record %d: %w", seq, errAudit)
	a.alarmOnce(err.Error() + ": one of the two was changed")
	return err
}

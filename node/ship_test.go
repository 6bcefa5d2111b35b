package node

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// copies keeps what was shipped.
type copies struct {
	rows []journal.Audit
	err  error
}

func (c *copies) ShipAudit(_ context.Context, rows []journal.Audit) (int64, error) {
	if c.err != nil {
		return 0, c.err
	}
	c.rows = append(c.rows, rows...)
	if len(c.rows) == 0 {
		return 0, nil
	}
	return c.rows[len(c.rows)-1].Seq, nil
}

// Each record of the audit is copied once and with its digest, also after the fleet was away and after a restart.
func TestShipAudit(t *testing.T) {
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	add := func(n int) {
		for i := range n {
			if err := j.Commit(t.Context(), journal.AddAudit{Audit: journal.Audit{Time: time.Unix(int64(i), 0),
				Kind: "alarm", Who: "ringback", Text: fmt.Sprint(i)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	to := &copies{}
	s := &shipper{to: to, from: j, log: zap.NewNop()}
	add(3)
	s.ship(t.Context())
	to.err = fleet.ErrAway
	add(shipRows + 2)
	s.ship(t.Context())
	to.err = nil
	s.ship(t.Context())
	add(1)
	(&shipper{to: to, from: j, log: zap.NewNop()}).ship(t.Context())
	if want := 3 + shipRows + 2 + 1; len(to.rows) != want {
		t.Fatalf("%d records were copied, want %d", len(to.rows), want)
	}
	for i, r := range to.rows {
		digest, err := j.AuditDigest(t.Context(), int64(i+1))
		if err != nil || r.Seq != int64(i+1) || len(digest) == 0 || !bytes.Equal(r.Digest, digest) {
			t.Fatalf("record %d was copied as number %d with digest %x, want %x (%v)", i+1, r.Seq, r.Digest, digest,
				err)
		}
	}
}

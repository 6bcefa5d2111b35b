package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

const (
	shipEach = 10 * time.Second
	shipRows = 200 // in one transaction
)

// shipAudit copies the audit to the fleet until ctx ends, so that a node's audit outlives its disk.
func (d *daemon) shipAudit(ctx context.Context) {
	s := shipper{to: d.fleet.orders, from: d.journal, log: d.log}
	tick := time.NewTicker(shipEach)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.ship(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// shipper copies the rows of an audit.
type shipper struct {
	to interface {
		ShipAudit(ctx context.Context, rows []journal.Audit) (last int64, err error)
	}
	from interface {
		AuditAfter(ctx context.Context, seq int64, n int) ([]journal.Audit, []journal.Damage, error)
		AuditDigest(ctx context.Context, seq int64) ([]byte, error)
	}
	log  *zap.Logger
	last int64  // copied; 0: not known
	told string // the last error that was logged
}

// ship copies what is new. It goes on at the next call after an error.
func (s *shipper) ship(ctx context.Context) {
	err := s.copy(ctx)
	switch {
	case err == nil:
		s.told = ""
	case ctx.Err() != nil, errors.Is(err, fleet.ErrAway), errors.Is(err, fleet.ErrNotMember),
		errors.Is(err, fleet.ErrUnknown): // the health reports it
		s.last = 0
	case err.Error() != s.told:
		s.told = err.Error()
		s.log.Error("the audit is not copied to the fleet", zap.Error(err))
	}
}

func (s *shipper) copy(ctx context.Context) error {
	if s.last == 0 {
		last, err := s.to.ShipAudit(ctx, nil)
		if err != nil {
			return err
		}
		s.last = last
	}
	digest, err := s.from.AuditDigest(ctx, s.last)
	if err != nil {
		return err
	}
	if s.last == 0 {
		digest = make([]byte, journal.DigestSize)
	}
	for {
		rows, bad, err := s.from.AuditAfter(ctx, s.last, shipRows)
		if err != nil || len(rows)+len(bad) == 0 {
			return err
		}
		for i := range rows { // of rows that verify: the column of the digest is not protected by the journal's key
			digest = rows[i].DigestAfter(digest)
			rows[i].Digest = digest
		}
		if len(bad) > 0 {
			return fmt.Errorf("%v (ringback journal check)", bad[0])
		}
		last, err := s.to.ShipAudit(ctx, rows)
		if err != nil {
			return err
		}
		s.last = last
		if len(rows) < shipRows {
			return nil
		}
	}
}

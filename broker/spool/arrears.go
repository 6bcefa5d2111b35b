package spool

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// End is the end of a call that the disk refused, with the accounting records that the call owes.
type End struct {
	Records []aaa.Record
	Row     []journal.Mutation // that close the call
	Session bool               // a session was recorded, so a user may have been admitted
}

// arrearsList has what the disk refused after the calls were over, oldest first.
type arrearsList struct {
	wake chan struct{} // capacity 1: the list is not empty

	mu      sync.Mutex // held while the disk writes, so that nothing is written twice or out of order
	owed    []End
	dropped int
}

// maxArrears limits how many refused logins are kept while the disk accepts no writes. The ends of calls with a session
// are all kept: there are never more than there were calls when the disk failed, because no session begins without
// being recorded.
const maxArrears = 4096

// Owe keeps a call's end until it is on disk.
func (s *Spool) Owe(e End) {
	s.arrears.mu.Lock()
	defer s.arrears.mu.Unlock()
	if !e.Session && len(s.arrears.owed) >= maxArrears {
		s.arrears.dropped++
		return
	}
	s.arrears.owed = append(s.arrears.owed, e)
	signal(s.arrears.wake)
}

// settleArrears writes what is owed, and blocks until it is on disk. It returns an error if the disk still refuses it.
func (s *Spool) settleArrears(ctx context.Context) error {
	l := &s.arrears
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.owed) == 0 {
		return nil
	}
	for len(l.owed) > 0 {
		a := l.owed[0]
		err := s.write(ctx, a.Records, a.Row...)
		if errors.Is(err, journal.ErrEnded) { // ended by an operator; the records must still be sent
			err = s.write(ctx, a.Records, journal.UseReserve{})
		}
		if err != nil {
			return err
		}
		l.owed = l.owed[1:]
	}
	s.log.Info("journal: all calls that have ended are on disk")
	if l.dropped > 0 {
		s.log.Error("journal: refused logins were not recorded while the disk accepted no writes",
			zap.Int("calls", l.dropped))
		l.dropped = 0
	}
	return nil
}

// runArrears retries to write what is owed until ctx ends.
func (s *Spool) runArrears(ctx context.Context) {
	for {
		select {
		case <-s.arrears.wake:
		case <-ctx.Done():
			return
		}
		for s.settleArrears(ctx) != nil {
			if !pause(ctx, minWait) {
				return
			}
		}
	}
}

// eachOwed calls f with each owed record.
func (s *Spool) eachOwed(f func(aaa.Record)) {
	s.arrears.mu.Lock()
	defer s.arrears.mu.Unlock()
	for _, a := range s.arrears.owed {
		for _, r := range a.Records {
			f(r)
		}
	}
}

// Owed returns how many ends of calls wait in memory for the disk to accept them.
func (s *Spool) Owed() int {
	s.arrears.mu.Lock()
	defer s.arrears.mu.Unlock()
	return len(s.arrears.owed)
}

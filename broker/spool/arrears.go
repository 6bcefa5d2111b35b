package spool

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// End is a call's end that the disk refused, with the accounting records that the call owes.
type End struct {
	Records []aaa.Record
	Row     []journal.Mutation // that close the call
	Session bool               // a session was recorded, and somebody may have been admitted
}

// arrearsList is what the disk refused after the calls were over, oldest first.
type arrearsList struct {
	wake chan struct{} // capacity 1: there is something

	mu      sync.Mutex // held while the disk is asked, so that nothing is written twice or out of order
	owed    []End
	dropped int
}

// maxArrears is how many refused logins are remembered while the disk takes nothing. Calls with a session are no more
// than there were calls when the disk failed, since none begins without being recorded; they are all kept.
const maxArrears = 4096

// Owe keeps a call's end until the disk takes it.
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

// settleArrears writes what is owed, and blocks until it is on disk. An error: the disk still refuses.
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
		if errors.Is(err, journal.ErrEnded) { // by an operator's hand; the records are still to be sent
			err = s.write(ctx, a.Records, journal.UseReserve{})
		}
		if err != nil {
			return err
		}
		l.owed = l.owed[1:]
	}
	s.log.Info("journal: all calls that have ended are on disk")
	if l.dropped > 0 {
		s.log.Error("journal: refused logins were not recorded while the disk took nothing",
			zap.Int("calls", l.dropped))
		l.dropped = 0
	}
	return nil
}

// runArrears tries again and again to write what is owed, until ctx ends.
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

// eachOwed calls f with each record that is owed.
func (s *Spool) eachOwed(f func(aaa.Record)) {
	s.arrears.mu.Lock()
	defer s.arrears.mu.Unlock()
	for _, a := range s.arrears.owed {
		for _, r := range a.Records {
			f(r)
		}
	}
}

// Owed is how many ends of calls wait in memory for a disk that takes them.
func (s *Spool) Owed() int {
	s.arrears.mu.Lock()
	defer s.arrears.mu.Unlock()
	return len(s.arrears.owed)
}

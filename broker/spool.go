package broker

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// spool sends the journal's accounting records: those of one session in their order, different sessions side by side, each until it is
// acknowledged (law 10).
type spool struct {
	journal    Store
	accountant aaa.Accountant // nil: nothing is spooled
	log        *zap.Logger
	wake       chan struct{} // capacity 1

	failing bool // the last delivery failed; of the goroutine that sends

	mu      sync.Mutex
	waiting map[string]chan struct{} // closed when the record of this ID was acknowledged
	spooled map[string]time.Time     // when a record that is not yet acknowledged was spooled
}

func newSpool(j Store, a aaa.Accountant, log *zap.Logger) *spool {
	return &spool{journal: j, accountant: a, log: log, wake: make(chan struct{}, 1), waiting: map[string]chan struct{}{}, spooled: map[string]time.Time{}}
}

// put makes records durable together with the other mutations, and wakes the sender.
func (s *spool) put(ctx context.Context, records []aaa.Record, also ...journal.Mutation) error {
	if s.accountant != nil {
		for _, r := range records {
			also = append(also, journal.Spool{Record: journal.Spooled{ID: r.ID, SessionID: r.SessionID, Body: mustJSON(r), Created: r.Time}})
		}
	}
	if len(also) == 0 {
		return nil
	}
	s.note(records) // before the commit: the sender may have it acknowledged before Commit returns here
	if err := s.journal.Commit(ctx, also...); err != nil {
		s.forget(records)
		return err
	}
	if s.accountant == nil {
		return nil
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// note remembers since when the records wait to be acknowledged.
func (s *spool) note(records []aaa.Record) {
	if s.accountant == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.spooled[r.ID] = time.Now()
	}
}

// forget takes note back: the records are not in the journal.
func (s *spool) forget(records []aaa.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		delete(s.spooled, r.ID)
	}
}

// await blocks until the record was acknowledged, is older than patience, or is not known.
func (s *spool) await(ctx context.Context, id string, patience time.Duration) {
	s.mu.Lock()
	since, ok := s.spooled[id]
	if !ok {
		s.mu.Unlock()
		return
	}
	ch := s.waiting[id]
	if ch == nil {
		ch = make(chan struct{})
		s.waiting[id] = ch
	}
	s.mu.Unlock()
	t := time.NewTimer(max(time.Until(since.Add(patience)), 0))
	defer t.Stop()
	select {
	case <-ch:
	case <-t.C:
	case <-ctx.Done():
	}
}

func (s *spool) acknowledged(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if ch := s.waiting[id]; ch != nil {
			close(ch)
			delete(s.waiting, id)
		}
		delete(s.spooled, id)
	}
}

// How the sender works.
const (
	spoolBatch   = 256
	spoolAtOnce  = 64
	spoolMinWait = time.Second
	spoolMaxWait = time.Minute
)

// run sends until ctx ends.
func (s *spool) run(ctx context.Context) {
	if s.accountant == nil {
		return
	}
	wait := spoolMinWait
	for ctx.Err() == nil {
		sent, left := s.round(ctx)
		switch {
		case sent > 0:
			wait = spoolMinWait
		case left > 0: // nobody acknowledges: back off, whatever else is spooled meanwhile
			pause(ctx, wait)
			wait = min(2*wait, spoolMaxWait)
		default:
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
		}
	}
}

// flush gives what is left a last, short chance at a shutdown. It stays in the journal else.
func (s *spool) flush(ctx context.Context) {
	if s.accountant == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for {
		if sent, _ := s.round(ctx); sent == 0 || ctx.Err() != nil {
			return
		}
	}
}

// round sends the oldest records and returns how many were acknowledged and how many were not.
func (s *spool) round(ctx context.Context) (sent, left int) {
	rows, damaged, err := s.journal.SpoolNext(ctx, spoolBatch)
	if err != nil {
		s.log.Error("journal: read the accounting spool", zap.Error(err))
		return 0, 1
	}
	for _, d := range damaged {
		s.log.Error("journal: an accounting record is damaged and cannot be sent", zap.Stringer("row", d))
	}
	if len(damaged) > 0 {
		if err := s.journal.Commit(context.WithoutCancel(ctx), journal.SetAside{Time: time.Now()}); err != nil {
			s.log.Error("journal: set damaged records aside", zap.Error(err))
		}
	}
	var failure error
	for len(rows) > 0 {
		n := barrier(rows)
		acked, err := s.sendAll(ctx, rows[:n])
		failure = errors.Join(failure, err)
		sent += len(acked)
		left += n - len(acked)
		if len(acked) < n && (len(acked) > 0 || !refused(rows[:n])) {
			break
		}
		rows = rows[n:]
	}
	s.tell(ctx, left, failure)
	return sent, left
}

// refusedTries is how often a record is sent, each time with all retransmissions, before it no longer holds up those behind a barrier.
const refusedTries = 5

// refused reports whether each session's first record was sent in vain so often that, for all we know, the server takes others and not these:
// whoever can spoil one record must not end the accounting of all. They stay in the spool and are sent again. Where the server is silent to
// all, what is behind the barrier fails too, and nothing is out of order.
func refused(rows []journal.Spooled) bool {
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.SessionID] && r.Tries < refusedTries {
			return false
		}
		seen[r.SessionID] = true
	}
	return true
}

// tell logs when deliveries begin to fail and when they succeed again.
func (s *spool) tell(ctx context.Context, left int, err error) {
	switch failing := left > 0; {
	case failing == s.failing || ctx.Err() != nil:
		return
	case failing:
		s.log.Warn("accounting records wait in the spool for a server that acknowledges them", zap.Int("records", left), zap.Error(err))
	default:
		s.log.Info("accounting records are acknowledged again")
	}
	s.failing = left > 0
}

// barrier is how many of the rows may be under way together: a record of no session (Accounting-On) goes alone, after all before it.
func barrier(rows []journal.Spooled) int {
	for i, r := range rows {
		if r.SessionID == "" {
			return max(i, 1)
		}
	}
	return len(rows)
}

// sendAll sends sessions side by side, the records of each in order up to the first that fails, and returns the IDs of the acknowledged and
// an error of those that were not.
func (s *spool) sendAll(ctx context.Context, rows []journal.Spooled) (acked []string, failure error) {
	bySession := map[string][]journal.Spooled{}
	var order []string
	for _, r := range rows {
		if _, ok := bySession[r.SessionID]; !ok {
			order = append(order, r.SessionID)
		}
		bySession[r.SessionID] = append(bySession[r.SessionID], r)
	}
	var mu sync.Mutex
	var failed []journal.Mutation
	work := make(chan []journal.Spooled)
	var senders sync.WaitGroup
	for range min(spoolAtOnce, len(order)) {
		senders.Go(func() {
			for session := range work {
				for _, r := range session {
					err := s.send(ctx, r)
					mu.Lock()
					if err == nil {
						acked = append(acked, r.ID)
					} else {
						failed, failure = append(failed, journal.SpoolTried{ID: r.ID, Err: err.Error()}), err
					}
					mu.Unlock()
					if err != nil {
						break
					}
				}
			}
		})
	}
	for _, id := range order {
		work <- bySession[id]
	}
	close(work)
	senders.Wait()
	s.settle(acked, failed)
	return acked, failure
}

func (s *spool) send(ctx context.Context, row journal.Spooled) error {
	var r aaa.Record
	if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
		return err
	}
	return s.accountant.Send(ctx, r)
}

// settle records what became of the deliveries. If that fails the records are sent once more: at least once is the promise.
func (s *spool) settle(acked []string, failed []journal.Mutation) {
	rows := failed
	for _, id := range acked {
		rows = append(rows, journal.Unspool{ID: id})
	}
	if len(rows) == 0 {
		return
	}
	if err := s.journal.Commit(context.Background(), rows...); err != nil {
		s.log.Error("journal: settle the accounting spool", zap.Error(err))
		return
	}
	s.acknowledged(acked)
}

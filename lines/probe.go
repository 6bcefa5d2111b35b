package lines

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// probeLocked starts a probe of a line that may be leased to q; q keeps its place in the queue.
func (l *line) probeLocked(q *Waiting) {
	if !l.goLocked(l.probe) {
		return // no new leases
	}
	l.probing, l.probedFor, q.probed = true, q, l
	l.calm = make(chan struct{}, 1)
}

// freeCandidateLocked makes the request for which the line is being probed choose another line.
func (l *line) freeCandidateLocked() {
	q := l.probedFor
	if q == nil {
		return
	}
	l.probedFor, q.probed = nil, nil
	q.seekLocked()
}

// probe asks the modem for an answer, and passes the line on or records the reason. A line that rings may be
// answered; it is checked again when the caller has given up.
func (l *line) probe(ctx context.Context) {
	limit, cancel := context.WithTimeout(ctx, l.proofTime())
	err := l.driver.Probe(limit)
	cancel()
	if l.probed(ctx, err) {
		return
	}
	t := time.NewTimer(l.cfg.Timing.WithDefaults().Rings)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.calm: // no other is set while the line is being probed
	case <-ctx.Done():
	}
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.probing, l.calm = false, nil
	l.pool.passLocked(l, false)
}

// probed handles the result of a probe. false means that the line cannot be probed now.
func (l *line) probed(ctx context.Context, err error) (done bool) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !l.freeLocked() || p.closing || ctx.Err() != nil:
		// answered, lost or quarantined meanwhile: the result of the probe is out of date
		l.probing, l.calm = false, nil
	case err == nil:
		l.probing, l.calm = false, nil
		if q := l.probedFor; q != nil { // an older request may need it, or q no longer does
			l.probedFor, q.probed = nil, nil
			p.passLocked(l, true)
			q.seekLocked()
			return true
		}
		p.passLocked(l, true)
	case errors.Is(err, ErrRinging), errors.Is(err, ErrDown): // the driver reports Down itself
		l.freeCandidateLocked()
		return false
	default:
		l.probing, l.calm = false, nil
		l.quarantineLocked(fmt.Errorf("the modem did not answer the probe before the lease: %w", err))
	}
	l.freeCandidateLocked()
	return true
}

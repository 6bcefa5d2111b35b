package session

import (
	"context"
	"time"

	"github.com/ringback/ringback/aaa"
)

// minInterim is the least time between two interim reports (RFC 2869 §5.16).
const minInterim = time.Minute

// interval is the time between two interim reports; 0 none. What the operator set goes before what AAA says (RFC 2869 §2.1).
func (c Config) interval(auth aaa.Authorization) time.Duration {
	d := c.Interim
	if d == 0 {
		d = auth.InterimInterval
	}
	if d <= 0 {
		return 0
	}
	return max(d, minInterim)
}

// tell gives the Broker one report of the open session. Reports never overlap; ctx bounds how long it may take.
func (s *session) tell(ctx context.Context, r Report) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.broker.Report(ctx, r)
}

// interims reports again and again that the session goes on. stop ends that and waits until no report is on its way.
func (s *session) interims(ctx context.Context, o *opened) (stop func()) {
	every := s.cfg.interval(o.report.Auth)
	if every == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if failed := s.guarded(ctx, func(ctx context.Context) ending { s.interim(ctx, o); return ending{} }); failed.stack != "" {
				s.debugf("interim report: %s", failed.reason)
			}
		}
	}()
	return func() { cancel(); <-finished }
}

func (s *session) interim(ctx context.Context, o *opened) {
	r := o.report
	r.Kind, r.Time, r.Duration = Interim, time.Now(), time.Since(o.since)
	r.OctetsIn, r.OctetsOut = s.octets()
	s.tell(ctx, r)
}

// octets are those of the open session, both ways.
func (s *session) octets() (in, out uint64) {
	return s.meter.in.Load() - s.counted[0], s.meter.out.Load() - s.counted[1]
}

package session

import (
	"context"
	"time"

	"github.com/ringback/ringback/aaa"
)

// minInterim is the minimum interval of interim reports (RFC 2869 §5.16).
const minInterim = time.Minute

// InterimEvery is the interval of interim reports; 0 for none. The configuration takes precedence over AAA (RFC 2869
// §2.1).
func (c Config) InterimEvery(auth aaa.Authorization) time.Duration {
	d := c.Interim
	if d == 0 {
		d = auth.InterimInterval
	}
	if d <= 0 {
		return 0
	}
	return max(d, minInterim)
}

// begin reports the begin of a session to the Broker.
func (s *Session) begin(ctx context.Context, res aaa.Result) {
	s.grants++
	s.proven, s.verdict = res.Identity, Refuse
	r := Report{
		Kind: Began, Time: time.Now(), Call: s.call, Identity: res.Identity, Auth: res.Auth,
		Service: s.frontEnd.Service(),
		Server:  res.Server, Leg: s.leg.Number, Session: s.grants, CallbackID: s.leg.CallbackID,
	}
	s.open = &opened{report: r, since: time.Now(), stop: func() {}}
	s.tell(ctx, r)
	s.open.stop = s.interims(ctx, s.open)
}

// close reports the end of the session to the Broker, if one has begun; callbackID is the callback promised or
// completed. A panic of Report is only written to the debug output and does not change the Ending of the session.
func (s *Session) close(ctx context.Context, e Ending, callbackID string) {
	if s.open == nil {
		return
	}
	o := s.open
	s.open, s.verdict = nil, Refuse
	s.recorded(e.Reason)
	r := o.report
	r.Kind, r.Time, r.Duration = Ended, time.Now(), time.Since(o.since)
	o.stop()
	r.Admitted, r.Cause, r.Reason = o.admitted, e.Cause, e.Reason
	if callbackID != "" {
		r.CallbackID = callbackID
	}
	all := s.carriedAll()
	r.Carried = all.since(s.counted)
	s.counted = all
	failed := s.guarded(ctx, func(ctx context.Context) Ending {
		s.tell(context.WithoutCancel(ctx),
			r)
		return Ending{}
	})
	if failed.stack != "" {
		s.Debugf("report the end of the session: %s", failed.Reason)
	}
}

// Command reports an authorized command and its privilege level, before it is executed. line is the complete command,
// never a password.
func (s *Session) Command(ctx context.Context, line string, level int) {
	r := s.open.report
	r.Kind, r.Time, r.Command, r.PrivLevel = Command, time.Now(), line, level
	s.tell(context.WithoutCancel(ctx), r)
}

// Joined reports a connection to a host for the user; why is empty if it succeeded.
func (s *Session) Joined(host, why string) {
	if s.cfg.Joined != nil {
		s.cfg.Joined(s.call, s.proven.User, host, why)
	}
}

// tell sends one report of the open session to the Broker. Reports never overlap; ctx bounds the duration.
func (s *Session) tell(ctx context.Context, r Report) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.broker.Report(ctx, r)
}

// interims sends periodic interim reports. stop ends them and waits for a report under way.
func (s *Session) interims(ctx context.Context, o *opened) (stop func()) {
	every := s.cfg.InterimEvery(o.report.Auth)
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
			failed := s.guarded(ctx, func(ctx context.Context) Ending { s.interim(ctx, o); return Ending{} })
			if failed.stack != "" {
				s.Debugf("interim report: %s", failed.Reason)
			}
		}
	}()
	return func() { cancel(); <-finished }
}

// reported returns the report of the session's begin, with what the verdicts leave of it.
func (o *opened) reported() Report {
	o.narrowing.Lock()
	defer o.narrowing.Unlock()
	return o.report
}

func (s *Session) interim(ctx context.Context, o *opened) {
	r := o.reported()
	r.Kind, r.Time, r.Duration = Interim, time.Now(), time.Since(o.since)
	r.Carried = s.carriedAll().since(s.counted)
	s.tell(ctx, r)
}

// Update reports at once what is new about the session that has begun, as an interim report, unless the configuration
// disables those: the addresses of the caller (IOS: aaa accounting update newinfo).
func (s *Session) Update(ctx context.Context) {
	if s.open != nil && s.cfg.Interim >= 0 {
		s.interim(ctx, s.open)
	}
}

// Carries says that the front end carries packets: read returns them and their octets since the start of the call, and
// the caller's addresses, in place of the octets of the line. It is safe for concurrent use. Carries is called before a
// session begins.
func (s *Session) Carries(read func() Carried) { s.carries, s.counted = read, read() }

// carriedAll returns what was carried since the start of the call.
func (s *Session) carriedAll() Carried {
	if s.carries != nil {
		return s.carries()
	}
	return Carried{OctetsIn: s.line.meter.in.Load(), OctetsOut: s.line.meter.out.Load()}
}

// since returns c without what was carried before.
func (c Carried) since(before Carried) Carried {
	c.OctetsIn -= before.OctetsIn
	c.OctetsOut -= before.OctetsOut
	c.PacketsIn -= before.PacketsIn
	c.PacketsOut -= before.PacketsOut
	return c
}

// Leave ends the session that has begun, if there is one, and not the call: the user has to log in again, as after a
// renegotiation of PPP. The returned ctx limits that login as the first one was limited; release frees it. A callback
// that was promised on the call stands.
func (s *Session) Leave(e Ending) (ctx context.Context, release context.CancelFunc) {
	s.close(s.ctx, e, "")
	return s.limited(s.ctx)
}

package pppfront

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/session"
)

// carry carries out the effects of one event.
func (l *link) carry(effects []ppp.Effect) {
	for _, f := range effects {
		switch f := f.(type) {
		case *ppp.Deliver:
			l.lease.Deliver(f.Packet)
		case ppp.StartTimer:
			l.timers[f.Timer] = deadline{time.Now().Add(f.After), f.Generation}
		case ppp.StopTimer:
			l.timers[f.Timer] = deadline{}
		default:
			l.tellEffect(f)
			l.do(f)
		}
	}
	l.signal()
}

// do carries out an effect on the session or the network.
func (l *link) do(f ppp.Effect) {
	switch f := f.(type) {
	case ppp.Ask:
		l.ask(f)
	case ppp.Continue:
		l.goOn(f)
	case ppp.Settle:
		l.settle(f)
	case ppp.Promise:
		l.promise(f)
	case ppp.Assign:
		l.assign(f)
	case ppp.Cancel:
		l.asking.cancel(f.Question)
	case ppp.Admit:
		l.admit()
	case ppp.Leave:
		l.leave(f.Reason)
	case ppp.OpenNetwork:
		l.open(f.Opening)
	case ppp.CloseNetwork:
		l.lease.Close(f.Family)
	case ppp.Release:
		l.lease.Release()
		l.lease = nil
	case ppp.End:
		l.end = &f.Ending
	}
}

// admit begins the session.
func (l *link) admit() {
	l.admitted = true
	ctx, release := l.Admit()
	l.mu.Lock()
	l.used = time.Now()
	l.until, _ = ctx.Deadline()
	l.mu.Unlock()
	l.limit(ctx, release)
}

// open opens a network protocol. Accounting is told of the addresses at once.
func (l *link) open(o ppp.Opening) {
	with := l.lease.Assignment()
	l.mu.Lock()
	if o.Family == ppp.IPv6 {
		l.framed.InterfaceID, l.framed.Prefixes = o.PeerID.String(), with.Prefixes
	} else {
		l.framed.Address = o.Peer
	}
	l.mu.Unlock()
	ctx := l.ctx
	l.worker.start(func() { l.Update(ctx) }, l.repanic)
	if err := l.lease.Open(o, l.send, l.networkFailed); err != nil {
		l.networkFailed(fmt.Errorf("open %v: %w", o.Family, err))
	}
}

// networkFailed ends the link because its packets cannot be carried. It may be called from any goroutine.
func (l *link) networkFailed(err error) {
	l.post(func() {
		l.event(func() []ppp.Effect {
			return l.engine.Order(ppp.Ending{Cause: aaa.CauseNASError, Reason: err.Error()}, "Network not available")
		})
	})
}

// leave ends the session of a caller who renegotiates. The login that follows has its own limit.
func (l *link) leave(reason string) {
	admitted := l.admitted
	l.admitted = false
	l.worker.start(func() {
		ctx, release := l.Leave(session.Ending{Cause: aaa.CauseUserRequest, Reason: l.Scrub(reason)})
		l.mu.Lock()
		l.framed, l.used, l.until = session.Framed{}, time.Time{}, time.Time{}
		l.mu.Unlock()
		if !admitted {
			release() // the first limit stays
			return
		}
		l.post(func() { l.limit(ctx, release) })
	}, l.repanic)
}

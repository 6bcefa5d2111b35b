package pppfront

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/session"
)

// asking is the question that is open. It belongs to the goroutine of Serve.
type asking struct {
	number int
	ctx    context.Context // of a login: its conversation ends with it
	stop   context.CancelFunc
	login  *login
}

// cancel ends a question whose answer is not needed.
func (a *asking) cancel(number int) {
	if a.number == number && a.stop != nil {
		a.stop()
	}
	a.number = 0
}

// login is a login at AAA. It belongs to the goroutine that asks.
type login struct {
	talk    aaa.Conversation // nil: none, or not yet
	locked  string           // why the Guard denied it
	settled bool             // its result went to the session; belongs to the goroutine of Serve
}

// worker runs jobs, one after the other: the session has one user at a time.
type worker struct {
	mu      sync.Mutex
	jobs    []func()
	running bool
	group   sync.WaitGroup
}

// start has a job run after those before it, in a goroutine that ends with the last one. failed is called with the
// panic of a job.
func (w *worker) start(job func(), failed func(error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, func() {
		if err := session.Relay(func() error { job(); return nil }); err != nil {
			failed(err)
		}
	})
	if !w.running {
		w.running = true
		w.group.Go(w.run)
	}
}

func (w *worker) run() {
	for {
		w.mu.Lock()
		if len(w.jobs) == 0 {
			w.running = false
			w.mu.Unlock()
			return
		}
		job := w.jobs[0]
		w.jobs = w.jobs[1:]
		w.mu.Unlock()
		job()
	}
}

// stop waits for the jobs.
func (w *worker) stop() { w.group.Wait() }

// repanic ends the call for the panic of another goroutine.
func (l *link) repanic(err error) { l.post(func() { session.Repanic(err) }) }

// begin opens a question with a ctx of its own.
func (l *link) begin(number int) context.Context {
	ctx, stop := context.WithCancel(l.ctx)
	l.releases = append(l.releases, stop)
	l.asking.number, l.asking.stop = number, stop
	return ctx
}

// answer has the goroutine of Serve take the answer to a question. If the limit of the link has passed, that ends the
// link first, and the answer, which may say no more than "canceled", comes too late. These are two functions: if the
// first panics, the second still takes a lease.
func (l *link) answer(f func()) { l.post(l.checkLimit, f) }

// checkLimit ends the link if its limit has passed. The limit's own function may still be on its way.
func (l *link) checkLimit() {
	if l.end == nil && l.ctx.Err() != nil {
		l.interrupted(l.ctx)
	}
}

// reply gives the answer to a question to the Engine, which drops it if it is not needed any more.
func (l *link) reply(f func() []ppp.Effect) { l.answer(func() { l.event(f) }) }

// ask begins a login. One before it that has no result counts as a wrong guess: the caller has renegotiated.
func (l *link) ask(q ppp.Ask) {
	ctx := l.begin(q.Question)
	left := l.asking.login != nil && !l.asking.login.settled
	talk := &login{}
	l.asking.ctx, l.asking.login = ctx, talk
	l.worker.start(func() {
		if left {
			l.Fail(session.GuessWrong, "the caller renegotiated during the login")
		}
		res := l.start(ctx, talk, q.Credentials)
		l.reply(func() []ppp.Effect { return l.engine.Answered(q.Question, res) })
	}, l.repanic)
}

// start asks AAA, if the Guard allows it.
func (l *link) start(ctx context.Context, talk *login, c auth.Credentials) aaa.Result {
	if ctx.Err() != nil {
		return aaa.Result{Reason: "canceled"}
	}
	l.Trying(c.User)
	l.KeepSecret(string(c.Password))
	r := c.Request(l.Request(c.User, ""))
	r.IPv6 = l.ipv6
	res, err := l.AskLogin(ctx, func(ctx context.Context) (res aaa.Result, err error) {
		talk.talk, res = l.AAA().Start(ctx, r)
		return res, nil
	})
	var locked session.Locked
	if errors.As(err, &locked) {
		talk.locked = locked.Error()
		return aaa.Result{Kind: aaa.Refused, Message: "Too many failures - try again later", Reason: locked.Error()}
	}
	return res
}

// goOn continues a login with the peer's next EAP packet.
func (l *link) goOn(q ppp.Continue) {
	l.asking.number = q.Question
	ctx, talk := l.asking.ctx, l.asking.login
	l.worker.start(func() {
		res := aaa.Result{Reason: "the server asks, and does not go on"}
		if talk.talk != nil {
			res = talk.talk.Answer(ctx, aaa.Secret(q.EAP))
		}
		l.reply(func() []ppp.Effect { return l.engine.Answered(q.Question, res) })
	}, l.repanic)
}

// settle has the session and the broker take a final result of AAA.
func (l *link) settle(q ppp.Settle) {
	ctx, talk := l.begin(q.Question), l.asking.login
	talk.settled = true
	l.worker.start(func() {
		s, offer := l.settled(ctx, talk, q.Result)
		l.answer(func() {
			l.offer = offer
			l.event(func() []ppp.Effect { return l.engine.Settled(q.Question, s) })
		})
	}, l.repanic)
}

// settled returns the session's answer to a result, and the ID of the broker's offer. A failed login is answered after
// a pause, as at a prompt.
func (l *link) settled(ctx context.Context, talk *login, res aaa.Result) (s ppp.Settlement, offer string) {
	if talk.locked != "" {
		l.Fail(session.GuessLocked, talk.locked)
	} else {
		v, failure := l.Settle(ctx, res)
		if failure == session.NoFailure {
			return ppp.Settlement{Accepted: true, Decision: decisionOf(v)}, v.Offer.ID
		}
	}
	l.PauseAfterFailure(ctx)
	_, exhausted := l.Exhausted()
	return ppp.Settlement{Retry: !exhausted, Reason: l.LastFailure()}, ""
}

// decisionOf returns the broker's decision as the Engine has it.
func decisionOf(v session.Verdict) ppp.Decision {
	d := ppp.Decision{Text: v.Text.English(), Reason: v.Reason, SessionTime: v.SessionTime, IdleTime: v.IdleTime}
	switch v.Kind {
	case session.Admit:
		d.Kind = ppp.Admitted
	case session.Offered:
		d.Kind, d.Fixed, d.MayDecline = ppp.Offered, v.Offer.Number != "", v.Offer.MayDecline
	case session.Disconnect:
		d.Kind = ppp.Secure
	}
	return d
}

// promise answers the broker's offer. Its ctx does not end if the peer renegotiates: what is recorded stands.
func (l *link) promise(q ppp.Promise) {
	ctx, w := l.ctx, q.Wish
	choice := session.Choice{Offer: l.offer, Number: w.Number, Place: w.Place, Decline: w.Decline, Delay: w.Delay}
	l.asking.number, l.asking.stop = q.Question, nil
	l.worker.start(func() {
		v := verdictOf(l.Promise(ctx, choice))
		l.reply(func() []ppp.Effect { return l.engine.Promised(q.Question, v) })
	}, l.repanic)
}

// verdictOf returns the broker's verdict as CBCP has it.
func verdictOf(v session.Verdict) cbcp.Verdict {
	out := cbcp.Verdict{Text: v.Text.English(), Reason: v.Reason}
	switch v.Kind {
	case session.Promised:
		out.Kind = cbcp.VerdictPromised
	case session.BadChoice:
		out.Kind = cbcp.VerdictBadChoice
	case session.Admit:
		out.Kind = cbcp.VerdictAdmit
	}
	return out
}

// assign asks the network for addresses. A lease that comes too late is given back.
func (l *link) assign(q ppp.Assign) {
	ctx := l.begin(q.Question)
	terms := l.Terms()
	holder := ppp.Holder{Identity: q.Identity, Auth: q.Auth, TTY: l.Call().TTY, Pool: terms.Pool, Filter: terms.Filter}
	l.worker.start(func() {
		lease, err := l.config.Network.Assign(ctx, holder)
		l.answer(func() { l.assigned(q.Question, lease, err) })
	}, l.repanic)
}

func (l *link) assigned(number int, lease ppp.Lease, err error) {
	current := l.asking.number == number
	switch {
	case err == nil && !current:
		lease.Release()
	case err == nil:
		l.lease = lease
		a := lease.Assignment()
		l.event(func() []ppp.Effect { return l.engine.Assigned(number, a) })
	case current:
		a := ppp.Assignment{Reason: fmt.Sprint(err)}
		l.event(func() []ppp.Effect { return l.engine.Assigned(number, a) })
	}
}

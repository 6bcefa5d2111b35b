package ppp

import (
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
)

// kind is the kind of a question.
type kind uint8

const (
	noQuestion kind = iota
	loginQuestion
	settleQuestion
	promiseQuestion
	assignQuestion
)

// question is the open question.
type question struct {
	number int
	kind   kind
}

// ask opens a question and returns its number.
func (e *Engine) ask(k kind) int {
	e.asked++
	e.open = question{e.asked, k}
	return e.asked
}

// answered closes the open question, if it is this one.
func (e *Engine) answered(number int, k kind) bool {
	if number == 0 || e.open != (question{number, k}) {
		return false
	}
	e.open = question{}
	return true
}

// cancel drops the open question.
func (e *Engine) cancel() {
	if e.open.kind != noQuestion {
		e.do(Cancel{e.open.number})
		e.open = question{}
	}
}

// Texts for the peer.
const (
	textFailed       = "Authentication failed"
	textDenied       = "Access denied"
	textPromised     = "Callback initiated"
	textNotAvailable = "Callback not available"
)

// authenticate carries out the effects of the Authenticator.
func (e *Engine) authenticate(effects []auth.Effect) {
	for _, f := range effects {
		switch f := f.(type) {
		case auth.Send:
			e.output.send(f.Protocol, f.Packet)
		case auth.StartTimer:
			e.startTimer(AuthTimer, f.After)
		case auth.StopTimer:
			e.stopTimer(AuthTimer)
		case auth.Ask:
			e.do(Ask{e.ask(loginQuestion), f.Credentials})
		case auth.Continue:
			e.do(Continue{e.ask(loginQuestion), f.EAP})
		case auth.Granted:
			e.result = f.Result
			e.then(e.granted)
		case auth.Failed:
			e.cancel()
			e.then(func() { e.close(Ending{aaa.CauseNASRequest, "authentication: " + f.Reason.String()}, textFailed) })
		}
	}
}

// Answered takes AAA's result for Ask or Continue. A question of AAA goes to the peer; a final result is settled first,
// because the session may refuse what AAA granted.
func (e *Engine) Answered(question int, res aaa.Result) []Effect {
	if !e.answered(question, loginQuestion) {
		return nil
	}
	e.begin()
	res = e.auth.Method().Interpret(res)
	if res.Kind == aaa.Prompt {
		e.authenticate(e.auth.Answer(res))
	} else {
		e.result = res
		e.do(Settle{e.ask(settleQuestion), res})
	}
	return e.finish()
}

// Settled takes the answer to Settle. The peer is told the result of its login, and then the decision is carried out.
func (e *Engine) Settled(question int, s Settlement) []Effect {
	if !e.answered(question, settleQuestion) {
		return nil
	}
	e.begin()
	res := e.result
	switch {
	case s.Accepted && res.Kind == aaa.Granted:
		e.begun, e.decision = true, s.Decision
		e.result.Auth = e.result.Auth.Limited(s.Decision.SessionTime, s.Decision.IdleTime)
	case res.Kind == aaa.Granted:
		res = aaa.Result{Kind: aaa.Refused, Server: res.Server, Reason: s.Reason}
	case !s.Retry:
		e.auth.LastTry()
	}
	e.authenticate(e.auth.Answer(res))
	return e.finish()
}

// granted follows the authentication: a callback, or the network.
func (e *Engine) granted() {
	if !e.begun || e.phase != PhaseAuthenticate {
		return
	}
	d := e.decision
	grant := cbcp.Grant{Admitted: d.Kind == Admitted, Offered: d.Kind == Offered && e.config.Leg != 2,
		Fixed: d.Fixed, MayDecline: d.MayDecline, Secure: d.Kind == Secure}
	plan := cbcp.PlanFor(grant, e.wish(), e.config.Initiate && e.config.Leg != 2)
	if plan.Ignored != "" {
		e.do(Note{"callback: what the peer asked for is not used: " + printable(plan.Ignored)})
	}
	switch plan.Do {
	case cbcp.Negotiate:
		e.phase = PhaseCallback
		e.link(e.lcp.SetEcho(callbackEcho))
		e.cbcp = cbcp.NewMachine(cbcp.Config{Offer: plan.Offer, Resend: cbcp.ResendAfter(e.config.Speed),
			MaxChoices: e.config.NumberTries})
		e.negotiate(e.cbcp.Start())
	case cbcp.Promise:
		e.promise(plan.Choice)
	case cbcp.Open:
		if plan.Choice.Decline {
			e.promise(plan.Choice)
			return
		}
		e.openNetwork()
	default:
		e.refuse(d.Text, d.unmet(e.wish()))
	}
}

// unmet returns why a link ends without a callback and without a session.
func (d Decision) unmet(w cbcp.Wish) string {
	switch d.Kind {
	case Offered:
		return fmt.Sprintf("the offered callback (%s) does not fit the peer's request (%v)", d.Reason, w.Way)
	case Admitted:
		return fmt.Sprintf("the peer requests a callback (%v), and none is required or allowed", w.Way)
	}
	return d.Reason
}

// wish returns the callback for which the peer asks by LCP.
func (e *Engine) wish() cbcp.Wish {
	c := e.lcp.Result().Callback
	if c == nil || e.config.Leg == 2 {
		return cbcp.Wish{}
	}
	w, ok := cbcp.ParseOption(append([]byte{byte(c.Operation)}, c.Message...))
	if !ok {
		return cbcp.Wish{}
	}
	return w
}

// promise asks the broker without CBCP.
func (e *Engine) promise(w cbcp.Wish) {
	e.phase = PhaseCallback
	e.choose(w)
}

// choose asks the broker to promise what the peer wants.
func (e *Engine) choose(w cbcp.Wish) {
	e.choice, e.chosen = w, true
	e.do(Promise{e.ask(promiseQuestion), w})
}

// refuse ends the link of a user that AAA has authenticated.
func (e *Engine) refuse(text, reason string) {
	if text == "" {
		text = textNotAvailable
		if e.config.Leg == 2 {
			text = textDenied
		}
	}
	if reason == "" {
		reason = "refused: " + text
	}
	e.close(Ending{aaa.CauseNASRequest, reason}, text)
}

// negotiate carries out the effects of CBCP.
func (e *Engine) negotiate(effects []cbcp.Effect) {
	for _, f := range effects {
		switch f := f.(type) {
		case cbcp.Send:
			e.output.send(f.Protocol, f.Packet)
		case cbcp.StartTimer:
			e.startTimer(CBCPTimer, f.After)
		case cbcp.StopTimer:
			e.stopTimer(CBCPTimer)
		case cbcp.Ask:
			e.choose(f.Wish)
		case cbcp.Proceed:
			e.then(e.openNetwork)
		case cbcp.End:
			e.then(func() { e.closeCallback(f) })
		}
	}
}

// closeCallback ends the link as CBCP orders.
func (e *Engine) closeCallback(f cbcp.End) {
	e.cancel()
	cause := aaa.CauseNASRequest
	if f.Reason.Cause == cbcp.CallbackPromised {
		cause = aaa.CauseCallback
	}
	e.close(Ending{cause, f.Reason.String()}, f.Text)
}

// Promised takes the broker's verdict on Promise.
func (e *Engine) Promised(question int, v cbcp.Verdict) []Effect {
	if !e.answered(question, promiseQuestion) {
		return nil
	}
	e.begin()
	e.promised = v.Kind == cbcp.VerdictPromised && !e.choice.Decline
	declined := v.Kind == cbcp.VerdictAdmit && e.choice.Decline
	if declined {
		e.decision.Kind = Admitted
	}
	switch {
	case e.cbcp != nil:
		e.negotiate(e.cbcp.Answer(v))
	case e.promised:
		e.close(Ending{aaa.CauseCallback, "callback promised"}, textPromised)
	case declined:
		e.openNetwork()
	default: // there is no way to ask again
		e.refuse(v.Text, v.Reason)
	}
	return e.finish()
}

// openNetwork begins the network phase of a caller that the broker has admitted.
func (e *Engine) openNetwork() {
	if e.decision.Kind != Admitted || e.admitted || e.phase == PhaseTerminate || e.phase == PhaseOver {
		return
	}
	if e.phase == PhaseCallback {
		e.link(e.lcp.SetEcho(e.config.Echo))
	}
	e.phase = PhaseNetwork
	e.admitted = true
	e.do(Admit{})
	e.limits()
	e.do(Assign{e.ask(assignQuestion), e.result.Identity, e.result.Auth})
}

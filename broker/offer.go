package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// offer is a callback offered to a caller who has not answered yet. It exists only in the memory of its call: it has no
// line, no row and no timer.
type offer struct {
	session.Offer
	asked  session.Asked
	digest string // of the policy that made the offer
}

// makeOffer opens an offer for the decision on a call.
func (b *Broker) makeOffer(c *call, a session.Asked, d policies.Decision) session.Verdict {
	wait := max(c.forcedWait, a.Auth.CallbackDelay, d.Dial.Wait)
	o := &offer{asked: a, digest: d.Digest, Offer: session.Offer{ID: newID(), Number: d.Number.String(),
		MayDecline: d.MayDecline, Wait: wait}}
	b.mu.Lock()
	defer b.mu.Unlock()
	c.offer = o
	return session.Verdict{Kind: session.Offered, Offer: o.Offer, Reason: d.Reason}
}

// takeOffer removes an offer from its call, so that only one answer can use it. It returns nil if the offer is not
// open: it was made on another call, was answered before, or its session has ended.
func (b *Broker) takeOffer(c *call, id string) *offer {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := c.offer
	if o == nil || o.ID != id {
		return nil
	}
	c.offer = nil
	return o
}

// returnOffer puts back an offer whose answer was not valid, unless its session has ended or another offer was made
// meanwhile.
func (b *Broker) returnOffer(c *call, o *offer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.offer == nil && c.session == c.sessionID(o.asked.Session) {
		c.offer = o
	}
}

// dropOffer drops a call's open offer. It returns the callback that was already promised on this call; "" if none.
func (b *Broker) dropOffer(c *call) (promised string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.offer = nil
	return c.promised
}

// unfit returns what is wrong with a choice; "" if the offer allows it.
func (o *offer) unfit(ch session.Choice) string {
	switch {
	case ch.Delay < 0 || ch.Delay > session.MaxDelay:
		return fmt.Sprintf("the delay %v is not between 0 and %v", ch.Delay, session.MaxDelay)
	case ch.Decline && !o.MayDecline:
		return "the offer cannot be declined"
	case ch.Number+ch.Place != "" && o.Number != "":
		return "the number is fixed"
	case ch.Number != "" && ch.Place != "":
		return "a number and a place exclude each other"
	}
	return ""
}

// Promise implements session.Broker. The callback is on disk when it returns Promised (law 1).
func (b *Broker) Promise(ctx context.Context, ch session.Choice) session.Verdict {
	c := b.call(ch.Call.ID)
	if c == nil {
		return session.Verdict{Text: texts.RefusedCallback, Reason: reasonUnknownCall}
	}
	o := b.takeOffer(c, ch.Offer)
	if o == nil {
		return session.Verdict{Text: texts.RefusedCallback, Reason: "no such offer is open on this call"}
	}
	v := b.answer(ctx, c, o, ch)
	if v.Kind == session.BadChoice {
		b.returnOffer(c, o)
	}
	return v
}

// answer acts on the caller's choice, with the current policies and configuration: they may deny by now what was
// offered.
func (b *Broker) answer(ctx context.Context, c *call, o *offer, ch session.Choice) session.Verdict {
	if ctx.Err() != nil {
		return session.Verdict{Text: texts.RefusedCallback, Reason: context.Cause(ctx).Error()}
	}
	if why := o.unfit(ch); why != "" {
		return session.Verdict{Kind: session.BadChoice, Reason: why}
	}
	if ch.Decline {
		return b.decline(ctx, c, o)
	}
	chosen := choice{place: ch.Place}
	if o.Number == "" && ch.Place == "" {
		chosen.number = &ch.Number
	}
	d, t := b.evaluate(c, o.asked, chosen)
	if o.Number == "" || d.Outcome != policies.CallBack { // otherwise Decide has logged it
		b.decided(o.asked, d)
	}
	switch {
	case d.Outcome == policies.InvalidNumber:
		return session.Verdict{Kind: session.BadChoice, Text: d.Text, Reason: d.Reason}
	case d.Outcome == policies.Refuse:
		return session.Verdict{Text: d.Text, Reason: d.Reason}
	case d.Outcome != policies.CallBack, o.Number != "" && d.Number.String() != o.Number:
		return o.not(session.Verdict{Text: texts.RefusedCallback,
			Reason: "the decision changed since the offer: " + d.Reason})
	}
	if v := b.promisable(ctx, c, o.asked, d); v.Reason != "" {
		return o.not(v)
	}
	w := b.newPromise(c, o.asked, d, t)
	w.row.ForcedWait = max(o.Wait, ch.Delay, d.Dial.Wait)
	return o.not(b.promise(ctx, c, w, d, d.Reason))
}

// not returns the verdict on a callback that may not have been promised. If nobody requires it and the caller could not
// choose another number, the offer remains, so that they can decline it.
func (o *offer) not(v session.Verdict) session.Verdict {
	if v.Kind == session.Refuse && o.Number != "" && o.MayDecline {
		v.Kind = session.BadChoice
	}
	return v
}

// decline admits a caller who declines the callback, if the policy that made the offer is still in force: another
// policy may require the callback, or reject the user.
func (b *Broker) decline(ctx context.Context, c *call, o *offer) session.Verdict {
	d, _ := b.evaluate(c, o.asked, choice{})
	switch {
	case d.Outcome == policies.Refuse:
		return session.Verdict{Text: d.Text, Reason: d.Reason}
	case d.Digest != o.digest:
		return session.Verdict{Text: texts.RefusedCallback, Reason: "the policy changed since the offer"}
	}
	return b.recorded(ctx, c, o.asked, d, within(b.admit(ctx, c, o.asked, "the callback was declined"), d.Limits))
}

// promisable checks whether a callback can be promised; if so, the Verdict has no Reason.
func (b *Broker) promisable(ctx context.Context, c *call, a session.Asked, d policies.Decision) session.Verdict {
	no := func(reason string) session.Verdict {
		return session.Verdict{Text: texts.RefusedCallback, Reason: reason}
	}
	if why := b.unpromisable(c, a, d); why != "" {
		return no(why)
	}
	if err := b.sessionRecorded(ctx, c, a.Session); err != nil {
		return no(err.Error())
	}
	if !b.startAcknowledged(ctx, c, a.Session) { // leg two would not be admitted either, so do not call the user
		return no("accounting start not acknowledged")
	}
	return session.Verdict{}
}

// unpromisable returns why no callback can be promised now, whatever the session; "" if one can.
func (b *Broker) unpromisable(c *call, a session.Asked, d policies.Decision) string {
	if b.draining.Load() {
		return "ringback is shutting down"
	}
	if why := cmp.Or(b.lock.deny(), b.drainedBy()); why != "" {
		return why
	}
	first := b.ways(d, a.Identity, a.Service, c.TTY)[0][0]
	if err := b.mayServe(a.Service, first, c.TTY); err != nil {
		b.publish(events.NotPromised{Call: c.ID, User: a.Identity.User, Err: err})
		return err.Error()
	}
	return ""
}

// promise records a callback and returns only when it is on disk (law 1). reason is the reason of the decision. Of
// several numbers, one that has reached its ceiling is left out.
func (b *Broker) promise(ctx context.Context, c *call, w *work, d policies.Decision, reason string) session.Verdict {
	err := b.record(ctx, c, w)
	for full := (*journal.Ceiling)(nil); errors.As(err, &full) && b.leaveOut(w, &d, full); {
		err = b.record(ctx, c, w)
	}
	id, user := w.row.ID, w.row.User
	switch {
	case err == nil:
		b.mu.Lock()
		c.promised = id
		b.mu.Unlock()
		b.publish(events.Promised{Callback: id, Call: c.ID, Line: c.TTY, User: user, Number: w.row.Number})
		return session.Verdict{Kind: session.Promised, CallbackID: id, Reason: reason, Queue: b.placeOf(w)}
	case errors.Is(err, errAlready):
		b.publish(events.AlreadyPending{Call: c.ID, User: user})
		return session.Verdict{Text: texts.RefusedPending,
			Reason: "a callback of this user is already pending; it is unchanged"}
	case errors.Is(err, errNumberPending), errors.Is(err, errNumberInUse):
		b.publish(events.NumberPending{Call: c.ID, User: user, Number: w.row.Number, Err: err})
		return session.Verdict{Text: texts.RefusedCallback, Reason: err.Error()}
	case errors.Is(err, errDisabled):
		b.publish(events.NumberDisabled{Call: c.ID, User: user, Number: w.row.Number, Err: err})
		return session.Verdict{Text: texts.RefusedCallback, Reason: err.Error()}
	case errors.Is(err, journal.ErrCeiling), errors.Is(err, errNoPrice):
		b.Happened(events.CeilingReached{Call: c.ID, User: user, Err: err})
		return session.Verdict{Text: texts.RefusedCallback, Reason: err.Error()}
	default:
		b.publish(events.NotRecorded{Call: c.ID, User: user, Err: err})
		return session.Verdict{Text: texts.RefusedCallback, Reason: "the promise could not be recorded: " + err.Error()}
	}
}

// record writes the promise of a callback, with its reservation.
func (b *Broker) record(ctx context.Context, c *call, w *work) error {
	if err := b.reserve(w); err != nil {
		return err
	}
	if b.fleet != nil {
		done, err := b.fleet.record(ctx, 1) // until the journal has it
		if err != nil {
			return err
		}
		defer done()
		if err := b.share(ctx, w); err != nil {
			return err
		}
	}
	id := w.row.ID
	return b.tellInTime(ctx, event{
		id: id, promise: w, refused: b.unshare(w), what: callback.Promise{ID: id, Max: w.row.Max},
		text: fmt.Sprintf("user %s called on tty %d, dialstring %s", w.row.User, c.TTY, w.dialstrings()),
	}, func() { b.untold(id) })
}

// untold cancels a callback that was committed after the login time limit: the caller was not told of it.
func (b *Broker) untold(id string) {
	const why = "the login time limit expired before the callback was on disk"
	cancel := func() error {
		return b.tell(context.Background(), event{id: id, what: callback.Cancel{By: "ringback"}, text: why})
	}
	err := cancel()
	for errors.Is(err, fleet.ErrAway) || errors.Is(err, fleet.ErrUnknown) || errors.Is(err, fleet.ErrNotMember) {
		<-time.After(fleetPause) // ends with the loop at the latest
		err = cancel()
	}
	b.publish(events.Withdrawn{Callback: id, Reason: why, Err: err})
}

package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// RawAccess is a user on the network who asks for the modem of a line itself.
type RawAccess struct {
	Identity aaa.Identity
	Auth     aaa.Authorization // for the service aaa.Outbound
	Lease    *lines.Lease      // of the line; the caller releases it
	From     string            // the client's address
	// Serve carries octets between the user and the port until ctx ends or the user leaves; its error is the reason. It
	// returns how many went to the modem and to the client.
	Serve func(ctx context.Context, port lines.Port) (toModem, toClient uint64, err error)
}

// RawAccess gives a user the port of a leased line, if AAA and the policy permit it, and blocks until Serve has
// returned; lines.Lease.Raw has how the line is left. The audit has the begin on disk before Serve is called, and the
// end. ctx, an operator, a lockdown and the end of the process end it. denied: Serve was not called, and err says why.
func (b *Broker) RawAccess(ctx context.Context, r RawAccess) (denied bool, err error) {
	if !b.ordered.run(ctx, func(ctx context.Context, cancel context.CancelCauseFunc) {
		denied, err = b.rawAccess(ctx, cancel, r)
	}) {
		return true, errShutdown
	}
	return denied, err
}

// OutboundGroup returns the group whose policy decides about what a user dials on a line.
func (b *Broker) OutboundGroup(id aaa.Identity, auth aaa.Authorization, tty int) string {
	allowed, _ := b.config.Load().Policies.Evaluate(b.askRaw(id, auth, tty))
	return allowed.Group
}

func (b *Broker) askRaw(id aaa.Identity, auth aaa.Authorization, tty int) policies.Request {
	r := b.ask(aaa.Request{Service: aaa.Outbound, User: id.User, TTY: tty},
		aaa.Result{Kind: aaa.Granted, Identity: id, Auth: auth})
	r.Raw = true
	return r
}

func (b *Broker) rawAccess(ctx context.Context, cancel context.CancelCauseFunc, r RawAccess) (denied bool, err error) {
	tty, user := r.Lease.TTY(), r.Identity.User
	rejected := func(err error) (bool, error) {
		b.Happened(events.RawAccessRejected{Line: tty, User: user, From: r.From, Reason: err.Error()})
		return true, err
	}
	allowed, _ := b.config.Load().Policies.Evaluate(b.askRaw(r.Identity, r.Auth, tty))
	if allowed.Outcome != policies.RawAccess {
		if allowed.Hint != "" {
			return rejected(fmt.Errorf("%s (%s)", allowed.Reason, allowed.Hint))
		}
		return rejected(errors.New(allowed.Reason))
	}
	d := &orderedDial{what: fmt.Sprintf("raw access of %s on tty %d", user, tty), ttys: []int{tty}, cancel: cancel}
	if err := b.ordered.add(d); err != nil {
		return rejected(err)
	}
	defer b.ordered.remove(d)
	if locked := b.ordered.admit(d, &b.lock); locked != "" { // a later lockdown finds it
		return rejected(errors.New(locked))
	}
	denied = true
	ended := events.RawAccessEnded{Line: tty, User: user, From: r.From}
	err = r.Lease.Raw(ctx, func(ctx context.Context, port lines.Port) error {
		began := events.RawAccessBegan{Line: tty, User: user, From: r.From, Group: allowed.Group}
		// The user's patience must not decide whether it is known what is on disk.
		if err := b.opt.Journal.Commit(context.WithoutCancel(ctx), audit(time.Now().Round(0), began)...); err != nil {
			return fmt.Errorf("raw access cannot be recorded, so there is none: %w", err)
		}
		b.publish(began)
		denied = false
		ended.Reason = "the user left"
		var err error
		ended.ToModem, ended.ToClient, err = r.Serve(ctx, port)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			ended.Reason = err.Error()
		}
		return err
	})
	if denied {
		return rejected(err)
	}
	b.Happened(ended)
	return false, err
}

package aaa

import (
	"context"
	"runtime"
)

// EnableSecret is the method "enable": one password for privileged levels, as IOS's `enable secret`. Make one with
// NewEnableSecret; the zero EnableSecret refuses everybody.
type EnableSecret struct {
	hash  Hash
	slots slots
}

// NewEnableSecret returns the method that knows the password of h.
func NewEnableSecret(h Hash) EnableSecret { return EnableSecret{h, newSlots()} }

// Name is "enable".
func (EnableSecret) Name() string { return "enable" }

// Start grants the privilege level asked for; Silent only if ctx ended first. It refuses logins.
func (e EnableSecret) Start(ctx context.Context, r Request) (Conversation, Result) {
	res := Result{Kind: Refused, Server: "enable"}
	if r.Enable == 0 {
		res.Reason = "enable: not a login method"
		return nil, res
	}
	if err := e.slots.take(ctx); err != nil {
		return nil, Result{Server: "enable", Reason: "enable: " + err.Error()}
	}
	defer e.slots.give()
	if !e.hash.Verify(r.Password) {
		res.Reason = "enable: wrong password"
		return nil, res
	}
	return nil, Result{Kind: Granted, Server: "enable", Identity: Identity{Entry: "enable", User: r.User},
		Auth: Authorization{PrivLevel: r.Enable}}
}

// slots limits the hashes that a method computes at once: argon2id needs 64 MiB each. A nil slots has no limit.
type slots chan struct{}

func newSlots() slots { return make(slots, runtime.GOMAXPROCS(0)) }

// take blocks for a slot, or until ctx ends.
func (s slots) take(ctx context.Context) error {
	if s == nil {
		return nil
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) give() {
	if s != nil {
		<-s
	}
}

package aaa

import (
	"context"
	"runtime"
)

// EnableSecret is the method "enable": one password for the privileged levels, like IOS's `enable secret`. Create one
// with NewEnableSecret; the zero EnableSecret refuses every request.
type EnableSecret struct {
	hash  Hash
	slots slots
}

// NewEnableSecret returns the method that checks passwords against h.
func NewEnableSecret(h Hash) EnableSecret { return EnableSecret{h, newSlots()} }

// Name is "enable".
func (EnableSecret) Name() string { return "enable" }

// Start grants the requested privilege level. It is Silent only if ctx ends first. It refuses logins.
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

// slots limits how many hashes a method computes at the same time: argon2id needs 64 MiB each. A nil slots has no
// limit.
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

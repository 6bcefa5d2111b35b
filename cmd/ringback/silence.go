package main

import (
	"context"

	"github.com/ringback/ringback/aaa"
)

// heeded is a method whose silences are told to the operator with their reason: a method list goes on to its next entry and forgets them.
type heeded struct {
	aaa.Method
	silent func(method, user, reason string)
}

// Start implements aaa.Method.
func (h heeded) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	c, res := h.Method.Start(ctx, r)
	h.note(ctx, r.User, res)
	if c != nil {
		c = heededConversation{c, h, r.User}
	}
	return c, res
}

// note tells of a silence, unless nobody waits for an answer any more.
func (h heeded) note(ctx context.Context, user string, res aaa.Result) {
	if res.Kind == aaa.Silent && ctx.Err() == nil {
		h.silent(h.Name(), user, res.Reason)
	}
}

type heededConversation struct {
	aaa.Conversation
	h    heeded
	user string
}

// Answer implements aaa.Conversation.
func (c heededConversation) Answer(ctx context.Context, answer aaa.Secret) aaa.Result {
	res := c.Conversation.Answer(ctx, answer)
	c.h.note(ctx, c.user, res)
	return res
}

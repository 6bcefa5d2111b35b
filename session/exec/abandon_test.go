package exec

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ringback/ringback/aaa"
)

// openLogin asks without end, and keeps the contexts of the conversations that it began.
type openLogin struct {
	fakeLogin
	begun []context.Context
}

func (l *openLogin) Start(ctx context.Context, _ aaa.Request) (aaa.Conversation, aaa.Result) {
	l.begun = append(l.begun, ctx)
	return l, aaa.Result{Kind: aaa.Prompt, Message: "Code:"}
}

func (l *openLogin) Answer(context.Context, aaa.Secret) aaa.Result {
	return aaa.Result{Kind: aaa.Prompt, Message: "Code:"}
}

// A caller who leaves the question of a server with Ctrl-C goes on at the prompt; the server must not wait for him
// until he hangs up.
func TestAbandonedConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &openLogin{}
		p := dialIn(t, scene{login: l})
		p.types("kim\r")
		p.types("pw\r")
		p.types("1\r")
		if len(l.begun) != 1 || l.begun[0].Err() != nil {
			t.Fatalf("%d conversations: %q", len(l.begun), p.sees())
		}
		p.types("\x03")
		if l.begun[0].Err() == nil {
			t.Errorf("the conversation is still open: %q", p.sees())
		}
		p.data.lose()
		p.ends()
	})
}

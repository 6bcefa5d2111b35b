package exec

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ringback/ringback/aaa"
)

// openLogin prompts endlessly, and records the contexts of its conversations.
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

// A caller who leaves a server prompt with Ctrl-C continues at the login prompt; the server must not wait until the
// caller hangs up.
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

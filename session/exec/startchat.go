package exec

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// chatNodes is IOS's `start-chat regexp [line-number [dialer-string]]`. Below level 15 there is no such command.
func (x *exec) chatNodes() []console.Node {
	if x.level < privileged {
		return nil
	}
	return []console.Node{{Word: "start-chat", Help: "Run a chat script on a line", Next: []console.Node{
		{Word: "regexp", Kind: console.Word, Help: "Regular expression of script names", Run: x.startChat,
			Next: []console.Node{
				{Word: "tty", Kind: console.Number, Max: maxTTY, Help: "Line number (default: this line)",
					Run: x.startChat, Next: []console.Node{
						{Word: "dialer-string", Kind: console.Word, Help: "Number to dial", Run: x.startChat}}},
			}}}}}
}

// ownLine is the caller's side of the call, as a script sees it.
type ownLine struct {
	console.Stream
	*session.Line
}

func (o ownLine) Read(p []byte) (int, error)  { return o.Stream.Read(p) }
func (o ownLine) Write(p []byte) (int, error) { return o.Stream.Write(p) }

func (x *exec) startChat(ctx context.Context, args console.Args, w io.Writer) error {
	if x.shower == nil {
		return errNothingToShow
	}
	own := x.Request("", "").TTY
	c := lines.Chat{Pattern: args["regexp"], TTY: own, By: fmt.Sprintf("%s on tty %d", x.res.Identity.User, own),
		User: x.res.Identity.User, Number: args["dialer-string"]}
	tty, given := args.Int("tty")
	var out lines.Chatted
	var err error
	if given && (tty != own || c.Number != "") { // a dial on the own line is rejected: the line is in use
		c.TTY = tty
		out, err = x.shower.StartChat(ctx, c)
	} else {
		out, err = x.chatWithCaller(ctx, c)
	}
	if err != nil {
		if ctx.Err() != nil {
			return console.Fatal{Err: context.Cause(ctx)}
		}
		return err
	}
	_, err = fmt.Fprintf(w, "Chat script %s finished, status = Success\n", out.Script)
	return err
}

// chatWithCaller runs a script on the caller's own line: it talks to the caller.
func (x *exec) chatWithCaller(ctx context.Context, c lines.Chat) (lines.Chatted, error) {
	raw, release := x.term.Raw(ctx)
	defer release()
	c.Own = ownLine{raw, x.Line()}
	return x.shower.StartChat(ctx, c)
}

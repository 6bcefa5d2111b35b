package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/texts"
)

// callNode dials a site and joins the call at the user's terminal.
func (u User) callNode() console.Node {
	call := u.asking(u.callSite)
	return console.Node{Word: "call", Help: texts.HelpCall, Next: []console.Node{
		{Word: "site", Kind: console.Word, Help: texts.HelpCallSite, Run: call, Keys: true, Next: []console.Node{
			{Word: "number", Kind: console.Word, Help: texts.HelpCallNumber, Run: call, Keys: true}}}}}
}

// siteCall is a user's side of a call to a site. What ringback says stands behind a mark that is drawn for the call: a
// site that has not seen it cannot pretend to be ringback, or its prompt.
type siteCall struct {
	site   string
	mark   string
	conn   *client.SiteConn
	stream console.Stream
	alive  func() // called when octets were carried
}

// callSite blocks until the call is over. The end of ctx and the idle time of the terminal end it.
func (u User) callSite(ctx context.Context, args console.Args, _ io.Writer) error {
	conn, err := u.Client.CallSite(ctx, client.SiteCall{Site: args["site"], Number: args["number"], Rotary: -1})
	if err != nil {
		return err
	}
	defer conn.Close() // hangs up, if the call is not over
	carry, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(carry, func() { conn.Close() })()
	stream, release := u.Terminal.Raw(carry)
	defer release()
	c := &siteCall{site: args["site"], mark: strings.ToLower(rand.Text()[:6]), conn: conn, stream: stream,
		alive: func() {}}
	if d := u.Terminal.Idle; d > 0 {
		idle := time.AfterFunc(d, func() { cancel(console.ErrIdle) })
		defer idle.Stop()
		c.alive = func() { idle.Reset(d) }
	}
	var typing sync.WaitGroup
	joined := make(chan struct{})
	typing.Go(func() {
		if err := c.keys(joined); err != nil {
			cancel(console.Fatal{Err: err})
		}
	})
	err = c.hear(joined)
	over := context.Cause(carry)
	cancel(errCallOver)
	typing.Wait()
	switch {
	case ctx.Err() != nil:
		return console.Fatal{Err: context.Cause(ctx)}
	case errors.Is(over, console.ErrIdle):
		return console.Fatal{Err: over}
	case over != nil:
		return over
	}
	return err
}

var errCallOver = errors.New("the call is over")

func (c *siteCall) say(format string, args ...any) error {
	return c.show([]byte("[" + c.mark + "] " + console.Clean(fmt.Sprintf(format, args...)) + "\r\n"))
}

func (c *siteCall) show(p []byte) error {
	c.alive()
	if _, err := c.stream.Write(p); err != nil {
		return console.Fatal{Err: err}
	}
	return nil
}

// hear shows what comes until the call is over. joined is closed when there is a call.
func (c *siteCall) hear(joined chan<- struct{}) error {
	connected := false
	for {
		data, status, err := c.conn.Next()
		switch {
		case err != nil:
			return fmt.Errorf("the connection to the daemon is lost, and with it the call to %s: %w", c.site, err)
		case status == nil:
			err = c.show(data)
		case status.State == client.SiteDialing:
			err = c.say("dialing %s; Ctrl-C gives up; lines of ringback begin with [%s]", c.site, c.mark)
		case status.State == client.SiteConnected:
			connected = true
			close(joined)
			err = c.say("connected to %s on tty %d: %s; ~. at the beginning of a line hangs up", status.Number,
				status.Line, status.Connect)
		case !connected:
			return fmt.Errorf("call %s: %s: %s", c.site, status.Result, status.Reason)
		default:
			// The site may have left the terminal with other colors, without a cursor or on its other screen.
			if err := c.show([]byte("\x1b[0m\x1b[?25h\x1b[?1049l\x1b[?2004l\r\n")); err != nil {
				return err
			}
			return c.say("the call to %s is over: %s", status.Number, status.Reason)
		}
		if err != nil {
			return err
		}
	}
}

// keys sends what is typed, until the call is over or the terminal has gone. Before there is a call, Ctrl-C gives up
// the dial, and other keys are ignored.
func (c *siteCall) keys(joined <-chan struct{}) error {
	e := console.Escape{Char: '~'}
	b := make([]byte, 1024)
	for {
		n, err := c.stream.Read(b)
		typed := b[:n]
		if n > 0 {
			c.alive()
		}
		select {
		case <-joined:
		default:
			if strings.ContainsRune(string(typed), '\x03') {
				_ = c.conn.Hangup()
			}
			typed = nil
		}
		for len(typed) > 0 {
			pass, o, rest := e.Feed(typed)
			if _, err := c.conn.Write(pass); err != nil {
				return nil
			}
			switch o {
			case console.HangUp:
				_ = c.conn.Hangup()
				c.stream.Unread(len(rest)) // for the command line
				return nil
			case console.EscapeHelp:
				if err := c.say("~. hangs up, ~~ sends ~, ~? shows this"); err != nil {
					return err
				}
			}
			typed = rest
		}
		if err != nil {
			return err
		}
	}
}

package commands

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

// order returns a command that changes something, and says so.
func (u User) order(do func(ctx context.Context, args console.Args) (said string, err error)) run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		said, err := do(ctx, args)
		if err == nil {
			_, err = fmt.Fprintln(w, said)
		}
		return err
	})
}

// orderNodes are the commands that change something.
func (u User) orderNodes() []console.Node {
	return []console.Node{
		u.clearNode(),
		{Word: "cancel", Help: "Cancel a callback", Next: []console.Node{
			{Word: "callback", Help: "A pending callback", Next: []console.Node{
				{Word: "id", Kind: console.Word, Help: "Its ID", Run: u.cancel()}}}}},
		u.lineNode(),
		u.lockdownNode(),
		u.modemNode(),
		{Word: "reload", Help: "Reload the configuration: calls go on",
			Run: printing(u, u.Client.Reload, tables.Reload)},
		u.startChatNode(),
		u.configureNode(),
	}
}

func (u User) clearNode() console.Node {
	counters := u.order(func(ctx context.Context, args console.Args) (string, error) {
		if n, one := args.Int("tty"); one {
			return fmt.Sprintf("Counters of line %d cleared", n), u.Client.ClearCounters(ctx, n)
		}
		n, err := u.Client.ClearAllCounters(ctx)
		return fmt.Sprintf("Counters of %s cleared", tables.Numbered(n, "line", "lines")), err
	})
	line := u.order(func(ctx context.Context, args console.Args) (string, error) {
		n, _ := args.Int("tty")
		return fmt.Sprintf("Line %d cleared", n), u.Client.ClearLine(ctx, n)
	})
	vty := u.order(func(ctx context.Context, args console.Args) (string, error) {
		n, _ := args.Int("n")
		return fmt.Sprintf("vty %d cleared", n), u.Client.ClearVTY(ctx, n)
	})
	locks := u.order(func(ctx context.Context, args console.Args) (string, error) {
		n, err := u.Client.ClearLoginLocks(ctx, args["name"])
		return fmt.Sprintf("Login locks cleared: %d", n), err
	})
	one := tty("Line number", counters)
	return console.Node{Word: "clear", Help: "Reset functions", Next: []console.Node{
		{Word: "counters", Help: "Counters of a line, or of all lines", Run: counters,
			Next: []console.Node{{Word: "line", Help: "Counters of a line", Next: []console.Node{one}}, one}},
		{Word: "line", Help: "Hang up the call on a line", Next: []console.Node{
			tty("Line number", line),
			{Word: "tty", Help: "A line by its TTY number", Next: []console.Node{tty("Line number", line)}},
			{Word: "vty", Help: "A session over the network", Next: []console.Node{
				{Word: "n", Kind: console.Number, Max: maxTTY, Help: "Number of the vty", Run: vty}}}}},
		{Word: "login-lock", Help: "Failed logins", Next: []console.Node{
			{Word: "all", Help: "Of all names, numbers and lines", Run: locks},
			{Word: "name", Kind: console.Word, Help: "A user name or a calling number", Run: locks}}},
	}}
}

func (u User) cancel() run {
	return u.order(func(ctx context.Context, args console.Args) (string, error) {
		return "Callback " + args["id"] + " cancelled", u.Client.CancelCallback(ctx, args["id"])
	})
}

// lineNode has the orders about whether a line takes calls.
func (u User) lineNode() console.Node {
	busyout := u.order(func(ctx context.Context, args console.Args) (string, error) {
		n, _ := args.Int("tty")
		return fmt.Sprintf("Line %d takes no more calls", n), u.Client.BusyOutLine(ctx, n, args["reason"])
	})
	restore := u.order(func(ctx context.Context, args console.Args) (string, error) {
		n, _ := args.Int("tty")
		return fmt.Sprintf("Line %d takes calls again", n), u.Client.RestoreLine(ctx, n)
	})
	return console.Node{Word: "line", Help: "Take a line out of use, or into use again", Next: []console.Node{
		{Word: "busyout", Help: "Let a line finish its call, and then take no more", Next: []console.Node{
			tty("Line number", busyout, rest("reason", "The reason, for other operators and the audit", busyout))}},
		{Word: "restore", Help: "Let a line take calls again", Next: []console.Node{tty("Line number", restore)}},
	}}
}

// lockdownNode stops all dialing; `no lockdown` lifts it.
func (u User) lockdownNode() console.Node {
	begin := func(sessions bool) run {
		return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
			v, err := u.Client.OrderLockdown(ctx, args["reason"], sessions)
			if err == nil {
				tables.Lockdown(w, v, u.here())
			}
			return err
		})
	}
	return console.Node{Word: "lockdown", Help: "Stop all dialing", Next: []console.Node{
		{Word: "dialing", Help: "End the dials; sessions go on", Next: []console.Node{
			rest("reason", "The reason, for other operators and the audit", begin(false))}},
		{Word: "sessions", Help: "End the dials and all sessions", Next: []console.Node{
			rest("reason", "The reason, for other operators and the audit", begin(true))}},
		{Word: "lift", Help: "Allow dialing again", Next: []console.Node{
			rest("reason", "The reason, for the audit", u.order(func(ctx context.Context, args console.Args) (string,
				error) {
				return "The lockdown is lifted", u.Client.LiftLockdown(ctx, args["reason"])
			}))}},
	}}
}

// modemNode tests modems.
func (u User) modemNode() console.Node {
	test := u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		n, _ := args.Int("tty")
		with, _ := args.Int("with")
		t, err := u.Client.TestModem(ctx, n, with, "")
		if err == nil {
			tables.ModemTest(w, t)
		}
		return err
	})
	lines := []console.Node{tty("The line that dials", test,
		console.Node{Word: "with", Kind: console.Number, Max: maxTTY, Help: "The line that is called", Run: test})}
	return console.Node{Word: "test", Help: "Test subsystems", Next: []console.Node{
		{Word: "modem", Help: "Modems", Next: []console.Node{
			{Word: "back-to-back", Help: "Let one line call another", Next: lines}}}}}
}

// configureNode answers fingers that know IOS.
func (u User) configureNode() console.Node {
	say := func(_ context.Context, _ console.Args, w io.Writer) error {
		_, err := io.WriteString(w, "The configuration is in the files of the daemon: change them, then type reload.\n")
		return err
	}
	return console.Node{Word: "configure", Hidden: true, Run: say, Next: []console.Node{rest("words", "", say)}}
}

// startChatNode runs a chat script on a line that nothing uses.
func (u User) startChatNode() console.Node {
	here := func(ctx context.Context, args console.Args, w io.Writer) error {
		return u.ChatHere(ctx, args["regexp"], w)
	}
	start := u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		n, _ := args.Int("tty")
		if u.ChatHere != nil && n == u.TTY && args["dialer-string"] == "" {
			return here(ctx, args, w)
		}
		run, err := u.Client.StartChat(ctx, n, args["regexp"], args["dialer-string"])
		if err != nil {
			return err
		}
		return tables.ChatRun(w, run)
	})
	regexp := console.Node{Word: "regexp", Kind: console.Word, Help: "Regular expression of script names",
		Next: []console.Node{tty("Line number (default: this line)", start, console.Node{Word: "dialer-string",
			Kind: console.Word, Help: "Number to dial", Run: start})}}
	if u.ChatHere != nil {
		regexp.Run = here
	}
	return console.Node{Word: "start-chat", Help: "Run a chat script on a line", Next: []console.Node{regexp}}
}

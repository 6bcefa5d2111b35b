package commands

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
	"github.com/ringback/ringback/texts"
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
	return append(u.drainNodes(), []console.Node{
		u.clearNode(),
		{Word: "cancel", Help: texts.HelpCancel, Next: []console.Node{
			{Word: "callback", Help: texts.HelpCancelCallback, Next: []console.Node{
				{Word: "id", Kind: console.Word, Help: texts.HelpCancelID, Run: u.cancel()}}}}},
		u.lineNode(),
		u.lockdownNode(),
		u.modemNode(),
		{Word: "reload", Help: texts.HelpReload,
			Run: printing(u, u.Client.Reload, tables.Reload)},
		u.startChatNode(),
		u.configureNode(),
	}...)
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
	one := tty(texts.HelpLineNumber, counters)
	return console.Node{Word: "clear", Help: texts.HelpClear, Next: []console.Node{
		{Word: "counters", Help: texts.HelpClearCounters, Run: counters,
			Next: []console.Node{{Word: "line", Help: texts.HelpClearCountersLine, Next: []console.Node{one}}, one}},
		{Word: "line", Help: texts.HelpClearLine, Next: []console.Node{
			tty(texts.HelpLineNumber, line),
			{Word: "tty", Help: texts.HelpClearTTY, Next: []console.Node{tty(texts.HelpLineNumber, line)}},
			{Word: "vty", Help: texts.HelpClearVTY, Next: []console.Node{
				{Word: "n", Kind: console.Number, Max: maxTTY, Help: texts.HelpVTYNumber, Run: vty}}}}},
		{Word: "login-lock", Help: texts.HelpClearLocks, Next: []console.Node{
			{Word: "all", Help: texts.HelpClearLocksAll, Run: locks},
			{Word: "name", Kind: console.Word, Help: texts.HelpClearLocksName, Run: locks}}},
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
	return console.Node{Word: "line", Help: texts.HelpLineUse, Next: []console.Node{
		{Word: "busyout", Help: texts.HelpBusyout, Next: []console.Node{
			tty(texts.HelpLineNumber, busyout, rest("reason", texts.HelpReasonOperators, busyout))}},
		{Word: "restore", Help: texts.HelpRestore, Next: []console.Node{tty(texts.HelpLineNumber, restore)}},
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
	return console.Node{Word: "lockdown", Help: texts.HelpLockdown, Next: []console.Node{
		{Word: "dialing", Help: texts.HelpLockdownDialing, Next: []console.Node{
			rest("reason", texts.HelpReasonOperators, begin(false))}},
		{Word: "sessions", Help: texts.HelpLockdownSessions, Next: []console.Node{
			rest("reason", texts.HelpReasonOperators, begin(true))}},
		{Word: "lift", Help: texts.HelpLockdownLift, Next: []console.Node{
			rest("reason", texts.HelpReasonAudit, u.order(func(ctx context.Context, args console.Args) (string,
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
	lines := []console.Node{tty(texts.HelpTestDials, test,
		console.Node{Word: "with", Kind: console.Number, Max: maxTTY, Help: texts.HelpTestCalled, Run: test})}
	return console.Node{Word: "test", Help: texts.HelpTest, Next: []console.Node{
		{Word: "modem", Help: texts.HelpTestModem, Next: []console.Node{
			{Word: "back-to-back", Help: texts.HelpTestBackToBack, Next: lines}}}}}
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
	regexp := console.Node{Word: "regexp", Kind: console.Word, Help: texts.HelpScriptNames,
		Next: []console.Node{tty(texts.HelpThisLine, start, console.Node{Word: "dialer-string",
			Kind: console.Word, Help: texts.HelpDialNumber, Run: start})}}
	if u.ChatHere != nil {
		regexp.Run = here
	}
	return console.Node{Word: "start-chat", Help: texts.HelpStartChat, Next: []console.Node{regexp}}
}

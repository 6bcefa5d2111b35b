package commands

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
	"github.com/ringback/ringback/texts"
)

func sorted(nodes []console.Node) []console.Node {
	slices.SortStableFunc(nodes, func(a, b console.Node) int { return cmp.Compare(a.Word, b.Word) })
	return nodes
}

// showNode is the command show.
func (u User) showNode() console.Node {
	nodes := slices.Concat([]console.Node{
		{Word: "callback", Help: texts.HelpCallbacks, Run: u.callbacks(false), Next: u.callbackNodes()},
		{Word: "clock", Help: texts.HelpClock, Run: u.clock},
		{Word: "line", Help: texts.HelpLines, Run: u.lines(),
			Next: []console.Node{tty(texts.HelpLineNumber, u.line())}},
		{Word: "privilege", Help: texts.HelpPrivilege, Run: u.privilege},
		{Word: "users", Help: texts.HelpUsers, Run: u.users()},
		{Word: "version", Help: texts.HelpVersion, Run: u.version()},
	}, u.callNodes(), u.rotaryNodes(), u.pppNodes())
	if u.Level >= Privileged {
		nodes = append(nodes, u.operatorNodes()...)
	}
	return console.Node{Word: "show", Help: texts.HelpShow,
		Next: console.Filtered(sorted(nodes))}
}

// operatorNodes are what only operators see.
func (u User) operatorNodes() []console.Node {
	at := u.here
	ask := func(word string, help texts.Key, run run) console.Node {
		return console.Node{Word: word, Help: help, Run: run}
	}
	nodes := []console.Node{
		{Word: "aaa", Help: texts.HelpAAA, Next: []console.Node{ask("servers", texts.HelpAAAServers,
			printing(u, u.Client.AAAServers, func(w io.Writer, v []client.AAAServer) {
				tables.AAAServers(w, v, false, at())
			}))}},
		ask("ceilings", texts.HelpCeilings, printing(u, u.Client.Ceilings, tables.Ceilings)),
		ask("health", texts.HelpHealth, printing(u, u.Client.Health, func(w io.Writer, v client.Health) {
			tables.Health(w, v, at().Now)
		})),
		u.fleetShown(),
		u.historyNode(),
		ask("lockdown", texts.HelpLockdownState, printing(u, u.Client.Lockdown,
			func(w io.Writer, v client.Lockdown) { tables.Lockdown(w, v, at()) })),
		ask("login-locks", texts.HelpLoginLocks, printing(u, u.Client.LoginLocks, tables.LoginLocks)),
		ask("sockets", texts.HelpListeners, printing(u, u.Client.Listeners,
			func(w io.Writer, v []client.Listener) { tables.Listeners(w, v, false, at()) })),
		{Word: "modem", Help: texts.HelpModems, Run: printing(u, u.Client.Modems, tables.Modems),
			Next: []console.Node{tty(texts.HelpLineNumber, u.modem())}},
		ask("usage", texts.HelpUsage, printing(u, func(ctx context.Context) (client.Usage, error) {
			return u.Client.Usage(ctx, time.Time{}, time.Time{}, "hour")
		}, tables.Usage)),
		ask("windows", texts.HelpWindows, printing(u, u.Client.AccessWindows,
			func(w io.Writer, v []client.AccessWindow) { tables.Windows(w, v, at()) })),
	}
	if u.Monitor != nil {
		nodes = append(nodes, ask("debugging", texts.HelpDebugging, u.debugging))
	}
	return nodes
}

func (u User) clock(_ context.Context, _ console.Args, w io.Writer) error {
	_, err := fmt.Fprintln(w, u.here().Now.Format("15:04:05.000 MST Mon Jan 2 2006"))
	return err
}

func (u User) privilege(_ context.Context, _ console.Args, w io.Writer) error {
	_, err := fmt.Fprintf(w, "Current privilege level is %d\n", u.Level)
	return err
}

func (u User) version() run {
	return printing(u, u.Client.Version, func(w io.Writer, v client.Version) {
		fmt.Fprintf(w, "ringback %s (%s)\n%s uptime is %s\n", v.Version, v.Go, console.Clean(v.Hostname),
			uptime(u.here().Now.Sub(v.Started)))
	})
}

func (u User) lines() run {
	return printing(u, u.Client.Lines, func(w io.Writer, v []client.Line) { tables.Lines(w, v, false) })
}

func (u User) line() run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		all, err := u.Client.Lines(ctx)
		if err != nil {
			return err
		}
		n, _ := args.Int("tty")
		i := slices.IndexFunc(all, func(l client.Line) bool { return l.TTY == n })
		if i < 0 {
			return fmt.Errorf("no line %d", n)
		}
		l := all[i]
		if l.Connect = u.connect(l.Connect); u.Level < Privileged {
			l.Port, l.Owner, l.Failure, l.Test = "", "", nil, nil
		}
		tables.Line(w, l, false, u.here())
		return nil
	})
}

func (u User) users() run {
	return printing(u, u.Client.Users, func(w io.Writer, v []client.User) {
		for i := range v {
			v[i].Caller = u.number(v[i].Caller)
		}
		tables.Users(w, v, false, u.here())
	})
}

func (u User) modem() run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		all, err := u.Client.Modems(ctx)
		if err != nil {
			return err
		}
		n, _ := args.Int("tty")
		i := slices.IndexFunc(all, func(m client.Modem) bool { return m.TTY == n })
		if i < 0 {
			return fmt.Errorf("no line %d", n)
		}
		tables.Modem(w, all[i])
		return nil
	})
}

// number masks all but the last two digits for unprivileged users: the number of another user is private.
func (u User) number(n string) string {
	if u.Level >= Privileged || n == "" {
		return n
	}
	r := []rune(n)
	shown := min(2, len(r)/2)
	return strings.Repeat("*", len(r)-shown) + string(r[len(r)-shown:])
}

// connect is a CONNECT line without what follows a semicolon: the number of the other side.
func (u User) connect(text string) string {
	if u.Level >= Privileged {
		return text
	}
	text, _, _ = strings.Cut(text, ";")
	return text
}

// uptime is a time as IOS writes it: 00:01:23, 1d02h, 3w4d.
func uptime(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	switch {
	case d >= 7*day:
		return fmt.Sprintf("%dw%dd", d/(7*day), d%(7*day)/day)
	case d >= day:
		return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
	}
	return fmt.Sprintf("%02d:%02d:%02d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
}

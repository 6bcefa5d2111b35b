package cli

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/tty"
)

// namesTime is how long a shell waits for names when the user types TAB.
const namesTime = time.Second

// names returns what a shell may complete, each with what it is. A running daemon has them, so they are of its moment.
type names func(ctx context.Context, cmd *cobra.Command, cl *client.Client) ([]cobra.Completion, error)

// namedArgs are the commands whose arguments are names of a running daemon: the kind of each argument, nil for one that
// is no name.
var namedArgs = map[string][]names{
	"cancel callback": {pendingIDs}, "show callback": {callbackIDs},
	"clear counters": {ttyNames}, "clear line": {ttyNames}, "line busyout": {ttyNames}, "line restore": {ttyNames},
	"modem test": {ttyNames}, "ppp capture": {ttyNames}, "show line": {ttyNames}, "show modem": {ttyNames},
	"show ppp": {ttyNames},
	"drain":    {nodeNames}, "undrain": {nodeNames}, "fleet remove": {nodeNames},
	"show rotary": {rotaryNames}, "start-chat": {nil, ttyNames}, "clear login-lock": {lockNames},
	"policy open": {groupNames}, "policy approve": {groupNames}, "policy close": {groupNames},
	"policy show": {groupNames}, "recording play": {recordingIDs}, "recording export": {recordingIDs},
	"recording remove": {recordingIDs},
}

// namedFlags are the flags whose values are such names.
var namedFlags = map[string]names{"line": ttyNames, "with": ttyNames, "server": serverNames, "node": nodeNames}

// userFlags are the commands whose flag --user is the user of a call or callback.
var userFlags = []string{"debug", "show call active", "show call history", "policy explain", "show recordings"}

// safeName matches names that mean nothing to a shell. A caller chooses their user name: completed, it would become a
// part of the operator's command line.
var safeName = regexp.MustCompile(`^[A-Za-z0-9_.@+=][A-Za-z0-9_.@+=:/,-]*$`)

// completeNames lets the shells complete names in all commands below root.
func completeNames(root *cobra.Command) {
	for _, c := range root.Commands() {
		path := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
		if kinds, ok := namedArgs[path]; ok {
			c.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion,
				cobra.ShellCompDirective) {
				if len(args) >= len(kinds) || kinds[len(args)] == nil {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return find(cmd, kinds[len(args)])
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			kind := namedFlags[f.Name]
			if f.Name == "user" && slices.Contains(userFlags, path) {
				kind = userNames
			}
			if f.Name == "output" {
				kind = formats(f.Usage)
			}
			if kind != nil {
				_ = c.RegisterFlagCompletionFunc(f.Name, func(cmd *cobra.Command, _ []string, _ string) (
					[]cobra.Completion, cobra.ShellCompDirective) {
					return find(cmd, kind)
				})
			}
		})
		completeNames(c)
	}
}

// find returns the names of a kind; none if the daemon is away or slow: a shell has no place for an error.
func find(cmd *cobra.Command, kind names) ([]cobra.Completion, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	ctx, cancel := context.WithTimeout(context.Background(), namesTime)
	defer cancel()
	f := daemonFlags{cmd: cmd}
	if flag := cmd.Flag("socket"); flag != nil {
		f.socket = flag.Value.String()
	}
	cl, _ := f.client()
	all, err := kind(ctx, cmd, cl)
	if err != nil {
		return nil, directive
	}
	return slices.DeleteFunc(all, func(c cobra.Completion) bool {
		name, _, _ := strings.Cut(c, "\t")
		return !safeName.MatchString(name)
	}), directive
}

// described is a name with what it is, which bash, zsh and fish show beside it.
func described(name, format string, args ...any) cobra.Completion {
	text := strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '.'
		}
		return r
	}, fmt.Sprintf(format, args...))
	return cobra.CompletionWithDesc(name, text)
}

var errNoDaemon = fmt.Errorf("no daemon")

func ttyNames(ctx context.Context, _ *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	lines, err := cl.Lines(ctx)
	for _, l := range lines {
		all = append(all, described(strconv.Itoa(l.TTY), "%s, %s", l.State, l.Port))
	}
	return all, err
}

func rotaryNames(ctx context.Context, _ *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	found, err := cl.Rotaries(ctx)
	for _, r := range found {
		all = append(all, described(strconv.Itoa(r.Rotary), "%s", cmp.Or(r.Hunt, "rotary")))
	}
	return all, err
}

// nodeNames are the nodes of the fleet that are not removed.
func nodeNames(ctx context.Context, _ *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	found, err := cl.Nodes(ctx)
	for _, n := range found.Nodes {
		if n.State != "removed" {
			all = append(all, described(n.Name, "%s, %d callbacks", n.State, n.Claims))
		}
	}
	return all, err
}

func pendingIDs(ctx context.Context, _ *cobra.Command, cl *client.Client) ([]cobra.Completion, error) {
	return idsOf(ctx, cl, false)
}

func callbackIDs(ctx context.Context, _ *cobra.Command, cl *client.Client) ([]cobra.Completion, error) {
	return idsOf(ctx, cl, true)
}

func idsOf(ctx context.Context, cl *client.Client, all bool) (ids []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	found, err := cl.Callbacks(ctx, all)
	for _, c := range found {
		ids = append(ids, described(c.ID, "%s, %s, %s", c.Phase, c.User, c.Number))
	}
	return ids, err
}

// recordingIDs are those of the newest recordings.
func recordingIDs(ctx context.Context, _ *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	found, _, err := cl.Recordings(ctx, client.CallQuery{})
	for _, r := range found {
		all = append(all, described(r.ID, "%s, %s, %s", r.User, tty.Name(r.TTY), r.Start.Format(time.DateTime)))
	}
	return all, err
}

// userNames are the users with a session or a recent callback.
func userNames(ctx context.Context, _ *cobra.Command, cl *client.Client) ([]cobra.Completion, error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	online, err := cl.Users(ctx)
	if err != nil {
		return nil, err
	}
	called, err := cl.Callbacks(ctx, true)
	var all []cobra.Completion
	for _, u := range online {
		all = append(all, u.User)
	}
	for _, c := range called {
		all = append(all, c.User)
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

func serverNames(ctx context.Context, _ *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	found, err := cl.AAAServers(ctx)
	for _, s := range found {
		all = append(all, described(s.Name, "%s, %s", s.Protocol, s.State))
	}
	return all, err
}

func lockNames(ctx context.Context, _ *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	if cl == nil {
		return nil, errNoDaemon
	}
	found, err := cl.LoginLocks(ctx)
	for _, l := range found {
		all = append(all, cmp.Or(l.User, l.Number))
	}
	return all, err
}

// groupNames are those of the policy files of the configuration, if this user may read it, and those with an access
// window.
func groupNames(ctx context.Context, cmd *cobra.Command, cl *client.Client) (all []cobra.Completion, err error) {
	given := ""
	if f := cmd.Flag("config"); f != nil {
		given = f.Value.String()
	}
	if cfg, _ := config.Load(configFile(given), nil); cfg != nil {
		all = append(all, cfg.Policies.Groups()...)
	}
	if cl != nil {
		windows, _ := cl.AccessWindows(ctx)
		for _, w := range windows {
			all = append(all, w.Group)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// formats are the formats that the help of --output lists.
func formats(usage string) names {
	return func(context.Context, *cobra.Command, *client.Client) (all []cobra.Completion, err error) {
		for _, format := range []string{"table", "wide", "json", "yaml", "html", "csv"} {
			if regexp.MustCompile(`\b` + format + `\b`).MatchString(usage) {
				all = append(all, format)
			}
		}
		return all, nil
	}
}

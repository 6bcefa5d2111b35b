package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestUsage: every command rejects arguments that it does not take, and unknown flags, with its usage and status 2.
func TestUsage(t *testing.T) {
	var all func(*cobra.Command)
	all = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			all(sub)
		}
		path := strings.Fields(c.CommandPath())[1:]
		for _, more := range [][]string{{"--no-such-flag"}, {"a", "b", "c", "d", "e"}} {
			if more[0] == "a" && (!c.Runnable() || strings.Contains(c.Use, "...") || strings.Contains(c.Use, "…")) {
				continue // it takes any number, or has commands below it
			}
			err := newRootWith(append(path, more...)).Execute()
			if _, ok := err.(usageError); !ok {
				t.Errorf("%s %s: %v", c.CommandPath(), more, err)
			}
		}
	}
	all(newRoot("test"))
	for _, args := range misuses(newRoot("test")) {
		err := newRootWith(args).Execute()
		if _, ok := err.(usageError); !ok {
			t.Errorf("%s: %v", args, err)
		}
	}
	for args, want := range map[string]string{
		"policy show":                      "policy show: an argument is missing",
		"show lines extra":                 `show line: "extra": a line is a TTY number`,
		"policy explain --rotary x":        `policy explain: --rotary "x": must be a whole number`,
		"policy open v --for 1y":           `policy open: --for "1y": must be a duration, with units: 90m, 4h or 1h30m`,
		"policy fmt --check=maybe d":       `policy fmt: --check "maybe": must be true or false`,
		"lab --ports com --pace 0.5":       "lab: --pace 0.5: must be 1 or greater\n--ports \"com\": must be",
		"clear login-lock":                 "clear login-lock: give one user name or calling number, or --all",
		"policy simulate --differences 9s": `policy simulate: --differences "9s": must be a whole number`,
	} {
		if err := newRootWith(strings.Fields(args)).Execute(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// misuses has mistakes that the commands find themselves: an unknown format of each command that has formats, whatever
// its arguments are, and others.
func misuses(c *cobra.Command) (all [][]string) {
	for _, sub := range c.Commands() {
		all = append(all, misuses(sub)...)
	}
	if path := strings.Fields(c.CommandPath())[1:]; c.Flags().Lookup("output") != nil {
		for _, args := range [][]string{{}, {"1"}, {"1", "2"}} {
			all = append(all, slices.Concat(path, args, []string{"-o", "xml"}))
		}
	}
	if c.HasParent() {
		return all
	}
	for _, line := range []string{"policy open ven",
		"policy approve ven --for 1h", "policy explain x", "policy simulate x",
		"policy simulate x --with y", "policy simulate x --with y --journal --from z", "report costs --by foo",
		"report costs --month nov", "policy explain --user kim --leg 3", "policy explain --user kim --service foo",
		"policy explain --user kim --time noon", "policy explain --user kim --line -1", "show callbacks --limit -1",
		"show callbacks --since foo", "policy simulate x --with y --journal --differences -1", "policy schema foo",
		"lockdown --lift --sessions --reason x", "lockdown --sessions", "show line one", "show ppp one",
		"clear line one", "show call history --last 0", "show call active --line -1", "clear counters one",
		"line busyout one", "show rotary one", "debug nope", "lab attack nope", "lab call",
		"lab --ports com", "lab --pace 0", "lab --pace nan --play",
		"lab --aaa none", "lab play --pace -1", "lab play --ports com x",
		"lab attack --pace inf", "lab attack --ports com",
		"lab aaa", "lab aaa --users u --drop 101", "aaa load -n 0", "aaa test kim --service foo", "ppp capture 1",
		"modem probe foo://bar"} {
		all = append(all, strings.Fields(line))
	}
	return all
}

// TestUnknownCommand: a word that is no command has the usage of the command before it.
func TestUnknownCommand(t *testing.T) {
	root := newRoot("test")
	for args, want := range map[string]string{
		"nope": `unknown command "nope" for "ringback"`,
		"cancel lsgngnlq": `cancel: unknown command "lsgngnlq"; a callback is cancelled by: ringback cancel callback ` +
			`lsgngnlq`,
		"show nope":   `show: unknown command "nope"; valid commands: aaa, `,
		"policy nope": `policy: unknown command "nope"; valid commands: approve, `,
	} {
		err := unknownCommand(root, strings.Fields(args))
		usage, ok := err.(usageError)
		if !ok || !strings.HasPrefix(err.Error(), want) ||
			!strings.HasSuffix(usage.line(), "COMMAND") && args != "nope" {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func newRootWith(args []string) *cobra.Command {
	root := newRoot("test")
	root.SetArgs(args)
	return root
}

package cli

import (
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
	for args, want := range map[string]string{
		"policy show":                      "policy show: an argument is missing",
		"show lines extra":                 `show lines: wrong number of arguments: ["extra"]`,
		"policy explain --rotary x":        `policy explain: --rotary "x": must be a whole number`,
		"policy open v --for 1y":           `policy open: --for "1y": must be a duration, with units: 90m, 4h or 1h30m`,
		"policy fmt --check=maybe d":       `policy fmt: --check "maybe": must be true or false`,
		"clear login-lock":                 "clear login-lock: give one user name or calling number, or --all",
		"policy simulate --differences 9s": `policy simulate: --differences "9s": must be a whole number`,
	} {
		if err := newRootWith(strings.Fields(args)).Execute(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func newRootWith(args []string) *cobra.Command {
	root := newRoot("test")
	root.SetArgs(args)
	return root
}

package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newCallback() *cobra.Command {
	var f daemonFlags
	var o client.CallbackOrder
	var at string
	c := &cobra.Command{
		Use:   "callback USER",
		Short: "call a user back who has not called",
		Long: `Has a user called back who has not called. The order gets nothing that a login of the user would not get: AAA says what
the user may have, the policy of their group decides, and the limits and ceilings apply. The user must log in on the
call, even if AAA and the policy allow a callback without a second login, because nobody has authenticated. The audit has
the order, also one that was rejected.

AAA is asked without a password: the first method of the login list of the line, or its authorization list. The methods
local and tacacs can answer; radius can if aaa.call_check is configured.

  ringback callback austin-01
  ringback callback austin-02 --number 84001 --at 22:30
  ringback callback austin-01 --at 2026-12-01T08:00 --service ppp`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.User = args[0]
			if at != "" {
				var err error
				if o.At, err = timeToCome(at, tables.Here()); err != nil {
					return misused("--at %v", err)
				}
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			id, err := cl.OrderCallback(cmd.Context(), o)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "callback %s (ringback show callback %[1]s)\n", id)
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&o.Number, "number", "", "number to dial, if AAA leaves it to the caller")
	c.Flags().StringVar(&at, "at", "", "do not dial before this time: 22:30, 2026-12-01T08:00 or RFC 3339 "+
		"(default: now)")
	c.Flags().IntVar(&o.Line, "line", 0, "TTY that counts as called: its method lists are asked, its rotary dials "+
		"(0 = the first that serves)")
	c.Flags().StringVar(&o.Service, "service", "exec", "exec or ppp")
	return c
}

// timeToCome parses a time that is not over. One without a date is the next one.
func timeToCome(text string, at tables.Place) (time.Time, error) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if clock, err := time.Parse(layout, text); err == nil {
			y, m, d := at.Now.Date()
			t := time.Date(y, m, d, clock.Hour(), clock.Minute(), clock.Second(), 0, at.Now.Location())
			if t.Before(at.Now) {
				t = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), clock.Second(), 0, at.Now.Location())
			}
			return t, nil
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime,
		"2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, at.Now.Location()); err == nil {
			if t.Before(at.Now) {
				return t, fmt.Errorf("%q is over", text)
			}
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`%q: give a time as 22:30, "2026-12-01 08:00" or RFC 3339`, text)
}

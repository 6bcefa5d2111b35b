package cli

import (
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShowCeilings() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "ceilings",
		Short: "show what callbacks have used and reserved of their ceilings",
		Long: `Prints a line for each period of the site's ceilings, and of each user, number, group and line that is limited by its
policy file: what was used in the present hour, day and month, + what callbacks that are pending or connected have
reserved, / the limit if it is known (those of users, numbers and lines depend on the group of the next caller).

Minutes are rounded up. A promise reserves the longest time that its callback may take.`,
		Example: "  ringback show ceilings\n  ringback show ceilings -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Ceilings(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { ceilingTable(w, v) })
		},
	}
	f.addOutput(c)
	return c
}

func ceilingTable(w io.Writer, v []client.Ceiling) {
	t := console.Table{Heads: []string{"Of", "Name", "Period", "Calls", "Failures", "Minutes", "Money", "Pending"}}
	for _, c := range v {
		pending := strconv.FormatInt(c.Open, 10)
		if c.AtOnce > 0 {
			pending += "/" + strconv.FormatInt(c.AtOnce, 10)
		}
		for _, p := range c.Periods {
			cell := func(text func(client.Amount) string) string {
				out := text(p.Used) + "+" + text(c.Reserved)
				if limit := text(p.Limit); limit != text(client.Amount{Money: "0.00"}) {
					out += "/" + limit
				}
				return out
			}
			t.Row(c.Scope, c.Name, p.Period,
				cell(func(a client.Amount) string { return strconv.FormatInt(a.Calls, 10) }),
				cell(func(a client.Amount) string { return strconv.FormatInt(a.Failures, 10) }),
				cell(func(a client.Amount) string { return strconv.Itoa(int(math.Ceil(a.Seconds / 60))) }),
				cell(func(a client.Amount) string { return a.Money }), pending)
		}
	}
	t.WriteTo(w)
}

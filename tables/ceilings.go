package tables

import (
	"io"
	"strconv"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Ceilings prints what is used and reserved of each ceiling.
func Ceilings(w io.Writer, v []client.Ceiling) {
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
				cell(func(a client.Amount) string { return minutes(a.Seconds) }),
				cell(func(a client.Amount) string { return a.Money }), pending)
		}
	}
	t.WriteTo(w)
}

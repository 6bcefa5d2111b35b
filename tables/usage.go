package tables

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Usage prints what calls have used, a line for each hour or day.
func Usage(w io.Writer, v client.Usage) {
	t := console.Table{Heads: []string{"Begin", "In", "Minutes", "Dials", "Failed", "Out", "Minutes",
		"Cost " + cmp.Or(v.Currency, "-")}, Right: []bool{false, true, true, true, true, true, true, true}}
	layout, unpriced := "2006-01-02 15:04 MST", int64(0)
	if v.Step == "day" {
		layout = "2006-01-02"
	}
	for _, s := range v.Steps {
		cost := s.Money
		if v.Currency == "" {
			cost = "-"
		}
		t.Row(s.Begin.Format(layout), s.Incoming, minutes(s.IncomingSeconds), s.Dials, s.Failures, s.Outgoing,
			minutes(s.OutgoingSeconds), cost)
		unpriced += s.Unpriced
	}
	t.WriteTo(w)
	if v.First == nil {
		fmt.Fprintln(w, "no call has ended yet")
	}
	if v.Currency != "" && unpriced > 0 {
		fmt.Fprintf(w, "… the cost of %s not known\n", Numbered(int(unpriced), "call is", "calls is"))
	}
	if v.Damaged > 0 {
		fmt.Fprintf(w, "… %s left out: ringback journal check\n", Numbered(v.Damaged, "damaged hour is",
			"damaged hours are"))
	}
}

// minutes returns seconds as minutes, rounded up.
func minutes(seconds float64) string { return strconv.Itoa(int(math.Ceil(seconds / 60))) }

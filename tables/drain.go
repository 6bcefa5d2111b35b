package tables

import (
	"cmp"
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Drain prints an order to take no more calls, or that there is none, and what is in progress.
func Drain(w io.Writer, v client.Drain, at Place) {
	if v.Active {
		fmt.Fprintf(w, "DRAINED since %s by %s: %s\nno line takes a call, and no callback is promised or dialed "+
			"(ringback undrain)\n", at.Clock(*v.Since), v.By, console.Clean(cmp.Or(v.Reason, "no reason given")))
	} else {
		fmt.Fprintln(w, "not drained")
	}
	if v.Until != nil {
		fmt.Fprintf(w, "the order ends at %s\n", at.Clock(*v.Until))
	}
	fmt.Fprintf(w, "calls: %d, attempts in progress: %d, pending callbacks: %d\n", v.Calls, v.Dials, v.Pending)
}

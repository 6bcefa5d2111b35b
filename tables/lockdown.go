package tables

import (
	"cmp"
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Lockdown prints a lockdown, or that there is none.
func Lockdown(w io.Writer, v client.Lockdown, at Place) {
	if !v.Active {
		fmt.Fprintln(w, "no lockdown")
		return
	}
	what := "no callback is promised or dialed"
	if v.Sessions {
		what += ", no session is admitted"
	}
	fmt.Fprintf(w, "LOCKDOWN since %s by %s: %s\n%s (ringback lockdown --lift)\n", at.Clock(*v.Since), v.By,
		console.Clean(v.Reason), what)
	if !v.OnDisk {
		fmt.Fprintf(w, "NOT ON DISK, a restart would end it: %s\n",
			console.Clean(cmp.Or(v.Error, "it is being written")))
	}
	NodeResults(w, v.Nodes)
}

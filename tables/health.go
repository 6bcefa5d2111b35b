package tables

import (
	"fmt"
	"io"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Health prints what is wrong with the daemon, and the state of its journal, spool and log.
func Health(w io.Writer, h client.Health, now time.Time) {
	for _, p := range h.Problems {
		fmt.Fprintf(w, "problem: %s\n", console.Clean(p)) // may quote a file, or what AAA sent
	}
	if len(h.Problems) == 0 {
		fmt.Fprintln(w, "no problems")
	}
	ready := "yes"
	if !h.Ready {
		ready = "no, callers cannot be served"
	}
	fmt.Fprintf(w, "ready: %s\n", ready)
	j := h.Journal
	fmt.Fprintf(w, "journal: %s\n  %d KiB, log %d KiB; %d MiB free on its disk\n", j.Path, j.Octets>>10,
		j.LogOctets>>10, j.Free>>20)
	fmt.Fprintf(w, "transactions: the last took %.3f s, the longest %.3f s, %d more than 1 s\n", j.Last, j.Longest,
		j.Slow)
	records := 0
	for _, b := range h.Spool {
		records += b.Records
		fmt.Fprintf(w, "accounting list %s: %d records waiting, the oldest for %v\n", b.List, b.Records,
			now.Sub(b.Oldest).Round(time.Second))
	}
	if records == 0 {
		fmt.Fprintln(w, "accounting: no records waiting")
	}
	fmt.Fprintf(w, "log: %d records dropped\n", h.Log.Dropped)
	fmt.Fprintf(w, "lines: %d, out of service %d, busied out %d\n", h.Lines, len(h.Out), len(h.Busyouts))
}

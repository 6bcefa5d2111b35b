package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa/load"
)

// loadText prints a report as text.
func loadText(w io.Writer, r load.Report) {
	fmt.Fprintf(w, "%d logins with %s at %s in %.2f s, %d in parallel: %.0f per second\n", r.Done, r.Protocol, r.Server,
		r.Seconds, r.Parallel, r.PerSecond)
	if r.Interrupted {
		fmt.Fprintf(w, "interrupted: %d of %d logins were not made or were abandoned\n", r.Logins-r.Done, r.Logins)
	}
	a := r.Answers
	fmt.Fprintf(w, "\n%-12s%d\n%-12s%d\n", "granted", a.Granted, "refused", a.Refused)
	if a.Challenged > 0 {
		fmt.Fprintf(w, "%-12s%d (the server asked for more; the login ended there)\n", "challenged", a.Challenged)
	}
	fmt.Fprintf(w, "%-12s%d\n", "lost", a.Lost())
	for _, reason := range byCount(r.Reasons) {
		fmt.Fprintf(w, "%12d %s\n", r.Reasons[reason], reason)
	}
	if r.Discarded > 0 {
		fmt.Fprintf(w, "%-12s%d datagrams that were not authentic replies, or were late\n", "discarded", r.Discarded)
	}
	if n := a.Granted + a.Refused + a.Challenged; n > 0 {
		l := r.Latency
		fmt.Fprintf(w, "\nlatency     p50 %.3g ms, p90 %.3g ms, p99 %.3g ms, p99.9 %.3g ms, max %.3g ms\n", l.P50,
			l.P90, l.P99, l.P999, l.Max)
	}
	if r.Done > 0 {
		fmt.Fprintf(w, "CPU         %.1f µs per login, of this process\n", r.CPU)
	}
}

// byCount returns the keys, the most frequent first.
func byCount(n map[string]int) []string {
	return slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return strings.Compare(a, b)
	})
}

// progressWidth is the width of the bar in columns.
const progressWidth = 24

// loadProgress returns one line for a terminal: the progress of the load, its rate so far, the failures, and
// the latency.
func loadProgress(p load.Progress) string {
	filled := int(p.Done * progressWidth / p.Logins)
	return fmt.Sprintf("[%s%s] %3d%% %d of %d, %.0f/s, %d refused, %d lost, p50 %s p99 %s",
		strings.Repeat("#", filled), strings.Repeat(".", progressWidth-filled), 100*p.Done/p.Logins, p.Done, p.Logins,
		p.PerSecond,
		p.Answers.Refused, p.Answers.Lost(), short(p.P50), short(p.P99))
}

// short formats a duration with about three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

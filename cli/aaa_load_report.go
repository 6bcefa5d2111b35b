package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// loadReport is what `aaa load` prints. Times are seconds but where the name says otherwise.
type loadReport struct {
	Protocol    string         `json:"protocol"`
	Server      string         `json:"server"`
	Logins      int            `json:"logins"` // asked for
	Parallel    int            `json:"parallel"`
	Done        int            `json:"done"` // those given up at an interrupt are not
	Interrupted bool           `json:"interrupted"`
	Seconds     float64        `json:"seconds"`
	PerSecond   float64        `json:"per_second"`
	CPU         float64        `json:"cpu_us_per_login"` // of this process
	Answers     loadAnswered   `json:"answers"`
	Discarded   uint64         `json:"discarded"` // datagrams that were no authentic reply
	Reasons     map[string]int `json:"reasons,omitempty"`
	Latency     loadLatency    `json:"latency_ms"` // of the authentic answers
}

// loadAnswered counts the logins by what came of them. Silent and Unsent are lost.
type loadAnswered struct {
	Granted    int64 `json:"granted"`
	Refused    int64 `json:"refused"`
	Challenged int64 `json:"challenged"`
	Silent     int64 `json:"silent"`
	Unsent     int64 `json:"unsent"`
}

func (a loadAnswered) lost() int64 { return a.Silent + a.Unsent }

// loadLatency is in milliseconds, right to 1.6 %; the greatest is exact.
type loadLatency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

func (l *aaaLoadRun) answered() loadAnswered {
	n := func(a loadAnswer) int64 { return l.answers[a].Load() }
	return loadAnswered{n(answerGranted), n(answerRefused), n(answerChallenged), n(answerSilent), n(answerUnsent)}
}

// report is for when run has returned.
func (l *aaaLoadRun) report(t *loadTarget) loadReport {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	r := loadReport{
		Protocol: t.protocol, Server: t.server, Logins: l.count, Parallel: l.parallel, Done: int(l.done()),
		Seconds: l.ended.Sub(l.begun).Seconds(), Answers: l.answered(), Reasons: l.reasons,
		Latency: loadLatency{ms(l.latency.quantile(0.5)), ms(l.latency.quantile(0.9)), ms(l.latency.quantile(0.99)), ms(l.latency.quantile(0.999)), ms(l.latency.max())},
	}
	if t.dropped != nil {
		r.Discarded = t.dropped()
	}
	r.Interrupted = r.Done < r.Logins
	if r.Done > 0 {
		r.PerSecond = float64(r.Done) / r.Seconds
		r.CPU = float64(l.cpu.Microseconds()) / float64(r.Done)
	}
	return r
}

func (r loadReport) text(w io.Writer) {
	fmt.Fprintf(w, "%d logins by %s at %s in %.2f s, %d at once: %.0f a second\n", r.Done, r.Protocol, r.Server, r.Seconds, r.Parallel, r.PerSecond)
	if r.Interrupted {
		fmt.Fprintf(w, "interrupted: %d of %d logins were not made, or given up\n", r.Logins-r.Done, r.Logins)
	}
	a := r.Answers
	fmt.Fprintf(w, "\n%-12s%d\n%-12s%d\n", "granted", a.Granted, "refused", a.Refused)
	if a.Challenged > 0 {
		fmt.Fprintf(w, "%-12s%d (the server asked for more; the login ended there)\n", "challenged", a.Challenged)
	}
	fmt.Fprintf(w, "%-12s%d\n", "lost", a.lost())
	for _, reason := range byCount(r.Reasons) {
		fmt.Fprintf(w, "%12d %s\n", r.Reasons[reason], reason)
	}
	if r.Discarded > 0 {
		fmt.Fprintf(w, "%-12s%d datagrams that were no authentic reply, or came too late\n", "discarded", r.Discarded)
	}
	if n := a.Granted + a.Refused + a.Challenged; n > 0 {
		l := r.Latency
		fmt.Fprintf(w, "\nlatency     p50 %.3g ms, p90 %.3g ms, p99 %.3g ms, p99.9 %.3g ms, max %.3g ms\n", l.P50, l.P90, l.P99, l.P999, l.Max)
	}
	if r.Done > 0 {
		fmt.Fprintf(w, "CPU         %.1f µs a login, of this process\n", r.CPU)
	}
}

// byCount has the most frequent first.
func byCount(n map[string]int) []string {
	return slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return strings.Compare(a, b)
	})
}

// progressWidth is of the bar, in columns.
const progressWidth = 24

// progress is one line for a terminal: how far the load is, its rate so far, what is lost, and how long answers take.
func (l *aaaLoadRun) progress(now time.Time) string {
	done := l.done()
	filled := int(done * progressWidth / int64(l.count))
	rate := 0.0
	if s := now.Sub(l.begun).Seconds(); s > 0 {
		rate = float64(done) / s
	}
	a := l.answered()
	return fmt.Sprintf("[%s%s] %3d%% %d of %d, %.0f/s, %d refused, %d lost, p50 %s p99 %s", strings.Repeat("#", filled), strings.Repeat(".", progressWidth-filled),
		100*done/int64(l.count), done, l.count, rate, a.Refused, a.lost(), short(l.latency.quantile(0.5)), short(l.latency.quantile(0.99)))
}

// short is a duration in three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one figure of the table.
type row struct {
	figure, ours, peer, ratio, goal string
	verdict                         verdict
	port                            string
	// printed below the line; a row with only a note is a benchmark that was skipped or failed
	note string
}

type verdict string

const (
	met    verdict = "met"
	missed verdict = "MISSED"
	info   verdict = "-" // no goal
)

func hold(ok bool) verdict {
	if ok {
		return met
	}
	return missed
}

func (b *bench) add(r row) { b.rows = append(b.rows, r) }

func (b *bench) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tours\tpeer\tratio\tgoal\t\tport")
	fmt.Fprintln(t, "------\t----\t----\t-----\t----\t\t----")
	var notes []string
	for _, r := range b.rows {
		if r.ours == "" {
			notes = append(notes, r.figure+": "+r.note)
			continue
		}
		fmt.Fprintln(t, strings.Join([]string{r.figure, r.ours, dash(r.peer), dash(r.ratio), dash(r.goal),
			string(r.verdict), dash(r.port)}, "\t"))
		if r.note != "" {
			notes = append(notes, r.figure+": "+r.note)
		}
	}
	t.Flush()
	if len(notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range notes {
		fmt.Fprintln(w, n)
	}
	if b.quick {
		fmt.Fprintln(w, "\nSmoke run (--quick): the figures are not meaningful.")
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// sample is a figure measured several times.
type sample []float64

func (s sample) sorted() sample {
	v := slices.Clone(s)
	slices.Sort(v)
	return v
}

// quantile is the nearest-rank quantile.
func (s sample) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	v := s.sorted()
	return v[max(0, min(len(v)-1, int(math.Ceil(q*float64(len(v))))-1))]
}

func (s sample) median() float64 {
	v := s.sorted()
	n := len(v)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

func (s sample) min() float64 { return s.quantile(0) }
func (s sample) max() float64 { return s.quantile(1) }

// spread is the median with the extremes.
func (s sample) spread(format, unit string) string {
	f := func(v float64) string { return fmt.Sprintf(format, v) }
	if len(s) == 1 {
		return f(s[0]) + " " + unit
	}
	return fmt.Sprintf("%s %s (%s–%s)", f(s.median()), unit, f(s.min()), f(s.max()))
}

func times(r float64) string {
	if r > 0 && r < 0.5 {
		return fmt.Sprintf("1/%.1f", 1/r)
	}
	return fmt.Sprintf("%.2f", r)
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

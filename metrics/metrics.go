// Package metrics exports what a daemon does to Prometheus, and answers the questions of load balancers and service
// managers about its health. One table has every metric. Counts are kept by a sink of events and by observers, which
// cost the code that reports them an addition; everything else is read at the time of a scrape.
//
// The registry is of this package: libraries register collectors in the default one.
package metrics

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Type is the type of a metric.
type Type string

// The types.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Row is a metric.
type Row struct {
	Name   string
	Type   Type
	Labels []Label
	Help   string
	// Part of a Snapshot that it is read from; "": it is counted, from the start of the process
	Part    Part
	read    func(s *Snapshot, emit func(value float64, labels ...string))
	buckets []float64 // of a Histogram, upper bounds in seconds
}

// Label is a label of a metric.
type Label struct {
	Name   string
	Values []string // all of them; nil: as the configuration names servers, lists, groups and pools
}

// Metrics are the metrics of one process. Create them with New.
type Metrics struct {
	registry   *prometheus.Registry
	read       func(context.Context) Snapshot
	counters   map[string]*prometheus.CounterVec
	histograms map[string]*prometheus.HistogramVec
}

// New returns the metrics of a process; read reads what is not counted and must return in bounded time.
func New(read func(context.Context) Snapshot) *Metrics {
	m := &Metrics{registry: prometheus.NewPedanticRegistry(), read: read,
		counters: map[string]*prometheus.CounterVec{}, histograms: map[string]*prometheus.HistogramVec{}}
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, r := range Table {
		switch {
		case r.Part != "":
		case r.Type == Histogram:
			h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: r.Name, Help: r.Help, Buckets: r.buckets},
				r.names())
			m.histograms[r.Name] = h
			m.registry.MustRegister(h)
			for _, values := range r.known() {
				h.WithLabelValues(values...)
			}
		default:
			c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: r.Name, Help: r.Help}, r.names())
			m.counters[r.Name] = c
			m.registry.MustRegister(c)
			for _, values := range r.known() {
				c.WithLabelValues(values...)
			}
		}
	}
	return m
}

// add adds to a counter of the table. It does nothing if there is no such counter: a metric never stops a callback.
func (m *Metrics) add(name string, n float64, labels ...string) {
	if c, ok := m.counters[name]; ok {
		if c, err := c.GetMetricWithLabelValues(labels...); err == nil {
			c.Add(max(n, 0))
		}
	}
}

// observe adds a duration to a histogram of the table.
func (m *Metrics) observe(name string, d time.Duration, labels ...string) {
	if h, ok := m.histograms[name]; ok {
		if h, err := h.GetMetricWithLabelValues(labels...); err == nil {
			h.Observe(d.Seconds())
		}
	}
}

// names returns the names of the labels.
func (r Row) names() (all []string) {
	for _, l := range r.Labels {
		all = append(all, l.Name)
	}
	return all
}

// known returns all combinations of label values, so that a counter is exported before its first event; nil if some
// are not known before.
func (r Row) known() [][]string {
	all := [][]string{nil}
	for _, l := range r.Labels {
		if l.Values == nil {
			return nil
		}
		var more [][]string
		for _, before := range all {
			for _, v := range l.Values {
				more = append(more, append(slices.Clone(before), v))
			}
		}
		all = more
	}
	return all
}

// WriteText writes all metrics in the text format of Prometheus. It reads everything first, in bounded time.
func (m *Metrics) WriteText(ctx context.Context, w io.Writer) error {
	text, err := m.text(ctx)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// ContentType is that of WriteText.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

func (m *Metrics) text(ctx context.Context) ([]byte, error) {
	s := m.read(ctx)
	m.expect(s)
	families, err := prometheus.Gatherers{m.registry, snapshotOf(s)}.Gather()
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return b.Bytes(), nil
}

// expect makes the counts of the servers and methods of the configuration: rates need them before the first request.
func (m *Metrics) expect(s Snapshot) {
	m.expectLogins("")
	for _, a := range s.AAA {
		m.expectLogins(a.Name)
		for _, what := range purposes(a.Serves, a.Protocol) {
			m.histograms[requestSeconds].WithLabelValues(a.Protocol, a.Name, what)
			for _, result := range requestResults.Values {
				m.add(requests, 0, a.Protocol, a.Name, what, result)
			}
		}
	}
	for _, name := range s.Methods {
		m.add(silentMethods, 0, name)
	}
}

func (m *Metrics) expectLogins(server string) {
	for _, kind := range loginKinds.Values {
		for _, result := range loginResults.Values {
			m.add(logins, 0, kind, result, server)
		}
	}
}

// snapshotOf returns what is read from a Snapshot as a registry.
func snapshotOf(s Snapshot) prometheus.Gatherer {
	r := prometheus.NewRegistry()
	r.MustRegister(snapshot{s})
	return r
}

// snapshot is a Snapshot as a collector, for one scrape.
type snapshot struct{ Snapshot }

// Describe implements prometheus.Collector. It describes nothing: the labels of a Snapshot are checked when they are
// collected.
func (snapshot) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s snapshot) Collect(out chan<- prometheus.Metric) {
	parts := s.parts()
	for i := range Table {
		r := &Table[i]
		if r.Part == "" || !parts[r.Part] {
			continue
		}
		kind := prometheus.GaugeValue
		if r.Type == Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(r.Name, r.Help, r.names(), nil)
		r.read(&s.Snapshot, func(value float64, labels ...string) {
			m, err := prometheus.NewConstMetric(desc, kind, value, labels...)
			if err != nil {
				m = prometheus.NewInvalidMetric(desc, err)
			}
			out <- m
		})
	}
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

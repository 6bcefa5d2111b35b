package metrics

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/session"
)

var update = flag.Bool("update", false, "rewrite the printed document")

// TestTable: the table has no errors of its own.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Table {
		if seen[r.Name] || r.Help == "" || !strings.HasSuffix(r.Help, ".") || !strings.HasPrefix(r.Name, "ringback_") {
			t.Errorf("%s: twice, or without a name or a text", r.Name)
		}
		seen[r.Name] = true
		if (r.Part == "") != (r.read == nil) || (r.Type == Histogram) != (r.buckets != nil) ||
			r.Part == "" && r.Type == Gauge {
			t.Errorf("%s: a metric without a part is counted, one with a part is read", r.Name)
		}
		if (r.Type == Counter) != strings.HasSuffix(r.Name, "_total") {
			t.Errorf("%s is a %s", r.Name, r.Type)
		}
		for _, l := range r.Labels {
			if slices.Contains([]string{"user", "number", "caller", "called", "line", "tty", "callback", "call"},
				l.Name) {
				t.Errorf("%s: the label %s has too many values, or names a user or a number", r.Name, l.Name)
			}
			for _, v := range l.Values {
				if v != snake(v) || v == "" {
					t.Errorf("%s: the label %s has the value %q", r.Name, l.Name, v)
				}
			}
		}
	}
}

// TestReference compares docs/reference/metrics.md with the table; `go test ./metrics -run Reference -update` rewrites
// it.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, r := range Table {
		var labels []string
		for _, l := range r.Labels {
			text := "`" + l.Name + "`"
			if l.Values != nil {
				text += ": " + strings.Join(l.Values, ", ")
			}
			labels = append(labels, text)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Name, r.Type, strings.Join(labels, "; "), r.Help)
	}
	path := filepath.Join("..", "docs", "reference", "metrics.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != b.String() {
		t.Errorf("%s is stale (%v): go test ./metrics -run Reference -update, then read the diff", path, err)
	}
}

const referenceHead = `# Metrics

<!-- Printed from metrics/table.go: go test ./metrics -run Reference -update -->

` + "`GET /metrics` of `metrics.listen`, `GET /v1/metrics` of the admin API and `ringback show metrics`" + ` export
these metrics, and the usual ones of the process and of Go (` + "`process_…`, `go_…`" + `). Time is in seconds, octets are
in bytes, money is in the currency of the tariff. Counters begin at 0 with the process, as Prometheus expects:
use ` + "`rate()` and `increase()`" + `. No label has a user, a number, a call or a line; labels without values here have the
names of servers, methods, lists, pools and groups of the configuration. What cannot be read within 2 s, because
a disk hangs for example, is missing in a scrape, and ` + "`ringback_scrape_part_up`" + ` says so.
See [Monitoring](../how-to/monitoring.md).

| metric | type | labels | meaning |
|---|---|---|---|
`

// counted returns the values of all counts, by name and labels.
func counted(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "ringback_") {
			continue
		}
		for _, s := range f.GetMetric() {
			v := s.GetCounter().GetValue()
			if f.GetType() == dto.MetricType_HISTOGRAM {
				v = float64(s.GetHistogram().GetSampleCount())
			}
			if v != 0 {
				all[nameOf(f, s)] = v
			}
		}
	}
	return all
}

func nameOf(f *dto.MetricFamily, m *dto.Metric) string {
	name := strings.TrimPrefix(f.GetName(), "ringback_")
	for _, l := range m.GetLabel() {
		name += " " + l.GetValue()
	}
	return name
}

// TestCounts: each event is counted under the labels that say what it was.
func TestCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e    events.Event
		want string
	}{
		{events.CallBegan{Direction: "incoming"}, "calls_total incoming"},
		{events.CallScreened{Answered: true}, ""},
		{events.CallScreened{}, "calls_rejected_total screening"},
		{events.CallRejected{}, "calls_rejected_total profile"},
		{events.CallEnded{Leg: 2, Outcome: session.CallbackPromised.String(), Duration: time.Second, OctetsIn: 3},
			"call_bytes_total in 2, call_duration_seconds_total 2, calls_ended_total 2 callback_promised"},
		{events.LoginSucceeded{Server: "isp-1"}, "logins_total login success isp-1"},
		{events.LoginSucceeded{Enable: true}, "logins_total enable success "},
		{events.LoginFailed{}, "logins_total login failure "},
		{events.LoginFailed{Rejected: true}, "logins_total login rejected "},
		{events.LoginFailed{Locked: true, Enable: true}, "logins_total enable locked "},
		{events.LoginLocked{}, "login_locks_total"},
		{events.Decided{Outcome: "call_back"}, "policy_decisions_total call_back"},
		{events.Promised{}, "callbacks_promised_total"},
		{events.AlreadyPending{}, "callbacks_not_promised_total pending"},
		{events.NumberPending{}, "callbacks_not_promised_total number_pending"},
		{events.NumberDisabled{}, "callbacks_not_promised_total number_disabled"},
		{events.NotPromised{}, "callbacks_not_promised_total no_line"},
		{events.NotRecorded{}, "callbacks_not_promised_total not_recorded"},
		{events.CeilingReached{}, "callbacks_not_promised_total ceiling"},
		{events.Dialing{Attempt: 1}, "callback_dial_delay_seconds, callback_promise_to_dial_seconds"},
		{events.Dialing{Attempt: 2}, "callback_dial_delay_seconds"},
		{events.Dialing{Attempt: 1, HeldBack: true}, ""},
		{events.AttemptEnded{Outcome: "no answer"}, "attempts_total no_answer"},
		{events.AttemptEnded{Outcome: "interrupted by restart"}, "attempts_total interrupted_by_restart"},
		{events.AttemptEnded{Outcome: "its lifetime ended before the dial"}, "attempts_total other"},
		{events.DialOutEnded{Outcome: "connected"}, "dial_outs_total connected"},
		{events.DialOutEnded{Outcome: "no dialtone"}, "dial_outs_total no_dialtone"},
		{events.DialOutEnded{Outcome: "x"}, "dial_outs_total other"},
		{events.DialOutRejected{}, "dial_outs_rejected_total"},
		{events.CallbackEnded{Outcome: "completed"}, "callbacks_ended_total none completed"},
		{events.CallbackEnded{Outcome: "failed", Kind: events.EndDial, Cause: "busy"},
			"callbacks_ended_total busy failed"},
		{events.CallbackEnded{Outcome: "failed", Kind: events.EndDial, Cause: "x"},
			"callbacks_ended_total other failed"},
		{events.CallbackEnded{Outcome: "failed", Kind: events.EndDenied, Cause: "x"},
			"callbacks_ended_total denied failed"},
		{events.ModemTested{Result: "passed"}, "modem_tests_total passed"},
		{events.ModemTestSkipped{}, "modem_tests_skipped_total"},
		{events.ModemQuarantined{}, "modem_quarantines_total"},
		{events.LineDown{}, "lines_down_total"},
		{events.LineUp{}, ""},
		{events.MethodSilent{Method: "radius"}, "aaa_silent_methods_total radius"},
		{events.Reloaded{}, "reloads_total applied"},
		{events.ReloadFailed{}, "reloads_total failed"},
		{events.Alarm{}, "alarms_total"},
	} {
		m := New(nil)
		m.Take(tt.e)
		got := strings.Join(sorted(counted(t, m)), ", ")
		if got != tt.want {
			t.Errorf("%+v: counted %q, want %q", tt.e, got, tt.want)
		}
	}
	m := New(nil)
	m.Committed(time.Millisecond, nil)
	m.Committed(time.Second, errors.New("disk full"))
	m.FleetOperation("end", "ok", time.Second)
	m.FleetOperation("promise", "ceiling", time.Second)
	m.FleetOperation("look", "fenced", time.Second)
	m.FleetOperation("look", "ok", time.Second)
	m.Exchange("radius", aaa.Exchange{Server: "r1", Purpose: aaa.Accounting, Result: aaa.Silent, Took: time.Second})
	want := map[string]float64{"journal_commit_duration_seconds": 2, "journal_commit_errors_total": 1,
		"aaa_requests_total radius accounting silent r1": 1, "aaa_request_duration_seconds radius accounting r1": 1,
		"fleet_commit_duration_seconds end": 1, "fleet_commit_duration_seconds promise": 1,
		"fleet_failures_total look fenced": 1, "fleet_failures_total promise ceiling": 1}
	if got := counted(t, m); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// TestEveryEvent: no event stops its sender, whatever it has.
func TestEveryEvent(t *testing.T) {
	t.Parallel()
	m := New(nil)
	for _, row := range events.Table {
		m.Take(row.Event)
	}
	m.Take(nil)
	if _, err := m.registry.Gather(); err != nil {
		t.Error(err)
	}
}

// TestResultsOfTheDialer: each result of a dial has a value of its own.
func TestResultsOfTheDialer(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "dialer", "dialer.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || fmt.Sprint(spec.Type) != "Outcome" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if n++; err != nil || oneOf(attemptResults, text) == other {
			t.Errorf("the result %q of a dial has no value (%v)", text, err)
		}
		return true
	})
	if n < 10 {
		t.Errorf("found %d results", n)
	}
}

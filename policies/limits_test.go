package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

const limited = `group: g
limits:
  user: {concurrent: 1, hour: {calls: 3}, day: {calls: 10, failures: 5, minutes: 600, money: 2.50}}
  number: {day: {calls: 20}}
  group: {concurrent: 8, month: {money: 400.00}}
  line: {hour: {calls: 30}}
  session_time: 1h
  idle_time: 10m
`

// TestLimits: each value is read, is in the digest, and travels with the decision.
func TestLimits(t *testing.T) {
	p, problems := Parse("g.yaml", []byte(limited))
	want := Limits{
		User: Ceilings{Concurrent: 1, Hour: Ceiling{Calls: 3},
			Day: Ceiling{Calls: 10, Failures: 5, Minutes: 600, Money: 2_500_000}},
		Number:      Ceilings{Day: Ceiling{Calls: 20}},
		Group:       Ceilings{Concurrent: 8, Month: Ceiling{Money: 400_000_000}},
		Line:        Ceilings{Hour: Ceiling{Calls: 30}},
		SessionTime: time.Hour, IdleTime: 10 * time.Minute,
	}
	if len(problems) > 0 || p.Limits != want {
		t.Fatalf("%v\n%+v", problems, p.Limits)
	}
	// The canonical text is a policy file, with the same limits.
	canonical := p.Limits.String()
	again, problems := Parse("g.yaml", []byte("group: g\nlimits: {"+canonical+"}\n"))
	if len(problems) > 0 || again.Limits != want || again.Digest() != p.Digest() {
		t.Errorf("%s: %v\n%+v", canonical, problems, again.Limits)
	}
	if p.Digest() == (Policy{Group: "g"}).Digest() {
		t.Error("the limits are not in the digest")
	}
	p.Group = DefaultGroup
	d, trace := mustNew(t, p).Evaluate(Request{Auth: fixed, Service: aaa.EXEC})
	if d.Outcome != CallBack || d.Limits != want || !strings.Contains(trace.String(), canonical) {
		t.Errorf("%+v\n%s", d, trace)
	}
	if group, yes := mustNew(t, p).LimitsMoney(); !yes || group != DefaultGroup {
		t.Errorf("money is limited: %v, in group %q", yes, group)
	}
}

// TestLimitsAreExtended: a file that extends another has its limits, except those that it sets.
func TestLimitsAreExtended(t *testing.T) {
	s := mustLoad(t, map[string]string{"g.yaml": limited, "h.yaml": "group: h\nextends: g\nusers: [kim]\n" +
		"limits: {user: {day: {calls: 4}}, idle_time: 5m}\n"})
	p, _ := s.Group("h")
	want := Ceilings{Concurrent: 1, Hour: Ceiling{Calls: 3},
		Day: Ceiling{Calls: 4, Failures: 5, Minutes: 600, Money: 2_500_000}}
	if p.Limits.User != want || p.Limits.IdleTime != 5*time.Minute || p.Limits.SessionTime != time.Hour {
		t.Errorf("%+v", p.Limits)
	}
}

// TestLimitsThatAdmitNothing: a file under which no callback could ever be promised is an error.
func TestLimitsThatAdmitNothing(t *testing.T) {
	for text, want := range map[string]string{
		"attempts: {max: 3}\nlimits: {user: {day: {calls: 2}}}": "limits.user.day.calls: no callback fits: " +
			"attempts.max is 3",
		"attempts: {max: 3}\nlimits: {line: {hour: {failures: 2}}}": "limits.line.hour.failures: no callback fits",
		"limits: {group: {hour: {minutes: 60}}}":                    "each attempt may take 1h5m45s",
		"limits: {group: {hour: {minutes: 36}}, session_time: 30m}": "",
		"limits: {group: {hour: {minutes: 35}}, session_time: 30m}": "each attempt may take 35m45s",
		"limits: {number: {month: {money: 0}}}":                     "0 limits nothing",
		"limits: {user: {concurrent: 0}}":                           "limits.user.concurrent",
	} {
		_, problems := Parse("g.yaml", []byte("group: g\n"+text+"\n"))
		if want == "" && len(problems) > 0 || want != "" && !strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v, want %q", text, problems, want)
		}
	}
}

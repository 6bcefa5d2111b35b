package metrics

import (
	"slices"
	"strings"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
)

// other is the value of a label for a text that the table does not know: labels never have free text.
const other = "other"

// attemptResults are the results of dials, as the dialer and the broker name them.
var attemptResults = []string{"connected", "busy", "no_answer", "no_carrier", "no_dialtone", "glare", "voice", "fax",
	"blacklisted", "delayed", "modem_error", "aborted", "timed_out", "no_script", "refused", "line_lost", "cancelled",
	"held_back", "interrupted_by_lockdown", "interrupted_by_restart", other}

// outcomes are those of decisions.
var outcomes = []string{"refuse", "admit", "ask_number", "invalid_number", "call_back"}

// endCauses are the causes of the ends of callbacks: none, a kind of end, or the result of the last dial.
var endCauses = func() []string {
	all := []string{"none"}
	for _, k := range events.EndKinds {
		if k != events.EndDial {
			all = append(all, string(k))
		}
	}
	return append(all, attemptResults...)
}()

// downStates are the states of AAA servers that do not answer.
var downStates = []string{"suspect", "down", "reopen", "dead"}

// oneOf returns a text as a value of a label; other if it is none.
func oneOf(values []string, text string) string {
	if v := snake(text); slices.Contains(values, v) {
		return v
	}
	return other
}

// snake writes a name as label values are written: "in call" is in_call.
func snake[T ~string](s T) string { return strings.ReplaceAll(string(s), " ", "_") }

func snakes[T ~string](all []T) (out []string) {
	for _, s := range all {
		out = append(out, snake(s))
	}
	return out
}

func texts[T ~string](all []T) (out []string) {
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

func lineEvents() (all []string) {
	for _, c := range lines.Counters() {
		all = append(all, c.String())
	}
	return all
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// purposes are what a server of a protocol is asked for.
func purposes(serves, protocol string) (all []string) {
	for _, p := range strings.Split(serves, "+") {
		all = append(all, p)
		if p == "authentication" && protocol == "tacacs" { // RADIUS answers both at once
			all = append(all, "authorization")
		}
	}
	return all
}

// maxGroups bounds the labels of ceilings.
const maxGroups = 200

// groupsOf returns how many groups have limits.
func groupsOf(s *Snapshot) (n int) {
	for _, c := range s.Ceilings {
		if c.Scope == "group" {
			n++
		}
	}
	return n
}

// ceilings reads an amount of each account where there is a limit.
func ceilings(of func(journal.Window, journal.Account, journal.Amount) journal.Amount) func(*Snapshot, emit) {
	return func(s *Snapshot, e emit) {
		groups := 0
		for _, c := range s.Ceilings {
			if c.Scope == "group" {
				if groups++; groups > maxGroups {
					continue
				}
			}
			for _, l := range c.Limits {
				i := slices.Index(journal.Periods, l.Period)
				a := of(c.Windows[i], c.Account, l.Amount)
				for _, v := range []struct {
					resource     string
					value, limit float64
				}{
					{"calls", float64(a.Calls), float64(l.Calls)},
					{"failures", float64(a.Failures), float64(l.Failures)},
					{"seconds", a.Time.Seconds(), l.Time.Seconds()},
					{"money", float64(a.Money) / 1e6, float64(l.Money) / 1e6},
				} {
					if v.limit > 0 {
						e(v.value, c.Scope, c.Key, l.Period, v.resource)
					}
				}
			}
		}
	}
}

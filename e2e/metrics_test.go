package e2e

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// TestMetricsOfATown: a wrong password and a callback that is answered are in the counts of the daemon, once each.
func TestMetricsOfATown(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{})
	play(t, l, parse(t, login("austin-01", "wrong")+"see % Login invalid\nhangup\n-- callback --\nnone\n"))
	play(t, l, shipped(t, "no-verify"))
	var text string
	eventually(t, "the callback and its calls are over", func() bool {
		var b bytes.Buffer
		if err := l.Client().Metrics(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		text = b.String()
		return strings.Contains(text, "\nringback_calls{leg=\"1\"} 0\nringback_calls{leg=\"2\"} 0\n") &&
			strings.Contains(text, "\nringback_calls_ended_total{leg=\"2\",outcome=\"session_ended\"} 1\n")
	})
	for _, want := range []string{
		`ringback_calls_total{direction="incoming"} 2`, `ringback_calls_total{direction="outgoing"} 1`,
		`ringback_calls_ended_total{leg="1",outcome="callback_promised"} 1`,
		`ringback_calls_ended_total{leg="1",outcome="not_admitted"} 1`,
		`ringback_logins_total{kind="login",result="failure",server="town"} 1`,
		`ringback_policy_decisions_total{outcome="call_back"} 1`, "ringback_callbacks_promised_total 1",
		`ringback_attempts_total{result="connected"} 1`,
		`ringback_callbacks_ended_total{cause="none",outcome="completed"} 1`,
		"ringback_callback_dial_delay_seconds_count 1", "ringback_callback_promise_to_dial_seconds_count 1",
		`ringback_line_events_total{event="calls_out"} 1`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("the scrape has no %s", want)
		}
	}
	granted := `(?m)^ringback_aaa_requests_total\{protocol="\w+",purpose="authentication",result="granted",.*\} [1-9]`
	if !regexp.MustCompile(granted).MatchString(text) {
		t.Error("no server has granted a login")
	}
	for _, never := range []string{"austin", "84001"} {
		if strings.Contains(text, never) {
			t.Errorf("the scrape has %q", never)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

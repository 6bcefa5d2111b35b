package node

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/otlp"
)

// told passes events to traces, one each second, and returns the exported traces.
func told(identities bool, all ...events.Event) (exported [][]otlp.Span, t *traces) {
	now := time.Unix(1000, 0)
	t = newTraces(identities, func(s []otlp.Span) { exported = append(exported, s) },
		func() time.Time { return now })
	for _, e := range all {
		t.Take(e)
		now = now.Add(time.Second)
	}
	return exported, t
}

// evening is a callback that is busy once.
var evening = []events.Event{
	events.CallBegan{Call: "one", Line: 65, Caller: "84001"},
	events.LoginFailed{Call: "one", User: "kim"},
	events.LoginSucceeded{Call: "one", User: "kim", Method: "radius"},
	events.Decided{Call: "one", User: "kim", Outcome: "callback", Reason: "kim has 84010", Group: "staff"},
	events.Promised{Callback: "cb", Call: "one", User: "kim", Number: "84010"},
	events.CallEnded{Call: "one", Leg: 1, Outcome: "callback"},
	events.LineRequested{Callback: "cb", Attempt: 1},
	events.LineChosen{Callback: "cb", Line: 66},
	events.Waiting{Callback: "cb", Kind: events.FirstWait},
	events.Dialing{Callback: "cb", Line: 66, Number: "84010", Attempt: 1},
	events.AttemptEnded{Callback: "cb", Outcome: "busy", Detail: "84010 is busy"},
	events.Waiting{Callback: "cb", Kind: events.RetryWait},
	events.LineRequested{Callback: "cb", Attempt: 2},
	events.LineChosen{Callback: "cb", Line: 67},
	events.Dialing{Callback: "cb", Line: 67, Number: "84010", Attempt: 2},
	events.AttemptEnded{Callback: "cb", Outcome: "connected"},
	events.Connected{Callback: "cb", Call: "two", Line: 67, User: "kim"},
	events.CallBegan{Call: "two", Callback: "cb"},
	events.LoginSucceeded{Call: "two", Callback: "cb", User: "kim", Method: "radius"},
	events.CallbackEnded{Callback: "cb", User: "kim", Outcome: "completed", Attempts: 2},
	events.SessionBegan{Call: "two", Session: "two", Service: "exec", User: "kim"},
	events.SessionEnded{Call: "two", Session: "two", Cause: 1},
	events.CallEnded{Call: "two", Callback: "cb", Leg: 2, Outcome: "ended"},
	events.CDR{Callback: "cb", User: "kim", Ended: time.Unix(1022, 0)},
}

func TestTraces(t *testing.T) {
	t.Parallel()
	exported, open := told(false, evening...)
	if len(exported) != 1 || len(open.calls)+len(open.callbacks) != 0 {
		t.Fatalf("%d traces, %d calls and %d callbacks are left", len(exported), len(open.calls), len(open.callbacks))
	}
	names := map[[8]byte]string{}
	for _, s := range exported[0] {
		names[s.ID] = s.Name
	}
	if len(names) != len(exported[0]) {
		t.Error("two spans have one ID")
	}
	var got []string
	for _, s := range exported[0] {
		if s.Trace != exported[0][0].Trace || s.Trace == [16]byte{} {
			t.Error("a span of another trace")
		}
		text := fmt.Sprintf("%s < %s %d-%d", s.Name, names[s.Parent], s.Start.Unix()-1000, s.End.Unix()-1000)
		if s.Error != "" {
			text += " " + s.Error
		}
		got = append(got, text)
	}
	want := []string{"callback <  0-22", "leg one < callback 0-5", "login < leg one 0-2", "decision < leg one 3-3",
		"promise < leg one 3-4", "attempt < callback 6-10 busy", "line < attempt 6-7", "wait < attempt 8-9",
		"dial < attempt 9-10 busy", "wait < callback 11-12", "attempt < callback 12-15", "line < attempt 12-13",
		"dial < attempt 14-15", "leg two < callback 16-22", "login < leg two 16-18", "session < leg two 20-21"}
	if !slices.Equal(got, want) {
		t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text := string(otlp.Encode(otlp.Resource{}, exported[0]))
	text = regexp.MustCompile(`"[0-9a-f]{16,32}"`).ReplaceAllString(text, "") // ids, which are random
	text = regexp.MustCompile(`"[0-9]{19}"`).ReplaceAllString(text, "")       // times
	if strings.Contains(text, "kim") || strings.Contains(text, "840") {
		t.Errorf("a name or a number: %s", text)
	}
	exported, _ = told(true, evening...)
	if text = string(otlp.Encode(otlp.Resource{}, exported[0])); !strings.Contains(text, `"kim"`) ||
		!strings.Contains(text, `"84010"`) || !strings.Contains(text, "84010 is busy") {
		t.Errorf("no names and numbers: %s", text)
	}
}

// A call without a callback leaves no trace, one that is resumed has the rest, and nothing stays in memory.
func TestTracesOfOthers(t *testing.T) {
	t.Parallel()
	exported, open := told(false,
		events.CallBegan{Call: "one", Line: 65}, events.Decided{Call: "one", Outcome: "admit"},
		events.CallEnded{Call: "one", Leg: 1},
		events.CallEnded{Call: "unknown"}, events.AttemptEnded{Callback: "unknown"}, events.CDR{Callback: "unknown"},
		events.Resumed{Callback: "old"}, events.Dialing{Callback: "old"},
		events.AttemptEnded{Callback: "old", Outcome: "busy"},
		events.CallbackEnded{Callback: "old", Outcome: "failed", Cause: "84001 busy"},
		events.CDR{Callback: "old", Ended: time.Unix(1010, 0)})
	if len(exported) != 1 || len(exported[0]) != 2 || exported[0][0].Error != "failed" ||
		len(open.calls)+len(open.callbacks) != 0 {
		t.Errorf("%+v, %+v", exported, open)
	}
	exported, _ = told(false, slices.Concat(evening[:9], []events.Event{ // cancelled while it waits
		events.CallbackEnded{Callback: "cb", Outcome: "cancelled"},
		events.CDR{Callback: "cb", Ended: time.Unix(1010, 0)}})...)
	for _, s := range exported[0] {
		if s.End.IsZero() || s.End.Before(s.Start) {
			t.Errorf("%+v", s)
		}
	}
	(&traces{}).Take(events.CallBegan{Call: "x"}) // without a collector
}

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// hears returns a function that returns what a listener with a query has got since the last call: the texts.
func hears(t *testing.T, f *Feed, q client.DebugQuery) func() string {
	t.Helper()
	l := f.listen(q)
	t.Cleanup(l.close)
	return func() string {
		var texts []string
		for {
			events, lost, ready := l.next()
			if lost > 0 {
				t.Errorf("%d lost", lost)
			}
			for _, e := range events {
				texts = append(texts, e.Text)
			}
			if ready != nil {
				return strings.Join(texts, "; ")
			}
		}
	}
}

func of(topics string, conditions ...client.DebugCondition) client.DebugQuery {
	return client.DebugQuery{Topics: strings.Split(topics, ","), Conditions: conditions}
}

func ofUser(name string) client.DebugCondition { return client.DebugCondition{User: name} }

// TestDebugOfUser is the story of a call and its callback, told to one who listens to ted and to one who listens to
// line 65: which lines of each topic belong to ted.
func TestDebugOfUser(t *testing.T) {
	const every = "callback,dialer,modem,chat,aaa"
	f := &Feed{}
	ted, line := hears(t, f, of(every, ofUser("ted"))), hears(t, f, of(every, client.DebugCondition{Line: 65}))
	step := func(what string, do func(), forTed, forLine string) {
		t.Helper()
		do()
		if got := ted(); got != forTed {
			t.Errorf("%s: ted %q, want %q", what, got, forTed)
		}
		if got := line(); got != forLine {
			t.Errorf("%s: line 65 %q, want %q", what, got, forLine)
		}
	}
	say := func(tty int, texts ...string) {
		for _, text := range texts {
			f.Publish("modem", tty, text)
		}
	}
	step("a call whose user is unknown", func() {
		say(65, "RING")
		f.Take(events.CallBegan{Call: "a", Line: 65, Direction: "incoming"})
		say(65, "CONNECT")
	}, "", "RING; CONNECT")
	step("a login with a wrong password, which AAA rejects", func() {
		f.Trying(65, "ted", "unknown:3:x")
		f.PublishOf("aaa", 65, "ted", "unknown:3:x", "Access-Request")
		f.PublishOf("aaa", 65, "ted", "unknown:3:x", "Access-Reject")
		f.Publish("aaa", 65, "try 1 failed")
		f.Take(events.LoginFailed{User: "unknown:3:x", Line: 65, Call: "a"})
	}, "Access-Request; Access-Reject; try 1 failed", "Access-Request; Access-Reject; try 1 failed")
	step("the prompt, and another name", func() {
		f.Trying(65, "", "")
		say(65, "nobody")
		f.Trying(65, "kim", "kim")
		say(65, "kim")
	}, "", "nobody; kim")
	step("ted logs in", func() {
		f.Trying(65, "ted", "ted")
		f.Take(events.LoginSucceeded{User: "ted", Line: 65, Call: "a"})
		f.Take(events.SessionBegan{User: "ted", Line: 65, Call: "a"})
		f.Take(events.Decided{User: "ted", Line: 65, Call: "a", Outcome: "call_back", Reason: "at 84001"})
	}, "user ted: call_back (at 84001)", "user ted: call_back (at 84001)")
	step("another user on another line, with a longer name", func() {
		f.Take(events.LoginSucceeded{User: "teddy", Line: 67, Call: "b"})
		say(67, "teddy's")
		f.Take(events.LoginSucceeded{User: "Ted", Line: 68, Call: "c"})
		say(68, "Ted's")
	}, "", "")
	step("enable is asked for with the name of a level", func() {
		f.Take(events.LoginSucceeded{User: "$enab15$", Line: 65, Enable: true})
		say(65, "still ted")
	}, "still ted", "still ted")
	step("leg one is hung up", func() {
		f.Take(events.SessionEnded{User: "ted", Line: 65, Call: "a"})
		f.Take(events.CallEnded{User: "ted", Line: 65, Call: "a"})
		say(65, "ATH")
		f.Take(events.HungUp{Line: 65, Call: "a"})
		say(65, "reset")
	}, "ATH", "ATH; reset")
	step("a line is requested and chosen", func() {
		f.Take(events.LineRequested{Callback: "x", User: "ted", From: "rotary 1", Number: "84001", Attempt: 1,
			Budget: 2})
		f.Take(events.LineChosen{Callback: "x", User: "ted", Line: 66, Number: "84001", Script: "rtp", Attempt: 1,
			Budget: 2})
		f.Take(events.Waiting{Callback: "x", User: "ted", Line: 66, Kind: events.FirstWait, Wait: 5 * time.Second,
			Attempt: 1, Budget: 2})
		f.Publish("chat", 66, "offhook")
	}, "Dialer: callback x requests a line of rotary 1 for attempt 1 of 2 to 84001; "+
		"Dialer: callback x has tty 66 for attempt 1 of 2 to 84001 by script rtp; Callback forced wait = 5 seconds; "+
		"Dialer: callback x waits 5s before attempt 1 of 2 on tty 66; offhook", "")
	step("the line is lost, and another one dials", func() {
		f.Take(events.NoLine{Callback: "x", User: "ted", Line: 66, Cause: "the modem is dead"})
		say(66, "dead")
		f.Take(events.Dialing{Callback: "x", User: "ted", Line: 65, Number: "84001", Script: "rtp", Attempt: 1,
			Budget: 2})
		say(65, "ATDT 84001", "BUSY")
		f.Take(events.AttemptEnded{Callback: "x", User: "ted", Line: 65, Attempt: 1, Outcome: "busy"})
	}, "Dialer: callback x cannot use tty 66: the modem is dead; Callback dialing 84001, attempt 1 of 2; "+
		"Dialer: callback x attempt 1 of 2 to 84001: dials 84001 by script rtp; ATDT 84001; BUSY; "+
		"Callback attempt 1: busy ; Dialer: callback x attempt 1: busy",
		"Callback dialing 84001, attempt 1 of 2; "+
			"Dialer: callback x attempt 1 of 2 to 84001: dials 84001 by script rtp; "+
			"ATDT 84001; BUSY; Callback attempt 1: busy ; Dialer: callback x attempt 1: busy")
	step("the line goes back, and kim calls on it", func() {
		f.Take(events.Waiting{Callback: "x", User: "ted", Kind: events.LineWait, Wait: time.Second})
		say(65, "RING")
	}, "Dialer: callback x requests a line again in 1s", "RING")
	step("leg two", func() {
		f.Take(events.Dialing{Callback: "x", User: "ted", Line: 66, Number: "84001", Script: "rtp", Attempt: 2,
			Budget: 2})
		say(66, "CONNECT")
		f.Take(events.Connected{Callback: "x", Call: "d", Line: 66, User: "ted"})
		f.Take(events.CallBegan{Callback: "x", Call: "d", Line: 66, Direction: "outgoing"})
	}, "Callback dialing 84001, attempt 2 of 2; "+
		"Dialer: callback x attempt 2 of 2 to 84001: dials 84001 by script rtp; "+
		"CONNECT; Exec Callback Successful - await exec/autoselect pickup", "")
	step("mallory answers, and tries to log in", func() {
		f.Trying(66, "mallory", "unknown:7:y")
		f.PublishOf("aaa", 66, "mallory", "unknown:7:y", "Access-Request")
		say(66, "line")
	}, "Access-Request; line", "")
	step("a record of kim's earlier call on that line is sent late", func() {
		f.PublishOf("aaa", 66, "kim", "kim", "Accounting-Request")
	}, "", "")
	step("the callback is completed, and leg two ends later", func() {
		f.Take(events.LoginSucceeded{User: "ted", Line: 66, Call: "d", Callback: "x", Leg: 2})
		f.Take(events.CallbackEnded{Callback: "x", User: "ted", Outcome: "completed", TTY: 66, Line: 66,
			Attempts: 2, Budget: 2})
		say(66, "data")
		f.Take(events.CallEnded{User: "ted", Line: 66, Call: "d", Callback: "x"})
		f.Take(events.HungUp{Line: 66, Call: "d", Callback: "x"})
		say(66, "idle")
	}, "Callback completed ; Dialer: callback x completed after 2 of 2 attempts; data", "")
	f.Take(events.HungUp{Line: 67})
	f.Take(events.HungUp{Line: 68})
	if n, m := len(f.users.lines), len(f.users.leased); n+m > 0 {
		t.Errorf("%d lines and %d leases are left: %v %v", n, m, f.users.lines, f.users.leased)
	}
}

// TestLineUsersForget: however a callback or a call ends, nothing of it is left, nor is the line another one's.
func TestLineUsersForget(t *testing.T) {
	leased := []events.Event{events.LineRequested{Callback: "x", User: "ted"},
		events.LineChosen{Callback: "x", User: "ted", Line: 66}}
	dialed := slices.Concat(leased, []events.Event{events.Dialing{Callback: "x", User: "ted", Line: 66},
		events.AttemptEnded{Callback: "x", User: "ted", Line: 66, Outcome: "busy"}})
	up := slices.Concat(dialed, []events.Event{events.Connected{Callback: "x", User: "ted", Line: 66, Call: "d"},
		events.CallBegan{Callback: "x", Line: 66, Call: "d"}})
	ended, over := events.CallbackEnded{Callback: "x", User: "ted"}, events.HungUp{Line: 66, Call: "d"}
	after := func(story []events.Event, more ...events.Event) []events.Event { return slices.Concat(story, more) }
	in := []events.Event{events.CallBegan{Call: "a", Line: 66}, events.LoginSucceeded{User: "ted", Line: 66, Call: "a"}}
	for name, story := range map[string][]events.Event{
		"withdrawn while it has a line":   after(leased, events.CallbackEnded{Callback: "x", User: "ted", TTY: 66}),
		"withdrawn before it has a line":  {leased[0], ended},
		"the end has no line":             after(leased, ended),
		"no line can serve":               {leased[0], events.NoLine{Callback: "x", User: "ted"}},
		"the line is lost":                after(leased, events.NoLine{Callback: "x", User: "ted", Line: 66}),
		"waits for a line again":          after(dialed, events.Waiting{Callback: "x", Kind: events.LineWait}),
		"requests another line":           after(dialed, leased[0]),
		"fails after its last dial":       after(dialed, events.CallbackEnded{Callback: "x", User: "ted", Line: 66}),
		"ends before its call does":       after(up, ended, over),
		"its call ends, and then it does": after(up, over, ended),
		"a call":                          after(in, events.HungUp{Line: 66, Call: "a"}),
		"a call whose end is not told":    after(in, events.CallBegan{Line: 66, Call: "b"}),
		"resumed, and cancelled": {events.Resumed{Callback: "x", User: "ted"},
			events.CallbackEnded{Callback: "x", User: "ted"}},
	} {
		var l lineUsers
		for _, e := range story {
			l.take(e)
		}
		if len(l.lines)+len(l.leased) > 0 {
			t.Errorf("%s: left %v %v", name, l.lines, l.leased)
		}
	}
	var l lineUsers
	for _, e := range after(leased, events.LineChosen{Callback: "x", User: "ted", Line: 67}) {
		l.take(e)
	}
	if l.of(66).user != "" || l.of(67).user != "ted" || len(l.leased) != 1 {
		t.Errorf("after a second line: %v %v", l.lines, l.leased)
	}
	l.take(events.CallBegan{Call: "a", Line: 67}) // whatever has happened, the line is not ted's
	l.take(events.LoginSucceeded{User: "kim", Line: 67})
	l.take(events.CallbackEnded{Callback: "x", User: "ted", TTY: 67})
	if l.of(67).user != "kim" {
		t.Errorf("the end of ted's callback forgets kim: %v", l.lines)
	}
	l = lineUsers{}
	l.try(65, strings.Repeat("x", 64<<10), "unknown")
	l.try(66, strings.Repeat("x", aaa.MaxUser), "unknown")
	if len(l.lines) != 1 {
		t.Errorf("%d names are kept", len(l.lines))
	}
	l.try(66, "", "")
	if len(l.lines) != 0 {
		t.Errorf("%v is kept", l.lines)
	}
}

// TestDebugConditions: conditions are those of a topic or of all topics, and one that is met is enough.
func TestDebugConditions(t *testing.T) {
	both := []client.DebugCondition{ofUser("ted"), {Line: 65}}
	chatOfTed := client.DebugCondition{Topic: "chat", User: "ted"}
	for name, tt := range map[string]struct {
		query client.DebugQuery
		want  string
	}{
		"none": {of("modem,chat"),
			"modem 65 kim; modem 66 ted; modem 67 ; chat 65 kim; chat 66 ted; chat 67 "},
		"a user":            {of("modem,chat", ofUser("ted")), "modem 66 ted; chat 66 ted"},
		"a line":            {of("modem,chat", client.DebugCondition{Line: 67}), "modem 67 ; chat 67 "},
		"a user or a line":  {of("modem,chat", both...), "modem 65 kim; modem 66 ted; chat 65 kim; chat 66 ted"},
		"one of two users":  {of("modem", ofUser("ted"), ofUser("kim")), "modem 65 kim; modem 66 ted"},
		"nobody":            {of("modem", ofUser("nosuch")), ""},
		"no name":           {of("modem", ofUser("")), ""},
		"not a part of one": {of("modem", ofUser("te"), ofUser("tedd"), ofUser("TED")), ""},
		"another topic":     {of("aaa", ofUser("ted")), ""},
		"of one topic": {of("modem,chat", chatOfTed),
			"modem 65 kim; modem 66 ted; modem 67 ; chat 66 ted"},
		"each topic its own": {of("modem,chat", chatOfTed, client.DebugCondition{Topic: "modem", Line: 67}),
			"modem 67 ; chat 66 ted"},
		"of one and of all": {of("modem,chat", chatOfTed, client.DebugCondition{Line: 67}),
			"modem 67 ; chat 66 ted; chat 67 "},
	} {
		f := &Feed{}
		f.Take(events.SessionBegan{User: "kim", Line: 65})
		f.Take(events.SessionBegan{User: "ted", Line: 66})
		got := hears(t, f, tt.query)
		for _, topic := range []string{"modem", "chat"} {
			for tty, user := range []string{65: "kim", 66: "ted", 67: ""} {
				if tty < 65 {
					continue
				}
				wanted := strings.Contains(tt.want, fmt.Sprintf("%s %d ", topic, tty))
				if f.Heard(topic, tty) != wanted || user != "" && f.HeardOf(topic, tty, user) != wanted {
					t.Errorf("%s: %s of line %d heard: %v, want %v", name, topic, tty, !wanted, wanted)
				}
				f.Publish(topic, tty, fmt.Sprintf("%s %d %s", topic, tty, user))
			}
		}
		if text := got(); text != tt.want {
			t.Errorf("%s: %q, want %q", name, text, tt.want)
		}
	}
}

// What others do costs a listener with a condition nothing: it loses no event of its own to a flood of theirs. Numbers
// that are hidden in texts are hidden in names too, but a condition may name them.
func TestDebugConditionsUnderLoad(t *testing.T) {
	f := &Feed{Hide: func(s string) string { return strings.ReplaceAll(s, "84001", "***01") }}
	f.Take(events.SessionBegan{User: "84001", Line: 66})
	l := f.listen(of("modem", ofUser("84001")))
	defer l.close()
	f.Publish("modem", 66, "first to 84001")
	for range 2 * feedDepth {
		f.Publish("modem", 65, "flood")
		f.PublishOf("aaa", 66, "84001", "84001", "flood")
	}
	got, lost, _ := l.next()
	if len(got) != 1 || lost != 0 || got[0].Text != "first to ***01" || got[0].User != "***01" {
		t.Errorf("%+v, %d lost", got, lost)
	}
}

// TestDebugConditionsOverAPI: a client gets what it asks for, whatever is in the name, and learns of conditions that
// nothing can meet.
func TestDebugConditionsOverAPI(t *testing.T) {
	feed := &Feed{Now: func() time.Time { return created }}
	c, path := serve(t, &Server{Daemon: fake{}, Feed: feed})
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	raw := &http.Client{Transport: &http.Transport{DialContext: dial}}
	defer raw.CloseIdleConnections()
	for _, name := range []string{"ted", "ted smith", `a"b'c\d`, "a,b&c=d;e?f#g%41", "line 66", "user ted", "téd",
		strings.Repeat("x", aaa.MaxUser)} {
		for _, topic := range []string{"", "ppp cbcp"} {
			ctx, cancel := context.WithCancel(t.Context())
			got, listening, ended := make(chan client.DebugEvent, 10), make(chan struct{}), make(chan error, 1)
			q := client.DebugQuery{Topics: []string{"ppp cbcp"},
				Conditions: []client.DebugCondition{{Topic: topic, User: name}}}
			go func() {
				ended <- c.Debug(ctx, q, func() { close(listening) }, func(e client.DebugEvent) { got <- e })
			}()
			<-listening
			feed.PublishOf("ppp cbcp", 65, "other", "other", "not asked for")
			feed.PublishOf("ppp cbcp", 66, name, name, "asked for")
			want := client.DebugEvent{Time: created, Topic: "ppp cbcp", TTY: 66, User: name, Text: "asked for"}
			if e := <-got; e != want {
				t.Errorf("%q: %+v", name, e)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	for query, want := range map[string]string{
		"user=+ted":                                  `" ted": user name begins or ends with a space`,
		"user=" + url.QueryEscape("t\x1b[2J"):        `"t\x1b[2J": user name contains a control character`,
		"user=" + strings.Repeat("x", 64<<10):        "user name is longer than 253 octets",
		"line=0":                                     "0: a line is a TTY number of 1 or greater",
		"line=-66":                                   "-66: a line is a TTY number",
		"line=ted":                                   "invalid integer",
		"condition=callback":                         `"callback": must be TOPIC user NAME or TOPIC line N`,
		"condition=callback+line+x":                  "must be TOPIC user NAME or TOPIC line N",
		"condition=callback+line+0":                  "must be TOPIC user NAME or TOPIC line N",
		"condition=callback+user+":                   "must be TOPIC user NAME or TOPIC line N",
		"condition=weather+user+ted":                 "must be TOPIC user NAME or TOPIC line N",
		"condition=callback+user++ted":               `" ted": user name begins or ends with a space`,
		"condition=chat+user+ted":                    `"chat user ted": the topic chat is not among the topics`,
		strings.Repeat("user=ted&", 64) + "user=ted": "64",
	} {
		resp, err := raw.Get("http://unix/v1/debug?topics=callback&" + query)
		if err != nil {
			t.Fatal(err)
		}
		var problem struct{ Errors []struct{ Message string } }
		err = json.NewDecoder(resp.Body).Decode(&problem)
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnprocessableEntity || err != nil ||
			!strings.Contains(fmt.Sprint(problem.Errors), want) {
			t.Errorf("%.80s: %s, %v %v, want %s", query, resp.Status, err, problem, want)
		}
	}
}

// A condition that is lost on the way would show everything.
func TestDebugConditionWithoutValue(t *testing.T) {
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}})
	err := c.Debug(t.Context(), of("modem", client.DebugCondition{}), func() { t.Error("it streams") },
		func(client.DebugEvent) {})
	if err == nil || err.Error() != "a condition needs the name of a user, or a line of 1 or greater" {
		t.Error(err)
	}
}

// FuzzDebugCondition: what is read is what was written, and has one of the topics.
func FuzzDebugCondition(f *testing.F) {
	for _, s := range []string{"callback user ted", "ppp cbcp line 66", "ppp packet user user line 66", "x",
		"chat line -1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := client.ParseDebugCondition(s)
		if !ok {
			return
		}
		if !slices.Contains(client.Topics, c.Topic) || (c.Line > 0) == (c.User != "") {
			t.Errorf("%q: %+v", s, c)
		}
		if again, ok := client.ParseDebugCondition(c.Topic + " " + c.String()); !ok || again != c {
			t.Errorf("%q: %+v, then %+v", s, c, again)
		}
	})
}

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Topics are the valid debug topics.
var Topics = []string{"callback", "dialer", "chat", "modem", "aaa", "ppp negotiation", "ppp authentication",
	"ppp cbcp", "ppp packet"}

// Listening is the first event of a debug stream, of the type "listening": all later events are delivered.
type Listening struct {
	Topics     []string         `json:"topics"`
	Conditions []DebugCondition `json:"conditions,omitempty"`
}

// DebugEvent is one line of `debug …`.
type DebugEvent struct {
	Time  time.Time `json:"time"`
	Topic string    `json:"topic" doc:"callback, dialer, chat, modem, aaa, ppp negotiation, ppp authentication, ppp cbcp or ppp packet"`
	TTY   int       `json:"tty,omitempty"`
	User  string    `json:"user,omitempty" doc:"whose call or callback it is about, as far as that is known then"`
	Text  string    `json:"text"`
}

// DebugQuery selects debug events: those of its topics, and of a topic that has conditions those that meet one of them.
type DebugQuery struct {
	Topics     []string
	Conditions []DebugCondition
}

// DebugCondition is met by the events of a user or of a line.
type DebugCondition struct {
	Topic string `json:"topic,omitempty" doc:"whose condition it is; absent: of all topics"`
	User  string `json:"user,omitempty" doc:"compared exactly"`
	Line  int    `json:"line,omitempty" doc:"TTY, instead of a user"`
}

// String returns what the condition compares: "user ted" or "line 66".
func (c DebugCondition) String() string {
	if c.Line != 0 {
		return "line " + strconv.Itoa(c.Line)
	}
	return "user " + c.User
}

// ParseDebugCondition reads the condition of one topic: "callback user ted", "ppp cbcp line 66". All that follows the
// word user and a space is the name.
func ParseDebugCondition(s string) (c DebugCondition, ok bool) {
	for _, topic := range Topics {
		rest, ok := strings.CutPrefix(s, topic+" ")
		if !ok {
			continue
		}
		if name, ok := strings.CutPrefix(rest, "user "); ok {
			return DebugCondition{Topic: topic, User: name}, name != ""
		}
		if number, ok := strings.CutPrefix(rest, "line "); ok {
			n, err := strconv.Atoi(number)
			return DebugCondition{Topic: topic, Line: n}, err == nil && n > 0
		}
	}
	return DebugCondition{}, false
}

// values returns the query of a request.
func (q DebugQuery) values() url.Values {
	v := url.Values{"topics": {strings.Join(q.Topics, ",")}}
	for _, c := range q.Conditions {
		switch {
		case c.Topic != "":
			v.Add("condition", c.Topic+" "+c.String())
		case c.Line != 0:
			v.Add("line", strconv.Itoa(c.Line))
		default:
			v.Add("user", c.User)
		}
	}
	return v
}

// Debug subscribes to what q selects. It calls listening, if not nil, once the subscription is active, and then show
// for each event. It returns nil when ctx ends, and an error when the daemon stops.
func (c *Client) Debug(ctx context.Context, q DebugQuery, listening func(), show func(DebugEvent)) error {
	if slices.ContainsFunc(q.Conditions, func(c DebugCondition) bool { return c.User == "" && c.Line == 0 }) {
		return errors.New("a condition needs the name of a user, or a line of 1 or greater")
	}
	return c.stream(ctx, "/v1/debug?"+q.values().Encode(), func(kind string, data []byte) error {
		if kind == "listening" {
			if listening != nil {
				listening()
			}
			return nil
		}
		var e DebugEvent
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("read debug event %q: %w", data, err)
		}
		show(e)
		return nil
	})
}

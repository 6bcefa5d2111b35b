package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Event is a change of something in the daemon, or something that has happened.
type Event struct {
	ID     uint64         `json:"id" doc:"number, which grows also across restarts"`
	Time   time.Time      `json:"time"`
	Kind   string         `json:"kind" doc:"of docs/reference/events.md; line.state, line.removed or health; listening and lagging are of the stream itself"`
	TTY    int            `json:"tty,omitempty" doc:"the line, if it is about one"`
	Fields map[string]any `json:"fields,omitempty" doc:"as in docs/reference/events.md; durations are in seconds"`
	Audit  *AuditEntry    `json:"audit,omitempty" doc:"what the audit has of it"`
	Line   *Line          `json:"line,omitempty" doc:"line.state: the line, after the change"`
	Health *Health        `json:"health,omitempty" doc:"health: after a change of its warnings"`
}

// AuditEntry is a record of the audit.
type AuditEntry struct {
	Kind string `json:"kind"`
	Who  string `json:"who"`
	Text string `json:"text"`
}

// EventQuery selects events; zero fields select all.
type EventQuery struct {
	Kinds []string // kinds, or their first words; "audit": what the audit records
	TTY   int
	After uint64 // only events after the one with this ID; 0: from now on
}

// ErrLagging means that events were missed: what they were about must be fetched again.
var ErrLagging = errors.New("events were missed")

// RecentEvents returns up to n of the newest events that the daemon keeps, the oldest first.
func (c *Client) RecentEvents(ctx context.Context, n int) (all []Event, err error) {
	resp, err := c.send(ctx, http.MethodGet, "/v1/events?recent="+strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	err = eachEvent(resp.Body, func(kind string, data []byte) error {
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("read event %q: %w", data, err)
		}
		if kind == "" {
			all = append(all, e)
		}
		return nil
	})
	return all, err
}

// Events calls show for each event that matches q. It first calls listening, if not nil, with the ID after which
// events are delivered: what is fetched from then on is not older than that. It returns nil when ctx ends, ErrLagging
// if events were missed, and another error when the daemon stops.
func (c *Client) Events(ctx context.Context, q EventQuery, listening func(after uint64), show func(Event)) error {
	v := url.Values{}
	if len(q.Kinds) > 0 {
		v.Set("kinds", strings.Join(q.Kinds, ","))
	}
	if q.TTY != 0 {
		v.Set("tty", strconv.Itoa(q.TTY))
	}
	if q.After != 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	return c.stream(ctx, "/v1/events?"+v.Encode(), func(_ string, data []byte) error {
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("read event %q: %w", data, err)
		}
		switch e.Kind {
		case "lagging":
			return ErrLagging
		case "listening":
			if listening != nil {
				listening(e.ID)
			}
		default:
			show(e)
		}
		return nil
	})
}

// stream calls f for each event of a stream, until f fails. It returns nil when ctx ends, and an error when the
// daemon stops.
func (c *Client) stream(ctx context.Context, path string, f func(kind string, data []byte) error) error {
	resp, err := c.send(ctx, http.MethodGet, path)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = eachEvent(resp.Body, f)
	switch {
	case ctx.Err() != nil:
		return nil // a read error is the result of our own cancellation
	case errors.Is(err, ErrLagging):
		return err
	case err != nil:
		return fmt.Errorf("read events from %s: %w", c.where, err)
	}
	return fmt.Errorf("the daemon at %s has stopped", c.where)
}

// eachEvent reads server-sent events, each with one line of data, until the stream or f ends.
func eachEvent(r io.Reader, f func(kind string, data []byte) error) error {
	kind := ""
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxEvent)
	for in.Scan() {
		line := in.Text()
		if line == "" {
			kind = ""
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			kind = name
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if err := f(kind, []byte(data)); err != nil {
				return err
			}
		}
	}
	return in.Err()
}

// maxEvent is the size of the largest line of a stream, in octets.
const maxEvent = 4 << 20

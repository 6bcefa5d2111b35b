package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Recording is the recording of a session.
type Recording struct {
	ID       string    `json:"id" doc:"that of the session in accounting (Acct-Session-Id)"`
	Call     string    `json:"call"`
	User     string    `json:"user"`
	TTY      int       `json:"tty"`
	Leg      int       `json:"leg"`
	Callback string    `json:"callback,omitempty"`
	Group    string    `json:"group,omitempty"`
	Start    time.Time `json:"start"`
	Seconds  float64   `json:"seconds"`
	Octets   int64     `json:"octets" doc:"of the file"`
	Lost     uint64    `json:"lost" doc:"octets of output that are not in the file"`
	Live     bool      `json:"live" doc:"the session continues"`
	Complete bool      `json:"complete" doc:"false: the session continues, or a crash or a full disk has cut the file off"`
}

// State says whether a recording has all of its session.
func (r Recording) State() string {
	switch {
	case r.Live && r.Lost == 0:
		return "live"
	case r.Live:
		return "live, gaps"
	case !r.Complete:
		return "cut off"
	case r.Lost > 0:
		return "gaps"
	}
	return "complete"
}

// Recordings returns the recordings of sessions that match q, newest first, and whether there are older ones.
func (c *Client) Recordings(ctx context.Context, q CallQuery) (v []Recording, older bool, err error) {
	query := q.values()
	if q.Last != 0 {
		query.Set("last", strconv.Itoa(q.Last))
	}
	head, err := c.do(ctx, http.MethodGet, "/v1/recordings?"+query.Encode(), &v)
	if err != nil {
		return nil, false, err
	}
	return v, head.Get("Ringback-More") == "true", nil
}

// Recording returns the asciicast file of a recording; the caller closes it.
func (c *Client) Recording(ctx context.Context, id string) (io.ReadCloser, error) {
	resp, err := c.send(ctx, http.MethodGet, "/v1/recordings/"+url.PathEscape(id))
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// RemoveRecording removes a recording.
func (c *Client) RemoveRecording(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, "/v1/recordings/"+url.PathEscape(id), nil)
	return err
}

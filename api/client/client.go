package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Client speaks to the daemon behind one unix socket. The zero value is not usable; New makes one. Safe for use by several goroutines.
type Client struct {
	socket string
	http   *http.Client
}

// New returns a client for the admin socket at this path. It opens nothing yet.
func New(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Socket is the path that the client was made for.
func (c *Client) Socket() string { return c.socket }

// Problem is the daemon's refusal of a request (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// Lines returns all lines, sorted by number.
func (c *Client) Lines(ctx context.Context) ([]Line, error) {
	var v []Line
	return v, c.get(ctx, "/v1/lines", &v)
}

// Users returns who is on the lines now.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var v []User
	return v, c.get(ctx, "/v1/users", &v)
}

// Callbacks returns the pending callbacks and, with all, the newest ended ones too, newest first.
func (c *Client) Callbacks(ctx context.Context, all bool) ([]Callback, error) {
	var v []Callback
	return v, c.get(ctx, "/v1/callbacks?all="+strconv.FormatBool(all), &v)
}

// Callback returns one callback whole. A unique beginning of its ID will do.
func (c *Client) Callback(ctx context.Context, id string) (CallbackDetail, error) {
	var v CallbackDetail
	return v, c.get(ctx, "/v1/callbacks/"+url.PathEscape(id), &v)
}

// CancelCallback ends a pending callback as cancelled.
func (c *Client) CancelCallback(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/v1/callbacks/"+url.PathEscape(id), nil)
}

// ClearLine hangs up whatever is on the line.
func (c *Client) ClearLine(ctx context.Context, tty int) error {
	return c.do(ctx, http.MethodPost, fmt.Sprintf("/v1/lines/%d/clear", tty), nil)
}

// Health returns how the daemon and its disk are.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var v Health
	return v, c.get(ctx, "/v1/health", &v)
}

// AAAServers returns the AAA servers of the configuration in force.
func (c *Client) AAAServers(ctx context.Context) ([]AAAServer, error) {
	var v []AAAServer
	return v, c.get(ctx, "/v1/aaa/servers", &v)
}

// Version asks the daemon what it is.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v Version
	return v, c.get(ctx, "/v1/version", &v)
}

// Debug calls show with each event of the topics until ctx ends (it then returns nil) or the daemon goes (an error).
func (c *Client) Debug(ctx context.Context, topics []string, show func(DebugEvent)) error {
	resp, err := c.send(ctx, http.MethodGet, "/v1/debug?topics="+url.QueryEscape(strings.Join(topics, ",")))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for in.Scan() {
		data, ok := strings.CutPrefix(in.Text(), "data: ")
		if !ok {
			continue
		}
		var e DebugEvent
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			if ctx.Err() != nil {
				return nil // the last event was cut off by our own leaving
			}
			return fmt.Errorf("read debug event %q: %w", data, err)
		}
		show(e)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read debug events from %s: %w", c.socket, err)
	}
	return errors.New("the daemon has ended")
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, into)
}

func (c *Client) do(ctx context.Context, method, path string, into any) error {
	resp, err := c.send(ctx, method, path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read the daemon's answer to %s: %w", path, err)
	}
	return nil
}

// send returns a response of a 2xx status; the caller closes its body.
func (c *Client) send(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://ringback"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon at %s: %w (is `ringback serve` or `ringback lab` running?)", c.socket, errors.Unwrap(err))
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &Problem{Status: resp.StatusCode, Title: resp.Status}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = json.Unmarshal(body, p)
	return nil, p
}

package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Lines returns all lines, sorted by number.
func (c *Client) Lines(ctx context.Context) ([]Line, error) {
	var v []Line
	return v, c.get(ctx, "/v1/lines", &v)
}

// Users returns the users on the lines.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var v []User
	return v, c.get(ctx, "/v1/users", &v)
}

// Modems returns how the modem of each line is operated.
func (c *Client) Modems(ctx context.Context) ([]Modem, error) {
	var v []Modem
	return v, c.get(ctx, "/v1/modems", &v)
}

// Rotaries returns the rotaries that have lines.
func (c *Client) Rotaries(ctx context.Context) ([]Rotary, error) {
	var v []Rotary
	return v, c.get(ctx, "/v1/rotaries", &v)
}

// Queue returns the callbacks that wait for a line, in order.
func (c *Client) Queue(ctx context.Context) ([]Queued, error) {
	var v []Queued
	return v, c.get(ctx, "/v1/queue", &v)
}

// Listeners returns the doors for users who come over the network.
func (c *Client) Listeners(ctx context.Context) ([]Listener, error) {
	var v []Listener
	return v, c.get(ctx, "/v1/listeners", &v)
}

// ClearVTY ends the session on a vty.
func (c *Client) ClearVTY(ctx context.Context, n int) error {
	_, err := c.do(ctx, http.MethodPost, fmt.Sprintf("/v1/vtys/%d/clear", n), nil)
	return err
}

// ClearLine hangs up the call on a line.
func (c *Client) ClearLine(ctx context.Context, tty int) error {
	_, err := c.within(proofTime).do(ctx, http.MethodPost, fmt.Sprintf("/v1/lines/%d/clear", tty), nil)
	return err
}

// StartChat runs the chat script whose name matches on the modem of a line that nothing uses, and returns when it has
// ended. It dials number and then hangs up; "": it dials nothing. An error means that it was not run; ChatRun.Error
// that it failed.
func (c *Client) StartChat(ctx context.Context, tty int, script, number string) (ChatRun, error) {
	var v ChatRun
	path := fmt.Sprintf("/v1/lines/%d/chat?script=%s", tty, url.QueryEscape(script))
	limit := proofTime
	if number != "" {
		path, limit = path+"&number="+url.QueryEscape(number), dialTime
	}
	_, err := c.within(limit).do(ctx, http.MethodPost, path, &v)
	return v, err
}

// ClearCounters sets the counters of a line to zero.
func (c *Client) ClearCounters(ctx context.Context, tty int) error {
	_, err := c.do(ctx, http.MethodDelete, fmt.Sprintf("/v1/lines/%d/counters", tty), nil)
	return err
}

// ClearAllCounters sets the counters of all lines to zero, and returns how many lines there were.
func (c *Client) ClearAllCounters(ctx context.Context) (int, error) {
	var v Cleared
	_, err := c.do(ctx, http.MethodDelete, "/v1/lines/counters", &v)
	return v.Cleared, err
}

// BusyOutLine lets a line finish its call, and then take no more. reason may be "".
func (c *Client) BusyOutLine(ctx context.Context, tty int, reason string) error {
	_, err := c.do(ctx, http.MethodPut, fmt.Sprintf("/v1/lines/%d/busyout?reason=%s", tty, url.QueryEscape(reason)),
		nil)
	return err
}

// RestoreLine lets a line that is busied out take calls again.
func (c *Client) RestoreLine(ctx context.Context, tty int) error {
	_, err := c.do(ctx, http.MethodDelete, fmt.Sprintf("/v1/lines/%d/busyout", tty), nil)
	return err
}

// TestModem tests two lines with a call from tty to with, and returns its result. with 0: the next line that may be
// tested; number "": that of the called line.
func (c *Client) TestModem(ctx context.Context, tty, with int, number string) (ModemTest, error) {
	var v ModemTest
	path := fmt.Sprintf("/v1/lines/%d/test?with=%d&number=%s", tty, with, url.QueryEscape(number))
	_, err := c.within(dialTime).do(ctx, http.MethodPost, path, &v)
	return v, err
}

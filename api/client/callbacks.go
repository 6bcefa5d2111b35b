package client

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Callbacks returns up to 100 pending callbacks, or up to 100 of any state if all is set, newest first.
func (c *Client) Callbacks(ctx context.Context, all bool) ([]Callback, error) {
	v, _, err := c.FindCallbacks(ctx, CallbackQuery{All: all, Limit: 100})
	return v, err
}

// FindCallbacks returns the callbacks that match q, newest first, and the number of older ones omitted because of the
// limit; -1: there are some.
func (c *Client) FindCallbacks(ctx context.Context, q CallbackQuery) (v []Callback, older int, err error) {
	query := url.Values{"all": {strconv.FormatBool(q.All)}, "limit": {strconv.Itoa(q.Limit)}}
	if !q.Since.IsZero() {
		query.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.User != "" {
		query.Set("user", q.User)
	}
	if q.Node != "" {
		query.Set("node", q.Node)
	}
	head, err := c.do(ctx, http.MethodGet, "/v1/callbacks?"+query.Encode(), &v)
	if err != nil {
		return nil, 0, err
	}
	older, _ = strconv.Atoi(head.Get("Ringback-Older"))
	return v, older, nil
}

// Callback returns one callback with all details. id may be a unique prefix of its ID.
func (c *Client) Callback(ctx context.Context, id string) (CallbackDetail, error) {
	var v CallbackDetail
	return v, c.get(ctx, "/v1/callbacks/"+url.PathEscape(id), &v)
}

// CancelCallback cancels a pending callback.
func (c *Client) CancelCallback(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, "/v1/callbacks/"+url.PathEscape(id), nil)
	return err
}

// OrderCallback has a user called back who has not called, and returns the ID of the callback.
func (c *Client) OrderCallback(ctx context.Context, o CallbackOrder) (string, error) {
	q := url.Values{"user": {o.User}, "service": {cmp.Or(o.Service, "exec")}, "line": {strconv.Itoa(o.Line)}}
	if o.Number != "" {
		q.Set("number", o.Number)
	}
	if !o.At.IsZero() {
		q.Set("at", o.At.Format(time.RFC3339Nano))
	}
	var v Ordered
	_, err := c.do(ctx, http.MethodPost, "/v1/callbacks?"+q.Encode(), &v)
	return v.ID, err
}

// RetryCallback ends the wait of a callback for its next attempt.
func (c *Client) RetryCallback(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/callbacks/"+url.PathEscape(id)+"/retry", nil)
	return err
}

// ActiveCalls returns the calls that are up and match q, oldest first.
func (c *Client) ActiveCalls(ctx context.Context, q CallQuery) ([]Call, error) {
	var v []Call
	return v, c.get(ctx, "/v1/calls/active?"+q.values().Encode(), &v)
}

// CallHistory returns the calls that have ended and match q, newest first.
func (c *Client) CallHistory(ctx context.Context, q CallQuery) (v []Call, left CallsLeftOut, err error) {
	query := q.values()
	if q.Last != 0 {
		query.Set("last", strconv.Itoa(q.Last))
	}
	head, err := c.do(ctx, http.MethodGet, "/v1/calls/history?"+query.Encode(), &v)
	if err != nil {
		return nil, left, err
	}
	left.Older = head.Get("Ringback-More") == "true"
	left.Damaged, _ = strconv.Atoi(head.Get("Ringback-Damaged"))
	return v, left, nil
}

func (q CallQuery) values() url.Values {
	v := url.Values{}
	if q.Line != 0 {
		v.Set("line", strconv.Itoa(q.Line))
	}
	if q.User != "" {
		v.Set("user", q.User)
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	return v
}

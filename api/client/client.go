package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// Client is a client of one daemon, created by New or NewTLS. It is safe for concurrent use.
type Client struct {
	where string // the path of the socket, or the URL
	base  string // of the URL of a request
	local bool   // where is a socket
	http  *http.Client
}

// How long the daemon may take to begin its answer. A busy machine needs seconds; a daemon that hangs would keep an
// operator, and a script that watches it, waiting forever.
const (
	answerTime = 30 * time.Second
	proofTime  = 5 * time.Minute  // of a request that waits for a modem
	dialTime   = 15 * time.Minute // of a request that dials, which may take minutes
)

// connectTime is how long a connection over TCP, and then its handshake, may take.
const connectTime = 10 * time.Second

// idleTime is how long a connection without a request stays open: a Client has no Close.
const idleTime = 10 * time.Second

// maxProblem is the size of the largest error response that is read, in octets. That of a reload lists the errors of a
// configuration.
const maxProblem = 8 << 20

// New returns a client for the admin socket at this path. It does not connect yet. A request fails if the daemon does
// not begin its answer in 30 seconds, in 5 minutes if it waits for a modem, or in 15 if it dials. Connections are
// closed 10 seconds after their last request.
func New(socket string) *Client {
	var d net.Dialer
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", socket)
	}}
	return newClient(t, Client{where: socket, base: "http://ringback", local: true})
}

// NewTLS returns a client for a daemon at a URL, https://HOST:PORT (api.listen). config has our certificate. It does
// not connect yet; the limits are those of New, and 10 seconds for the connection.
func NewTLS(base string, config *tls.Config) (*Client, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%q is not the URL of a daemon (https://HOST:PORT)", base)
	case u.Port() == "":
		return nil, fmt.Errorf("%q has no port (https://%s:PORT; see api.listen of the daemon)", base, u.Host)
	}
	dialer := &net.Dialer{Timeout: connectTime}
	t := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: config, TLSHandshakeTimeout: connectTime}
	where := "https://" + u.Host
	return newClient(t, Client{where: where, base: where}), nil
}

// NewOver returns a client over connections of its caller; name says of what, for errors. The limits are those of New.
func NewOver(name string, dial func(ctx context.Context) (net.Conn, error)) *Client {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	return newClient(t, Client{where: name, base: "http://ringback"})
}

func newClient(t *http.Transport, c Client) *Client {
	t.ResponseHeaderTimeout, t.IdleConnTimeout = answerTime, idleTime
	c.http = &http.Client{Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &c
}

// CloseIdle closes the connections without a request, for a Client that is not used any more.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// within returns a client of the same daemon that waits for an answer for another time.
func (c *Client) within(limit time.Duration) *Client {
	t := c.http.Transport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = limit
	other := *c
	other.http = &http.Client{Transport: t, CheckRedirect: c.http.CheckRedirect}
	return &other
}

// Problem is an error response of the daemon (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	// Errors are what is wrong with a request that was not valid.
	Errors []struct {
		Location string `json:"location"` // such as query.script
		Message  string `json:"message"`
	} `json:"errors"`

	body []byte // as it was sent
}

func (p *Problem) Error() string {
	text := cmp.Or(p.Detail, p.Title)
	for i, e := range p.Errors {
		separator := ": "
		if i > 0 {
			separator = "; "
		}
		text += separator + e.Message
		if e.Location != "" {
			text += " (" + e.Location + ")"
		}
	}
	return text
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	_, err := c.do(ctx, http.MethodGet, path, into)
	return err
}

func (c *Client) do(ctx context.Context, method, path string, into any) (http.Header, error) {
	return c.exchange(ctx, method, path, nil, into)
}

// exchange sends a request with a body in JSON, or without one, and decodes the response.
func (c *Client) exchange(ctx context.Context, method, path string, body []byte, into any) (http.Header, error) {
	resp, err := c.sendBody(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if into == nil {
		return resp.Header, nil
	}
	err = json.NewDecoder(resp.Body).Decode(into)
	var notJSON *json.SyntaxError
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &notJSON) || errors.As(err, &other):
		return nil, fmt.Errorf("the response to %s is not that of a ringback daemon of this version (is %s its "+
			"address? ringback version)", path, c.where)
	case err != nil:
		return nil, fmt.Errorf("read the response to %s: %w", path, err)
	}
	return resp.Header, nil
}

// send returns a response with a 2xx status; the caller closes its body. Any other status is returned as a *Problem.
func (c *Client) send(ctx context.Context, method, path string) (*http.Response, error) {
	return c.sendBody(ctx, method, path, nil)
}

// sendBody is send with a body in JSON; nil: none.
func (c *Client) sendBody(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if method != http.MethodGet && ctx.Err() == nil && isTimeout(err) {
			return nil, fmt.Errorf("%w; the order was sent, and may still be carried out", c.unreached(err))
		}
		return nil, c.unreached(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, problemOf(resp)
}

func problemOf(resp *http.Response) *Problem {
	p := &Problem{Status: resp.StatusCode, Title: resp.Status}
	p.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	_ = json.Unmarshal(p.body, p)
	return p
}

// unreached returns an error that says why the daemon did not respond, and how to fix it.
func (c *Client) unreached(err error) error {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
	case isTimeout(err):
		return fmt.Errorf("the daemon at %s does not answer (if it hangs, restart it; to stop all dialing now, switch "+
			"the modems off)", c.where)
	case !c.local:
		return fmt.Errorf("connect to the daemon at %s: %w%s", c.where, errors.Unwrap(err), tlsHint(err))
	default: // without the URL, whose host is a placeholder
		return fmt.Errorf("no answer from the daemon at %s: %w", c.where, errors.Unwrap(err))
	}
	hint := ""
	switch errno {
	case syscall.EACCES, syscall.EPERM:
		hint = " (run as " + c.permitted() + ")"
	case syscall.ENOENT, syscall.ECONNREFUSED:
		hint = " (is `ringback serve` or `ringback lab` running?)"
		if !c.local {
			hint = " (is ringback running there, with this api.listen?)"
		}
	}
	return fmt.Errorf("connect to the daemon at %s: %w%s", c.where, errno, hint)
}

// tlsHint says how to fix an error of a handshake.
func tlsHint(err error) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var op *net.OpError
	switch {
	case errors.As(err, &authority):
		return " (--ca: the authority that has signed the daemon's certificate)"
	case errors.As(err, &name):
		return " (--api: a name that the daemon's certificate has)"
	case errors.As(err, &header):
		return " (is that api.listen of the daemon?)"
	case errors.As(err, &alert), errors.As(err, &op) && op.Op == "remote error":
		return " (--cert and --key: a valid certificate that an authority in api.tls.client_ca_file has signed for " +
			"clients)"
	}
	return ""
}

// isTimeout reports whether the daemon took too long.
func isTimeout(err error) bool {
	var late net.Error
	return errors.As(err, &late) && late.Timeout()
}

// permitted says who may connect to the socket.
func (c *Client) permitted() string {
	if st, err := os.Stat(c.where); err == nil && st.Mode().Perm()&0o020 == 0 {
		return "root or the user of the daemon"
	}
	return "root, the user of the daemon or a member of its group"
}

package client

import (
	"bufio"
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
	"strconv"
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

// maxEvent is the size of the largest line of a stream, in octets.
const maxEvent = 4 << 20

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

// Callbacks returns up to 100 pending callbacks, or up to 100 of any state if all is set, newest first.
func (c *Client) Callbacks(ctx context.Context, all bool) ([]Callback, error) {
	v, _, err := c.FindCallbacks(ctx, CallbackQuery{All: all, Limit: 100})
	return v, err
}

// FindCallbacks returns the callbacks that match q, newest first, and the number of older ones omitted because of the
// limit.
func (c *Client) FindCallbacks(ctx context.Context, q CallbackQuery) (v []Callback, older int, err error) {
	query := url.Values{"all": {strconv.FormatBool(q.All)}, "limit": {strconv.Itoa(q.Limit)}}
	if !q.Since.IsZero() {
		query.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.User != "" {
		query.Set("user", q.User)
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

// LoginLocks returns the names, numbers and lines whose logins are locked or delayed.
func (c *Client) LoginLocks(ctx context.Context) ([]LoginLock, error) {
	var v []LoginLock
	return v, c.get(ctx, "/v1/login-locks", &v)
}

// ClearLoginLocks clears the failed logins of a name or number, or all with "", and returns how many sources it
// cleared.
func (c *Client) ClearLoginLocks(ctx context.Context, of string) (int, error) {
	query := "all=true"
	if of != "" {
		query = "of=" + url.QueryEscape(of)
	}
	var v Cleared
	_, err := c.do(ctx, http.MethodPost, "/v1/login-locks/clear?"+query, &v)
	return v.Cleared, err
}

// Ceilings returns what callbacks have used and reserved of their ceilings.
func (c *Client) Ceilings(ctx context.Context) ([]Ceiling, error) {
	var v []Ceiling
	return v, c.get(ctx, "/v1/ceilings", &v)
}

// LogLevel returns the level of the log.
func (c *Client) LogLevel(ctx context.Context) (LogLevel, error) {
	var v LogLevel
	return v, c.get(ctx, "/v1/log/level", &v)
}

// SetLogLevel sets the level of the log; "default" is that of the configuration. length 0: until the next start.
func (c *Client) SetLogLevel(ctx context.Context, level string, length time.Duration) (v LogLevel, err error) {
	query := url.Values{"level": {level}}
	if length != 0 {
		query.Set("for", length.String())
	}
	_, err = c.do(ctx, http.MethodPut, "/v1/log/level?"+query.Encode(), &v)
	return v, err
}

// Lockdown returns the state of the lockdown.
func (c *Client) Lockdown(ctx context.Context) (Lockdown, error) {
	var v Lockdown
	return v, c.get(ctx, "/v1/lockdown", &v)
}

// OrderLockdown stops all dialing, and with sessions ends all sessions. It returns the state afterwards: a lockdown is
// in force even if it is not on disk.
func (c *Client) OrderLockdown(ctx context.Context, reason string, sessions bool) (v Lockdown, err error) {
	query := url.Values{"reason": {reason}, "sessions": {strconv.FormatBool(sessions)}}
	_, err = c.do(ctx, http.MethodPut, "/v1/lockdown?"+query.Encode(), &v)
	return v, err
}

// LiftLockdown ends the lockdown. reason may be "".
func (c *Client) LiftLockdown(ctx context.Context, reason string) error {
	_, err := c.do(ctx, http.MethodDelete, "/v1/lockdown?"+url.Values{"reason": {reason}}.Encode(), nil)
	return err
}

// DrainState returns whether the lines take calls, and what is in progress.
func (c *Client) DrainState(ctx context.Context) (Drain, error) {
	var v Drain
	return v, c.get(ctx, "/v1/drain", &v)
}

// Drain lets all lines finish their calls, and then take no more, until Undrain or a restart. reason may be "".
func (c *Client) Drain(ctx context.Context, reason string) (v Drain, err error) {
	_, err = c.do(ctx, http.MethodPut, "/v1/drain?"+url.Values{"reason": {reason}}.Encode(), &v)
	return v, err
}

// Undrain lets the lines take calls again.
func (c *Client) Undrain(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodDelete, "/v1/drain", nil)
	return err
}

// AccessWindows returns the latest access window of each policy group that has had one.
func (c *Client) AccessWindows(ctx context.Context) ([]AccessWindow, error) {
	var v []AccessWindow
	return v, c.get(ctx, "/v1/windows", &v)
}

// OpenAccess opens an access window of a policy group, or asks for one that another operator must approve. It returns
// all windows.
func (c *Client) OpenAccess(ctx context.Context, group string, length time.Duration, reason string) (v []AccessWindow,
	err error) {
	query := url.Values{"for": {length.String()}, "reason": {reason}}
	_, err = c.do(ctx, http.MethodPut, "/v1/windows/"+url.PathEscape(group)+"?"+query.Encode(), &v)
	return v, err
}

// ApproveAccess opens the access window that another operator has asked for, if it is for this length of time and this
// reason. It returns all windows.
func (c *Client) ApproveAccess(ctx context.Context, group string, length time.Duration, reason string) (
	v []AccessWindow, err error) {
	query := url.Values{"for": {length.String()}, "reason": {reason}}
	_, err = c.do(ctx, http.MethodPost, "/v1/windows/"+url.PathEscape(group)+"/approve?"+query.Encode(), &v)
	return v, err
}

// CloseAccess closes the access window of a policy group, or takes back the request for one. reason may be "".
func (c *Client) CloseAccess(ctx context.Context, group, reason string) error {
	_, err := c.do(ctx, http.MethodDelete,
		"/v1/windows/"+url.PathEscape(group)+"?"+url.Values{"reason": {reason}}.Encode(), nil)
	return err
}

// Reload reloads the configuration of the daemon. The result says whether the new one was applied.
func (c *Client) Reload(ctx context.Context) (v Reload, err error) {
	_, err = c.do(ctx, http.MethodPost, "/v1/reload", &v)
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusUnprocessableEntity && json.Unmarshal(p.body, &v) == nil {
		return v, nil
	}
	return v, err
}

// Config returns the configuration in force, without secrets.
func (c *Client) Config(ctx context.Context) (Config, error) {
	var v Config
	return v, c.get(ctx, "/v1/config", &v)
}

// ConfigDiff returns what a reload would change. Applied says whether it would be applied.
func (c *Client) ConfigDiff(ctx context.Context) (v Reload, err error) {
	_, err = c.within(proofTime).do(ctx, http.MethodGet, "/v1/config/diff", &v)
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusUnprocessableEntity && json.Unmarshal(p.body, &v) == nil {
		return v, nil
	}
	return v, err
}

// NoteBackup records in the audit of the daemon that its journal was copied to a directory.
func (c *Client) NoteBackup(ctx context.Context, journal, dir string) error {
	query := url.Values{"journal": {journal}, "dir": {dir}}
	_, err := c.do(ctx, http.MethodPost, "/v1/journal/backups?"+query.Encode(), nil)
	return err
}

// Health returns the health of the daemon and its disk.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var v Health
	return v, c.get(ctx, "/v1/health", &v)
}

// Metrics writes the metrics in the text format of Prometheus to w.
func (c *Client) Metrics(ctx context.Context, w io.Writer) error {
	resp, err := c.send(ctx, http.MethodGet, "/v1/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

// AAAServers returns the AAA servers of the configuration in force.
func (c *Client) AAAServers(ctx context.Context) ([]AAAServer, error) {
	var v []AAAServer
	return v, c.get(ctx, "/v1/aaa/servers", &v)
}

// PageLink returns a link that opens the operator's page with the role of the client.
func (c *Client) PageLink(ctx context.Context) (PageLink, error) {
	var v PageLink
	_, err := c.do(ctx, http.MethodPost, "/v1/page/links", &v)
	return v, err
}

// Version returns the version of the daemon.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v Version
	return v, c.get(ctx, "/v1/version", &v)
}

// Debug subscribes to topics. It calls listening, if not nil, once the subscription is active, and then show for each
// event. It returns nil when ctx ends, and an error when the daemon stops.
func (c *Client) Debug(ctx context.Context, topics []string, listening func(), show func(DebugEvent)) error {
	path := "/v1/debug?topics=" + url.QueryEscape(strings.Join(topics, ","))
	return c.stream(ctx, path, func(kind string, data []byte) error {
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

func (c *Client) get(ctx context.Context, path string, into any) error {
	_, err := c.do(ctx, http.MethodGet, path, into)
	return err
}

func (c *Client) do(ctx context.Context, method, path string, into any) (http.Header, error) {
	resp, err := c.send(ctx, method, path)
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
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, err
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
	p := &Problem{Status: resp.StatusCode, Title: resp.Status}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	_ = json.Unmarshal(body, p)
	p.body = body
	return nil, p
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
		hint = " (run as the user of the daemon" + c.orGroup() + ")"
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

// orGroup adds the group of the socket to the hint, unless the mode of the socket excludes it.
func (c *Client) orGroup() string {
	if st, err := os.Stat(c.where); err == nil && st.Mode().Perm()&0o020 == 0 {
		return ""
	}
	return " or a member of its group"
}

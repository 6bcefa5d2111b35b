package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

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

// Usage returns what calls and dials have used in a time, by step: "hour" (of 32 days at most) or "day" (of 400).
// A zero to is now; a zero from is 24 hours before, or 31 days.
func (c *Client) Usage(ctx context.Context, from, to time.Time, step string) (Usage, error) {
	q := url.Values{"step": {step}}
	for name, t := range map[string]time.Time{"from": from, "to": to} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	var v Usage
	return v, c.get(ctx, "/v1/usage?"+q.Encode(), &v)
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

// Drain lets all lines finish their calls, and then take no more, until Undrain, a restart or the end of length (0:
// never). reason may be "".
func (c *Client) Drain(ctx context.Context, reason string, length time.Duration) (v Drain, err error) {
	_, err = c.do(ctx, http.MethodPut, "/v1/drain?"+drainQuery(reason, length), &v)
	return v, err
}

// Undrain lets the lines take calls again.
func (c *Client) Undrain(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodDelete, "/v1/drain", nil)
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

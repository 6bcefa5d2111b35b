package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/policies"
)

// aaaSites answers about the sites of AAA.
type aaaSites struct {
	broker.Login
	asked []aaa.Request
}

func (a *aaaSites) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	a.asked = append(a.asked, r)
	switch r.User {
	case "hill-out":
		return nil, aaa.Result{Kind: aaa.Granted, Server: "s1", Identity: aaa.Identity{Entry: "radius", User: r.User},
			Auth: aaa.Authorization{PrivLevel: 1, Dialstring: aaa.DialstringOf("84001"), SendSecret: "piliwale",
				DialOut: &aaa.DialOut{SystemScript: "^logon$", SendName: "maui"}}}
	case "token-out":
		return nil, aaa.Result{Kind: aaa.Prompt, Server: "s1", Message: "Token:"}
	case "silent-out":
		return nil, aaa.Result{Reason: "no answer"}
	}
	return nil, aaa.Result{Kind: aaa.Refused, Reason: "unknown user"}
}

// siteTown is a town with sites, whose operators dial them through the admin API.
func siteTown(o townOptions) (townOptions, *aaaSites) {
	login := &aaaSites{}
	o.scripts = map[string]string{"logon": `TIMEOUT 20 ogin: \L ssword: \P come`, "misled": `TIMEOUT 3 nothing`}
	o.sites = broker.Sites{Suffix: "-out", Password: "cisco", Login: login, Known: map[string]broker.Site{
		"harbor":     {Numbers: []string{"84001"}, SystemScript: "^logon$", SendName: "maui", SendSecret: "piliwale"},
		"plain":      {Numbers: []string{"84001", "84010"}},
		"misled":     {Numbers: []string{"84001"}, SystemScript: "^misled$"},
		"far":        {Numbers: []string{"85001"}},
		"unnumbered": {TTYs: []int{66}},
	}}
	return dialsOut(o), login
}

// atSite is an operator's end of a call, which is read all the time.
type atSite struct {
	*client.SiteConn
	said chan said
}

type said struct {
	data   []byte
	status *client.SiteStatus
	err    error
}

// callsSite orders a call through the API.
func (w *town) callsSite(name string, change func(*client.SiteCall)) *atSite {
	w.t.Helper()
	q := client.SiteCall{Site: name, Rotary: -1}
	if change != nil {
		change(&q)
	}
	c, err := w.operator("kim", "kim on tty 3", true).CallSite(context.Background(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	s := &atSite{SiteConn: c, said: make(chan said, 10_000)}
	go func() { // ends with the call, or with Close
		for {
			data, status, err := c.Next()
			s.said <- said{data, status, err}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// until returns what came from the site until it has a text.
func (c *atSite) until(t *testing.T, text string) string {
	t.Helper()
	var got bytes.Buffer
	for !strings.Contains(got.String(), text) {
		if s := <-c.said; s.err != nil || s.status != nil {
			t.Fatalf("%v %+v after %q", s.err, s.status, got.String())
		} else {
			got.Write(s.data)
		}
	}
	return got.String()
}

// status returns the next status of a call in this state.
func status(t *testing.T, c *atSite, state string) *client.SiteStatus {
	t.Helper()
	for s := range c.said {
		switch {
		case s.err != nil:
			t.Fatalf("no status %s: %v", state, s.err)
		case s.status != nil && s.status.State == state:
			return s.status
		case s.status != nil && s.status.State == client.SiteEnded:
			t.Fatalf("the call has ended: %+v", s.status)
		}
	}
	return nil
}

// An operator calls a site of the configuration and one of AAA: ringback logs on there, and the call is the operator's.
// The secret is in no transcript.
func TestCallSite(t *testing.T) {
	for _, name := range []string{"harbor", "hill"} {
		t.Run(name, func(t *testing.T) {
			o, login := siteTown(townOptions{})
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				c := w.callsSite(name, nil)
				defer c.Close()
				p.see("CONNECT", time.Minute)
				for _, step := range [][2]string{{"login:", "maui\r"}, {"Password:", "piliwale\r"}} {
					if _, err := io.WriteString(p.dte, step[0]); err != nil {
						t.Fatal(err)
					}
					p.see(step[1], time.Minute)
				}
				p.typ("welcome, hill 7")
				s := status(t, c, client.SiteConnected)
				if s.Number != "84001" || s.Line == 0 || !strings.HasPrefix(s.Connect, "CONNECT") ||
					s.Script != "rtp" ||
					strings.Contains(fmt.Sprint(s), "piliwale") ||
					!strings.Contains(strings.Join(s.Transcript, "\n"), "[secret]") {
					t.Errorf("%+v", s)
				}
				if _, err := io.WriteString(c, "ls\r"); err != nil {
					t.Fatal(err)
				}
				p.see("ls", time.Minute)
				p.typ("a b c")
				if got := c.until(t, "a b c"); !strings.HasPrefix(got, ", hill 7") {
					t.Errorf("what follows the system script: %q", got)
				}
				if err := c.Hangup(); err != nil {
					t.Fatal(err)
				}
				if s := status(t, c, client.SiteEnded); s.Reason != "hung up by the person" {
					t.Errorf("%+v", s)
				}
				if s := <-c.said; !errors.Is(s.err, io.EOF) {
					t.Errorf("after the end: %+v", s)
				}
				p.see("NO CARRIER", time.Minute)
				w.idle(time.Minute)
				rows := w.endedRows()
				if len(rows) != 1 || rows[0].User != name+"-out" || rows[0].End.IsZero() ||
					rows[0].TerminateCause != 1 {
					t.Errorf("%+v", rows)
				}
				if all := w.audited("dial-out"); len(all) != 1 || !strings.Contains(all[0], "kim") ||
					!strings.HasSuffix(all[0], name+"-out dials 84001") {
					t.Errorf("audit: %q", all)
				}
				for _, r := range login.asked {
					if r.Service != aaa.Outbound || r.User != "hill-out" || r.Password != "cisco" {
						t.Errorf("AAA was asked %+v", r)
					}
				}
				if asked := len(login.asked); asked != map[string]int{"harbor": 0, "hill": 1}[name] {
					t.Errorf("AAA was asked %d times", asked)
				}
			})
		})
	}
}

// What cannot be dialed, and a site that does not behave as its script expects, are no calls of an operator.
func TestCallSiteFails(t *testing.T) {
	o, _ := siteTown(townOptions{lines: 3})
	inTown(t, o, func(w *town) {
		w.pc(w.home).typ("ats0=1")
		for _, tt := range []struct {
			site   string
			change func(*client.SiteCall)
			result string
			want   string
		}{
			{"nowhere", nil, "ERROR", `AAA has no profile of site "nowhere": unknown user`},
			{"token", nil, "ERROR", "more than a password"},
			{"silent", nil, "ERROR", "no answer"},
			{"far", nil, "ERROR", "must match a pattern of dial_out.allow"},
			{"unnumbered", nil, "ERROR", "no number was given"},
			{"unnumbered", func(q *client.SiteCall) { q.Number, q.Line = "84001", 65 }, "ERROR", "tty 65 may not dial"},
			{"plain", func(q *client.SiteCall) { q.Number = "84002" }, "ERROR", "AAA fixes other numbers"},
			{"plain", func(q *client.SiteCall) { q.Number = "84010" }, "BUSY", "BUSY"},
			{"misled", nil, "NO CARRIER", "Timeout expecting"},
		} {
			c := w.callsSite(tt.site, tt.change)
			s := status(t, c, client.SiteEnded)
			if s.Result != tt.result || !strings.Contains(s.Reason, tt.want) && tt.want != "Timeout expecting" {
				t.Errorf("%s: %+v, want %s, %q", tt.site, s, tt.result, tt.want)
			}
			c.Close()
			w.idle(time.Minute)
		}
		for _, bad := range []string{"..", "a b", "x\x1b[2J", strings.Repeat("x", 65)} {
			if c, err := w.operator("kim", "kim", true).CallSite(context.Background(), client.SiteCall{Site: bad,
				Rotary: -1}); err == nil {
				c.Close()
				t.Errorf("site %q is called", bad)
			}
		}
		if c, err := w.operator("ann", "ann", false).CallSite(context.Background(), client.SiteCall{Site: "plain",
			Rotary: -1}); err == nil {
			c.Close()
			t.Error("without the role")
		}
	})
}

// An operator who hangs up during the dial or with a full paste on its way, goes away, or reads nothing, holds no line.
func TestCallSiteLeft(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer bool
		leave  func(t *testing.T, w *town, c *atSite)
		within time.Duration
	}{
		{"a hang-up during the dial", false, func(t *testing.T, w *town, c *atSite) {
			w.pass(4 * time.Second)
			_ = c.Hangup()
			status(t, c, client.SiteEnded)
		}, time.Minute},
		{"a connection lost during the dial", false, func(_ *testing.T, w *town, c *atSite) {
			w.pass(4 * time.Second)
			c.Close()
		}, time.Minute},
		{"a connection lost during the call", true, func(t *testing.T, _ *town, c *atSite) {
			status(t, c, client.SiteConnected)
			c.Close()
		}, time.Minute},
		{"a hang-up in a paste of 1 MiB", true, func(t *testing.T, w *town, c *atSite) {
			status(t, c, client.SiteConnected)
			pasted := make(chan error, 1)
			go func() {
				_, err := c.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
				pasted <- err
			}()
			w.pass(10 * time.Second)
			_ = c.Hangup()
			status(t, c, client.SiteEnded)
			c.Close()
			if err := <-pasted; err == nil {
				t.Error("a megabyte was sent in 10 s")
			}
		}, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := siteTown(townOptions{policy: func(p *policies.Policy) { p.DialOut.SessionTime = 10 * time.Minute }})
			inTown(t, o, func(w *town) {
				if tt.answer {
					w.pc(w.home).typ("ats0=1")
				}
				c := w.callsSite("plain", nil)
				defer c.Close()
				tt.leave(t, w, c)
				w.idle(tt.within)
				if rows := w.endedRows(); len(rows) != 1 || rows[0].End.IsZero() || len(w.dialed()) != 1 {
					t.Errorf("%+v, dials %+v", rows, w.dialed())
				}
			})
		})
	}
}

// A terminal that takes nothing for two minutes loses its call: the line is not held by an operator who has gone to
// lunch behind a stopped screen.
func TestCallSiteStopped(t *testing.T) {
	o, _ := siteTown(townOptions{})
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		c, err := w.operator("kim", "kim", true).CallSite(context.Background(),
			client.SiteCall{Site: "plain", Rotary: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for connected := false; !connected; {
			_, s, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			connected = s != nil && s.State == client.SiteConnected
		}
		p.see("CONNECT", time.Minute)
		p.typ("some lines of a screen that has stopped")
		w.pass(3 * time.Minute)
		w.idle(time.Minute)
		if rows := w.endedRows(); len(rows) != 1 || !strings.Contains(rows[0].Cause, "has taken nothing for 2m0s") {
			t.Errorf("%+v", rows)
		}
	})
}

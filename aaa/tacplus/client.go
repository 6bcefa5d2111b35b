package tacplus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Entry is an ordered list of servers of a Client: one entry of method lists, as aaa.Method, aaa.Authorizer and
// aaa.Accountant. Its methods are safe for concurrent use.
type Entry struct {
	name  string
	cfg   Config
	peers []*peer
	owner *Client
}

// Client is all servers, and the Entry of them. Make one with New. It opens connections when they are first needed and,
// if the server shares them, keeps them until Close.
type Client struct {
	*Entry
	entries map[string]bool // the names of all groups, made before the first login
}

// New checks c, reads its TLS files, and returns its client. It opens no connection. The error joins all defects.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	cl := &Client{Entry: &Entry{name: c.Name, cfg: c}, entries: map[string]bool{c.Name: true}}
	cl.owner = cl
	var errs []error
	if c.Authentication != ASCII && c.Authentication != PAP {
		errs = append(errs, fmt.Errorf("%s: unknown authentication %q (use ascii or pap)", c.Name, c.Authentication))
	}
	if len(c.Servers) == 0 {
		errs = append(errs, fmt.Errorf("%s: no servers", c.Name))
	}
	for _, s := range c.Servers {
		if err := s.Check(); err != nil {
			errs = append(errs, err)
			continue
		}
		p, err := newPeer(s.withDefaults(), c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if cl.server(p.Name) != nil {
			errs = append(errs, fmt.Errorf("tacacs server %s: defined twice", p.Name))
		}
		if c.From != nil {
			p.inherit(c.From.server(p.Name))
		}
		cl.peers = append(cl.peers, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cl.cfg.From = nil // not kept: each Client would keep its predecessor
	return cl, nil
}

// Group returns another method-list entry, of the named servers in that order. It shares their connections and health;
// Close of the Client closes them. Make groups before the first login.
func (c *Client) Group(name string, servers ...string) (*Entry, error) {
	g := &Entry{name: name, cfg: c.cfg, owner: c}
	if name == "" || c.entries[name] {
		return nil, fmt.Errorf("tacacs group %q: empty or duplicate name", name)
	}
	for _, s := range servers {
		p := c.server(s)
		switch {
		case p == nil:
			return nil, fmt.Errorf("tacacs group %s: unknown tacacs server %q", name, s)
		case slices.Contains(g.peers, p):
			return nil, fmt.Errorf("tacacs group %s: server %s is listed twice", name, s)
		}
		g.peers = append(g.peers, p)
	}
	if len(g.peers) == 0 {
		return nil, fmt.Errorf("tacacs group %s: no servers", name)
	}
	c.entries[name] = true
	return g, nil
}

func (c *Client) server(name string) *peer {
	for _, p := range c.peers {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Servers returns the status of each server, in the order of the configuration.
func (c *Client) Servers() []ServerStatus {
	all := make([]ServerStatus, 0, len(c.peers))
	for _, p := range c.peers {
		all = append(all, p.status())
	}
	return all
}

// Retire prepares a Client for Close after another has replaced it. What is under way continues, also conversations
// that wait for their caller, and each connection is closed with its last session. New requests are still answered,
// each on its own connection. Retire does not block; Close must follow.
func (c *Client) Retire() {
	for _, p := range c.peers {
		p.retire()
	}
}

// Close ends all requests under way and waits for the goroutines of all connections. The Client and its groups answer
// nothing afterwards.
func (c *Client) Close() error {
	for _, p := range c.peers {
		p.close()
	}
	return nil
}

// Name returns the name of the method-list entry.
func (e *Entry) Name() string { return e.name }

// order returns the servers that are not skipped, or all servers if all would be skipped.
func (e *Entry) order() []*peer {
	var alive []*peer
	now := time.Now()
	for _, p := range e.peers {
		if !p.dead(now) {
			alive = append(alive, p)
		}
	}
	if alive == nil {
		return e.peers
	}
	return alive
}

// silences collects why servers gave no usable answer.
type silences struct {
	reasons []string
	plain   bool // one of them answered with the wrong obfuscation
}

func (s *silences) add(err error) {
	s.reasons = append(s.reasons, err.Error())
	var f *flaw
	s.plain = s.plain || errors.As(err, &f) && f.plain
}

// result is the Result when no server answered. If one answered with the wrong obfuscation, the result is a refusal
// (RFC 8907 §10.5.2): an on-path attacker must not choose the next method.
func (s *silences) result() aaa.Result {
	res := aaa.Result{Reason: strings.Join(s.reasons, "; ")}
	if s.plain {
		res.Kind = aaa.Refused
	}
	return res
}

// broke reports whether there was no answer because the connection was lost, for example because the server restarted.
// TLS certificate errors do not count.
func broke(err error) bool {
	var lost *errLost
	for _, passing := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.As(err, &lost) && errors.Is(lost, passing) {
			return true
		}
	}
	return false
}

// first asks the servers in order, the next only after silence, for the first result that is not silence. If another
// method can serve r, it does not wait for servers that are known to be dead. fresh says that ask must open a new
// connection.
func (e *Entry) first(ctx context.Context, r aaa.Request, what aaa.Purpose,
	ask func(p *peer, fresh bool) (aaa.Result, error)) aaa.Result {
	var quiet silences
	order := e.order()
	for i, p := range order {
		done := func() {}
		if r.Fallback {
			var why error
			if done, why = p.claim(time.Now()); why != nil {
				quiet.add(why)
				continue
			}
		}
		began := time.Now()
		res, err := func() (aaa.Result, error) {
			defer done()
			res, err := ask(p, false)
			// no other server is left: begin again on a new connection, once
			var s *silence
			if i == len(order)-1 && errors.As(err, &s) && s.again && ctx.Err() == nil {
				return ask(p, true)
			}
			return res, err
		}()
		aaa.Observe(ctx, e.cfg.Observe, began, p.Name, what, kindOf(res, err))
		var s *silence
		switch {
		case err == nil:
			return res
		case !errors.As(err, &s):
			return aaa.Result{Kind: aaa.Refused, Server: p.Name, Reason: fmt.Sprintf("tacacs server %s: %v", p.Name,
				err)}
		}
		quiet.add(err)
		if ctx.Err() != nil {
			break
		}
	}
	return quiet.result()
}

// kindOf is what came of a question: its result, or that of its error.
func kindOf(res aaa.Result, err error) aaa.Kind {
	var s *silence
	switch {
	case err == nil:
		return res.Kind
	case errors.As(err, &s):
		return aaa.Silent
	}
	return aaa.Refused
}

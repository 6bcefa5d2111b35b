package radius

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// ServerStatus is the state of one server on one port.
type ServerStatus struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	Serves    string `json:"serves"`    // "authentication", "accounting" or both, joined by "+"
	Transport string `json:"transport"` // UDP or TLS
	// "RADIUS/1.0" or "RADIUS/1.1", of the open connections
	Version      string    `json:"version,omitempty"`
	State        State     `json:"state"`
	PassedOver   bool      `json:"passed_over"`      // other servers are asked first
	Reason       string    `json:"reason,omitempty"` // reason of the last silence
	Sockets      int       `json:"sockets"`
	InFlight     int       `json:"in_flight"`
	Answered     time.Time `json:"answered,omitzero"` // time of the last answer to a request
	Signs        bool      `json:"signs"`             // a valid Message-Authenticator was received
	StatusServer bool      `json:"status_server"`     // it has answered Status-Server
	Stray        uint64    `json:"stray"`             // packets that no request waited for
	// discarded replies, by reason
	Dropped map[string]uint64 `json:"dropped,omitempty"`
}

// Servers returns the state of each server of c, authentication before accounting.
func (c *Client) Servers() []ServerStatus {
	var all []ServerStatus
	for _, p := range c.peers() {
		st := p.status()
		switch {
		case slices.Contains(c.auth, p) && slices.Contains(c.acct, p):
			st.Serves = "authentication+accounting"
		case slices.Contains(c.acct, p):
			st.Serves = "accounting"
		default:
			st.Serves = "authentication"
		}
		all = append(all, st)
	}
	return all
}

// peers returns each server and port of c once.
func (c *Client) peers() []*peer {
	all := slices.Clone(c.auth)
	for _, p := range c.acct {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func (p *peer) status() ServerStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := ServerStatus{Name: p.Name, Address: p.address, Transport: p.Transport, State: p.dog.state,
		PassedOver: p.dog.passedOver(time.Now(), p.deadUntil),
		Sockets:    len(p.sockets), InFlight: int(p.inFlight.Load()), Signs: p.latched.Load(),
		StatusServer: p.dog.known,
		Stray:        p.stray.Load()}
	if p.reason != nil {
		st.Reason = p.reason.Error()
	}
	if at := p.answered.Load(); at != 0 {
		st.Answered = time.Unix(0, at)
	}
	for _, s := range p.sockets {
		st.Version = "RADIUS/1.0"
		if s.v11 {
			st.Version = "RADIUS/1.1"
		}
	}
	for f := range p.dropped {
		if n := p.dropped[f].Load(); n > 0 {
			if st.Dropped == nil {
				st.Dropped = map[string]uint64{}
			}
			st.Dropped[flaw(f).String()] = n
		}
	}
	return st
}

// Group returns another method-list entry, name, with some of c's servers, asked in the given order. It shares their
// sockets, identifiers and health with c. c's Close also ends the group; the group's own Close does nothing. The error
// names an unknown server.
func (c *Client) Group(name string, servers ...string) (*Client, error) {
	return c.group(name, false, servers)
}

// BalancedGroup is like Group, but asks the least busy server first.
func (c *Client) BalancedGroup(name string, servers ...string) (*Client, error) {
	return c.group(name, true, servers)
}

func (c *Client) group(name string, balance bool, servers []string) (*Client, error) {
	g := &Client{cfg: c.cfg, part: true}
	g.cfg.Name, g.cfg.Balance = name, balance
	for i, s := range servers {
		p := named(c.auth, s)
		switch {
		case p == nil:
			return nil, fmt.Errorf("radius group %s: unknown server %q", name, s)
		case slices.Contains(servers[:i], s):
			return nil, fmt.Errorf("radius group %s: server %q is listed twice", name, s)
		}
		g.auth = append(g.auth, p)
		if p := named(c.acct, s); p != nil {
			g.acct = append(g.acct, p)
		}
	}
	if len(g.auth) == 0 {
		return nil, fmt.Errorf("radius group %s: no servers", name)
	}
	return g, nil
}

func named(peers []*peer, name string) *peer {
	for _, p := range peers {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// inOrder returns the servers in the order in which they are asked, without dead ones; if all are dead, all of them.
func (c *Client) inOrder(peers []*peer) []*peer {
	if c.cfg.Balance {
		peers = c.balanced(peers)
	}
	now := time.Now()
	if !slices.ContainsFunc(peers, func(p *peer) bool { return p.dead(now) }) {
		return peers
	}
	var alive []*peer
	for _, p := range peers {
		if !p.dead(now) {
			alive = append(alive, p)
		}
	}
	if alive == nil {
		return peers
	}
	return alive
}

// balanced returns the servers with the fewest requests in flight first, and those with equal numbers in turn.
func (c *Client) balanced(peers []*peer) []*peer {
	if len(peers) < 2 {
		return peers
	}
	turn := int(c.turn.Add(1)-1) % len(peers)
	order := slices.Concat(peers[turn:], peers[:turn])
	busy := make(map[*peer]int64, len(order))
	for _, p := range order {
		busy[p] = p.inFlight.Load()
	}
	slices.SortStableFunc(order, func(a, b *peer) int { return cmp.Compare(busy[a], busy[b]) })
	return order
}

// inherit copies what an earlier client knew about the same server, before any request. So a reload opens no window for
// unsigned replies, and does not wait for a dead server again.
func (p *peer) inherit(from *peer) {
	p.latched.Store(from.latched.Load())
	p.answered.Store(from.answered.Load())
	if from.Secret != p.Secret {
		p.otherSecret = from.answered.Load()
	}
	from.mu.Lock()
	defer from.mu.Unlock()
	p.deadUntil, p.reason = from.deadUntil, from.reason
	p.dog.known = from.dog.known
	if from.dog.state == Down || from.dog.state == Suspect || from.dog.state == Reopen {
		p.dog.state = Down
	}
}

package pppclient

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A verdict is what is thought of an option in the server's Configure-Request.
type verdict int

const (
	accept verdict = iota
	suggest
	reject
)

// A negotiation agrees on the options of one protocol (RFC 1661 §5). Either side asks, and both must accept.
type negotiation struct {
	protocol uint16
	name     string
	asks     []option
	// begin precedes judge for each Configure-Request of the server, which counts as a whole; nil does nothing.
	begin func()
	// judge decides about an option of the server. With suggest, it returns the value that would be accepted.
	judge func(option) (verdict, option)
	// refused is told of an option that the server does not accept: the value that it suggests, if it is not rejected.
	// It changes asks.
	refused func(n *negotiation, o option, rejected bool)

	id     byte // of our Configure-Request
	acked  bool // the server has accepted ours
	acks   bool // we have accepted the server's
	closed bool // the server does not have the protocol, or has ended it
	sent   int  // requests without an answer
	naks   int
}

func (n *negotiation) settled() bool { return n.closed || n.acked && n.acks }

// drop leaves an option out of the next request.
func (n *negotiation) drop(kind byte) {
	var kept []option
	for _, o := range n.asks {
		if o.kind != kind {
			kept = append(kept, o)
		}
	}
	n.asks = kept
}

// set changes the value of an option that is asked for.
func (n *negotiation) set(o option) {
	for i := range n.asks {
		if n.asks[i].kind == o.kind {
			n.asks[i].data = bytes.Clone(o.data)
		}
	}
}

// value returns what is asked for, or nil.
func (n *negotiation) value(kind byte) []byte {
	for _, o := range n.asks {
		if o.kind == kind {
			return o.data
		}
	}
	return nil
}

// negotiate asks for all protocols at once, until each is settled.
func (c *Client) negotiate(ctx context.Context, ns ...*negotiation) error {
	for _, n := range ns {
		n.id++
		n.sent = 0
		if err := c.request(n); err != nil {
			return err
		}
	}
	resend := time.Now().Add(restartTime)
	for !allSettled(ns) {
		f, err := c.receive(ctx, resend)
		switch {
		case errors.Is(err, errTime):
			err = c.repeat(ns)
			resend = time.Now().Add(restartTime)
		case err == nil:
			err = c.dispatch(ns, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func allSettled(ns []*negotiation) bool {
	for _, n := range ns {
		if !n.settled() {
			return false
		}
	}
	return true
}

func (c *Client) request(n *negotiation) error {
	n.sent++
	return c.send(packet{confRequest, n.id, joinOptions(n.asks)}.frame(n.protocol))
}

// repeat asks again where the server has not answered.
func (c *Client) repeat(ns []*negotiation) error {
	for _, n := range ns {
		if n.settled() {
			continue
		}
		if n.sent == maxConfigure {
			return fmt.Errorf("%s: the server does not agree after %d requests", n.name, maxConfigure)
		}
		n.acked = false
		if err := c.request(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) dispatch(ns []*negotiation, f frame) error {
	p, ok := parsePacket(f.info)
	for _, n := range ns {
		if f.protocol == n.protocol && ok {
			return c.configure(n, p)
		}
		if rejects(f, n.protocol) {
			n.closed = true
			c.config.Tell(n.name + " rejected")
		}
	}
	if !c.open {
		return nil // nothing but LCP, and no Protocol-Reject, before LCP is open
	}
	return c.other(f)
}

// rejects reports whether a frame says that the server does not have a protocol.
func rejects(f frame, protocol uint16) bool {
	p, ok := parsePacket(f.info)
	return ok && f.protocol == protoLCP && p.code == protocolReject && len(p.data) >= 2 &&
		binary.BigEndian.Uint16(p.data) == protocol
}

// configure takes a packet of a protocol that is negotiated.
func (c *Client) configure(n *negotiation, p packet) error {
	switch p.code {
	case confRequest:
		return c.judge(n, p)
	case confAck:
		if p.id == n.id && bytes.Equal(p.data, joinOptions(n.asks)) {
			n.acked, n.sent = true, 0
		}
	case confNak, confReject:
		if p.id == n.id && !n.acked {
			return c.refused(n, p)
		}
	case termRequest:
		n.closed = true
		if err := c.send(packet{termAck, p.id, nil}.frame(n.protocol)); err != nil {
			return err
		}
		if n.protocol == protoLCP {
			return &Terminated{string(p.data)}
		}
		c.config.Tell(n.name + " ended")
	}
	return nil
}

// judge answers a Configure-Request: options that are unknown first, then values that are not accepted.
func (c *Client) judge(n *negotiation, p packet) error {
	options, ok := parseOptions(p.data)
	if !ok {
		return nil
	}
	if n.begin != nil {
		n.begin()
	}
	var rejects, naks []option
	for _, o := range options {
		switch v, better := n.judge(o); v {
		case reject:
			rejects = append(rejects, o)
		case suggest:
			naks = append(naks, better)
		}
	}
	answer := packet{confAck, p.id, p.data}
	switch {
	case len(rejects) > 0:
		answer.code, answer.data = confReject, joinOptions(rejects)
	case len(naks) > 0:
		answer.code, answer.data = confNak, joinOptions(naks)
		if n.naks++; n.naks > maxFailure {
			return fmt.Errorf("%s: no agreement after %d suggestions", n.name, maxFailure)
		}
	}
	n.acks = answer.code == confAck
	return c.send(answer.frame(n.protocol))
}

// refused changes our request as the server wants it, and asks again.
func (c *Client) refused(n *negotiation, p packet) error {
	options, ok := parseOptions(p.data)
	if !ok {
		return nil
	}
	if n.naks++; n.naks > maxFailure {
		return fmt.Errorf("%s: the server refused %d requests", n.name, maxFailure)
	}
	for _, o := range options {
		n.refused(n, o, p.code == confReject)
	}
	n.id++
	n.sent = 0
	return c.request(n)
}

// LCP's options (RFC 1661 §6, RFC 1662 §7.1, RFC 1570 §2.3).
const (
	optMRU      = 1
	optMap      = 2
	optAuth     = 3
	optMagic    = 5
	optPFC      = 7
	optACFC     = 8
	optCallback = 13

	ourMRU = 1500
	minMRU = 128
)

// establish opens LCP.
func (c *Client) establish(ctx context.Context) error {
	c.down()
	c.magic, c.agreed = newMagic(), false
	var peer framing
	n := &negotiation{protocol: protoLCP, name: "LCP", asks: []option{
		{optMap, make([]byte, 4)}, {optMagic, binary.BigEndian.AppendUint32(nil, c.magic)},
		{optPFC, nil}, {optACFC, nil},
	}}
	if o, ok := c.config.Callback.option(); ok {
		n.asks = append(n.asks, o)
	}
	n.begin = func() { c.method, c.mtu, peer = 0, ourMRU, framing{escapes: defaultMap} }
	n.judge = func(o option) (verdict, option) { return c.judgeLink(o, &peer) }
	n.refused = c.refusedLink
	if err := c.negotiate(ctx, n); err != nil {
		return err
	}
	for _, o := range n.asks {
		switch o.kind {
		case optMap:
			c.in.ignore = binary.BigEndian.Uint32(o.data)
		case optCallback:
			c.agreed = true
		}
	}
	c.mu.Lock()
	c.out = peer
	c.mu.Unlock()
	c.open = true
	c.config.Tell("link open")
	return nil
}

// judgeLink decides about an option of the server's LCP, and keeps what it means for sending.
func (c *Client) judgeLink(o option, peer *framing) (verdict, option) {
	switch {
	case o.kind == optMRU && len(o.data) == 2:
		mru := binary.BigEndian.Uint16(o.data)
		if mru < minMRU {
			return suggest, option{optMRU, []byte{0, minMRU}}
		}
		c.mtu = min(int(mru), ourMRU)
	case o.kind == optMap && len(o.data) == 4:
		peer.escapes = binary.BigEndian.Uint32(o.data)
	case o.kind == optAuth:
		for _, m := range c.config.Methods {
			if bytes.Equal(o.data, m.option()) {
				c.method = m
				return accept, o
			}
		}
		if len(c.config.Methods) == 0 {
			return reject, o
		}
		return suggest, option{optAuth, c.config.Methods[0].option()}
	case o.kind == optMagic && len(o.data) == 4:
		if binary.BigEndian.Uint32(o.data) == c.magic { // a line that echoes, or bad luck
			return suggest, option{optMagic, binary.BigEndian.AppendUint32(nil, newMagic())}
		}
	case o.kind == optPFC && len(o.data) == 0:
		peer.shortProtocol = true
	case o.kind == optACFC && len(o.data) == 0:
		peer.shortHeader = true
	default:
		return reject, o
	}
	return accept, o
}

// refusedLink changes our request. As pppd does, it leaves an option out rather than discuss it, except the map and the
// magic number.
func (c *Client) refusedLink(n *negotiation, o option, rejected bool) {
	switch {
	case !rejected && o.kind == optMap && len(o.data) == 4:
		asked := binary.BigEndian.Uint32(n.value(optMap))
		n.set(option{optMap, binary.BigEndian.AppendUint32(nil, asked|binary.BigEndian.Uint32(o.data))})
	case !rejected && o.kind == optMagic:
		c.magic = newMagic()
		n.set(option{optMagic, binary.BigEndian.AppendUint32(nil, c.magic)})
	default:
		if o.kind == optCallback && n.value(optCallback) != nil {
			c.config.Tell("the server does not call back")
		}
		n.drop(o.kind)
	}
}

// newMagic returns a number that is not zero (RFC 1661 §6.4).
func newMagic() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.BigEndian.Uint32(b[:]) | 1
}

package pppclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"
)

// A Line is a modem's port in data state, without its input. The deadlines are those of net.Conn.
type Line interface {
	io.Writer
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Config is what a subscriber's computer is told to do.
type Config struct {
	User, Password string
	Again          string     // password of a second attempt, if MS-CHAPv2's server permits one; "": none
	Methods        []Method   // that it accepts, the preferred one first; nil: AllMethods
	Callback       Callback   // the zero value asks for none
	Address        netip.Addr // that it asks for; the zero value leaves the address to the server
	IPv6           bool       // it opens IPV6CP too

	Tell func(text string) // gets a line about each step; may be nil
	Text func(c byte)      // gets each octet before the first flag; may be nil
}

// The times and counts of RFC 1661 §4.6, and the patience with a server that says nothing in a phase.
const (
	restartTime  = 3 * time.Second
	maxConfigure = 10
	maxTerminate = 2
	maxFailure   = 10
	phaseTime    = time.Minute
	writeTime    = 30 * time.Second
	maxAgain     = 10 // renegotiations of one link
)

// A Client is the PPP of one call. Login, Connect, Serve and Terminate are called one after the other, and block; Send
// may be called beside Serve. The Client closes nothing, and does not see the carrier: the line belongs to its caller,
// who ends the ctx of these calls when the carrier is lost.
type Client struct {
	input  io.ByteReader
	line   Line
	config Config

	in      deframer
	held    *frame // to be taken before the line is read
	open    bool   // LCP is
	passed  bool   // the server has accepted the login
	id      byte   // of the last packet that is no Configure-Request
	magic   uint32
	method  Method // for which the server asks; 0: none
	agreed  bool   // the server accepts our callback option
	mtu     int    // the longest packet that the server takes
	network Network
	ncps    []*negotiation
	proof   string // what an MS-CHAPv2 server must send to prove that it knows the password

	mu      sync.Mutex // guards writing
	out     framing
	carries bool // the network is open: Send sends
}

// New returns a Client on a line. The server may have begun to send. input is what the line receives; the client reads
// no octet beyond the last frame that it needs, so that its caller can read the text that follows.
func New(input io.ByteReader, line Line, c Config) *Client {
	if c.Methods == nil {
		c.Methods = AllMethods
	}
	if c.Tell == nil {
		c.Tell = func(string) {}
	}
	if c.Text == nil {
		c.Text = func(byte) {}
	}
	return &Client{input: input, line: line, config: c}
}

// Terminated is the error if the server ends the link. Text is the server's; it may be empty.
type Terminated struct{ Text string }

func (e *Terminated) Error() string { return fmt.Sprintf("the server ended the link: %q", e.Text) }

var (
	errTime  = errors.New("timed out")
	errAgain = errors.New("the server begins again") // LCP is down, and the request is held
)

// Login opens the link, logs in and settles the callback. If the server promises a callback, Login ends the link and
// returns the promise; otherwise Connect follows. After an error the link is unusable; the server is told if possible.
func (c *Client) Login(ctx context.Context) (*Promise, error) {
	defer c.watch(ctx)()
	p, err := c.login(ctx)
	switch {
	case !c.open:
	case err != nil:
		c.terminate(ctx, "The client cannot go on")
	case p != nil:
		c.terminate(ctx, "Call me back, please")
	}
	return p, err
}

func (c *Client) login(ctx context.Context) (*Promise, error) {
	for range maxAgain {
		p, err := c.loginOnce(ctx)
		if !errors.Is(err, errAgain) {
			return p, err
		}
	}
	return nil, fmt.Errorf("the server renegotiated %d times", maxAgain)
}

func (c *Client) loginOnce(ctx context.Context) (*Promise, error) {
	if err := c.establish(ctx); err != nil {
		return nil, err
	}
	if err := c.authenticate(ctx); err != nil {
		return nil, err
	}
	return c.settleCallback(ctx)
}

// Connect opens the network protocols after Login. If the server does not agree, the link is ended.
func (c *Client) Connect(ctx context.Context) (Network, error) {
	defer c.watch(ctx)()
	err := c.connect(ctx)
	for again := 0; errors.Is(err, errAgain) && again < maxAgain; again++ {
		err = c.again(ctx)
	}
	if err != nil && c.open {
		c.terminate(ctx, "The client cannot go on")
	}
	return c.network, err
}

// again logs in and connects after the server has begun to renegotiate.
func (c *Client) again(ctx context.Context) error {
	switch p, err := c.login(ctx); {
	case err != nil:
		return err
	case p != nil:
		return errors.New("the server promises a callback after it has admitted the caller")
	}
	return c.connect(ctx)
}

// Serve gives the packets of the server to deliver, until the link ends or ctx does. It answers what has to be
// answered, and follows a renegotiation; the addresses may not change with it.
func (c *Client) Serve(ctx context.Context, deliver func(packet []byte)) error {
	defer c.watch(ctx)()
	for {
		f, err := c.receive(ctx, time.Time{})
		if err == nil {
			err = c.serve(ctx, f, deliver)
		}
		if errors.Is(err, errAgain) {
			err = c.unchanged(ctx, c.again)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Client) serve(ctx context.Context, f frame, deliver func(packet []byte)) error {
	if f.protocol == protoIPv4 || f.protocol == protoIPv6 {
		deliver(f.info)
		return nil
	}
	p, ok := parsePacket(f.info)
	for _, n := range c.ncps {
		switch {
		case !ok || n.protocol != f.protocol:
		case p.code == confRequest:
			c.held = &f
			return c.unchanged(ctx, c.connect)
		case p.code == termRequest:
			return c.configure(n, p)
		}
	}
	return c.other(f)
}

// unchanged negotiates again. What rests on the addresses would not survive new ones.
func (c *Client) unchanged(ctx context.Context, negotiate func(context.Context) error) error {
	before := c.network
	if err := negotiate(ctx); err != nil {
		return err
	}
	if !before.equal(c.network) {
		return fmt.Errorf("the addresses changed from %v to %v", before, c.network)
	}
	return nil
}

// Send sends an IP packet. It may be called while Serve runs. While the server renegotiates, packets are dropped.
func (c *Client) Send(packet []byte) error {
	f := frame{protoIPv4, packet}
	if len(packet) > 0 && packet[0]>>4 == 6 {
		f.protocol = protoIPv6
	}
	c.mu.Lock()
	carries := c.carries
	c.mu.Unlock()
	if !carries {
		return nil
	}
	return c.send(f)
}

// Terminate ends the link in order. It waits for the server's answer for 6 seconds at most; the carrier stays.
func (c *Client) Terminate(ctx context.Context, text string) {
	defer c.watch(ctx)()
	if c.open {
		c.terminate(ctx, text)
	}
}

func (c *Client) terminate(ctx context.Context, text string) {
	c.open = false
	c.id++
	for range maxTerminate {
		if c.send(packet{termRequest, c.id, []byte(text)}.frame(protoLCP)) != nil {
			return
		}
		until := time.Now().Add(restartTime)
		for {
			f, err := c.next(ctx, until)
			if errors.Is(err, errTime) {
				break
			}
			if err != nil {
				return
			}
			switch p, ok := parsePacket(f.info); {
			case !ok || f.protocol != protoLCP:
			case p.code == termAck && p.id == c.id:
				return
			case p.code == termRequest:
				_ = c.send(packet{termAck, p.id, nil}.frame(protoLCP))
			}
		}
	}
}

// Leftover is what came after the last frame. If the carrier was lost, it begins with the modem's text about that.
func (c *Client) Leftover() string { return string(c.in.body) }

// watch ends the wait for the line when ctx ends. The returned function undoes it, and leaves no deadline on the line.
func (c *Client) watch(ctx context.Context) (undo func()) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = c.line.SetReadDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-ended
		}
		_ = c.line.SetReadDeadline(time.Time{})
	}
}

// next returns the next frame; errTime when the time has come. The zero time never comes.
func (c *Client) next(ctx context.Context, until time.Time) (frame, error) {
	if f := c.held; f != nil {
		c.held = nil
		return *f, nil
	}
	for {
		if err := c.line.SetReadDeadline(until); err != nil {
			return frame{}, fmt.Errorf("the modem's port: %w", err)
		}
		if ctx.Err() != nil { // checked after the deadline is set: watch sets it after ctx ends
			return frame{}, context.Cause(ctx)
		}
		f, err := c.read()
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return frame{}, fmt.Errorf("the modem's port: %w", err)
		case !until.IsZero() && !time.Now().Before(until):
			return frame{}, errTime
		}
	}
}

// read reads the line to the end of a frame, and not an octet more: text may follow.
func (c *Client) read() (frame, error) {
	for {
		octet, err := c.input.ReadByte()
		if err != nil {
			return frame{}, err
		}
		f, isFrame, isText := c.in.octet(octet)
		if isText {
			c.config.Text(octet)
		}
		if isFrame {
			return f, nil
		}
	}
}

// receive returns the next frame that concerns a phase: it answers the upkeep of an open link. While LCP is not open,
// its frames are returned too.
func (c *Client) receive(ctx context.Context, until time.Time) (frame, error) {
	for {
		f, err := c.next(ctx, until)
		if err != nil || f.protocol != protoLCP || !c.open {
			return f, err
		}
		p, ok := parsePacket(f.info)
		if !ok {
			continue
		}
		if p.code == protocolReject {
			return f, nil
		}
		if err := c.maintain(f, p); err != nil {
			return frame{}, err
		}
	}
}

// maintain answers a packet of LCP on an open link.
func (c *Client) maintain(f frame, p packet) error {
	switch p.code {
	case confRequest:
		c.down()
		c.held = &f
		return errAgain
	case termRequest:
		c.down()
		if err := c.send(packet{termAck, p.id, nil}.frame(protoLCP)); err != nil {
			return err
		}
		return &Terminated{string(p.data)}
	case echoRequest:
		if len(p.data) < 4 {
			return nil
		}
		data := append(binary.BigEndian.AppendUint32(nil, c.magic), p.data[4:]...)
		return c.send(packet{echoReply, p.id, data}.frame(protoLCP))
	case confAck, confNak, confReject, termAck, codeReject, echoReply, discardRequest, identification, timeRemaining:
		return nil
	}
	c.id++
	return c.send(packet{codeReject, c.id, f.info}.frame(protoLCP))
}

// down is LCP's end: everything above ends with it.
func (c *Client) down() {
	c.open, c.passed = false, false
	c.in.ignore = defaultMap
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out, c.carries = framing{escapes: defaultMap}, false
}

// other answers a frame that the current phase does not wait for. A protocol that the client has is ignored out of its
// phase (RFC 1661 §3.4 to §3.7), except a later challenge (RFC 1994 §2).
func (c *Client) other(f frame) error {
	switch f.protocol {
	case protoCHAP:
		if p, ok := parsePacket(f.info); ok && c.passed && p.code == chapChallenge && c.method.usesCHAP() {
			return c.respond(p)
		}
	case protoLCP, protoPAP, protoEAP, protoCBCP, protoIPCP, protoIPV6CP, protoIPv4, protoIPv6:
	default:
		c.id++
		data := binary.BigEndian.AppendUint16(nil, f.protocol)
		return c.send(packet{protocolReject, c.id, append(data, f.info...)}.frame(protoLCP))
	}
	return nil
}

func (c *Client) send(f frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.line.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		_, err = c.line.Write(c.out.encode(f))
	}
	if err == nil {
		err = c.line.SetWriteDeadline(time.Time{})
	}
	if err != nil {
		return fmt.Errorf("the modem's port: %w", err)
	}
	return nil
}

// talk takes the packets of one protocol until take is done or has an error. While nothing comes, again repeats what
// the server has to answer; nil repeats nothing.
func (c *Client) talk(ctx context.Context, protocol uint16, name string, again func() error,
	take func(packet) (done bool, err error)) error {
	limit := time.Now().Add(phaseTime)
	for {
		until := limit
		if again != nil {
			until = time.Now().Add(restartTime)
		}
		f, err := c.receive(ctx, until)
		switch {
		case errors.Is(err, errTime) && !time.Now().Before(limit):
			return fmt.Errorf("%s: the server does not answer within %v", name, phaseTime)
		case errors.Is(err, errTime):
			err = again()
		case err == nil && rejects(f, protocol):
			return fmt.Errorf("%s: the server does not have the protocol", name)
		case err == nil && f.protocol != protocol:
			err = c.other(f)
		case err == nil:
			if p, ok := parsePacket(f.info); ok {
				done, failed := take(p)
				if done || failed != nil {
					return failed
				}
			}
		}
		if err != nil {
			return err
		}
	}
}

package netdev

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Options configure a Userspace network. The zero value works.
type Options struct {
	Reach  Reach
	Limits Limits

	// Debug, if set, gets a line about each connection that is opened, refused or closed; name is the session's. It
	// must not block.
	Debug func(name, text string)
}

// Limits bound what callers can use. Each zero field has the default in its comment. Every connection, UDP flow and
// ping uses a file descriptor of this process.
type Limits struct {
	Connections int // TCP connections of a session: 64
	HalfOpen    int // of these, those being opened: 16
	Flows       int // UDP flows and pings of a session: 128; a new one replaces the one idle longest
	Total       int // connections and flows of all sessions: 4096

	// The limits on idle connections are checked when they expire, so that a connection ends between one and two of
	// them after the last segment.
	Dial       time.Duration // to connect to a host, and again to finish the handshake with the caller: 20 s
	Idle       time.Duration // of a TCP connection: 2 h 4 min (RFC 5382 REQ-5)
	HalfClosed time.Duration // of a TCP connection that one side has closed: 4 min
	FlowIdle   time.Duration // of a UDP flow or ping: 2 min (RFC 4787 REQ-5)
}

// WithDefaults returns the limits with the default in place of each zero.
func (l Limits) WithDefaults() Limits {
	for _, f := range []struct {
		value *int
		def   int
	}{{&l.Connections, 64}, {&l.HalfOpen, 16}, {&l.Flows, 128}, {&l.Total, 4096}} {
		if *f.value <= 0 {
			*f.value = f.def
		}
	}
	for _, f := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&l.Dial, 20 * time.Second}, {&l.Idle, 2*time.Hour + 4*time.Minute}, {&l.HalfClosed, 4 * time.Minute},
		{&l.FlowIdle, 2 * time.Minute},
	} {
		if *f.value <= 0 {
			*f.value = f.def
		}
	}
	return l
}

// Userspace is the Network that needs no privilege: one gVisor stack for all sessions, with an interface (NIC) per
// session. A session has no goroutine of its own; a TCP connection has two, a UDP flow two, a ping one.
type Userspace struct {
	options Options
	stack   *stack.Stack
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	flows   atomic.Int64 // connections and flows of all sessions

	mu      sync.Mutex
	devices map[tcpip.NICID]*userDevice // nil once closed
}

// NewUserspace makes the network. It starts a few goroutines; Close ends them.
func NewUserspace(o Options) (*Userspace, error) {
	if err := o.Reach.Check(); err != nil {
		return nil, fmt.Errorf("userspace network: %w", err)
	}
	o.Limits = o.Limits.WithDefaults()
	if o.Debug == nil {
		o.Debug = func(string, string) {}
	}
	s, err := newStack()
	if err != nil {
		return nil, fmt.Errorf("userspace network: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	u := &Userspace{options: o, stack: s, ctx: ctx, cancel: cancel, devices: map[tcpip.NICID]*userDevice{}}
	s.SetTransportProtocolHandler(tcp.ProtocolNumber, u.handleTCP)
	s.SetTransportProtocolHandler(udp.ProtocolNumber, u.handleUDP)
	return u, nil
}

// Octets that a TCP endpoint or UDP flow may hold for a caller, each way. A modem's line never has more in flight.
const (
	leastBuffer, usualBuffer, greatestBuffer = 4 << 10, 32 << 10, 64 << 10
)

// newStack makes the stack. It has no ICMP: pings are forwarded or refused, never answered by the stack.
func newStack() (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			ipv4.NewProtocolWithOptions(ipv4.Options{AllowExternalLoopbackTraffic: true}), // Reach decides
			ipv6.NewProtocolWithOptions(ipv6.Options{
				AllowExternalLoopbackTraffic: true,
				NDPConfigs:                   ipv6.NDPConfigurations{HandleRAs: ipv6.HandlingRAsDisabled},
			}),
		},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	sack, moderate := tcpip.TCPSACKEnabled(true), tcpip.TCPModerateReceiveBufferOption(false)
	wait, linger := tcpip.TCPTimeWaitTimeoutOption(lingerTime), tcpip.TCPLingerTimeoutOption(lingerTime)
	// Without RACK (RFC 8985): after losses, the stack's ends a recovery with a segment on the way, none counted as
	// outstanding and no timer running. It then never sends again.
	var rack tcpip.TCPRecovery
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&sack, &moderate, &wait, &linger, &rack,
		&tcpip.TCPSendBufferSizeRangeOption{Min: leastBuffer, Default: usualBuffer, Max: greatestBuffer},
		&tcpip.TCPReceiveBufferSizeRangeOption{Min: leastBuffer, Default: usualBuffer, Max: greatestBuffer},
	} {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			s.Destroy()
			return nil, fmt.Errorf("set option %T: %v", o, err)
		}
	}
	for _, o := range []any{
		tcpip.SendBufferSizeOption{Min: leastBuffer, Default: usualBuffer, Max: greatestBuffer},
		tcpip.ReceiveBufferSizeOption{Min: leastBuffer, Default: usualBuffer, Max: greatestBuffer},
	} {
		if err := s.SetOption(o); err != nil {
			s.Destroy()
			return nil, fmt.Errorf("set option %T: %v", o, err)
		}
	}
	return s, nil
}

// Open implements Network. Two sessions cannot have the same addresses.
func (u *Userspace) Open(s Session) (Device, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	d, err := u.add(s)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.SetIPv4(s.IPv4), d.SetIPv6(s.IPv6)); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// add makes a device without addresses and its interface in the stack.
func (u *Userspace) add(s Session) (*userDevice, error) {
	id := u.stack.NextNICID()
	d := newUserDevice(u, id, s)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.devices == nil {
		return nil, ErrClosed
	}
	nic := &nicEndpoint{link: d.link}
	err := u.stack.CreateNIC(id, nic)
	if err == nil {
		// The stack takes packets for every address and answers from it.
		err = firstError(u.stack.SetPromiscuousMode(id, true), u.stack.SetSpoofing(id, true))
	}
	if err != nil {
		_ = u.stack.RemoveNIC(id)
		return nil, fmt.Errorf("interface %s: create it in the userspace stack: %v", s.Name, err)
	}
	d.nic = nic
	u.devices[id] = d
	return d, nil
}

func firstError(a, b tcpip.Error) tcpip.Error {
	if a != nil {
		return a
	}
	return b
}

// claim records that the networks belong to d, unless an address of them belongs to another session.
func (u *Userspace) claim(d *userDevice, nets []netip.Prefix, record func()) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, other := range u.devices {
		if other == d {
			continue
		}
		for _, a := range nets {
			for _, b := range other.link.nets() {
				if a.Overlaps(b) {
					return fmt.Errorf("interface %s: %v is in use by the session on %s",
						d.link.name, a, other.link.name)
				}
			}
		}
	}
	record()
	return nil
}

// inSession reports whether an address is at either end of a session's link. Nobody reaches it from here.
func (u *Userspace) inSession(a netip.Addr) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, d := range u.devices {
		v4 := d.link.v4.Load()
		if d.link.owns(a) || v4 != nil && v4.Local == a {
			return true
		}
	}
	return false
}

func (u *Userspace) device(id tcpip.NICID) *userDevice {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.devices[id]
}

// forget removes a closed device.
func (u *Userspace) forget(d *userDevice) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.devices, d.id)
}

// Close implements Network.
func (u *Userspace) Close() error {
	u.mu.Lock()
	devices := u.devices
	u.devices = nil
	u.mu.Unlock()
	for _, d := range devices {
		_ = d.Close()
	}
	u.cancel()
	if devices != nil {
		u.stack.Close()
		u.stack.Wait()
	}
	return nil
}

// resolve returns where a flow of a caller to dst leads, or why it is refused. Port 0 stands for a ping.
func (u *Userspace) resolve(dst netip.AddrPort) (netip.AddrPort, error) {
	switch u.options.Reach.decide(dst) {
	case closed:
		return dst, errors.New("this destination is closed to callers")
	case allowed:
		if to, ok := u.options.Reach.Services[dst]; ok && dst.Port() != 0 {
			return to, nil
		}
		return dst, nil
	}
	if u.inSession(dst.Addr()) {
		return dst, errors.New("this is an address of a session")
	}
	own, err := isOwn(dst.Addr())
	if err == nil && own {
		err = errors.New("this is an address of this machine, which callers reach only if it is allowed")
	}
	return dst, err
}

package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/nvt"
)

// Hosts configures connections from sessions to hosts (Login-IP-Host, an autocmd, `telnet`). The zero value allows AAA
// any host except this machine and link-local addresses, and allows callers none.
type Hosts struct {
	// Default is the host for Login-IP-Host 0.0.0.0 (chosen by the access server): an address or a name. With "", such
	// an authorization is rejected.
	Default string
	// Ask lets the caller choose a host from Allow for Login-IP-Host 255.255.255.255 (chosen by the user).
	Ask bool
	// Allow lists the allowed hosts. If it is empty, AAA may name any host except loopback, link-local, multicast and
	// unspecified addresses and those of this machine: an attribute must not give access to ports that trust local
	// users.
	Allow []HostRule
	// Within has the addresses to which this session may be connected, whatever names the host; nil: any.
	Within []netip.Prefix

	Timeout  time.Duration // connection timeout; 0 means 15 s
	Terminal string        // terminal type sent to the host on request; "" means "vt100"

	// Dial connects; nil means a net.Dialer. It returns when ctx ends.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve looks up the addresses of a name; nil means the system resolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
}

// HostRule is one entry of Hosts.Allow.
type HostRule struct {
	Prefix netip.Prefix
	Port   int // 0: any

}

// ParseHostRule parses "10.0.0.0/8", "10.0.0.5", "10.0.0.5:23", "[2001:db8::5]:23" or "10.0.0.0/8:23".
func ParseHostRule(s string) (HostRule, error) {
	text, port := s, 0
	if at := strings.LastIndexByte(s, ':'); at >= 0 && (strings.Count(s, ":") == 1 || s[0] == '[' && s[at-1] == ']') {
		n, err := strconv.ParseUint(s[at+1:], 10, 16)
		if err != nil || n == 0 {
			return HostRule{}, fmt.Errorf("host %q: port %q is not between 1 and 65535", s, s[at+1:])
		}
		text, port = s[:at], int(n)
	}
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			const want = "an address or a prefix, with or without a port: 10.0.0.0/8, 10.0.0.5:23, [2001:db8::5]:23"
			return HostRule{}, fmt.Errorf("host %q: expected %s", s, want)
		}
		addr = addr.Unmap()
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	return HostRule{Prefix: prefix.Masked(), Port: port}, nil
}

// chooser is the source of a host name.
type chooser int

const (
	byAAA chooser = iota
	byOperator
	byCaller
)

// refuses returns why a host is not allowed; nil if it is allowed.
func (h Hosts) refuses(host netip.AddrPort, by chooser) error {
	addr := host.Addr().Unmap()
	if h.Within != nil && !slices.ContainsFunc(h.Within, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return fmt.Errorf("host %v is not in exec.hosts of the group's policy", host)
	}
	for _, rule := range h.Allow {
		if rule.Prefix.Contains(addr) && (rule.Port == 0 || rule.Port == int(host.Port())) {
			return nil
		}
	}
	switch {
	case by == byOperator:
		return nil
	case len(h.Allow) > 0:
		return fmt.Errorf("host %v is not allowed by exec.hosts.allow", host)
	case by == byCaller:
		return fmt.Errorf("host %v: callers may connect only to hosts in exec.hosts.allow, which is empty", host)
	case addr.IsLoopback() || addr.IsUnspecified() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || isOurs(addr):
		const why = "local, link-local and multicast addresses must be listed in exec.hosts.allow"
		return fmt.Errorf("host %v: %s", host, why)
	}
	return nil
}

// isOurs reports whether addr is an address of this machine; true if these cannot be determined.
func isOurs(addr netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == addr {
				return true
			}
		}
	}
	return false
}

// target is the host of a connection.
type target struct {
	service string // aaa.Telnet or aaa.TCPClear
	host    string // an address or a name
	port    int
	by      chooser
	sealed  bool // the caller cannot leave it with the escape character
}

func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// title is the name shown to the caller, as in IOS.
func (t target) title() string {
	if t.port == telnetPort {
		return t.host
	}
	return fmt.Sprintf("%s, %d", t.host, t.port)
}

const telnetPort = 23

// Special addresses of an aaa.Host.
const (
	hostOurChoice = ""
	hostAny       = "any"
)

// target returns the target for a host granted by AAA. Its host is "" if the caller chooses it.
func (h Hosts) target(granted aaa.Host, sealed bool) (target, error) {
	t := target{service: granted.Service, host: granted.Address, port: granted.Port, sealed: sealed}
	if t.service == aaa.Telnet {
		t.port = cmp.Or(t.port, telnetPort)
	}
	switch {
	case t.service != aaa.Telnet && t.service != aaa.TCPClear:
		return t, fmt.Errorf("login service %q is not supported (supported: %s, %s)", t.service, aaa.Telnet,
			aaa.TCPClear)
	case t.port < 1 || t.port > 65535:
		return t, fmt.Errorf("login service %s: port %d is not between 1 and 65535", t.service, t.port)
	case t.host == hostOurChoice && h.Default == "":
		return t, errors.New("AAA requests the default host, but exec.hosts.default is not set")
	case t.host == hostOurChoice:
		t.host, t.by = h.Default, byOperator
		return t, nil
	case t.host == hostAny && (!h.Ask || len(h.Allow) == 0):
		return t, errors.New("AAA lets the caller choose the host, but exec.hosts.ask or exec.hosts.allow is not set")
	case t.host == hostAny:
		t.host, t.by = "", byCaller
		return t, nil
	}
	addr, err := netip.ParseAddr(t.host)
	if err != nil {
		return t, fmt.Errorf("host %q is not an address", t.host)
	}
	return t, h.refuses(netip.AddrPortFrom(addr, uint16(t.port)), byAAA)
}

// unjoinable returns why a granted host cannot be reached; "" if no reason is known without trying.
func (h Hosts) unjoinable(granted aaa.Host) string {
	if _, err := h.target(granted, false); err != nil {
		return err.Error()
	}
	return ""
}

// dial connects to t. It looks up a name once and checks the addresses before connecting.
func (h Hosts) dial(ctx context.Context, t target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(max(h.Timeout, 0), defaultHostTimeout))
	defer cancel()
	addrs, err := h.addresses(ctx, t.host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", t.host, err)
	}
	dial := h.Dial
	if dial == nil {
		dial = (&net.Dialer{Control: nvt.UrgentInline}).DialContext
	}
	errs := make([]error, 0, len(addrs))
	for _, addr := range addrs {
		host := netip.AddrPortFrom(addr.Unmap(), uint16(t.port))
		if err := h.refuses(host, t.by); err != nil {
			errs = append(errs, refusedError{err})
			continue
		}
		conn, err := dial(ctx, "tcp", host.String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, cmp.Or(errors.Join(errs...), fmt.Errorf("look up %s: no addresses found", t.host))
}

// refusedError is the error for a host that is not allowed.
type refusedError struct{ error }

const (
	defaultHostTimeout = 15 * time.Second
	maxHostName        = 253 // RFC 1035 §2.3.4, in its text form
)

func (h Hosts) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if !isHostName(host) {
		return nil, errors.New("neither an address nor a name")
	}
	if h.Resolve != nil {
		return h.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// isHostName reports whether name has only characters of host names.
func isHostName(name string) bool {
	return name != "" && len(name) <= maxHostName && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

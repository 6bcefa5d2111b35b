package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parseRule reads a rule of a list of kind k: see the grammar in the package documentation.
func parseRule(k kind, text string) (rule, error) {
	f := strings.Fields(text)
	if len(f) < 2 {
		return rule{}, errors.New("expected an action, a protocol and a remote host, such as " + k.example())
	}
	var r rule
	var err error
	if r.pass, err = k.parseAction(f[0]); err != nil {
		return rule{}, err
	}
	if r.protocol, err = parseProtocol(f[1]); err != nil {
		return rule{}, err
	}
	f = f[2:]
	if len(f) > 0 && f[0] != "established" {
		if r.net, r.ports, err = parseRemote(f[0]); err != nil {
			return rule{}, err
		}
		f = f[1:]
	}
	if len(f) > 0 && f[0] == "established" {
		r.established = true
		f = f[1:]
	}
	if len(f) > 0 {
		return rule{}, fmt.Errorf("unexpected %q after the rule", f[0])
	}
	r.later = !r.transport() || r.pass != k.otherwise()
	return r, r.check()
}

// check returns an error if the fields of r do not fit each other.
func (r *rule) check() error {
	switch {
	case r.ports != nil && r.protocol != protoTCP && r.protocol != protoUDP:
		return fmt.Errorf("ports need the protocol tcp or udp, not %s", protocolText(r.protocol))
	case r.established && r.protocol != protoTCP:
		return fmt.Errorf("established needs the protocol tcp, not %s", protocolText(r.protocol))
	case r.protocol == protoICMP && r.net.version == 6:
		return errors.New("icmp is a protocol of IPv4; for an IPv6 host use icmpv6")
	case r.protocol == protoICMPv6 && r.net.version == 4:
		return errors.New("icmpv6 is a protocol of IPv6; for an IPv4 host use icmp")
	}
	return nil
}

func parseProtocol(s string) (int16, error) {
	for _, p := range protocolNames {
		if s == p.name {
			return p.number, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("unknown protocol %q; use ip, icmp, icmpv6, tcp, udp or a number from 1 to 255", s)
	}
	if isExtension(uint8(n)) {
		return 0, fmt.Errorf("protocol %d is an IPv6 extension header, which rules skip", n)
	}
	return int16(n), nil
}

// parseRemote reads a host, its ports, or both.
func parseRemote(s string) (network, []ports, error) {
	host, list, hasPorts, err := splitRemote(s)
	if err != nil {
		return network{}, nil, err
	}
	var n network
	if host != "" && host != "any" {
		if n, err = parseHost(host); err != nil {
			return network{}, nil, err
		}
	}
	if !hasPorts {
		return n, nil, nil
	}
	p, err := parsePorts(list)
	return n, p, err
}

// splitRemote separates a host, without its brackets, and its ports.
func splitRemote(s string) (host, ports string, hasPorts bool, err error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		host, after, closed := strings.Cut(inner, "]")
		ports, hasPorts = strings.CutPrefix(after, ":")
		switch {
		case !closed:
			return "", "", false, fmt.Errorf("%q has no closing bracket", s)
		case after != "" && !hasPorts:
			return "", "", false, fmt.Errorf("unexpected %q after the bracket; ports follow a colon", after)
		case !strings.Contains(host, ":"):
			return "", "", false, fmt.Errorf("%q in brackets is not an IPv6 address or prefix", host)
		}
		return host, ports, hasPorts, nil
	}
	if strings.Count(s, ":") < 2 {
		host, ports, hasPorts = strings.Cut(s, ":")
		return host, ports, hasPorts, nil
	}
	_, length, isPrefix := strings.Cut(s, "/")
	if isPrefix && !strings.Contains(length, ":") {
		return s, "", false, nil
	}
	return "", "", false, fmt.Errorf("%q: an IPv6 host needs brackets: [2001:db8::1]:25 or [2001:db8::/32]:25", s)
}

func parseHost(s string) (network, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return network{}, fmt.Errorf("%q is not an IP address, a prefix or any", s)
		}
		if a.Is4In6() {
			return network{}, fmt.Errorf("write the IPv4 address %s instead of %s", a.Unmap(), s)
		}
		return newNetwork(netip.PrefixFrom(a, a.BitLen())), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return network{}, fmt.Errorf("%q is not a prefix such as 192.0.2.0/24 or 2001:db8::/32", s)
	}
	if p.Addr().Is4In6() {
		return network{}, fmt.Errorf("write an IPv4 prefix instead of %s", s)
	}
	if p != p.Masked() {
		return network{}, fmt.Errorf("%s has bits after its length; write %s or %s", s, p.Masked(), p.Addr())
	}
	return newNetwork(p), nil
}

func parsePorts(s string) ([]ports, error) {
	var list []ports
	for part := range strings.SplitSeq(s, ",") {
		p, ok := parseRange(part)
		if !ok {
			return nil, fmt.Errorf("%q is not a port (25), a range (1024-2048 or >1023) or a list of them", s)
		}
		list = append(list, p)
	}
	return list, nil
}

func parseRange(s string) (ports, bool) {
	if above, ok := strings.CutPrefix(s, ">"); ok {
		n, ok := parsePort(above)
		return ports{n + 1, 65535}, ok && n < 65535
	}
	if below, ok := strings.CutPrefix(s, "<"); ok {
		n, ok := parsePort(below)
		return ports{0, n - 1}, ok && n > 0
	}
	first, last, isRange := strings.Cut(s, "-")
	low, ok := parsePort(first)
	if !isRange {
		return ports{low, low}, ok
	}
	high, ok2 := parsePort(last)
	return ports{low, high}, ok && ok2 && low <= high
}

func parsePort(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil
}

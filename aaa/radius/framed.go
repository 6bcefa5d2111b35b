package radius

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// framed is the PPP part of the grant.
func (r *reading) framed() *aaa.Framed {
	if r.a.Framed == nil {
		r.a.Framed = &aaa.Framed{}
	}
	return r.a.Framed
}

// fill sets a field that may be said once, or twice alike.
func (r *reading) fill(field *string, name, v string) error {
	if err := r.same(name, v); err != nil {
		return err
	}
	*field = v
	return nil
}

func (r *reading) framedProtocol(v value) error {
	if v.n != 1 {
		return fmt.Errorf("%d (%s) is not served, only PPP is", v.n, printable(framedProtocols[v.n]))
	}
	r.framed().Protocol = "PPP"
	return nil
}

// framedAddress reads RFC 2865 §5.8's two addresses that are none.
func (r *reading) framedAddress(v value) error {
	switch v.s {
	case "255.255.255.255":
		v.s = "negotiate"
	case "255.255.255.254":
		v.s = "assign"
	}
	return r.fill(&r.framed().Address, "framed.address", v.s)
}

func (r *reading) framedNetmask(v value) error {
	return r.fill(&r.framed().Netmask, "framed.netmask", v.s)
}

func (r *reading) framedMTU(v value) error {
	if v.n < 64 || v.n > 65535 {
		return fmt.Errorf("%d is no MTU: 64 to 65535", v.n)
	}
	if err := r.same("framed.mtu", strconv.FormatUint(uint64(v.n), 10)); err != nil {
		return err
	}
	r.framed().MTU = int(v.n)
	return nil
}

func (r *reading) framedCompression(v value) error {
	name := framedCompressions[v.n]
	if name == "" {
		return r.left("an unknown compression, left")
	}
	r.framed().Compression = name
	return nil
}

func (r *reading) framedRoute(v value) error {
	f := r.framed()
	f.Routes = append(f.Routes, v.s)
	return nil
}

func (r *reading) framedPool(v value) error { return r.fill(&r.framed().Pool, "framed.pool", v.s) }

func (r *reading) framedIPv6Pool(v value) error {
	return r.fill(&r.framed().IPv6Pool, "framed.ipv6_pool", v.s)
}

func (r *reading) framedInterface(v value) error {
	return r.fill(&r.framed().InterfaceID, "framed.interface_id", v.s)
}

func (r *reading) framedPrefix(v value) error {
	f := r.framed()
	f.IPv6Prefix = append(f.IPv6Prefix, v.s)
	return nil
}

func (r *reading) framedIPv6Address(v value) error { return r.framedPrefix(value{s: v.s + "/128"}) }

// dns adds a server; one that came before is not there twice. 0.0.0.0 is none, as vendors have it.
func (r *reading) dns(v value) error {
	f := r.framed()
	if v.s != "0.0.0.0" && !slices.Contains(f.DNS, v.s) {
		f.DNS = append(f.DNS, v.s)
	}
	return nil
}

func (r *reading) inACL(v value) error {
	f := r.framed()
	f.InACL = append(f.InACL, v.s)
	return nil
}

func (r *reading) outACL(v value) error {
	f := r.framed()
	f.OutACL = append(f.OutACL, v.s)
	return nil
}

// sendSecret takes what proves us to the called side.
func (r *reading) sendSecret(v value) error {
	if r.a.SendSecret != "" && string(r.a.SendSecret) != v.s {
		return fmt.Errorf("it is another secret than that of %s", r.said("send_secret"))
	}
	r.facts = append(r.facts, fact{field: "send_secret", by: r.at})
	r.a.SendSecret = aaa.Secret(v.s)
	return nil
}

// ipAddress reads an address in text.
func ipAddress(s string) (string, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", errors.New(quoted(s) + " is no IP address")
	}
	return a.String(), nil
}

// pairDNS reads ip:dns-servers, addresses with spaces between; all of them or none.
func (r *reading) pairDNS(v string) error {
	servers := strings.Fields(v)
	for i, s := range servers {
		a, err := ipAddress(s)
		if err != nil {
			return err
		}
		servers[i] = a
	}
	for _, s := range servers {
		if err := r.dns(value{s: s}); err != nil {
			return err
		}
	}
	return nil
}

// pairAddress reads ip:addr.
func (r *reading) pairAddress(v string) error {
	a, err := ipAddress(v)
	if err != nil {
		return err
	}
	return r.framedAddress(value{s: a})
}

package node

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/config"
)

// resolveTime limits how long the start looks up the addresses of AAA servers; unresolved ones are not checked.
const resolveTime = 10 * time.Second

// warnOfCleartext logs, one line for each protocol, the servers whose traffic can be read or forged by the
// network in between: TACACS+ without TLS except on this machine (RFC 8907 §10), and RADIUS over UDP beyond
// private networks (RFC 6614 §1).
func (d *daemon) warnOfCleartext(ctx context.Context,
	resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	tacacs, udp := exposed(ctx, d.cfg, resolve)
	if len(tacacs) > 0 {
		d.log.Warn("TACACS+ without TLS: anyone able to read the network can recover passwords (add tls to the "+
			"servers in aaa.tacacs, or use a separate network)",
			zap.Strings("servers", tacacs))
	}
	if len(udp) > 0 {
		d.log.Warn("RADIUS over UDP beyond private networks: user names, numbers and authorizations can be read "+
			"(set transport: tls for the servers in aaa.radius, or use a VPN)",
			zap.Strings("servers", udp))
	}
}

// exposed returns the names of the servers to warn of. A server whose name has no address now is left out: no
// request can be sent to it either.
func exposed(ctx context.Context, cfg *config.Config,
	resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)) (tacacs, udp []string) {
	reaches := func(address string, far func(netip.Addr) bool) bool {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = strings.Trim(address, "[]")
		}
		if a, err := netip.ParseAddr(host); err == nil {
			return far(a.Unmap())
		}
		addrs, _ := resolve(ctx, "ip", host)
		return slices.ContainsFunc(addrs, func(a netip.Addr) bool { return far(a.Unmap()) })
	}
	for _, s := range cfg.TACACS.Servers {
		if s.TLS == nil && reaches(s.Address, func(a netip.Addr) bool { return !a.IsLoopback() }) {
			tacacs = append(tacacs, s.Name)
		}
	}
	for _, s := range cfg.RADIUS.Servers {
		if s.Transport != radius.TLS && (reaches(s.Address, public) || s.Accounting != "" &&
			reaches(s.Accounting, public)) {
			udp = append(udp, s.Name)
		}
	}
	return tacacs, udp
}

// public reports whether an address is outside this machine, the link, and private networks (RFC 1918, RFC
// 4193).
func public(a netip.Addr) bool { return !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast() }

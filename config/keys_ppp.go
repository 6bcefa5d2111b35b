package config

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/schema"
)

// The kinds of network devices.
const (
	NetdevUserspace = "userspace"
	NetdevTUN       = "tun"
)

// notPPP has what operators of other access servers may look for.
var notPPP = map[string]string{
	"multilink": "Multilink is not supported: a caller has one link",
	"mrru":      "Multilink is not supported: a caller has one link",
	"slip":      "SLIP is not supported: it has no login of its own and no callback",
	"mppe":      "MPPE is not supported: a user whose authorization requires encryption is rejected",
	"vj":        "header compression of Van Jacobson is not supported",
	"ccp":       "compression is not supported",
	"mru":       "the MRU is 1500; AAA can limit packets to a caller (Framed-MTU)",
}

// pppKeys are the keys of `ppp`.
var pppKeys = []schema.Key{
	{Name: "callback", Reload: schema.NewCalls, Type: schema.Bool, Default: "true", Example: "false",
		Doc: "IOS's `ppp callback accept`. `false`: a user whose authorization requires a callback is " +
			"rejected, and no caller can request one."},
	{Name: "netdev", Reload: schema.Restart, Enum: []string{NetdevUserspace, NetdevTUN}, Example: "tun",
		Doc: "What carries the callers' packets; required with `profiles`. `userspace` needs no privilege: ringback " +
			"ends the callers' connections and continues them with its own, so that hosts see the address of this " +
			"machine. `tun` makes an interface `ppp65` for the session on tty 65, and the kernel routes; it needs " +
			"Linux, /dev/net/tun and CAP_NET_ADMIN. See [PPP](../how-to/ppp.md)."},
	{Name: "userspace", Reload: schema.Restart, Type: schema.Object, Keys: userspaceKeys,
		Doc: "What callers reach with `netdev: userspace`. Loopback and link-local addresses and those of this " +
			"machine are closed unless `allow` or `services` opens them."},
	{Name: "profiles", Reload: schema.NewCalls, Type: schema.List, Elem: &schema.Key{Type: schema.Object,
		Keys: profileKeys, Absent: notPPP}, Doc: "How callers are served, for the `ppp_profile` of lines."},
	{Name: "pools", Reload: schema.AtOnce, Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: poolKeys},
		Doc: "Addresses for callers, by name: for the profiles, Framed-Pool, and Framed-IPv6-Pool. A caller keeps " +
			"its address when its pool changes."},
	{Name: "filters", Reload: schema.NewCalls, Type: schema.List, Elem: &schema.Key{Type: schema.Object,
		Keys: filterKeys}, Doc: "Filters for the packets of callers, by name: for Filter-Id, `inacl` and `outacl`. A " +
		"user with a Filter-Id that is the name of neither a filter nor a policy file is rejected. See " +
		"[Filters](#filters)."},
}

var userspaceKeys = []schema.Key{
	{Name: "allow", Type: schema.List, Elem: &schema.Key{Check: checkTarget, Example: "127.0.0.1:80"},
		Example: `["127.0.0.1:80"]`, Doc: "Addresses or networks, with or without a port, that are otherwise closed."},
	{Name: "deny", Type: schema.List, Elem: &schema.Key{Check: checkNetwork, Example: "10.0.0.0/8"},
		Example: `["10.0.0.0/8"]`, Doc: "Further networks that are closed; `0.0.0.0/0` and `::/0` close all that `allow` " +
			"does not open."},
	{Name: "services", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
		{Name: "address", Required: true, Check: checkAddrPort, Example: "10.8.0.1:53",
			Doc: "Address and port that callers use, over TCP or UDP."},
		{Name: "to", Required: true, Check: checkAddrPort, Example: "127.0.0.53:53", Doc: "Where they lead."},
	}}, Doc: "Addresses that lead somewhere else. A caller cannot reach 127.0.0.1 of this machine by that address, " +
		"which is its own."},
}

var profileKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "default", Doc: "Name, used by lines."},
	{Name: "authentication", Type: schema.List, Min: 1, Max: int64(len(authMethods)),
		Elem: &schema.Key{Enum: enumOf(authMethods), Example: "chap"}, Example: "[ms-chap-v2, chap, pap]",
		Doc: "Methods in the order in which they are offered to the caller. " +
			"Default: `[ms-chap-v2, chap, pap]`."},
	{Name: "callback", Type: schema.List, Elem: &schema.Key{Enum: enumOf(callbackWays), Example: "cbcp"},
		Example: "[cbcp]", Doc: "How a caller may ask for a callback: `cbcp` as Windows and pppd do, `rfc1570` as " +
			"ISDN routers do. With `initiate`, a caller who asks for none is called back all the same, if its number " +
			"is fixed. Default: `[cbcp, rfc1570]`."},
	{Name: "address", Check: checkOwnIPv4, Example: "10.8.0.1",
		Doc: "IPv4 address of this access server on the links, the same on all. Default: no IPv4."},
	{Name: "pool", Check: schema.NotEmpty, Example: "dialin",
		Doc: "Pool of callers to which AAA grants no address or prefix. Default: AAA must grant an address, or the " +
			"caller gets no IPv4."},
	{Name: "dns", Type: schema.List, Max: 4, Elem: &schema.Key{Check: checkIP, Example: "192.0.2.53"},
		Example: "[192.0.2.53]", Doc: "Name servers for callers to which AAA grants none, for IPv4 at most two."},
	{Name: "wins", Type: schema.List, Max: 2, Elem: &schema.Key{Check: checkIPv4, Example: "192.0.2.54"},
		Example: "[192.0.2.54]", Doc: "NetBIOS name servers for callers to which AAA grants none."},
	{Name: "ipv6", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Offers IPv6. The prefix is that of AAA or of the pool; without one the caller has a link-local " +
			"address only."},
	{Name: "idle_timeout", Type: schema.Duration, Max: 24 * hour, Default: "0s", Example: "15m",
		Doc: "Ends a session without packets if AAA sends no Idle-Timeout; `0s` means no limit. A filter decides " +
			"which packets count."},
	{Name: "echo", Type: schema.Object, Doc: "Keepalive by LCP Echo-Requests.", Keys: []schema.Key{
		{Name: "every", Type: schema.Duration, Max: hour, Default: "30s", Example: "10s",
			Doc: "Interval; `0s` means none, and a caller that is gone is noticed by its carrier only."},
		{Name: "misses", Type: schema.Int, Min: 1, Max: 100, Default: "4", Example: "3",
			Doc: "The link ends after so many requests in a row to which nothing came back."},
	}},
}

var poolKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "dialin", Doc: "Name, used by profiles and AAA."},
	{Name: "addresses", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty, Example: "10.8.0.10-10.8.0.250"},
		Example: `["10.8.0.10-10.8.0.250"]`, Doc: "IPv4 addresses, ranges and networks. Of a network, the first and the " +
			"last address are left out."},
	{Name: "prefixes", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty, Example: `"2001:db8:8::/56"`},
		Example: `["2001:db8:8::/56"]`, Doc: "IPv6 prefixes of /48 to /64, of which each caller gets a /64."},
	{Name: "backup", Check: schema.NotEmpty, Example: "spare", Doc: "Pool that is used if this one is exhausted."},
	{Name: "holdback", Type: schema.Duration, Max: 24 * hour, Default: "0s", Example: "10m",
		Doc: "How long an address that was given back is kept for the same user. Packets for a caller do not reach " +
			"the next one."},
}

var filterKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "mail", Doc: "Name, used by AAA."},
	{Name: "in", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty, Example: `"allow tcp 192.0.2.25:25"`},
		Example: `["allow tcp 192.0.2.25:25"]`, Doc: "Rules for packets from the caller. Default: all pass."},
	{Name: "out", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty, Example: `"allow tcp any established"`},
		Example: `["allow tcp any established"]`, Doc: "Rules for packets to the caller. Default: all pass."},
	{Name: "idle", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty, Example: `"ignore udp :123"`},
		Example: `["ignore udp :123"]`, Doc: "Rules for which packets keep the session from being idle. Default: all count."},
}

// linePPPKeys are the keys of a line for PPP.
var linePPPKeys = []schema.Key{
	{Name: "autoselect", Reload: schema.NewCalls, Type: schema.List, Max: 2,
		Elem:    &schema.Key{Enum: []string{autoPPP, autoDuringLogin, autoDedicated}, Example: "ppp"},
		Example: "[ppp, during_login]", Doc: "How callers reach PPP (IOS `autoselect`). `[ppp]`: by the first " +
			"octets; nothing is sent before, and Return gives a prompt. `[ppp, during_login]`: the prompt is sent at " +
			"once, and PPP takes over if the caller sends it. `[dedicated]`: PPP only. Default: not at all, except " +
			"on leg two of a callback over PPP."},
	{Name: "ppp_profile", Reload: schema.NewCalls, Check: schema.NotEmpty, Example: "default",
		Doc: "Profile of `ppp.profiles`. A line without one does not serve PPP, and dials no callback of PPP."},
}

func checkTarget(s string) error {
	_, err := netdev.ParseTarget(s)
	return err
}

func checkNetwork(s string) error {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return errors.New("not a network (write 10.0.0.0/8 or 2001:db8::/32)")
	case p != p.Masked():
		return fmt.Errorf("bits after the length; write %s", p.Masked())
	}
	return nil
}

func checkAddrPort(s string) error {
	a, err := netip.ParseAddrPort(s)
	if err != nil || a.Port() == 0 || a.Addr().Zone() != "" {
		return errors.New("not an address and a port (write 192.0.2.1:53 or [2001:db8::1]:53)")
	}
	return nil
}

func checkIP(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || a.Zone() != "" || a.IsUnspecified() {
		return errors.New("not an address of a host")
	}
	return nil
}

func checkIPv4(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is4() || a.IsUnspecified() {
		return errors.New("not an IPv4 address of a host")
	}
	return nil
}

func checkOwnIPv4(s string) error {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return errors.New("not an IPv4 address")
	}
	if !a.IsGlobalUnicast() || a.As4()[0] == 0 || a.As4()[0] >= 240 {
		return errors.New("not an address for an end of a link")
	}
	return nil
}

package pairs

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Only this file defines what a pair means, in both protocols. To add a pair: add a row here, add values with what they
// grant in golden_test.go, and run `go test ./aaa/pairs -run Reference -update`.

// Row is one pair.
type Row struct {
	Name   string
	In     Place  // the places where it has a meaning
	Fills  string // the field of aaa.Authorization, as its JSON names it; "": it changes nothing
	Rule   string // which values are valid, for the reference
	Source string

	Many  bool   // may be repeated, also with a number: inacl#3
	Null  bool   // an empty value means something
	Note  string // of its Reading
	apply func(g *Grant, at Place, v string) error
}

const (
	draft  = "draft-grant-tacacs-02"
	rfc    = "RFC 8907 §8.2"
	ciscos = "Cisco, TACACS+ AV pairs"
	ours   = "ringback"
	lsdo   = "Cisco, large-scale dial-out"

	told = "reported, not enforced"

	// Filter is the rule of a value that restricts a PPP session.
	Filter = "the name of a filter in the configuration; the login is rejected without one"
)

// Table has every pair.
var Table = []Row{
	{Name: "callback-dialstring", In: EXEC | LCP, Fills: "callback, dialstring", Null: true, Source: draft, Many: true,
		apply: dialstring, Rule: "at most 64 octets; empty is NULL: the caller may type it; up to 10 different ones " +
			"are the numbers of the user, in this order, and none of several may be empty"},
	{Name: "dial-number", In: EXEC | LCP | Outbound, Fills: "callback, dialstring", Source: lsdo, Many: true,
		apply: dialNumber, Rule: "as `callback-dialstring`, but never empty; in outbound, the numbers that may be " +
			"dialed, and no callback"},
	{Name: "callback-line", In: EXEC | LCP, Fills: "callback, callback_line", Source: draft, apply: line,
		Rule: "a TTY number `7`, or a range `7-9` or `7 9`, with or without `tty ` before it"},
	{Name: "callback-rotary", In: EXEC | LCP, Fills: "callback, callback_rotary", Rule: "0 to 100", Source: draft,
		apply: rotary},
	{Name: "nocallback-verify", In: EXEC, Fills: "no_verify", Rule: "1 or true; 0 or false has no effect",
		Source: draft,
		apply:  noVerify},

	{Name: "priv-lvl", In: EXEC, Fills: FieldPriv, Rule: "0 to 15", Source: rfc, apply: privLevel},
	{Name: "autocmd", In: EXEC, Fills: "autocmd", Source: rfc, apply: autocmd},
	{Name: "noescape", In: EXEC, Fills: "noescape", Rule: "true or 1, false or 0", Source: rfc, apply: noEscape},
	{Name: "nohangup", In: EXEC, Fills: "nohangup", Rule: "true or 1, false or 0", Source: rfc, apply: noHangup},
	{Name: "acl", In: EXEC, Fills: "acl", Rule: told, Note: told, Source: rfc, apply: acl},
	{Name: "timeout", In: anyService, Fills: "session_timeout", Rule: minutesRule, Source: rfc, apply: timeout},
	{Name: "idletime", In: anyService, Fills: "idle_timeout", Rule: minutesRule, Source: rfc, apply: idleTime},

	{Name: "addr", In: IP, Fills: "framed.address", Source: rfc + "; RFC 2865 §5.8", apply: addr,
		Rule: "an IPv4 address except 0.0.0.0; 255.255.255.255 is `negotiate`, 255.255.255.254 `assign`"},
	{Name: "addr-pool", In: IP | IPv6, Fills: "framed.pool, framed.ipv6_pool", Source: rfc, apply: addrPool},
	{Name: "prefix", In: IPv6, Fills: "framed.ipv6_prefix", Rule: "an IPv6 prefix",
		Source: "Cisco, IPv6 per-user attributes", Many: true, apply: prefix},
	{Name: "route", In: IP | IPv6, Fills: "framed.routes", Source: draft + "; Cisco, IPv6 per-user attributes",
		Many: true, apply: route,
		Rule: "destination, mask, and optionally a gateway, as IPv4 addresses; of IPv6, a prefix and optionally a " +
			"gateway; kept as written"},
	{Name: "inacl", In: IP | IPv6, Fills: "framed.inacl", Rule: Filter, Source: rfc, Many: true,
		apply: inACL},
	{Name: "outacl", In: IP | IPv6, Fills: "framed.outacl", Rule: Filter, Source: rfc, Many: true,
		apply: outACL},
	{Name: "dns-servers", In: IP | IPv6, Fills: "framed.dns", Rule: serversRule, Source: ciscos, apply: dnsServers},
	{Name: "wins-servers", In: IP, Fills: "framed.wins", Rule: serversRule, Source: ciscos, apply: winsServers},
	{Name: "routing", In: IP | IPv6, Rule: "false or 0; true or 1 is refused: routing protocols are not supported",
		Source: draft, apply: routing},

	{Name: "send-secret", In: LCP | Outbound, Fills: "send_secret", Rule: "kept for leg two or, in outbound, for the " +
		"system script, printed as [secret]", Source: "Cisco document 10321; " + lsdo, apply: sendSecret},
	{Name: "send-name", In: LCP | Outbound, Fills: "dial_out.send_name", Rule: "in outbound, our name for the system " +
		"script; in lcp refused: leg two uses the caller's name", Source: lsdo, apply: sendName},
	{Name: "send-auth", In: LCP | Outbound, Fills: "dial_out.send_auth", Rule: "in outbound, `none`, `pap`, `chap`, " +
		"`ms-chap`, reported; in lcp refused: leg two authenticates as leg one did", Source: ciscos + "; " + lsdo,
		apply: sendAuth},
	{Name: "modem-script", In: Outbound, Fills: "dial_out.modem_script", Rule: scriptRule, Source: lsdo + " (12.2(2)T)",
		apply: modemScript},
	{Name: "system-script", In: Outbound, Fills: "dial_out.system_script", Rule: scriptRule,
		Source: lsdo + " (12.2(2)T)", apply: systemScript},
	{Name: "data-service", In: Outbound, Rule: "ignored: the lines are analog modems", Note: "the lines are analog " +
		"modems, ignored", Source: lsdo, apply: ignore},
	{Name: "force-56", In: Outbound, Rule: "ignored: the lines are analog modems", Note: "the lines are analog " +
		"modems, ignored", Source: lsdo, apply: ignore},
	{Name: "interface-config", In: LCP, Rule: "refused: there is no IOS interface to configure",
		Source: "Cisco, per-user configuration", Many: true,
		apply: refuse("there is no IOS interface to configure")},

	{Name: "group", In: anyService | Ours, Fills: "groups", Rule: "a plain name: a hint for the policies",
		Source: ours, Many: true, apply: group},
	{Name: "v92-info", In: Bare, Rule: "V.92 modem statistics, from accounting records: parsed and reported",
		Source: "Cisco, V.92 reporting", Many: true, Null: true, apply: v92Info},
}

const (
	scriptRule  = "a regular expression on the names of chat scripts, at most 64 octets"
	minutesRule = "minutes; 0 means no limit; the shortest of several applies"
	serversRule = "one or more IP addresses, separated by spaces; 0.0.0.0 means none"
)

// refuse returns the apply function of a pair that is understood but not supported: a mandatory one is refused, an
// optional one ignored (RFC 8907 §6.1).
func refuse(why string) func(*Grant, Place, string) error {
	return func(*Grant, Place, string) error { return errors.New(why) }
}

func dialstring(g *Grant, _ Place, v string) error {
	if v == "" {
		return g.CallTo(Typed, "")
	}
	return g.NextNumber("callback-dialstring", v)
}

func dialNumber(g *Grant, _ Place, v string) error { return g.NextNumber("dial-number", v) }

// line requires a callback, as every callback-* pair except nocallback-verify does: a profile with nothing else must
// not admit the user on this call.
func line(g *Grant, _ Place, v string) error {
	ttys, err := aaa.ParseCallbackLine(v, 65535)
	if err != nil {
		return err
	}
	if err := g.SetLines(ttys); err != nil {
		return err
	}
	return g.Demand()
}

func rotary(g *Grant, _ Place, v string) error {
	n, err := Decimal(v, 0, 100)
	if err != nil {
		return err
	}
	if err := g.SetRotary(n); err != nil {
		return err
	}
	return g.Demand()
}

func noVerify(g *Grant, _ Place, v string) error { return boolean(&g.A.NoVerify, v) }
func noEscape(g *Grant, _ Place, v string) error { return boolean(&g.A.NoEscape, v) }
func noHangup(g *Grant, _ Place, v string) error { return boolean(&g.A.NoHangup, v) }

func autocmd(g *Grant, _ Place, v string) error { return g.Fill(&g.A.Autocmd, FieldAutocmd, v) }
func acl(g *Grant, _ Place, v string) error     { return g.Fill(&g.A.ACL, "acl", v) }

func timeout(g *Grant, _ Place, v string) error  { return minutes(&g.A.SessionTimeout, v) }
func idleTime(g *Grant, _ Place, v string) error { return minutes(&g.A.IdleTimeout, v) }

func inACL(g *Grant, _ Place, v string) error  { g.AddInACL(v); return nil }
func outACL(g *Grant, _ Place, v string) error { g.AddOutACL(v); return nil }

func sendSecret(g *Grant, _ Place, v string) error { return g.SetSendSecret(v) }

// sendName is our name at the called system. In lcp it would be the name of the PPP peer that we are on leg two.
func sendName(g *Grant, at Place, v string) error {
	if at != Outbound {
		return errors.New("leg two uses the caller's name")
	}
	return g.Fill(&g.outbound().SendName, "dial_out.send_name", v)
}

func sendAuth(g *Grant, at Place, v string) error {
	v = strings.ToLower(v)
	switch {
	case at != Outbound:
		return errors.New("leg two authenticates as leg one did")
	case !slices.Contains([]string{"none", "pap", "chap", "ms-chap"}, v):
		return fmt.Errorf("%s is not none, pap, chap or ms-chap", Quoted(v))
	}
	return g.SetSendAuth(v)
}

func modemScript(g *Grant, _ Place, v string) error {
	return g.script(&g.outbound().ModemScript, "dial_out.modem_script", v)
}

func systemScript(g *Grant, _ Place, v string) error {
	return g.script(&g.outbound().SystemScript, "dial_out.system_script", v)
}

// script sets a pattern of names of scripts.
func (g *Grant) script(field *string, name, v string) error {
	if len(v) > MaxDialstring {
		return fmt.Errorf("it has %d octets; the maximum is %d", len(v), MaxDialstring)
	}
	if _, err := regexp.Compile(v); err != nil {
		return fmt.Errorf("%s is not a regular expression", Quoted(v))
	}
	return g.Fill(field, name, v)
}

func ignore(g *Grant, _ Place, _ string) error { return nil }

func privLevel(g *Grant, _ Place, v string) error {
	n, err := Decimal(v, 0, 15)
	if err != nil {
		return err
	}
	return g.Same(FieldPriv, strconv.Itoa(n))
}

func group(g *Grant, _ Place, v string) error {
	if !IsGroup(v) {
		return fmt.Errorf("%s is not a plain name (letters, digits, _ and -, at least one letter)", Quoted(v))
	}
	g.AddGroup(v)
	return nil
}

func addrPool(g *Grant, at Place, v string) error {
	if at == IPv6 {
		g.Field = "framed.ipv6_pool"
		return g.SetIPv6Pool(v)
	}
	g.Field = "framed.pool"
	return g.SetPool(v)
}

// addr reads Framed-IP-Address as text. IOS treats both as one attribute, so the two special addresses have the same
// meaning (RFC 2865 §5.8).
func addr(g *Grant, _ Place, v string) error {
	ip, err := ipv4(v)
	if err != nil {
		return err
	}
	if ip.IsUnspecified() {
		return fmt.Errorf("%s is not an assignable address", ip)
	}
	return g.SetAddress(ip.String())
}

func prefix(g *Grant, _ Place, v string) error {
	p, err := ipv6Prefix(v)
	if err != nil {
		return err
	}
	g.AddIPv6Prefix(p.Masked().String())
	return nil
}

func ipv6Prefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is6() || p.Addr().Is4In6() {
		return p, fmt.Errorf("%s is not an IPv6 prefix", Quoted(s))
	}
	return p, nil
}

// route must have the form that the draft requires, "destination mask [gateway]", and its mask must fit the
// destination; a route of IPv6 is "prefix [gateway]".
func route(g *Grant, at Place, v string) error {
	parts := strings.Fields(v)
	if at == IPv6 {
		return route6(g, v, parts)
	}
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%s is not a destination, a mask and an optional gateway", Quoted(v))
	}
	var ips [3][4]byte
	for i, p := range parts {
		ip, err := ipv4(p)
		if err != nil {
			return err
		}
		ips[i] = ip.As4()
	}
	gap := false
	for bit := range 32 {
		in := 1 << (7 - bit%8)
		set := int(ips[1][bit/8])&in != 0
		if set && gap || !set && int(ips[0][bit/8])&in != 0 {
			return fmt.Errorf("%s is not a mask for %s", parts[1], parts[0])
		}
		gap = gap || !set
	}
	g.AddRoute(v)
	return nil
}

func route6(g *Grant, v string, parts []string) error {
	if len(parts) < 1 || len(parts) > 2 {
		return fmt.Errorf("%s is not an IPv6 prefix and an optional gateway", Quoted(v))
	}
	if _, err := ipv6Prefix(parts[0]); err != nil {
		return err
	}
	if len(parts) == 2 {
		if ip, err := netip.ParseAddr(parts[1]); err != nil || !ip.Is6() || ip.Zone() != "" {
			return fmt.Errorf("%s is not an IPv6 address", Quoted(parts[1]))
		}
	}
	g.AddRoute(v)
	return nil
}

func routing(g *Grant, _ Place, v string) error {
	var on bool
	if err := boolean(&on, v); err != nil {
		return err
	}
	if on {
		return errors.New("routing protocols are not supported")
	}
	return g.Left("ignored: routing protocols are not supported")
}

func dnsServers(g *Grant, _ Place, v string) error  { return servers(v, g.AddDNS) }
func winsServers(g *Grant, _ Place, v string) error { return servers(v, g.AddWINS) }

// servers adds the whole list or nothing.
func servers(v string, add func(string)) error {
	all := strings.Fields(v)
	if len(all) == 0 {
		return errEmpty
	}
	for i, s := range all {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return fmt.Errorf("%s is not an IP address", Quoted(s))
		}
		all[i] = ip.String()
	}
	for _, s := range all {
		add(s)
	}
	return nil
}

func ipv4(s string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(s)
	if err != nil || !ip.Is4() {
		return ip, fmt.Errorf("%s is not an IPv4 address", Quoted(s))
	}
	return ip, nil
}

// boolean accepts true and false (RFC 8907 §8.1), and IOS's 1 and 0.
func boolean(field *bool, v string) error {
	switch v {
	case "1", "true":
		*field = true
	case "0", "false":
		*field = false
	default:
		return fmt.Errorf("%s is not true, 1, false or 0", Quoted(v))
	}
	return nil
}

// MaxMinutes is the longest limit in minutes: a longer one is a mistake and could overflow.
const MaxMinutes = 1 << 24

func minutes(field *time.Duration, v string) error {
	n, err := Decimal(v, 0, MaxMinutes)
	if err != nil {
		return err
	}
	Limit(field, time.Duration(n)*time.Minute)
	return nil
}

// Decimal parses decimal digits only, without a sign.
func Decimal(s string, low, high int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || int(n) < low || int(n) > high {
		return 0, fmt.Errorf("%s is not a number from %d to %d", Quoted(s), low, high)
	}
	return int(n), nil
}

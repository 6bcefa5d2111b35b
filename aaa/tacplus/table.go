package tacplus

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
)

// This file is the one place that says what an argument of an authorization means. A further attribute is a further row.

// The sessions for which an attribute is taken.
const (
	inEXEC = 1 << iota // service=shell cmd=
	inLCP              // service=ppp protocol=lcp
	inIP               // service=ppp protocol=ip
	inIPv6             // service=ppp protocol=ipv6

	inPPP = inLCP | inIP | inIPv6
	inAny = inEXEC | inPPP
)

// row is one attribute.
type row struct {
	name   string
	in     int    // the sessions for which it means something; in another it cannot be honoured
	many   bool   // may come more than once, and with a number: inacl#3
	field  string // of aaa.Authorization, as its JSON names it; "": it changes nothing
	check  string // what is refused, beside what all are checked for
	source string
	apply  func(r *reading, v string) error
}

const (
	draft  = "draft-grant-tacacs-02"
	rfc    = "RFC 8907 §8.2"
	ciscos = "Cisco TACACS+ AV pairs"
	ours   = "ringback"
)

var rows = []row{
	{"service", inAny, false, "", "the one that was asked for", rfc, (*reading).service},
	{"cmd", inEXEC, false, "", "empty: the session itself", rfc, (*reading).command},
	{"protocol", inPPP, false, "", "the one that was asked for", rfc, (*reading).protocol},

	{"callback-dialstring", inEXEC | inLCP, false, "callback, dialstring", "at most 64 octets; empty is NULL: the caller may type it", draft, (*reading).dialstring},
	{"callback-line", inEXEC | inLCP, false, "callback, callback_line", "a TTY number", draft, (*reading).line},
	{"callback-rotary", inEXEC | inLCP, false, "callback, callback_rotary", "0 to 100", draft, (*reading).rotary},
	{"nocallback-verify", inEXEC, false, "no_verify", "1 or true (0 or false: no)", draft, (*reading).noVerify},

	{"priv-lvl", inEXEC, false, "priv_lvl", "0 to 15", rfc, (*reading).privLevel},
	{"autocmd", inEXEC, false, "autocmd", "not empty", rfc, (*reading).autocmd},
	{"noescape", inEXEC, false, "noescape", "true or 1, false or 0", rfc, (*reading).noEscape},
	{"nohangup", inEXEC, false, "nohangup", "true or 1, false or 0", rfc, (*reading).noHangup},
	{"acl", inEXEC, false, "acl", "not empty; told, not enforced", rfc, (*reading).acl},
	{"timeout", inAny, false, "session_timeout", "minutes; 0 is none; of two the shorter", rfc, (*reading).timeout},
	{"idletime", inAny, false, "idle_timeout", "minutes; 0 is none; of two the shorter", rfc, (*reading).idleTime},

	{"addr", inIP, false, "framed.address", "an IPv4 address", rfc, (*reading).addr},
	{"addr-pool", inIP | inIPv6, false, "framed.pool, framed.ipv6_pool", "not empty", rfc, (*reading).addrPool},
	{"inacl", inIP | inIPv6, true, "framed.inacl", "not empty; a number after # makes several", rfc, (*reading).inACL},
	{"outacl", inIP | inIPv6, true, "framed.outacl", "not empty; a number after # makes several", rfc, (*reading).outACL},
	{"route", inIP, true, "framed.routes", "address, mask, and maybe a gateway; a number after # makes several", draft, (*reading).route},
	{"dns-servers", inIP | inIPv6, false, "framed.dns", "one or more IP addresses", ciscos, (*reading).dns},
	{"send-secret", inLCP, false, "send_secret (kept for leg two, never shown)", "not empty", ciscos, (*reading).sendSecret},

	{"group", inAny, true, "groups", "a hint for the policies", ours, (*reading).group},
	{"ringback:group", inAny, true, "groups", "a hint for the policies", ours, (*reading).group},
}

func (r *reading) service(v string) error {
	if "service="+v != r.asked[0] {
		return fmt.Errorf("%s was asked for", r.asked[0])
	}
	return nil
}

func (r *reading) command(v string) error {
	if v != "" {
		return errors.New("a session was asked for, not a command")
	}
	return nil
}

func (r *reading) protocol(v string) error {
	if v != r.ask.protocol {
		return fmt.Errorf("protocol=%s was asked for", r.ask.protocol)
	}
	return nil
}

func (r *reading) dialstring(v string) error {
	if len(v) > maxDialstring {
		return fmt.Errorf("%d octets: a dial string has at most %d", len(v), maxDialstring)
	}
	r.a.Callback, r.a.Dialstring = true, aaa.DialstringOf(v)
	return nil
}

func (r *reading) line(v string) error {
	n, err := decimal(v, 1, 65535)
	if err == nil {
		r.a.Callback, r.a.Lines = true, []int{n}
	}
	return err
}

func (r *reading) rotary(v string) error {
	n, err := decimal(v, 0, 100)
	if err == nil {
		r.a.Callback, r.a.Rotary = true, &n
	}
	return err
}

func (r *reading) privLevel(v string) error {
	n, err := decimal(v, 0, 15)
	if err == nil {
		r.a.PrivLevel = n
	}
	return err
}

func (r *reading) noVerify(v string) error { return boolean(&r.a.NoVerify, v) }
func (r *reading) noEscape(v string) error { return boolean(&r.a.NoEscape, v) }
func (r *reading) noHangup(v string) error { return boolean(&r.a.NoHangup, v) }
func (r *reading) autocmd(v string) error  { return text(&r.a.Autocmd, v) }
func (r *reading) acl(v string) error      { return text(&r.a.ACL, v) }
func (r *reading) inACL(v string) error    { return list(&r.framed().InACL, v) }
func (r *reading) outACL(v string) error   { return list(&r.framed().OutACL, v) }
func (r *reading) group(v string) error    { return list(&r.a.Groups, v) }
func (r *reading) timeout(v string) error  { return minutes(&r.a.SessionTimeout, v) }
func (r *reading) idleTime(v string) error { return minutes(&r.a.IdleTimeout, v) }

func (r *reading) addrPool(v string) error {
	if r.where == inIPv6 {
		return text(&r.framed().IPv6Pool, v)
	}
	return text(&r.framed().Pool, v)
}

func (r *reading) sendSecret(v string) error {
	var s string
	err := text(&s, v)
	r.a.SendSecret = aaa.Secret(s)
	return err
}

func (r *reading) addr(v string) error {
	ip, err := netip.ParseAddr(v)
	if err != nil || !ip.Is4() || ip.IsUnspecified() {
		return fmt.Errorf("%q is no IPv4 address to give", v)
	}
	r.framed().Address = ip.String()
	return nil
}

// route is checked and kept as it is written: destination, mask, gateway.
func (r *reading) route(v string) error {
	parts := strings.Fields(v)
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%q is not an address, a mask, and maybe a gateway", v)
	}
	for _, p := range parts {
		if ip, err := netip.ParseAddr(p); err != nil || !ip.Is4() {
			return fmt.Errorf("%q is no IPv4 address", p)
		}
	}
	return list(&r.framed().Routes, v)
}

func (r *reading) dns(v string) error {
	var all []string
	for p := range strings.FieldsSeq(v) {
		ip, err := netip.ParseAddr(p)
		if err != nil {
			return fmt.Errorf("%q is no IP address", p)
		}
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return errEmpty
	}
	r.framed().DNS = all
	return nil
}

func (r *reading) framed() *aaa.Framed {
	if r.a.Framed == nil {
		r.a.Framed = &aaa.Framed{Protocol: "PPP"}
	}
	return r.a.Framed
}

var errEmpty = errors.New("it is empty")

func text(field *string, v string) error {
	if v == "" {
		return errEmpty
	}
	*field = v
	return nil
}

func list(field *[]string, v string) error {
	if v == "" {
		return errEmpty
	}
	*field = append(*field, v)
	return nil
}

// boolean takes true and false (RFC 8907 §8.1), and the 1 and 0 of IOS.
func boolean(field *bool, v string) error {
	switch v {
	case "1", "true":
		*field = true
	case "0", "false":
		*field = false
	default:
		return fmt.Errorf("%q is not true or 1, false or 0", v)
	}
	return nil
}

// minutes keeps the shorter of two limits; 0 is none.
func minutes(field *time.Duration, v string) error {
	n, err := decimal(v, 0, 1<<24)
	if err != nil {
		return err
	}
	if d := time.Duration(n) * time.Minute; *field == 0 || d > 0 && d < *field {
		*field = d
	}
	return nil
}

// decimal reads digits and nothing else.
func decimal(s string, low, high int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || int(n) < low || int(n) > high {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, low, high)
	}
	return int(n), nil
}

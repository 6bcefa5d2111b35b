package radius

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
)

// ciscoVendor and ciscoAVPair are Cisco-AVPair's numbers.
const (
	ciscoVendor = 9
	ciscoAVPair = 1
)

var cisco = indexed(dialect{name: "Cisco", vendor: ciscoVendor, prefix: "Cisco-", rules: []rule{
	{n: ciscoAVPair, name: "Cisco-AVPair", form: text, many: true, field: "", check: "table below", source: "Cisco; the pairs of TACACS+", apply: (*reading).pair},
	{n: 57, name: "Cisco-In-ACL", form: text, many: true, only: aaa.PPP, field: "framed.inacl", check: "told, not enforced", source: "FreeRADIUS dictionary.cisco", apply: (*reading).inACL},
	{n: 58, name: "Cisco-Out-ACL", form: text, many: true, only: aaa.PPP, field: "framed.outacl", check: "told, not enforced", source: "FreeRADIUS dictionary.cisco", apply: (*reading).outACL},
	{n: 194, name: "Cisco-Maximum-Time", form: integer, field: "session_timeout", check: "seconds; 0 is none", source: "as Ascend's 194",
		apply: func(r *reading, v value) error { limit(&r.a.SessionTimeout, seconds(v)); return nil }},
	{n: 244, name: "Cisco-Idle-Limit", form: integer, field: "idle_timeout", check: "seconds; 0 is none", source: "as Ascend's 244",
		apply: func(r *reading, v value) error { limit(&r.a.IdleTimeout, seconds(v)); return nil }},

	{n: 2, name: "Cisco-NAS-Port"}, {n: 187, name: "Cisco-Multilink-ID", form: integer}, {n: 195, name: "Cisco-Disconnect-Cause", form: integer, enum: valueNames{102: "Session-End-Callback"}},
	{n: 249, name: "Cisco-Subscriber-Password", form: octets, secret: true}, {n: 250, name: "Cisco-Account-Info"}, {n: 251, name: "Cisco-Service-Info"},
	{n: 252, name: "Cisco-Command-Code", form: octets}, {n: 253, name: "Cisco-Control-Info"},
}})

// prefixes of Cisco-AVPair, each for its kind of session.
const (
	prefixShell = "shell"
	prefixLCP   = "lcp"
	prefixIP    = "ip"
	prefixOurs  = "ringback"
	noPrefix    = ""
)

// pairPrefixes says for which kind of session a prefix counts, and under which name its pairs stand in the table.
var pairPrefixes = map[string]struct {
	is      string
	session aaa.Service
}{prefixShell: {prefixShell, aaa.EXEC}, "exec": {prefixShell, aaa.EXEC}, prefixLCP: {prefixLCP, aaa.PPP}, prefixIP: {prefixIP, aaa.PPP}, prefixOurs: {prefixOurs, ""}}

// pair is one attribute of Cisco-AVPair (vendor 9, type 1), written `prefix:name=value` (mandatory) or `prefix:name*value` (optional).
type pair struct {
	prefixes string // with spaces between; "" comes without one
	name     string
	field    string
	check    string
	source   string

	many   bool // numbered or not, name#1 too
	null   bool // an empty value means something
	secret bool
	apply  func(r *reading, v string) error
}

const (
	ciscoPairs = "Cisco TACACS+ AV pairs"
	onlyTold   = "told, not enforced"
)

var pairs = []pair{
	{prefixes: "shell lcp", name: "callback-dialstring", field: "callback, dialstring", check: "empty is NULL: the caller may type it", source: ciscoPairs + "; draft-grant-tacacs-02", null: true, apply: (*reading).pairDialstring},
	{prefixes: "shell lcp", name: "callback-line", field: "callback, callback_line", check: "a TTY number", source: ciscoPairs, apply: (*reading).pairLine},
	{prefixes: "shell lcp", name: "callback-rotary", field: "callback, callback_rotary", check: "0 to 100", source: ciscoPairs, apply: (*reading).pairRotary},
	{prefixes: "shell lcp", name: "nocallback-verify", field: "no_verify", check: "1 or true (0 or false: no); EXEC only", source: ciscoPairs, apply: (*reading).pairNoVerify},
	{prefixes: "shell", name: "priv-lvl", field: fieldPriv, check: "0 to 15; goes before Service-Type's", source: ciscoPairs, apply: (*reading).pairPrivLevel},
	{prefixes: "shell", name: "autocmd", field: "autocmd", check: "not with a Login-IP-Host", source: ciscoPairs, apply: func(r *reading, v string) error { return r.fill(&r.a.Autocmd, "autocmd", v) }},
	{prefixes: "shell", name: "nohangup", field: "nohangup", check: "true or 1, false or 0", source: ciscoPairs, apply: func(r *reading, v string) error { return yes(&r.a.NoHangup, v) }},
	{prefixes: "shell", name: "noescape", field: "noescape", check: "true or 1, false or 0", source: ciscoPairs, apply: func(r *reading, v string) error { return yes(&r.a.NoEscape, v) }},
	{prefixes: "shell", name: "acl", field: "acl", check: onlyTold, source: ciscoPairs, apply: func(r *reading, v string) error { return r.fill(&r.a.ACL, "acl", v) }},
	{prefixes: "shell", name: "timeout", field: "session_timeout", check: "minutes; 0 is none", source: ciscoPairs, apply: func(r *reading, v string) error { return minutes(&r.a.SessionTimeout, v) }},
	{prefixes: "shell", name: "idletime", field: "idle_timeout", check: "minutes; 0 is none", source: ciscoPairs, apply: func(r *reading, v string) error { return minutes(&r.a.IdleTimeout, v) }},

	{prefixes: "lcp", name: "send-secret", field: "send_secret", check: "printed as [secret]", source: "Cisco document 10321", secret: true, apply: func(r *reading, v string) error { return r.sendSecret(value{s: v}) }},
	{prefixes: "lcp", name: "send-name", check: "the name of leg two is the caller's", source: "Cisco, large-scale dial-out", apply: leftPair("the name of leg two is the caller's own, left")},
	{prefixes: "lcp", name: "send-auth", check: "leg two authenticates as leg one did", source: ciscoPairs, apply: leftPair("leg two authenticates as leg one did, left")},
	{prefixes: "lcp", name: "interface-config", check: "refused: there is no IOS interface to configure", source: "Cisco, per-user configuration", many: true, apply: (*reading).pairInterface},

	{prefixes: "ip", name: "addr", field: "framed.address", check: "an address", source: ciscoPairs, apply: (*reading).pairAddress},
	{prefixes: "ip", name: "addr-pool", field: "framed.pool", check: "", source: ciscoPairs, apply: func(r *reading, v string) error { return r.framedPool(value{s: v}) }},
	{prefixes: "ip", name: "route", field: "framed.routes", check: "as written", source: ciscoPairs, many: true, apply: func(r *reading, v string) error { return r.framedRoute(value{s: v}) }},
	{prefixes: "ip", name: "inacl", field: "framed.inacl", check: onlyTold, source: ciscoPairs, many: true, apply: func(r *reading, v string) error { return r.inACL(value{s: v}) }},
	{prefixes: "ip", name: "outacl", field: "framed.outacl", check: onlyTold, source: ciscoPairs, many: true, apply: func(r *reading, v string) error { return r.outACL(value{s: v}) }},
	{prefixes: "ip", name: "dns-servers", field: "framed.dns", check: "addresses, a space between", source: ciscoPairs, apply: (*reading).pairDNS},
	{prefixes: "ip", name: "wins-servers", check: "NetBIOS name servers are not told", source: ciscoPairs, apply: leftPair("NetBIOS name servers are not told, left")},
	{prefixes: "ip", name: "routing", check: "no routing protocol is run", source: ciscoPairs, apply: leftPair("no routing protocol is run, left")},

	{prefixes: prefixOurs, name: "group", field: "groups", check: "a plain name; for either kind of session", source: "ringback", many: true, apply: (*reading).pairGroup},
	{prefixes: noPrefix, name: "v92-info", check: "what a V.92 modem did, of accounting records: read and told", source: "Cisco, V.92 reporting", many: true, apply: (*reading).pairV92},
}

// leftPair tells why a pair changes nothing.
func leftPair(why string) func(*reading, string) error {
	return func(r *reading, _ string) error { return r.left(why) }
}

// findPair finds the row of a pair by its prefix (as pairPrefixes has it) and its name, in lower case.
func findPair(prefix, name string) *pair {
	for i := range pairs {
		if p := &pairs[i]; p.name == name && (p.prefixes == prefix || prefix != "" && slices.Contains(strings.Fields(p.prefixes), prefix)) {
			return p
		}
	}
	return nil
}

// pair reads one Cisco-AVPair. A mandatory one that cannot be honoured refuses, an optional one is left.
func (r *reading) pair(v value) error {
	full, val, mandatory := cutPair(v.s)
	prefix, name, prefixed := strings.Cut(strings.ToLower(full), ":")
	r.at = "Cisco-AVPair " + printable(pairName(full))
	if !prefixed {
		return r.unprefixed(strings.ToLower(full), val)
	}
	known, ok := pairPrefixes[prefix]
	if !ok || known.session != "" && known.session != r.session {
		if name == "callback-dialstring" && val != "" {
			r.missed = r.at
		}
		return r.left("not for " + string(r.session) + " sessions, left")
	}
	if !mandatory {
		return r.optionalPair(known.is, name, val)
	}
	err := r.applyPair(known.is, name, val)
	if errors.Is(err, errUnknownPair) {
		return fmt.Errorf("%w and mandatory (with * for = it would be optional)", err)
	}
	return err
}

// saidPair is a pair that came with a value.
type saidPair struct {
	pair  *pair
	value string
}

var errUnknownPair = errors.New("it is unknown")

// optionalPair takes back what the pair did where it cannot be honoured whole.
func (r *reading) optionalPair(prefix, name, v string) error {
	before := *r
	if err := r.applyPair(prefix, name, v); err != nil {
		*r = before
		return r.left(err.Error() + "; optional, left")
	}
	return nil
}

// cutPair splits at the first = or *; a pair without either is mandatory and without value.
func cutPair(s string) (name, v string, mandatory bool) {
	i := strings.IndexAny(s, "=*")
	if i < 0 {
		return s, "", true
	}
	return s[:i], s[i+1:], s[i] == '='
}

// unprefixed refuses a callback pair that lacks its prefix: leaving it would let somebody in who is to be called back.
func (r *reading) unprefixed(name, v string) error {
	if p := findPair(noPrefix, name); p != nil {
		return p.apply(r, v)
	}
	if strings.Contains(name, "callback") && findPair(prefixShell, name) != nil {
		return fmt.Errorf("it has no prefix; write shell:%s", name)
	}
	return r.left("no prefix, left")
}

func (r *reading) applyPair(prefix, name, v string) error {
	base, _, numbered := strings.Cut(name, "#")
	p := findPair(prefix, base)
	switch {
	case p == nil || numbered && !p.many:
		return errUnknownPair
	case v == "" && !p.null:
		return errors.New("it has no value")
	}
	if !p.many {
		if i := slices.IndexFunc(r.pairs, func(s saidPair) bool { return s.pair == p }); i < 0 {
			r.pairs = append(r.pairs, saidPair{p, v})
		} else if r.pairs[i].value == v {
			return r.left(saidAgain)
		} else {
			return errTwice
		}
	}
	r.field = p.field
	if p.check == onlyTold {
		r.note = onlyTold
	}
	return p.apply(r, v)
}

func (r *reading) pairDialstring(v string) error {
	if v == "" {
		return r.callTo(typed, "")
	}
	return r.number(v)
}

// pairLine demands a callback, as every callback-* pair but nocallback-verify does in TACACS+: a profile with nothing else must not let anybody in.
func (r *reading) pairLine(v string) error {
	n, err := decimal(v, 1, 65535)
	if err != nil {
		return err
	}
	if err := r.lines([]int{n}); err != nil {
		return err
	}
	return r.demands()
}

func (r *reading) pairRotary(v string) error {
	n, err := decimal(v, 0, 100)
	if err != nil {
		return err
	}
	if err := r.rotary(n); err != nil {
		return err
	}
	return r.demands()
}

func (r *reading) pairNoVerify(v string) error {
	if r.session != aaa.EXEC {
		return errors.New("it is for EXEC sessions only")
	}
	return yes(&r.a.NoVerify, v)
}

// yes reads a truth as IOS (1) and the old draft (true) write it.
func yes(field *bool, v string) error {
	switch v {
	case "1", "true":
		*field = true
	case "0", "false":
	default:
		return fmt.Errorf("%s is not 1 or true", quoted(v))
	}
	return nil
}

func (r *reading) pairPrivLevel(v string) error {
	n, err := decimal(v, 0, 15)
	if err != nil {
		return err
	}
	return r.same(fieldPriv, strconv.Itoa(n))
}

func (r *reading) pairInterface(string) error {
	return errors.New("there is no IOS interface to configure")
}

func (r *reading) pairGroup(v string) error {
	if !isGroup(v) {
		return fmt.Errorf("%s is no plain name", quoted(v))
	}
	r.group(v)
	return nil
}

// maxMinutes bounds limits in minutes: what is longer is a mistake, and far longer ones overflow.
const maxMinutes = 1 << 24

func minutes(field *time.Duration, v string) error {
	n, err := decimal(v, 0, maxMinutes)
	if err != nil {
		return err
	}
	limit(field, time.Duration(n)*time.Minute)
	return nil
}

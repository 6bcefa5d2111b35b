package radius

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
)

// The tables are complete: each row has what it fills or why it is ignored, what it checks, and its source; no
// attribute has two rows.
func TestTables(t *testing.T) {
	seen := map[string]bool{}
	once := func(name string) {
		if seen[name] {
			t.Errorf("%s occurs twice", name)
		}
		seen[name] = true
	}
	for _, d := range dialects {
		for _, r := range d.rules {
			once(r.name)
			once(fmt.Sprintf("%s %d", d.name, r.n))
			switch {
			case r.name == "" || d.byType[r.n] == nil || d.byType[r.n].name != r.name:
				t.Errorf("%s %d: not found", d.name, r.n)
			case r.apply != nil && (r.source == "" || r.field == "" && r.check == ""):
				t.Errorf("%s: the source, or what it fills or checks, is missing", r.name)
			case r.apply == nil && (r.field != "" || r.source != "" && r.check == ""):
				t.Errorf("%s: the reason why it is ignored is missing", r.name)
			case r.known && len(r.enum) == 0:
				t.Errorf("%s: known without named values", r.name)
			}
		}
	}
}

// wrap returns a row's attribute with the value octets.
func wrap(d *dialect, n uint32, octets string) *radius.AVP {
	vendor := string(binary.BigEndian.AppendUint32(nil, d.vendor))
	switch {
	case d.vendor == 0:
		return a(radius.Type(n), octets)
	case d.bare:
		return a(26, vendor+string(binary.BigEndian.AppendUint32(nil, n))+octets)
	case d.types == 2:
		return a(26, vendor+string([]byte{0, byte(n), byte(len(octets) + 3)})+octets)
	}
	return a(26, vendor+string([]byte{byte(n), byte(len(octets) + 2)})+octets)
}

// goods are values; every row accepts at least one of them.
var goods = []string{"84001", "\x00\x00\x00\x01", "\x00\x00\x00\x02", "\x00\x00\x00\x03", "\x00\x00\x00\x07",
	"\x00\x00\x05\xdc", "\xc0\x00\x02\x35", "\x00\x00\x00\x00", "staff", strings.Repeat("\x20", 16),
	"\x00\x40\x20\x01\x0d\xb8\x00\x00\x00\x01",
	"\x00\x00\x00\x00\x00\x00\x00\x01", "shell:priv-lvl=1"}

// accepted returns a value of a row that is honored in a session.
func accepted(t *testing.T, session aaa.Service, d *dialect, r rule) (string, bool) {
	t.Helper()
	for _, v := range goods {
		attrs := radius.Attributes{wrap(d, r.n, v)}
		if strings.Contains(r.check, "in another attribute") { // a fixed number needs an attribute with the number
			attrs = append(attrs, a(19, "84001"))
		}
		if z := authorized(session, attrs); z.Refuse == "" {
			return v, true
		}
	}
	return "", false
}

// bads returns values that every row of a form refuses.
func bads(f form) map[string]string {
	b := map[string]string{"empty": ""}
	switch f {
	case text:
		b["NUL"], b["CR"], b["an integer"] = "84\x00001", "84001\rATH", "\x00\x00\x00\x01"
	case integer, address, date:
		b["cut"], b["long"], b["text"] = "\x00\x00\x01", "\x00\x00\x00\x00\x01", "seven\r"
	case address6:
		b["cut"], b["long"], b["text"] = strings.Repeat("\x20", 15), strings.Repeat("\x20", 17), "2001:db8::1"
	case interfaceID:
		b["cut"], b["long"], b["text"] = "\x00\x00\x00\x01", strings.Repeat("\x00", 9), "::1"
	case prefix6:
		b["cut"], b["long"], b["text"], b["bits"] = "\x00", strings.Repeat("\x00", 19), "2001:db8::/32", "\x00\x81"
	}
	return b
}

// refusedFor checks that attrs are refused because of name, and that nothing is granted.
func refusedFor(t *testing.T, session aaa.Service, name, what string, attrs radius.Attributes) {
	t.Helper()
	z := authorized(session, attrs)
	if !strings.HasPrefix(z.Refuse, name) {
		t.Errorf("%s, %s in a %s session: %q", name, what, session, z.Refuse)
	}
	nothing := aaa.Authorization{ServiceType: z.ServiceType, Kind: z.Kind, ReplyMessage: z.ReplyMessage,
		Refuse: z.Refuse, Attributes: z.Attributes, Readings: z.Readings}
	if z.Refuse != "" && !reflect.DeepEqual(z, nothing) {
		t.Errorf("%s, %s: refused, but grants %+v", name, what, z)
	}
	for _, line := range z.Attributes {
		if strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Errorf("%s, %s: raw octets in %q", name, what, line)
		}
	}
}

// doubledAlike checks that repeating the last attribute does not change the grant.
func doubledAlike(t *testing.T, session aaa.Service, name string, once radius.Attributes) {
	t.Helper()
	want, got := authorized(session, once), authorized(session, append(slices.Clone(once), once[len(once)-1]))
	want.Attributes, want.Readings, got.Attributes, got.Readings = nil, nil, nil, nil
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s repeated in a %s session: %+v, once %+v", name, session, got, want)
	}
}

// TestBadInput truncates, repeats, empties and corrupts each attribute of each table; a row without effect changes
// nothing, whatever its value.
func TestBadInput(t *testing.T) {
	for _, d := range dialects {
		for _, r := range d.rules {
			for _, session := range []aaa.Service{aaa.EXEC, aaa.PPP} {
				if r.apply == nil {
					changesNothing(t, session, d, r)
					continue
				}
				badRow(t, session, d, r)
			}
			if r.out || r.only == aaa.Outbound {
				badRow(t, aaa.Outbound, d, r)
			}
		}
	}
}

func badRow(t *testing.T, session aaa.Service, d *dialect, r rule) {
	t.Helper()
	good, ok := accepted(t, session, d, r)
	if !ok {
		t.Errorf("%s: no value of the test is honored in a %s session", r.name, session)
		return
	}
	for what, v := range bads(r.form) {
		refusedFor(t, session, r.name, what, radius.Attributes{n(27, 60), wrap(d, r.n, v)})
	}
	if !r.many {
		refusedFor(t, session, r.name+": it is repeated with different values", "doubled",
			radius.Attributes{wrap(d, r.n, good), wrap(d, r.n, good+"0")})
		once := radius.Attributes{a(19, "84001"), wrap(d, r.n, good)}
		if r.n == 19 && d.vendor == 0 {
			once = once[1:]
		}
		doubledAlike(t, session, r.name, once)
	}
	if r.known {
		refusedFor(t, session, r.name, "an unknown value", radius.Attributes{wrap(d, r.n, "\x00\x00\x00\x63")})
	}
	if strings.Contains(r.field, "dialstring") && r.form == text {
		refusedFor(t, session, r.name, "over-long", radius.Attributes{wrap(d, r.n, strings.Repeat("5", 65))})
	}
	if d.vendor == 0 {
		refusedFor(t, session, r.name, "over-long", radius.Attributes{wrap(d, r.n, strings.Repeat("5", 254))})
		return
	}
	for cut := range 6 + len(good) { // a truncated Vendor-Specific
		whole := wrap(d, r.n, good).Attribute
		if cut < 5 || !d.bare && cut < len(whole) || d.bare && cut < 8 {
			refusedFor(t, session, "", "cut", radius.Attributes{{Type: 26, Attribute: whole[:cut]}})
			if z := authorized(session, radius.Attributes{{Type: 26, Attribute: whole[:cut]}}); z.Refuse == "" {
				t.Errorf("%s cut to %d octets is honored", r.name, cut)
			}
		}
	}
	if !d.bare {
		header := 1 + max(d.types, 1)
		for _, lie := range []byte{0, 1, byte(len(good) + header + 1), 255} { // a wrong length
			v := slices.Clone(wrap(d, r.n, good).Attribute)
			v[3+header] = lie
			refusedFor(t, session, d.prefix+"Attr: truncated", fmt.Sprintf("length %d", lie),
				radius.Attributes{{Type: 26, Attribute: v}})
		}
	}
}

// changesNothing checks that a row without effect grants and refuses nothing, and that a secret in it is not printed.
func changesNothing(t *testing.T, session aaa.Service, d *dialect, r rule) {
	t.Helper()
	want := Dialects{Terse: true}.Authorize(session, nil)
	for _, v := range append([]string{"", "x\x00\r\x1b[2J", strings.Repeat("5", 200)}, goods...) {
		z := Dialects{}.Authorize(session, radius.Attributes{wrap(d, r.n, v), wrap(d, r.n, v)})
		for _, line := range z.Attributes {
			if strings.ContainsAny(line, "\x00\r\x1b") || r.secret && v != "" && !strings.Contains(line, masked) &&
				!strings.HasPrefix(line, "#") {
				t.Errorf("%s prints as %q", r.name, line)
			}
		}
		if len(z.Readings) != 2 && v != "" || len(z.Readings) > 0 && z.Readings[0].Note == "" {
			t.Errorf("%s: %+v", r.name, z.Readings)
		}
		z.Attributes, z.Readings = nil, nil
		if d.vendor == 0 && v == "" || !reflect.DeepEqual(z, want) && v != "" {
			if !reflect.DeepEqual(z, want) {
				t.Errorf("%s, a row without effect, with value %q: %+v", r.name, v, z)
			}
		}
	}
}

// TestBadPairs corrupts each Cisco-AVPair: a mandatory one is refused, an optional one ignored.
func TestBadPairs(t *testing.T) {
	for _, p := range pairs.Table {
		if p.In == pairs.Bare { // it has no effect
			continue
		}
		session, prefix := aaa.PPP, "ip:"
		switch {
		case p.In&pairs.EXEC != 0:
			session, prefix = aaa.EXEC, "shell:"
		case p.In&pairs.LCP != 0:
			prefix = "lcp:"
		case p.In&(pairs.IP|pairs.IPv6) == 0:
			session, prefix = aaa.Outbound, "outbound:"
		case p.In&pairs.IP == 0:
			prefix = "ipv6:"
		}
		if strings.Contains(p.Rule, "in lcp refused") {
			session, prefix = aaa.Outbound, "outbound:"
		}
		name := "Cisco-AVPair " + prefix + p.Name
		good := goodPair(session, prefix+p.Name)
		if (good == "") != strings.HasPrefix(p.Rule, "refused: ") {
			t.Errorf("%s: the valid value found is %q", p.Name, good)
		}
		if !p.Null {
			refusedFor(t, session, name, "empty", radius.Attributes{avpair(prefix + p.Name + "=")})
		}
		refusedFor(t, session, name+": it has no = or *", "without a sign", radius.Attributes{avpair(prefix + p.Name)})
		for what, v := range map[string]string{"NUL": "8\x00", "CR": "8\rATH", "DEL": "8\x7f"} {
			refusedFor(t, session, "Cisco-AVPair", what, radius.Attributes{avpair(prefix + p.Name + "=" + v)})
			refusedFor(t, session, "Cisco-AVPair", what, radius.Attributes{avpair(prefix + p.Name + "*" + v)})
		}
		if !p.Many && good != "" {
			pair := prefix + p.Name + "=" + good
			refusedFor(t, session, name+": it is repeated with different values", "doubled",
				radius.Attributes{avpair(pair), avpair(pair + "0")})
			doubledAlike(t, session, name, radius.Attributes{avpair(pair)})
			refusedFor(t, session, name+"#1: it is unknown", "numbered",
				radius.Attributes{avpair(prefix + p.Name + "#1=" + good)})
		}
	}
	for want, pair := range map[string]string{
		"Cisco-AVPair shell:callback-line:":      "shell:callback-line=0",
		"Cisco-AVPair shell:timeout:":            "shell:timeout=-1",
		"Cisco-AVPair shell:nohangup:":           "shell:nohangup=maybe",
		"Cisco-AVPair ringback:group:":           "ringback:group=a b",
		"Cisco-AVPair ringback:other:":           "ringback:other=1",
		"Cisco-AVPair exec:callback-dialstring:": "exec:callback-dialstring=" + strings.Repeat("5", 65),
	} {
		refusedFor(t, aaa.EXEC, want, "bad", radius.Attributes{avpair(pair)})
		if z := authorized(aaa.EXEC, radius.Attributes{avpair(strings.Replace(pair, "=", "*", 1))}); z.Refuse != "" ||
			z.Callback {
			t.Errorf("optional %s: %+v", pair, z)
		}
	}
	for want, pair := range map[string]string{
		"Cisco-AVPair ip:addr:":           "ip:addr=*",
		"Cisco-AVPair ip:dns-servers:":    "ip:dns-servers=192.0.2.1 none",
		"Cisco-AVPair lcp:interface-conf": "lcp:interface-config=no ip",
		"Cisco-AVPair lcp:nocallback":     "lcp:nocallback-verify=1",
	} {
		refusedFor(t, aaa.PPP, want, "bad", radius.Attributes{avpair(pair)})
	}
}

// An optional pair that cannot be honored has no effect.
func TestOptionalPairUndone(t *testing.T) {
	for _, pair := range []string{"ip:dns-servers*192.0.2.9 none", "ip:addr*192.0.2.9", "lcp:callback-dialstring*84002",
		"lcp:callback-line*0", "lcp:send-secret*b", "ip:nothing*1"} {
		with := radius.Attributes{n(6, 4), a(8, "\xc0\x00\x02\x08"), wrap(ascend, 135, "\xc0\x00\x02\x35"),
			a(19, "84001"), avpair("lcp:send-secret=a")}
		want, got := authorized(aaa.PPP, with), authorized(aaa.PPP, append(with, avpair(pair)))
		want.Attributes, want.Readings, got.Attributes, got.Readings = nil, nil, nil, nil
		if !reflect.DeepEqual(got, want) || want.Refuse != "" {
			t.Errorf("%s: %+v, want %+v", pair, got, want)
		}
	}
}

func goodPair(session aaa.Service, name string) string {
	for _, v := range []string{"1", "0", "192.0.2.1", "192.0.2.0 255.255.255.0", "2001:db8::/64", "staff", "pap"} {
		if authorized(session, radius.Attributes{avpair(name + "=" + v)}).Refuse == "" {
			return v
		}
	}
	return ""
}

// Pairs of attributes about one callback, by the rules of the reference: a number, another number, a place, "fixed",
// the caller's choice, the caller ID, "a callback", "no callback", and the delay.
func TestContradictions(t *testing.T) {
	const (
		number = iota
		other
		place
		isFixed
		choice
		line
		demand
		denial
		wait
	)
	clash := [][]int{
		number:  {other, place, choice, line, denial},
		other:   {number, place, choice, line, denial},
		place:   {number, other, choice, line, denial},
		isFixed: {choice, line, denial},
		choice:  {number, other, place, isFixed, line, denial},
		line:    {number, other, place, isFixed, choice, denial},
		demand:  {denial},
		denial:  {number, other, place, isFixed, choice, line, demand},
		wait:    {},
	}
	says := []struct {
		name string
		what int
		avp  *radius.AVP
	}{
		{"Callback-Number", number, a(19, "84001")}, {"Callback-Number", other, a(19, "84002")},
		{"Callback-Id", place, a(20, "office")},
		{"Cisco-AVPair shell:callback-dialstring", number, avpair("shell:callback-dialstring=8-40 01")},
		{"Cisco-AVPair shell:callback-dialstring", choice, avpair("shell:callback-dialstring=")},
		{"Ascend-Dial-Number", number, wrap(ascend, 227, "84001")}, {"X-Ascend-Dial-Number", other, a(227, "84002")},
		{"Acc-Callback-Num-Valid", number, wrap(acc, 35, "84001")},
		{"Filter-Id", number, a(11, "Raritan:G{x}:D{84001}")},
		{"Service-Type", demand, n(6, 9)}, {"Ascend-Callback", demand, wrap(ascend, 246, "\x00\x00\x00\x01")},
		{"USR-Callback-Type", demand, wrap(usr, 0x986a, "\x00\x00\x00\x01")},
		{"Zyxel-Callback-Option", demand, wrap(zyxel, 192, "\x00\x00\x00\x02")},
		{"Acc-Callback-Mode", demand, wrap(acc, 36, "\x00\x00\x00\x00")},
		{"Ascend-Callback", denial, wrap(ascend, 246, "\x00\x00\x00\x00")}, {"X-Ascend-Callback", denial, n(246, 0)},
		{"Ascend-CBCP-Mode", denial, wrap(ascend, 113, "\x00\x00\x00\x01")},
		{"Acc-Callback-CBCP-Type", denial, wrap(acc, 37, "\x00\x00\x00\x01")},
		{"Zyxel-Callback-Option", denial, wrap(zyxel, 192, "\x00\x00\x00\x00")},
		{"USR-Callback-Type", line, wrap(usr, 0x986a, "\x00\x00\x00\x02")},
		{"Acc-Callback-Mode", line, wrap(acc, 36, "\x00\x00\x00\x07")},
		{"USR-Callback-Type", isFixed, wrap(usr, 0x986a, "\x00\x00\x00\x03")},
		{"Ascend-CBCP-Mode", isFixed, wrap(ascend, 113, "\x00\x00\x00\x03")},
		{"Acc-Callback-CBCP-Type", isFixed, wrap(acc, 37, "\x00\x00\x00\x03")},
		{"USR-Callback-Type", choice, wrap(usr, 0x986a, "\x00\x00\x00\x04")},
		{"Ascend-CBCP-Mode", choice, wrap(ascend, 113, "\x00\x00\x00\x07")},
		{"Acc-Callback-Mode", choice, wrap(acc, 36, "\x00\x00\x00\x03")},
		{"Acc-Callback-CBCP-Type", choice, wrap(acc, 37, "\x00\x00\x00\x02")},
		{"Shiva-Dialback-Delay", wait, wrap(shiva, 31, "\x00\x00\x00\x09")},
	}
	for _, x := range says {
		for _, y := range says {
			if x.name == y.name {
				continue
			}
			z := authorized(aaa.EXEC, radius.Attributes{x.avp, y.avp})
			unsettled := (x.what == isFixed || y.what == isFixed) && x.what != number && x.what != other &&
				x.what != place && y.what != number && y.what != other && y.what != place
			switch {
			case slices.Contains(clash[x.what], y.what):
				if !strings.Contains(z.Refuse, x.name) || !strings.HasPrefix(z.Refuse, y.name+": it ") || z.Callback {
					t.Errorf("%s, then %s: %q", x.name, y.name, z.Refuse)
				}
			case unsettled:
				if !strings.HasSuffix(z.Refuse, "the number is fixed, but no attribute has the number") {
					t.Errorf("%s, then %s: %q", x.name, y.name, z.Refuse)
				}
			case z.Refuse != "":
				t.Errorf("%s, then %s: %q", x.name, y.name, z.Refuse)
			case z.CallbackDelay > 0 != (x.what == wait || y.what == wait):
				t.Errorf("%s, then %s: %v", x.name, y.name, z.CallbackDelay)
			}
		}
	}
}

// Values that need not agree: the shortest limit, the longest delay and the smallest Port-Limit apply. Then values that
// must agree.
func TestSeveral(t *testing.T) {
	z := authorized(aaa.EXEC, radius.Attributes{n(27, 3600), wrap(ascend, 194, "\x00\x00\x00\x3c"),
		wrap(ascend, 125, "\x00\x00\x00\x05"), wrap(cisco, 194, "\x00\x00\x00\x00"), n(28, 300), n(244, 200),
		wrap(ascend, 169, "\x00\x00\x00\x64"), n(62, 4),
		wrap(ascend, 108, "\x00\x00\x00\x05"), wrap(acc, 34, "\x00\x00\x00\x1e"), wrap(shiva, 31, "\x00\x00\x00\x01"),
		n(136, 7), avpair("shell:priv-lvl=7"), avpair("shell:callback-line=7"), wrap(bay, 36, "\x00\x00\x00\x07")})
	if z.Refuse != "" || z.SessionTimeout != time.Minute || z.IdleTimeout != 100*time.Second || z.PortLimit != 4 ||
		z.CallbackDelay != 30*time.Second || z.PrivLevel != 7 || len(z.Lines) != 1 || z.Lines[0] != 7 || !z.Callback {
		t.Errorf("%+v", z)
	}
	for want, attrs := range map[string]radius.Attributes{
		"Cisco-AVPair shell:priv-lvl: its value 8 differs from the value 7 of Management-Privilege-Level": {n(136, 7),
			avpair("shell:priv-lvl=8")},
		"Annex-Callback-Portlist: its value [8] differs from the value [7] of Cisco-AVPair " +
			"shell:callback-line": {avpair("shell:callback-line=7"), wrap(bay, 36, "\x00\x00\x00\x08")},
		"Ascend-CBCP-Trunk-Group: its value 8 differs from the value 7 of Cisco-AVPair " +
			"shell:callback-rotary": {avpair("shell:callback-rotary=7"), wrap(ascend, 115, "\x00\x00\x00\x08")},
		"Ascend-CBCP-Trunk-Group: 101 is not a rotary group": {wrap(ascend, 115,
			"\x00\x00\x00\x65")},
		"Ascend-Maximum-Call-Duration: 4294967295 minutes: longer than": {wrap(ascend, 125,
			"\xff\xff\xff\xff")},
		"Ascend-Callback-Delay: 1h0m1s: at most 1h0m0s": {wrap(ascend, 108,
			"\x00\x00\x0e\x11")},
		"Management-Transport-Protection: 2: a telephone line has no protection": {n(134, 2)},
		"Filter-Id: expected Raritan": {a(11,
			"Raritan:G{x}:D{84001")},
		"Filter-Id: D{} is empty": {a(11, "Raritan:D{}")},
	} {
		refusedFor(t, aaa.EXEC, want, "several", attrs)
	}
	for want, attrs := range map[string]radius.Attributes{
		"Cisco-AVPair ip:addr: its value 192.0.2.9 differs from the value 192.0.2.8 of Framed-IP-Address": {a(8,
			"\xc0\x00\x02\x08"), avpair("ip:addr=192.0.2.9")},
		"Framed-Pool: its value b differs from the value a of Cisco-AVPair " +
			"ip:addr-pool": {avpair("ip:addr-pool=a"), a(88, "b")},
		"Ascend-Send-Passwd: it differs from the secret of Cisco-AVPair " +
			"lcp:send-secret": {avpair("lcp:send-secret=a"), wrap(ascend, 232, "b")},
		"Service-Type: 7 (NAS-Prompt) is treated as a reject: an EXEC is not supported in a PPP session": {n(6, 7)},
		"Service-Type: 8 (Authenticate-Only) is treated as a reject":                                     {n(6, 8)},
		"Framed-Protocol: 3 (ARAP) is not supported":                                                     {n(7, 3)},
		"Framed-Protocol: 256 (Ascend-MPP) is not supported":                                             {n(7, 256)},
		"Framed-MTU: 63 is not an MTU":                                                                   {n(12, 63)},
		"Ascend-Send-Secret: it has 3 octets, not 16": {wrap(ascend,
			214, "abc")},
	} {
		refusedFor(t, aaa.PPP, want, "several", attrs)
	}
}

// What a PPP session is given, by each dialect that has an attribute for it.
func TestFramed(t *testing.T) {
	ip := "\xc0\x00\x02\x35" // 192.0.2.53
	prefix := "\x00\x30\x20\x01\x0d\xb8\x00\x08"
	for _, tt := range []struct {
		d      *dialect
		n      uint32
		octets string
		want   aaa.Framed
	}{
		{rfc, 8, ip, aaa.Framed{Address: "192.0.2.53"}},
		{rfc, 8, "\xff\xff\xff\xff", aaa.Framed{Address: "negotiate"}},
		{rfc, 8, "\xff\xff\xff\xfe", aaa.Framed{Address: "assign"}},
		{rfc, 9, "\xff\xff\xff\x00", aaa.Framed{Netmask: "255.255.255.0"}},
		{rfc, 12, "\x00\x00\x05\xdc", aaa.Framed{MTU: 1500}},
		{rfc, 22, "10.9.0.0/24 0.0.0.0 1", aaa.Framed{Routes: []string{"10.9.0.0/24 0.0.0.0 1"}}},
		{rfc, 88, "dialin", aaa.Framed{Pool: "dialin"}},
		{rfc, 96, "\x02\x00\x00\xff\xfe\x00\x00\x01", aaa.Framed{InterfaceID: "0200:00ff:fe00:0001"}},
		{rfc, 97, prefix, aaa.Framed{IPv6Prefix: []string{"2001:db8:8::/48"}}},
		{rfc, 99, "2001:db8:9::/48 :: 1", aaa.Framed{Routes: []string{"2001:db8:9::/48 :: 1"}}},
		{rfc, 100, "six", aaa.Framed{IPv6Pool: "six"}},
		{rfc, 168, "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x07",
			aaa.Framed{IPv6Prefix: []string{"2001:db8::7/128"}}},
		{rfc, 169, "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x53",
			aaa.Framed{DNS: []string{"2001:db8::53"}}},
		{cisco, 57, "mail", aaa.Framed{InACL: []string{"mail"}}},
		{cisco, 58, "mail", aaa.Framed{OutACL: []string{"mail"}}},
		{cisco, 61, "mail", aaa.Framed{InACL: []string{"mail"}}},
		{cisco, 62, "mail", aaa.Framed{OutACL: []string{"mail"}}},
		{cisco, 218, "\x00\x00\x00\x03", aaa.Framed{Pool: "3"}},
		{cisco, 1, "ip:wins-servers=192.0.2.53 192.0.2.54", aaa.Framed{WINS: []string{"192.0.2.53", "192.0.2.54"}}},
		{cisco, 1, "ip:dns-servers=192.0.2.53", aaa.Framed{DNS: []string{"192.0.2.53"}}},
		{cisco, 1, "ip:addr=192.0.2.53", aaa.Framed{Address: "192.0.2.53"}},
		{cisco, 1, "ip:addr-pool=dialin", aaa.Framed{Pool: "dialin"}},
		{cisco, 1, "ipv6:addr-pool=six", aaa.Framed{IPv6Pool: "six"}},
		{cisco, 1, "ipv6:prefix#1=2001:db8:8::/48", aaa.Framed{IPv6Prefix: []string{"2001:db8:8::/48"}}},
		{cisco, 1, "ipv6:route#1=2001:db8:9::/48", aaa.Framed{Routes: []string{"2001:db8:9::/48"}}},
		{cisco, 1, "ip:route=10.9.0.0 255.255.255.0", aaa.Framed{Routes: []string{"10.9.0.0 255.255.255.0"}}},
		{ascend, 135, ip, aaa.Framed{DNS: []string{"192.0.2.53"}}},
		{ascend, 79, ip, aaa.Framed{WINS: []string{"192.0.2.53"}}},
		{ascend, 146, "dialin", aaa.Framed{Pool: "dialin"}},
		{ascend, 218, "\x00\x00\x00\x02", aaa.Framed{Pool: "2"}},
		{lucent, 78, ip, aaa.Framed{WINS: []string{"192.0.2.53"}}},
		{usr, 0x9010, ip, aaa.Framed{DNS: []string{"192.0.2.53"}}},
		{usr, 0x9011, ip, aaa.Framed{WINS: []string{"192.0.2.53"}}},
		{usr, 0x9024, "dialin", aaa.Framed{Pool: "dialin"}},
		{acc, 24, ip, aaa.Framed{DNS: []string{"192.0.2.53"}}},
		{acc, 25, ip, aaa.Framed{WINS: []string{"192.0.2.53"}}},
		{acc, 46, "dialin", aaa.Framed{Pool: "dialin"}},
		{bay, 55, ip, aaa.Framed{DNS: []string{"192.0.2.53"}}},
		{bay, 57, ip, aaa.Framed{WINS: []string{"192.0.2.53"}}},
		{bay, 52, "mail", aaa.Framed{InACL: []string{"mail"}}},
		{microsoft, 28, ip, aaa.Framed{DNS: []string{"192.0.2.53"}}},
		{microsoft, 31, ip, aaa.Framed{WINS: []string{"192.0.2.53"}}},
	} {
		in := radius.Attributes{wrap(tt.d, tt.n, tt.octets)}
		tt.want.Protocol = "PPP"
		if z := authorized(aaa.PPP, in); z.Refuse != "" || z.Framed == nil || !reflect.DeepEqual(*z.Framed, tt.want) {
			t.Errorf("%s %#x %q: %q, %+v", tt.d.name, tt.n, tt.octets, z.Refuse, z.Framed)
		}
		if z := authorized(aaa.EXEC, in); z.Framed != nil {
			t.Errorf("%s %#x: an EXEC gets %+v", tt.d.name, tt.n, z.Framed)
		}
	}
	for d, n := range map[*dialect]uint32{ascend: 218, microsoft: 30} { // 0 means any, or none
		z := authorized(aaa.PPP, radius.Attributes{wrap(d, n, "\x00\x00\x00\x00")})
		if z.Refuse != "" || z.Framed != nil && (z.Framed.Pool != "" || z.Framed.WINS != nil) {
			t.Errorf("%s %d: %+v", d.name, n, z)
		}
	}
}

// MPPE is not supported: only a server that requires it is refused.
func TestMPPE(t *testing.T) {
	policy := func(n byte) radius.Attributes {
		types := wrap(microsoft, 8, "\x00\x00\x00\x06") // RC4 with 40 and with 128 bits
		return radius.Attributes{wrap(microsoft, 7, "\x00\x00\x00"+string(rune(n))), types}
	}
	for n, want := range map[byte]string{0: "", 1: "", 2: "MS-MPPE-Encryption-Policy: the session must be encrypted, " +
		"but MPPE is not supported"} {
		if z := authorized(aaa.PPP, policy(n)); z.Refuse != want {
			t.Errorf("policy %d: %q", n, z.Refuse)
		}
		if z := authorized(aaa.EXEC, policy(n)); z.Refuse != "" {
			t.Errorf("EXEC, policy %d: %q", n, z.Refuse)
		}
	}
}

func TestAccountingOfAccept(t *testing.T) {
	for _, tt := range []struct {
		interval time.Duration
		user     string
		in       radius.Attributes
	}{
		{10 * time.Minute, "bob", radius.Attributes{n(85, 600), a(1, "bob")}},
		{time.Minute, "", radius.Attributes{n(85, 59), a(1, " bob")}},
		{0, "", radius.Attributes{n(85, 0), a(1, "b\xff")}},
	} {
		if z := authorized(aaa.EXEC, tt.in); z.InterimInterval != tt.interval || z.AccountingUser != tt.user ||
			z.Refuse != "" {
			t.Errorf("%+v", z)
		}
	}
}

// Types that RFCs use are Ascend's only with AscendTypes.
func TestAscendTypes(t *testing.T) {
	all := Dialects{AscendTypes: true}
	for _, tt := range []struct {
		avp      *radius.AVP
		zero, is string // the reading's dialect and name
	}{
		{n(125, 5), "RFC Attr-125", "Ascend X-Ascend-Maximum-Call-Duration"},
		{n(136, 7), "RFC 5607 Management-Privilege-Level", "Ascend X-Ascend-Client-Secondary-DNS"},
		{n(123, 7), "RFC 4818 Delegated-IPv6-Prefix", "Ascend X-Ascend-Call-Attempt-Limit"},
		{n(194, 7), "Ascend X-Ascend-Maximum-Time", "Ascend X-Ascend-Maximum-Time"},
		{a(227, "84001"), "Ascend X-Ascend-Dial-Number", "Ascend X-Ascend-Dial-Number"},
		{n(246, 1), "Ascend X-Ascend-Callback", "Ascend X-Ascend-Callback"},
		{n(246, 0x1a000001), "RFC Attr-246", "Ascend X-Ascend-Callback"}, // an extended type 26, RFC 6929
		{a(246, "\x01\x00\x07"), "RFC Attr-246", "Ascend X-Ascend-Callback"},
		{n(244, 0x01000001), "RFC Attr-244", "Ascend X-Ascend-Idle-Limit"},
		{n(104, 1), "RFC Attr-104", "RFC Attr-104"},
		{n(250, 1), "RFC Attr-250", "RFC Attr-250"},
	} {
		for _, x := range []struct {
			d    Dialects
			want string
		}{{Dialects{}, tt.zero}, {all, tt.is}} {
			z := x.d.Authorize(aaa.EXEC, radius.Attributes{tt.avp})
			if r := z.Readings[0]; r.Dialect+" "+r.Attribute != x.want {
				t.Errorf("%+v, want %s", r, x.want)
			}
		}
	}
	if z := all.Authorize(aaa.EXEC, radius.Attributes{a(246, "\x01\x00\x07")}); !strings.HasPrefix(z.Refuse,
		"X-Ascend-Callback: it has 3 octets") {
		t.Errorf("%q", z.Refuse)
	}
}

func TestPortlist(t *testing.T) {
	for in, want := range map[string]string{
		"\x00\x00\x00\x07": "[7]", "\x00\x00\xff\xff": "[65535]", "7": "[7]", "1-4,7": "[1 2 3 4 7]",
		"7, 1-2": "[1 2 7]", "3,3": "[3]", "1-16": "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]",
		"\x00\x00\x00\x00": "", "\x00\x01\x00\x00": "", "": "", "4-1": "", "1-": "", "0": "", "65536": "", "1-2000": "",
		"a": "", "1,,2": "", "\xff\xff\xff\xff": "",
	} {
		z := authorized(aaa.EXEC, radius.Attributes{wrap(bay, 36, in)})
		if got := fmt.Sprint(z.Lines); want != "" && (got != want || z.Refuse != "") || want == "" && z.Refuse == "" {
			t.Errorf("%q: %s %q", in, got, z.Refuse)
		}
	}
}

func TestGroups(t *testing.T) {
	class := Dialects{ClassGroups: true}
	for _, tt := range []struct {
		d    Dialects
		want string
		in   radius.Attributes
	}{
		{Dialects{}, "[staff night-shift ops]", radius.Attributes{a(11, "staff"), avpair("ringback:group=night-shift"),
			a(11, "Raritan:G{ops}"), a(11, "staff")}},
		{Dialects{}, "[]", radius.Attributes{a(11, "101"), a(11, "std.ppp.in"), a(11, "x.out"), a(11, "a:b"),
			a(11, "a b"), a(11, strings.Repeat("a", 65)), a(25, "staff"), a(25, "OU=staff;")}},
		{class, "[staff sales]", radius.Attributes{a(25, "staff"), a(25, "OU=sales;"), a(25, "\x00\x01")}},
	} {
		z := tt.d.Authorize("", tt.in)
		if got := fmt.Sprint(z.Groups); got != tt.want || z.Refuse != "" {
			t.Errorf("%s, want %s, %q", got, tt.want, z.Refuse)
		}
	}
	for user, want := range map[string]string{"bob": "", "bob@example.net": "example.net", `CORP\bob`: "CORP",
		`CORP\bob@example.net`: "example.net", "bob@": "", "a@b@c": "c", `\bob`: "", "": ""} {
		if got := realm(user); got != want {
			t.Errorf("realm(%q) = %q, want %q", user, got, want)
		}
	}
}

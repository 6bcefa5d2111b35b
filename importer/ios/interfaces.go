package ios

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/importer"
)

// iface is an interface. Those of asynchronous lines say how PPP is served on the lines of the same numbers.
type iface struct {
	name        string // "Async7", "Group-Async1", "Ethernet0", as the text names it
	async       bool
	first, last int // lines of an asynchronous one; 0: none
	rows        []int

	encapsulation, dedicated           bool // PPP
	encapsulated                       int  // row of encapsulation ppp
	address                            string
	unnumbered                         string
	pool                               noted
	peers                              []string // addresses of callers, without a pool
	authentication                     []string
	authList, networkList, accountList noted
	accept, initiate                   int // rows of ppp callback, plus 1
	dns, wins                          []string
	idle                               time.Duration

	profile string // the profile in the site; "": PPP is not served
	serves  bool   // it is that of a line with a modem
}

var asyncName = regexp.MustCompile(`(?i)^(async|group-async)([0-9]{1,4})$`)

// doInterface begins the block of an interface: `interface Async7`, `interface async 7`, `interface Ethernet0/0`.
func doInterface(p *parser, in *input) result {
	name := strings.Join(in.args, "")
	if len(in.args) > 2 {
		return wrong("it has more than a name and a number: are two lines joined?")
	}
	key := strings.ToLower(name)
	f := p.ifaces[key]
	if f == nil {
		f = &iface{name: name}
		p.ifaces[key] = f
		p.ifaceNames = append(p.ifaceNames, key)
	}
	p.onIf = f
	f.rows = append(f.rows, in.row)
	m := asyncName.FindStringSubmatch(name)
	switch {
	case m == nil:
		if strings.HasPrefix(key, "async") || strings.HasPrefix(key, "group-async") {
			return unsupported("%s", reasonSlash)
		}
		if strings.HasPrefix(key, "dialer") {
			return unsupported("%s", reasonDDR)
		}
		if strings.HasPrefix(key, "virtual-template") {
			return unsupported("sessions that do not come in on a line are not served")
		}
		return harmless("not an interface of lines; if others are unnumbered, its address is theirs")
	case strings.EqualFold(m[1], "async"):
		f.async = true
		f.first, _ = strconv.Atoi(m[2])
		f.last = f.first
	default:
		f.async = true
	}
	return result{}
}

func interfaceTable() (all []command) {
	all = []command{
		{syntax: "group-range FIRST LAST", kind: importer.Imported, note: "the lines of the profile", do: doGroupRange},
		{syntax: "member N …", kind: importer.Imported, note: "ppp: {pools}, of `peer default ip address`",
			do: doMember},
		{syntax: "encapsulation ppp", kind: importer.Imported, note: "lines: [{ppp_profile}]",
			do: onAsync(func(f *iface, in *input) { f.encapsulation, f.encapsulated = true, in.row })},
		{syntax: "encapsulation …", kind: importer.Unsupported, note: "only PPP is served"},
		{syntax: "async mode interactive", kind: importer.Imported, note: "callers begin with a login", do: doNothing},
		{syntax: "async mode dedicated", kind: importer.Imported, note: "lines: [{autoselect: [dedicated]}]",
			do: onAsync(func(f *iface, _ *input) { f.dedicated = true })},
		{syntax: "async default ip address ADDRESS", kind: importer.Imported, note: "ppp: {pools}", do: doPeer},
		{syntax: "async dynamic address", kind: importer.Unsupported,
			note: "the pool or AAA gives the address, not the caller"},
		{syntax: "async …", kind: importer.Unsupported, note: "callers are served as the profile of PPP says"},
		{syntax: "ip address ADDRESS MASK …", kind: importer.Imported, note: "ppp: {profiles: [{address}]}",
			do: doAddress},
		{syntax: "ip unnumbered NAME …", kind: importer.Imported, note: "ppp: {profiles: [{address}]}",
			do: doUnnumbered},
		{syntax: "ip address …", kind: importer.Unsupported, note: "the address is not in the text"},
		{syntax: "ip tcp header-compression …", kind: importer.Harmless, note: "headers are not compressed"},
		{syntax: "ip access-group …", kind: importer.Unsupported, note: "write ppp: {filters}"},
		{syntax: "ip …", kind: importer.Harmless, note: "concerns the routing of the router"},
		{syntax: "peer default ip address pool NAME …", kind: importer.Imported, note: "ppp: {profiles: [{pool}]}",
			do: onAsync(func(f *iface, in *input) { f.pool = noted{in.args[0], in.row} })},
		{syntax: "peer default ip address pool", kind: importer.Imported, note: "ppp: {profiles: [{pool}]}",
			do: onAsync(func(f *iface, in *input) { f.pool = noted{"default", in.row} })},
		{syntax: "peer default ip address ADDRESS", kind: importer.Imported, note: "ppp: {pools}", do: doPeer},
		{syntax: "peer …", kind: importer.Unsupported, note: "the pool or AAA gives the address"},
		{syntax: "ppp authentication …", kind: importer.Imported, note: "ppp: {profiles: [{authentication}]}",
			do: doPPPAuth},
		{syntax: "ppp authorization LIST", kind: importer.Imported, note: "lines: [{network}]",
			do: onAsync(func(f *iface, in *input) { f.networkList = noted{in.args[0], in.row} })},
		{syntax: "ppp accounting LIST", kind: importer.Imported, note: "lines: [{accounting}]",
			do: onAsync(func(f *iface, in *input) { f.accountList = noted{in.args[0], in.row} })},
		{syntax: "ppp callback accept", kind: importer.Imported, note: "ppp: {callback: true}",
			do: onAsync(func(f *iface, in *input) { f.accept = in.row + 1 })},
		{syntax: "ppp callback initiate", kind: importer.Imported, note: "ppp: {profiles: [{callback: [… initiate]}]}",
			do: onAsync(func(f *iface, in *input) { f.initiate = in.row + 1 })},
		{syntax: "ppp callback request|permit", kind: importer.Unsupported,
			note: "ringback calls back and is not called back"},
		{syntax: "ppp callback …", kind: importer.Unsupported,
			note: "write callback: required, or secure, into the policy files"},
		{syntax: "ppp ipcp dns FIRST …", kind: importer.Imported, note: "ppp: {profiles: [{dns}]}", do: doIPCP},
		{syntax: "ppp ipcp wins FIRST …", kind: importer.Imported, note: "ppp: {profiles: [{wins}]}", do: doIPCP},
		{syntax: "ppp multilink …", kind: importer.Unsupported, note: "each call is a link of its own"},
		{syntax: "ppp quality|compression|reliable-link|lcp|link|lcp-delay|timeout|max-bad-auth|max-failure|" +
			"max-configure|direction|iphc|mppe …", kind: importer.Unsupported,
			note: "the keys of ppp: {profiles} say how callers are served"},
		{syntax: "ppp …", kind: importer.Unsupported, note: "the keys of ppp: {profiles} say how callers are served"},
		{syntax: "dialer idle-timeout SECONDS …", kind: importer.Imported, note: "ppp: {profiles: [{idle_timeout}]}",
			do: doDialerIdle},
		{syntax: "dialer in-band", kind: importer.Harmless, note: "chat scripts dial"},
		{syntax: "dialer callback-secure", kind: importer.Unsupported,
			note: "write callback: required into the policy files: users without a callback are rejected then"},
		{syntax: "dialer enable-timeout …", kind: importer.Unsupported, note: "write wait into the policy files"},
		{syntax: "dialer redial …", kind: importer.Unsupported,
			note: "write attempts: {max, retry_wait, disable} into the policy files"},
		{syntax: "dialer order …", kind: importer.Unsupported, note: "write attempts: {order} into the policy files"},
		{syntax: "dialer hold-queue …", kind: importer.Harmless, note: "no packets wait for a call"},
		{syntax: "dialer …", kind: importer.Unsupported, note: reasonDDR},
		{syntax: "dialer-group …", kind: importer.Unsupported,
			note: "which packets keep a call: write ppp: {filters: [{idle}]}"},
		{syntax: "isdn …", kind: importer.Unsupported, note: reasonISDN},
		{syntax: "arap|appletalk …", kind: importer.Unsupported, note: reasonARAP, hide: asWritten},
		{syntax: "shutdown", kind: importer.Unsupported,
			note: "its lines still answer; set them out of service: ringback line busyout"},
		{syntax: "description …", kind: importer.Harmless, note: "a comment"},
		{syntax: "keepalive …", kind: importer.Harmless, note: "ppp: {profiles: [{echo}]} has the keepalive"},
		{syntax: "physical-layer …", kind: importer.Unsupported, note: "the port of a line says what its layer is"},
		{syntax: "exit", kind: importer.Harmless, note: "the end of the block"},
		{syntax: "no …", kind: importer.Harmless, note: "it turns off what is not imported"},
		{syntax: "default …", kind: importer.Harmless, note: "the default applies"},
		{syntax: "cdp|bandwidth|delay|mtu|load-interval|hold-queue|fair-queue|custom-queue-list|priority-group|" +
			"duplex|" +
			"speed|media-type|clock|framing|linecode|transmit-interface|down-when-looped|autodetect|ipx|" +
			"tx-ring-limit|" +
			"snmp|random-detect|negotiation|logging|ntp|mac-address|half-duplex|full-duplex|squeeze|carrier-delay|" +
			"service-policy|no-keepalive|ipv6|xns|decnet|lat|bridge-group|crypto|tunnel|vrf|switchport …",
			kind: importer.Harmless, note: "concerns the network of the router"},
	}
	for i := range all {
		all[i].mode = interfaceMode
	}
	return all
}

// onAsync is the do of a command of asynchronous interfaces; on others it means nothing here.
func onAsync(do func(f *iface, in *input)) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		if !p.onIf.async {
			return unsupported("it is not an interface of lines")
		}
		do(p.onIf, in)
		return result{}
	}
}

// slashed matches the number of a line with its slot and port, as in 1/00 of an AS5350.
var slashed = regexp.MustCompile(`^[0-9]{1,3}(/[0-9]{1,3}){1,2}$`)

func doGroupRange(p *parser, in *input) result {
	if slashed.MatchString(in.args[0]) && slashed.MatchString(in.args[1]) {
		f := p.onIf
		f.async = false // as one whose lines are not known
		for row := f.rows[len(f.rows)-1]; row < in.row; row++ {
			if p.rows[row].Kind == importer.Imported {
				p.amend(row, unsupported("%s", reasonSlash))
			}
		}
		return unsupported("%s", reasonSlash)
	}
	first, err := strconv.Atoi(in.args[0])
	last, err2 := strconv.Atoi(in.args[1])
	if err != nil || err2 != nil || first < 1 || last < first || last > maxTTY {
		return wrong("it has no range of lines")
	}
	if !p.onIf.async {
		return unsupported("it is not an interface of lines")
	}
	p.onIf.first, p.onIf.last = first, last
	return result{}
}

func doAddress(p *parser, in *input) result {
	a, err := netip.ParseAddr(in.args[0])
	if err != nil {
		return wrong("it has no address")
	}
	if len(in.args) > 2 && strings.EqualFold(in.args[2], "secondary") {
		return harmless("the first address of the interface is used")
	}
	p.onIf.address = a.String()
	if !p.onIf.async {
		return harmless("the address of the router; interfaces that are unnumbered use it")
	}
	return result{}
}

func doUnnumbered(p *parser, in *input) result {
	if !p.onIf.async {
		return harmless("not an interface of lines")
	}
	p.onIf.unnumbered = strings.ToLower(strings.Join(in.args, ""))
	return result{}
}

func doPeer(p *parser, in *input) result {
	if !p.onIf.async {
		return unsupported("it is not an interface of lines")
	}
	if strings.EqualFold(in.args[0], "dhcp") {
		return unsupported("no DHCP server is asked: write the addresses into ppp: {pools}")
	}
	a, err := netip.ParseAddr(in.args[0])
	if err != nil || !a.Is4() {
		return wrong("it has no address")
	}
	p.onIf.peers = append(p.onIf.peers, a.String())
	return result{}
}

// doMember reads `member N peer default ip address ADDRESS`.
func doMember(p *parser, in *input) result {
	if len(in.args) != 6 || !strings.EqualFold(strings.Join(in.args[1:5], " "), "peer default ip address") {
		return unsupported("all lines of a group have one profile")
	}
	in.args = in.args[5:]
	return doPeer(p, in).warning("the addresses of all members are one pool: a caller gets any of them")
}

// pppMethods are the methods of `ppp authentication`.
var pppMethods = map[string]string{"pap": "pap", "chap": "chap", "ms-chap": "ms-chap", "ms-chap-v2": "ms-chap-v2",
	"eap": "eap"}

func doPPPAuth(p *parser, in *input) result {
	if !p.onIf.async {
		return unsupported("it is not an interface of lines")
	}
	if len(in.args) == 0 {
		return wrong("its protocol is missing: is the line wrapped?")
	}
	r := result{}
	p.onIf.authentication, p.onIf.authList = nil, noted{}
	for _, a := range in.args {
		word := strings.ToLower(a)
		switch {
		case pppMethods[word] != "" && p.onIf.authList.text == "":
			if !contains(p.onIf.authentication, pppMethods[word]) {
				p.onIf.authentication = append(p.onIf.authentication, pppMethods[word])
			}
		case word == "if-needed":
			r = r.warning("if-needed is not imported: a user of the EXEC who changes to PPP authenticates again")
		case word == "one-time" || word == "optional":
			r = r.warning("%s is not imported", word)
		case word == "callin" || word == "callout" || word == "default":
		case p.onIf.authList.text == "":
			p.onIf.authList = noted{a, in.row}
		default:
			return wrong("it has two lists: are two lines joined?")
		}
	}
	if len(p.onIf.authentication) == 0 {
		return wrong("it names no protocol of PPP")
	}
	return r
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

func doIPCP(p *parser, in *input) result {
	if !p.onIf.async {
		return unsupported("it is not an interface of lines")
	}
	var servers []string
	for _, a := range in.args {
		addr, err := netip.ParseAddr(a)
		if err != nil {
			if strings.EqualFold(a, "accept") || strings.EqualFold(a, "reject") {
				continue
			}
			return wrong("it has no address")
		}
		servers = append(servers, addr.String())
	}
	if strings.EqualFold(in.words[2].text, "dns") {
		p.onIf.dns = servers
	} else {
		p.onIf.wins = servers
	}
	return result{}
}

func doDialerIdle(p *parser, in *input) result {
	n, err := strconv.Atoi(in.args[0])
	if err != nil || n < 0 || n > 2147483 {
		return wrong("it has no number of seconds")
	}
	if !p.onIf.async {
		return unsupported("it is not an interface of lines")
	}
	p.onIf.idle = min(time.Duration(n)*time.Second, 24*time.Hour)
	return result{}
}

// doNameServers reads `async-bootp dns-server ADDRESS…`.
func doNameServers(p *parser, in *input) result {
	var servers []string
	for _, a := range in.args {
		addr, err := netip.ParseAddr(a)
		if err != nil || !addr.Is4() {
			return wrong("it has no address")
		}
		servers = append(servers, addr.String())
	}
	if strings.EqualFold(in.words[1].text, "dns-server") {
		p.dns = servers
	} else {
		p.wins = servers
	}
	return result{}
}

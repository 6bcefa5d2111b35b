package ios

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/importer"
)

// protocol is the protocol of a server.
type protocol string

const (
	radiusServers protocol = "radius"
	tacacsServers protocol = "tacacs"
)

// server is a RADIUS or TACACS+ server of the text.
type server struct {
	protocol   protocol
	name       string // in the site
	host       string
	auth, acct int // ports; acct 0: no accounting
	key        *secret
	timeout    time.Duration
	retries    int // 0: not set
	single     bool
	row        int
	bad        string // why it is not imported
	imported   bool
}

// serverGroup is a group of servers.
type serverGroup struct {
	protocol protocol
	name     string
	members  []member
	row      int
}

// member is a server of a group, by its name or its address and port.
type member struct {
	name string
	host string
	port int
	row  int
}

// defaults are those of all servers of a protocol.
type defaults struct {
	key     *secret
	timeout time.Duration
	retries int
	single  bool
}

// serversTable has the commands about RADIUS and TACACS+ servers and their groups.
func serversTable() []command {
	own := []command{
		{mode: global, syntax: "radius-server retransmit N", kind: importer.Imported,
			note: "aaa: {radius: [{retries}]}", do: doServerNumber(radiusServers)},
		{mode: global, syntax: "radius-server deadtime MINUTES", kind: importer.Imported, note: "aaa: {dead_time}",
			do: doDeadTime},
		{mode: global, syntax: "radius-server vsa|optional-passwords …", kind: importer.Harmless,
			note: "vendors' attributes are always sent and read", hide: asWritten},
		{mode: radiusMode, syntax: "retransmit N", kind: importer.Imported, note: "aaa: {radius: [{retries}]}",
			do: doOwnNumber},
		{mode: tacacsMode, syntax: "port N", kind: importer.Imported, note: "aaa: {tacacs: [{address}]}",
			do: doOwnNumber},
		{mode: tacacsMode, syntax: "single-connection", kind: importer.Imported,
			note: "aaa: {tacacs: [{single_connection}]}",
			do:   func(p *parser, _ *input) result { p.onHost.single = true; return result{} }},
	}
	groups := []command{
		{mode: groupMode, syntax: "server name NAME", kind: importer.Imported, note: "aaa: {groups: [{servers}]}",
			do: doMemberServer},
		{mode: groupMode, syntax: "server HOST …", kind: importer.Imported, note: "aaa: {groups: [{servers}]}",
			do: doMemberServer},
		{mode: groupMode, syntax: "server-private HOST …", kind: importer.Imported,
			note: "aaa: {radius} or {tacacs}, and the group", do: doPrivate, hide: hideKey},
	}
	return slices.Concat(own, serverTable(radiusServers, "radius", radiusMode, "address ipv4|ipv6 HOST …"),
		serverTable(tacacsServers, "tacacs", tacacsMode, "address ipv4|ipv6 HOST"), groups, endOf(groupMode))
}

// serverTable has the commands about servers that both protocols have; word is that of the protocol in IOS and here.
func serverTable(pr protocol, word string, block mode, address string) []command {
	key := func(name string) string { return "aaa: {" + word + ": [{" + name + "}]}" }
	hide := func(in *input) string { return in.hideSecret(0) }
	return append([]command{
		{mode: global, syntax: word + "-server host HOST …", kind: importer.Imported, note: "aaa: {" + word + "}",
			do: func(p *parser, in *input) result { return p.hostServer(pr, in) }, hide: hideKey},
		{mode: global, syntax: word + "-server key …", kind: importer.Imported, note: key("secret_file"),
			do: doServerKey(pr), hide: hide},
		{mode: global, syntax: word + "-server timeout SECONDS", kind: importer.Imported, note: key("timeout"),
			do: doServerNumber(pr)},
		{mode: global, syntax: word + "-server …", kind: importer.Unsupported,
			note: "the keys of aaa: {" + word + "} have nothing for it"},
		{mode: global, syntax: word + " server NAME", kind: importer.Imported, note: "aaa: {" + word + "}",
			do: doNamedServer, opens: block},
		{mode: block, syntax: address, kind: importer.Imported, note: key("address"), do: doServerAddress},
		{mode: block, syntax: "key …", kind: importer.Imported, note: key("secret_file"), do: doOwnKey, hide: hide},
		{mode: block, syntax: "timeout SECONDS", kind: importer.Imported, note: key("timeout"), do: doOwnNumber},
	}, endOf(block)...)
}

// endOf has what ends a block.
func endOf(block mode) []command {
	return []command{
		{mode: block, syntax: "exit", kind: importer.Harmless, note: "the end of the block"},
		{mode: block, syntax: "no …", kind: importer.Harmless, note: "it turns off what is not imported"},
	}
}

// hideKey hides the key of `… HOST … key [TYPE] TEXT`.
func hideKey(in *input) string {
	for i, a := range in.args {
		if i > 0 && strings.EqualFold(a, "key") && i+1 < len(in.args) {
			return in.hideSecret(i + 1)
		}
	}
	return mask(in.raw)
}

func doGroup(p *parser, in *input) result {
	protocol := protocol(strings.TrimSuffix(strings.ToLower(in.words[3].text), "+"))
	name := in.args[0]
	for _, g := range p.serverGroups {
		if g.name == name && g.protocol == protocol {
			p.onGroup = g
			return result{}
		}
	}
	if len(p.serverGroups) >= maxNamed {
		return tooMany("groups of servers")
	}
	p.onGroup = &serverGroup{protocol: protocol, name: name, row: in.row}
	if !listName.MatchString(name) || methodWords[strings.ToLower(name)] != "" {
		return unsupported("its name is not accepted: letters, digits, . _ and - are")
	}
	p.serverGroups = append(p.serverGroups, p.onGroup)
	return result{}
}

// host is an address or a name.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,250}[A-Za-z0-9])?$`)

func goodHost(text string) bool { return net.ParseIP(text) != nil || hostName.MatchString(text) }

func doMemberServer(p *parser, in *input) result {
	m := member{row: in.row}
	if strings.EqualFold(in.words[1].text, "name") {
		m.name = in.args[0]
	} else if m.host = in.args[0]; len(in.args) > 2 && strings.EqualFold(in.args[1], "auth-port") {
		m.port, _ = strconv.Atoi(in.args[2])
	}
	p.onGroup.members = append(p.onGroup.members, m)
	return result{}
}

func doPrivate(p *parser, in *input) result {
	r := p.hostServer(p.onGroup.protocol, in)
	if r.wrong == "" {
		s := p.servers[len(p.servers)-1]
		p.onGroup.members = append(p.onGroup.members, member{name: s.name, row: in.row})
	}
	return r
}

// hostServer reads
//
//	… HOST [auth-port N] [acct-port N] [port N] [timeout N] [retransmit N] [single-connection] [key …]
//
// The ports of RADIUS are those of IOS, 1645 and 1646, unless the text says otherwise.
func (p *parser) hostServer(pr protocol, in *input) result {
	s := newServer(pr, in.args[0], in.row)
	if !goodHost(s.host) {
		return wrong("it has no host")
	}
	r := result{}
	for i := 1; i < len(in.args); i++ {
		word := strings.ToLower(in.args[i])
		switch word {
		case "key":
			k, bad := readSecret(in.args[i+1:])
			if bad != "" {
				return wrong("%s", bad)
			}
			s.key = &k
			i = len(in.args)
		case "single-connection":
			s.single = true
		case "non-standard", "nat", "backoff", "test", "pac", "alias":
			r = r.warning("%s is not imported", word)
			if word != "non-standard" && word != "nat" {
				i = len(in.args)
			}
		default:
			if i+1 == len(in.args) {
				return wrong("nothing follows an option, or two lines are joined")
			}
			if i++; !s.number(word, in.args[i]) {
				return wrong("it has an option that IOS does not have, or no number behind one")
			}
		}
	}
	for _, other := range p.servers {
		if other.host == s.host && other.auth == s.auth && other.protocol == pr {
			*other = *s
			p.onHost = other
			return r
		}
	}
	if len(p.servers) >= maxNamed {
		return tooMany("servers")
	}
	p.servers = append(p.servers, s)
	return r
}

func newServer(pr protocol, host string, row int) *server {
	s := &server{protocol: pr, host: host, name: host, auth: 49, row: row}
	if pr == radiusServers {
		s.auth, s.acct = 1645, 1646
	}
	return s
}

// number sets a numeric option.
func (s *server) number(word, text string) bool {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 65535 {
		return false
	}
	switch word {
	case "auth-port", "port":
		s.auth = n
	case "acct-port":
		s.acct = n
	case "timeout":
		s.timeout = min(time.Duration(max(n, 1))*time.Second, time.Minute)
	case "retransmit":
		s.retries = min(n, 20)
	default:
		return false
	}
	return true
}

func doNamedServer(p *parser, in *input) result {
	pr := protocol(strings.ToLower(in.words[0].text))
	for _, s := range p.servers {
		if s.name == in.args[0] && s.protocol == pr {
			p.onHost = s
			return result{}
		}
	}
	if len(p.servers) >= maxNamed {
		return tooMany("servers")
	}
	p.onHost = newServer(pr, "", in.row)
	p.onHost.name = in.args[0]
	p.servers = append(p.servers, p.onHost)
	return result{}
}

func doServerAddress(p *parser, in *input) result {
	if p.onHost.host = in.args[0]; !goodHost(p.onHost.host) {
		return wrong("it has no host")
	}
	for i := 1; i < len(in.args); i += 2 {
		if i+1 == len(in.args) || !p.onHost.number(strings.ToLower(in.args[i]), in.args[i+1]) {
			return wrong("it has an option that IOS does not have, or no number behind one")
		}
	}
	return result{}
}

func doOwnKey(p *parser, in *input) result {
	k, bad := readSecret(in.args)
	if bad != "" {
		return wrong("%s", bad)
	}
	p.onHost.key = &k
	return result{}
}

func doOwnNumber(p *parser, in *input) result {
	if !p.onHost.number(strings.ToLower(in.words[0].text), in.args[0]) {
		return wrong("it has no number")
	}
	return result{}
}

func doServerKey(pr protocol) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		k, bad := readSecret(in.args)
		if bad != "" {
			return wrong("%s", bad)
		}
		if k.bad != "" {
			p.defaultsOf(pr).key = &k
			return unsupported("%s", k.bad)
		}
		p.defaultsOf(pr).key = &k
		return result{}
	}
}

func doServerNumber(pr protocol) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		var s server
		if !s.number(strings.ToLower(in.words[1].text), in.args[0]) {
			return wrong("it has no number")
		}
		d := p.defaultsOf(pr)
		if s.timeout > 0 {
			d.timeout = s.timeout
		} else {
			d.retries = s.retries
		}
		return result{}
	}
}

func doDeadTime(p *parser, in *input) result {
	n, err := strconv.Atoi(in.args[0])
	if err != nil || n < 0 || n > 1440 {
		return wrong("it has no number of minutes")
	}
	p.deadTime = time.Duration(n) * time.Minute
	return result{}
}

func (p *parser) defaultsOf(pr protocol) *defaults {
	if pr == radiusServers {
		return &p.radius
	}
	return &p.tacacs
}

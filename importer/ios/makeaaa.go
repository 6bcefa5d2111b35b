package ios

import (
	"net"
	"slices"
	"strings"

	"github.com/ringback/ringback/importer"
)

// minSecret is the length of a secret shared with a server that needs no permission.
const minSecret = 16

// makeServers decides which servers are imported, and gives them names.
func (p *parser) makeServers(*importer.Site) {
	names := map[string]bool{}
	for _, s := range p.servers {
		d := p.defaultsOf(s.protocol)
		if s.key == nil {
			s.key = d.key
		}
		switch {
		case s.host == "":
			s.bad = "it has no address"
		case s.auth == 0:
			s.bad = "port 0 turns authentication off"
		case s.key == nil:
			s.bad = "the text has no key for it"
		case s.key.bad != "":
			s.bad = "its key: " + s.key.bad
		case s.key.plain == "":
			s.bad = "its key is a hash"
		}
		if s.bad != "" {
			p.amend(s.row, unsupported("the server is not imported: %s", s.bad))
			continue
		}
		base := s.name
		for i := 2; names[s.name]; i++ {
			s.name = base + "-" + itoa(i)
		}
		names[s.name], s.imported = true, true
		if s.timeout == 0 {
			s.timeout = d.timeout
		}
		if s.retries == 0 {
			s.retries = d.retries
		}
		s.single = s.single || d.single
		if len(s.key.plain) < minSecret {
			p.warn(s.row, "its key has %d octets (insecure: true): from one packet it can be guessed; change it on "+
				"both sides",
				len(s.key.plain))
		}
	}
}

func (p *parser) any(pr protocol) bool {
	for _, s := range p.servers {
		if s.imported && s.protocol == pr {
			return true
		}
	}
	return false
}

func (p *parser) makeAAA(site *importer.Site) {
	m := importer.Map{}
	var radius, tacacs []importer.Map
	for _, s := range p.servers {
		if !s.imported {
			continue
		}
		keys := importer.Map{{Key: "name", Value: s.name}, {Key: "address", Value: net.JoinHostPort(s.host,
			itoa(s.auth))}}
		if s.acct > 0 {
			keys.Set("accounting", net.JoinHostPort(s.host, itoa(s.acct)))
		}
		keys.Set("secret_file", site.Secret(string(s.protocol)+"-"+s.name+".secret", s.key.plain))
		if s.timeout > 0 {
			keys.Set("timeout", s.timeout)
		}
		if s.retries > 0 && s.protocol == radiusServers {
			keys.Set("retries", s.retries)
		}
		if s.single && s.protocol == tacacsServers {
			keys.Set("single_connection", true)
		}
		if len(s.key.plain) < minSecret {
			keys.Set("insecure", true)
		}
		if s.protocol == radiusServers {
			radius = append(radius, keys)
		} else {
			tacacs = append(tacacs, keys)
		}
	}
	m.Set("radius", radius)
	m.Set("tacacs", tacacs)
	m.Set("groups", p.groupsOf())
	if p.deadTime > 0 {
		m.Set("dead_time", p.deadTime)
	}
	m.Set("lists", p.listsOf())
	site.Keys.SetAbout("How users are authenticated and authorized.", "aaa", m)
	if len(radius) > 0 {
		p.warnings = append(p.warnings, "replies of RADIUS servers must have a Message-Authenticator: if yours "+
			"sends none, "+
			"`ringback aaa test` says so (aaa: {radius: [{message_authenticator}]})")
	}
}

// groupsOf returns the groups of servers, and marks those that are imported.
func (p *parser) groupsOf() (all []importer.Map) {
	p.goodGroups, p.groupAccounts = map[string]protocol{}, map[string]bool{}
	for _, g := range p.serverGroups {
		var names []string
		accounts := false
		for _, member := range g.members {
			s := p.member(g.protocol, member)
			if s == nil {
				p.amend(member.row, unsupported("the text has no such server that can be imported"))
				continue
			}
			names = appendOnce(names, s.name)
			accounts = accounts || s.acct > 0
		}
		if _, twice := p.goodGroups[g.name]; twice || len(names) == 0 {
			p.amend(g.row, unsupported("the group has no server that can be imported, or the name of another one"))
			continue
		}
		p.goodGroups[g.name], p.groupAccounts[g.name] = g.protocol, accounts
		all = append(all, importer.Map{{Key: "name", Value: g.name}, {Key: "servers", Value: names}})
	}
	return all
}

func (p *parser) member(pr protocol, m member) *server {
	for _, s := range p.servers {
		if s.imported && s.protocol == pr && (m.name != "" && s.name == m.name ||
			m.name == "" && s.host == m.host && (m.port == 0 || m.port == s.auth)) {
			return s
		}
	}
	return nil
}

// listKinds are the kinds of lists in the order in which they are written.
var listKinds = []string{"login", "enable", "ppp", "exec", "network", "commands", "accounting"}

// listsOf returns the method lists. The list `default` of logins and of PPP is local, as in IOS, unless the text has
// one.
func (p *parser) listsOf() (m importer.Map) {
	if !p.newModel {
		for _, lists := range p.lists {
			for _, l := range lists {
				p.amend(l.row, harmless("without aaa new-model, IOS does not use it"))
			}
		}
		p.lists = map[string][]*list{}
		if p.any(tacacsServers) {
			p.lists["login"] = []*list{{kind: "login", name: "tacacs", methods: []string{"tacacs"}, row: -1}}
		}
	}
	for _, kind := range listKinds {
		lists := importer.Map{}
		for _, l := range p.lists[kind] {
			p.methodsOf(l)
			if len(l.methods) == 0 && l.record != "none" {
				p.amend(l.row, unsupported("no method is left that can be imported"))
				continue
			}
			l.used = true
			if kind == "accounting" {
				lists = append(lists, importer.Pair{Key: l.name, Value: p.accountingKeys(l)})
				continue
			}
			lists = append(lists, importer.Pair{Key: l.name, Value: words(l.methods)})
		}
		if p.needsLocal(kind) {
			lists = append(lists, importer.Pair{Key: localList, Value: []importer.Word{"local"}})
		}
		if (kind == "login" || kind == "ppp" && p.servesPPP) && !hasKey(lists, "default") {
			lists = append(importer.Map{{Key: "default", Value: []importer.Word{"local"}}}, lists...)
		}
		m.Set(kind, lists)
	}
	return m
}

// localList is the list of lines whose own list cannot be imported: the list `default` might admit everyone.
const localList = "local-users"

// needsLocal reports whether lines name a list of a kind that cannot be imported.
func (p *parser) needsLocal(kind string) bool {
	var asked []string
	for _, b := range p.blocks {
		if b.kind == ttyLines && (kind == "login" || kind == "exec") {
			asked = append(asked, b.set.text(kind+" list"))
			if kind == "login" && b.set.text("login") == "tacacs" {
				asked = append(asked, "tacacs")
			}
		}
	}
	for _, f := range p.ifaces {
		switch kind {
		case "ppp":
			asked = append(asked, f.authList.text)
		case "network":
			asked = append(asked, f.networkList.text)
		}
	}
	for _, name := range asked {
		if name != "" && name != "default" && !p.imports(kind, name) {
			return true
		}
	}
	return false
}

// imports reports whether a list is imported.
func (p *parser) imports(kind, name string) bool {
	return slices.ContainsFunc(p.lists[kind], func(l *list) bool { return l.name == name && l.used })
}

func hasKey(m importer.Map, key string) bool {
	for _, p := range m {
		if p.Key == key {
			return true
		}
	}
	return false
}

// methodsOf leaves the methods of a list that have servers. Behind one that has none, nothing that admits everyone is
// left.
func (p *parser) methodsOf(l *list) {
	var good []string
	lost := false
	for _, method := range l.methods {
		name, isGroup := strings.CutPrefix(method, "group ")
		pr := protocol(method)
		why := ""
		switch {
		case isGroup:
			if pr = p.goodGroups[name]; pr == "" {
				why = "there is no such group of servers that can be imported"
			}
		case (method == "radius" || method == "tacacs") && !p.any(pr):
			why = "the text has no server for it that can be imported"
		case method == "enable" && p.enable == nil:
			why = "the text has no enable password that can be imported"
		case method == "local" && l.kind == "commands":
			why = "local users have no lists of commands"
		}
		switch {
		case why != "":
		case lost && admits(method):
			why = reasonAdmits
		case l.kind == "commands" && pr == radiusServers:
			why = "RADIUS does not authorize commands"
		case l.kind == "accounting" && pr == radiusServers && !p.accounts(name, isGroup):
			why = "none of its servers takes accounting"
		}
		if why != "" {
			lost = true
			if l.row >= 0 {
				p.warn(l.row, "the method %s is not imported: %s", name, why)
			}
			continue
		}
		good = append(good, name)
	}
	l.methods = good
}

// accounts reports whether a RADIUS server, of a group if isGroup, takes accounting.
func (p *parser) accounts(group string, isGroup bool) bool {
	if !isGroup {
		for _, s := range p.servers {
			if s.imported && s.protocol == radiusServers && s.acct > 0 {
				return true
			}
		}
		return false
	}
	return p.groupAccounts[group]
}

func (p *parser) accountingKeys(l *list) importer.Map {
	m := importer.Map{{Key: "record", Value: importer.Word(l.record)}}
	if p.interim > 0 && l.record != "none" {
		m.Set("interim", p.interim)
	}
	if l.commands {
		for _, method := range l.methods {
			if method == "tacacs" || p.goodGroups[method] == tacacsServers {
				m.Set("commands", true)
				break
			}
		}
	}
	m.Set("methods", words(l.methods))
	return m
}

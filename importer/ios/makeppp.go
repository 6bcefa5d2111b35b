package ios

import (
	"strings"

	"github.com/ringback/ringback/importer"
)

// unknownAddress is the address of the access server on links of PPP if the text does not say it: one of the shared
// address space (RFC 6598).
const unknownAddress = "100.64.0.1"

// profile is a profile of PPP; interfaces with the same settings have one.
type profile struct {
	name string
	keys importer.Map
}

// makeProfiles makes the profiles of the interfaces of lines with a modem.
func (p *parser) makeProfiles(segments []*segment) (all []profile) {
	names := map[string]string{} // by the text of the keys
	for _, s := range segments {
		f := s.iface
		if f == nil {
			continue
		}
		f.serves = true
		s.ppp = f.encapsulation
		for name, bad := range map[string]any{"flowcontrol": "software", "databits": 7} {
			if v, ok := s.set[name]; ok && v.value == bad && s.ppp {
				s.ppp = false
				p.warn(v.row, "PPP is not served on %s: it needs all octets", s.name())
			}
		}
		if !s.ppp || f.profile != "" {
			continue
		}
		keys := p.profileKeys(f)
		text := keys.YAML()
		if names[text] == "" {
			names[text] = strings.ToLower(f.name)
			all = append(all, profile{names[text], append(importer.Map{{Key: "name", Value: names[text]}}, keys...)})
		}
		f.profile = names[text]
		p.servesPPP = true
		p.pppCallback = p.pppCallback || f.accept > 0 || f.initiate > 0
	}
	for _, name := range p.ifaceNames {
		if f := p.ifaces[name]; f.async && !f.serves {
			for _, row := range f.rows {
				p.amend(row, harmless("the text has no line with a modem (`modem InOut` below `line`) for it"))
			}
		}
	}
	return all
}

func (p *parser) profileKeys(f *iface) (m importer.Map) {
	m.Set("authentication", words(f.authentication))
	var ways []importer.Word
	if f.accept > 0 {
		ways = append(ways, "cbcp", "rfc1570")
	}
	if f.initiate > 0 {
		ways = append(ways, "initiate")
	}
	if ways == nil {
		ways = []importer.Word{}
	}
	m = append(m, importer.Pair{Key: "callback", Value: ways})
	own := f.address
	if other := p.ifaces[f.unnumbered]; own == "" && other != nil {
		own = other.address
	}
	if own == "" {
		own = unknownAddress
		p.warn(f.rows[0], "the text does not say its address: %s is used on the links", own)
	}
	p.owns[own] = true
	m.Set("address", own)
	m.Set("pool", p.poolOf(f))
	m.Set("dns", first(f.dns, p.dns))
	m.Set("wins", first(f.wins, p.wins))
	if f.idle > 0 {
		m.Set("idle_timeout", f.idle)
	}
	return m
}

func first(lists ...[]string) []string {
	for _, l := range lists {
		if len(l) > 0 {
			return l[:min(len(l), 2)]
		}
	}
	return nil
}

func words(list []string) (out []importer.Word) {
	for _, text := range list {
		out = append(out, importer.Word(text))
	}
	return out
}

// poolOf returns the pool of an interface's callers; "": AAA gives the addresses.
func (p *parser) poolOf(f *iface) string {
	if f.pool.text != "" {
		if p.poolNamed[f.pool.text] != nil {
			return f.pool.text
		}
		p.amend(f.pool.row, unsupported("the text has no such `ip local pool`: AAA must give the addresses"))
		return ""
	}
	if len(f.peers) == 0 {
		return ""
	}
	name := strings.ToLower(f.name)
	made := &pool{name: name}
	for _, a := range f.peers {
		made.add(a)
	}
	key := strings.Join(made.ranges, " ")
	if other := p.poolOfPeers[key]; other != "" { // the same addresses for several interfaces
		return other
	}
	if p.poolOfPeers == nil {
		p.poolOfPeers = map[string]string{}
	}
	p.poolOfPeers[key] = name
	p.pools = append(p.pools, made)
	return name
}

// makePPP writes profiles and pools.
func (p *parser) makePPP(s *importer.Site, profiles []profile) {
	m := importer.Map{}
	if len(profiles) > 0 {
		m = importer.Map{{Key: "callback", Value: p.pppCallback}, {Key: "netdev", Value: importer.Word("userspace")}}
	}
	var all []importer.Map
	for _, f := range profiles {
		all = append(all, f.keys)
	}
	m.Set("profiles", all)
	pools, dropped := p.poolsOf()
	for _, f := range all {
		for i := range f {
			if name, _ := f[i].Value.(string); f[i].Key == "pool" && dropped[name] {
				f[i].Value, f[i].Key = importer.Word("false"), "ipv6"
			}
		}
	}
	m.Set("pools", pools)
	if len(profiles) > 0 {
		p.warnings = append(p.warnings, "packets of callers of PPP reach the network with the address of this "+
			"machine (ppp: "+
			"{netdev: userspace}); with netdev: tun they keep their own, as on the router: docs/how-to/ppp.md")
	}
	s.Keys.SetAbout("interface async, ip local pool", "ppp", m)
}

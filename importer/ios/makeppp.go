package ios

import (
	"net/netip"
	"strings"

	"github.com/ringback/ringback/importer"
	ppppool "github.com/ringback/ringback/ppp/pool"
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
	p.owns = appendOnce(p.owns, own)
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
		for i := range p.pools {
			if p.pools[i].name == f.pool.text {
				return f.pool.text
			}
		}
		p.amend(f.pool.row, unsupported("the text has no such `ip local pool`: AAA must give the addresses"))
		return ""
	}
	if len(f.peers) == 0 {
		return ""
	}
	name := strings.ToLower(f.name)
	made := pool{name: name}
	for _, a := range f.peers {
		if !contains(made.ranges, a) {
			made.ranges = append(made.ranges, a)
		}
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

// without cuts an address out of a range.
func without(text, own string) (out []string) {
	a, b, isRange := strings.Cut(text, "-")
	if !isRange {
		b = a
	}
	from, err := netip.ParseAddr(a)
	to, err2 := netip.ParseAddr(b)
	at, err3 := netip.ParseAddr(own)
	if err != nil || err2 != nil || err3 != nil || at.Less(from) || to.Less(at) {
		return []string{text}
	}
	add := func(from, to netip.Addr) {
		switch {
		case from == to:
			out = append(out, from.String())
		case from.Less(to):
			out = append(out, from.String()+"-"+to.String())
		}
	}
	if from != at {
		add(from, at.Prev())
	}
	if to != at {
		add(at.Next(), to)
	}
	return out
}

// makePPP writes profiles and pools. Addresses of a pool that are those of the access server are left out, and a pool
// that has addresses of one before it.
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
	var pools []importer.Map
	var configs, good []ppppool.Config
	dropped := map[string]bool{}
	for _, l := range p.pools {
		for _, own := range p.owns {
			var cut []string
			for _, r := range l.ranges {
				cut = append(cut, without(r, own)...)
			}
			l.ranges = cut
		}
		configs = append(configs, ppppool.Config{Name: l.name, Addresses: l.ranges})
	}
	_, err := ppppool.Parse(configs) // one by one only if they do not go together: there may be thousands
	for _, c := range configs {
		wrong := len(c.Addresses) == 0
		if err != nil && !wrong {
			_, bad := ppppool.Parse(append(good[:len(good):len(good)], c))
			wrong = bad != nil
		}
		if wrong {
			dropped[c.Name] = true
			p.warnings = append(p.warnings, "the pool "+c.Name+" is not imported: its addresses are those of the "+
				"access "+
				"server or of another pool")
			continue
		}
		good = append(good, c)
		pools = append(pools, importer.Map{{Key: "name", Value: c.Name}, {Key: "addresses", Value: c.Addresses}})
	}
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

package ios

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/importer"
)

// segment is a range of lines with the same settings.
type segment struct {
	first, last int
	set         settings
	iface       *iface // of its lines; nil: none
	ppp         bool   // PPP is served
	blocks      []*lineBlock
	mode        string // of the modem
	rotary      int    // -1: none
}

// segments returns the lines with a modem, in order, and reports the blocks without one.
func (p *parser) segments() (all []*segment) {
	p.numberAux()
	modems := map[*lineBlock]bool{}
	for _, s := range p.uniform() {
		if s.modem() {
			all = append(all, s)
			for _, b := range s.blocks {
				modems[b] = true
			}
		}
	}
	for _, b := range p.blocks {
		if modems[b] {
			continue
		}
		note := "no line with a modem: the text has no command `modem` for it"
		switch b.kind {
		case conLine:
			note = reasonConsole
		case vtyLines:
			note = reasonVTY
		}
		for i, row := range b.rows {
			if p.rows[row].Kind == importer.Imported || i == 0 {
				p.amend(row, harmless("%s", note))
			}
		}
	}
	return all
}

// modem reports whether lines have a modem, and sets its mode.
func (s *segment) modem() bool {
	if s.set.has("modem") {
		s.mode = s.set.text("modem")
		return s.mode != ""
	}
	for _, name := range []string{"script callback", "script dialer", "script modem-off-hook", "autoselect ppp",
		"arap"} {
		if s.set.has(name) {
			s.mode = "inout"
			return true
		}
	}
	return false
}

// numberAux finds the number of the line aux 0. IOS numbers it after all TTY lines, and the vtys after it; the text
// says
// the number if it has a range that is just aux 0 and the vtys, or an interface for it.
func (p *parser) numberAux() {
	i := slices.IndexFunc(p.blocks, func(b *lineBlock) bool { return b.kind == auxLine })
	if i < 0 {
		return
	}
	aux := p.blocks[i]
	vtys, highest := 5, 0
	for _, b := range p.blocks {
		switch {
		case b.kind == vtyLines:
			vtys = max(vtys, b.last+1)
		case b.kind == ttyLines && len(b.set) > 0:
			highest = max(highest, b.last)
		}
	}
	n, how := 0, ""
	for _, b := range p.blocks {
		if b.kind == ttyLines && len(b.set) == 0 && b.last-b.first == vtys && b.first > highest {
			n, how = b.first, "lines "+rangeText(b.first, b.last)+" of the text are aux 0 and the vtys"
			b.kind = vtyLines
			p.amend(b.rows[0], harmless("the lines aux 0 (%d) and vty (%d to %d), without settings", n, n+1, b.last))
			b.rows = nil
		}
	}
	if n == 0 {
		for _, name := range p.ifaceNames {
			f := p.ifaces[name]
			covered := slices.ContainsFunc(p.blocks, func(b *lineBlock) bool {
				return b.kind == ttyLines && b.first <= f.first && f.last <= b.last
			})
			if f.async && f.first > highest && f.first == f.last && !covered {
				n, how = f.first, f.name+" is its interface"
			}
		}
	}
	if n == 0 {
		for _, b := range p.blocks {
			if b.kind == ttyLines {
				highest = max(highest, b.last)
			}
		}
		n, how = highest+1, "it is the first one after the TTY lines of the text"
	}
	if p.opt.Aux > 0 {
		n, how = p.opt.Aux, "as --aux says"
	}
	n = min(n, maxTTY)
	aux.first, aux.last, aux.kind = n, n, ttyLines
	p.rows[aux.rows[0]].Note = "line " + itoa(n) + ": " + how
	if probe := (segment{set: aux.set}); p.opt.Aux == 0 && probe.modem() {
		p.warn(aux.rows[0], "if `show line` of the router has another number for it, give --aux")
	}
}

func rangeText(first, last int) string {
	if first == last {
		return itoa(first)
	}
	return itoa(first) + "-" + itoa(last)
}

// uniform cuts the lines where settings, interfaces or ports change.
func (p *parser) uniform() (all []*segment) {
	cuts := map[int]bool{}
	cut := func(first, last int) { cuts[max(first, 1)], cuts[last+1] = true, true }
	for _, b := range p.blocks {
		if b.kind == ttyLines {
			cut(b.first, b.last)
		}
	}
	for _, f := range p.ifaces {
		if f.async && f.first > 0 {
			cut(f.first, f.last)
		}
	}
	for _, port := range p.opt.Ports {
		cut(port.First, port.Last)
	}
	at := slices.Sorted(maps.Keys(cuts))
	for i := 0; i+1 < len(at); i++ {
		s := &segment{first: at[i], last: at[i+1] - 1, set: settings{}, rotary: -1}
		for _, b := range p.blocks {
			if b.kind == ttyLines && b.first <= s.first && s.last <= b.last {
				for name, v := range b.set { // the last command counts
					if old, ok := s.set[name]; !ok || v.row > old.row {
						s.set[name] = v
					}
				}
				s.blocks = append(s.blocks, b)
			}
		}
		if len(s.blocks) == 0 {
			continue
		}
		s.iface = p.ifaceOf(s.first)
		all = append(all, s)
	}
	return all
}

// ifaceOf returns the interface of a line: its own, or that of its group.
func (p *parser) ifaceOf(tty int) (f *iface) {
	if own := p.ifaces["async"+itoa(tty)]; own != nil {
		return own
	}
	for _, name := range p.ifaceNames {
		if g := p.ifaces[name]; g.async && g.first > 0 && g.first <= tty && tty <= g.last {
			f = g
		}
	}
	return f
}

// ttys returns the lines of "66-67".
func ttys(text string) (all []int) {
	a, b, isRange := strings.Cut(text, "-")
	first, err := strconv.Atoi(a)
	last := first
	if isRange {
		last, _ = strconv.Atoi(b)
	}
	for n := first; err == nil && n <= last; n++ {
		all = append(all, n)
	}
	return all
}

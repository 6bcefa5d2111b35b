package ios

import (
	"fmt"
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
func (p *parser) segments() (all []*segment, err error) {
	p.numberAux()
	modems := map[*lineBlock]bool{}
	ranges, err := p.uniform()
	if err != nil {
		return nil, err
	}
	for _, s := range ranges {
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
	return all, nil
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

// maxOverlap is the maximum number of ranges that one line may be in. `show running-config` writes each line once.
const maxOverlap = 64

// uniform cuts the lines where settings, interfaces or ports change.
func (p *parser) uniform() (all []*segment, err error) {
	begin, at := p.cuts()
	groups := p.groupIfaces()
	var open []*lineBlock
	for i := 0; i+1 < len(at); i++ {
		open = slices.DeleteFunc(open, func(b *lineBlock) bool { return b.last < at[i] })
		open = append(open, begin[at[i]]...)
		if len(open) == 0 {
			continue
		}
		if len(open) > maxOverlap {
			return nil, &importer.Error{Line: p.rows[open[len(open)-1].rows[0]].Line, Msg: fmt.Sprintf("line %d is in "+
				"more than %d ranges of the text", at[i], maxOverlap), Want: "the ranges of `show running-config`, " +
				"which overlap nowhere", Hint: hintRunning}
		}
		s := &segment{first: at[i], last: at[i+1] - 1, set: settings{}, rotary: -1, blocks: slices.Clone(open)}
		slices.SortFunc(s.blocks, func(a, b *lineBlock) int { return a.rows[0] - b.rows[0] })
		for _, b := range s.blocks {
			for name, v := range b.set { // the last command counts
				if old, ok := s.set[name]; !ok || v.row > old.row {
					s.set[name] = v
				}
			}
		}
		if s.iface = p.ifaces["async"+itoa(s.first)]; s.iface == nil {
			s.iface = groups[s.first]
		}
		all = append(all, s)
	}
	return all, nil
}

// cuts returns the lines before which something changes, in order, and the ranges of the text by their first lines.
func (p *parser) cuts() (begin map[int][]*lineBlock, at []int) {
	begin = map[int][]*lineBlock{}
	cuts := map[int]bool{}
	cut := func(first, last int) { cuts[max(first, 1)], cuts[last+1] = true, true }
	for _, b := range p.blocks {
		if first := max(b.first, 1); b.kind == ttyLines && b.last >= first {
			cut(b.first, b.last)
			begin[first] = append(begin[first], b)
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
	return begin, slices.Sorted(maps.Keys(cuts))
}

// groupIfaces returns the interfaces of groups by their lines. Of several for one line, the last one of the text is
// that of the line.
func (p *parser) groupIfaces() map[int]*iface {
	of := map[int]*iface{}
	next := make([]int, maxTTY+2) // a line from which on to look for one without an interface
	for i := range next {
		next[i] = i
	}
	for _, name := range slices.Backward(p.ifaceNames) {
		f := p.ifaces[name]
		if !f.async || f.first == 0 {
			continue
		}
		for tty := f.first; tty <= f.last; tty++ {
			for tty != next[tty] {
				next[tty] = next[next[tty]]
				tty = next[tty]
			}
			if tty <= f.last {
				of[tty], next[tty] = f, tty+1
			}
		}
	}
	return of
}

// ends returns the first and the last line of "66-67", or of "66"; 0 of "".
func ends(text string) (first, last int) {
	a, b, isRange := strings.Cut(text, "-")
	first, _ = strconv.Atoi(a)
	last = first
	if isRange {
		last, _ = strconv.Atoi(b)
	}
	return first, last
}

package ios

import (
	"strconv"
	"strings"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines/modem"
)

// maxTTY is the highest number of a line.
const maxTTY = 9999

// lineKind is what a block of lines names.
type lineKind string

const (
	ttyLines lineKind = "tty"
	auxLine  lineKind = "aux"
	conLine  lineKind = "con"
	vtyLines lineKind = "vty"
	noLines  lineKind = "" // a block whose numbers the text does not say
)

// lineBlock is one range of lines with its settings. Blocks with the same range are one.
type lineBlock struct {
	kind        lineKind
	first, last int
	rows        []int // of its commands, the first one the `line` itself
	set         settings
}

// setting is a value of a line, with the row of its command.
type setting struct {
	value any
	row   int
}

// settings are the values of lines by the name of the command.
type settings map[string]setting

func (s settings) text(name string) string {
	text, _ := s[name].value.(string)
	return text
}

func (s settings) has(name string) bool {
	_, ok := s[name]
	return ok
}

// doLine begins a block: `line [tty] FIRST [LAST]`, `line aux 0`, `line con 0`, `line vty FIRST [LAST]`.
func doLine(p *parser, in *input) result {
	kind, args := ttyLines, in.args
	switch first := strings.ToLower(in.words[1].text); {
	case first == "con" || first == "aux" || first == "vty":
		kind = lineKind(first)
	case strings.Contains(args[0], "/"):
		p.onLine = &lineBlock{rows: []int{in.row}, set: settings{}}
		return unsupported("the text does not say the number of a line with a slash: number the lines as " +
			"`show line` does, `line 65 70`")
	}
	if len(args) > 2 {
		return wrong("it has more than two numbers: are two lines joined?")
	}
	var ends []int
	for _, a := range args {
		n, err := strconv.Atoi(a)
		if err != nil || n < 0 || n > maxTTY || strings.Trim(a, "0123456789") != "" {
			return wrong("it has no number of a line from 0 to %d", maxTTY)
		}
		ends = append(ends, n)
	}
	if len(ends) == 1 {
		ends = append(ends, ends[0])
	}
	if ends[1] < ends[0] {
		return wrong("the range ends before it begins")
	}
	if kind == ttyLines && strings.ToLower(in.words[1].text) != "tty" && ends[1] == 0 {
		kind = conLine
	}
	for _, b := range p.blocks {
		if b.kind == kind && b.first == ends[0] && b.last == ends[1] {
			p.onLine = b
			return result{}
		}
	}
	if len(p.blocks) >= 4096 {
		return wrong("there are more than 4096 ranges of lines")
	}
	p.onLine = &lineBlock{kind: kind, first: ends[0], last: ends[1], set: settings{}}
	p.blocks = append(p.blocks, p.onLine)
	return result{}
}

// keep is the do of a command of lines whose arguments are a value.
func keep(name string) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		p.onLine.set[name] = setting{strings.Join(in.args, " "), in.row}
		return result{}
	}
}

// keepWord is keep for one of some words, with their meanings.
func keepWord(name string, meanings ...string) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		for i := 0; i < len(meanings); i += 2 {
			if strings.EqualFold(in.args[0], meanings[i]) {
				p.onLine.set[name] = setting{meanings[i+1], in.row}
				return result{}
			}
		}
		return wrong("its argument is none of those of IOS")
	}
}

// keepNumber is keep for a number.
func keepNumber(name string, least, most int) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		n, err := strconv.Atoi(in.args[0])
		if err != nil || n < least || n > most {
			return wrong("it has no number from %d to %d", least, most)
		}
		p.onLine.set[name] = setting{n, in.row}
		return result{}
	}
}

// keepModem reads `modem InOut` and its like.
func keepModem(mode string) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		p.onLine.set["modem"] = setting{mode, in.row}
		return result{}
	}
}

func doRotary(p *parser, in *input) result {
	n, err := strconv.Atoi(in.args[0])
	if err != nil || n < 0 || n > 100 {
		return wrong("it has no number from 0 to 100")
	}
	p.onLine.set["rotary"] = setting{n, in.row}
	r := result{}
	for _, option := range in.args[1:] {
		switch strings.ToLower(option) {
		case "round-robin":
			p.onLine.set["hunt"] = setting{n, in.row}
		case "queued", "by-role":
			r.warn = "callbacks always wait for a line: " + strings.Join(in.args[1:], " ") + " is not needed"
		default:
			return wrong("it has an option that IOS does not have: are two lines joined?")
		}
	}
	return r
}

func doAutoselect(p *parser, in *input) result {
	r := result{kind: "imported"}
	if len(in.args) == 0 {
		return wrong("its protocol is missing: is the line wrapped?")
	}
	for i := 0; i < len(in.args); i++ {
		switch strings.ToLower(in.args[i]) {
		case "ppp":
			p.onLine.set["autoselect ppp"] = setting{true, in.row}
		case "during-login":
			p.onLine.set["during-login"] = setting{true, in.row}
		case "timeout":
			i++
			r = r.warning("the timeout is not imported: PPP is recognized during the whole login")
		case "arap":
			p.onLine.set["arap"] = setting{true, in.row}
			r = unsupported(reasonARAP)
		case "slip":
			r = unsupported("SLIP is not served; PPP is")
		default:
			return wrong("it has a protocol that IOS does not have: are two lines joined?")
		}
	}
	return r
}

// lineScripts are the events of `script`, with their keys, and what a script for them must do.
var lineScripts = []struct {
	event, key string
	dials      bool
	call       bool
}{
	{"modem-off-hook", "modem_off_hook", false, false},
	{"callback", "callback", true, false},
	{"dialer", "dialer", true, false},
	{"startup", "startup", false, false},
	{"reset", "reset", false, false},
	{"activation", "activation", false, true},
}

// scriptFor says why no script runs for an event of a line; "" if one does.
func (p *parser) scriptFor(pattern string, dials, call bool) string {
	var all []*chat.Script
	for _, s := range p.scripts {
		all = append(all, s.Script)
	}
	s, err := chat.Select(append(all, chat.Shipped()...), pattern)
	if err != nil {
		return err.Error()
	}
	if dials {
		if !s.UsesDialstring() {
			return "chat script " + s.Name + ` sends no \T, so it dials no number`
		}
	} else if s.UsesDialstring() {
		return "chat script " + s.Name + " dials, and only callback scripts may: each dial is counted"
	}
	sent, ok := s.Lines()
	if !ok {
		return "chat script " + s.Name + " has too many alternatives"
	}
	for _, line := range sent {
		text := line.String()
		if !dials && modem.Dials(text) && (!call || strings.HasPrefix(strings.ToUpper(text), "AT")) {
			return "chat script " + s.Name + " dials, and only callback scripts may: each dial is counted"
		}
		if err := modem.CheckSent(text); err != nil && !call {
			return "chat script " + s.Name + ": " + err.Error()
		}
	}
	return ""
}

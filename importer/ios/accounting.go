package ios

import (
	"strings"

	"github.com/ringback/ringback/importer"
)

// accountingBlock reads the list whose records and methods are on the lines below it, as IOS 15 prints them:
//
//	aaa accounting exec default
//	 action-type start-stop
//	 group radius
func (p *parser) accountingBlock(in *input) result {
	var record string
	var found, passed []string
	for _, line := range in.more[:min(len(in.more), 8)] {
		words := split(strings.Trim(line, " \t"))
		if len(words) == 0 || !oneOf(words[0].text, []string{"action-type", "group", "broadcast"}) {
			break
		}
		in.used++
		p.add(in.line+in.used, mask(strings.Trim(line, " \t")), result{kind: p.rows[in.row].Kind,
			note: "part of line " + itoa(in.line)})
		switch own := texts(words); {
		case strings.EqualFold(own[0], "broadcast") && len(own) == 1:
			passed = append(passed, "broadcast")
		case strings.EqualFold(own[0], "group") && len(own) > 1:
			found = append(found, own...)
		case strings.EqualFold(own[0], "action-type") && len(own) > 1 && record == "":
			if record = own[1]; len(own) > 2 {
				if !strings.EqualFold(own[2], "periodic") {
					return wrong("words follow the kind of records on line %d: are two lines joined?", in.line+in.used)
				}
				passed = append(passed, "periodic")
			}
		default:
			return wrong("line %d is no part of it: is it wrapped?", in.line+in.used)
		}
	}
	if record == "" {
		return wrong("the kind of records is missing: is the line wrapped?")
	}
	in.args = append(in.args, record)
	in.args = append(in.args, found...)
	r := doAccounting(p, in)
	for _, word := range passed {
		r = r.warning("%s is not imported", word)
	}
	if r.kind == importer.Unsupported {
		p.body(in, result{kind: r.kind, note: r.note})
	}
	return r
}

// texts are words without their places.
func texts(words []word) (out []string) {
	for _, w := range words {
		out = append(out, w.text)
	}
	return out
}

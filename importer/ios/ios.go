// Package ios imports the running configuration of a Cisco access server: callbacks, users, chat scripts, lines, PPP
// and
// AAA. Import is pure: it takes a text and returns a Site and a report. Its commands are the rows of tables, each with
// what it becomes or the reason why not; the text of an unknown command is never guessed at.
//
// IOS is read as `show running-config` writes it. A text that was copied from a document, with lines joined, wrapped or
// prose between them, is an error at its first such line: half of a configuration may allow more than the whole.
package ios

import (
	"fmt"
	"strings"

	"github.com/ringback/ringback/importer"
)

// Options are what a running configuration does not say.
type Options struct {
	// Ports are templates of the ports of the lines; the first that has the line applies. Lines that none has get
	// PlaceholderPort.
	Ports []Port
	// Aux is the number of the line aux 0; 0: it is found from the text.
	Aux int
	// Fragment accepts a text without `end`, which may have been cut off.
	Fragment bool
}

// Port is a template of ports, as the key `port` of a range of lines.
type Port struct {
	First, Last int    // lines
	URL         string // may have {tty}, {2000+tty}
}

// PlaceholderPort is the port of lines for which none is given. IOS reaches line 65 from the network at port 2065.
const PlaceholderPort = "rfc2217://console.example.net:{2000+tty}"

// hintRunning says how to get a proper input.
const hintRunning = "get the text from the router: `terminal length 0`, then `show running-config`; or copy it to a " +
	"TFTP server"

// maxLines is the maximum number of lines of a text; large access servers have a few thousand.
const maxLines = 50000

// maxNamed is the maximum number of scripts, servers, groups of servers, and lists of a kind; routers have a few.
const maxNamed = 500

func tooMany(what string) result {
	return wrong("there are more than %d %s: is it the right file?", maxNamed, what)
}

// Import reads a running configuration. The error is an *importer.Error, and then there is no Site.
func Import(data []byte, o Options) (*importer.Site, *importer.Report, error) {
	lines, err := importer.Lines(data)
	if err != nil {
		return nil, nil, err
	}
	if len(lines) > maxLines {
		return nil, nil, &importer.Error{Msg: fmt.Sprintf("the text has %d lines; the maximum is %d", len(lines),
			maxLines),
			Hint: "is it the right file?"}
	}
	p := newParser(o)
	for i := 0; i < len(lines); {
		n, err := p.line(i+1, lines[i:])
		if err != nil {
			return nil, nil, err
		}
		i += n
	}
	if err := p.complete(len(lines)); err != nil {
		return nil, nil, err
	}
	site, err := p.site()
	if err != nil {
		return nil, nil, err
	}
	return site, &importer.Report{Format: "ios", Warnings: p.warnings, Rows: p.rows}, nil
}

// complete reports a text without commands, or without its end.
func (p *parser) complete(lines int) error {
	switch {
	case p.commands == 0:
		return &importer.Error{Msg: "it has no commands", Want: "the running configuration of a router",
			Hint: hintRunning}
	case !p.ended && !p.opt.Fragment:
		return &importer.Error{Line: lines, Msg: "the text ends without `end`, the last line of a running " +
			"configuration",
			Want: "the whole text", Hint: "was it cut off? " + hintRunning + ". For a part of a configuration that " +
				"is complete in itself, give --fragment"}
	}
	return nil
}

// parser reads a text line by line, and collects what it says.
type parser struct {
	opt      Options
	rows     []importer.Row
	warnings []string
	commands int
	ended    bool // `end` was read

	mode      mode          // of the block that is read; "": none
	indent    bool          // lines that follow and are indented belong to a block that is not imported
	kindOf    importer.Kind // of that block
	whole     bool          // all that is indented is of that block, whatever it is
	freeBlock bool          // its lines have free text
	inside    []string      // words that begin commands of that block only, in a text that has lost its indentation
	onLine    *lineBlock    // in a block of lines
	onIf      *iface        // of an interface
	onGroup   *serverGroup  // of a group of servers
	onHost    *server       // of a server

	state
}

func newParser(o Options) *parser {
	p := &parser{opt: o}
	p.users, p.ifaces = map[string]*user{}, map[string]*iface{}
	p.sets = map[setBy]int{}
	p.lists, p.poolNamed, p.owns = map[string][]*list{}, map[string]*pool{}, map[string]bool{}
	return p
}

// result is what became of a command.
type result struct {
	kind  importer.Kind
	note  string
	warn  string
	wrong string // the syntax is wrong: what is wrong; the import stops
}

func imported(format string, args ...any) result {
	return result{kind: importer.Imported, note: fmt.Sprintf(format, args...)}
}

func harmless(format string, args ...any) result {
	return result{kind: importer.Harmless, note: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) result {
	return result{kind: importer.Unsupported, note: fmt.Sprintf(format, args...)}
}

func wrong(format string, args ...any) result { return result{wrong: fmt.Sprintf(format, args...)} }

// warning returns the result with a warning added.
func (r result) warning(format string, args ...any) result {
	if text := fmt.Sprintf(format, args...); !strings.Contains(r.warn, text) {
		r.warn = joined(r.warn, text)
	}
	return r
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// add adds the row of a line, with its text as it may be shown, and returns its index.
func (p *parser) add(line int, text string, r result) int {
	p.rows = append(p.rows, importer.Row{Line: line, Text: scrub(text), Kind: r.kind, Note: r.note, Warn: r.warn})
	return len(p.rows) - 1
}

// amend replaces what became of a row, when the whole text is known.
func (p *parser) amend(row int, r result) {
	at := &p.rows[row]
	at.Kind, at.Note = r.kind, r.note
	at.Warn = joined(at.Warn, r.warn)
}

// maxWarning is the length of the warnings of a row after which there are no more: a row of a range may be about
// thousands of lines.
const maxWarning = 4000

// warn adds a warning to a row, once.
func (p *parser) warn(row int, format string, args ...any) {
	at := &p.rows[row]
	text := fmt.Sprintf(format, args...)
	if len(at.Warn)+len(text) > maxWarning {
		text = "and more"
	}
	if !strings.Contains(at.Warn, text) {
		at.Warn = joined(at.Warn, text)
	}
}

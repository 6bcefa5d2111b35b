package chat

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Dir is whose words a transcript's entry has.
type Dir string

const (
	Sent     Dir = "sent"
	Received Dir = "received"
	Event    Dir = "event" // a pause, a BREAK, a timeout
)

// Entry is one line of a transcript: what one write sent, what one expect read, or an event.
type Entry struct {
	At   time.Duration `json:"at"` // since the script's start; of the first octet
	Dir  Dir           `json:"dir"`
	Text string        `json:"text"` // control characters as the grammar writes them, secrets as [secret]
}

const masked = "[secret]"

// keep is how many octets of one entry's beginning, and of its end, a transcript holds, whatever the modem says.
const keep = 512

// The streams of a transcript.
const (
	sent = iota
	received
)

// transcript gathers entries. Secrets are looked for in each direction's whole stream, so that one that is cut by an expect or
// by a pause is found too.
type transcript struct {
	secrets []string
	streams [2]stream
	all     []*piece
	now     int // the stream that add goes to
}

type stream struct {
	finders []finder
	pos     int // octets seen
	pieces  []*piece
	open    *piece
}

// piece is an entry while it grows: its first and last octets, and which of them belong to a secret.
type piece struct {
	at    time.Duration
	dir   Dir
	event string

	first      int // position of its first octet in the stream
	n          int // octets seen
	head, tail []byte
	hide       map[int]bool // positions within the piece
}

func newTranscript(secrets []string) transcript {
	t := transcript{secrets: secrets}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		p := newPattern([]byte(s))
		for i := range t.streams {
			t.streams[i].finders = append(t.streams[i].finders, finder{pattern: p})
		}
	}
	return t
}

// next lets the octets to come begin a new entry.
func (t *transcript) next(which int) {
	t.now = which
	t.streams[which].open = nil
}

func (t *transcript) add(b byte, start time.Time) {
	s := &t.streams[t.now]
	if s.open == nil {
		s.open = &piece{at: time.Since(start), dir: [...]Dir{Sent, Received}[t.now], first: s.pos}
		s.pieces = append(s.pieces, s.open)
		t.all = append(t.all, s.open)
	}
	s.open.add(b)
	s.pos++
	for i := range s.finders {
		if s.finders[i].next(b) {
			s.hideLast(len(s.finders[i].text))
		}
	}
}

// hideLast marks the last n octets of the stream, in whichever pieces they are.
func (s *stream) hideLast(n int) {
	from, to := s.pos-n, s.pos
	for i := len(s.pieces) - 1; i >= 0 && to > from; i-- {
		p := s.pieces[i]
		for ; to > from && to > p.first; to-- {
			p.hideAt(to - 1 - p.first)
		}
	}
}

func (p *piece) add(b byte) {
	switch {
	case len(p.head) < keep:
		p.head = append(p.head, b)
	case len(p.tail) < keep:
		p.tail = append(p.tail, b)
	default:
		p.tail[p.n%keep] = b // keep octets of head came first, so that the ring's index is n modulo keep
	}
	p.n++
}

func (p *piece) hideAt(i int) {
	if p.hide == nil {
		p.hide = make(map[int]bool)
	}
	p.hide[i] = true
	if len(p.hide) > 4*keep { // forget the marks of octets that are gone
		for j := range p.hide {
			if j >= keep && j < p.n-keep {
				delete(p.hide, j)
			}
		}
	}
}

func (t *transcript) event(text string, start time.Time) {
	t.all = append(t.all, &piece{at: time.Since(start), dir: Event, event: text})
}

func (t *transcript) entries() []Entry {
	if len(t.all) == 0 {
		return nil
	}
	es := make([]Entry, len(t.all))
	for i, p := range t.all {
		es[i] = Entry{At: p.at, Dir: p.dir, Text: p.text()}
	}
	return es
}

func (p *piece) text() string {
	if p.dir == Event {
		return p.event
	}
	var v visible
	for i, b := range p.head {
		v.add(b, p.hide[i])
	}
	from := p.n - len(p.tail)
	if gone := from - len(p.head); gone > 0 {
		v.raw(fmt.Sprintf(" […%d octets…] ", gone))
	}
	for i := from; i < p.n; i++ {
		v.add(p.tail[i%keep], p.hide[i])
	}
	return v.String()
}

// show makes control characters of octets visible and hides secrets.
func (t *transcript) show(text []byte) string {
	hide := secretsIn(text, t.secrets)
	var v visible
	for i, b := range text {
		v.add(b, hide != nil && hide[i])
	}
	return v.String()
}

// show is how a debug line has a send: octets visible, the dial string as \T<digits>, pauses and BREAKs as they are written.
func (s *send) show(dialstring string, secrets []string) string {
	var whole []byte
	for _, o := range s.ops {
		whole = append(whole, o.bytes...)
		if o.kind == opDial {
			whole = append(whole, dialstring...)
		}
	}
	hide := secretsIn(whole, secrets)
	if s.cr {
		whole = whole[:len(whole)-1] // each send but one with \c has it: not worth showing
	}
	var v visible
	pos := 0
	octets := func(n int) {
		for ; n > 0 && pos < len(whole); n-- {
			v.add(whole[pos], hide != nil && hide[pos])
			pos++
		}
	}
	for _, o := range s.ops {
		switch {
		case o.kind == opLiteral:
			octets(len(o.bytes))
		case o.kind == opDial:
			v.raw(`\T<`)
			octets(len(dialstring))
			v.raw(`>`)
		case o.kind == opBreak:
			v.raw(`\K`)
		case o.pause == delayPause:
			v.raw(`\d`)
		default:
			v.raw(`\p`)
		}
	}
	return v.String()
}

// secretsIn marks the octets of text that belong to a secret; nil where none does.
func secretsIn(text []byte, secrets []string) []bool {
	var hide []bool
	for _, s := range secrets {
		for from := 0; s != ""; from++ {
			i := bytes.Index(text[from:], []byte(s))
			if i < 0 {
				break
			}
			if hide == nil {
				hide = make([]bool, len(text))
			}
			from += i
			for j := range len(s) {
				hide[from+j] = true
			}
		}
	}
	return hide
}

// visible builds text out of octets from outside: printable ASCII stays, the rest is written as the grammar writes it.
type visible struct {
	strings.Builder
	hiding bool
}

func (v *visible) raw(s string) {
	v.hiding = false
	v.WriteString(s)
}

func (v *visible) add(b byte, hide bool) {
	if hide {
		if !v.hiding {
			v.WriteString(masked)
		}
		v.hiding = true
		return
	}
	v.hiding = false
	switch {
	case b == '\r':
		v.WriteString(`\r`)
	case b == '\n':
		v.WriteString(`\n`)
	case b == '\t':
		v.WriteString(`\t`)
	case b == '\\':
		v.WriteString(`\\`)
	case b >= ' ' && b < 0x7f:
		v.WriteByte(b)
	default:
		fmt.Fprintf(v, `\%03o`, b)
	}
}

package chat

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Dir is the direction of a transcript entry.
type Dir string

const (
	Sent     Dir = "sent"
	Received Dir = "received"
	Event    Dir = "event" // a pause, a BREAK, a timeout
)

// Entry is one entry of a transcript: the octets of one write, a line or a burst received, or an event.
type Entry struct {
	At   time.Duration `json:"at"` // time of the first octet, since the start of the script
	Dir  Dir           `json:"dir"`
	Text string        `json:"text"` // control characters escaped as in the grammar, secrets as [secret]
}

const masked = "[secret]"

// keep is the number of octets kept of the beginning, and of the end, of one write or of the input of one expect. It
// bounds the size of a transcript.
const keep = 512

// pause is the silence after which input begins a new entry: one octet at 110 bit/s takes less.
const pause = 250 * time.Millisecond

// The streams of a transcript.
const (
	sent = iota
	received
)

// transcript collects entries. Secrets are searched in the whole stream of each direction, so that a secret split by an
// expect or a pause is also found.
type transcript struct {
	secrets []string
	streams [2]stream
	all     []*piece
	now     int // the stream that add goes to
}

type stream struct {
	finders []finder
	pos     int      // octets seen
	pieces  []*piece // only if there are secrets to hide
	open    *piece
}

// piece is the output of one write or the input of one expect, while it grows: its first and last octets.
type piece struct {
	at    time.Duration // of an event
	dir   Dir
	event string

	first      int // position of its first octet in the stream
	n          int // octets seen
	head, tail []octet
	room       [32]octet // initial storage of head, enough in most cases
}

type octet struct {
	at     time.Duration // since the start of the script
	b      byte
	hidden bool // part of a secret
}

// hide masks secrets in octets added from now on.
func (t *transcript) hide(secrets []string) {
	t.secrets = secrets
	for _, s := range secrets {
		if s == "" {
			continue
		}
		p := newPattern([]byte(s))
		for i := range t.streams {
			t.streams[i].finders = append(t.streams[i].finders, finder{pattern: p})
		}
	}
}

// next begins a new entry with the next octet.
func (t *transcript) next(which int) {
	t.now = which
	t.streams[which].open = nil
}

// add records an octet sent or received at a time since the start of the script.
func (t *transcript) add(b byte, at time.Duration) {
	s := &t.streams[t.now]
	if s.open == nil {
		s.open = newPiece([...]Dir{Sent, Received}[t.now], s.pos)
		t.all = append(t.all, s.open)
		if len(s.finders) > 0 {
			s.pieces = append(s.pieces, s.open)
		}
	}
	s.open.add(octet{at: at, b: b})
	s.pos++
	for i := range s.finders {
		if s.finders[i].next(b) {
			s.hideLast(len(s.finders[i].text))
		}
	}
}

func newPiece(dir Dir, first int) *piece {
	p := &piece{dir: dir, first: first}
	p.head = p.room[:0]
	return p
}

// hideLast marks the last n octets of the stream, which may be in several pieces.
func (s *stream) hideLast(n int) {
	from, to := s.pos-n, s.pos
	for i := len(s.pieces) - 1; i >= 0 && to > from; i-- {
		p := s.pieces[i]
		for ; to > from && to > p.first; to-- {
			p.hideAt(to - 1 - p.first)
		}
	}
}

func (p *piece) add(o octet) {
	switch {
	case len(p.head) < keep:
		p.head = append(p.head, o)
	case len(p.tail) < keep:
		p.tail = append(p.tail, o)
	default:
		p.tail[p.n%keep] = o // head has exactly keep octets, so the ring index is n modulo keep
	}
	p.n++
}

// hideAt marks the octet at a position in the piece, if it is still kept.
func (p *piece) hideAt(i int) {
	switch {
	case i < len(p.head):
		p.head[i].hidden = true
	case i >= p.n-len(p.tail):
		p.tail[i%keep].hidden = true
	}
}

func (t *transcript) event(text string, start time.Time) {
	t.all = append(t.all, &piece{at: time.Since(start), dir: Event, event: text})
}

func (t *transcript) entries() []Entry {
	if len(t.all) == 0 {
		return nil
	}
	es := make([]Entry, 0, len(t.all)+4)
	for _, p := range t.all {
		if p.dir == Event {
			es = append(es, Entry{At: p.at, Dir: Event, Text: p.event})
			continue
		}
		es = p.entries(es)
	}
	return es
}

// entries appends one entry for a write; for input, one for each line and for each burst after a pause, because an
// expect for CONNECT begins with the rest of the echo, seconds before.
func (p *piece) entries(es []Entry) []Entry {
	var v visible
	inLine := false // the entry has other octets than line ends
	end := func() {
		es[len(es)-1].Text = v.String()
		v, inLine = visible{}, false
	}
	var last octet
	octets := p.octets()
	for i, o := range octets {
		gone := 0
		if i == len(p.head) {
			gone = p.n - len(p.tail) - i
		}
		if p.dir == Received && i > 0 && (gone > 0 || o.at-last.at >= pause || inLine && last.b == '\n') {
			end()
		}
		if v.Len() == 0 {
			es = append(es, Entry{At: o.at, Dir: p.dir})
			v.Grow(len(octets) - i + 4) // some octets are escaped as two or four characters
		}
		if gone > 0 {
			v.raw(fmt.Sprintf(" […%d octets…] ", gone))
		}
		v.add(o.b, o.hidden)
		inLine = inLine || o.b != '\r' && o.b != '\n'
		last = o
	}
	end()
	return es
}

// octets returns the octets kept, in order.
func (p *piece) octets() []octet {
	if len(p.tail) == 0 {
		return p.head
	}
	all := slices.Clone(p.head)
	for i := p.n - len(p.tail); i < p.n; i++ {
		all = append(all, p.tail[i%keep])
	}
	return all
}

// show escapes control characters and masks secrets.
func (t *transcript) show(text []byte) string {
	hide := secretsIn(text, t.secrets)
	var v visible
	for i, b := range text {
		v.add(b, hide != nil && hide[i])
	}
	return v.String()
}

// show formats a send for a debug line: control characters escaped, the dial string as \T<digits>, a name as \L<name>,
// pauses and BREAKs as in the script.
func (s *send) show(options Options) string {
	inserted := map[opKind]string{opDial: options.Dialstring.String(), opName: options.As.Name,
		opSecret: options.As.Secret}
	var whole []byte
	for _, o := range s.ops {
		whole = append(append(whole, o.bytes...), inserted[o.kind]...)
	}
	hide := secretsIn(whole, options.Secrets)
	if s.cr {
		whole = whole[:len(whole)-1] // every send without \c has it, so it is not shown
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
		case o.kind == opDial, o.kind == opName, o.kind == opSecret:
			v.raw(map[opKind]string{opDial: `\T<`, opName: `\L<`, opSecret: `\P<`}[o.kind])
			octets(len(inserted[o.kind]))
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

// secretsIn marks the octets of text that are part of a secret; nil if none is.
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

// visible builds text from untrusted octets: printable ASCII is unchanged, the rest is escaped as in the grammar.
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

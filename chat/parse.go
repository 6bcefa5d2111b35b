package chat

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// parser converts words to steps. Expects and sends alternate; ABORT and TIMEOUT take the place of an expect and have
// one argument.
type parser struct {
	words []word
	steps []step
}

func (p *parser) script() *SyntaxError {
	if err := p.pasted(); err != nil {
		return err
	}
	for i := 0; i < len(p.words); {
		n, err := p.pair(i)
		if err != nil {
			return err
		}
		i += n
	}
	return nil
}

// pasted rejects a complete IOS command in place of the script's words: it would parse, as a script that expects
// "chat".
func (p *parser) pasted() *SyntaxError {
	w := p.words[0]
	if w.text != "chat-script" {
		return nil
	}
	hint := "omit it: the script already has a name"
	if len(p.words) > 1 {
		hint = fmt.Sprintf("omit %q: %s is the name of the script", w.text+" "+p.words[1].text,
			printable(p.words[1].text))
	}
	return w.wrong("expected only the words after the name, got the whole IOS command", hint)
}

// pair parses an expect and its send, or a keyword and its argument, from word i on, and returns the number of words
// used.
func (p *parser) pair(i int) (int, *SyntaxError) {
	w := p.words[i]
	switch w.text {
	case "ABORT", "TIMEOUT":
		if i+1 == len(p.words) {
			return 0, w.wrong(w.text+" has no argument", "ABORT string, TIMEOUT seconds")
		}
		return 2, p.setting(i)
	case "EOT", "BREAK":
		return 0, w.wrong("a send where an expect is due", `write "" before it, or `+octalFirst(w.text)+
			" to expect this word")
	}
	if isKeyword(w.text) {
		return 0, refusalOf(w.text).at(w.offset, w.text)
	}
	alts, err := parseAlternatives(w)
	if err != nil {
		return 0, err
	}
	p.steps = append(p.steps, step{kind: stepExpect, word: i, alts: alts})
	if i+1 == len(p.words) {
		return 1, nil
	}
	s, err := parseSend(p.words[i+1])
	if err != nil {
		return 0, err
	}
	s.secret = s.secret || slices.ContainsFunc(alts, alternative.asksForSecret)
	p.steps = append(p.steps, step{kind: stepSend, word: i + 1, send: s})
	return 2, nil
}

// setting parses ABORT or TIMEOUT at word i with its argument.
func (p *parser) setting(i int) *SyntaxError {
	st, arg := step{kind: stepAbort, word: i}, p.words[i+1]
	var err *SyntaxError
	if p.words[i].text == "TIMEOUT" {
		st.kind = stepTimeout
		st.timeout, err = parseSeconds(arg)
	} else {
		st.abort, err = parsePattern(arg)
		if err == nil && len(st.abort.text) == 0 {
			err = p.words[i].wrong("an empty ABORT string would end the script immediately",
				"write the modem's text, as in ABORT BUSY")
		}
	}
	p.steps = append(p.steps, st)
	return err
}

// asksForSecret reports whether an alternative expects a prompt for a password.
func (a alternative) asksForSecret() bool {
	prompt := bytes.ToLower(a.expect.text)
	return slices.ContainsFunc([]string{"ssword", "passwd", "passcode", "secret"}, func(asks string) bool {
		return bytes.Contains(prompt, []byte(asks))
	})
}

func parseSeconds(w word) (time.Duration, *SyntaxError) {
	n := 0
	for i := range len(w.text) {
		if c := w.text[i]; c < '0' || c > '9' || n > int(MaxTimeout/time.Second) {
			n = 0
			break
		}
		n = n*10 + int(w.text[i]-'0')
	}
	d := time.Duration(n) * time.Second
	if n == 0 || d > MaxTimeout {
		return 0, w.wrong("TIMEOUT requires whole seconds", fmt.Sprintf("1 to %d", MaxTimeout/time.Second))
	}
	return d, nil
}

// parseAlternatives parses an expect word A-B-C-D-E: if A is not seen, send B and expect C, and so on. Hyphens separate
// within quotes too. A word that ends in a send (A-B) continues after it.
func parseAlternatives(w word) ([]alternative, *SyntaxError) {
	parts := w.hyphens()
	var alts []alternative
	for i := 0; i < len(parts); i += 2 {
		pat, err := parsePattern(parts[i])
		if err != nil {
			return nil, err
		}
		a := alternative{expect: pat}
		if i+1 < len(parts) {
			if len(pat.text) == 0 {
				return nil, w.wrong("an empty expect never fails, so the send after its hyphen is never used",
					`omit it, or write \055 for a hyphen`)
			}
			if a.send, err = parseSend(parts[i+1]); err != nil {
				return nil, err
			}
		}
		alts = append(alts, a)
	}
	return alts, nil
}

// hyphens splits a word at its hyphens.
func (w word) hyphens() []word {
	var parts []word
	from := 0
	for i := 0; i < len(w.text); i++ {
		switch w.text[i] {
		case '\\':
			i++ // keep `\-` together, so that its error names it
		case '-':
			parts = append(parts, w.part(from, i))
			from = i + 1
		}
	}
	return append(parts, w.part(from, len(w.text)))
}

func (w word) part(from, to int) word {
	return word{text: w.text[from:to], quoted: w.quoted, offset: w.offset + from}
}

func parsePattern(w word) (*pattern, *SyntaxError) {
	var text []byte
	for i := 0; i < len(w.text); {
		e, n, err := w.unit(i)
		if err != nil {
			return nil, err
		}
		if !e.Expect {
			return nil, w.wrongAt(i, n, "valid in sends only",
				"an expect may have plain characters and escapes for a character")
		}
		text, i = append(text, e.octet), i+n
	}
	return newPattern(text), nil
}

func parseSend(w word) (*send, *SyntaxError) {
	switch {
	case w.text == "EOT":
		return &send{ops: []op{{kind: opLiteral, bytes: []byte{4}}}}, nil
	case w.text == "BREAK":
		return &send{ops: []op{{kind: opBreak}}}, nil
	case w.text == "ABORT" || w.text == "TIMEOUT":
		return nil, w.wrong("a keyword where a send is due: the expect before it has no send",
			`write \c before it to send nothing, or `+octalFirst(w.text)+" to send this word")
	case len(w.text) > 2 && w.text[:2] == "P_" && isKeyword(w.text):
		return nil, refusalOf(w.text).at(w.offset, w.text)
	case len(w.text) > 0 && w.text[0] == '@':
		return nil, refusalOf("@file").at(w.offset, w.text)
	}
	s := &send{cr: true}
	for i := 0; i < len(w.text); {
		e, n, err := w.unit(i)
		switch {
		case err != nil:
			return nil, err
		case e.Text == `\c` && i+n < len(w.text):
			return nil, w.wrongAt(i, n, "valid at the end of a send only", "move it to the end or omit it")
		case e.Text == `\c`:
			s.cr = false
		case e.Text == `\q`:
			s.secret = true
		default:
			s.add(e)
		}
		i += n
	}
	if s.cr {
		s.add(Escape{octet: '\r'})
	}
	return s, nil
}

// add appends an escape or plain character; adjacent characters form one literal, and so one write.
func (s *send) add(e Escape) {
	if last := len(s.ops) - 1; e.op == opLiteral && last >= 0 && s.ops[last].kind == opLiteral {
		s.ops[last].bytes = append(s.ops[last].bytes, e.octet)
		return
	}
	o := op{kind: e.op, pause: e.pause}
	if e.op == opLiteral {
		o.bytes = []byte{e.octet}
	}
	s.ops = append(s.ops, o)
}

// unit parses the plain character or escape at byte i of the word and returns it with its length in bytes.
func (w word) unit(i int) (Escape, int, *SyntaxError) {
	switch c := w.text[i]; {
	case c == '\\':
		return w.escape(i)
	case c == '^':
		return w.control(i)
	default:
		return Escape{octet: c, Expect: true}, 1, nil
	}
}

func (w word) escape(i int) (Escape, int, *SyntaxError) {
	if i+1 == len(w.text) {
		return Escape{}, 0, w.wrongAt(i, 1, "nothing follows the backslash", `write \s for a space, \\ for a backslash`)
	}
	c := w.text[i+1]
	if c >= '0' && c <= '7' {
		return w.octal(i)
	}
	text := w.text[i : i+2]
	if text == `\c` || text == `\q` {
		return Escape{Text: text}, 2, nil
	}
	for _, e := range escapes() {
		if e.Text == text {
			return e, 2, nil
		}
	}
	if r := refusalOf(text); r != nil {
		return Escape{}, 0, r.at(w.offset+i, text)
	}
	return Escape{}, 0, w.wrongAt(i, 2, "not an IOS escape", `write \\ for a backslash`)
}

func (w word) octal(i int) (Escape, int, *SyntaxError) {
	v, n := 0, 1
	for n <= 3 && i+n < len(w.text) && w.text[i+n] >= '0' && w.text[i+n] <= '7' {
		v = v*8 + int(w.text[i+n]-'0')
		n++
	}
	if v > 0xff {
		return Escape{}, 0, w.wrongAt(i, n, "octal value out of range", `\000 to \377`)
	}
	return Escape{octet: byte(v), Expect: true}, n, nil
}

// control parses ^x: the character with bit 7 inverted, as terminals print it; ^? is DEL.
func (w word) control(i int) (Escape, int, *SyntaxError) {
	if i+1 < len(w.text) {
		c := w.text[i+1]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c >= '?' && c <= '_' && c != '\\' {
			return Escape{octet: c ^ 0x40, Expect: true}, 2, nil
		}
	}
	return Escape{}, 0, w.wrongAt(i, min(2, len(w.text)-i), "not a control character",
		`^A to ^Z, ^@ ^[ ^] ^^ ^_ ^?; \034 for ^\, \136 for a caret`)
}

func (w word) wrong(msg, hint string) *SyntaxError {
	return &SyntaxError{Offset: w.offset, Word: w.String(), Msg: msg, Hint: hint}
}

func (w word) wrongAt(i, n int, msg, hint string) *SyntaxError {
	return &SyntaxError{Offset: w.offset + i, Word: w.text[i : i+n], Msg: msg, Hint: hint}
}

// isKeyword reports whether s is a keyword of other chat programs that IOS does not have.
func isKeyword(s string) bool {
	return s != "" && s[0] >= 'A' && s[0] <= 'Z' && refusalOf(s) != nil
}

// octalFirst escapes the first character of a word, so that it is not parsed as a keyword.
func octalFirst(s string) string { return fmt.Sprintf(`\%03o%s`, s[0], s[1:]) }

package syslog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// parsed is a message of RFC 5424 as its grammar (§6) reads it.
type parsed struct {
	priority                   int
	time                       time.Time
	host, app, proc, id        string
	elements                   []element
	message                    string
	utf8                       bool // the message has a BOM
	facility, severity, octets int
}

type element struct {
	id     string
	params [][2]string
}

func (p parsed) param(id, name string) (string, bool) {
	for _, e := range p.elements {
		for _, kv := range e.params {
			if e.id == id && kv[0] == name {
				return kv[1], true
			}
		}
	}
	return "", false
}

// parse is a strict parser of RFC 5424 §6, written from its ABNF: it accepts nothing that the grammar does not.
func parse(s string) (p parsed, err error) {
	p.octets = len(s)
	rest, ok := strings.CutPrefix(s, "<")
	if !ok {
		return p, errors.New("PRI")
	}
	pri, rest, ok := strings.Cut(rest, ">")
	if p.priority, err = strconv.Atoi(pri); !ok || err != nil || len(pri) > 3 || p.priority > 191 || p.priority < 0 ||
		strconv.Itoa(p.priority) != pri {
		return p, fmt.Errorf("PRIVAL %q", pri)
	}
	p.facility, p.severity = p.priority/8, p.priority%8
	if rest, ok = strings.CutPrefix(rest, "1 "); !ok {
		return p, errors.New("VERSION")
	}
	stamp, rest, ok := strings.Cut(rest, " ")
	if p.time, err = time.Parse("2006-01-02T15:04:05.999999Z07:00", stamp); !ok || err != nil {
		return p, fmt.Errorf("TIMESTAMP %q: %v", stamp, err)
	}
	for _, f := range []struct {
		to  *string
		max int
	}{{&p.host, 255}, {&p.app, 48}, {&p.proc, 128}, {&p.id, 32}} {
		if *f.to, rest, ok = strings.Cut(rest, " "); !ok || *f.to == "" || len(*f.to) > f.max || !printUSASCII(*f.to) {
			return p, fmt.Errorf("header field %q", *f.to)
		}
	}
	if rest, err = p.data(rest); err != nil || rest == "" {
		return p, err
	}
	if rest, ok = strings.CutPrefix(rest, " "); !ok {
		return p, fmt.Errorf("%q after the structured data", rest[:1])
	}
	p.message, p.utf8 = strings.CutPrefix(rest, "\xef\xbb\xbf")
	if p.utf8 && !utf8.ValidString(p.message) {
		return p, errors.New("MSG-UTF8 is not UTF-8")
	}
	return p, nil
}

func printUSASCII(s string) bool {
	for _, c := range []byte(s) {
		if c < 33 || c > 126 {
			return false
		}
	}
	return true
}

// name is SD-NAME.
func name(s string) bool {
	return s != "" && len(s) <= 32 && printUSASCII(s) && !strings.ContainsAny(s, `= ]"`)
}

// data reads STRUCTURED-DATA and returns what follows.
func (p *parsed) data(s string) (rest string, err error) {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return rest, nil
	}
	for strings.HasPrefix(s, "[") {
		n := strings.IndexAny(s, " ]")
		if n < 0 || !name(s[1:n]) {
			return "", errors.New("SD-ID")
		}
		e := element{id: s[1:n]}
		for s = s[n:]; strings.HasPrefix(s, " "); {
			param, rest, ok := strings.Cut(s[1:], `="`)
			if !ok || !name(param) {
				return "", fmt.Errorf("PARAM-NAME %q", param)
			}
			value, after, err := paramOf(rest)
			if err != nil {
				return "", err
			}
			e.params = append(e.params, [2]string{param, value})
			s = after
		}
		if !strings.HasPrefix(s, "]") {
			return "", errors.New("SD-ELEMENT without its end")
		}
		s = s[1:]
		p.elements = append(p.elements, e)
	}
	if len(p.elements) == 0 {
		return "", errors.New("STRUCTURED-DATA")
	}
	return s, nil
}

// paramOf reads a PARAM-VALUE with its closing quote.
func paramOf(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			if !utf8.ValidString(b.String()) {
				return "", "", errors.New("PARAM-VALUE is not UTF-8")
			}
			return b.String(), s[i+1:], nil
		case ']':
			return "", "", errors.New("PARAM-VALUE with a ] that is not escaped")
		case '\\':
			if i+1 < len(s) && strings.IndexByte(`"\]`, s[i+1]) >= 0 {
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", errors.New("PARAM-VALUE without its end")
}

// frames splits a stream into the messages that octet counting makes (RFC 5425 §4.3).
func frames(s string) (all []string, err error) {
	for s != "" {
		count, rest, ok := strings.Cut(s, " ")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || count[0] == '0' || n > len(rest) {
			return all, fmt.Errorf("MSG-LEN %q of %d octets", count[:min(len(count), 20)], len(rest))
		}
		all, s = append(all, rest[:n]), rest[n:]
	}
	return all, nil
}

package tacplus

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// maxDialstring is longer than any number with its punctuation; a longer one is a mistake or an attack.
const maxDialstring = 64

// reading is what the answers to one authorization grant, one after the other.
type reading struct {
	q     aaa.Question
	a     aaa.Authorization
	ask   question // whose answer is read
	asked []string // its arguments
	where int      // its kind of session
	seen  map[string]string
}

func newReading(q aaa.Question) *reading {
	return &reading{q: q, a: aaa.Authorization{PrivLevel: 1}}
}

// take reads an answer. The error names the pair that cannot be honoured; nothing is granted then.
func (r *reading) take(ask question, v verdict) error {
	r.ask, r.asked, r.seen = ask, ask.args, map[string]string{}
	r.where = map[string]int{"": inEXEC, "lcp": inLCP, "ip": inIP, "ipv6": inIPv6}[ask.protocol]
	r.a.Attributes = append(r.a.Attributes, describePairs(v.args)...)
	if len(r.q.Command) > 0 {
		return r.takeCommand(v)
	}
	for _, s := range v.args {
		if err := r.pair(s); err != nil {
			return err
		}
	}
	return nil
}

// takeCommand reads the answer to a command. It runs as it was asked for or not at all: a changed one, or any mandatory pair besides, cannot be
// honoured.
func (r *reading) takeCommand(v verdict) error {
	if v.replace && !slices.Equal(v.args, r.asked) {
		return errors.New("it replaces the command by another (PASS_REPL), which is not done")
	}
	for _, s := range v.args {
		name, sep, _ := cutPair(s)
		switch {
		case slices.Contains(r.asked, s):
		case sep == "*":
			r.note(s, "", "optional, left")
		default:
			return fmt.Errorf("%s: a mandatory pair that commands do not have", printed(name))
		}
	}
	return nil
}

// cutPair splits at the first = (mandatory) or * (optional); RFC 8907 §6.1.
func cutPair(s string) (name, sep, v string) {
	i := strings.IndexAny(s, "=*")
	if i < 0 {
		return s, "", ""
	}
	return s[:i], s[i : i+1], s[i+1:]
}

// pair reads one argument. A mandatory one that cannot be honoured refuses, an optional one is left.
func (r *reading) pair(s string) error {
	name, sep, v := cutPair(s)
	if sep == "" || name == "" {
		return fmt.Errorf("the argument %s has no name, or no = or * behind it", describePair(s))
	}
	row, err := r.row(name)
	if err == nil {
		err = r.once(row, name, v)
	}
	if errors.Is(err, errSame) {
		r.note(s, "", err.Error())
		return nil
	}
	if err == nil {
		err = row.apply(r, v)
	}
	switch {
	case err == nil:
		r.note(s, row.field, "")
	case sep == "=" && errors.Is(err, errUnknown):
		r.note(s, "", "refused: it is unknown and mandatory")
		return fmt.Errorf("%s: %w and mandatory (with * for = it would be optional)", printed(name), err)
	case sep == "=":
		r.note(s, "", "refused: "+err.Error())
		return fmt.Errorf("%s: %w", printed(name), err)
	default:
		r.note(s, "", err.Error()+"; optional, left")
	}
	return nil
}

// row finds the table's row. Letter case of names does not count.
func (r *reading) row(name string) (row, error) {
	low := strings.ToLower(name)
	base, number, numbered := strings.Cut(low, "#")
	for _, row := range rows {
		if row.name != low && !(numbered && row.many && row.name == base && isDigits(number)) {
			continue
		}
		if row.in&r.where == 0 {
			return row, fmt.Errorf("it cannot be honoured in %s", what(r.ask, r.q))
		}
		return row, nil
	}
	return row{}, errUnknown
}

var errUnknown = errors.New("it is unknown")

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

var errSame = errors.New("it came twice and says the same")

// once checks a value's characters, and that what comes again says the same.
func (r *reading) once(row row, name, v string) error {
	for i := range len(v) {
		if v[i] < 0x20 || v[i] >= 0x7f { // what follows a CR would be another command to a modem, what follows a NUL is hidden
			return fmt.Errorf("the character %#02x in it", v[i])
		}
	}
	key := strings.ToLower(name)
	before, again := r.seen[key]
	switch {
	case !again:
		r.seen[key] = v
	case before == v:
		return errSame
	case !row.many:
		return errors.New("it came twice and says two things")
	}
	return nil
}

func (r *reading) note(s, field, note string) {
	name, _, v := cutPair(s)
	if v != "" && secretName(name) {
		v = masked
	}
	r.a.Readings = append(r.a.Readings, aaa.Reading{Dialect: "TACACS+", Attribute: printed(name), Value: printed(v), Field: field, Note: note})
}

// mayLack reports whether a PPP session may be granted without IP: a first leg that ends to be called back needs none.
func (r *reading) mayLack(q aaa.Question) bool {
	return len(q.Command) == 0 && q.Leg != 2 && q.Protocol == "" && r.a.Callback
}

func (r *reading) lacks(ask question) {
	r.a.Readings = append(r.a.Readings, aaa.Reading{Dialect: "TACACS+", Attribute: "service=ppp protocol=" + ask.protocol, Note: "refused; the callback needs none"})
}

// conclude judges the pairs together.
func (r *reading) conclude() aaa.Authorization {
	if r.q.Service == aaa.PPP {
		r.a.PrivLevel = 1
	}
	// A line or a rotary without a dial string wants a callback too; its number is not said.
	if r.a.Callback && !r.a.Dialstring.IsSet() {
		r.a.Dialstring = aaa.DialstringOf("")
	}
	return r.a
}

// refused is the Result of a refusal: nothing is granted, what came is there to read.
func (r *reading) refused(p *peer, why, message string) aaa.Result {
	a := r.a.Ungranted()
	a.ReplyMessage = message
	return aaa.Result{Kind: aaa.Refused, Server: p.Name, Message: message, Auth: a, Reason: fmt.Sprintf("tacacs server %s: %s", p.Name, why)}
}

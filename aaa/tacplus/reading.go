package tacplus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

// reading accumulates what the answers to one authorization grant.
type reading struct {
	q   aaa.Question
	ask question // the question whose answer is being read
	pairs.Grant
}

// readings reuses readings, whose memory is the main cost of an answer. They keep no data.
var readings = sync.Pool{New: func() any { return new(reading) }}

func newReading(q aaa.Question) *reading {
	r := readings.Get().(*reading)
	r.q = q
	if q.Service == aaa.Outbound {
		r.GrantOutbound()
	}
	return r
}

// free returns r to the pool; what it granted stays valid.
func (r *reading) free() {
	r.Reset()
	r.q, r.ask = aaa.Question{}, question{}
	readings.Put(r)
}

// take reads an answer. The error names the pair that cannot be honored; then nothing is granted.
func (r *reading) take(ask question, v verdict) error {
	r.ask = ask
	r.A.Attributes = append(r.A.Attributes, describePairs(v.args)...)
	r.A.Readings = slices.Grow(r.A.Readings, len(v.args))
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

// takeCommand reads the answer to a command. The command runs exactly as requested or not at all: a changed command or
// any other mandatory pair cannot be honored.
func (r *reading) takeCommand(v verdict) error {
	if v.replace && !slices.Equal(v.args, r.ask.args) {
		return errors.New("it replaces the command by another (PASS_REPL), which is not supported")
	}
	for _, s := range v.args {
		name, sign, _ := pairs.Split(s)
		switch {
		case slices.Contains(r.ask.args, s):
		case sign == '*':
			r.report(s, "", "optional, ignored")
		default:
			return fmt.Errorf("%s: mandatory pair not valid for commands", pairs.Printable(name))
		}
	}
	return nil
}

// pair reads one argument. Arguments that repeat the request are read here, all others by package pairs.
func (r *reading) pair(s string) error {
	name, sign, v := pairs.Split(s)
	if sign == 0 || name == "" {
		return fmt.Errorf("the argument %s has no name, or no = or * after it", describePair(s))
	}
	r.Begin(pairs.Printable(pairs.MaskedName(name)))
	err := r.honor(name, v, sign == '*')
	if err != nil {
		r.report(s, "", "refused: "+err.Error())
		return fmt.Errorf("%s: %w", r.By, err)
	}
	r.report(s, r.Field, r.Note)
	return nil
}

func (r *reading) honor(name, v string, optional bool) error {
	for i := range len(v) {
		// After a CR a modem would read another command; after a NUL the rest is hidden.
		if v[i] < ' ' || v[i] > '~' {
			return fmt.Errorf("contains the character %#02x", v[i])
		}
	}
	switch low := strings.ToLower(name); low {
	case "service", "cmd", "protocol":
		return r.echo(low, v, optional)
	}
	at, name := pairs.Argument(pairs.PlaceOf(r.q.Service, r.ask.protocol), name)
	return r.Take(pairs.Pair{At: at, Name: name, Value: v, Optional: optional})
}

// echo reads an argument that was part of the request: an answer may repeat it but not change it.
func (r *reading) echo(name, v string, optional bool) error {
	i := slices.IndexFunc(r.ask.args, func(arg string) bool { return strings.HasPrefix(arg, name+"=") })
	switch {
	case i >= 0 && r.ask.args[i] == name+"="+v:
		return nil
	case optional:
		return r.Left("it was not requested; optional, ignored")
	case i < 0:
		return fmt.Errorf("it cannot be honored in %s", what(r.ask, r.q))
	}
	return fmt.Errorf("%s was requested", r.ask.args[i])
}

func (r *reading) report(s, field, note string) {
	name, _, _ := pairs.Split(s)
	name = pairs.MaskedName(name)
	_, _, v := pairs.Split(pairs.Masked(s))
	rd := aaa.Reading{Dialect: "TACACS+", Attribute: pairs.Printable(name), Value: pairs.Printable(v), Field: field,
		Note: note}
	r.A.Readings = append(r.A.Readings, rd)
}

// mayLack reports whether a PPP session may be granted without IP: a first leg that ends for callback needs none.
func (r *reading) mayLack(q aaa.Question) bool {
	return len(q.Command) == 0 && q.Leg != 2 && q.Protocol == "" && r.Demanded()
}

// lacks records a refusal that does not end the session.
func (r *reading) lacks(ask question, note string) {
	r.A.Readings = append(r.A.Readings, aaa.Reading{Dialect: "TACACS+", Attribute: "service=ppp protocol=" +
		ask.protocol, Note: note})
}

// refused is the Result of a refusal: it grants nothing and lists the received pairs.
func (r *reading) refused(p *peer, why, message string) aaa.Result {
	a := r.A.Ungranted()
	a.ReplyMessage = message
	return aaa.Result{Kind: aaa.Refused, Server: p.Name, Message: message, Auth: a,
		Reason: fmt.Sprintf("tacacs server %s: %s", p.Name, why)}
}

package condition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Sizes of the variables, from which the cost of an expression is estimated. With a larger value none holds.
const (
	maxText   = 255 // octets, as in RADIUS and TACACS+
	maxGroups = 64
)

// Facts are what an expression can know about a request: no secret, and no text that the caller could write in the name
// of the network or of AAA.
type Facts struct {
	User    string   // as AAA names the user
	Realm   string   // of User, in lowercase
	Entry   string   // of the method list, that authenticated the user
	Group   string   // whose policy applies
	Groups  []string // AAA's group hints
	Service string   // exec or ppp
	Number  string   // to be called, in canonical form
	Origin  string   // of the number
	Called  string   // the number that the caller dialed, in digits; "": unknown
	Calling string   // the calling number in canonical form; "": unknown
	Line    int      // the called line, a TTY; 0: unknown
	Rotary  int      // of that line; -1: none
	Priv    int      // AAA's privilege level

	Time time.Time // of the request, in the time zone of the group
}

// Variable is a row of the table of variables.
type Variable struct {
	Name string
	Doc  string // Markdown sentences for the reference

	typ     *cel.Type
	maxSize uint64 // octets of a text, elements of a list
	time    bool   // it has a meaning in a time zone only
	value   func(*Facts) ref.Val

	form   func(string) bool // whether the variable can have the value; nil: it can have any
	values string            // those that it can have, for messages
}

// texts is the type of a list of texts.
var texts = cel.ListType(cel.StringType)

func text(name, doc string, value func(*Facts) string) Variable {
	return Variable{Name: name, Doc: doc, typ: cel.StringType, maxSize: maxText,
		value: func(f *Facts) ref.Val { return types.String(value(f)) }}
}

func integer(name, doc string, value func(*Facts) int) Variable {
	return Variable{Name: name, Doc: doc, typ: cel.IntType, maxSize: 1,
		value: func(f *Facts) ref.Val { return types.Int(value(f)) }}
}

func clock(name, layout, values, doc string) Variable {
	v := text(name, doc, func(f *Facts) string { return f.Time.Format(layout) })
	v.maxSize, v.time, v.values = uint64(len(layout)), true, values
	v.form = func(s string) bool {
		t, err := time.Parse(layout, s)
		return err == nil && t.Format(layout) == s
	}
	return v
}

// oneOf makes a variable of texts one that has only these values.
func oneOf(v Variable, values ...string) Variable {
	v.form = func(s string) bool { return slices.Contains(values, s) }
	v.values = strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
	return v
}

// variables is the table of variables.
var variables = []Variable{
	text("user", "The user, as AAA names it.", func(f *Facts) string { return f.User }),
	text("realm", "Of the user's name, in lowercase: what follows the last `@`, otherwise what precedes the first "+
		"backslash; `\"\"` if there is none.", func(f *Facts) string { return f.Realm }),
	text("entry", "The entry of the method list that authenticated the user: a server group's name, `local`, `none`.",
		func(f *Facts) string { return f.Entry }),
	text("group", "The group whose policy applies, not one that it extends.",
		func(f *Facts) string { return f.Group }),
	{Name: "groups", Doc: "AAA's group hints, in their order.", typ: texts, maxSize: maxGroups,
		value: func(f *Facts) ref.Val { return types.NewStringList(types.DefaultTypeAdapter, f.Groups) }},
	oneOf(text("service", "`\"exec\"`, `\"ppp\"` or, of a dial-out, `\"outbound\"`.",
		func(f *Facts) string { return f.Service }), "exec", "ppp", "outbound"),
	text("number", "The number to be called, in canonical form.", func(f *Facts) string { return f.Number }),
	oneOf(text("origin", "Where it comes from: `\"aaa\"`, `\"place\"`, `\"caller\"`, `\"caller_id\"`.",
		func(f *Facts) string { return f.Origin }), "aaa", "place", "caller", "caller_id"),
	text("called", "The number that the caller dialed, in digits as the line reports it; `\"\"` if it is unknown, and "+
		"on lines on which callers could write it.", func(f *Facts) string { return f.Called }),
	text("calling", "The calling number in canonical form; `\"\"` as for `called`, so a condition that "+
		"excludes numbers is true then.", func(f *Facts) string { return f.Calling }),
	integer("line", "The called line, a TTY number.", func(f *Facts) int { return f.Line }),
	integer("rotary", "The rotary of that line; -1 if it is in none.", func(f *Facts) int { return f.Rotary }),
	integer("priv_lvl", "AAA's privilege level, 0–15.", func(f *Facts) int { return f.Priv }),
	clock("time", "15:04", "hours and minutes such as 07:30",
		"The time of day in `hours.zone`, `\"07:30\"`. Times and dates can be compared: "+
			"`time >= \"07:30\" && time < \"19:00\"`."),
	clock("date", time.DateOnly, "a date of the calendar such as 2026-12-24",
		"The date in `hours.zone`, `\"2026-12-24\"`."),
	oneOf(Variable{Name: "weekday", Doc: "`\"mon\"`, `\"tue\"`, `\"wed\"`, `\"thu\"`, `\"fri\"`, `\"sat\"` or " +
		"`\"sun\"`, in `hours.zone`.", typ: cel.StringType, maxSize: 3, time: true,
		value: func(f *Facts) ref.Val { return types.String(weekdays[f.Time.Weekday()]) }}, weekdays[:]...),
}

var weekdays = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// check reports a value that is larger than the estimate of the cost assumes.
func (f *Facts) check() error {
	for _, v := range [...]struct{ name, value string }{{"user", f.User}, {"realm", f.Realm}, {"entry", f.Entry},
		{"group", f.Group}, {"service", f.Service}, {"number", f.Number}, {"origin", f.Origin}, {"called", f.Called},
		{"calling", f.Calling}} {
		if len(v.value) > maxText {
			return fmt.Errorf("%s has %d octets; the maximum is %d", v.name, len(v.value), maxText)
		}
	}
	if len(f.Groups) > maxGroups {
		return fmt.Errorf("groups has %d elements; the maximum is %d", len(f.Groups), maxGroups)
	}
	for _, g := range f.Groups {
		if len(g) > maxText {
			return fmt.Errorf("an element of groups has %d octets; the maximum is %d", len(g), maxText)
		}
	}
	return nil
}

// Variables returns the table of variables.
func Variables() []Variable { return variables }

// Type returns the name of the type, in CEL.
func (v Variable) Type() string { return v.typ.String() }

// ResolveName implements cel.Activation.
func (f *Facts) ResolveName(name string) (any, bool) {
	for i := range variables {
		if variables[i].Name == name {
			return variables[i].value(f), true
		}
	}
	return nil, false
}

// Parent implements cel.Activation.
func (f *Facts) Parent() cel.Activation { return nil }

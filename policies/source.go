package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// Source is a source of the numbers at which a group may be called back.
type Source string

const (
	FromAAA      Source = "aaa"         // a number or place that AAA fixed
	FromCaller   Source = "caller"      // AAA leaves the number to the caller (NULL), and the lists allow it
	FromList     Source = "caller_list" // the same, and the number is one of the user's (Numbers.List)
	FromCallerID Source = "caller_id"   // AAA requests a callback at the calling number
)

// sources has all sources in the order of the canonical text.
var sources = []Source{FromAAA, FromCaller, FromList, FromCallerID}

// AnySource is what `from_caller: allow` means.
func AnySource() []Source { return []Source{FromAAA, FromCaller, FromCallerID} }

func sourceNames() (names []string) {
	for _, s := range sources {
		names = append(names, string(s))
	}
	return names
}

// from reports whether numbers from s are allowed; without sources, only AAA's are.
func (n Numbers) from(s Source) bool {
	if n.From == nil {
		return s == FromAAA
	}
	return slices.Contains(n.From, s)
}

// given reports whether the caller may give a number.
func (n Numbers) given() bool { return n.from(FromCaller) || n.from(FromList) }

// fixed returns the Numbers without the sources from which callers choose a number.
func (n Numbers) fixed() Numbers {
	if n.from(FromAAA) {
		n.From = nil
	} else {
		n.From = []Source{}
	}
	return n
}

// permits reports whether a number with this origin may still be dialed.
func (n Numbers) permits(o numbers.Origin) bool {
	switch o {
	case numbers.OriginCaller:
		return n.given()
	case numbers.OriginCallerID:
		return n.from(FromCallerID)
	}
	return n.from(FromAAA)
}

// sourceText is the canonical text of the sources, in the style of a file.
func (n Numbers) sourceText() string {
	var out []string
	for _, s := range sources {
		if n.from(s) {
			out = append(out, string(s))
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// old reports whether the sources are those of a value of `from_caller`, and that value.
func (n Numbers) old() (allow, ok bool) {
	switch n.sourceText() {
	case (Numbers{}).sourceText():
		return false, true
	case (Numbers{From: AnySource()}).sourceText():
		return true, true
	}
	return false, false
}

// listText is the canonical text of the users' numbers: users and numbers in order.
func (n Numbers) listText() string {
	var out []string
	for user, list := range n.List {
		out = append(out, fmt.Sprintf("%q: %q", user, list)) // the order is that of the dials
	}
	slices.Sort(out)
	return "{" + strings.Join(out, ", ") + "}"
}

// readFrom sets the sources: `from`, or what `from_caller` means.
func readFrom(p *Policy, v *schema.Value) {
	if !v.IsSet() {
		return
	}
	p.Numbers.From = []Source{}
	for _, s := range v.Texts() {
		p.Numbers.From = append(p.Numbers.From, Source(s))
	}
}

func readFromCaller(p *Policy, v *schema.Value) {
	if v.Text() == "allow" {
		p.Numbers.From = AnySource()
	}
}

// withoutTwin returns settings without the default of `from` or `from_caller` if a file has the other key, which then
// says the sources.
func withoutTwin(all []Setting) []Setting {
	return slices.DeleteFunc(all, func(s Setting) bool {
		twin := map[string]string{"numbers.from": "numbers.from_caller", "numbers.from_caller": "numbers.from"}[s.Key]
		return twin != "" && s.File == "" && slices.ContainsFunc(all, func(other Setting) bool {
			key, _, _ := strings.Cut(other.Key, "[")
			return key == twin && other.File != ""
		})
	})
}

func readList(p *Policy, v *schema.Value) {
	for _, user := range v.Names() {
		if p.Numbers.List == nil {
			p.Numbers.List = map[string][]string{}
		}
		p.Numbers.List[user] = v.Get(user).Texts()
	}
}

// checkListed accepts a whole number, in digits.
func checkListed(s string) error {
	if strings.Contains(s, "*") {
		return errors.New("has a * (write the whole number: a list names numbers, allow has patterns)")
	}
	return numbers.CheckPattern(s)
}

// checkSecure reports what contradicts `callback: secure`.
func (p Policy) checkSecure(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	if p.Callback != Secure {
		return
	}
	if p.Numbers.sourceText() != (Numbers{}).sourceText() {
		at := v.Get("numbers").Get("from")
		if !at.IsSet() {
			at = v.Get("numbers").Get("from_caller")
		}
		problem(at, "callback: secure calls only numbers that AAA fixed", "write numbers: {from: [aaa]}")
	}
	if p.OnRequest {
		problem(v.Get(onRequest), "callback: secure lets nobody request a callback", "remove it, or write "+
			onRequest+": deny")
	}
}

// twoSources reports that a group's file, or that file and one that it extends, have both keys of the sources.
func twoSources(file string, from, callers *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	hint := "remove from_caller; from_caller: allow is from: " + Numbers{From: AnySource()}.sourceText()
	at, other := callers, from
	switch {
	case from.File == callers.File:
		problem(callers, "from has the sources already", hint)
		return
	case from.File == file:
		at, other = from, callers
	case callers.File != file:
		return // the file that extends the other one reports it
	}
	problem(at, fmt.Sprintf("%s:%d, which this file extends, has the sources in %s", other.File, other.Line,
		other.Path), "write the same key in both files; from_caller: allow is from: "+
		Numbers{From: AnySource()}.sourceText())
}

// checkSources returns the problems of the sources of a file.
func (p Policy) checkSources(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	n := v.Get("numbers")
	from, callers, list := n.Get("from"), n.Get("from_caller"), n.Get("list")
	at := from
	if !from.IsSet() {
		at = callers
	}
	switch {
	case from.IsSet() && callers.IsSet():
		twoSources(v.Get("group").File, from, callers, problem)
		return
	case from.IsSet() && len(p.Numbers.From) == 0:
		problem(from, "has no source, so no number could be called", "write from: [aaa], or callback: off")
	case (p.Numbers.from(FromCaller) || p.Numbers.from(FromCallerID)) && len(p.Numbers.Allow) == 0:
		problem(at, "allows callers' numbers, but numbers.allow is empty",
			`add allow: ["84*"]; ["*"] allows any number`)
	}
	switch {
	case p.Numbers.from(FromList) && len(p.Numbers.List) == 0:
		problem(at, "has caller_list, but numbers.list is empty", `add list: {kim: ["84007"]}`)
	case list.IsSet() && !p.Numbers.from(FromList):
		problem(list, "is not used, because from has no caller_list", "add caller_list to from, or remove the list")
	}
}

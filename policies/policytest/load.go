package policytest

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/triggers"
)

// Case is one test: a request and what must be decided about it.
type Case struct {
	File string
	Line int // of the name
	Name string

	Asked Asked
	Want  Want
}

// Want is what a test says about a decision. What is empty may be anything.
type Want struct {
	Outcome  policies.Outcome // never empty
	Group    string           // the group whose policy decides; "": that of the file
	Number   string
	Numbers  []string // all of them, in their order
	Reason   string   // a part of the reason
	Rule     string   // that decides
	NoVerify *bool
	Lines    []int // that call back
	Script   string

	ModemScript, SystemScript string
	Wait                      *time.Duration
	Record                    *bool
}

// noon is the time of a request that gives none: a Monday.
var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// Keys is the table of the keys of a file of tests.
func Keys() []schema.Key {
	test := &schema.Key{Type: schema.Object, Keys: []schema.Key{
		{Name: "name", Type: schema.String, Required: true, Check: schema.NotEmpty, Example: `"a denied number"`},
		{Name: "request", Type: schema.Object, Required: true, Keys: requestKeys,
			Example: `{user: austin-01, number: "84001"}`},
		{Name: "decision", Type: schema.Object, Required: true, Keys: decisionKeys, Example: "{outcome: refuse}"},
	}}
	return []schema.Key{{Name: "tests", Type: schema.List, Required: true, Elem: test}}
}

var requestKeys = []schema.Key{
	{Name: "user", Type: schema.String, Required: true, Check: schema.NotEmpty, Example: "austin-01"},
	{Name: "entry", Type: schema.String, Check: schema.NotEmpty},
	{Name: "groups", Type: schema.List, Elem: &schema.Key{Type: schema.String, Check: schema.NotEmpty}},
	{Name: "service", Type: schema.String, Enum: []string{string(aaa.EXEC), string(aaa.PPP), string(aaa.Outbound)}},
	{Name: "auth", Type: schema.String, Enum: policies.PPPMethods()},
	{Name: "callback", Type: schema.Bool},
	{Name: "number", Type: schema.String},
	{Name: "numbers", Type: schema.List, Elem: &schema.Key{Type: schema.String, Check: schema.NotEmpty}},
	{Name: "place", Type: schema.String, Check: schema.NotEmpty},
	{Name: "caller_id", Type: schema.Bool},
	{Name: "address", Type: schema.String, Check: CheckAddress},
	{Name: "no_verify", Type: schema.Bool},
	{Name: "priv_lvl", Type: schema.Int, Min: 0, Max: 15},
	{Name: "port_limit", Type: schema.Int, Min: 1, Max: 1000},
	{Name: "sessions", Type: schema.Int, Min: 0, Max: 1000},
	{Name: "typed", Type: schema.String},
	{Name: "caller", Type: schema.String, Check: schema.NotEmpty},
	{Name: "called", Type: schema.String, Check: schema.NotEmpty},
	{Name: "line", Type: schema.Int, Min: 1, Max: schema.MaxTTY},
	{Name: "rotary", Type: schema.Int, Min: 0, Max: 100},
	{Name: "ringing", Type: schema.Bool},
	{Name: "network", Type: schema.Bool},
	{Name: "trigger", Enum: triggers.Kinds()},
	{Name: "raw", Type: schema.Bool},
	{Name: "leg", Type: schema.Int, Min: 1, Max: 2},
	{Name: "time", Type: schema.String, Check: checkTime},
	{Name: "windows", Type: schema.Dict, Elem: &schema.Key{Type: schema.Int, Min: 1, Max: 2}},
}

var decisionKeys = []schema.Key{
	{Name: "outcome", Type: schema.String, Required: true, Example: "call_back", Enum: []string{
		string(policies.Admit), string(policies.CallBack), string(policies.AskNumber), string(policies.InvalidNumber),
		string(policies.DialOut), string(policies.Refuse)}},
	{Name: "group", Type: schema.String, Check: schema.NotEmpty},
	{Name: "number", Type: schema.String, Check: schema.NotEmpty},
	{Name: "numbers", Type: schema.List, Elem: &schema.Key{Type: schema.String, Check: schema.NotEmpty}},
	{Name: "reason", Type: schema.String, Check: schema.NotEmpty},
	{Name: "rule", Type: schema.String, Enum: policies.Rules()},
	{Name: "lines", Type: schema.List, Elem: &schema.Key{Type: schema.Int, Min: 1, Max: schema.MaxTTY}},
	{Name: "no_verify", Type: schema.Bool},
	{Name: "script", Type: schema.String, Check: schema.NotEmpty},
	{Name: "modem_script", Type: schema.String, Check: schema.NotEmpty},
	{Name: "system_script", Type: schema.String, Check: schema.NotEmpty},
	{Name: "wait", Type: schema.Duration},
	{Name: "record", Type: schema.Bool},
}

// CheckRange returns an error if a key of the table of requests, whose value is an integer, cannot have this one. It is
// for command lines.
func CheckRange(key string, n int) error {
	i := slices.IndexFunc(requestKeys, func(k schema.Key) bool { return k.Name == key })
	if k := requestKeys[i]; int64(n) < k.Min || int64(n) > k.Max {
		return fmt.Errorf("must be %d to %d", k.Min, k.Max)
	}
	return nil
}

// CheckAddress returns an error if a text is not an IPv4 address. It is for command lines too.
func CheckAddress(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is4() {
		return fmt.Errorf("%.64q is not an IPv4 address", s)
	}
	return nil
}

func checkTime(s string) error {
	_, err := ParseTime(s)
	return err
}

// ParseTime reads a time of RFC 3339, as in files of tests and on command lines.
func ParseTime(s string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, fmt.Errorf("%q is not a time (write 2026-01-05T12:00:00Z or, with the offset of the zone, "+
			"2026-01-05T12:00:00+01:00)", s)
	}
	return at, nil
}

// LoadDir reads the files `GROUP.test.yaml` of a directory. All problems are reported at once; if there are any, the
// cases must not be used. policies.LoadDir reports tests without a policy file.
func LoadDir(dir string) ([]Case, schema.Problems) {
	files, err := filepath.Glob(filepath.Join(escape(dir), "*"+policies.TestSuffix))
	if err != nil {
		return nil, schema.Problems{{File: dir, Msg: err.Error()}}
	}
	var all []Case
	var problems schema.Problems
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), ".") {
			continue
		}
		data, _, err := schema.ReadFile(file, schema.MaxSize)
		if err != nil {
			problems = append(problems, schema.FileProblem(file, err))
			continue
		}
		cases, ps := Parse(file, data)
		all, problems = append(all, cases...), append(problems, ps...)
	}
	return all, problems
}

// escape quotes what a pattern of filepath.Glob would interpret.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// Parse reads one file of tests; file is its name, which names the group.
func Parse(file string, data []byte) ([]Case, schema.Problems) {
	v, problems := schema.Parse(file, data, Keys())
	if problems.HasErrors() {
		return nil, problems
	}
	group := strings.TrimSuffix(filepath.Base(file), policies.TestSuffix)
	var out []Case
	for _, item := range v.Get("tests").Items() {
		name := item.Get("name")
		if i := slices.IndexFunc(out, func(c Case) bool { return c.Name == name.Text() }); i >= 0 {
			problems = append(problems, schema.Problem{File: file, Line: name.Line, Column: name.Column, Key: name.Path,
				Msg: fmt.Sprintf("%q is already the name of the test on line %d", name.Text(), out[i].Line)})
		}
		c := Case{File: file, Line: name.Line, Name: name.Text(), Asked: asked(item.Get("request")),
			Want: want(item.Get("decision"))}
		if c.Want.Group == "" {
			c.Want.Group = group
		}
		out = append(out, c)
	}
	return out, problems
}

func asked(v *schema.Value) Asked {
	a := Asked{
		User: v.Get("user").Text(), Entry: v.Get("entry").Text(), Groups: v.Get("groups").Texts(),
		Service: aaa.Service(v.Get("service").Text()), Auth: v.Get("auth").Text(),
		Callback: v.Get("callback").Bool(false), Number: optional(v.Get("number")), Place: v.Get("place").Text(),
		Address:  v.Get("address").Text(),
		Ringing:  v.Get("ringing").Bool(false),
		Network:  v.Get("network").Bool(false),
		Trigger:  v.Get("trigger").Text(),
		Raw:      v.Get("raw").Bool(false),
		CallerID: v.Get("caller_id").Bool(false), NoVerify: v.Get("no_verify").Bool(false),
		Priv: 1, PortLimit: v.Get("port_limit").Int(), Sessions: v.Get("sessions").Int(),
		Typed: optional(v.Get("typed")), Caller: v.Get("caller").Text(),
		Called: v.Get("called").Text(), Line: v.Get("line").Int(), Leg: v.Get("leg").Int(), Time: noon,
	}
	if all := v.Get("numbers").Texts(); len(all) > 0 {
		a.Number, a.Further = &all[0], all[1:]
	}
	if level := v.Get("priv_lvl"); level.IsSet() { // otherwise the level that a user has if AAA sets none
		a.Priv = level.Int()
	}
	if rotary := v.Get("rotary"); rotary.IsSet() {
		n := rotary.Int()
		a.Rotary = &n
	}
	if w := v.Get("windows"); w.IsSet() {
		a.Windows = map[string]int{}
		for _, group := range w.Names() {
			a.Windows[group] = w.Get(group).Int()
		}
	}
	if t := v.Get("time"); t.IsSet() {
		a.Time, _ = ParseTime(t.Text()) // checked by the table
	}
	return a
}

func want(v *schema.Value) Want {
	w := Want{
		Outcome: policies.Outcome(v.Get("outcome").Text()), Group: v.Get("group").Text(),
		Number: v.Get("number").Text(), Numbers: v.Get("numbers").Texts(),
		Reason: v.Get("reason").Text(), Rule: v.Get("rule").Text(),
		Script: v.Get("script").Text(), ModemScript: v.Get("modem_script").Text(),
		SystemScript: v.Get("system_script").Text(),
	}
	if wait := v.Get("wait"); wait.IsSet() {
		d := wait.Duration()
		w.Wait = &d
	}
	for _, item := range v.Get("lines").Items() {
		w.Lines = append(w.Lines, item.Int())
	}
	if r := v.Get("record"); r.IsSet() {
		is := r.Bool(false)
		w.Record = &is
	}
	if n := v.Get("no_verify"); n.IsSet() {
		is := n.Bool(false)
		w.NoVerify = &is
	}
	return w
}

func optional(v *schema.Value) *string {
	if !v.IsSet() {
		return nil
	}
	s := v.Text()
	return &s
}

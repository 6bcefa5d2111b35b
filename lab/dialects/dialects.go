// Package dialects has, as data, how the modems of each family speak, for the modems of the lab. It is written from
// manuals, not from the profiles that it tests.
package dialects

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/schema"
)

//go:embed families.yaml
var families []byte

// Modem is a modem of the lab: a family with the differences that a file adds.
type Modem struct {
	Family          string
	About, Source   string
	Ports           string // how it is connected: "rfc2217", "tcp" or "pty"; "": as the other lines
	InsecureSignals bool   // its state cannot be proven on a port without modem signals
	Connect         string // its CONNECT
	ShowsCaller     bool   // it reports calling numbers
	Dialect         exchange.Dialect
	Fault           exchange.Fault
}

// Line is a line of a town.
type Line struct {
	Modem
	Profile string // that the daemon is told
}

// Families returns the modems of all families, in the order of the file.
func Families() []Modem {
	v := parsed()
	var all []Modem
	for _, f := range v.Get("families").Items() {
		all = append(all, modemOf(f))
	}
	return all
}

// parsed is the file of the families. A test parses it, so it cannot fail at run time.
func parsed() *schema.Value {
	v, problems := schema.Parse("families.yaml", families, []schema.Key{{Name: "families", Type: schema.List,
		Required: true, Elem: &schema.Key{Type: schema.Object, Keys: append([]schema.Key{
			{Name: "name", Required: true}, {Name: "about", Required: true}, {Name: "source", Required: true},
		}, keys()...)}}})
	if err := problems.Err(); err != nil {
		panic(err)
	}
	return v
}

// Names are the names of the families.
func Names() []string {
	var names []string
	for _, m := range Families() {
		names = append(names, m.Family)
	}
	return names
}

// Parse reads the file of a town's lines: lines, each with a family and what is different from it. All errors are
// reported at once. profiles are the profiles that the daemon has; without any, they are not checked.
func Parse(path string, data []byte, profiles ...string) ([]Line, error) {
	v, problems := schema.Parse(path, data, Keys())
	var all []Line
	for _, item := range v.Get("lines").Items() {
		l := Line{Profile: item.Get("profile").Text()}
		name := item.Get("family").Text()
		for _, f := range parsed().Get("families").Items() {
			if f.Get("name").Text() == name {
				l.Modem = modemOf(schema.Merge(f, item))
			}
		}
		if l.Profile == "" {
			l.Profile = name
		} else if at := item.Get("profile"); len(profiles) > 0 && !slices.Contains(profiles, l.Profile) {
			problems = append(problems, schema.Problem{File: path, Line: at.Line, Column: at.Column, Key: at.Path,
				Msg:  fmt.Sprintf("there is no profile %q", l.Profile),
				Hint: "the profiles are " + strings.Join(profiles, ", ")})
		}
		if err := exchange.CheckDialect(l.Dialect); err != nil {
			problems = append(problems, schema.Problem{File: path, Line: item.Line, Column: item.Column, Key: item.Path,
				Msg: err.Error()})
		}
		all = append(all, l)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// modemOf reads the values of a family, with the differences of a line.
func modemOf(v *schema.Value) Modem {
	caller := v.Get("caller_id")
	none := caller.Get("none").Bool(false)
	m := Modem{Family: v.Get("name").Text(), About: v.Get("about").Text(), Source: v.Get("source").Text(),
		Ports: v.Get("ports").Text(), InsecureSignals: v.Get("insecure_signals").Bool(false),
		Connect: v.Get("connect").Text(), ShowsCaller: !none,
		Dialect: exchange.Dialect{
			Deaf: v.Get("deaf").Duration(), LowerCase: v.Get("lower_case").Bool(false),
			Texts: textsOf(v.Get("results")), HearsVoice: v.Get("hears_voice").Bool(false),
			Commands: commands(v.Get("commands")), NoCallerID: none,
			CallerIDAlways: caller.Get("always").Bool(false), CallerIDCommand: caller.Get("command").Text(),
			CallerIDText:     strings.Join(caller.Get("text").Texts(), "\n"),
			CallerIDTime:     times[caller.Get("order").Text()],
			CallerIDEachRing: caller.Get("each_ring").Bool(false),
			RingText:         v.Get("ring", "text").Text(), RingCommand: v.Get("ring", "command").Text(),
			VoiceRingText: v.Get("ring", "voice").Text(), Messages: v.Get("sms").Bool(false),
			HearsRinging: v.Get("hears_ringing").Bool(false), Negotiated: v.Get("negotiated").Texts(),
			BlacklistAfter: v.Get("blacklist_after").Int(), EscapeAbove127: v.Get("escape_above_127").Bool(false),
		},
		Fault: exchange.Fault{DelayOK: v.Get("slow").Duration(),
			DCDStuckOn: v.Get("dcd").Text() == stuckOn, DCDStuckOff: v.Get("dcd").Text() == stuckOff,
			FalseConnect: v.Get("false_connect").Bool(false)},
	}
	if none {
		m.Dialect.CallerIDCommand, m.Dialect.CallerIDAlways = "", false
	}
	if id := v.Get("identify"); id.IsSet() {
		m.Dialect.Identify = map[string][]string{}
		for _, name := range id.Names() {
			m.Dialect.Identify[name] = id.Get(name).Texts()
		}
	}
	for _, name := range v.Get("registers").Names() {
		n, _ := strconv.Atoi(name[1:]) // checked by the table
		if m.Dialect.Registers == nil {
			m.Dialect.Registers = map[int]exchange.Register{}
		}
		m.Dialect.Registers[n] = registers[v.Get("registers", name).Text()]
	}
	return m
}

// textsOf returns the values of a Dict of texts; nil if there are none.
func textsOf(v *schema.Value) map[string]string {
	var all map[string]string
	for _, name := range v.Names() {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = v.Get(name).Text()
	}
	return all
}

// commands is nil only if the key is absent: an empty list has its meaning.
func commands(v *schema.Value) []string {
	if !v.IsSet() {
		return nil
	}
	return append([]string{}, v.Texts()...)
}

// The words of the file.
const stuckOn, stuckOff = "stuck_on", "stuck_off"

var times = map[string]exchange.CallerIDTime{"before_first_ring": exchange.BeforeFirstRing,
	"with_ring": exchange.BeforeFirstRing, "after_second_ring": exchange.AfterSecondRing}

var registers = map[string]exchange.Register{"missing": {Missing: true}, "read_only": {ReadOnly: true},
	"fixed": {Fixed: true}}

// Keys is the table of the file of a town's lines.
func Keys() []schema.Key {
	return []schema.Key{{Name: "lines", Type: schema.List, Required: true, Min: 1, Max: 100,
		Doc: "The modems of the town, from tty 65 on.",
		Elem: &schema.Key{Type: schema.Object, Keys: append([]schema.Key{
			{Name: "family", Required: true, Enum: Names(), Doc: "The modem's family.", Example: "usr-courier"},
			{Name: "profile", Doc: "The profile of the line in the daemon's configuration. Default: the family's.",
				Example: "generic"},
		}, keys()...)}}}
}

// keys are the keys of a dialect, in the file of the families and in a town's.
func keys() []schema.Key {
	texts := func() *schema.Key { return &schema.Key{Check: checkText} }
	return []schema.Key{
		{Name: "ports", Enum: []string{"rfc2217", "tcp", "pty"}, Example: "tcp",
			Doc: "How the modem is connected. Default: as --ports says."},
		{Name: "insecure_signals", Type: schema.Bool, Doc: "Sets insecure_signals of the line.", Example: "true"},
		{Name: "identify", Type: schema.Dict, Elem: &schema.Key{Type: schema.List, Elem: texts()},
			Doc: "Answers to ATIn, +GMI and the like.", Example: `{I3: ["LT V.92"]}`},
		{Name: "commands", Type: schema.List, Elem: texts(), Example: `["&K", "+PMH"]`,
			Doc: "Commands beyond V.250 that are accepted without effect; all others are an ERROR."},
		{Name: "connect", Check: checkConnect, Doc: "The text of CONNECT, with its speed.", Example: "CONNECT 9600"},
		{Name: "results", Type: schema.Dict, Elem: texts(), Example: "{NO DIALTONE: NO DIAL TONE}",
			Doc: "Own texts of result codes."},
		{Name: "lower_case", Type: schema.Bool, Doc: "Result codes in lower case.", Example: "true"},
		{Name: "hears_voice", Type: schema.Bool, Doc: "Reports VOICE if a person answers.", Example: "true"},
		{Name: "hears_ringing", Type: schema.Bool, Example: "true",
			Doc: "Reports RINGING each time the called number rings."},
		{Name: "negotiated", Type: schema.List, Elem: texts(), Doc: "Lines before CONNECT.",
			Example: "[CARRIER 33600]"},
		{Name: "ring", Type: schema.Object, Doc: "A text instead of RING.", Keys: []schema.Key{
			{Name: "text", Required: true, Check: checkText, Example: `"+CRING: REL ASYNC"`, Doc: "The text."},
			{Name: "command", Check: checkText, Example: "+CRC=1", Doc: "The command, without AT, that turns it on."},
			{Name: "voice", Check: checkText, Example: `"+CRING: VOICE"`, Doc: "The text for calls of a telephone."}}},
		{Name: "sms", Type: schema.Bool, Example: "true",
			Doc: "Takes short messages, with the commands of 3GPP TS 27.005."},
		{Name: "caller_id", Type: schema.Object, Doc: "How calling numbers are reported.", Keys: []schema.Key{
			{Name: "none", Type: schema.Bool, Doc: "They are not: AT+VCID=1 is an ERROR.", Example: "true"},
			{Name: "always", Type: schema.Bool, Doc: "Without any command.", Example: "true"},
			{Name: "command", Check: checkText, Doc: "The command, without AT, that turns caller ID on.",
				Example: `"#CID=1"`},
			{Name: "text", Type: schema.List, Elem: &schema.Key{Check: checkText}, Example: `["NMBR = %s"]`,
				Doc: "The lines, with %s for the number."},
			{Name: "order", Enum: []string{"before_first_ring", "with_ring", "after_first_ring", "after_second_ring"},
				Doc: "When the number is reported. Default: after_first_ring.", Example: "before_first_ring"},
			{Name: "each_ring", Type: schema.Bool, Doc: "Again with every ring.", Example: "true"}}},
		{Name: "registers", Type: schema.Dict, Check: checkRegister, Example: "{S2: read_only}",
			Elem: &schema.Key{Enum: []string{"missing", "read_only", "fixed"}},
			Doc:  "S registers that cannot be written: `fixed` accepts a value and keeps its own."},
		{Name: "escape_above_127", Type: schema.Bool, Example: "true",
			Doc: "A value of S2 above 127 is an escape character too, instead of none."},
		{Name: "deaf", Type: schema.Duration, Max: int64(time.Second), Example: "100ms",
			Doc: "How long octets are lost after a result code."},
		{Name: "slow", Type: schema.Duration, Max: int64(time.Minute), Doc: "Delay of each OK.", Example: "2s"},
		{Name: "dcd", Enum: []string{stuckOn, stuckOff}, Doc: "DCD that does not follow the carrier.",
			Example: stuckOff},
		{Name: "blacklist_after", Type: schema.Int, Max: 1000, Example: "3",
			Doc: "BLACKLISTED after this many failed dials of a number in a row; 0: never."},
		{Name: "false_connect", Type: schema.Bool, Example: "true",
			Doc: "Answers each dial command with CONNECT, without a call."},
	}
}

// checkText accepts one line of printable ASCII.
func checkText(s string) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("%q is not a line of printable ASCII", s)
	}
	return nil
}

func checkConnect(s string) error {
	if err := checkText(s); err != nil {
		return err
	}
	if !strings.HasPrefix(s, "CONNECT") {
		return fmt.Errorf("%q does not begin with CONNECT", s)
	}
	return nil
}

func checkRegister(s string) error {
	n, err := strconv.Atoi(strings.TrimPrefix(s, "S"))
	if err != nil || s != fmt.Sprintf("S%d", n) || n < 0 || n > 99 {
		return fmt.Errorf("%q is no register of the lab's modems: use S0 to S99", s)
	}
	return nil
}

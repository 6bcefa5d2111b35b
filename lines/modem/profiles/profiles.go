// Package profiles has, as data, what is different for each family of modems: one YAML file per family. The shipped
// files are in the binary; an operator's directory adds others. A profile fills in what a line's configuration leaves
// open: the line takes precedence over its profile, and the profile over the driver's tables.
package profiles

import (
	"embed"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/schema"
)

// Generic is the profile of a line that names none, and the one that all others extend.
const Generic = lines.GenericProfile

// Suffix ends the name of a profile's file: NAME.yaml.
const Suffix = ".yaml"

//go:embed shipped/*.yaml
var shipped embed.FS

// Profile is one family of modems, with the values that it extends.
type Profile struct {
	Name     string
	File     string // the file; shipped/NAME.yaml for one of the binary
	Extends  string // "" for Generic
	About    string
	Sources  map[string]string // key → document
	Identify Identify

	Init           string
	ProofRegisters []int
	ResultCodes    map[string]lines.ResultCode // by text in capitals
	Timing         lines.Timing                // zero: the default
	lines.Profile

	own *schema.Value // the values of the file itself
}

// Identify has the signs of a family.
type Identify struct {
	ATI, GMI, GMM []*regexp.Regexp
	USB           []string // vid:pid
}

// File is a file of profiles.
type File struct {
	Path string
	Data []byte
}

// Set is a set of profiles. Its methods may be called from any goroutine.
type Set struct{ byName map[string]*Profile }

// Shipped returns the profiles of the binary.
func Shipped() *Set { return shippedSet() }

// shippedSet is built, and shippedValues are parsed, at their first use: a reload need not do it again. A test does the
// same, so it cannot fail at run time. Neither changes afterwards.
var (
	shippedSet = sync.OnceValue(func() *Set {
		l := newLoader()
		set := l.set()
		if err := l.problems.Err(); err != nil {
			panic(err)
		}
		return set
	})
	shippedValues = sync.OnceValue(func() map[string]*schema.Value {
		l := loader{values: map[string]*schema.Value{}}
		l.shipped()
		if err := l.problems.Err(); err != nil {
			panic(err)
		}
		return l.values
	})
)

// New returns the shipped profiles and those of an operator's files, which replace shipped ones of the same name. The
// Set is nil if there are errors; all are reported at once.
func New(files ...File) (*Set, schema.Problems) {
	if len(files) == 0 {
		return Shipped(), nil
	}
	l := newLoader()
	for _, f := range files {
		l.operators(f)
	}
	set := l.set() // also if a file has errors, so that none hides another
	if l.problems.HasErrors() {
		return nil, l.problems
	}
	return set, l.problems
}

// Get returns the profile of this name; "" is Generic. nil: there is none.
func (s *Set) Get(name string) *Profile {
	if name == "" {
		name = Generic
	}
	return s.byName[name]
}

// Names returns the names of all profiles, Generic first.
func (s *Set) Names() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.byName)), func(n string) bool { return n == Generic })
	return append([]string{Generic}, names...)
}

// Apply fills in what the configuration of a line leaves open.
func (p *Profile) Apply(c *lines.Config) {
	c.Profile = p.Profile
	if c.Init == "" {
		c.Init = p.Init
	} else {
		c.Profile.ErrorCorrection = ""
	}
	if len(c.ProofRegisters) == 0 {
		c.ProofRegisters = p.ProofRegisters
	}
	switch own := c.ResultCodes; {
	case len(own) == 0 && len(p.ResultCodes) > 0: // shared by the lines; nothing changes it
		c.ResultCodes = p.ResultCodes
	case len(p.ResultCodes) > 0:
		c.ResultCodes = maps.Clone(p.ResultCodes)
		maps.Copy(c.ResultCodes, own)
	}
	for _, k := range timings {
		if t := k.field(&c.Timing); *t == 0 {
			*t = *k.field(&p.Timing)
		}
	}
}

// loader collects files and their problems.
type loader struct {
	values   map[string]*schema.Value // by name
	original map[string]*schema.Value // the shipped ones, by name
	problems schema.Problems
}

// newLoader returns a loader with the shipped files.
func newLoader() loader {
	return loader{values: maps.Clone(shippedValues()), original: shippedValues()}
}

func (l *loader) shipped() {
	entries, err := shipped.ReadDir("shipped")
	if err != nil {
		panic(err) // the directory is in the binary
	}
	for _, e := range entries {
		path := "shipped/" + e.Name()
		data, err := shipped.ReadFile(path)
		if err != nil {
			panic(err)
		}
		l.file(File{path, data})
	}
}

// operators reads a file of the operator. Its name is that of the profile.
func (l *loader) operators(f File) {
	name := strings.TrimSuffix(filepath.Base(f.Path), Suffix)
	if err := CheckName(name); err != nil {
		l.problems = append(l.problems, schema.Problem{File: f.Path, Msg: err.Error(), Hint: "rename the file"})
		return
	}
	if name == Generic {
		l.problems = append(l.problems, schema.Problem{File: f.Path, Msg: "the profile generic cannot be changed",
			Hint: "rename the file, and set profile of the lines to that name"})
		return
	}
	l.file(f)
}

func (l *loader) file(f File) {
	v, problems := schema.Parse(f.Path, f.Data, Keys())
	l.problems = append(l.problems, problems...)
	l.values[strings.TrimSuffix(filepath.Base(f.Path), Suffix)] = v
}

// set resolves what the files extend.
func (l *loader) set() *Set {
	s := &Set{byName: map[string]*Profile{}}
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		v := l.values[name]
		if v == nil {
			continue // not YAML of a profile, which is reported
		}
		flat := l.flatten(name, v, nil)
		if flat == nil {
			flat = v // its other errors are reported too
		}
		p := profileOf(name, flat)
		p.own = v
		if name != Generic {
			p.Extends = extended(v)
		}
		l.check(p, flat)
		s.byName[name] = p
	}
	return s
}

// extended returns the name of the profile that a file extends.
func extended(v *schema.Value) string {
	if e := v.Get(keyExtends); e.IsSet() {
		return e.Text()
	}
	return Generic
}

// flatten returns the values of a file with those that it extends; nil: there is an error. below has the files that
// extend it.
func (l *loader) flatten(name string, v *schema.Value, below []*schema.Value) *schema.Value {
	if name == Generic {
		return v
	}
	base := extended(v)
	at := l.values[base]
	if base == name {
		at = l.original[base] // the operator's file extends the shipped one of its name
	}
	switch {
	case at == nil && base == name:
		l.errorAt(v.Get(keyExtends), "remove extends", "no profile named %s is shipped, so it extends only itself",
			name)
		return nil
	case at == nil && l.known(base):
		return nil // its file has errors, which are reported
	case at == nil:
		l.errorAt(v.Get(keyExtends), l.suggest(base), "there is no profile %q", base)
		return nil
	case slices.Contains(below, at):
		l.errorAt(v.Get(keyExtends), "", "the profile %s extends itself through %s", name, base)
		return nil
	}
	flat := l.flatten(base, at, append(below, v))
	if flat == nil {
		return nil
	}
	return schema.Merge(flat.Without(keyExtends, keyAbout, keySources, keyIdentify), v)
}

// known reports whether there is a file of this name, even if it cannot be read.
func (l *loader) known(name string) bool {
	_, ok := l.values[name]
	return ok
}

func (l *loader) suggest(name string) string {
	known := slices.Sorted(maps.Keys(l.values))
	if hint := schema.Suggest(name, known); hint != "" {
		return hint
	}
	return "profiles: " + strings.Join(known, ", ")
}

func (l *loader) errorAt(at *schema.Value, hint, format string, args ...any) {
	p := schema.Problem{Msg: fmt.Sprintf(format, args...), Hint: hint}
	if at.IsSet() {
		p.File, p.Line, p.Column, p.Key = at.File, at.Line, at.Column, at.Path
	}
	l.problems = append(l.problems, p)
}

// check reports values that contradict each other.
func (l *loader) check(p *Profile, v *schema.Value) {
	for _, r := range p.Verify {
		if slices.Contains(p.ProofRegisters, r.Number) {
			name := "S" + strconv.Itoa(r.Number)
			l.errorAt(v.Get("verify", name), "remove it from one of them", "%s is also one of proof_registers", name)
		}
		if set, ok := modem.SetBy(p.Init, r.Number); ok && set != r.Value {
			name := "S" + strconv.Itoa(r.Number)
			l.errorAt(v.Get("verify", name), "write the same value in both", "init sets %s=%d, not %d", name, set,
				r.Value)
		}
	}
	if p.StoredNumbers {
		for _, key := range [][]string{{"init"}, {"error_correction"}, {"on_hold"}, {"answer"},
			{"caller_id", "command"}, {"sms", "on"}, {"sms", "off"}} {
			if at := v.Get(key...); modem.CheckStored(at.Text()) != nil {
				l.errorAt(at, "remove N", "%v", modem.CheckStored(at.Text()))
			}
		}
	}
	if init := p.own.Get("init"); init.IsSet() {
		for _, why := range modem.InitWarnings(init.Text()) {
			l.problems = append(l.problems, schema.Problem{File: init.File, Line: init.Line, Column: init.Column,
				Key: init.Path, Msg: why, Severity: schema.Warning})
		}
	}
	if at := p.own.Get("proof_registers"); at.IsSet() && modem.CheckProof(p.ProofRegisters) != nil {
		l.errorAt(at, "", "%v", modem.CheckProof(p.ProofRegisters))
	}
	texts := map[string]bool{}
	for _, text := range v.Get("result_codes").Names() {
		if up := strings.ToUpper(text); texts[up] {
			l.errorAt(v.Get("result_codes", text), "remove one of the two",
				"%q has two meanings: upper and lower case are the same", text)
		} else {
			texts[up] = true
		}
		if at := p.own.Get("result_codes", text); at.IsSet() {
			if err := modem.CheckMeaning(text, modem.MeaningOf(at.Text()), p.CallerID.Lines); err != nil {
				l.errorAt(at, "", "%v", err)
			}
		}
	}
}

// profileOf reads the resolved values of a file.
func profileOf(name string, v *schema.Value) *Profile {
	p := &Profile{Name: name, File: v.File, About: v.Get(keyAbout).Text(), Sources: map[string]string{},
		Init: v.Get("init").Text(), Timing: TimingOf(v.Get("timing"))}
	for _, key := range v.Get(keySources).Names() {
		p.Sources[key] = v.Get(keySources, key).Text()
	}
	id := v.Get(keyIdentify)
	p.Identify = Identify{patterns(id.Get("ati")), patterns(id.Get("gmi")), patterns(id.Get("gmm")),
		id.Get("usb").Texts()}
	for _, r := range v.Get("proof_registers").Items() {
		p.ProofRegisters = append(p.ProofRegisters, r.Int())
	}
	codes := v.Get("result_codes")
	for _, text := range codes.Names() {
		if p.ResultCodes == nil {
			p.ResultCodes = map[string]lines.ResultCode{}
		}
		p.ResultCodes[strings.ToUpper(text)] = modem.MeaningOf(codes.Get(text).Text())
	}
	p.Profile = lines.Profile{Name: name, Answer: v.Get("answer").Text(),
		ErrorCorrection: v.Get("error_correction").Text(), OnHold: v.Get("on_hold").Text(),
		CallerID: callerIDOf(v.Get("caller_id")), Messages: lines.Messages{On: v.Get("sms", "on").Text(),
			Off: v.Get("sms", "off").Text()}, StoredNumbers: v.Get("stored_numbers").Bool(false)}
	for _, name := range v.Get("verify").Names() {
		n, _ := strconv.Atoi(name[1:]) // checked by the table
		p.Verify = append(p.Verify, lines.Register{Number: n, Value: v.Get("verify", name).Int()})
	}
	slices.SortFunc(p.Verify, func(a, b lines.Register) int { return a.Number - b.Number })
	return p
}

func callerIDOf(v *schema.Value) lines.CallerID {
	c := lines.CallerID{Command: v.Get("command").Text(), Order: lines.CallerIDOrder(v.Get("order").Text())}
	for _, d := range v.Get("dialect").Items() {
		c.Lines = append(c.Lines, lines.CallerIDLine{Text: d.Get("text").Text(), Form: d.Get("form").Text()})
	}
	return c
}

// patterns compiles the patterns of a list, which the table has checked.
func patterns(v *schema.Value) (all []*regexp.Regexp) {
	for _, text := range v.Texts() {
		if p, err := regexp.Compile("(?i)" + text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

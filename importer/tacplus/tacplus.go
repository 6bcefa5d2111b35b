// Package tacplus imports the users of tac_plus F4, the TACACS+ server, as local users. What a user is granted is what
// ringback would make of that server's replies: the pairs are read by aaa/pairs.
package tacplus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/accounts"
	"github.com/ringback/ringback/lab/servers"
)

// Format names the format in a report.
const Format = "tac_plus"

// Options are what the file does not say.
type Options struct {
	Now time.Time // for accounts that expire
	// NewPassword makes a password for a user without one that can be imported; nil: such users are left out.
	NewPassword func() string
}

// Read imports a configuration. The error is an *importer.Error.
func Read(data []byte, o Options) (*importer.Site, *importer.Report, error) {
	lines, err := importer.Lines(data)
	if err != nil {
		return nil, nil, err
	}
	text := strings.Join(lines, "\n")
	l := importer.NewLedger(lines, "#")
	p := &parser{words: servers.NewWords(text), ledger: l, starts: []int{0}, parts: map[int]int{}}
	for _, line := range lines {
		p.starts = append(p.starts, p.starts[len(p.starts)-1]+len(line)+1)
	}
	f := p.parse()
	if p.err == nil && len(f.blocks) == 0 {
		p.fail(0, "there are no users", "user = NAME { … }")
	}
	r := resolver{Ledger: l, file: f, Options: o, made: map[string]string{}, groups: map[string]*block{},
		used: map[*block]bool{}, left: map[*block][]string{}}
	if p.err == nil {
		p.err = r.index()
	}
	if p.err != nil {
		return nil, nil, p.err
	}
	site := r.resolve()
	for line, first := range p.parts {
		l.Follow(line, first)
	}
	report := l.Report(Format)
	report.Warnings = append(report.Warnings, r.warnings...)
	return site, report, nil
}

// resolver makes local users of the blocks and records what becomes of each line.
type resolver struct {
	*importer.Ledger
	Options
	file     file
	made     map[string]string // new passwords, by user
	groups   map[string]*block
	used     map[*block]bool // groups with members that are imported
	left     map[*block][]string
	accounts accounts.Accounts
	enable   value
	hashed   bool // enable is a hash
	warnings []string
}

// index finds blocks of one name, and groups that do not exist.
func (r *resolver) index() *importer.Error {
	seen := map[string]int{}
	for i := range r.file.blocks {
		b := &r.file.blocks[i]
		at := b.kind + " = " + b.name
		if first := seen[at]; first > 0 {
			return &importer.Error{Line: b.line, Want: "each name once",
				Msg: fmt.Sprintf("%s = %.40q is in line %d too", b.kind, b.name, first)}
		}
		seen[at] = b.line
		if b.kind == "group" {
			r.groups[b.name] = b
		}
	}
	for i := range r.file.blocks {
		if m := r.file.blocks[i].member; m.text != "" && r.groups[m.text] == nil {
			return &importer.Error{Line: m.line, Msg: fmt.Sprintf("there is no group %.40q", m.text),
				Want: "the name of a group of this file"}
		}
	}
	return nil
}

// chain returns a block and its groups, nearest first; a cycle is cut.
func (r *resolver) chain(b *block) (all []*block) {
	for b != nil && !slices.Contains(all, b) {
		all = append(all, b)
		b = r.groups[b.member.text] // nil without one
	}
	return all
}

func (r *resolver) resolve() *importer.Site {
	for _, o := range r.file.others {
		for _, line := range o.lines {
			r.state(line, o.why)
		}
	}
	for i := range r.file.blocks {
		if b := &r.file.blocks[i]; b.kind == "user" {
			r.user(b)
		}
	}
	for _, g := range r.groups {
		switch {
		case r.used[g]:
			r.all(g, func(line int) {
				if !r.Has(line) {
					r.Harmless(line, "no member that is imported uses it")
				}
			})
		case len(r.left[g]) > 0:
			r.all(g, func(line int) { r.Unsupported(line, "no member of group "+g.name+" is imported") })
		default:
			r.all(g, func(line int) { r.Harmless(line, "no user is a member of group "+g.name) })
		}
	}
	site := &importer.Site{About: "Imported from a configuration of tac_plus. Add lines, then: ringback check-config"}
	r.accounts.Fill(site)
	switch {
	case r.enable.text == "":
	case r.hashed:
		site.Keys.SetAbout("user = $enab15$", "enable", importer.Map{{Key: "password_hash", Value: r.enable.text}})
	default:
		site.Keys.SetAbout("user = $enab15$", "enable", importer.Map{{Key: "password_file",
			Value: site.Secret("enable.password", r.enable.text)}})
	}
	if r.accounts.Empty() {
		r.warnings = append(r.warnings, accounts.Nobody)
	}
	return site
}

// state records a reason; one that begins with - is about a harmless line.
func (r *resolver) state(line int, why string) {
	if text, harmless := strings.CutPrefix(why, "-"); harmless {
		r.Harmless(line, text)
	} else {
		r.Unsupported(line, why)
	}
}

// all calls f for each line of a block that has a statement.
func (r *resolver) all(b *block, f func(line int)) {
	lines := append([]int{b.line, b.member.line, b.expires.line, b.permitAt}, b.ends...)
	for _, x := range b.passwords {
		lines = append(lines, x.line)
	}
	for _, s := range b.services {
		lines = append(append(lines, s.line), s.ends...)
		for _, x := range s.pairs {
			lines = append(lines, x.line)
		}
	}
	for _, o := range b.others {
		lines = append(lines, o.lines...)
	}
	for _, line := range lines {
		if line > 0 {
			f(line)
		}
	}
}

// user makes a user's accounts.
func (r *resolver) user(b *block) {
	chain := r.chain(b)
	switch {
	case strings.HasPrefix(b.name, "$enab"):
		r.enablePassword(b)
		return
	case b.name == "DEFAULT":
		r.all(b, func(line int) {
			r.Unsupported(line, "user = DEFAULT is every user without an entry: local users have names")
		})
		return
	}
	if why := r.banned(b, chain); why != "" {
		r.leave(b, chain, why)
		return
	}
	u := account{resolver: r, block: b, chain: chain}
	if why := u.make(); why != "" {
		r.leave(b, chain, why)
	}
}

// banned returns why a user must not be written at all; "" if they may.
func (r *resolver) banned(b *block, chain []*block) string {
	if err := aaa.CheckUser(b.name); err != nil {
		return err.Error()
	}
	for _, at := range chain {
		for _, o := range at.others {
			if o.blocks {
				return fmt.Sprintf("line %d: %s", o.lines[0], o.why)
			}
		}
	}
	if at := first(chain, func(b *block) value { return b.expires }); at.text != "" {
		if end, err := parseDate(at.text); err != nil {
			return fmt.Sprintf("line %d: %v", at.line, err)
		} else if !r.Now.Before(end) {
			return fmt.Sprintf("the account expired on %s, so tac_plus rejects the user", at.text)
		}
	}
	return ""
}

// parseDate reads the date of `expires`: the account is valid on that day.
func parseDate(s string) (time.Time, error) {
	fields := strings.Join(strings.Fields(s), " ")
	for _, layout := range []string{"Jan 2 2006", "January 2 2006", "02Jan2006", "2 Jan 2006"} {
		if t, err := time.ParseInLocation(layout, fields, time.Local); err == nil {
			return t.AddDate(0, 0, 1), nil
		}
	}
	return time.Time{}, errors.New("expires is not a date such as \"Jan 23 2030\"")
}

// leave records that a user is not written.
func (r *resolver) leave(b *block, chain []*block, why string) {
	note := fmt.Sprintf("%s is not imported: %s", b.name, why)
	r.all(b, func(line int) { r.Unsupported(line, note) })
	for _, g := range chain[1:] {
		r.left[g] = append(r.left[g], b.name)
	}
}

// enablePassword reads `user = $enab15$`, the password of IOS's `enable`.
func (r *resolver) enablePassword(b *block) {
	lost := ""
	if b.name != "$enab15$" {
		lost = "ringback has one password for all privileged levels, that of $enab15$"
	}
	var taken password
	for _, x := range b.passwords {
		if lost == "" && taken.of == "" && x.of == "login" {
			taken = x
		}
	}
	g := taken.grant()
	if err := g.Check(); lost == "" && err != nil {
		lost = err.Error()
	}
	r.all(b, func(line int) {
		switch {
		case lost != "":
			r.Unsupported(line, lost)
		case line == b.line || line == taken.line || slices.Contains(b.ends, line):
			r.Imported(line, "the password of enable")
		default:
			r.Unsupported(line, "only login is read of "+b.name)
		}
	})
	if lost == "" {
		r.enable, r.hashed = value{g.Password + g.Hash, taken.line}, g.Hash != ""
	}
}

// grant is a password as that of a grant.
func (x password) grant() (g accounts.Grant) {
	switch x.how {
	case "cleartext":
		g.Password = x.text
	case "des":
		g.Hash = x.text // of crypt(3): those that aaa.ParseHash reads
	}
	return g
}

// first returns the first value of a chain that is set.
func first(chain []*block, of func(*block) value) value {
	for _, b := range chain {
		if v := of(b); v.text != "" {
			return v
		}
	}
	return value{}
}

// placeOf returns the place of a service's pairs; 0: ringback offers no such service.
func placeOf(s service) pairs.Place {
	switch {
	case s.name == "exec" && s.protocol == "":
		return pairs.EXEC
	case s.name == "ppp" && s.protocol != "":
		return pairs.PlaceOf(aaa.PPP, s.protocol)
	}
	return 0
}

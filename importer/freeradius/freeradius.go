// Package freeradius imports the users file of FreeRADIUS as local users. What a user is granted is what ringback makes
// of that server's reply: the entries are applied by lab/servers, and the reply is read by aaa/radius.
package freeradius

import (
	"fmt"
	"slices"
	"strings"

	"layeh.com/radius"

	"github.com/ringback/ringback/aaa"
	aaaradius "github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/accounts"
	"github.com/ringback/ringback/lab/servers"
)

// Format names the format in a report.
const Format = "freeradius-users"

// Options are what the file does not say.
type Options struct {
	Places map[string]string // the numbers of places that the file names by Callback-Id
	// NewPassword makes a password for a user without one that can be imported; nil: such users are left out.
	NewPassword func() string
}

// Read imports a users file. The error is an *importer.Error.
func Read(data []byte, o Options) (*importer.Site, *importer.Report, error) {
	lines, err := importer.Lines(data)
	if err != nil {
		return nil, nil, err
	}
	p := parser{ledger: importer.NewLedger(lines, "#"), lines: lines}
	if err := p.parse(); err != nil {
		return nil, nil, err
	}
	r := resolver{Ledger: p.ledger, entries: p.entries, Options: o, byName: map[string][]int{},
		defaults: map[aaa.Service][]int{}, asked: map[string]bool{}, made: map[string]string{}}
	site := r.resolve()
	for line, first := range p.follow {
		r.Follow(line, first)
	}
	report := r.Report(Format)
	if r.accounts.Empty() {
		report.Warnings = append(report.Warnings, accounts.Nobody)
	}
	return site, report, nil
}

// defaultName is the name of the entries for every user.
const defaultName = "DEFAULT"

type resolver struct {
	*importer.Ledger
	Options
	entries  []entry
	made     map[string]string     // new passwords, by user
	byName   map[string][]int      // entries of a name, and of DEFAULT
	defaults map[aaa.Service][]int // entries of DEFAULT that may answer
	accounts accounts.Accounts
	asked    map[string]bool // places that are used
}

func (r *resolver) resolve() *importer.Site {
	var names []string
	for i, e := range r.entries {
		if r.byName[e.user.Name] == nil && e.user.Name != defaultName {
			names = append(names, e.user.Name)
		}
		r.byName[e.user.Name] = append(r.byName[e.user.Name], i)
	}
	for _, name := range names {
		r.user(name)
	}
	for i := range r.entries {
		r.record(&r.entries[i])
	}
	site := &importer.Site{About: "Imported from a users file of FreeRADIUS. Add lines, then: ringback check-config"}
	for name := range r.asked {
		site.Places = append(site.Places, importer.Place{Name: name, Number: r.Places[name]})
		r.accounts.Number(r.Places[name])
	}
	slices.SortFunc(site.Places, func(a, b importer.Place) int { return strings.Compare(a.Name, b.Name) })
	r.accounts.Fill(site)
	return site
}

// user makes the local users of a name.
func (r *resolver) user(name string) {
	var grants []accounts.Grant
	var missing []string
	var used []int
	for _, s := range []aaa.Service{aaa.EXEC, aaa.PPP} {
		g, entries, why := r.grant(name, s)
		if why == "" {
			grants = append(grants, g)
			used = append(used, entries...)
			for _, i := range entries {
				if r.entries[i].served == nil {
					r.entries[i].served = map[aaa.Service]bool{}
				}
				r.entries[i].served[s] = true
			}
		} else if text := fmt.Sprintf("no %s: %s", s, why); !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	note := fmt.Sprintf("%s is not imported: %s", name, strings.Join(missing, "; "))
	if len(grants) > 0 {
		groups := r.accounts.Add(name, "", grants)
		var has []string
		for _, g := range grants {
			has = append(has, string(g.Service))
			if id := g.Auth.CallbackID; id != "" {
				r.asked[id] = true
			}
		}
		note = fmt.Sprintf("local user %s (%s)", name, strings.Join(has, ", "))
		if len(groups) > 0 {
			note += ", policies: " + strings.Join(groups, ", ")
		}
		if len(missing) > 0 {
			note += "; " + strings.Join(missing, "; ")
		}
	}
	for _, i := range r.byName[name] {
		switch e := &r.entries[i]; {
		case len(grants) > 0 && slices.Contains(used, i):
			r.Imported(e.line, note)
			if r.made[name] != "" {
				r.Warn(e.line, "a new password was made for "+name+", because none can be imported")
			}
		case len(grants) > 0:
			r.Unsupported(e.line, note+"; this entry answers neither a login to the EXEC nor one of PPP")
		case e.user.Reject:
			r.Harmless(e.line, name+" is rejected: it is not a local user")
			continue
		default:
			r.Unsupported(e.line, note)
		}
	}
	slices.Sort(used)
	for _, i := range slices.Compact(used) {
		r.entries[i].matched = append(r.entries[i].matched, name)
	}
}

// request is what ringback asks FreeRADIUS at a login, as far as a users file usually looks at it.
func request(name string, s aaa.Service) *radius.Packet {
	attrs := []servers.Attribute{{Name: "User-Name", Value: name}}
	if s == aaa.PPP {
		attrs = append(attrs, servers.Attribute{Name: "Service-Type", Value: "Framed-User"},
			servers.Attribute{Name: "Framed-Protocol", Value: "PPP"})
	} else {
		attrs = append(attrs, servers.Attribute{Name: "Service-Type", Value: "NAS-Prompt-User"})
	}
	p := &radius.Packet{Code: radius.CodeAccessRequest}
	for _, a := range attrs {
		if t, v, err := a.Encode(); err == nil {
			p.Add(t, v)
		}
	}
	return p
}

// grant returns what the server grants a user for a service, with the entries that say so, or why it is not imported.
func (r *resolver) grant(name string, s aaa.Service) (g accounts.Grant, used []int, why string) {
	if err := aaa.CheckUser(name); err != nil {
		return g, nil, err.Error()
	}
	asked := request(name, s)
	var users []servers.User
	noPass := ""
	for _, i := range r.of(name, s) {
		e := &r.entries[i]
		if slices.ContainsFunc(e.user.Check, func(c servers.Check) bool {
			return !slices.Contains(e.unknown, c.Name) && !c.Fits(asked)
		}) {
			continue
		}
		switch {
		case len(e.unknown) > 0:
			return g, nil, fmt.Sprintf("whether line %d answers depends on %s of the request", e.line,
				strings.Join(e.unknown, ", "))
		case e.blocks != "":
			return g, nil, fmt.Sprintf("line %d: %s", e.line, e.blocks)
		}
		if e.hash != "" || e.user.Password != "" || e.noPass != "" {
			g.Hash, noPass = e.hash, e.noPass
		}
		users, used = append(users, e.user), append(used, i)
		if !e.user.FallThrough {
			break
		}
	}
	u, ok := servers.Match(users, asked)
	switch {
	case !ok:
		return g, nil, "no entry answers its login"
	case u.Reject:
		return g, nil, "the server rejects the user"
	case u.Accept:
		return g, nil, "the server asks for no password, and a local user has one"
	case noPass != "" && r.NewPassword == nil:
		return g, nil, noPass
	}
	if g.Hash == "" && noPass == "" {
		g.Password = string(u.Password)
	}
	if g.Hash == "" && g.Password == "" && r.NewPassword != nil {
		if r.made[name] == "" {
			r.made[name] = r.NewPassword()
		}
		g.Password = r.made[name]
	}
	g.Service, g.Auth = s, authorize(s, u.Reply)
	if id := g.Auth.CallbackID; id != "" {
		number, known := r.Places[id]
		if !known {
			return g, nil, fmt.Sprintf("Callback-Id %.64q is the name of a number that the access server knows "+
				"(say it with --place NAME=NUMBER)", id)
		}
		if err := accounts.CheckNumber(number); err != nil {
			return g, nil, fmt.Sprintf("place %.64q: %v", id, err)
		}
	}
	if err := g.Check(); err != nil {
		return g, nil, err.Error()
	}
	return g, used, ""
}

// of returns the entries of a name and of DEFAULT, in their order, without those of DEFAULT that answer no login to the
// service.
func (r *resolver) of(name string, s aaa.Service) []int {
	if r.defaults[s] == nil {
		r.defaults[s] = []int{}
		asked := request("", s)
		for _, i := range r.byName[defaultName] {
			e := &r.entries[i]
			if !slices.ContainsFunc(e.user.Check, func(c servers.Check) bool {
				return !slices.Contains(e.unknown, c.Name) && !ofName(c) && !c.Fits(asked)
			}) {
				r.defaults[s] = append(r.defaults[s], i)
			}
		}
	}
	all := append(slices.Clone(r.byName[name]), r.defaults[s]...)
	slices.Sort(all)
	return all
}

// ofName reports whether a check looks at the user's name.
func ofName(c servers.Check) bool {
	return slices.Contains([]string{"user-name", "prefix", "suffix"}, strings.ToLower(c.Name))
}

// authorize reads reply items as ringback reads a reply.
func authorize(s aaa.Service, reply []servers.Attribute) aaa.Authorization {
	var attrs radius.Attributes
	for _, a := range reply {
		t, v, err := a.Encode()
		if err != nil {
			return aaa.Authorization{Refuse: a.Name + ": " + err.Error()}
		}
		if len(v) > 0 { // FreeRADIUS sends no empty attribute
			attrs.Add(t, v)
		}
	}
	return aaaradius.Dialects{}.Authorize(s, attrs)
}

// record records the items of an entry.
func (r *resolver) record(e *entry) {
	if e.user.Name == defaultName {
		r.recordDefault(e)
	}
	imported := len(e.matched) > 0
	for _, it := range e.items {
		switch why, harmless := strings.CutPrefix(it.why, "-"); {
		case it.why != "" && harmless:
			r.Harmless(it.line, why)
		case it.why != "":
			r.Unsupported(it.line, why)
		case !imported && it.line != e.line:
			r.left(e, it)
		case imported && it.reply:
			r.recordReply(e, it)
		}
	}
	for _, line := range e.lines[1:] {
		r.Follow(line, e.line)
	}
}

// left records a reply item of an entry of which no user is imported.
func (r *resolver) left(e *entry, it item) {
	if e.user.Reject {
		r.Harmless(it.line, "of a user who is rejected")
		return
	}
	r.Unsupported(it.line, fmt.Sprintf("of the entry in line %d, which is not imported", e.line))
}

// recordDefault records the first line of an entry for every user.
func (r *resolver) recordDefault(e *entry) {
	switch {
	case len(e.matched) > 0:
		r.Imported(e.line, "for "+e.users()+", whose entries fall through")
	case e.user.Reject:
		r.Harmless(e.line, "users who are not in the file are rejected: they are not local users")
	default:
		r.Unsupported(e.line, "DEFAULT is every user without an entry that ends the search: local users have names")
	}
}

// users names some of the users who have an entry.
func (e *entry) users() string { return strings.Join(e.matched[:min(len(e.matched), 5)], ", ") }

// recordReply records a reply item of users who are imported.
func (r *resolver) recordReply(e *entry, it item) {
	if strings.EqualFold(it.Name, "Fall-Through") {
		r.Imported(it.line, "the entries that follow are read too")
		return
	}
	for _, s := range []aaa.Service{aaa.EXEC, aaa.PPP} {
		if !e.served[s] {
			continue
		}
		a := authorize(s, []servers.Attribute{{Name: it.Name, Value: it.Value}})
		lost := accounts.Grant{Service: s, Auth: a}.Lost()
		switch {
		case len(lost) > 0:
			r.Unsupported(it.line, strings.Join(lost, "; "))
		case len(a.Readings) > 0 && a.Readings[0].Field != "":
			r.Imported(it.line, it.Name+" of "+e.users())
		case len(a.Readings) > 0:
			r.Harmless(it.line, it.Name+": "+a.Readings[0].Note)
		default:
			r.Harmless(it.line, it.Name+": empty, so FreeRADIUS does not send it")
		}
		if a.Callback && a.Dialstring.IsNull() && strings.EqualFold(it.Name, "Cisco-AVPair") {
			r.Warn(it.line, "the caller types the number: the policy file allows any number; write those that you want")
		}
		if a.NoVerify {
			r.Warn(it.line, "no second login: a line that is only called back by itself needs callback: "+
				"{same_line_no_verify: true}; better give it a rotary with another line")
		}
	}
}

// Package mgetty imports login.config and callback.config of mgetty+callback, with the caller IDs of dialin.config and
// the users of a password file.
package mgetty

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/accounts"
)

// Format names the format in a report.
const Format = "mgetty"

// Input is a file; Name "" is one that is not there.
type Input struct {
	Name string
	Data []byte
}

// Inputs are the files of mgetty. Users is a file in the format of /etc/shadow: mgetty has no users of its own.
type Inputs struct {
	Login, Callback, Dialin, Users Input
}

// Read imports the files. newPassword makes a password for a user without one: mgetty calls such users back
// without asking for one. The error is an *importer.Error; the file is in its message.
func Read(in Inputs, newPassword func() string) (*importer.Site, *importer.Report, error) {
	r := resolver{settings: defaults(), newPassword: newPassword, hashes: map[string]string{}}
	var ledgers []*importer.Ledger
	var names []string
	for _, f := range []struct {
		Input
		read func(l *importer.Ledger, lines []string) *importer.Error
	}{
		{in.Callback, func(l *importer.Ledger, lines []string) (err *importer.Error) {
			r.settings, err = parseConfig(l, lines)
			return err
		}},
		{in.Users, func(l *importer.Ledger, lines []string) (err *importer.Error) {
			r.users = l
			r.names, r.hashes, r.lineOf, err = parseUsers(l, lines)
			return err
		}},
		{in.Dialin, dialin},
		{in.Login, func(l *importer.Ledger, lines []string) (err *importer.Error) {
			r.Ledger = l
			r.rows, err = parseLogin(l, lines)
			return err
		}},
	} {
		if f.Name == "" {
			continue
		}
		lines, err := importer.Lines(f.Data)
		if err != nil {
			return nil, nil, inFile(f.Name, err)
		}
		l := importer.NewLedger(lines, "#")
		if err := f.read(l, lines); err != nil {
			return nil, nil, inFile(f.Name, err)
		}
		ledgers, names = append(ledgers, l), append(names, f.Name)
	}
	if r.Ledger == nil {
		r.Ledger = importer.NewLedger(nil, "#")
	}
	site := r.resolve()
	report := &importer.Report{Format: Format, File: strings.Join(names, ", "), Warnings: r.warnings,
		Rows: []importer.Row{}}
	for i, l := range ledgers {
		for _, row := range l.Report(Format).Rows {
			row.File = names[i]
			report.Rows = append(report.Rows, row)
		}
	}
	return site, report, nil
}

// inFile names the file of an error.
func inFile(name string, err error) error {
	if e, ok := err.(*importer.Error); ok {
		in := *e
		in.Msg = name + ": " + e.Msg
		if e.Line > 0 {
			in.Msg, in.Line = fmt.Sprintf("%s: line %d: %s", name, e.Line, e.Msg), 0
		}
		return &in
	}
	return err
}

// dialin reads dialin.config: beginnings of calling numbers from which calls are answered, or not.
func dialin(l *importer.Ledger, lines []string) *importer.Error {
	for i := range lines {
		if l.Has(i + 1) {
			continue
		}
		words := strings.FieldsFunc(lines[i], func(r rune) bool { return strings.ContainsRune(" \t,", r) })
		if slices.ContainsFunc(words, func(w string) bool { return w != "all" }) {
			l.Unsupported(i+1, "calls are answered whatever the calling number: let AAA decide (aaa.call_check, and "+
				"call_check of the lines), or claim callers for a group (match: {calling} of a policy file)")
		} else {
			l.Harmless(i+1, "calls are answered whatever the calling number")
		}
	}
	return nil
}

type resolver struct {
	*importer.Ledger // of login.config
	settings
	users       *importer.Ledger
	lineOf      map[string]int // of names in the users file
	names       []string       // of the users file
	hashes      map[string]string
	rows        []row
	accounts    accounts.Accounts
	newPassword func() string
	warnings    []string
	ppp         importer.Map // a PPP profile; nil none
	pppLogin    bool         // users of the users file log in by PPP
	done        map[*row]string
}

// row returns the row that answers a name; nil: mgetty's own, /bin/login.
func (r *resolver) row(name string, onCallback bool) *row {
	for i := range r.rows {
		if r.rows[i].matches(name, onCallback) {
			return &r.rows[i]
		}
	}
	return nil
}

func (r *resolver) resolve() *importer.Site {
	r.warnings, r.done = []string{}, map[*row]string{}
	for i := range r.rows {
		if o := parseCallback(r.rows[i].args); r.rows[i].kind() == kindCallback {
			for _, d := range o.devices {
				if d = strings.TrimPrefix(d, "/dev/"); plainDevice(d) {
					r.device(d)
				}
			}
		}
	}
	r.autoPPP()
	r.accounts.Extends = "default"
	for _, name := range r.everybody() {
		r.user(name)
	}
	for i := range r.rows {
		r.record(&r.rows[i])
	}
	site := &importer.Site{About: "Imported from mgetty. Then: ringback check-config"}
	r.site(site)
	if r.accounts.Empty() {
		r.warnings = append(r.warnings, accounts.Nobody+" (mgetty's users are those of the system: give them with "+
			"--users)")
	}
	return site
}

// everybody returns the names in the rows and in the users file.
func (r *resolver) everybody() (all []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	for i := range r.rows {
		if r.rows[i].exact() {
			add(r.rows[i].pattern)
		}
	}
	for _, name := range r.names {
		add(name)
	}
	return all
}

// dummy returns the only row that calls back a caller who types a certain name, so that they log in as somebody else.
func (r *resolver) dummy() (only *row) {
	for i := range r.rows {
		if at := &r.rows[i]; at.exact() && at.kind() == kindCallback {
			if only != nil {
				return nil
			}
			only = at
		}
	}
	return only
}

// user makes the local user of a name.
func (r *resolver) user(name string) {
	first, later := r.row(name, false), r.row(name, true)
	kind := func(at *row) string {
		if at == nil {
			return kindLogin
		}
		return at.kind()
	}
	_, listed := r.hashes[name]
	caller := first
	switch {
	case kind(first) == kindCallback:
		if first.flag == "N" && first == r.dummy() && len(r.names) > 0 {
			r.Imported(first.line, "calls back the users of --users who may log in only then")
			r.done[first] = name
			return
		}
	case kind(first) == kindLogin && listed:
		caller = nil
	case kind(first) == kindLogin:
		r.leave(name, first, "the password is one of the system: give /etc/shadow, or a part of it, with --users")
		return
	case kind(later) == kindLogin && first != later && listed && r.dummy() != nil && kind(first) != kindPPP:
		caller = r.dummy()
	default:
		r.leave(name, first, "no row admits the user")
		return
	}
	g := accounts.Grant{Service: aaa.EXEC, Auth: aaa.Authorization{PrivLevel: 1}, Hash: r.hashes[name]}
	o := order{}
	if caller != nil {
		if o = parseCallback(caller.args); o.why != "" {
			r.leave(name, caller, o.why)
			return
		}
		g.Auth.Callback, g.Auth.Lines = true, r.ttys(o)
		g.Auth.Dialstring = aaa.DialstringOf(strings.Join(o.numbers[:min(len(o.numbers), 1)], ""))
		if len(o.numbers) > 1 {
			g.Auth.Further = o.numbers[1:]
		}
	}
	if !listed {
		g.Password = r.newPassword()
	}
	if err := cmp.Or(g.Check(), aaa.CheckUser(name)); err != nil {
		r.leave(name, first, err.Error())
		return
	}
	grants := []accounts.Grant{g}
	if r.pppLogin && listed && caller == nil {
		ppp := g
		ppp.Service = aaa.PPP
		grants = append(grants, ppp)
	}
	groups := r.accounts.Add(name, "", grants)
	note := "local user " + name
	if len(groups) > 0 {
		note += ", policies: " + strings.Join(groups, ", ")
	}
	r.note(name, note, "")
	for _, at := range []*row{first, later, caller} {
		if at != nil {
			r.Imported(at.line, note)
			r.done[at] = note
		}
	}
	if !listed {
		r.Warn(first.line, "a new password was made for "+name+": mgetty asks for none before it calls back")
	}
	if caller != nil && len(o.numbers) == 0 {
		r.Warn(caller.line, "the caller types the number: the policy file allows any number; write those that you want")
	}
}

// ttys returns the lines of `callback -l`.
func (r *resolver) ttys(o order) (ttys []int) {
	for _, d := range o.devices {
		if i := slices.Index(r.devices, strings.TrimPrefix(d, "/dev/")); i >= 0 {
			ttys = append(ttys, i+1)
		}
	}
	slices.Sort(ttys)
	for i := range ttys {
		if ttys[i] != ttys[0]+i {
			return nil // callback: {line} is a range
		}
	}
	return ttys
}

// leave records a name that is not imported.
func (r *resolver) leave(name string, at *row, why string) {
	note := fmt.Sprintf("%s is not imported: %s", name, why)
	if at != nil && at.exact() {
		r.Unsupported(at.line, note)
		r.done[at] = note
	}
	r.note(name, "", note)
}

// note records a line of the users file.
func (r *resolver) note(name, imported, lost string) {
	switch line := r.lineOf[name]; {
	case line == 0:
	case lost != "":
		r.users.Unsupported(line, lost)
	default:
		r.users.Imported(line, imported)
	}
}

// autoPPP makes a PPP profile of the row /AutoPPP/.
func (r *resolver) autoPPP() {
	for i := range r.rows {
		at := &r.rows[i]
		if at.pattern != autoPPP {
			continue
		}
		if at.kind() != kindPPP || r.ppp != nil {
			r.Unsupported(at.line, "not pppd, or a second row of /AutoPPP/")
			continue
		}
		local, remote, auth := netip.Addr{}, netip.Addr{}, []string{}
		for _, a := range at.args {
			switch a {
			case "login":
				r.pppLogin = true
			case "+pap", "require-pap":
				auth = append(auth, "pap")
			case "+chap", "require-chap":
				auth = append(auth, "chap")
			}
			if from, to, ok := strings.Cut(a, ":"); ok {
				local, _ = netip.ParseAddr(from)
				remote, _ = netip.ParseAddr(to)
			}
		}
		if !host(local) || !host(remote) || local == remote {
			r.pppLogin = false
			r.Unsupported(at.line, "pppd is given no addresses LOCAL:REMOTE: write a profile with a pool into ppp, "+
				"and autoselect: [ppp, during_login] into lines")
			continue
		}
		if len(auth) == 0 {
			auth = []string{"pap"}
		}
		r.accounts.PPP = true
		name := importer.Pair{Key: "name", Value: "mgetty"}
		r.ppp = importer.Map{{Key: "netdev", Value: importer.Word("userspace")},
			{Key: "profiles", Value: []importer.Map{{name, {Key: "address", Value: local.String()},
				{Key: "pool", Value: "mgetty"}, {Key: "authentication", Value: auth}}}},
			{Key: "pools", Value: []importer.Map{{name, {Key: "addresses", Value: []string{remote.String()}}}}}}
		r.Imported(at.line, "PPP profile mgetty; autoselect: [ppp, during_login] of the lines")
		r.Warn(at.line, "the other options of pppd are not read: ringback carries the packets itself "+
			"(docs/how-to/ppp.md)")
	}
}

// host reports whether an address may be that of an end of a link.
func host(a netip.Addr) bool {
	return a.Is4() && a.IsGlobalUnicast() && a.As4()[0] > 0 && a.As4()[0] < 240
}

// record records a row of which nothing was said with a user.
func (r *resolver) record(at *row) {
	if r.done[at] != "" || r.Has(at.line) {
		return
	}
	switch {
	case strings.HasPrefix(at.pattern, "/"):
		r.Unsupported(at.line, "ringback has no calls of this kind")
	case at.kind() == kindNobody:
		r.Imported(at.line, "nobody else can log in: local users have names")
	case at.kind() == kindLogin && !at.exact():
		r.Imported(at.line, "users of --users log in")
	case at.kind() == kindCallback && at.exact():
		r.Unsupported(at.line, "an earlier row answers for this name, or it is the name of no user")
	case at.kind() == kindCallback:
		r.Unsupported(at.line, "a pattern of names that are called back: local users have names")
	default:
		r.Unsupported(at.line, fmt.Sprintf("ringback starts no program %.60q: it has an EXEC and PPP", at.program))
	}
}

// site adds what is not about users.
func (r *resolver) site(site *importer.Site) {
	r.accounts.Fill(site)
	if r.prompt > 0 {
		site.Keys = append(site.Keys, importer.Pair{Key: "login", Value: importer.Map{{Key: "timeout",
			Value: min(max(r.prompt, time.Second), 10*time.Minute)}}})
	}
	if r.written {
		var cb importer.Map
		if r.randomize > 0 {
			cb.Set("random_wait", r.randomize)
		}
		cb.Set("lifetime", max(r.most+r.delay+r.randomize, time.Minute))
		site.Keys = append(site.Keys, importer.Pair{Key: "callback", Value: cb})
	}
	var attempts importer.Map
	attempts.Set("max", 10)
	attempts.Set("retry_wait", max(r.retry, time.Second))
	keys := importer.Map{{Key: "callback", Value: importer.Word("optional")}}
	if r.written {
		keys = append(keys, importer.Pair{Key: "attempts", Value: attempts})
	}
	site.Policies = append(site.Policies, importer.Policy{Group: "default",
		About: "All users. mgetty dials again until max-time has passed: see callback.lifetime of ringback.yaml.",
		Keys:  keys})
	var scripts []importer.Map
	for _, s := range [][2]string{{"mgetty-init", r.init}, {"mgetty-dial", r.dial}} {
		if s[1] != "" {
			scripts = append(scripts, importer.Map{{Key: "name", Value: s[0]}, {Key: "script", Value: s[1]}})
		}
	}
	if len(r.devices) > 0 {
		site.Last.Set("chat_scripts", scripts)
		site.Last.Set("ppp", r.ppp)
		site.Last.Set("lines", r.lines())
	} else if r.Ledger != nil {
		r.warnings = append(r.warnings, "no lines are known: write them (callback.config has them as dialout-devices)")
	}
}

// lines returns the lines of the devices, with the TTYs 1, 2, …
func (r *resolver) lines() (all []importer.Map) {
	for i, d := range r.devices {
		m := importer.Map{{Key: "tty", Value: i + 1},
			{Key: "port", Value: fmt.Sprintf("serial:///dev/%s?speed=%d", d, r.speed)}}
		if len(r.devices) > 1 {
			m.Set("rotary", 1)
		}
		if r.autobaud {
			m.Set("speed", importer.Word("auto"))
		}
		var scripts importer.Map
		if r.init != "" {
			scripts.Set("startup", "^mgetty-init$")
		}
		if r.dial != "" {
			scripts.Set("callback", "^mgetty-dial$")
		}
		m.Set("scripts", scripts)
		if r.delay > 0 {
			m.Set("callback", importer.Map{{Key: "forced_wait", Value: r.delay}})
		}
		if r.ppp != nil {
			m.Set("autoselect", []string{"ppp", "during_login"})
			m.Set("ppp_profile", "mgetty")
		}
		all = append(all, m)
	}
	return all
}

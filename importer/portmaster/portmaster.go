// Package portmaster imports the user table and the location table of a Livingston PortMaster, as the commands of ComOS
// that make them. A login user is called back at a number, a network user at a location (Livingston, PortMaster Command
// Line Reference, chapters about users and locations).
package portmaster

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/accounts"
)

// Format names the format in a report.
const Format = "portmaster"

// cutNumber is a line that ends in a number to dial.
var cutNumber = regexp.MustCompile(`(?i)^(Command>)?\s*set (user|location) .*(dialback|callback|telephone) .*[0-9]$`)

// Read imports commands of ComOS. The error is an *importer.Error.
func Read(data []byte) (*importer.Site, *importer.Report, error) {
	lines, err := importer.Lines(data)
	if err != nil {
		return nil, nil, err
	}
	if n := len(lines); n > 0 && data[len(data)-1] != '\n' && data[len(data)-1] != 0 &&
		cutNumber.MatchString(lines[n-1]) {
		return nil, nil, fail(n, "the text ends in this number, without a line end: was it cut off?", "the whole text")
	}
	p := &parser{Ledger: importer.NewLedger(lines, "#"), byName: map[string]*user{}, places: map[string]*location{}}
	if err := p.parse(lines); err != nil {
		return nil, nil, err
	}
	r := resolver{parser: p, numbered: map[string]bool{}}
	site := &importer.Site{About: "Imported from a PortMaster. Add lines, then: ringback check-config"}
	for _, l := range p.locations {
		if !l.gone {
			r.location(l, site)
		}
	}
	for _, u := range p.users {
		if !u.gone {
			r.user(u)
		}
	}
	r.accounts.Fill(site)
	report := p.Report(Format)
	if r.accounts.Empty() {
		report.Warnings = append(report.Warnings, accounts.Nobody)
	}
	return site, report, nil
}

type resolver struct {
	*parser
	numbered map[string]bool // locations with a number
	accounts accounts.Accounts
}

// location makes a place of a location.
func (r *resolver) location(l *location, site *importer.Site) {
	if l.telephone.line == 0 {
		r.Unsupported(l.line, "the location has no telephone, and a place is a name for a number")
		return
	}
	if err := accounts.CheckNumber(l.telephone.value); err != nil {
		r.Unsupported(l.line, "the location is not imported: "+err.Error())
		r.Unsupported(l.telephone.line, err.Error())
		return
	}
	r.numbered[l.name] = true
	r.accounts.Number(l.telephone.value)
	site.Places = append(site.Places, importer.Place{Name: l.name, Number: l.telephone.value})
	r.Imported(l.line, "place "+l.name)
	r.Imported(l.telephone.line, "number of place "+l.name)
}

// verdict is what becomes of a setting.
type verdict struct {
	kind importer.Kind
	note string
}

func (r *resolver) user(u *user) {
	g := accounts.Grant{Service: aaa.EXEC, Auth: aaa.Authorization{PrivLevel: 1}, Password: u.password}
	if u.net {
		g.Service = aaa.PPP
	} else {
		g.Connect = &accounts.Connect{}
	}
	notes := map[string]verdict{}
	why := ""
	for _, key := range sorted(u.settings) {
		v, block := set(u, &g, key)
		notes[key] = v
		if why == "" {
			why = block
		}
	}
	if id := g.Auth.CallbackID; why == "" && id != "" && !r.numbered[id] {
		why = fmt.Sprintf("location %.40q has no number, or there is none", id)
	}
	if why == "" && g.Password == "" {
		why = "the user has no password, and a local user has one"
	}
	if err := aaa.CheckUser(u.name); why == "" && err != nil {
		why = err.Error()
	}
	if why == "" {
		if err := g.Check(); err != nil {
			why = err.Error()
		}
	}
	if why != "" {
		note := u.name + " is not imported: " + why
		r.Unsupported(u.line, note)
		for _, s := range u.settings {
			r.Unsupported(s.line, note)
		}
		return
	}
	groups := r.accounts.Add(u.name, "", []accounts.Grant{g})
	note := fmt.Sprintf("local user %s (%s)", u.name, g.Service)
	if len(groups) > 0 {
		note += ", policies: " + strings.Join(groups, ", ")
	}
	r.Imported(u.line, note)
	for key, s := range u.settings {
		if v := notes[key]; v.kind == importer.Unsupported {
			r.Unsupported(s.line, v.note)
		} else if v.kind == importer.Harmless {
			r.Harmless(s.line, v.note)
		} else {
			r.Imported(s.line, v.note)
		}
	}
	if !u.net {
		r.Warn(u.line, "the PortMaster connects this user to a host at once; here the user gets the EXEC and types: "+
			"telnet HOST")
	}
}

func sorted(m map[string]setting) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// set applies a setting to the grant. block is why the user must not be imported.
func set(u *user, g *accounts.Grant, key string) (v verdict, block string) {
	value := u.settings[key].value
	lower := strings.ToLower(value)
	imported := verdict{importer.Imported, key + " of " + u.name}
	switch key {
	case "password":
		g.Password = value
	case "dialback":
		switch {
		case lower == "none":
		case u.net:
			g.Auth.Callback, g.Auth.CallbackID = true, value
		default:
			g.Auth.Callback, g.Auth.Dialstring = true, aaa.DialstringOf(value)
		}
	case "idle", "session-limit":
		d, err := limit(key, lower)
		if err != nil {
			return v, err.Error()
		}
		if key == "idle" {
			g.Auth.IdleTimeout = d
		} else {
			g.Auth.SessionTimeout = d
		}
	case "maxports":
		return verdict{importer.Unsupported, "a local user has no limit of simultaneous sessions"}, ""
	case "ifilter", "ofilter", "access", "accessfilter":
		return v, "a local user has no filters, and would reach more than before (write the filter into ppp.filters, " +
			"and ppp: {filter} into the policy file of a group)"
	default:
		if u.net {
			return setNet(imported, key, lower)
		}
		return setLogin(imported, g, key, lower)
	}
	return imported, ""
}

// limit reads a time, in minutes unless it says seconds; 0 is none.
func limit(key, value string) (time.Duration, error) {
	number, unit, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(number, 10, 24)
	switch {
	case err != nil:
	case unit == "" || strings.HasPrefix("minutes", unit):
		return time.Duration(n) * time.Minute, nil
	case strings.HasPrefix("seconds", unit):
		return time.Duration(n) * time.Second, nil
	}
	return 0, fmt.Errorf("%s is not a number of minutes", key)
}

// setNet is a setting of a network user.
func setNet(imported verdict, key, value string) (verdict, string) {
	switch key {
	case "protocol":
		if value != "ppp" {
			return verdict{}, "the protocol is not PPP, and ringback has no other"
		}
	case "destination":
		if value == "assigned" || value == "negotiated" {
			return verdict{importer.Harmless, "the address is that of the line's PPP profile"}, ""
		}
		return verdict{importer.Unsupported, "a local user has no address: it is that of the line's PPP profile"}, ""
	case "netmask", "local-ip-address":
		return verdict{importer.Unsupported, "a local user has no address: it is that of the line's PPP profile"}, ""
	case "mtu", "map", "compression":
		return verdict{importer.Harmless, "PPP negotiates it"}, ""
	case "routing", "rip", "broadcast":
		if value == "off" {
			return verdict{importer.Harmless, "ringback speaks no routing protocol"}, ""
		}
		return verdict{importer.Unsupported, "ringback speaks no routing protocol"}, ""
	case "ipxnet", "crossbar-ip":
		return verdict{importer.Unsupported, "ringback carries IP only, to the network of its host"}, ""
	default:
		return verdict{}, "set user " + key + " is not known, and may be a limit"
	}
	return imported, ""
}

// setLogin is a setting of a login user.
func setLogin(imported verdict, g *accounts.Grant, key, value string) (verdict, string) {
	switch key {
	case "host":
		if value == "default" || value == "prompt" {
			return verdict{importer.Unsupported, "the user types the host: telnet HOST, one of exec.hosts.allow"}, ""
		}
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return verdict{importer.Unsupported, "not an address: the user types telnet HOST, one of " +
				"exec.hosts.allow"}, ""
		}
		g.Connect.Host = addr
	case "service":
		name, port, _ := strings.Cut(value, " ")
		switch n, err := strconv.ParseUint(port, 10, 16); {
		case port != "" && (err != nil || n == 0):
			return verdict{}, "the port of the service is not a number"
		case port != "":
			g.Connect.Port = int(n)
		}
		if name != "telnet" {
			return verdict{importer.Unsupported, name + " is not offered: the user connects with telnet"}, ""
		}
	default:
		return verdict{}, "set user " + key + " is not known, and may be a limit"
	}
	return imported, ""
}

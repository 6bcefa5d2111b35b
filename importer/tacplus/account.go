package tacplus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"github.com/ringback/ringback/importer/accounts"
)

// account makes the local users of one user.
type account struct {
	*resolver
	block *block
	chain []*block
}

// make adds the user. It returns why there is nothing to add; then it has recorded no line except those of groups.
func (u *account) make() string {
	var grants []accounts.Grant
	var missing []string
	for _, s := range []aaa.Service{aaa.EXEC, aaa.PPP} {
		g, why := u.grant(s)
		if why == "" {
			grants = append(grants, g)
		} else {
			missing = append(missing, fmt.Sprintf("no %s: %s", s, why))
		}
	}
	if len(grants) == 0 {
		return strings.Join(missing, "; ")
	}
	groups := u.accounts.Add(u.block.name, u.group(), grants)
	u.record(grants, groups, missing)
	return ""
}

func (u *account) group() string {
	if len(u.chain) > 1 {
		return u.chain[1].name
	}
	return ""
}

// grant returns what the user has for a service, or why the user does not have it.
func (u *account) grant(s aaa.Service) (accounts.Grant, string) {
	found := u.services(s)
	if len(found) == 0 && !u.permitted() {
		return accounts.Grant{}, "tac_plus authorizes none (no such service, and no default service = permit)"
	}
	var g pairs.Grant
	for _, sv := range found {
		for _, x := range sv.pairs {
			if err := take(&g, sv, x); err != nil {
				return accounts.Grant{}, fmt.Sprintf("line %d: %s: %v", x.line, x.name, err)
			}
		}
	}
	if err := g.Conclude(nil); err != nil {
		return accounts.Grant{}, err.Error()
	}
	if s == aaa.PPP && !u.permitted() && !g.A.Callback &&
		!slices.ContainsFunc(found, func(sv *service) bool { return sv.protocol == "ip" }) {
		return accounts.Grant{}, "tac_plus authorizes no service = ppp protocol = ip"
	}
	x, why := u.password(s)
	grant := x.grant()
	switch {
	case why != "" && u.NewPassword == nil:
		return accounts.Grant{}, why
	case why != "":
		if u.made[u.block.name] == "" {
			u.made[u.block.name] = u.NewPassword()
		}
		grant.Password = u.made[u.block.name]
	}
	grant.Service, grant.Auth = s, g.A
	if err := grant.Check(); err != nil {
		return accounts.Grant{}, err.Error()
	}
	return grant, ""
}

// take reads one pair as ringback reads it from a reply. tac_plus sends an optional pair only if it is asked for, which
// ringback does not do.
func take(g *pairs.Grant, sv *service, x pair) error {
	if x.optional {
		return nil
	}
	g.Begin(x.name)
	at, name := pairs.Argument(placeOf(*sv), x.name)
	return g.Take(pairs.Pair{At: at, Name: name, Value: x.value})
}

// services returns the blocks of a service that answer: of each protocol the nearest.
func (u *account) services(s aaa.Service) (found []*service) {
	for _, b := range u.chain {
		for i := range b.services {
			sv := &b.services[i]
			if at := placeOf(*sv); at == 0 || !at.Serves(s) {
				continue
			}
			if !slices.ContainsFunc(found, func(other *service) bool { return other.protocol == sv.protocol }) {
				found = append(found, sv)
			}
		}
	}
	if s == aaa.PPP && !u.permitted() && !slices.ContainsFunc(found, func(sv *service) bool {
		return sv.protocol == "lcp"
	}) {
		return nil // without lcp, no PPP
	}
	return found
}

func (u *account) permitted() bool {
	return first(u.chain, func(b *block) value { return value{b.permit, b.permitAt} }).text == "permit"
}

// kinds are the passwords of a service, best first.
var kinds = map[aaa.Service][]string{aaa.EXEC: {"login", "global"}, aaa.PPP: {"chap", "ms-chap", "pap", "global"}}

// password returns the password of a service: that of the nearest block which has one.
func (u *account) password(s aaa.Service) (password, string) {
	for _, kind := range kinds[s] {
		for _, b := range u.chain {
			for _, x := range b.passwords {
				if x.of != kind {
					continue
				}
				if err := x.grant().Check(); err != nil {
					return password{}, fmt.Sprintf("line %d: %s = %s: %v", x.line, x.of, x.how, x.reason(err))
				}
				return x, ""
			}
		}
	}
	return password{}, "it has no password (" + strings.Join(kinds[s], ", ") + ")"
}

// reason says why a password is not imported.
func (x password) reason(err error) error {
	switch x.how {
	case "cleartext":
		return err
	case "des":
		return fmt.Errorf("only hashes of crypt(3) that begin with $1$, $2a$, $2b$ or $2y$ can be checked")
	case "file":
		return fmt.Errorf("it is in another file, by crypt(3)")
	case "nopassword":
		return fmt.Errorf("a local user has a password")
	}
	return fmt.Errorf("the password is checked elsewhere")
}

// record records the lines of a user who was added.
func (u *account) record(grants []accounts.Grant, groups, missing []string) {
	var has []string
	for _, g := range grants {
		has = append(has, string(g.Service))
	}
	note := fmt.Sprintf("local user %s (%s)", u.block.name, strings.Join(has, ", "))
	if len(groups) > 0 {
		note += ", policies: " + strings.Join(groups, ", ")
	}
	u.Imported(u.block.line, note)
	if u.made[u.block.name] != "" {
		u.Warn(u.block.line, "a new password was made for "+u.block.name+", because none can be imported")
	}
	for _, line := range u.block.ends {
		u.Imported(line, note)
	}
	for i, b := range u.chain {
		if i > 0 {
			u.used[b] = true
			for _, line := range append([]int{b.line}, b.ends...) {
				u.Imported(line, "group "+b.name+": inherited by its members")
			}
		}
		u.rest(b)
	}
	u.passwords(grants)
	for _, g := range grants {
		u.serviceLines(g)
	}
	u.lostServices(has, missing)
}

// rest records what is neither a password nor a service.
func (u *account) rest(b *block) {
	if b.member.line > 0 {
		u.Imported(b.member.line, "member of group "+b.member.text)
	}
	if b.permitAt > 0 {
		u.Imported(b.permitAt, "services of "+u.block.name)
	}
	if b.expires.line > 0 {
		u.Unsupported(b.expires.line, "a local user does not expire")
		u.Warn(b.expires.line, "remove "+u.block.name+" from users at this date")
	}
	for _, o := range b.others {
		for _, line := range o.lines {
			u.state(line, o.why)
		}
	}
}

// passwords records the passwords: those that a service uses, and the others.
func (u *account) passwords(grants []accounts.Grant) {
	used := map[int]string{}
	for _, g := range grants {
		x, _ := u.password(g.Service)
		used[x.line] += string(g.Service) + " "
	}
	for _, b := range u.chain {
		for _, x := range b.passwords {
			same := slices.ContainsFunc(grants, func(g accounts.Grant) bool {
				own := x.grant()
				return own.Password == g.Password && own.Hash == g.Hash
			})
			switch {
			case used[x.line] != "":
				u.Imported(x.line, "password of "+u.block.name+" for "+strings.Join(strings.Fields(used[x.line]), ", "))
			case x.grant().Check() != nil:
				u.Unsupported(x.line, fmt.Sprint(x.reason(x.grant().Check())))
			case x.of == "enable":
				u.Unsupported(x.line, "ringback has one password of enable for all users (user = $enab15$)")
			case x.of == "opap":
				u.Unsupported(x.line, "a local user has no password with which ringback authenticates itself")
			case x.of == "arap":
				u.Unsupported(x.line, "there is no ARAP")
			case same:
				u.Imported(x.line, "the same password")
			default:
				u.Unsupported(x.line, "another password than that which is imported: a local user has one for each of "+
					"the EXEC and PPP")
			}
		}
	}
}

// serviceLines records the pairs of a service that the user has.
func (u *account) serviceLines(g accounts.Grant) {
	for _, sv := range u.services(g.Service) {
		for _, line := range append([]int{sv.line}, sv.ends...) {
			u.Imported(line, fmt.Sprintf("%s of %s", g.Service, u.block.name))
		}
		for _, x := range sv.pairs {
			u.pair(sv, x)
		}
	}
	if g.Service == aaa.PPP && g.Auth.Callback && !u.permitted() {
		for _, sv := range u.services(g.Service) {
			if sv.protocol == "ip" {
				return
			}
		}
		u.Warn(u.services(g.Service)[0].line, fmt.Sprintf("tac_plus authorizes no protocol = ip, so %s would "+
			"have been called back without IP; ringback gives IP", u.block.name))
	}
}

// pair records what became of one pair.
func (u *account) pair(sv *service, x pair) {
	if x.optional {
		u.Harmless(x.line, "optional: tac_plus sends it only if it is asked for it, which ringback does not do")
		return
	}
	var solo pairs.Grant
	if err := take(&solo, sv, x); err != nil {
		u.Unsupported(x.line, err.Error()) // not reached: the whole service is refused
		return
	}
	field, note := solo.Field, solo.Note
	_ = solo.Conclude(nil) // a pair may need others
	lost := accounts.Grant{Auth: solo.A}.Lost()
	switch {
	case len(lost) > 0:
		u.Unsupported(x.line, strings.Join(lost, "; "))
	case field == "" || note != "":
		u.Harmless(x.line, strings.TrimSpace(x.name+": "+note))
	default:
		u.Imported(x.line, x.name+" of "+u.block.name)
	}
	if solo.A.Callback && solo.A.Dialstring.IsNull() && x.name == "callback-dialstring" {
		u.Warn(x.line, "the caller types the number: the policy file allows any number; write those that you want")
	}
	if solo.A.Callback && (x.name == "callback-rotary" || x.name == "callback-line") &&
		!slices.ContainsFunc(sv.pairs, func(x pair) bool { return x.name == "callback-dialstring" && !x.optional }) {
		u.Warn(x.line, "there is no callback-dialstring: the caller types the number, and the policy file allows any "+
			"number; write those that you want")
	}
	if solo.A.NoVerify {
		u.Warn(x.line, "no second login: a line that is only called back by itself needs callback: "+
			"{same_line_no_verify: true}; better give it a rotary with another line")
	}
}

// lostServices records the services that the user does not have.
func (u *account) lostServices(has, missing []string) {
	for _, b := range u.chain {
		for i := range b.services {
			sv := &b.services[i]
			if b.kind == "group" && placeOf(*sv) != 0 {
				continue // others may use it
			}
			why := fmt.Sprintf("ringback offers no service %s", strings.TrimSpace(sv.name+" "+sv.protocol))
			switch at := placeOf(*sv); {
			case sv.name == "outbound":
				why = "dial-out needs an order of the operator: dial_out: true of the user, and dial_out of a " +
					"policy file"
			case at == 0:
			case slices.ContainsFunc(has, func(s string) bool { return at.Serves(aaa.Service(s)) }):
				if slices.ContainsFunc([]aaa.Service{aaa.EXEC, aaa.PPP}, func(s aaa.Service) bool {
					return slices.Contains(u.services(s), sv)
				}) {
					continue
				}
				why = "an earlier block of this service answers"
			default:
				why = u.block.name + " has " + strings.Join(missing, "; ")
			}
			for _, line := range append([]int{sv.line}, sv.ends...) {
				u.Unsupported(line, why)
			}
			for _, x := range sv.pairs {
				u.Unsupported(x.line, why)
			}
		}
	}
}

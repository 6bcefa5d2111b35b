package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// PPP narrows the PPP sessions of a group, on both legs, whatever AAA grants. The zero value narrows nothing.
type PPP struct {
	Pool   string `json:"pool,omitempty"`   // of the addresses; "": those of AAA and of the profile
	Filter string `json:"filter,omitempty"` // applies besides those of AAA; "": none
}

// String returns the terms as a policy file has them, on one line.
func (p PPP) String() string {
	return fmt.Sprintf("pool: %s, filter: %s", cmp.Or(p.Pool, anyPool), cmp.Or(p.Filter, anyFilter))
}

const (
	anyPool   = "that of AAA, or else of the line's profile"
	anyFilter = "those of AAA alone"
)

// pppKeys are the rows of `ppp`.
var pppKeys = []key{
	{Key: schema.Key{Name: "ppp", Type: schema.Object, Doc: "Narrows PPP sessions, whatever AAA grants."}},
	{
		in: "ppp",
		Key: schema.Key{Name: "pool", Type: schema.String, Check: checkName, Example: "vendors",
			Doc: "Pool of `ppp.pools` in ringback.yaml that the addresses come from. A session for which AAA grants " +
				"another pool, or an address, a prefix or a route that is not in this pool or a backup of it, is " +
				"rejected, before a callback. Default: that of AAA, or else of the line's profile."},
		read: func(p *Policy, v *schema.Value) { p.PPP.Pool = v.Text() },
		text: func(p Policy) string { return p.PPP.Pool },
		late: true,
	},
	{
		in: "ppp",
		Key: schema.Key{Name: "filter", Type: schema.String, Check: checkName, Example: "vendors",
			Doc: "Filter of `ppp.filters` in ringback.yaml that applies besides those of AAA: a packet must pass " +
				"both, and one that either ignores does not keep the session from being idle. Default: those of AAA " +
				"alone."},
		read: func(p *Policy, v *schema.Value) { p.PPP.Filter = v.Text() },
		text: func(p Policy) string { return p.PPP.Filter },
		late: true,
	},
	{
		in: "ppp",
		Key: schema.Key{Name: "auth", Type: schema.List, Elem: &schema.Key{Type: schema.String, Enum: pppMethods},
			Default: anyMethod, Example: "[ms-chap-v2, eap]",
			Doc: "Methods by which callers may authenticate, on both legs. A caller who authenticated by another one " +
				"is rejected. The line chooses the method before the user is known, from the `authentication` of its " +
				"profile in ringback.yaml. An empty list accepts none, so PPP is rejected."},
		read: func(p *Policy, v *schema.Value) {
			if v.IsSet() {
				p.PPPAuth = append([]string{}, v.Texts()...)
			}
		},
		text: func(p Policy) string { return authText(p.PPPAuth) },
		late: true,
	},
}

// pppMethods are the methods of `authentication` in a profile of ringback.yaml, by their names there.
var pppMethods = []string{"ms-chap-v2", "ms-chap", "chap", "pap", "eap"}

// PPPMethods returns the methods that `ppp.auth` may name.
func PPPMethods() []string { return slices.Clone(pppMethods) }

// AnyPPPAuth is the Request.PPPAuth of a check that does not know by which method the caller would authenticate.
const AnyPPPAuth = "any"

const anyMethod = "those of the line's profile"

// authText returns the methods as a policy file has them.
func authText(methods []string) string {
	if methods == nil {
		return anyMethod
	}
	return "[" + strings.Join(slices.Sorted(slices.Values(methods)), ", ") + "]"
}

// rulePPPAuth rejects a caller of PPP who authenticated by a method that the group does not accept.
func rulePPPAuth(e *evaluation) (string, string, bool) {
	accepted := "ppp.auth: " + authText(e.policy.PPPAuth)
	if e.PPPAuth == AnyPPPAuth {
		return accepted, "depends on the method of the caller, which is not known here", false
	}
	input := cmp.Or(e.PPPAuth, "no method") + ", " + accepted
	if slices.Contains(e.policy.PPPAuth, e.PPPAuth) {
		return input, "accepted", false
	}
	return e.refuse(input, texts.RefusedAccess,
		"have the client authenticate by another method, or change ppp.auth in the group's policy file",
		"the caller authenticated by %s, and group %s has %s", cmp.Or(e.PPPAuth, "no method"), e.policy.name(),
		accepted)
}

// checkName rejects what no pool and no filter is called: an empty name would narrow nothing.
func checkName(s string) error {
	if s == "" || strings.ContainsAny(s, " \t\r\n") {
		return fmt.Errorf("%.64q is not the name of a pool or filter", s)
	}
	return nil
}

// checkPPP reports names that the site does not have.
func (s Site) checkPPP(v *schema.Value, problem func(schema.Problem)) {
	for key, names := range map[string][]string{"pool": s.Pools, "filter": s.Filters} {
		name := v.Get(key)
		if !name.IsSet() || names == nil || slices.Contains(names, name.Text()) {
			continue
		}
		hint := schema.Suggest(name.Text(), names)
		problem(problemAt(name, fmt.Sprintf("no %s is called %.64q; ppp.%ss of ringback.yaml has %s", key, name.Text(),
			key, cmp.Or(strings.Join(names, ", "), "none")), hint))
	}
}

// rulePPPTerms rejects a caller of PPP whose grant the network would refuse in the session: after a callback that would
// be too late.
func rulePPPTerms(e *evaluation) (string, string, bool) {
	input := e.policy.PPP.String()
	isGroup := func(name string) bool { _, ok := e.set.groups[name]; return ok }
	if why := e.set.site.PPPUnfit(e.Auth, e.policy.PPP, isGroup); why != "" {
		return e.refuse(input, texts.RefusedAccess,
			"correct the user's entry at the AAA server, or ppp in the group's policy file", "%s", printable(why))
	}
	return input, "AAA's grant fits", false
}

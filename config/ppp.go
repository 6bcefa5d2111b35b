package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/network"
	"github.com/ringback/ringback/ppp/pool"
	"github.com/ringback/ringback/schema"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// PPP configures PPP on all lines.
type PPP struct {
	Netdev   string       // NetdevUserspace or NetdevTUN; "" if no line serves PPP
	Reach    netdev.Reach // of NetdevUserspace
	Profiles []PPPProfile
	Pools    *pool.Pools
	Filters  *filter.Set
}

// PPPProfile is how callers are served, for the front end and for the network.
type PPPProfile struct {
	Front   pppfront.Profile
	Network network.Profile
}

// Profile returns the profile with a name.
func (p *PPP) Profile(name string) (PPPProfile, bool) {
	i := slices.IndexFunc(p.Profiles, func(x PPPProfile) bool { return x.Network.Name == name })
	if i < 0 {
		return PPPProfile{}, false
	}
	return p.Profiles[i], true
}

// unfit is policies.Site.PPPUnfit. The policies keep p, so it is a copy: a pointer into the loader would keep the
// nodes of the file in memory.
func (p PPP) unfit(granted aaa.Authorization, terms policies.PPP, isGroup func(string) bool) string {
	n := network.New(network.Config{Pools: p.Pools, Filters: p.Filters, Group: isGroup})
	return n.Unfit(granted, terms.Pool, terms.Filter)
}

// LinePPP is how a line serves PPP.
type LinePPP struct {
	Mode    pppfront.Mode
	Profile string // "": not at all
}

// Serves reports whether a line serves calls of a service.
func (l Line) Serves(s aaa.Service) bool { return s != aaa.PPP || l.PPP.Profile != "" }

// Unfit returns the function of lines.Want for the callbacks of a service.
func (c *Config) Unfit(s aaa.Service) func(tty int) string {
	fit := map[int]bool{}
	for _, l := range c.Lines {
		fit[l.TTY] = l.Serves(s)
	}
	return func(tty int) string {
		if fit[tty] {
			return ""
		}
		return "cannot serve PPP (set ppp_profile)"
	}
}

// The values of autoselect.
const (
	autoPPP         = "ppp"
	autoDuringLogin = "during_login"
	autoDedicated   = "dedicated"
)

// word pairs a word of the file with its meaning.
type word[T any] struct {
	text string
	is   T
}

func enumOf[T any](words []word[T]) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.text)
	}
	return out
}

// meaning returns the meaning of a word that the table has checked.
func meaning[T any](words []word[T], text string) (is T) {
	for _, w := range words {
		if w.text == text {
			is = w.is
		}
	}
	return is
}

// authMethods are the values of authentication, by their names in package lcp.
var authMethods = named(lcp.MSCHAPv2, lcp.MSCHAPv1, lcp.CHAP, lcp.PAP, lcp.EAP)

// named returns words for values that have their own names.
func named[T fmt.Stringer](values ...T) (words []word[T]) {
	for _, v := range values {
		words = append(words, word[T]{v.String(), v})
	}
	return words
}

var callbackWays = []word[func(*pppfront.Profile)]{
	{"cbcp", func(p *pppfront.Profile) { p.CBCP = true }},
	{"rfc1570", func(p *pppfront.Profile) { p.RFC1570 = true }},
	{"initiate", func(p *pppfront.Profile) { p.Initiate = true }},
}

func (l *loader) ppp() {
	v := l.v.Get("ppp")
	c := &l.cfg.PPP
	c.Netdev, c.Reach = l.text("ppp.netdev"), l.reach(v.Get("userspace"))
	profiles := v.Get("profiles").Items()
	for _, p := range profiles {
		l.profile(p)
	}
	l.pools(v.Get("pools").Items(), profiles)
	l.filters(v.Get("filters").Items())
	switch {
	case len(profiles) > 0 && c.Netdev == "" && !l.broken("ppp.netdev"):
		l.errorAt(v, "write netdev: userspace, which needs no privilege, or netdev: tun",
			"profiles need a network device")
	case c.Netdev == NetdevTUN:
		if err := l.tun(); err != nil {
			l.errorAt(v.Get("netdev"), "or write netdev: userspace", "%v", err)
		}
		if u := v.Get("userspace"); u.IsSet() {
			l.errorAt(u, "remove it; the kernel's routes and firewall decide what callers reach",
				"netdev tun has no such settings")
		}
	}
}

// reach reads what the table has checked.
func (l *loader) reach(v *schema.Value) netdev.Reach {
	var r netdev.Reach
	for _, text := range v.Get("allow").Texts() {
		if t, err := netdev.ParseTarget(text); err == nil {
			r.Allow = append(r.Allow, t)
		}
	}
	for _, text := range v.Get("deny").Texts() {
		if p, err := netip.ParsePrefix(text); err == nil {
			r.Deny = append(r.Deny, p)
		}
	}
	for _, s := range v.Get("services").Items() {
		from, err := netip.ParseAddrPort(s.Get("address").Text())
		to, err2 := netip.ParseAddrPort(s.Get("to").Text())
		if err != nil || err2 != nil {
			continue
		}
		if _, ok := r.Services[from]; ok {
			l.errorAt(s.Get("address"), "remove one of the two", "service %s is listed twice", from)
			continue
		}
		if r.Services == nil {
			r.Services = map[netip.AddrPort]netip.AddrPort{}
		}
		r.Services[from] = to
	}
	if err := r.Check(); err != nil {
		l.errorAt(v, "", "%v", err)
	}
	return r
}

// profile reads an entry of `profiles`.
func (l *loader) profile(v *schema.Value) {
	defaults := schema.Defaults(profileKeys)
	get := func(names ...string) *schema.Value { return or(v, defaults, names...) }
	name := v.Get("name").Text()
	if _, ok := l.cfg.PPP.Profile(name); ok {
		l.errorAt(v.Get("name"), "give it another name", "there are two profiles %q", cut(name))
	}
	p := PPPProfile{
		Front: pppfront.Profile{
			Name: l.cfg.Hostname, IPv6: get("ipv6").Bool(false), IdleTimeout: get("idle_timeout").Duration(),
			Echo: lcp.Echo{Every: get("echo", "every").Duration(), Misses: get("echo", "misses").Int()},
		},
		Network: network.Profile{Name: name, IPv6: get("ipv6").Bool(false), Pool: v.Get("pool").Text(),
			DNS: addresses(v.Get("dns")), WINS: addresses(v.Get("wins"))},
	}
	if a := v.Get("address"); a.IsSet() {
		p.Network.Address, _ = netip.ParseAddr(a.Text()) // checked by the table
		p.Front.IPv4 = true
	}
	l.profileMethods(v, &p.Front)
	if !p.Front.IPv4 && !p.Front.IPv6 && !l.broken(v.Path) {
		l.errorAt(v, "write address: 10.8.0.1, ipv6: true, or both", "profile %q has neither IPv4 nor IPv6", cut(name))
	}
	if at := v.Get("pool"); at.IsSet() {
		l.exists(at, "pool", "pools")
	}
	l.cfg.PPP.Profiles = append(l.cfg.PPP.Profiles, p)
}

// profileMethods reads how a caller may authenticate and ask for a callback.
func (l *loader) profileMethods(v *schema.Value, p *pppfront.Profile) {
	auth := v.Get("authentication")
	for _, m := range l.once(auth) {
		p.Authentication = append(p.Authentication, meaning(authMethods, m))
	}
	if !auth.IsSet() {
		p.Authentication = []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP}
	}
	ways := v.Get("callback")
	for _, w := range l.once(ways) {
		meaning(callbackWays, w)(p)
	}
	if !ways.IsSet() {
		p.CBCP, p.RFC1570 = true, true
	}
	if !l.bool("ppp.callback") { // a caller that CBCP offers no callback may hang up, as ipppd does
		p.CBCP, p.RFC1570, p.Initiate = false, false, false
	}
}

// once returns the texts of a list in which nothing may stand twice.
func (l *loader) once(v *schema.Value) []string {
	var out []string
	for _, item := range v.Items() {
		if slices.Contains(out, item.Text()) {
			l.errorAt(item, "remove one of the two", "%s is listed twice", item.Text())
			continue
		}
		out = append(out, item.Text())
	}
	return out
}

// exists reports a name of something that does not exist in a list of ppp.
func (l *loader) exists(at *schema.Value, what, list string) {
	key, entries := "ppp."+list, l.v.Get("ppp", list)
	if l.entries[key] == nil {
		set := map[string]bool{}
		for _, name := range names(entries) {
			set[name] = true
		}
		if l.entries == nil {
			l.entries = map[string]map[string]bool{}
		}
		l.entries[key] = set
	}
	if l.entries[key][at.Text()] || l.broken(key) {
		return
	}
	known := names(entries)
	l.errorAt(at, cmp.Or(schema.Suggest(at.Text(), known), "write it into "+key), "there is no %s %q", what,
		cut(at.Text()))
}

// names returns the names of the entries of a list.
func names(v *schema.Value) []string {
	var out []string
	for _, item := range v.Items() {
		out = append(out, item.Get("name").Text())
	}
	return out
}

func addresses(v *schema.Value) []netip.Addr {
	var out []netip.Addr
	for _, text := range v.Texts() {
		if a, err := netip.ParseAddr(text); err == nil { // otherwise reported by the table
			out = append(out, a)
		}
	}
	return out
}

// pools reads the pools. An address of this access server in a pool would be given to nobody, so it is a mistake.
func (l *loader) pools(items, profiles []*schema.Value) {
	var configs []pool.Config
	for _, v := range items {
		configs = append(configs, pool.Config{Name: v.Get("name").Text(), Addresses: v.Get("addresses").Texts(),
			Prefixes: v.Get("prefixes").Texts(), Backup: v.Get("backup").Text(),
			Holdback: v.Get("holdback").Duration()})
	}
	l.cfg.PPP.Pools = &pool.Pools{}
	if l.broken("ppp.pools") {
		return
	}
	var own []netip.Addr
	for _, p := range l.cfg.PPP.Profiles {
		own = append(own, p.Network.Address)
	}
	parsed, err := pool.Parse(configs, own...)
	for _, err := range joined(err) {
		l.poolError(items, err)
	}
	if err == nil {
		l.cfg.PPP.Pools = parsed
	}
	l.ownInPools(items, profiles)
}

// ownInPools rejects entries of pools that contain the address of a profile.
func (l *loader) ownInPools(items, profiles []*schema.Value) {
	named := map[netip.Addr]string{} // the first profile with an address
	for _, p := range profiles {
		a, err := netip.ParseAddr(p.Get("address").Text())
		if _, known := named[a]; err == nil && !known {
			named[a] = p.Get("name").Text()
		}
	}
	sorted := slices.SortedFunc(maps.Keys(named), netip.Addr.Compare)
	for _, v := range items {
		for _, entry := range v.Get("addresses").Items() {
			if own := pool.Own(entry.Text(), sorted); own.IsValid() {
				l.errorAt(entry, "leave it out: write a range that begins after it, or two",
					"the entry contains %s, the address of profile %q", own, cut(named[own]))
			}
		}
	}
}

func (l *loader) poolError(items []*schema.Value, err error) {
	var e *pool.Error
	if !errors.As(err, &e) {
		l.errorAt(l.v.Get("ppp", "pools"), "", "%v", err)
		return
	}
	hint := ""
	if e.Key == "backup" {
		hint = schema.Suggest(entryOf(items, e.Pool).Get("backup").Text(), names(l.v.Get("ppp", "pools")))
	}
	l.errorAt(placeOf(entryOf(items, e.Pool), e.Key, e.Index), hint, "%v", e.Err)
}

// filters reads the filters.
func (l *loader) filters(items []*schema.Value) {
	var configs []filter.Config
	for _, v := range items {
		configs = append(configs, filter.Config{Name: v.Get("name").Text(), In: rules(v.Get("in")),
			Out: rules(v.Get("out")), Idle: rules(v.Get("idle"))})
	}
	l.cfg.PPP.Filters = &filter.Set{}
	if l.broken("ppp.filters") {
		return
	}
	set, err := filter.NewSet(configs)
	for _, err := range joined(err) {
		var e *filter.Error
		if errors.As(err, &e) {
			l.errorAt(placeOf(entryOf(items, e.Filter), cmp.Or(e.List, "name"), e.Index), "", "%v", e.Err)
		}
	}
	if err != nil {
		return
	}
	l.cfg.PPP.Filters = set
	for _, name := range set.Names() {
		for _, text := range set.Lookup(name).Unreachable() {
			l.warnAt(entryOf(items, name), "remove it, or move it up", "filter %s: %s", name, text)
		}
	}
}

// rules returns a list of rules: nil if it is absent, and not if it is empty.
func rules(v *schema.Value) []string {
	if !v.IsSet() {
		return nil
	}
	return append([]string{}, v.Texts()...)
}

// joined returns the errors of errors.Join, which may be nested.
func joined(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, joined(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// entryOf returns the last entry with a name: of two, the second one is wrong.
func entryOf(items []*schema.Value, name string) *schema.Value {
	for _, v := range slices.Backward(items) {
		if v.Get("name").Text() == name {
			return v
		}
	}
	return nil
}

// placeOf returns the value that an error is about: an element of a list, the key, or the entry.
func placeOf(entry *schema.Value, key string, index int) *schema.Value {
	at := entry.Get(key)
	if items := at.Items(); index >= 0 && index < len(items) {
		return items[index]
	}
	if !at.IsSet() {
		return entry
	}
	return at
}

// linePPP reads how a line serves PPP.
func (l *loader) linePPP(v *schema.Value) LinePPP {
	auto, profile := v.Get("autoselect"), v.Get("ppp_profile")
	ways := l.once(auto)
	has := func(way string) bool { return slices.Contains(ways, way) }
	p := LinePPP{Profile: profile.Text()}
	switch {
	case has(autoDedicated) && len(ways) > 1:
		l.errorAt(auto, "write [dedicated], or [ppp, during_login]", "a dedicated line has no login to select PPP from")
	case has(autoDedicated):
		p.Mode = pppfront.Dedicated
	case has(autoDuringLogin) && !has(autoPPP):
		l.errorAt(auto, "write [ppp, during_login]", "during_login says when, but not what")
	case has(autoDuringLogin):
		p.Mode = pppfront.DuringLogin
	case has(autoPPP):
		p.Mode = pppfront.Autoselect
	}
	switch {
	case profile.IsSet():
		l.exists(profile, "profile", "profiles")
	case p.Mode != pppfront.TextOnly:
		l.errorAt(auto, "write ppp_profile: NAME, one of ppp.profiles", "autoselect needs a ppp_profile")
	}
	return p
}

// pppList checks that somebody can log in over PPP on a line.
func (l *loader) pppList(v *schema.Value, line *Line) {
	if line.PPP.Profile == "" {
		return
	}
	kind, _ := KindOf(Authentication, aaa.PPP)
	name := line.Lists.Of(kind.Name)
	list, ok := l.cfg.Lists.Find(kind.Name, name)
	switch {
	case ok:
		l.pppMethods(v.Get("ppp_profile"), line, list)
	case name == defaultList && !l.broken("aaa.lists."+kind.Name): // another name is reported with the line's lists
		l.errorAt(v.Get("ppp_profile"), "write aaa: {lists: {ppp: {default: [local]}}}",
			"there is no ppp method list %q: nobody could log in", name)
	}
}

// pppMethods reports what TACACS+ alone cannot authenticate: it has no EAP, and no field for the proof that an
// MS-CHAPv2 client requires. Clients take the first method that is offered.
func (l *loader) pppMethods(v *schema.Value, line *Line, list MethodList) {
	other := func(method string) bool { return l.cfg.Protocol(method) != MethodTACACS }
	p, _ := l.cfg.PPP.Profile(line.PPP.Profile)
	if len(list.Methods) == 0 || slices.ContainsFunc(list.Methods, other) {
		return
	}
	for _, m := range []lcp.Auth{lcp.MSCHAPv2, lcp.EAP} {
		if slices.Contains(p.Front.Authentication, m) {
			l.warnAt(v, "write authentication: [chap, pap] in its profile",
				"profile %q offers %v, which TACACS+ alone, the ppp list %q, cannot authenticate",
				cut(line.PPP.Profile), m, cut(list.Name))
		}
	}
}

// tunDevice reports why this machine makes no TUN interfaces. Whether the daemon may make them is checked at its start:
// the user who checks a configuration may be another one.
func tunDevice() error {
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("netdev tun: %w (load the kernel module: modprobe tun)", err)
	}
	return nil
}

// pppCallbacks reports lines whose callers of PPP could only be called back by lines that do not serve PPP, which leg
// two needs.
func (l *loader) pppCallbacks() {
	if !l.site.Callback[aaa.PPP] || !l.servesPPP() {
		return
	}
	all := l.cfg.idle()
	// lines of a rotary that take calls in the same way have the same answer, and a rotary may have thousands
	type kind struct {
		rotary int
		modem  lines.ModemMode
	}
	fit := map[kind]bool{}
	for _, v := range l.v.Get("lines").Items() {
		first, _, _ := schema.ParseTTYs(v.Get("tty").Text())
		line := l.cfg.line(first)
		k := kind{line.Rotary, line.Modem}
		if !line.Serves(aaa.PPP) || line.Modem == lines.CallOut || fit[k] {
			continue
		}
		want := lines.Want{Rotary: lines.NoRotary, Called: first}
		dialers, _ := lines.Choose(want, all)
		want.Unfit = l.cfg.Unfit(aaa.PPP)
		if _, err := lines.Choose(want, all); err == nil || len(dialers) == 0 {
			fit[k] = true
			continue // where nobody can dial, that is another problem
		}
		l.errorAt(v.Get("tty"), "give one of them a ppp_profile, or write ppp: {callback: false}",
			"callers of PPP on tty %d could only be called back by lines without ppp_profile: rotary %d, tty %s", first,
			line.Rotary, strings.Trim(strings.ReplaceAll(fmt.Sprint(dialers), " ", ", "), "[]"))
	}
}

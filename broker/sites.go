package broker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Site is the profile of a system that operators dial.
type Site struct {
	Numbers      []string // in the notation of AAA's numbers; the first is dialed if the operator names none
	ModemScript  string   // regular expression on the names of scripts that dial
	SystemScript string   // likewise, of scripts that log on to the system
	SendName     string   // our name there, for the system script
	SendSecret   aaa.Secret
	TTYs         []int // the lines that may dial it; none: all
}

// Sites says where the profiles of sites come from. A site is a user for AAA and the policies: SITE and the Suffix. The
// zero value has none.
type Sites struct {
	Known    map[string]Site // those of the configuration
	Login    Login           // asks AAA about the others; nil: there are no others
	Suffix   string
	Password aaa.Secret // of all sites at AAA
}

// SiteCall is an operator's order to dial a site.
type SiteCall struct {
	Site   string
	Number string        // as typed, in the notation of callers; "": the profile's
	TTY    int           // as in DialOut
	Rotary int           // likewise
	Wait   time.Duration // likewise
	By     string        // the operator
	From   string        // where the operator is; ""
}

// siteTime is how long AAA may take to answer about a site.
const siteTime = 30 * time.Second

// CallSite reads the profile of a site, of the configuration or else from AAA, dials it for an operator, logs on to it
// with its system script, and blocks until the call is the operator's. It is as DialOut for its result and the end of
// the call.
func (b *Broker) CallSite(ctx context.Context, c SiteCall) (*OutCall, error) {
	cfg := b.config.Load()
	o := DialOut{Number: c.Number, TTY: c.TTY, Rotary: c.Rotary, Wait: c.Wait, By: c.By, From: c.From}
	if err := CheckSite(c.Site); err != nil {
		return nil, b.rejectSite(c, cfg, err)
	}
	if site, ok := cfg.Sites.Known[c.Site]; ok {
		o.Identity, o.Auth = aaa.Identity{Entry: "sites", User: c.Site + cfg.Sites.Suffix}, site.Granted()
		o.TTYs = site.TTYs
		return b.DialOut(ctx, o)
	}
	if cfg.Sites.Login == nil {
		known := cmp.Or(strings.Join(slices.Sorted(maps.Keys(cfg.Sites.Known)), ", "), "none")
		return nil, b.rejectSite(c, cfg, fmt.Errorf("there is no site %q (sites of the configuration: %s; "+
			"dial_out.login lets AAA be asked about others)", c.Site, known))
	}
	asking, stop := context.WithTimeoutCause(ctx, siteTime, fmt.Errorf("AAA did not answer within %v", siteTime))
	defer stop()
	user := c.Site + cfg.Sites.Suffix
	conversation, res := cfg.Sites.Login.Start(asking, aaa.Request{Service: aaa.Outbound, User: user,
		Password: cfg.Sites.Password, TTY: c.TTY})
	if res.Kind == aaa.Prompt && !res.Echo && conversation != nil { // for the password, which is not in the request
		res = conversation.Answer(asking, cfg.Sites.Password)
	}
	switch res.Kind {
	case aaa.Granted:
		o.Identity, o.Auth, o.Server = res.Identity, res.Auth, res.Server
		return b.DialOut(ctx, o)
	case aaa.Prompt:
		res.Reason = fmt.Sprintf("%s asks %q for more than a password", res.Server, user)
	}
	return nil, b.rejectSite(c, cfg, fmt.Errorf("AAA has no profile of site %q: %s", c.Site, res.Reason))
}

// CheckSite returns an error if a text is not the name of a site: up to 64 letters, digits, ".", "_" and "-".
func CheckSite(name string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return fmt.Errorf("%.70q is not the name of a site (up to 64 letters, digits, \".\", \"_\" and \"-\")", name)
	}
	return nil
}

func (b *Broker) rejectSite(c SiteCall, cfg *Config, why error) error {
	return b.rejectOut(DialOut{Identity: aaa.Identity{User: fmt.Sprintf("%.64s", c.Site) + cfg.Sites.Suffix},
		Number: c.Number, By: c.By, From: c.From}, c.TTY, why)
}

// Granted is what the configuration grants to a site.
func (s Site) Granted() aaa.Authorization {
	a := aaa.Authorization{PrivLevel: 1, SendSecret: s.SendSecret, DialOut: &aaa.DialOut{ModemScript: s.ModemScript,
		SystemScript: s.SystemScript, SendName: s.SendName}}
	if len(s.Numbers) > 0 {
		a.Dialstring, a.Further = aaa.DialstringOf(s.Numbers[0]), s.Numbers[1:]
	}
	return a
}

// logsOnAs is who we are at the called system.
func logsOnAs(a aaa.Authorization) lines.LogonAs {
	as := lines.LogonAs{Secret: string(a.SendSecret)}
	if a.DialOut != nil {
		as.Name = a.DialOut.SendName
	}
	return as
}

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

func (l *loader) policyFiles() {
	dir := l.v.Get("policies_dir")
	l.trustDir(l.cfg.PoliciesDir)
	l.site.Lines, l.site.Scripts = l.siteLines(), l.siteScripts()
	l.site.Tariff = l.cfg.Tariff
	if !l.broken("ppp.pools") {
		l.site.Pools = append([]string{}, l.cfg.PPP.Pools.Names()...)
	}
	if !l.broken("ppp.filters") {
		l.site.Filters = append([]string{}, l.cfg.PPP.Filters.Names()...)
	}
	if l.site.Pools != nil && l.site.Filters != nil {
		l.site.PPPUnfit = l.cfg.PPP.unfit
	}
	if _, err := os.Stat(l.cfg.PoliciesDir); dir.IsSet() && errors.Is(err, fs.ErrNotExist) {
		l.errorAt(dir, "restore it from a backup, mount its disk, or create it; without the key, the built-in policy "+
			"is used if there is no policies.d", "%s: there is no such directory", dir.Text())
		return
	}
	set, problems := l.policies(l.cfg.PoliciesDir, l.site)
	for _, p := range problems {
		if p.File != policies.AllFiles || !l.broken("numbers") {
			l.problem(p)
		}
	}
	l.cfg.Policies = set
	if set == nil {
		return
	}
	if group, yes := set.LimitsMoney(); yes && l.text("tariff.file") == "" && !l.broken("tariff") {
		l.errorAt(dir, "write tariff: {file: tariff.csv}", "group %s limits money, and there is no tariff", group)
	}
	for _, w := range set.Warnings() {
		p := Problem{File: l.file, Key: "policies_dir", Msg: w, Severity: schema.Warning}
		if dir.IsSet() {
			p.Line, p.Column = dir.Line, dir.Column
		}
		l.problem(p)
	}
	files := set.Files()
	for _, g := range set.Groups() {
		l.priced(set, g)
		l.outlasted(set, g)
		l.unoffered(set, g)
		files = append(files, filepath.Join(l.cfg.PoliciesDir, g+".yaml"))
	}
	for _, path := range files {
		if _, access, err := l.read(path, schema.MaxSize); err == nil {
			l.trust(nil, path, access, noWrite)
		}
	}
}

// siteScripts returns the chat scripts for the policies; nil if they have errors.
func (l *loader) siteScripts() map[string]policies.SiteScript {
	if l.broken("chat_scripts") {
		return nil
	}
	all := map[string]policies.SiteScript{}
	for _, s := range l.cfg.Scripts {
		all[s.Name] = policies.SiteScript{Dials: s.UsesDialstring(), Adds: s.Adds(), Unsent: unsent(s)}
	}
	return all
}

// priced reports a policy that compares prices if there are none.
func (l *loader) priced(set *policies.Set, group string) {
	if p, _ := set.Group(group); p.Callback != policies.WhenCheaper || l.text("tariff.file") != "" {
		return
	}
	flat, _ := set.Flat(group)
	for _, s := range flat {
		if s.Key == "callback" {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: s.Key,
				Msg:  "when_cheaper compares prices, and there is no tariff",
				Hint: "write tariff: {file: tariff.csv} in " + l.file})
		}
	}
}

// outlasted reports a policy whose wait lasts until its callbacks have expired.
func (l *loader) outlasted(set *policies.Set, group string) {
	life := l.cfg.Callback.Lifetime
	if p, _ := set.Group(group); p.Dial.Wait < life || l.broken("callback") {
		return
	}
	flat, _ := set.Flat(group)
	for _, s := range flat {
		if s.Key == "wait" {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: s.Key,
				Msg:  fmt.Sprintf("callbacks expire %v after the promise, before they would be dialed", life),
				Hint: "write a shorter wait, or a longer callback.lifetime in " + l.file})
		}
	}
}

// unoffered warns of a policy that accepts none of the methods that the lines offer.
func (l *loader) unoffered(set *policies.Set, group string) {
	p, _ := set.Group(group)
	if len(p.PPPAuth) == 0 || !l.servesPPP() || l.broken("ppp") || l.broken("lines") {
		return // an empty list is meant so
	}
	var offered []string
	for _, line := range l.cfg.Lines {
		profile, _ := l.cfg.PPP.Profile(line.PPP.Profile)
		for _, m := range profile.Front.Authentication {
			offered = append(offered, m.String())
		}
	}
	slices.Sort(offered)
	offered = slices.Compact(offered)
	if slices.ContainsFunc(p.PPPAuth, func(m string) bool { return slices.Contains(offered, m) }) {
		return
	}
	flat, _ := set.Flat(group)
	for _, s := range flat {
		if s.Key == "ppp.auth[0]" {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: "ppp.auth", Severity: schema.Warning,
				Msg: fmt.Sprintf("no line offers a method of this list, so PPP rejects the users of group %s; lines "+
					"offer %s", group, strings.Join(offered, ", ")),
				Hint: "change this list, or authentication of the profiles in " + l.file})
		}
	}
}

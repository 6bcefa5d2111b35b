package config

import (
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

func checkLanguage(s string) error {
	_, err := texts.ParseLanguage(s)
	return err
}

// dictionary returns the texts for callers; nil: those of ringback.
func (l *loader) dictionary() *texts.Dictionary {
	var d *texts.Dictionary
	files := l.v.Get("texts")
	for _, name := range slices.Sorted(slices.Values(files.Names())) {
		at := files.Get(name)
		path := l.path(at.Text())
		data, ok := l.other(at, path)
		if !ok {
			continue
		}
		own, problems := d.With(texts.Language(name), path, data)
		l.problems = append(l.problems, problems...)
		d = own
	}
	return d
}

// lineLocale returns how the callers of a line are addressed.
func (l *loader) lineLocale(v *schema.Value) texts.Locale {
	own := texts.Locale{Language: texts.Language(v.Get("language").Text()),
		Charset: texts.Charset(v.Get("charset").Text())}
	all := own.Or(l.cfg.Locale)
	if own != (texts.Locale{}) {
		at := v.Get("charset")
		if !at.IsSet() {
			at = v.Get("language")
		}
		l.unreadable(at, "", all)
	}
	return all
}

// sevenBits makes the callers of a port with 7 data bits read ASCII.
func (l *loader) sevenBits(v *schema.Value, line *Line) {
	if !strings.HasPrefix(string(line.Address.Format), "7") {
		return
	}
	if at := v.Get("charset"); at.IsSet() && line.Locale.Charset != texts.ASCII {
		l.warnAt(at, "remove charset", "the port of tty %d has 7 data bits: its callers read ASCII", line.TTY)
	}
	line.Locale.Charset = texts.ASCII
}

// locales warns of terminals that cannot show what they are given.
func (l *loader) locales() {
	l.unreadable(l.v.Get("charset"), "", l.cfg.Locale)
	used := map[texts.Charset]bool{l.cfg.Locale.Charset: true}
	for i := range l.cfg.Lines {
		used[l.cfg.Lines[i].Locale.Charset] = true
	}
	for _, name := range l.cfg.Policies.Groups() {
		p, _ := l.cfg.Policies.Group(name)
		used[p.Locale.Charset] = true
		l.unreadable(l.v.Get("policies_dir"), "group "+name+": ", p.Locale)
	}
	for _, path := range []string{"banner", "prompts.username", "prompts.password", "prompts.dialstring",
		"recordings.notice"} {
		for _, c := range []texts.Charset{texts.Big5, texts.ASCII} {
			if used[c] && !c.Shows(l.text(path)) {
				l.warnAt(l.v.Get(strings.Split(path, ".")...), "use characters of the character set",
					"terminals with charset %s cannot show all of it: they show question marks", c)
			}
		}
	}
}

// unreadable warns if terminals cannot show the language.
func (l *loader) unreadable(at *schema.Value, about string, locale texts.Locale) {
	if locale.Charset == texts.ASCII && locale.Language != "" && locale.Language != texts.English {
		l.warnAt(at, "write charset: utf-8, or charset: big5",
			"%sterminals with charset ascii cannot show language %s: callers read English", about, locale.Language)
	}
}

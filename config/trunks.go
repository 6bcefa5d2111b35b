package config

import (
	"cmp"
	"errors"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/trunks"
)

// trunks reads the trunks. It comes after the lines that lead to them.
func (l *loader) trunks() {
	first := map[string]*schema.Value{}
	for _, v := range l.v.Get("trunks").Items() {
		name := v.Get("name")
		if at, ok := first[name.Text()]; ok {
			l.errorAt(name, "give it another name", "trunk %q is already on line %d", name.Text(), at.Line)
		}
		first[name.Text()] = name
		l.site.Trunks = append(l.site.Trunks, l.trunk(v))
	}
	if len(l.site.Trunks) > 0 {
		l.trunkScripts()
	}
}

func (l *loader) trunk(v *schema.Value) trunks.Trunk {
	t := trunks.Trunk{Name: v.Get("name").Text()}
	template, err := numbers.ParseTemplate(v.Get("template").Text())
	if err != nil {
		return t // the table of keys reports it
	}
	if t.Template = template; template.NeedsCountry() && l.site.Plan.Country.Code == "" {
		l.errorAt(v.Get("template"), `write numbers: {country: "33"}, or use {number}`, "requires numbers.country")
	}
	if n := v.Get("numbers"); n.IsSet() {
		t.Numbers = numbers.PatternsOf(n.Texts()...)
	}
	l.trunkJoins(v.Get("template"), t)
	l.trunkLines(v, &t)
	if file := v.Get("tariff"); file.IsSet() && !l.broken(file.Path) {
		currency := l.text("tariff.currency")
		if l.cfg.Tariff != nil {
			currency = l.cfg.Tariff.Currency()
		}
		t.Tariff = l.priceList(file, l.path(file.Text()), currency)
	}
	return t
}

// trunkJoins reports a template that makes a number which is never dialed of every number or of an extension.
func (l *loader) trunkJoins(at *schema.Value, t trunks.Trunk) {
	if err := l.site.Plan.CheckLiteral(t.Template); err != nil {
		l.errorAt(at, "put only the digits of an outside line or a carrier there, and a pause (,) behind them", "%v",
			err)
		return
	}
	for _, extension := range l.v.Get("numbers", "private").Texts() {
		n, err := l.site.Plan.Canonical(extension, numbers.OriginPlace) // not of a pattern with *
		if err != nil {
			continue
		}
		_, err = trunks.List{t}.Dialstring(l.site.Plan, n, t.Name)
		if joined, ok := errors.AsType[numbers.JoinedError](err); ok {
			l.warnAt(at, "leave the extension out with numbers, or correct the template", "extension %s is never "+
				"dialed: %v", n, joined)
		}
	}
}

// trunkLines reads which lines lead to a trunk.
func (l *loader) trunkLines(v *schema.Value, t *trunks.Trunk) {
	ttys, rotary := v.Get("lines"), v.Get("rotary")
	if ttys.IsSet() && rotary.IsSet() {
		l.errorAt(rotary, "remove one of the two", "the trunk has lines already")
	}
	if rotary.IsSet() {
		n := rotary.Int()
		t.Rotary, t.Lines = &n, []int{}
		for _, line := range l.cfg.Lines {
			if line.Rotary == n && line.Modem != lines.CallIn {
				t.Lines = append(t.Lines, line.TTY)
			}
		}
		if len(t.Lines) == 0 && !l.broken("lines") && !l.cfg.fleetRotary(n) {
			l.errorAt(rotary, "write the rotary of a line", "no line of rotary %d dials", n)
		}
	}
	for _, tty := range ttys.Items() {
		n := tty.Int()
		t.Lines = append(t.Lines, n)
		if l.cfg.line(n) == nil && !l.broken("lines") {
			l.errorAt(tty, "write the tty of a line", "there is no line %d", n)
		}
	}
}

// trunkScripts reports chat scripts that add to the dial string: with trunks, only their templates do.
func (l *loader) trunkScripts() {
	seen := map[string]bool{}
	for _, line := range l.cfg.Lines {
		s, err := l.script(cmp.Or(line.CallbackScript, line.DialerScript), "")
		if err != nil || seen[s.Name] || s.Adds() == "" {
			continue
		}
		seen[s.Name] = true
		for _, v := range l.v.Get("chat_scripts").Items() {
			if v.Get("name").Text() == s.Name {
				l.errorAt(v.Get("script"), `write ATDT \T, and "`+s.Adds()+`" in the templates of the trunks`,
					"chat script %s dials %q besides the number, but the site has trunks", s.Name, s.Adds())
			}
		}
	}
}

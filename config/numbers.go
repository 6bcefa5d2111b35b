package config

import (
	"strings"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tariff"
)

func (l *loader) numbers() {
	n := l.v.Get("numbers")
	l.site.Plan = numbers.Plan{TrunkPrefixes: n.Get("trunk_prefixes").Texts(), MaxDigits: l.int("numbers.max_digits"),
		Country: l.country(n), Own: numbers.PatternsOf(n.Get("own").Texts()...)}
	if e := n.Get("emergency"); e.IsSet() {
		l.site.Plan.Emergency = numbers.PatternsOf(e.Texts()...)
		if len(e.Items()) == 0 && !l.broken(e.Path) {
			l.warnAt(e, "remove the key for the built-in patterns", "no emergency number is denied")
		}
	}
	for _, p := range n.Get("trunk_prefixes").Items() {
		if strings.Trim(p.Text(), "0123456789 -().") == "" {
			l.warnAt(p, `write "`+p.Text()+`," if AAA sends a comma`,
				"a prefix of digits only is also removed from numbers that merely begin with it")
		}
	}
	l.site.Plan.Ranges = l.ranges()
	l.cfg.Numbers = l.site.Plan
}

// ranges returns the classes of number ranges: those of a file, or the built-in ones.
func (l *loader) ranges() numbers.Ranges {
	path, at := l.filePath("numbers.fraud_file"), l.v.Get("numbers", "fraud_file")
	if path == "" || l.site.Plan.Country.Code == "" || l.broken("numbers.fraud_file") {
		return numbers.Ranges{}
	}
	text, ok := l.other(at, path)
	if !ok {
		return numbers.Ranges{}
	}
	r, err := numbers.ParseRanges(text)
	if err != nil {
		l.errorAt(at, "", "%s: %v", path, err)
	}
	return r
}

// country returns the site's place in the telephone network.
func (l *loader) country(n *schema.Value) numbers.Country {
	c := numbers.Country{
		Code: l.text("numbers.country"), Region: l.text("numbers.region"), Area: l.text("numbers.area"),
		International: n.Get("international").Texts(), National: n.Get("national").Texts(),
		Private: numbers.PatternsOf(n.Get("private").Texts()...),
	}
	for _, d := range n.Get("digits").Items() {
		c.Digits = append(c.Digits, d.Int())
	}
	if c.Code == "" && !n.Get("country").IsSet() {
		for _, name := range []string{"region", "digits", "area", "international", "national", "private",
			"fraud_file"} {
			if v := n.Get(name); v.IsSet() {
				l.errorAt(v, `write country: "33"`, "requires numbers.country")
			}
		}
		return numbers.Country{}
	}
	if key, err := c.Validate(); err != nil && !l.broken("numbers") {
		v := n.Get(key)
		if !v.IsSet() {
			v = n.Get("country")
		}
		l.errorAt(v, "", "%v", err)
		return numbers.Country{}
	}
	return c
}

// tariff reads the price list.
func (l *loader) tariff() {
	file, currency := l.filePath("tariff.file"), l.v.Get("tariff", "currency")
	switch {
	case file == "" && l.text("tariff.currency") != "" && !l.broken("tariff"):
		l.errorAt(currency, "write tariff: {file: tariff.csv}, or remove it", "a currency without a tariff")
		return
	case file == "" || l.broken("tariff"):
		return
	}
	l.cfg.Tariff = l.priceList(l.v.Get("tariff", "file"), file, l.text("tariff.currency"))
}

// priceList reads a price list.
func (l *loader) priceList(at *schema.Value, file, currency string) *tariff.Table {
	data, ok := l.other(at, file)
	if !ok {
		return nil
	}
	table, problems := tariff.Parse(file, data, currency)
	l.problems = append(l.problems, problems...)
	return table
}

package radius

import "github.com/ringback/ringback/aaa/pairs"

const zyxelSource = "FreeRADIUS dictionary.zyxel"

var zyxel = indexed(dialect{name: "Zyxel", vendor: 890, prefix: "Zyxel-", rules: []rule{
	{n: 192, name: "Zyxel-Callback-Option", form: integer, enum: valueNames{0: "None", 1: "Optional", 2: "Mandatory"},
		known: true, field: "callback",
		check: "2 requires a callback, 0 forbids one; 1: a callback if an attribute gives a number or the caller " +
			"types it, otherwise none", source: zyxelSource, apply: (*reading).zyxelOption},
	{n: 193, name: "Zyxel-Callback-Phone-Source", form: integer, enum: valueNames{0: "Preconfigured", 1: "User"},
		known: true, field: "dialstring",
		check:  "1: the caller types the number; 0: it is fixed, in another attribute; neither requires a callback",
		source: zyxelSource, apply: (*reading).zyxelSource},
	{n: 3, name: "Zyxel-Privilege-AVPair",
		check: "the privilege level is set with `shell:priv-lvl` or Management-Privilege-Level", source: zyxelSource},
}})

func (r *reading) zyxelOption(v value) error {
	switch v.n {
	case 0:
		return r.Forbid()
	case 1:
		r.Allow()
		return nil
	}
	return r.Demand()
}

func (r *reading) zyxelSource(v value) error {
	if v.n == 0 {
		return r.Claim(pairs.Fixed, "")
	}
	return r.Claim(pairs.Typed, "")
}

package radius

import (
	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

const accSource = "FreeRADIUS dictionary.acc"

var acc = indexed(dialect{name: "ACC", vendor: 5, prefix: "Acc-", rules: []rule{
	{n: 36, name: "Acc-Callback-Mode", form: integer, enum: valueNames{0: "User-Auth", 3: "User-Specified-E-164",
		6: "CBCP-Callback", 7: "CLI-Callback"}, known: true, field: "callback, dialstring, caller_id",
		check:  "0 and 6: a callback; 3: to a number that the caller types; 7: to the caller ID",
		source: accSource + "; 0 to 6 as RFC 1570 §2.3", apply: (*reading).accMode},
	{n: 37, name: "Acc-Callback-CBCP-Type", form: integer, enum: valueNames{1: "CBCP-None", 2: "CBCP-User-Specified",
		3: "CBCP-Pre-Specified"}, known: true, field: "callback, dialstring",
		check:  "1 forbids a callback; 2: the caller types the number; 3: it is fixed, in another attribute",
		source: accSource,
		apply:  (*reading).accCBCPType},
	{n: 35, name: "Acc-Callback-Num-Valid", form: text, field: "callback, dialstring", check: "as Callback-Number",
		source: accSource + "; its meaning is undocumented",
		apply:  func(r *reading, v value) error { return r.Number(v.s) }},
	{n: 34, name: "Acc-Callback-Delay", form: integer, field: "callback_delay",
		check:  "seconds, at most 3600; the longest of several applies",
		source: accSource + "; the unit is undocumented",
		apply:  (*reading).delay},
	{n: 23, name: "Acc-Dns-Server-Pri", form: address, only: aaa.PPP, field: "framed.dns", check: "0.0.0.0 means none",
		source: accSource, apply: (*reading).dns},
	{n: 24, name: "Acc-Dns-Server-Sec", form: address, only: aaa.PPP, field: "framed.dns", check: "0.0.0.0 means none",
		source: accSource, apply: (*reading).dns},
	{n: 25, name: "Acc-Nbns-Server-Pri", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: accSource, apply: (*reading).wins},
	{n: 26, name: "Acc-Nbns-Server-Sec", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: accSource, apply: (*reading).wins},
	{n: 46, name: "Acc-Ip-Pool-Name", form: text, only: aaa.PPP, field: "framed.pool", check: "", source: accSource,
		apply: (*reading).framedPool},
	{n: 39, name: "Acc-Dialout-Auth-Password", form: text, secret: true, only: aaa.PPP, field: "send_secret",
		check: "printed as [secret]", source: accSource, apply: (*reading).sendSecret},

	{n: 38, name: "Acc-Dialout-Auth-Mode", form: integer, enum: valueNames{1: "PAP", 2: "CHAP", 3: "CHAP-PAP",
		4: "NONE"}, check: "leg two authenticates as leg one did", source: accSource},
	{n: 40, name: "Acc-Dialout-Auth-Username", check: "leg two uses the caller's name", source: accSource},
	{n: 14, name: "Acc-Tunnel-Secret", form: octets, secret: true}, {n: 44, name: "Acc-Ace-Token", form: octets,
		secret: true}, {n: 73, name: "Acc-MN-HA-Secret", form: octets, secret: true},
	{n: 1, name: "Acc-Reason-Code", form: integer, enum: valueNames{54: "Callback"}},
	{n: 5, name: "Acc-Access-Partition"}, {n: 6, name: "Acc-Customer-Id"}, {n: 17, name: "Acc-Service-Profile"},
}})

func (r *reading) accMode(v value) error {
	switch v.n {
	case 3:
		r.Field = "callback, dialstring"
		return r.CallTo(pairs.Typed, "")
	case 7:
		r.Field = "callback, caller_id"
		return r.CallTo(pairs.CalledFrom, "")
	}
	r.Field = "callback"
	return r.Demand()
}

func (r *reading) accCBCPType(v value) error {
	switch v.n {
	case 1:
		r.Field = "callback"
		return r.Forbid()
	case 2:
		return r.CallTo(pairs.Typed, "")
	}
	return r.CallTo(pairs.Fixed, "")
}

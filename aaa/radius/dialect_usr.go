package radius

import (
	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

const usrSource = "FreeRADIUS dictionary.usr"

// usr has vendor types of four octets without a length: one attribute per Vendor-Specific.
var usr = indexed(dialect{name: "USR", vendor: 429, prefix: "USR-", types: 4, bare: true, rules: []rule{
	{n: 0x986a, name: "USR-Callback-Type", form: integer, enum: valueNames{1: "Normal", 2: "ANI", 3: "Static",
		4: "Dynamic"}, known: true, field: "callback, dialstring, caller_id",
		check: "1: a callback; 2: to the caller ID; 3: to a fixed number, in another attribute; 4: to one that the " +
			"caller types", source: usrSource, apply: (*reading).usrCallbackType},
	{n: 0x900f, name: "USR-Primary_DNS_Server", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: usrSource, apply: (*reading).dns},
	{n: 0x9010, name: "USR-Secondary_DNS_Server", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: usrSource, apply: (*reading).dns},
	{n: 0x9011, name: "USR-Primary_NBNS_Server", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: usrSource, apply: (*reading).wins},
	{n: 0x9012, name: "USR-Secondary_NBNS_Server", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: usrSource, apply: (*reading).wins},
	{n: 0x9024, name: "USR-Framed_IP_Address_Pool_Name", form: text, only: aaa.PPP, field: "framed.pool", check: "",
		source: usrSource, apply: (*reading).framedPool},

	{n: 0x9813, name: "USR-Send-Name", check: "leg two uses the caller's name", source: usrSource},
	{n: 0x9814, name: "USR-Send-Password", form: octets, secret: true, check: "its encryption is undocumented",
		source: usrSource},
	{n: 0x9827, name: "USR-Modem-Group", form: integer, check: "the modems for incoming calls, not for callbacks",
		source: usrSource},
	{n: 0xbfe7, name: "USR-Connect-Time-Limit", form: integer, check: "its unit is undocumented", source: usrSource},
	{n: 0x982b, name: "USR-IP-RIP-Simple-Auth-Password", form: octets, secret: true},
	{n: 0x9873, name: "USR-Pre-Shared-MN-Key", form: octets, secret: true},
	{n: 0x9856, name: "USR-VTS-Session-Key", form: octets, secret: true},
}})

func (r *reading) usrCallbackType(v value) error {
	switch v.n {
	case 2:
		r.Field = "callback, caller_id"
		return r.CallTo(pairs.CalledFrom, "")
	case 3:
		r.Field = "callback"
		return r.CallTo(pairs.Fixed, "")
	case 4:
		r.Field = "callback, dialstring"
		return r.CallTo(pairs.Typed, "")
	}
	r.Field = "callback"
	return r.Demand()
}

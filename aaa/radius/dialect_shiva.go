package radius

const shivaSource = "FreeRADIUS dictionary.shiva"

var shiva = indexed(dialect{name: "Shiva", vendor: 166, prefix: "Shiva-", rules: []rule{
	{n: 31, name: "Shiva-Dialback-Delay", form: integer, field: "callback_delay",
		check:  "seconds, at most 3600; the longest of several applies; does not require a callback",
		source: shivaSource + "; the unit is undocumented", apply: (*reading).delay},

	{n: 1, name: "Shiva-User-Attributes", form: octets, secret: true, check: "its content is undocumented",
		source: shivaSource},
	{n: 35, name: "Shiva-Default-Host", check: "Login-IP-Host names a host", source: shivaSource},
	{n: 36, name: "Shiva-Menu-Name", check: "menus are not supported", source: shivaSource},
	{n: 42, name: "Shiva-Dial-Timeout", form: integer, check: "the lines have their own timeout", source: shivaSource},
	{n: 100, name: "Shiva-Disconnect-Reason", form: integer, enum: valueNames{6: "Dialback"}},
	{n: 104, name: "Shiva-Connect-Reason", form: integer, enum: valueNames{1: "Remote", 2: "Dialback"}},
}})

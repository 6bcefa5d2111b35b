package ios

import "github.com/ringback/ringback/importer"

func lineTable() (all []command) {
	all = []command{
		{syntax: "modem InOut", kind: importer.Imported, note: "lines: [{modem: inout}]", do: keepModem("inout")},
		{syntax: "modem dialin|callin|ri-is-cd", kind: importer.Imported, note: "lines: [{modem: callin}]",
			do: keepModem("callin")},
		{syntax: "modem callout", kind: importer.Imported, note: "lines: [{modem: callout}]", do: keepModem("callout")},
		{syntax: "modem host|printer|cts-required|dtr-active", kind: importer.Unsupported,
			note: "the line has a host or a printer, not a modem", do: keepModem("")},
		{syntax: "modem answer-timeout SECONDS", kind: importer.Harmless,
			note: "the profile of the modem says how long it is waited for"},
		{syntax: "modem autoconfigure type NAME", kind: importer.Imported,
			note: "lines: [{profile}], for known families",
			do:   keep("profile")},
		{syntax: "modem autoconfigure discovery", kind: importer.Harmless,
			note: "`ringback modem probe` finds out which profile the modem has"},
		{syntax: "modem …", kind: importer.Unsupported, note: "the profile of the modem's family says how it is used"},
		{syntax: "rotary N …", kind: importer.Imported, note: "lines: [{rotary}], if users are called back by a rotary",
			do: doRotary},
		{syntax: "speed BPS", kind: importer.Imported, note: "speed= of the port", do: keepNumber("speed", 1, 4000000)},
		{syntax: "txspeed BPS", kind: importer.Imported, note: "speed= of the port", do: keepNumber("speed", 1,
			4000000)},
		{syntax: "rxspeed BPS", kind: importer.Imported, note: "speed= of the port; both directions have the same",
			do: keepNumber("rxspeed", 1, 4000000)},
		{syntax: "autobaud", kind: importer.Imported, note: "lines: [{speed: auto}]", do: keep("autobaud")},
		{syntax: "databits N", kind: importer.Imported, note: "format= of the port", do: keepNumber("databits", 5, 8)},
		{syntax: "parity KIND", kind: importer.Imported, note: "format= of the port",
			do: keepWord("parity", "none", "n", "even", "e", "odd", "o", "space", "", "mark", "")},
		{syntax: "stopbits N", kind: importer.Imported, note: "format= of the port",
			do: keepWord("stopbits", "1", "1", "2", "2", "1.5", "")},
		{syntax: "flowcontrol KIND …", kind: importer.Imported, note: "lines: [{flow_control}]",
			do: keepWord("flowcontrol", "none", "none", "hardware", "hardware", "software", "software")},
		{syntax: "no flowcontrol", kind: importer.Imported, note: "lines: [{flow_control: none}]", do: keepFlowNone},
		{syntax: "script callback NAME", kind: importer.Imported, note: "lines: [{scripts: {callback}}]",
			do: keep("script callback")},
		{syntax: "script modem-off-hook NAME", kind: importer.Imported, note: "lines: [{scripts: {modem_off_hook}}]",
			do: keep("script modem-off-hook")},
		{syntax: "script dialer NAME", kind: importer.Imported, note: "lines: [{scripts: {dialer}}]",
			do: keep("script dialer")},
		{syntax: "script startup NAME", kind: importer.Imported, note: "lines: [{scripts: {startup}}]",
			do: keep("script startup")},
		{syntax: "script reset NAME", kind: importer.Imported, note: "lines: [{scripts: {reset}}]",
			do: keep("script reset")},
		{syntax: "script activation NAME", kind: importer.Imported, note: "lines: [{scripts: {activation}}]",
			do: keep("script activation")},
		{syntax: "script connection NAME", kind: importer.Unsupported,
			note: "no script runs when a line is reached from the network"},
		{syntax: "script arap-callback NAME", kind: importer.Unsupported, note: reasonARAP, do: keep("arap")},
		{syntax: "script NAME …", kind: importer.Unsupported, note: "there is no such event"},
		{syntax: "callback forced-wait SECONDS", kind: importer.Imported, note: "lines: [{callback: {forced_wait}}]",
			do: keepNumber("forced-wait", 0, 3600)},
		{syntax: "callback …", kind: importer.Unsupported, note: "IOS has callback forced-wait only"},
		{syntax: "login local", kind: importer.Imported, note: "lines: [{login}]", do: keepLogin("local")},
		{syntax: "login tacacs", kind: importer.Imported, note: "lines: [{login}]", do: keepLogin("tacacs")},
		{syntax: "login authentication LIST", kind: importer.Imported, note: "lines: [{login}]",
			do: keep("login list")},
		{syntax: "login", kind: importer.Unsupported,
			note: "the password of the line: here all callers log in with a name, as local users",
			do:   keepLogin("line")},
		{syntax: "no login", kind: importer.Unsupported,
			note: "callers are not let in without a login: the list [none] of aaa: {lists: {login}} would",
			do:   keepLogin("none")},
		{syntax: "password …", kind: importer.Unsupported, note: "lines have no password: all callers log in with a " +
			"name",
			do: doLinePassword, hide: func(in *input) string { return in.hideSecret(0) }},
		{syntax: "authorization exec LIST", kind: importer.Imported, note: "lines: [{exec}]", do: keep("exec list")},
		{syntax: "authorization commands LEVEL LIST", kind: importer.Imported, note: "lines: [{commands}]",
			do: keep("commands list")},
		{syntax: "authorization arap LIST", kind: importer.Unsupported, note: reasonARAP},
		{syntax: "authorization …", kind: importer.Unsupported, note: "there is no such service"},
		{syntax: "accounting exec LIST", kind: importer.Imported, note: "lines: [{accounting}]",
			do: keep("accounting list")},
		{syntax: "accounting …", kind: importer.Unsupported,
			note: "the list of `accounting exec` is that of all that happens on the line"},
		{syntax: "autoselect …", kind: importer.Imported, note: "lines: [{autoselect}]", do: doAutoselect},
		{syntax: "no flush-at-activation", kind: importer.Harmless, note: "no octet of a caller is thrown away"},
		{syntax: "flush-at-activation", kind: importer.Harmless, note: "no octet of a caller is thrown away"},
		{syntax: "transport …", kind: importer.Harmless,
			note: "the key `listen` opens lines to the network",
			hide: asWritten},
		{syntax: "exec-timeout MINUTES …", kind: importer.Imported, note: "exec: {idle_timeout}", do: doExecTimeout},
		{syntax: "no exec-timeout", kind: importer.Imported, note: "exec: {idle_timeout: 0s}", do: doNoExecTimeout},
		{syntax: "session-timeout …", kind: importer.Unsupported,
			note: "write limits: {idle_time} into the policy files"},
		{syntax: "absolute-timeout …", kind: importer.Unsupported,
			note: "write limits: {session_time} into the policy files"},
		{syntax: "privilege level N", kind: importer.Unsupported,
			note: "the level comes with the user: priv_lvl, or AAA's"},
		{syntax: "access-class …", kind: importer.Unsupported,
			note: "exec: {hosts: {allow}} says where sessions may connect to"},
		{syntax: "ipv6 access-class …", kind: importer.Unsupported,
			note: "exec: {hosts: {allow}} says where sessions may connect to"},
		{syntax: "autohangup …", kind: importer.Harmless,
			note: "a session that AAA connects to a host ends with the connection"},
		{syntax: "autocommand …", kind: importer.Unsupported,
			note: "the command comes with the user, from AAA (autocmd, Login-IP-Host)"},
		{syntax: "no exec", kind: importer.Unsupported,
			note: "every caller gets a login; if nobody calls the line, write modem: callout"},
		{syntax: "exec", kind: importer.Harmless, note: "every caller gets a login"},
		{syntax: "vty-arap|arap …", kind: importer.Unsupported, note: reasonARAP, hide: asWritten},
		{syntax: "vacant-message|refuse-message …", kind: importer.Unsupported, note: "there is one banner",
			do: doDelimited},
		{syntax: "ppp …", kind: importer.Unsupported, note: "PPP is set on interfaces"},
		{syntax: "exit", kind: importer.Harmless, note: "the end of the block"},
		{syntax: "location|logging|history|length|width|terminal-type|stop-bits|escape-character|domain-lookup|" +
			"exec-character-bits|default-value|data-character-bits|dispatch-timeout|dispatch-character|" +
			"disconnect-character|editing|full-help|international|ip|lockable|monitor|notify|padding|prc-interval|" +
			"session-limit|" +
			"start-character|stop-character|special-character-bits|terminal-queue|telnet|terminal|x25|lat|insecure|" +
			"exec-banner|motd-banner|buffer-length|activation-character|hold-character|telnet-keepalive|rlogin|ssh|" +
			"stopbits-auto|timeout|speed-dial|tn3270|async-bootp|line-protocol|call-rotary …", kind: importer.Harmless,
			note: "concerns what terminals show, or connections from the line"},
		{syntax: "no …", kind: importer.Harmless, note: "it turns off what is not imported"},
		{syntax: "default …", kind: importer.Harmless, note: "the default applies"},
	}
	for i := range all {
		all[i].mode = lineMode
	}
	return all
}

func keepFlowNone(p *parser, in *input) result {
	p.onLine.set["flowcontrol"] = setting{"none", in.row}
	return result{}
}

func keepLogin(how string) func(*parser, *input) result {
	return func(p *parser, in *input) result {
		p.onLine.set["login"] = setting{how, in.row}
		return result{}
	}
}

func doLinePassword(_ *parser, in *input) result {
	if _, bad := readSecret(in.args); bad != "" {
		return wrong("%s", bad)
	}
	return result{}
}

func doDelimited(p *parser, in *input) result {
	if len(in.args) == 0 {
		return wrong("the text is missing")
	}
	if _, bad := p.delimited(in, in.rest(0)); bad != "" {
		return wrong("%s", bad)
	}
	return result{}
}

package ios

import "github.com/ringback/ringback/importer"

// subcommands are words that begin commands of blocks that are not imported, and no global command.
var subcommands = map[string][]string{
	"aaa server radius dynamic-author …": {"client", "server-key", "port", "auth-type", "ignore"},
	"l2tp-class …":                       {"password", "authentication", "digest", "hello", "retransmit"},
	"dot1x …":                            {"password", "pki-trustpoint"},
	"parser view …":                      {"secret", "commands", "view"},
}

// otherTable has the commands of a router that have nothing to do with its callers.
func otherTable() (all []command) {
	const network = "concerns the network of the router: this machine's system does that"
	for _, c := range []struct {
		kind         importer.Kind
		syntax, note string
	}{
		{importer.Harmless, "no …", "it turns off what is not imported"},
		{importer.Harmless, "default …", "the default applies"},
		{importer.Harmless, "exit", "the end of the block"},
		{importer.Harmless,
			"boot|boot-start-marker|boot-end-marker|config-register|card|slot|memory-size|mmi|scheduler|" +
				"process|memory|diag|buffers|hw-module|upgrade|license|platform|warm-reboot|" +
				"downward-compatible-config|exception|parser|errdisable|power|redundancy|dial-tdm-clock|tdm|" +
				"shelf-id|partition|call|spe|" +
				"firmware|resource|redundancy-mode|resource-pool|cns|multilink|prompt|alias|file|archive|do-exec|" +
				"config|microcode|subscriber|network-clock-select|" +
				"network-clock-participate …", "concerns the router itself"},
		{importer.Harmless, "password encryption aes", "passwords are stored in files that only the daemon can read"},
		{importer.Unsupported, "parser view …", "the EXEC has no views"},
		{importer.Unsupported, "dot1x …", "lines have no IEEE 802.1X"},
		{importer.Harmless, "clock …", "the clock and time zone are those of this machine"},
		{importer.Harmless, "ntp|sntp …", "the clock is that of this machine"},
		{importer.Harmless, "cdp|lldp|vtp|spanning-tree|vlan|mac-address-table|bridge|mls|l2protocol-tunnel …",
			network},
		{importer.Harmless, "router|route-map|ipv6|ipx|decnet|clns|frame-relay|x25|x29|atm|mpls|cef|standby|" +
			"vrrp|track|ip …", network},
		{importer.Unsupported, "ip radius|tacacs source-interface …",
			"the system chooses the address; aaa: {radius: [{source}]} can name one of this machine"},
		{importer.Harmless, "ip " +
			"subnet-zero|classless|cef|domain-name|domain|name-server|host|route|default-gateway|http|" +
			"forward-protocol|routing|default-network|multicast-routing|telnet|ssh|ftp|tftp|rcmd|scp|dhcp|finger|" +
			"identd|source-route|bootp …", network},
		{importer.Unsupported, "access-list …", "write ppp: {filters} for packets of callers, exec: {hosts: " +
			"{allow}} for " +
			"their connections"},
		{importer.Unsupported, "ip access-list …", "write ppp: {filters} for packets of callers, exec: {hosts: " +
			"{allow}} " +
			"for their connections"},
		{importer.Unsupported, "snmp-server|snmp …", "metrics are for Prometheus: docs/how-to/monitoring.md"},
		{importer.Unsupported, "rmon …", "metrics are for Prometheus: docs/how-to/monitoring.md"},
		{importer.Unsupported, "logging …", "write log: {syslog}: docs/how-to/logging.md"},
		{importer.Unsupported, "archive-log|event|kron …", "hooks tell other programs of events: docs/how-to/hooks.md"},
		{importer.Unsupported, "crypto|key|ca|pki …", "certificates and keys are named by the keys `tls`"},
		{importer.Unsupported, "l2tp-class …", "sessions are not tunneled; PPP ends here"},
		{importer.Unsupported, "vpdn|vpdn-group|vpn|pseudowire-class|bba-group|virtual-profile …",
			"sessions are not tunneled; PPP ends here"},
		{importer.Unsupported, "dial-peer|voice|voice-port|voice-card|gateway|sip-ua|telephony-service|ephone|" +
			"ephone-dn|translation-rule|num-exp|mta|fax|gatekeeper|mgcp|ccm-manager|stcapp|voip|vad|" +
			"call-manager-fallback …",
			"ringback has no calls of voice or fax"},
		{importer.Unsupported, "class-map|policy-map|queue-list|priority-list|rate-limit|time-range|object-group …",
			"packets of callers have no classes"},
		{importer.Unsupported, "sgbp|multilink-group|virtual-template …", "each call is a link of its own"},
		{importer.Unsupported,
			"tftp-server|rlogin|rsh|lat|xremote|translate|telnet|tn3270|terminal-queue|busy-message|" +
				"login-string|resume-string|pad|kerberos|tacacs-server-old …",
			"callers reach an EXEC, PPP, or a host that AAA " +
				"names"},
	} {
		all = append(all, command{mode: global, syntax: c.syntax, kind: c.kind, note: c.note})
	}
	for _, c := range []struct{ syntax, note string }{
		{"dialer …", reasonDDR}, {"exit", "the end of the block"}, {"no …", "it turns off what is not imported"},
	} {
		all = append(all, command{mode: mapMode, syntax: c.syntax, kind: importer.Unsupported, note: c.note})
	}
	return all
}

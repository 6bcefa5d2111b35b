package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each row changes base by one replacement, "" for an addition at its end, and lists all resulting problems.
func TestProblems(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		// the file
		{"", "hostnam: x\n", `ringback.yaml:7:1: hostnam: unknown key (did you mean "hostname"?)`},
		{"", "users: []\n", `ringback.yaml:7:1: users: already set on line 4 (remove one of the two)`},
		{"", "exec: {callback: on}\n",
			`ringback.yaml:7:18: exec.callback: expected true or false, got the text "on" (write true or false)`},
		{"", "exec: {idle_timeout: 25h}\n",
			`ringback.yaml:7:22: exec.idle_timeout: 25h0m0s is not between 0s and 24h0m0s`},
		{"", "exec: {hosts: {ask: true}}\n",
			`ringback.yaml:7:21: exec.hosts.ask: callers may name hosts, but no host is allowed (write allow: ["192.0.2.0/24:23"])`},
		{"", "login: {lock_time: 0s}\n", `ringback.yaml:7:20: login.lock_time: 0s is not between 1s and 24h0m0s`},
		{"", "login: {tries: 0}\n", `ringback.yaml:7:16: login.tries: 0 is not between 1 and 10`},
		{"", "log: {level: trace}\n",
			`ringback.yaml:7:14: log.level: "trace" is not "debug", "info", "warn" or "error"`},
		{"", "hostname: \"a b\"\n", `ringback.yaml:7:11: hostname: ' ' is not allowed in a host name`},
		{"", "banner: \"\\e[2J\"\n", `ringback.yaml:7:9: banner: the control character '\x1b' is not allowed here`},
		{"", "prompts: {username: \"\"}\n",
			`ringback.yaml:7:21: prompts.username: the prompt is empty`},
		{"", "state_dir:\n", `ringback.yaml:7:11: state_dir: has no value (write a value or remove the key)`},
		{"", "api: {socket: /" + strings.Repeat("x", 107) + "}\n",
			`ringback.yaml:7:15: api.socket: the path of a unix socket has 1 to 107 octets, not 108`},
		{"", "api: {group: nobody-has-this, socket: /run/s}\n", `ringback.yaml:7:14: warning: api.group: this machine has ` +
			`no group "nobody-has-this" (groupadd --system nobody-has-this; for a group of a directory service, ` +
			`write its number)`},
		{"", "api: {group: 4294967295, socket: /run/s}\n", // which chown(2) takes for no group
			`ringback.yaml:7:14: warning: api.group: this machine has no group "4294967295" ` +
				`(groupadd --system 4294967295; for a group of a directory service, write its number)`},
		{"", "api: {roles: {operate: {users: [no-such-user]}}, group: 990, socket: /run/s}\n", `ringback.yaml:7:33: ` +
			`warning: api.roles.operate.users[0]: this machine has no user "no-such-user" (correct the name; for a user ` +
			`of a directory service, write its number)`},
		{"", "api: {roles: {read: {groups: [990]}}, socket: /run/s}\n", `ringback.yaml:7:21: warning: api.roles.read: ` +
			`only root and the user running ringback can open the socket, so these roles are never used (add ` +
			`api.group: the group of all who use the socket)`},
		{"", "api: {listen: 7443}\n", `ringback.yaml:7:15: api.listen: expected text, got the number 7443 (quote ` +
			`it: "7443")`},
		{"", "api: {listen: \"127.0.0.1:0\"}\n",
			`ringback.yaml:7:15: api.listen: the port must be a number from 1 to 65535`},
		{"", "api: {listen: \"127.0.0.1:7443\", roles: {read: {certificates: [x]}}}\n", `ringback.yaml:7:15: api.listen: ` +
			`tls: set cert_file, key_file and client_ca_file: no client is served without a certificate (add api.tls: ` +
			`{cert_file: api.crt, key_file: api.key, client_ca_file: ca.crt})`},
		{"", "api: {tls: {client_ca_file: radius.secret}}\n", `ringback.yaml:7:12: warning: api.tls: certificates ` +
			`without an address for clients (add api.listen: 127.0.0.1:7443, or remove it)`},
		{"", "console: {listen: \"0.0.0.0:8443\"}\n", `ringback.yaml:7:19: console.listen: 0.0.0.0:8443 without TLS: the ` +
			`network could read passwords and give orders (add console.tls: {cert_file: page.crt, key_file: page.key}, ` +
			`or write 127.0.0.1)`},
		{"", "console: {listen: \"127.0.0.1:8443\", login: nobody}\n",
			`ringback.yaml:7:44: console.login: there is no login list "nobody" (name a list of aaa.lists.login)`},
		{"", "console: {login: default}\n", `ringback.yaml:7:10: warning: console: settings of a page that is not served ` +
			`(add console.listen: 127.0.0.1:8443, or remove it)`},
		{"", "console: {listen: \"127.0.0.1:8443\", tls: {cert_file: x}}\n", `ringback.yaml:7:42: console.tls: the page over ` +
			`TLS needs a certificate and its key (add cert_file and key_file)`},
		{"", "state_dir: /var/lib/x\napi: {group: 990, socket: /var/lib/x/run/s}\n",
			`ringback.yaml:8:14: api.group: the socket is in state_dir, which nobody but the user running ringback may ` +
				`enter (set api.socket to a directory of its own, such as /run/ringback/ringback.sock)`},
		{"", "timeouts: [\n",
			`ringback.yaml:7:1: invalid YAML: did not find expected node content (check indentation, colons and quotes on this line and the one before it; tabs are not allowed)`},
		{"", "policies_dir: nowhere\n",
			`ringback.yaml:7:15: policies_dir: nowhere: there is no such directory (restore it from a backup, mount its ` +
				`disk, or create it; without the key, the built-in policy is used if there is no policies.d)`},

		// aaa
		{"radius.secret", "nowhere.secret",
			`ringback.yaml:2:68: aaa.radius[0].secret_file: nowhere.secret: no such file or directory (the path is relative to the directory of the configuration file; create it with: (umask 077; openssl rand -base64 24 > FILE))`},
		{"radius.secret", "policies.d",
			`ringback.yaml:2:68: aaa.radius[0].secret_file: policies.d: not a regular file (a regular file that the daemon's user may read)`},
		{"radius.secret", "empty.secret",
			`ringback.yaml:2:68: aaa.radius[0].secret_file: empty.secret: the file is empty (write the secret into it)`},
		{"radius.secret", "two.secret",
			`ringback.yaml:2:68: aaa.radius[0].secret_file: two.secret: the file has more than one line, or a NUL (the secret alone, on one line)`},
		{"radius.secret", "short.secret",
			`ringback.yaml:2:68: aaa.radius[0].secret_file: the shared secret has 10 octets, but RFC 2865 requires 16 or more (make one: openssl rand -base64 24; or set insecure: true)`},
		{"radius.secret", "short.secret, insecure: true",
			`ringback.yaml:2:68: warning: aaa.radius[0].secret_file: the shared secret has 10 octets; under 24 it can be guessed from one packet (make one: openssl rand -base64 24)`},
		{"radius.secret", "sixteen.secret",
			`ringback.yaml:2:68: warning: aaa.radius[0].secret_file: the shared secret has 16 octets; under 24 it can be guessed from one packet (make one: openssl rand -base64 24)`},
		{"radius.secret", "loose.secret",
			`ringback.yaml:2:68: warning: aaa.radius[0].secret_file: loose.secret: users other than the owner have access to the file (mode 0644) (chmod 600 loose.secret)`},
		{", secret_file: radius.secret", "",
			`ringback.yaml:2:12: aaa.radius[0].secret_file: is required (write secret_file: radius.secret)`},
		{"secret_file: radius.secret", "secret: hunter2",
			"ringback.yaml:2:12: aaa.radius[0].secret_file: is required (write secret_file: radius.secret)\n" +
				`ringback.yaml:2:55: aaa.radius[0].secret: unknown key (valid keys: accounting, address, class_groups, dialects, insecure, message_authenticator, name, retries, secret_file, several_numbers, source, status_server, timeout, tls, transport)`},
		{`"127.0.0.1:1812"`, `"127.0.0.1:70000"`,
			`ringback.yaml:2:37: aaa.radius[0].address: "70000" is not a port number (1 to 65535)`},
		{"", "login: {timeout: 10s}\n",
			`ringback.yaml:2:12: warning: aaa.radius[0]: while primary is silent login.timeout (10s) expires before the next server or method is tried (14s) (fewer retries, a shorter timeout, or a longer login.timeout)`},
		{"radius.secret}", "radius.secret, source: '::1'}",
			`ringback.yaml:2:12: aaa.radius[0]: radius server primary: source ::1 cannot reach address 127.0.0.1: one is IPv4, the other IPv6`},
		{"radius.secret}", "radius.secret, source: here}",
			`ringback.yaml:2:12: aaa.radius[0]: radius server primary: source "here": expected IP or IP:port`},
		{"radius.secret}", "radius.secret, message_authenticator: off}",
			`ringback.yaml:2:106: warning: aaa.radius[0].message_authenticator: replies of primary can be forged by an on-path attacker (CVE-2024-3596) (update the server, then write require)`},
		{"radius.secret}", "radius.secret}, {name: primary, address: a, secret_file: radius.secret}",
			`ringback.yaml:2:91: aaa.radius[1].name: server "primary" is already on line 2 (give it another name)`},
		{"[radius, local]", "[raduis, local]",
			`ringback.yaml:3:29: aaa.lists.login.default[0]: unknown method "raduis" (did you mean "radius"?)`},
		{"[radius, local]", "[tacacs, local]",
			`ringback.yaml:3:29: aaa.lists.login.default[0]: there is no TACACS+ server (add a server to aaa.tacacs)`},
		{"[radius, local]", "[local, local]",
			`ringback.yaml:3:36: aaa.lists.login.default[1]: method "local" is in the list twice (remove one of the two)`},
		{"[radius, local]", "[]",
			`ringback.yaml:3:28: aaa.lists.login.default: the list is empty: every login would be rejected (write [radius, local])`},
		{"[radius, local]", "radius",
			`ringback.yaml:3:28: aaa.lists.login.default: expected a list, got the text "radius" (write [radius])`},
		{"[radius, local]", "[radius, none]",
			`ringback.yaml:3:37: warning: aaa.lists.login.default[1]: admits every user whenever the methods before it are silent (remove it, unless this is intended)`},
		{"[radius, local]", "[local, radius]",
			`ringback.yaml:3:36: warning: aaa.lists.login.default[1]: unreachable: "local" always answers, so later methods are never tried (write it before local)`},
		{"[radius, local]}", "[radius, local]}, exec: {default: [radius, if-authenticated]}",
			`ringback.yaml:3:71: warning: aaa.lists.exec.default[1]: admits users without the required callback whenever the methods before it are silent (remove it, unless this is intended)`},
		{"[radius, local]}", "[radius, local]}, exec: {default: [if-authenticated]}, commands: {default: [none]}", ""},
		{`[{name: primary, address: "127.0.0.1:1812", secret_file: radius.secret}]`, "[]",
			`ringback.yaml:3:29: aaa.lists.login.default[0]: there is no RADIUS server (add a server to aaa.radius)`},

		{"  lists:", "  tacacs: [{name: t, address: t, tls: {server_name: t}}]\n  lists:",
			`ringback.yaml:3:39: warning: aaa.tacacs[0].tls: tacacs server t: no tls.cert_file: servers that follow RFC 9887 §3.4 require a client certificate`},
		{"secret_file: radius.secret}", "transport: tls, tls: {server_name: t}}",
			`ringback.yaml:2:76: warning: aaa.radius[0].tls: radius server primary: no cert_file and key_file: most servers require a client certificate (RFC 6614 §2.3)`},
		{"radius.secret}", "radius.secret, tls: {ca_file: ca.pem}}",
			`ringback.yaml:2:88: aaa.radius[0].tls: only valid with transport: tls (write transport: tls, or remove it)`},
		{"secret_file: radius.secret}", "transport: tls, tls: {ca_file: nowhere.pem}}",
			`ringback.yaml:2:86: aaa.radius[0].tls.ca_file: nowhere.pem: no such file or directory (the path is relative to the directory of the configuration file)`},
		{"secret_file: radius.secret}", "transport: tls, tls: {ca_file: radius.secret}}",
			`ringback.yaml:2:86: aaa.radius[0].tls.ca_file: radius.secret: there is no certificate in it (certificates in PEM: -----BEGIN CERTIFICATE-----)`},
		{"secret_file: radius.secret}", "transport: tls, tls: {cert_file: radius.secret}}",
			`ringback.yaml:2:88: aaa.radius[0].tls.cert_file: a certificate without its key (add key_file)`},
		{"  lists:", "  tacacs: [{name: t, address: t}]\n  lists:",
			`ringback.yaml:3:12: aaa.tacacs[0]: neither a key nor tls: anyone on the path could read the traffic (write secret_file: tacacs.secret)`},
		{"  lists:", "  tacacs: [{name: t, address: t, secret_file: short.secret}]\n  lists:",
			`ringback.yaml:3:47: aaa.tacacs[0].secret_file: the shared secret has 10 octets, but RFC 8907 requires 16 or more (make one: openssl rand -base64 24; or set insecure: true)`},
		{"  lists:", "  tacacs: [{name: primary, address: t, secret_file: radius.secret}]\n  lists:",
			`ringback.yaml:3:19: aaa.tacacs[0].name: server "primary" is already on line 2 (give it another name)`},
		{"secret_file: radius.secret}", "transport: tls}",
			`ringback.yaml:2:12: warning: aaa.radius[0]: radius server primary: no cert_file and key_file: most servers require a client certificate (RFC 6614 §2.3)`},
		{"secret_file: radius.secret}", "transport: tls, tls: yes}",
			`ringback.yaml:2:76: aaa.radius[0].tls: expected keys, got the text "yes" (valid keys: ca_file, cert_file, key_file, min_version, radius11, server_name)`},
		{"  lists:", "  groups: [{name: g, servers: [primary, primary]}]\n  lists:",
			`ringback.yaml:3:41: aaa.groups[0].servers[1]: server "primary" is in the group twice (remove one of the two)`},
		{"  lists:", "  dynamic_author: {listen: 127.0.0.1, clients: [{source: 10.0.0.1, secret_file: " +
			"radius.secret}, {source: 10.0.0.1, secret_file: radius.secret}]}\n  lists:",
			`ringback.yaml:3:106: aaa.dynamic_author.clients[1].source: 10.0.0.1/32 is listed twice (keep one of them)`},
		{"  lists:", "  groups: [{name: local, servers: [primary]}]\n  lists:",
			`ringback.yaml:3:19: aaa.groups[0].name: "local" is a method already (give it another name)`},
		{"  lists:", "  groups: [{name: 'x y', servers: [primary]}]\n  lists:",
			`ringback.yaml:3:19: aaa.groups[0].name: must be a plain word of up to 64 characters`},
		{"  lists:", "  groups: [{name: g, servers: [primry]}]\n  lists:",
			`ringback.yaml:3:32: aaa.groups[0].servers[0]: there is no server "primry" (did you mean "primary"?)`},
		{"  lists:", "  tacacs: [{name: t, address: t, secret_file: radius.secret}]\n  groups: [{name: g, servers: " +
			"[primary, t]}]\n  lists:",
			`ringback.yaml:4:41: aaa.groups[0].servers[1]: server "t" uses tacacs, but those before it use radius (make a group for each protocol)`},
		{"[radius, local]", "[radius, enable]",
			`ringback.yaml:3:37: aaa.lists.login.default[1]: method "enable" is not valid in a list of login (valid: radius, tacacs, local, none)`},
		{"[radius, local]}", "[radius, local]}, commands: {default: [radius]}",
			`ringback.yaml:3:67: aaa.lists.commands.default[0]: method "radius" is not valid in a list of commands (valid: tacacs, local, none, if-authenticated)`},
		{"[radius, local]}", "[radius, local]}, enable: {default: [enable]}",
			`ringback.yaml:3:65: aaa.lists.enable.default[0]: there is no enable password (write enable: {password_hash: …})`},
		{"[radius, local]}", "[radius, local]}, accounting: {default: {record: start-stop, methods: [radius]}}",
			`ringback.yaml:3:99: aaa.lists.accounting.default.methods[0]: no server of radius has an accounting address (give a server accounting: HOST:1813)`},
		{"[radius, local]}", "[radius, local]}, accounting: {default: {record: stop-only}}",
			`ringback.yaml:3:68: aaa.lists.accounting.default: no method receives the records (write methods: [radius])`},
		{"[radius, local]}", "[radius, local]}, accounting: {default: {record: none, commands: true}}",
			`ringback.yaml:3:93: aaa.lists.accounting.default.commands: commands are accounted via TACACS+, but none of the methods uses it (write methods: [tacacs])`},
		{"  lists:", "  call_check: {method: local}\n  lists:",
			`ringback.yaml:3:24: aaa.call_check.method: "local" is not a RADIUS method, and TACACS+ has no Call-Check (write radius, or a group of RADIUS servers)`},
		{"  lists:", "  dynamic_author: {listen: 127.0.0.1, clients: [{source: 10.0.0.1/8, secret_file: " +
			"radius.secret}]}\n  lists:",
			`ringback.yaml:3:58: aaa.dynamic_author.clients[0].source: "10.0.0.1/8" has host bits set: write 10.0.0.0/8`},
		{"  lists:", "  dynamic_author: {listen: 127.0.0.1, clients: [{source: 0.0.0.0/0, secret_file: " +
			"radius.secret}]}\n  lists:",
			`ringback.yaml:3:58: warning: aaa.dynamic_author.clients[0].source: any host that knows the secret may end sessions (write the address of your server)`},
		{"tty: 1,", "tty: 1, call_check: true,",
			`ringback.yaml:6:30: lines[0].call_check: call_check needs aaa.call_check.method (write aaa: {call_check: {method: radius}})
ringback.yaml:6:30: lines[0].call_check: call_check needs modem signals or insecure_signals: on the port of tty 1 a caller can write any number (use a serial or rfc2217 port, or accept the risk with insecure_signals: true)`},
		{"tty: 1,", "tty: 1, exec: staff,",
			`ringback.yaml:6:24: lines[0].exec: there is no exec method list "staff" (write it into aaa.lists.exec)`},
		{"", "enable: {}\n", `ringback.yaml:7:9: enable: there is no password (add password_file: or password_hash:)`},

		// users
		{"kim.password", "radius.secret, password_hash: x",
			`ringback.yaml:4:66: users[0].password_hash: a password file and a password hash (remove one of the two)`},
		{", password_file: kim.password", "",
			`ringback.yaml:4:9: users[0]: user "kim" has no password (add password_file: or password_hash:)`},
		{"password_file: kim.password", "password: pw",
			"ringback.yaml:4:21: users[0].password: unknown key (valid keys: callback, dial_out, groups, name, " +
				"password_file, password_hash, priv_lvl, services)"},
		{"password_file: kim.password", "password_hash: \"$2b$hunter2\"",
			`ringback.yaml:4:36: users[0].password_hash: HASH`},
		{"name: kim", "name: \" kim\"", `ringback.yaml:4:16: users[0].name: user name begins or ends with a space`},
		{"kim.password}", "kim.password}, {name: kim, password_file: kim.password}",
			`ringback.yaml:4:58: users[1].name: user "kim" is already on line 4 (remove one of the two, or give ` +
				"each `services` of its own)"},
		{"kim.password}", "kim.password, services: [ppp]}, {name: kim, password_file: kim.password, services: [exec, " +
			"ppp]}",
			`ringback.yaml:4:75: users[1].name: user "kim" is already on line 4 (remove one of the two, or give ` +
				"each `services` of its own)"},
		{"kim.password}", "kim.password, callback: {}}",
			`ringback.yaml:4:60: users[0].callback: the callback has no number (add numbers: ["84001"], place: ` +
				`NAME, or dialstring: "" to ask the caller)`},
		{"kim.password}", "kim.password, callback: {place: paris}}",
			`ringback.yaml:4:68: users[0].callback.place: "paris" is not a known place (add it to places)`},
		{"kim.password}", `kim.password, callback: {place: paris, dialstring: ""}}`,
			`ringback.yaml:4:68: users[0].callback.place: both a place and a number (remove one of the two)`},
		{"kim.password}", "kim.password, services: [shell]}",
			`ringback.yaml:4:61: users[0].services[0]: "shell" is not "exec" or "ppp"`},
		{"kim.password}", `kim.password, callback: {numbers: ["84001", "911"]}}`,
			`ringback.yaml:4:80: users[0].callback.numbers[1]: an emergency number ("911*") is never dialed ` +
				`(numbers.emergency has the patterns)`},
		{"kim.password}", `kim.password, callback: {numbers: ["84001", ""]}}`,
			`ringback.yaml:4:80: users[0].callback.numbers[1]: is empty`},
		{"kim.password}", `kim.password, callback: {dialstring: "84001", numbers: ["84002"]}}`,
			`ringback.yaml:4:91: users[0].callback.numbers: both dialstring and numbers (write all numbers there, ` +
				`and remove dialstring)`},
		{"kim.password}", `kim.password, callback: {numbers: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12"]}}`,
			`ringback.yaml:4:9: users[0]: local user "kim": callback: 11 numbers; the maximum is 10`},
		{"kim.password}", "kim.password, callback: {dialstring: 84001}}",
			`ringback.yaml:4:73: users[0].callback.dialstring: expected text, got the number 84001 (quote it: "84001")`},
		{"kim.password}", `kim.password, callback: {dialstring: "5551234;ATH"}}`,
			`ringback.yaml:4:73: users[0].callback.dialstring: ';' at position 8 of the dial string is not a digit`},
		{"kim.password}", `kim.password, callback: {dialstring: "911"}}`,
			`ringback.yaml:4:73: users[0].callback.dialstring: an emergency number ("911*") is never dialed (numbers.emergency has the patterns)`},
		{"kim.password}", `kim.password, callback: {dialstring: "84001", line: 3}}`,
			`ringback.yaml:4:88: users[0].callback.line: there is no line tty 3 that dials (see the key lines)`},
		{"kim.password}", `kim.password, callback: {dialstring: "84001", line: tty 1 3}}`,
			`ringback.yaml:4:88: users[0].callback.line: there is no line tty 3 that dials (see the key lines)`},
		{"kim.password}", `kim.password, callback: {dialstring: "84001", line: aux 0}}`,
			`ringback.yaml:4:88: users[0].callback.line: "aux 0" is not a line from 1 to 99999, or a range such as 65-70`},
		{"kim.password}", `kim.password, callback: {dialstring: "84001", rotary: 2}}`,
			`ringback.yaml:4:90: users[0].callback.rotary: no line of rotary 2 dials (see the key lines)`},
		{"kim.password}", `kim.password, callback: {dialstring: ""}}`,
			`ringback.yaml:4:60: warning: users[0].callback: user "kim" will be rejected: AAA lets the caller choose the number, but group default does not (set numbers: {from: [aaa, caller], allow: ["84*"]} in the group's policy file)`},
		{"kim.password}", `kim.password, callback: {dialstring: "84001", no_verify: true}}`,
			`ringback.yaml:4:93: warning: users[0].callback.no_verify: user "kim" must still log in again: group default does not allow no_verify (set no_verify: allow in its policy file)`},

		// numbers and places
		{"", "numbers: {own: [\"84*\"]}\nplaces: [{name: paris, number: \"84001\"}]\n",
			`ringback.yaml:8:32: places[0].number: an own number ("84*") is never dialed (numbers.own has the patterns)`},
		{"", "numbers: {area: \"1\"}\n",
			`ringback.yaml:7:17: numbers.area: requires numbers.country (write country: "33")`},
		{"", "numbers: {country: FR, digits: [9], international: [\"00\"]}\n",
			`ringback.yaml:7:20: numbers.country: "FR" is not a country code (write the digits, as "33" or "1")`},
		{"", "numbers: {country: \"33\", international: [\"00\"]}\n",
			`ringback.yaml:7:20: numbers.country: the length of a number in the country is missing (write digits: [9])`},
		{"", "numbers: {country: \"33\", digits: [9]}\n",
			`ringback.yaml:7:20: numbers.country: the international prefix is missing (write international: ["00"])`},
		{"", "numbers: {country: \"33\", digits: [9], international: [\"0\"], national: [\"0\"]}\n",
			`ringback.yaml:7:54: numbers.international: "0" is not an international prefix (write digits that are no national prefix)`},
		{"", "numbers: {emergency: [\"9x\"]}\n",
			`ringback.yaml:7:23: numbers.emergency[0]: 'x' at position 2 is neither a digit nor a * at the end`},
		{"", "numbers: {emergency: []}\n",
			`ringback.yaml:7:22: warning: numbers.emergency: no emergency number is denied (remove the key for the built-in patterns)`},
		{"", "numbers: {trunk_prefixes: [\"9\"]}\n",
			`ringback.yaml:7:28: warning: numbers.trunk_prefixes[0]: a prefix of digits only is also removed from numbers that merely begin with it (write "9," if AAA sends a comma)`},
		{"", "places: [{name: paris, number: \"84W1\"}]\n",
			`ringback.yaml:7:32: places[0].number: 'W' at position 3 of the dial string is not a digit (put pauses and prefixes in the dial template of the chat script; list a prefix that AAA sends in numbers.trunk_prefixes)`},
		{"", "places: [{name: a, number: \"1\"}, {name: a, number: \"2\"}]\n",
			`ringback.yaml:7:41: places[1].name: place "a" is already on line 7 (remove one of the two)`},

		// trunks
		{"", "trunks: [{name: a, template: \"9,{number}\"}, {name: a, template: \"{number}\"}]\n",
			`ringback.yaml:7:52: trunks[1].name: trunk "a" is already on line 7 (give it another name)`},
		{"", "trunks: [{name: a, template: \"9,{national}\"}]\n",
			`ringback.yaml:7:30: trunks[0].template: requires numbers.country (write numbers: {country: "33"}, or use {number})`},
		{"", "trunks: [{name: a, template: \"{number};ATH\"}]\n",
			`ringback.yaml:7:30: trunks[0].template: the template has ";" (it may have one number in braces, digits, * # A B C D, and the pauses and signals , W @ !)`},
		{"", "trunks: [{name: a, template: \"0,112{number}\"}]\n",
			`ringback.yaml:7:30: trunks[0].template: what precedes the number begins as the emergency number "112*" (put only the digits of an outside line or a carrier there, and a pause (,) behind them)`},
		{"", "trunks: [{name: a, template: \"9,9{extension}\"}]\n" +
			"numbers: {country: \"33\", digits: [9], international: [\"00\"], private: [\"84*\", \"11\"]}\n",
			`ringback.yaml:7:30: warning: trunks[0].template: extension 11 is never dialed: with the digits that the template or the chat script adds, 11 may be the emergency number "911*" (leave the extension out with numbers, or correct the template)`},
		{"", "trunks: [{name: a, template: \"{number}\", lines: [9]}]\n",
			`ringback.yaml:7:50: trunks[0].lines[0]: there is no line 9 (write the tty of a line)`},
		{"", "trunks: [{name: a, template: \"{number}\", rotary: 7}]\n",
			`ringback.yaml:7:50: trunks[0].rotary: no line of rotary 7 dials (write the rotary of a line)`},
		{"", "trunks: [{name: a, template: \"{number}\", tariff: none.csv}]\n",
			`ringback.yaml:7:50: trunks[0].tariff: none.csv: no such file or directory (the path is relative to the directory of the configuration file)`},

		// rotaries
		{"", "rotaries: {1: {hunt: random}}\n",
			`ringback.yaml:7:22: rotaries.1.hunt: "random" is not "linear", "round_robin" or "least_used"`},
		{"", "rotaries: {101: {hunt: linear}}\n",
			`ringback.yaml:7:12: rotaries.101: a rotary has a number from 0 to 100`},
		{"", "rotaries: {01: {hunt: linear}}\n",
			`ringback.yaml:7:12: rotaries.01: a rotary has a number from 0 to 100`},
		{"", "rotaries: {2: {hunt: linear}}\n",
			`ringback.yaml:7:15: warning: rotaries.2: no line of rotary 2 dials (see the key lines)`},

		// chat scripts
		{"name: nodial", "name: rtp",
			`ringback.yaml:5:68: chat_scripts[1].name: chat script "rtp" is already on line 5 (give it another name)`},
		{`CONNECT'}`, `CONNECT \c ogin: guest ssword: pw'}`,
			`ringback.yaml:5:36: warning: chat_scripts[0].script: chat script "rtp" continues after CONNECT: it waits for "ogin:", like a script that logs in to a host (end it with CONNECT \c: the user that is called back logs in to ringback; the rest belongs into scripts: {system})`},
		{`script: '"" "ATDT`, `script: 'chat-script rtp "" "ATDT`,
			`ringback.yaml:5:36: chat_scripts[0].script: SYNTAX`},
		{`CONNECT'}`, `TIMEOUT x'}`, `ringback.yaml:5:36: chat_scripts[0].script: SYNTAX`},
		{"tty: 1,", "tty: 1, scripts: {callback: rpt},",
			`ringback.yaml:6:38: lines[0].scripts.callback: no matching chat script found for "rpt" (defined: rtp, nodial, exec-callback, ppp-callback, offhook)`},
		{"tty: 1,", "tty: 1, scripts: {callback: nodial},",
			`ringback.yaml:6:38: lines[0].scripts.callback: chat script nodial sends no \T, so it dials no number (it needs "ATDT \T")`},
		{"tty: 1,", "tty: 1, scripts: {modem_off_hook: rtp},",
			`ringback.yaml:6:44: lines[0].scripts.modem_off_hook: chat script rtp sends \T, so it dials, but a modem_off_hook script must not (only callback scripts may dial: each dial is counted)`},
		{"tty: 1,", `tty: 1, scripts: {startup: none},`,
			`ringback.yaml:6:37: lines[0].scripts.startup: no matching chat script found for "none" (defined: rtp, nodial, exec-callback, ppp-callback, offhook)`},
		{"tty: 1,", `tty: 1, scripts: {connection: offhook},`,
			`ringback.yaml:6:28: lines[0].scripts.connection: no connection from the network (reverse Telnet) can be made to a line, so nothing would start the script (remove it)`},
		{`{name: nodial, script: '"" "AT" OK'}]
lines: [{tty: 1,`, `{name: nodial, script: '"" AT\c "" ZDT911'}]
lines: [{tty: 1, scripts: {startup: nodial},`,
			`ringback.yaml:6:37: lines[0].scripts.startup: chat script nodial dials with "ATZDT911", but a startup script must not (only callback scripts may dial: each dial is counted)`},
		{`{name: nodial, script: '"" "AT" OK'}]
lines: [{tty: 1,`, `{name: nodial, script: '"" "data at 4d" ssword: pw'}]
lines: [{tty: 1, scripts: {activation: nodial},`, ``},
		{"tty: 1,", `tty: 1, modem: callin, scripts: {system: nodial},`,
			`ringback.yaml:6:51: lines[0].scripts.system: a callin line answers only and never dials (set modem: inout, or remove the script)`},
		{"tty: 1,", `tty: 1, modem: callout, scripts: {activation: nodial},`,
			`ringback.yaml:6:56: lines[0].scripts.activation: a callout line dials only and never answers (set modem: inout, or remove the script)`},
		{"tty: 1,", `tty: 1, scripts: {reset: rtp},`,
			`ringback.yaml:6:35: lines[0].scripts.reset: chat script rtp sends \T, so it dials, but a reset script must not (only callback scripts may dial: each dial is counted)`},
		{"tty: 1,", "tty: 1, scripts: {callback: '('},",
			"ringback.yaml:6:38: lines[0].scripts.callback: not a regular expression: error parsing regexp: missing " +
				"closing ): `(`"},

		// lines
		{"tty: 1,", "tty: 0,",
			`ringback.yaml:6:15: lines[0].tty: "0" is not a TTY number: 1 to 99999, or a range such as 65-70`},
		{"tty: 1,", "tty: 5-3,", `ringback.yaml:6:15: lines[0].tty: the range 5-3 ends before it begins`},
		{"tty: 1,", "tty: 1-99999,", `ringback.yaml:6:15: lines[0].tty: the range has 99999 lines; the maximum is 10000`},
		{"tty: 1,", "tty: 2,",
			`ringback.yaml:6:66: lines[1].tty: tty 2 is already on line 6 (give each line a number of its own)`},
		{"tty: 1,", "tty: 3-4,",
			`ringback.yaml:6:26: lines[0].port: tty 4 has the port of tty 3 (line 6): tcp://127.0.0.1:7001 (in a range write a template: "tcp://127.0.0.1:{7000+n}")`},
		{":7001", ":7002",
			`ringback.yaml:6:75: lines[1].port: tty 2 has the port of tty 1 (line 6): tcp://127.0.0.1:7002 (each line needs a port of its own)`},
		{":7001", ":{tyt}",
			`ringback.yaml:6:24: lines[0].port: "{tyt}" is not a placeholder: use {tty}, {n} (from 0), {7000+n} or {7000+tty}`},
		{"tcp://127.0.0.1:7001", "/dev/ttyS0",
			`ringback.yaml:6:24: lines[0].port: port "/dev/ttyS0": not a URL: did you mean serial:///dev/ttyS0?`},
		{"tcp://127.0.0.1:7001\"", "serial:///dev/ttyS0?flow=none\", flow_control: hardware",
			`ringback.yaml:6:24: lines[0].port: the URL has flow=none, but flow_control is hardware (set only one)`},
		{"tty: 1,", "tty: 1, tls: {server_name: c},",
			`ringback.yaml:6:23: lines[0].tls: only valid for a port over TLS, not for tcp://127.0.0.1:7001 (write rfc2217s:// or tcps://, or remove it)`},
		{"tty: 1, port: \"tcp:", "tty: 1, tls: {insecure: true}, port: \"tcps:",
			`ringback.yaml:6:34: warning: lines[0].tls.insecure: the server's certificate is not checked: anyone on the path can read and change what the line carries (name the authority of the server's certificate in ca_file)`},
		{"tty: 1, port: \"tcp:", "tty: 1, tls: {ca_file: nowhere.pem}, port: \"tcps:",
			`ringback.yaml:6:33: lines[0].tls.ca_file: nowhere.pem: no such file or directory (the path is relative to the directory of the configuration file)`},
		{"tty: 1, port: \"tcp:", "tty: 1, tls: {cert_file: radius.secret}, port: \"tcps:",
			`ringback.yaml:6:35: lines[0].tls.cert_file: a certificate without its key (add key_file)`},
		{"tcp://127.0.0.1:7001\"", "serial:///dev/ttyS0?format=7e1\", flow_control: software", ""},
		{"tcp://127.0.0.1:7001\"", "serial:///dev/ttyS0\", speed: auto", ""},
		{"tcp://127.0.0.1:7001\"", "rfc2217://127.0.0.1:7001?speed=19200\", speed: auto", ""},
		{"tcp://127.0.0.1:7001\"", "tcp://127.0.0.1:7001\", speed: auto",
			`ringback.yaml:6:55: lines[0].speed: auto needs a port whose speed can be set, and tcp://127.0.0.1:7001 has none (use a serial or rfc2217 port)`},
		{"tcp://127.0.0.1:7001\"", "rfc2217://127.0.0.1:7001\", speed: auto",
			`ringback.yaml:6:59: lines[0].speed: auto needs the speed at which the modem takes commands (add ?speed=115200 to port)`},
		{"tcp://127.0.0.1:7001\"", "serial:///dev/ttyS0?format=7e1\", speed: auto",
			`ringback.yaml:6:65: lines[0].speed: auto needs the format 8n1; RETURN of callers with another one is found too (remove format from port)`},
		{"tcp://127.0.0.1:7001\"", "serial:///dev/ttyS0\", speed: 2400",
			`ringback.yaml:6:54: lines[0].speed: "2400" is not "fixed" or "auto"`},
		{"tty: 1,", "tty: 1, rotray: 1,", `ringback.yaml:6:18: lines[0].rotray: unknown key (did you mean "rotary"?)`},
		{"rotary: 1}", "rotary: 101}", `ringback.yaml:6:56: lines[0].rotary: 101 is not between 0 and 100`},
		{"tty: 1,", "tty: 1, modem: in-out,",
			`ringback.yaml:6:25: lines[0].modem: "in-out" is not "inout", "callin" or "callout" (did you mean "inout"?)`},
		{"tty: 1,", "tty: 1, modem: callin, scripts: {callback: rtp},",
			`ringback.yaml:6:53: lines[0].scripts.callback: a callin line answers only and never dials (set modem: inout, or remove the script)`},
		{"tty: 1,", "tty: 1, login: defualt,",
			`ringback.yaml:6:25: lines[0].login: there is no login method list "defualt" (did you mean "default"?)`},
		{"{default:", "{other:", "ringback.yaml:6:9: lines[0]: there is no login method list \"default\" (write aaa: " +
			"{lists: {login: {default: [local]}}})\n" +
			`ringback.yaml:6:60: lines[1]: there is no login method list "default" (write aaa: {lists: {login: {default: [local]}}})`},
		{"tty: 1,", `tty: 1, result_codes: {RRING: BUZY},`,
			`ringback.yaml:6:40: lines[0].result_codes.RRING: "BUZY" is not "BUSY", "NO ANSWER", "NO CARRIER", "NO DIALTONE", "RING", "VOICE", "FAX", "BLACKLISTED", "DELAYED", "ERROR", "OK", "CONNECT", "voice ring" or "progress" (did you mean "BUSY"?)`},
		{"tty: 1,", `tty: 1, result_codes: {ok: BUSY},`,
			`ringback.yaml:6:33: lines[0].result_codes.ok: OK has a fixed meaning`},
		{"tty: 1,", `tty: 1, result_codes: {"CONNECT FAX": VOICE},`,
			`ringback.yaml:6:33: lines[0].result_codes."CONNECT FAX": a text that begins with CONNECT (a connection) or AT (an echoed command) cannot be given a meaning`},
		{"tty: 1,", `tty: 1, result_codes: {12: BUSY},`,
			`ringback.yaml:6:33: lines[0].result_codes.12: a number is a numeric result code (ATV0) or the answer to a query`},
		{"tty: 1,", `tty: 1, result_codes: {"A\rB": BUSY},`,
			`ringback.yaml:6:33: lines[0].result_codes."A\rB": a modem text must be printable ASCII`},
		{"tty: 1,", `tty: 1, result_codes: {RRING: RING, rring: progress},`,
			`ringback.yaml:6:53: lines[0].result_codes.rring: "rring" has two meanings: upper and lower case are the same (remove one of the two)`},
		{"tty: 1,", `tty: 1, result_codes: [RRING],`,
			`ringback.yaml:6:32: lines[0].result_codes: expected names, got a list (name: BUSY)`},
		{"tty: 1,", "tty: 1, init: \"AT\\rATD911\",",
			`ringback.yaml:6:24: lines[0].init: a modem command must be printable ASCII`},
		{"tty: 1,", "tty: 1, init: ATZDT911,",
			`ringback.yaml:6:24: lines[0].init: the command dials: only chat scripts may dial`},
		{"tty: 1,", "tty: 1, init: ate0s0=0 &c1&d2x4 d t 911,",
			`ringback.yaml:6:24: lines[0].init: the command dials: only chat scripts may dial`},
		{"tty: 1,", "tty: 1, init: AT&F+VCID=1;D911,",
			`ringback.yaml:6:24: lines[0].init: the command dials: only chat scripts may dial`},
		{"tty: 1,", "tty: 1, init: ATE0A/,",
			`ringback.yaml:6:24: lines[0].init: the command dials: only chat scripts may dial`},
		{"tty: 1,", "tty: 1, init: AT&F1A,",
			`ringback.yaml:6:24: lines[0].init: A answers a call: remove it (the driver answers)`},
		{"tty: 1,", "tty: 1, init: AT&C1&F,",
			`ringback.yaml:6:24: lines[0].init: &F undoes what is before it: write it first (AT&F&C1)`},
		{"tty: 1,", "tty: 1, init: ATS5=38,",
			`ringback.yaml:6:24: lines[0].init: S3, S4 and S5 must stay as they are: they have the characters that end and correct a command line, and with others a modem may dial by a line that is none here (remove the register)`},
		{"tty: 1,", "tty: 1, proof_registers: [18],",
			`ringback.yaml:6:35: lines[0].proof_registers: one register can be guessed: name at least 2`},
		{"tty: 1,", "tty: 1, result_codes: {VOICE: CONNECT},",
			`ringback.yaml:6:40: lines[0].result_codes.VOICE: VOICE is the end of a call or of a dial (VOICE), not CONNECT`},
		{"tty: 1,", "tty: 1, callback: {forced_wait: 5},",
			`ringback.yaml:6:42: lines[0].callback.forced_wait: expected a duration, got the number 5 (add the unit: 5s)`},
		{"tty: 1,", "tty: 1, timing: {anwser: 5s},",
			`ringback.yaml:6:27: lines[0].timing.anwser: unknown key (did you mean "answer"?)`},
		{"rotary: 1}]", "rotary: 2}]",
			"ringback.yaml:6:15: warning: lines[0].tty: callers on tty 1 are called back by the same line: a caller " +
				"that never hangs up can wait for the dial (give it a rotary with another line that dials)\n" +
				"ringback.yaml:6:66: warning: lines[1].tty: callers on tty 2 are called back by the same line: a " +
				"caller " +
				"that never hangs up can wait for the dial (give it a rotary with another line that dials)"},
		{"rotary: 1}]", "rotary: 2, modem: callin}]",
			"ringback.yaml:6:15: warning: lines[0].tty: callers on tty 1 are called back by the same line: a caller " +
				"that never hangs up can wait for the dial (give it a rotary with another line that dials)\n" +
				"ringback.yaml:6:66: warning: lines[1].tty: callers on tty 2 cannot be called back: it answers " +
				"only, and " +
				"no line of its rotary dials (give it a rotary with an inout or callout line)"},
	} {
		text := base + tt.new
		if tt.old != "" {
			if !strings.Contains(base, tt.old) {
				t.Fatalf("no %q in base", tt.old)
			}
			text = strings.Replace(base, tt.old, tt.new, 1)
		}
		c, got, _ := loadText(t, text, nil)
		// the wording of other packages is tested there
		want := tt.want
		if prefix, cut := strings.CutSuffix(want, "HASH"); cut {
			want = prefix + strings.TrimPrefix(got, prefix)
			if !strings.HasPrefix(got, prefix+"password hash: ") || strings.Contains(got, "hunter2") {
				t.Errorf("%s", got)
			}
		} else if prefix, cut := strings.CutSuffix(want, "SYNTAX"); cut {
			want = prefix + strings.TrimPrefix(got, prefix)
			if !strings.HasPrefix(got, prefix+"chat script rtp: ") {
				t.Errorf("%s", got)
			}
		}
		if got != want {
			t.Errorf("%q for %q:\ngot  %s\nwant %s", tt.new, tt.old, got, want)
		}
		if (c != nil) != allWarnings(got) {
			t.Errorf("%q for %q: Config %v with %s", tt.new, tt.old, c != nil, got)
		}
	}
}

func allWarnings(s string) bool {
	for _, line := range strings.Split(s, "\n") {
		if line != "" && !strings.Contains(line, ": warning: ") {
			return false
		}
	}
	return true
}

// The problems of all files are reported together.
func TestAllAtOnce(t *testing.T) {
	dir := samples(t)
	if err := os.WriteFile(filepath.Join(dir, "policies.d", "bad.yaml"), []byte("group: bad\ncallbak: off\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	text := "hostnam: x\nexec: {callback: 3}\nusers: [{name: kim}, {name: \"a b \"}]\nchat_scripts: [{name: a, " +
		"script: TIMEOUT}]\nlines: [{tty: 1}, {tty: 2, port: x}, {tty: 2, port: y}, {port: z}]\n"
	if err := os.WriteFile(filepath.Join(dir, "bad.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(filepath.Join(dir, "bad.yaml"), Overrides{"log.level": "loud", "no.such": "x"})
	if c != nil {
		t.Error("a Config despite errors")
	}
	all := problems.String()
	for _, want := range []string{"bad.yaml:1:1: hostnam: ", "bad.yaml:2:18: exec.callback: ",
		"bad.yaml:3:9: users[0]: ", "bad.yaml:4:34: chat_scripts[0].script: ",
		"bad.yaml:5:9: lines[0].port: is required", "bad.yaml:5:34: lines[1].port: ",
		"bad.yaml:3:29: users[1].name: user name ", "bad.yaml:5:44: lines[2].tty: tty 2 is already",
		"bad.yaml:5:53: lines[2].port: ", "bad.yaml:5:64: lines[3].port: ", "policies.d/bad.yaml:2:1: callbak: ",
		"command line: log.level: ", "command line: no.such: "} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

func TestNoFile(t *testing.T) {
	_, problems := Load("/no/such/ringback.yaml", nil)
	if got := problems.String(); got != "/no/such/ringback.yaml: no such file or directory (name the file with -c "+
		"FILE; may this user read it?)" {
		t.Error(got)
	}
	if _, problems = Load(t.TempDir(), nil); !strings.Contains(problems.String(), "not a regular file") {
		t.Error(problems)
	}
}

func TestWritableFile(t *testing.T) {
	dir := samples(t)
	path := filepath.Join(dir, "full.yaml")
	if err := os.Chmod(path, 0o620); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "policies.d", "staff.yaml"), 0o602); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(path, nil)
	if c == nil || len(problems) != 2 || !strings.Contains(problems[0].String(),
		"full.yaml: warning: users other than the owner can write it (mode 0620)") ||
		!strings.Contains(problems[1].String(),
			"policies.d/staff.yaml: warning: users other than the owner can write it (mode 0602)") {
		t.Error(problems)
	}
}

// A file that policy files name is as dangerous as these. Users that closed hours would reject now are not reported:
// the configuration is checked at any time.
func TestHoursOfPolicies(t *testing.T) {
	_, _, dir := loadText(t, strings.Replace(base, "kim.password}",
		`kim.password, callback: {dialstring: "84007"}}`, 1), nil)
	file := filepath.Join(dir, "policies.d", "holidays.txt")
	for name, text := range map[string]string{file: "2026-12-25\n",
		filepath.Join(dir, "policies.d", "default.yaml"): "group: default\nhours: {zone: UTC, dates: " +
			"[2001-01-01 07:00-19:00], holidays: holidays.txt}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(file, 0o602); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
	if c == nil || len(problems) != 1 || !strings.Contains(problems[0].String(),
		"policies.d/holidays.txt: warning: users other than the owner can write it (mode 0602)") {
		t.Error(problems)
	}
}

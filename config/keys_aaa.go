package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/ringback/ringback/schema"
)

// aaaKeys returns the keys of `aaa`.
func aaaKeys() []schema.Key {
	return []schema.Key{
		{Name: "radius", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: radiusKeys},
			Doc: "RADIUS servers, tried in order; together they are the method `radius`."},
		{Name: "tacacs", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: tacacsKeys},
			Doc: "TACACS+ servers, tried in order; together they are the method `tacacs`."},
		{Name: "tacacs_login", Enum: []string{"ascii", "pap"}, Default: "ascii", Example: "pap",
			Doc: "How EXEC logins are authenticated with TACACS+; `ascii` lets the server send its own prompts."},
		{Name: "tacacs_system_user", Check: schema.NotEmpty, Example: "maui-nas-04",
			Doc: "User name of the TACACS+ records Accounting-On and Accounting-Off. Default: none; some servers " +
				"reject records without a known user."},
		{Name: "groups", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: groupKeys},
			Doc: "Groups of servers (IOS's `aaa group server`): each is a method with the name of the group."},
		{Name: "dead_time", Type: schema.Duration, Min: second, Max: 24 * hour, Default: "30s", Example: "1m",
			Doc: "How long a silent server is skipped while another server is up or another method of the list " +
				"follows."},
		{Name: "call_check", Type: schema.Object,
			Doc: "Server for Call-Check requests (Service-Type Call-Check): by number before a line with " +
				"`call_check` answers, and by name before a dial with the policy `reauthorize: before_dial`. " +
				"Default: none.", Keys: []schema.Key{
				{Name: "method", Required: true, Check: schema.NotEmpty, Example: "radius",
					Doc: "`radius` or a group of RADIUS servers."},
				{Name: "password_file", Check: schema.NotEmpty, Example: "call_check.password",
					Doc: "File that contains only the password of these requests (other access servers send " +
						"`cisco`). Default: an empty password."},
			}},
		{Name: "dynamic_author", Reload: schema.Restart, Type: schema.Object,
			Doc: "Accepts Disconnect-Requests and CoA-Requests (RFC 5176; IOS's `aaa server radius dynamic-author`). " +
				"Default: none.", Keys: dynamicAuthorKeys},
		{Name: "lists", Type: schema.Object,
			Doc: "Method lists, as IOS's `aaa authentication`, `aaa authorization` and `aaa accounting`. A method is " +
				"`radius`, `tacacs`, `local`, `none` or a group of servers.", Keys: listKeys()},
	}
}

var radiusKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "primary",
		Doc: "Name of the server in logs and traces."},
	{Name: "address", Required: true, Check: checkHostPort, Example: "192.0.2.1:1812",
		Doc: "Address for authentication; default port 1812, over TLS 2083."},
	{Name: "accounting", Check: checkHostPort, Example: "192.0.2.1:1813",
		Doc: "Address for accounting; default port 1813. Default: no accounting. Over TLS it must be the same as " +
			"`address`."},
	{Name: "secret_file", Check: schema.NotEmpty, Example: "radius.secret",
		Doc: "File that contains only the shared secret; one newline at the end is ignored. 16 octets or more. " +
			"Optional over TLS (default `radsec`, RFC 6614)."},
	{Name: "timeout", Type: schema.Duration, Min: second / 10, Max: minute, Default: "2s", Example: "2s",
		Doc: "Wait before the first retransmission; each further wait doubles, up to twice this."},
	{Name: "retries", Type: schema.Int, Min: 0, Max: 20, Default: "3", Example: "3",
		Doc: "Number of retransmissions after the first transmission."},
	{Name: "message_authenticator", Enum: []string{"require", "auto", "off"}, Default: "require", Example: "require",
		Doc: "`require`: Accept, Reject and Challenge must carry one. `auto`: required after the first valid one. " +
			"`off`: replies can be forged by an on-path attacker (CVE-2024-3596). Not required over TLS."},
	{Name: "status_server", Enum: []string{"auto", "on", "off"}, Default: "auto", Example: "on",
		Doc: "Whether a silent server is probed with Status-Server (RFC 5997). `auto`: until it has answered one, " +
			"requests probe it too."},
	{Name: "transport", Enum: []string{"udp", "tls"}, Default: "udp", Example: "tls",
		Doc: "`tls` is RadSec (RFC 6614). There is no fallback to UDP."},
	{Name: "tls", Type: schema.Object, Doc: "With `transport: tls`.", Keys: append(tlsKeys(),
		minVersionKey("Minimum version of TLS; 1.2 is for old servers, without RADIUS/1.1."),
		schema.Key{Name: "radius11", Enum: []string{"off", "allow", "require"}, Example: "require",
			Doc: "RADIUS/1.1 (RFC 9765), without MD5. Default: `allow` with TLS 1.3."},
	)},
	{Name: "dialects", Type: schema.List, Elem: &schema.Key{Enum: []string{"ascend", "cisco"}}, Example: "[ascend]",
		Doc: "`ascend`: the attribute types 105 to 254 are read as old Ascend servers send them, and Stops carry " +
			"Ascend-Disconnect-Cause; `cisco`: Stops carry `disc-cause-ext`."},
	{Name: "class_groups", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Uses Class as the name of a group of users. RFC 2865 §5.25 says that clients should not interpret it: " +
			"set this only if the server sends group names in it."},
	{Name: "several_numbers", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "An Accept may have up to 10 Callback-Number: the numbers of the user, in the order in which they are " +
			"dialed. RFC 2865 §5.44 allows one, so otherwise two different ones reject the Accept. Cisco-AVPairs " +
			"need no key."},
	{Name: "source", Check: schema.NotEmpty, Example: "192.0.2.9",
		Doc: "Local address to send from. Default: the system's choice."},
	{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Accepts a secret shorter than 16 octets."},
}

// tlsKeys returns the keys of `tls` of a server or a line.
func tlsKeys() []schema.Key {
	return []schema.Key{
		{Name: "ca_file", Check: schema.NotEmpty, Example: "ca.pem",
			Doc: "CA certificates that the server's certificate must chain to. Default: the system's."},
		{Name: "cert_file", Check: schema.NotEmpty, Example: "ringback.pem",
			Doc: "Client certificate, with `key_file`. Default: none."},
		{Name: "key_file", Check: schema.NotEmpty, Example: "ringback.key", Doc: "Private key of `cert_file`."},
		{Name: "server_name", Check: schema.NotEmpty, Example: "radius.example.net",
			Doc: "Name that the server's certificate must have. Default: the host of the server's address."},
	}
}

func minVersionKey(doc string) schema.Key {
	return schema.Key{Name: "min_version", Enum: []string{"1.2", "1.3"}, Default: "1.3", Example: `"1.2"`, Doc: doc}
}

var tacacsKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "tac1",
		Doc: "Name of the server in logs and traces."},
	{Name: "address", Required: true, Check: checkHostPort, Example: "192.0.2.2:49",
		Doc: "Address; default port 49, over TLS 300."},
	{Name: "secret_file", Check: schema.NotEmpty, Example: "tacacs.secret",
		Doc: "File that contains only the key; one newline at the end is ignored. 16 octets or more. Either this or " +
			"`tls`: over TLS nothing is obfuscated (RFC 9887)."},
	{Name: "timeout", Type: schema.Duration, Min: second / 10, Max: minute, Default: "5s", Example: "5s",
		Doc: "Maximum wait for one answer, including the time to connect."},
	{Name: "single_connection", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Many concurrent sessions on one connection, if the server agrees (RFC 8907 §4.3). Some servers agree " +
			"but then drop such connections: see the how-to for your server."},
	{Name: "tls", Type: schema.Object,
		Doc: "TLS 1.3 (RFC 9887). There is no fallback. Default: obfuscation with the key.", Keys: tlsKeys()},
	{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Accepts a key shorter than 16 octets."},
}

var groupKeys = []schema.Key{
	{Name: "name", Required: true, Check: checkWord, Example: "isp", Doc: "Name of the method."},
	{Name: "servers", Type: schema.List, Required: true, Elem: &schema.Key{Check: schema.NotEmpty},
		Example: "[primary, second]", Doc: "Names of servers, all of one protocol, in the order in which they " +
			"are tried."},
	{Name: "balance", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Tries the RADIUS server with the fewest requests in flight first, instead of following the order."},
}

var dynamicAuthorKeys = []schema.Key{
	{Name: "listen", Required: true, Check: checkHostPort, Example: "192.0.2.9:3799",
		Doc: "Address to listen on; default port 3799."},
	{Name: "clients", Type: schema.List, Required: true, Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
		{Name: "source", Required: true, Check: checkPrefix, Example: "192.0.2.1",
			Doc: "Address or prefix (`192.0.2.0/28`) of the client. Requests from others are not answered."},
		{Name: "secret_file", Required: true, Check: schema.NotEmpty, Example: "coa.secret",
			Doc: "File that contains only the secret shared with the client. 16 octets or more."},
		{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Accepts a secret shorter than 16 octets."},
	}}, Doc: "Clients that may send requests."},
	{Name: "window", Type: schema.Duration, Min: second, Max: hour, Default: "300s", Example: "60s",
		Doc: "Largest difference between Event-Timestamp and the local clock; a request without one is rejected."},
}

var accountingKeys = []schema.Key{
	{Name: "record", Required: true, Enum: []string{"start-stop", "stop-only", "wait-start", "none"},
		Example: "start-stop",
		Doc:     "`wait-start`: a session or a callback begins only after its Start record is acknowledged."},
	{Name: "methods", Type: schema.List, Elem: &schema.Key{}, Example: "[radius]",
		Doc: "Methods, in order; a record that a method does not acknowledge goes to the next one."},
	{Name: "interim", Type: schema.Duration, Max: 24 * hour, Default: "0s", Example: "10m",
		Doc: "Time between the Interim records of a session; `0s`: as AAA says. The minimum is 1 minute."},
	{Name: "commands", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Accounts each EXEC command via TACACS+."},
}

// checkWord limits a name to characters that can be written in a list.
func checkWord(s string) error {
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' ||
			strings.ContainsRune("[]{},:#\"'", r)
	}) {
		return errors.New("must be a plain word of up to 64 characters")
	}
	return nil
}

func checkPrefix(s string) error {
	p, err := prefix(s)
	switch {
	case errors.Is(err, errHostBits):
		return fmt.Errorf("%q has host bits set: write %s", s, p.Masked())
	case err != nil:
		return fmt.Errorf("%q is neither an IP address nor a prefix", s)
	}
	return nil
}

var errHostBits = errors.New("host bits are set")

// prefix parses an address, or a prefix whose host bits are zero.
func prefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err == nil && p.Masked() != p {
		err = errHostBits
	}
	return p, err
}

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/ringback/ringback/schema"
)

// aaaKeys is the table below `aaa`.
func aaaKeys() []schema.Key {
	return []schema.Key{
		{Name: "radius", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: radiusKeys}, Doc: "RADIUS servers, asked in order; together they are the method `radius`."},
		{Name: "tacacs", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: tacacsKeys}, Doc: "TACACS+ servers, asked in order; together they are the method `tacacs`."},
		{Name: "tacacs_login", Enum: []string{"ascii", "pap"}, Default: "ascii", Example: "pap", Doc: "How EXEC logins are authenticated by TACACS+; `ascii` lets the server ask questions of its own."},
		{Name: "tacacs_system_user", Check: notEmpty, Example: "maui-nas-04", Doc: "User of the records Accounting-On and -Off by TACACS+. Default: none; some servers take no record without a user that they know."},
		{Name: "groups", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: groupKeys}, Doc: "Groups of servers (IOS's `aaa group server`): each is a method of its own name."},
		{Name: "dead_time", Type: schema.Duration, Min: second, Max: 24 * hour, Default: "30s", Example: "1m", Doc: "How long a silent server is passed over while another is not, or another method of the list follows."},
		{Name: "call_check", Type: schema.Object, Doc: "Who is asked by number before a line with `call_check` answers, and by name before the dial where a policy says `reauthorize: before_dial` (Service-Type Call-Check). Default: nobody.", Keys: []schema.Key{
			{Name: "method", Required: true, Check: notEmpty, Example: "radius", Doc: "`radius` or a group of RADIUS servers."},
			{Name: "password_file", Check: notEmpty, Example: "call_check.password", Doc: "File that holds the password of these requests alone (other access servers send `cisco`). Default: an empty one."},
		}},
		{Name: "dynamic_author", Reload: schema.Restart, Type: schema.Object, Doc: "Takes Disconnect- and CoA-Requests (RFC 5176; IOS's `aaa server radius dynamic-author`). Default: it takes none.", Keys: dynamicAuthorKeys},
		{Name: "lists", Type: schema.Object, Doc: "Method lists, as IOS's `aaa authentication`, `aaa authorization` and `aaa accounting`. A method is `radius`, `tacacs`, `local`, `none` or a group of servers.", Keys: listKeys()},
	}
}

var radiusKeys = []schema.Key{
	{Name: "name", Required: true, Check: notEmpty, Example: "primary", Doc: "Name of the server in logs and traces."},
	{Name: "address", Required: true, Check: checkHostPort, Example: "192.0.2.1:1812", Doc: "Where it authenticates; without port 1812, by TLS 2083."},
	{Name: "accounting", Check: checkHostPort, Example: "192.0.2.1:1813", Doc: "Where it takes accounting; without port 1813. Default: it does none. By TLS it is the address above, written again."},
	{Name: "secret_file", Check: notEmpty, Example: "radius.secret", Doc: "File that holds the shared secret alone, a newline at its end apart. 16 octets or more. By TLS it may be left out (`radsec`, RFC 6614)."},
	{Name: "timeout", Type: schema.Duration, Min: second / 10, Max: minute, Default: "2s", Example: "2s", Doc: "Wait before the first retransmission; each further wait doubles, up to twice this."},
	{Name: "retries", Type: schema.Int, Min: 0, Max: 20, Default: "3", Example: "3", Doc: "Retransmissions after the first."},
	{Name: "message_authenticator", Enum: []string{"require", "auto", "off"}, Default: "require", Example: "require",
		Doc: "`require`: Accept, Reject and Challenge must carry one. `auto`: from the first good one on. `off`: replies can be forged by who stands on the way (CVE-2024-3596). By TLS none is demanded."},
	{Name: "status_server", Enum: []string{"auto", "on", "off"}, Default: "auto", Example: "on",
		Doc: "Whether a silent server is probed by Status-Server (RFC 5997). `auto`: until it has once answered, requests probe it too."},
	{Name: "transport", Enum: []string{"udp", "tls"}, Default: "udp", Example: "tls", Doc: "`tls` is RadSec (RFC 6614). There is no fall-back to UDP."},
	{Name: "tls", Type: schema.Object, Doc: "With `transport: tls`.", Keys: append(tlsKeys(),
		schema.Key{Name: "min_version", Enum: []string{"1.2", "1.3"}, Default: "1.3", Example: `"1.2"`, Doc: "Oldest version of TLS; 1.2 is for old servers, without RADIUS/1.1."},
		schema.Key{Name: "radius11", Enum: []string{"off", "allow", "require"}, Example: "require", Doc: "RADIUS/1.1 (RFC 9765), without MD5. Default: `allow` with TLS 1.3."},
	)},
	{Name: "dialects", Type: schema.List, Elem: &schema.Key{Enum: []string{"ascend", "cisco"}}, Example: "[ascend]",
		Doc: "`ascend`: the attribute types 105 to 254 are read as old Ascend servers send them, and Stops carry Ascend-Disconnect-Cause; `cisco`: Stops carry `disc-cause-ext`."},
	{Name: "class_groups", Type: schema.Bool, Default: "false", Example: "true", Doc: "Class is taken for the name of a group of users. RFC 2865 §5.25 wants it untouched: only where the server means it so."},
	{Name: "source", Check: notEmpty, Example: "192.0.2.9", Doc: "Local address to send from. Default: the system's choice."},
	{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true", Doc: "Takes a secret shorter than 16 octets."},
}

// tlsKeys are the keys of a server's certificates.
func tlsKeys() []schema.Key {
	return []schema.Key{
		{Name: "ca_file", Check: notEmpty, Example: "ca.pem", Doc: "Certificates of those who may sign the server's. Default: the system's."},
		{Name: "cert_file", Check: notEmpty, Example: "ringback.pem", Doc: "Our certificate, with `key_file`. Default: we show none."},
		{Name: "key_file", Check: notEmpty, Example: "ringback.key", Doc: "Its key."},
		{Name: "server_name", Check: notEmpty, Example: "radius.example.net", Doc: "Name that the server's certificate must have. Default: the host of `address`."},
	}
}

var tacacsKeys = []schema.Key{
	{Name: "name", Required: true, Check: notEmpty, Example: "tac1", Doc: "Name of the server in logs and traces."},
	{Name: "address", Required: true, Check: checkHostPort, Example: "192.0.2.2:49", Doc: "Where it listens; without port 49, by TLS 300."},
	{Name: "secret_file", Check: notEmpty, Example: "tacacs.secret", Doc: "File that holds the key alone, a newline at its end apart. 16 octets or more. Either this or `tls`: by TLS nothing is obfuscated (RFC 9887)."},
	{Name: "timeout", Type: schema.Duration, Min: second / 10, Max: minute, Default: "5s", Example: "5s", Doc: "Longest wait for one answer, the connection included."},
	{Name: "single_connection", Type: schema.Bool, Default: "false", Example: "true", Doc: "Many sessions at once on one connection, where the server agrees (RFC 8907 §4.3). Some servers agree and then drop connections that are used so: see the how-to of yours."},
	{Name: "tls", Type: schema.Object, Doc: "TLS 1.3 (RFC 9887). There is no fall-back. Default: obfuscation with the key.", Keys: tlsKeys()},
	{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true", Doc: "Takes a key shorter than 16 octets."},
}

var groupKeys = []schema.Key{
	{Name: "name", Required: true, Check: checkWord, Example: "isp", Doc: "Name of the method."},
	{Name: "servers", Type: schema.List, Required: true, Elem: &schema.Key{Check: notEmpty}, Example: "[primary, second]", Doc: "Names of servers, all of one protocol, in the order in which they are asked."},
	{Name: "balance", Type: schema.Bool, Default: "false", Example: "true", Doc: "Of RADIUS servers the one with the fewest requests under way is asked first, in place of the order."},
}

var dynamicAuthorKeys = []schema.Key{
	{Name: "listen", Required: true, Check: checkHostPort, Example: "192.0.2.9:3799", Doc: "Where it listens; without port 3799."},
	{Name: "clients", Type: schema.List, Required: true, Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
		{Name: "source", Required: true, Check: checkPrefix, Example: "192.0.2.1", Doc: "Address, or prefix `192.0.2.0/28`, that may ask. Others are not answered."},
		{Name: "secret_file", Required: true, Check: notEmpty, Example: "coa.secret", Doc: "File of the secret shared with it. 16 octets or more."},
		{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true", Doc: "Takes a secret shorter than 16 octets."},
	}}, Doc: "Who may ask."},
	{Name: "window", Type: schema.Duration, Min: second, Max: hour, Default: "300s", Example: "60s", Doc: "How far Event-Timestamp may be from our clock; a request without one is refused."},
}

var accountingKeys = []schema.Key{
	{Name: "record", Required: true, Enum: []string{"start-stop", "stop-only", "wait-start", "none"}, Example: "start-stop",
		Doc: "`wait-start` lets nobody begin, and promises nobody a callback, before his Start is acknowledged."},
	{Name: "methods", Type: schema.List, Elem: &schema.Key{}, Example: "[radius]", Doc: "Methods in order; the next one gets a record that one did not acknowledge."},
	{Name: "interim", Type: schema.Duration, Max: 24 * hour, Default: "0s", Example: "10m", Doc: "Time between the Interim records of a session; `0s`: as AAA says. 1 minute at least."},
	{Name: "commands", Type: schema.Bool, Default: "false", Example: "true", Doc: "EXEC commands are accounted one by one, by TACACS+."},
}

// checkWord keeps to what people can write in a list.
func checkWord(s string) error {
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("[]{},:#\"'", r) }) {
		return errors.New("is no plain word of up to 64 characters")
	}
	return nil
}

func checkPrefix(s string) error {
	p, err := prefix(s)
	switch {
	case errors.Is(err, errHostBits):
		return fmt.Errorf("%q has bits behind the prefix: write %s", s, p.Masked())
	case err != nil:
		return fmt.Errorf("%q is neither an IP address nor a prefix", s)
	}
	return nil
}

var errHostBits = errors.New("bits behind the prefix are set")

// prefix reads an address, or a prefix whose host bits are zero.
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

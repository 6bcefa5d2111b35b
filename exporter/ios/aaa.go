package ios

import (
	"net"
	"net/netip"
	"strings"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/schema"
)

// aaa prints servers, groups and method lists.
func (e *exporter) aaa() {
	e.line("aaa new-model")
	if v := e.get("login", "tries"); v.IsSet() {
		e.say(v)
		e.line("aaa authentication attempts login %d", v.Int())
	}
	for _, name := range []string{"username", "password"} {
		if v := e.get("prompts", name); v.IsSet() && !strings.ContainsAny(v.Text(), "\"\n\r") {
			e.say(v)
			e.line("aaa authentication %s-prompt \"%s\"", name, v.Text())
		}
	}
	servers := e.servers("radius")
	servers = append(servers, e.servers("tacacs")...)
	e.groups(servers)
	if v := e.get("aaa", "dead_time"); v.IsSet() {
		if n, whole := minutes(v.Duration()); whole && n > 0 {
			e.say(v)
			e.line("radius-server deadtime %d", n)
		} else {
			e.note(v, "IOS counts whole minutes")
		}
	}
	e.lists()
}

// servers prints the servers of one protocol and returns the names of those that IOS can use.
func (e *exporter) servers(protocol string) (names []string) {
	for _, v := range e.get("aaa", protocol).Items() {
		name := v.Get("name")
		switch {
		case v.Get("transport").Text() == "tls" || v.Get("tls").IsSet():
			e.note(name, "IOS has no servers over TLS")
			continue
		case !word(name.Text()):
			e.note(name, "IOS has no server with such a name")
			continue
		}
		e.say(name)
		names = append(names, name.Text())
		if protocol == "radius" {
			e.radius(v)
		} else {
			e.tacacs(v)
		}
	}
	return names
}

// hostPort splits an address of the configuration, whose port may be missing.
func hostPort(text, port string) (string, string) {
	host, given, err := net.SplitHostPort(text)
	if err != nil {
		return strings.Trim(text, "[]"), port
	}
	return host, given
}

func family(host string) string {
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "ipv6"
	}
	return "ipv4"
}

func (e *exporter) radius(v *schema.Value) {
	address, accounting := v.Get("address"), v.Get("accounting")
	host, auth := hostPort(address.Text(), "1812")
	acct := "0"
	if accounting.IsSet() {
		var other string
		if other, acct = hostPort(accounting.Text(), "1813"); other != host {
			e.note(accounting, "IOS has one address of a server for authentication and accounting")
			acct = "0"
		}
	}
	e.say(address, accounting)
	e.line("radius server %s", v.Get("name").Text())
	e.line(" address %s %s auth-port %s acct-port %s", family(host), host, auth, acct)
	e.timeout(v.Get("timeout"))
	if r := v.Get("retries"); r.IsSet() {
		e.say(r)
		e.line(" retransmit %d", r.Int())
	}
	for _, s := range e.cfg.RADIUS.Servers {
		if s.Name == v.Get("name").Text() {
			e.key(v.Get("secret_file"), string(s.Secret))
			return
		}
	}
	e.key(v.Get("secret_file"), "")
}

func (e *exporter) tacacs(v *schema.Value) {
	host, port := hostPort(v.Get("address").Text(), "49")
	e.say(v.Get("address"))
	e.line("tacacs server %s", v.Get("name").Text())
	e.line(" address %s %s", family(host), host)
	e.line(" port %s", port)
	e.timeout(v.Get("timeout"))
	if s := v.Get("single_connection"); s.Bool(false) {
		e.line(" single-connection")
	}
	e.say(v.Get("single_connection"))
	for _, s := range e.cfg.TACACS.Servers {
		if s.Name == v.Get("name").Text() {
			e.key(v.Get("secret_file"), string(s.Secret))
			return
		}
	}
	e.key(v.Get("secret_file"), "")
}

func (e *exporter) timeout(v *schema.Value) {
	n, whole := seconds(v.Duration())
	switch {
	case !v.IsSet():
	case whole && n > 0:
		e.say(v)
		e.line(" timeout %d", n)
	default:
		e.note(v, "IOS counts whole seconds")
	}
}

// key prints the secret shared with a server.
func (e *exporter) key(file *schema.Value, secret string) {
	switch {
	case !file.IsSet():
	case !e.o.Secrets:
		e.note(file, "the key is not shown")
	case !word(secret):
		e.note(file, "IOS has no key with blanks or other than ASCII, or no list uses the server")
	default:
		e.say(file)
		e.line(" key 0 %s", secret)
	}
}

// groups prints the groups of servers.
func (e *exporter) groups(servers []string) {
	known := map[string]bool{}
	for _, s := range servers {
		known[s] = true
	}
	for _, v := range e.get("aaa", "groups").Items() {
		name := v.Get("name")
		kind := "radius"
		for _, s := range e.get("aaa", "tacacs").Items() {
			if s.Get("name").Text() == v.Get("servers").Texts()[0] {
				kind = "tacacs+"
			}
		}
		e.say(name, v.Get("servers"))
		e.line("aaa group server %s %s", kind, name.Text())
		for _, s := range v.Get("servers").Texts() {
			if known[s] {
				e.line(" server name %s", s)
			}
		}
	}
}

// listCommands are the commands of the kinds of method lists.
var listCommands = map[string]string{"login": "authentication login", "enable": "authentication enable",
	"ppp": "authentication ppp", "exec": "authorization exec", "network": "authorization network",
	"commands": "authorization commands 15"}

// lists prints the method lists.
func (e *exporter) lists() {
	interim := 0
	for _, k := range config.ListKinds {
		for _, l := range e.cfg.Lists[k.Name] {
			v := e.get("aaa", "lists", k.Name, l.Name)
			command := listCommands[k.Name]
			switch {
			case !v.IsSet(): // a list that is there without being written
			case !word(l.Name):
				e.note(v, "IOS has no list with such a name")
			case k.Name == config.AccountingLists:
				e.accounting(v, l, &interim)
			case command == "":
				e.note(v, "IOS has no such service")
			case k.Name == "enable" && l.Name != "default":
				e.note(v, "IOS has one list of enable")
			default:
				e.say(v)
				e.line("aaa %s %s%s", command, l.Name, methods(l.Methods))
			}
		}
	}
}

// methods are methods as IOS names them.
func methods(all []string) (text string) {
	for _, m := range all {
		switch m {
		case config.MethodLocal, config.MethodNone, config.MethodEnable, config.MethodIfAuthenticated:
			text += " " + m
		case config.MethodTACACS:
			text += " group tacacs+"
		default:
			text += " group " + m
		}
	}
	return text
}

func (e *exporter) accounting(v *schema.Value, l config.MethodList, interim *int) {
	e.say(v.Get("record"), v.Get("methods"))
	for _, service := range []string{"exec", "network"} {
		e.line("aaa accounting %s %s %s%s", service, l.Name, l.Record, methods(l.Methods))
	}
	if c := v.Get("commands"); c.Bool(false) {
		e.line("aaa accounting commands 15 %s %s%s", l.Name, l.Record, methods(l.Methods))
	}
	e.say(v.Get("commands"))
	i := v.Get("interim")
	n, whole := minutes(i.Duration())
	switch {
	case !i.IsSet() || i.Duration() == 0:
		e.say(i)
	case !whole || *interim > 0 && *interim != n:
		e.note(i, "IOS has one interval for all lists, in whole minutes")
	case *interim == 0:
		*interim = n
		e.line("aaa accounting update periodic %d", n)
		fallthrough
	default:
		e.say(i)
	}
}

package config

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/listener"
	"github.com/ringback/ringback/schema"
)

// Listener is an element of `listen`.
type Listener struct {
	listener.Config
	Lists ListNames
}

// network reports whether sessions over the network use lists of the kind: those of text sessions.
func (k ListKind) network() bool { return k.Purpose == Accounting || !k.serves(aaa.PPP) }

func (k ListKind) serves(s aaa.Service) bool {
	for _, of := range k.Services {
		if of == s {
			return true
		}
	}
	return false
}

// listen reads `listen`, after the lines and the method lists.
func (l *loader) listen() {
	entries := l.v.Get("listen").Items()
	if len(entries) > maxListeners {
		l.errorAt(entries[maxListeners], "use one listener for a rotary, instead of one for each line",
			"there are %d listeners; the maximum is %d", len(entries), maxListeners)
		return
	}
	defaults := schema.Defaults(listenKeys())
	taken := map[string]*schema.Value{}
	for _, v := range entries {
		c := Listener{Config: listener.Config{Address: v.Get("address").Text(),
			Protocol: listener.Protocol(v.Get("protocol").Text()), Sessions: or(v, defaults, "sessions").Int()},
			Lists: ListNames{}}
		l.target(v, &c)
		l.attachment(v, &c)
		l.overPlaintext(v, &c)
		for i := range ListKinds {
			k := &ListKinds[i]
			if k.network() {
				c.Lists[k.Name] = or(v, defaults, k.Name).Text()
				l.lineList(v, k, c.Lists.Of(k.Name))
			}
		}
		l.anyone(v, &c)
		if at := taken[c.Key()]; at != nil && c.Address != "" {
			l.errorAt(v.Get("address"), "give each listener an address of its own", "%s is also that of line %d",
				c.Address, at.Line)
		}
		taken[c.Key()] = v
		l.cfg.Listen = append(l.cfg.Listen, c)
	}
}

// target reads what the users of a listener reach.
func (l *loader) target(v *schema.Value, c *Listener) {
	to, line, rotary := v.Get("to"), v.Get("line"), v.Get("rotary")
	var named []string
	for _, k := range []*schema.Value{to, line, rotary} {
		if k.IsSet() {
			named = append(named, k.Path[strings.LastIndexByte(k.Path, '.')+1:])
		}
	}
	switch {
	case len(named) == 0:
		l.errorAt(v, "write to: vty for the EXEC, or line: 65, or rotary: 1",
			"%s: nothing says what its users reach", c.Address)
	case len(named) > 1:
		l.errorAt(v, "keep one of them; use another listener for the other",
			"%s: %s exclude each other", c.Address, strings.Join(named, " and "))
	case line.IsSet():
		c.Target.Line = line.Int()
		if l.cfg.line(c.Target.Line) == nil && !l.broken("lines") {
			l.errorAt(line, "see the key lines", "there is no line %d", c.Target.Line)
		} else if at := l.cfg.line(c.Target.Line); at != nil && !at.dials() {
			l.errorAt(line, "write modem: inout for the line, or name another one", "line %d does not dial", at.TTY)
		}
	case rotary.IsSet():
		n := rotary.Int()
		c.Target.Rotary = &n
		if !l.cfg.rotaryDials(n) && !l.broken("lines") {
			l.errorAt(rotary, "see the key lines", "no line of rotary %d dials", n)
		}
	}
	if c.Target.VTY() && c.Protocol == listener.RFC2217 && to.IsSet() {
		l.errorAt(v.Get("protocol"), "write protocol: telnet", "rfc2217 is for the modems of lines: a vty has none")
	}
}

// attachment reads how the users of a listener get a line.
func (l *loader) attachment(v *schema.Value, c *Listener) {
	c.Queue, c.Raw = v.Get("queue").Bool(false), v.Get("raw").Texts()
	if c.Target.VTY() && v.Get("to").IsSet() {
		for _, k := range []string{"queue", "raw"} {
			if v.Get(k).IsSet() {
				l.errorAt(v.Get(k), "remove it, or write line or rotary instead of to", "%s: a vty has no line",
					c.Address)
			}
		}
	}
}

// rawGroups rejects groups of `raw` whose users would be rejected. The policies are loaded.
func (l *loader) rawGroups() {
	for i, v := range l.v.Get("listen").Items() {
		if i >= len(l.cfg.Listen) {
			return
		}
		for _, at := range v.Get("raw").Items() {
			switch p, ok := l.cfg.Policies.Group(at.Text()); {
			case !ok:
				l.errorAt(at, "write a file for it in the directory of the policies", "no policy file for the group %s",
					at.Text())
			case !p.RawAccess:
				l.errorAt(at, "write raw_access: true in its policy file, or remove it here",
					"the policy of group %s does not permit raw access", at.Text())
			}
		}
	}
}

// anyone rejects a listener that admits everyone without a word about it.
func (l *loader) anyone(v *schema.Value, c *Listener) {
	const login = "login"
	list, ok := l.cfg.Lists.Find(login, c.Lists.Of(login))
	if !ok || v.Get(login).IsSet() || !slices.Contains(list.Methods, MethodNone) {
		return
	}
	l.errorAt(v, "name a list that authenticates, or accept it with login: "+list.Name,
		"%s: the login list %s ends with none, which admits everyone", c.Address, list.Name)
}

// overPlaintext reads the certificates of a listener, and rejects one whose passwords others could read.
func (l *loader) overPlaintext(v *schema.Value, c *Listener) {
	t, insecure := v.Get("tls"), v.Get("insecure").Bool(false)
	if t.IsSet() && !l.broken(t.Path) {
		files := l.serverFiles(t)
		c.TLS = &files
	}
	host, _, _ := net.SplitHostPort(c.Address)
	switch {
	case l.broken(v.Path) || c.Protocol == "":
	case c.Protocol == listener.SSH && t.IsSet():
		l.errorAt(t, "remove it", "ssh has its own encryption")
	case c.Protocol == listener.SSH:
	case !Loopback(host) && !t.IsSet() && !insecure:
		l.errorAt(v.Get("address"), "use protocol: ssh, add tls: {cert_file: vty.crt, key_file: vty.key}, listen on "+
			"127.0.0.1, or accept the risk with insecure: true",
			"%s over %s without TLS: anyone on the path reads the passwords", c.Protocol, reached(c.Address))
	case !Loopback(host) && !t.IsSet():
		l.warnAt(v.Get("address"), "use protocol: ssh, or add tls",
			"%s over %s without TLS: anyone on the path reads the passwords", c.Protocol, reached(c.Address))
	}
}

// reached returns an address for people; ":2023" is all addresses of this machine.
func reached(address string) string {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		return fmt.Sprintf("all addresses of this machine, port %s", port)
	}
	return address
}

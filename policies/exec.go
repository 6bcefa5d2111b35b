package policies

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// EXEC narrows the EXEC sessions of a group, on both legs, whatever AAA grants. The zero value narrows nothing.
type EXEC struct {
	Privilege *int           `json:"privilege,omitempty"` // the highest level, 0–15; nil: 15
	Commands  []string       `json:"commands,omitzero"`   // nil: all. Those that end a session or lower its level stay
	Hosts     []netip.Prefix `json:"hosts,omitzero"`      // nil: those of the configuration
}

// mostPrivileged is the highest privilege level.
const mostPrivileged = 15

// execCommands are the commands of the EXEC that a group may have or not.
var execCommands = []string{"call", "cancel", "clear", "connect", "debug", "drain", "enable", "help", "line",
	"lockdown", "no", "ppp", "reload", "service", "show", "start-chat", "telnet", "test", "undebug", "undrain"}

// IsZero reports whether nothing is narrowed.
func (e EXEC) IsZero() bool { return e.Privilege == nil && e.Commands == nil && e.Hosts == nil }

// String returns the terms as a policy file has them, on one line.
func (e EXEC) String() string {
	return fmt.Sprintf("privilege: %s, commands: %s, hosts: %s", e.privilegeText(), e.commandsText(), e.hostsText())
}

func (e EXEC) privilegeText() string {
	if e.Privilege == nil {
		return fmt.Sprint(mostPrivileged)
	}
	return fmt.Sprint(*e.Privilege)
}

func (e EXEC) commandsText() string {
	commands := e.Commands
	if commands == nil {
		commands = execCommands
	}
	return "[" + strings.Join(slices.Sorted(slices.Values(commands)), ", ") + "]"
}

func (e EXEC) hostsText() string {
	if e.Hosts == nil {
		return anyHost
	}
	var out []string
	for _, p := range e.Hosts {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return "[" + strings.Join(out, ", ") + "]"
}

const anyHost = "those of `exec.hosts` in ringback.yaml"

// ruleRecord says whether the session is recorded. What PPP carries is not shown on a terminal.
func ruleRecord(e *evaluation) (string, string, bool) {
	if e.Service == aaa.PPP {
		return "record: true, service " + string(e.Service), "not recorded: that is for EXEC sessions", false
	}
	e.d.Record = true
	return "record: true", "the session is recorded", false
}

// execKeys are the rows of `exec`, and of what else is about its sessions.
var execKeys = []key{
	{Key: schema.Key{Name: "exec", Type: schema.Object, Doc: "Narrows EXEC sessions, whatever AAA grants."}},
	{
		in: "exec",
		Key: schema.Key{Name: "privilege", Type: schema.Int, Min: 0, Max: mostPrivileged,
			Default: fmt.Sprint(mostPrivileged), Example: "1",
			Doc: "Highest privilege level. A higher one of AAA is lowered, and `enable` denies it."},
		read: func(p *Policy, v *schema.Value) {
			if v.IsSet() {
				level := v.Int()
				p.EXEC.Privilege = &level
			}
		},
		text: func(p Policy) string { return p.EXEC.privilegeText() },
		late: true,
	},
	{
		in: "exec",
		Key: schema.Key{Name: "commands", Type: schema.List, Elem: &schema.Key{Type: schema.String, Enum: execCommands},
			Default: EXEC{}.commandsText(), Example: "[connect, help, telnet]",
			Doc: "Commands that a session has, also as autocmd. AAA is asked about each as before. `exit`, " +
				"`logout`, `quit` and `disable` are always there."},
		read: func(p *Policy, v *schema.Value) {
			if v.IsSet() {
				p.EXEC.Commands = append([]string{}, v.Texts()...)
			}
		},
		text: func(p Policy) string { return p.EXEC.commandsText() },
		late: true,
	},
	{
		in: "exec",
		Key: schema.Key{Name: "hosts", Type: schema.List,
			Elem:    &schema.Key{Type: schema.String, Check: checkHost, Example: "10.0.0.0/8"},
			Default: anyHost, Example: "[10.0.0.0/8, 192.0.2.5]",
			Doc: "Addresses and prefixes of the hosts to which a session may be connected, by AAA or by a command. " +
				"`exec.hosts` of ringback.yaml applies too."},
		read: func(p *Policy, v *schema.Value) {
			if !v.IsSet() {
				return
			}
			p.EXEC.Hosts = []netip.Prefix{}
			for _, text := range v.Texts() {
				if prefix, err := parseHost(text); err == nil { // otherwise the table has reported it
					p.EXEC.Hosts = append(p.EXEC.Hosts, prefix)
				}
			}
		},
		text: func(p Policy) string { return p.EXEC.hostsText() },
		late: true,
	},
	{
		Key: schema.Key{Name: "language", Type: schema.String, Enum: texts.LanguageNames(), Example: "zh-Hant",
			Doc: "Language of what users of the EXEC read, from the end of the login on, and from the begin of the " +
				"call when they are called back. Default: that of the line. See " +
				"[Languages](../how-to/languages.md)."},
		read: func(p *Policy, v *schema.Value) { p.Locale.Language = texts.Language(v.Text()) },
		text: func(p Policy) string { return string(p.Locale.Language) },
		late: true,
	},
	{
		Key: schema.Key{Name: "charset", Type: schema.String, Enum: texts.CharsetNames(), Example: "big5",
			Doc: "Character set of the users' terminals, as `language`. Default: that of the line."},
		read: func(p *Policy, v *schema.Value) { p.Locale.Charset = texts.Charset(v.Text()) },
		text: func(p Policy) string { return string(p.Locale.Charset) },
		late: true,
	},
	{
		Key: schema.Key{Name: "record", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Whether EXEC sessions, on both legs, are recorded: what the user sees, from the end of the login " +
				"on, also of hosts. Typed text is recorded only as it is echoed, and the passwords of the call are " +
				"masked. A user is rejected while no recording can begin. PPP is not recorded. See " +
				"[Recordings](../how-to/recordings.md)."},
		read: func(p *Policy, v *schema.Value) { p.Record = v.Bool(false) },
		text: func(p Policy) string { return strconv.FormatBool(p.Record) },
		late: true,
	},
}

func parseHost(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return prefix, fmt.Errorf("%.64q is not an address or a prefix (write 192.0.2.5 or 10.0.0.0/8)", s)
	}
	return prefix.Masked(), nil
}

func checkHost(s string) error {
	_, err := parseHost(s)
	return err
}

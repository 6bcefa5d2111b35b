package ios

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/schema"
)

// reasons say why IOS has no command for keys, by the beginning of their path without indices; the longest applies.
var reasons = map[string]string{
	"":                  "IOS has no such command",
	"state_dir":         "IOS keeps no journal",
	"journal":           "IOS keeps no journal",
	"api":               "IOS has no admin API",
	"audit":             "IOS signs no audit",
	"recordings":        "IOS records no sessions",
	"hooks":             "IOS tells no programs of events",
	"log":               "the log of a router is about all of it: `logging`",
	"metrics":           "IOS has no metrics over HTTP; SNMP is another model",
	"traces":            "IOS has no traces",
	"cdr":               "IOS writes no call detail records of callbacks",
	"console":           "IOS has no operator's page",
	"modems_dir":        "modems are modemcap entries in IOS",
	"policies_dir":      "IOS has no policies: AAA and the options of users decide alone",
	"exec.hosts":        "IOS limits connections by access-class",
	"login":             "IOS 12.3 and later has `login block-for` for the whole router",
	"prompts":           "IOS has other prompts, which are fixed",
	"callback":          "IOS dials a callback once, after the forced wait",
	"ceilings":          "IOS has no ceilings",
	"numbers":           "IOS dials numbers as they are written",
	"tariff":            "IOS has no prices",
	"trunks":            "IOS dials numbers as they are written",
	"places":            "IOS has no places",
	"aaa":               "the AAA client of IOS has no such setting",
	"aaa.call_check":    "IOS has `aaa preauth`, of ISDN calls",
	"passwords_file":    "IOS has the passwords in the commands themselves",
	"users":             "IOS's users have no such option",
	"listen":            "IOS reaches a line at TCP port 2000 + its number, if `transport input` allows it",
	"start_chat":        "IOS's start-chat has no policy",
	"modem_test":        "IOS has `test modem back-to-back` without limits",
	"rotaries":          "IOS has `rotary … round-robin` only",
	"ppp.netdev":        "the router forwards the packets itself",
	"ppp.userspace":     "the router forwards the packets itself",
	"ppp.filters":       "IOS has access lists",
	"ppp.pools":         "ip local pool has addresses of IPv4 only",
	"ppp.profiles":      "IOS's interfaces have no such setting",
	"lines.port":        "IOS does not say where the modem is",
	"lines.timing":      "IOS does not time modems itself",
	"lines.scripts":     "IOS has no such event on a line",
	"lines.caller_id":   "IOS reads caller ID of digital calls only",
	"lines.call_check":  "IOS has `aaa preauth`, of ISDN calls",
	"lines.init":        "modem commands are modemcap entries in IOS",
	"lines.profile":     "modems are modemcap entries in IOS",
	"lines.ppp_profile": "no interface serves the line",
}

var index = regexp.MustCompile(`\[[0-9]+\]`)

// rest prints a comment for each key of the file that is no command, and the notes.
func (e *exporter) rest() {
	var left []string
	for _, k := range config.Keys() {
		e.walk(k, e.v.Get(k.Name), func(k schema.Key, v *schema.Value) {
			if !e.said[v.Path] {
				left = append(left, v.Path+": "+reason(v.Path))
			}
		})
	}
	for _, g := range e.cfg.Policies.Groups() {
		left = append(left, "policy file of group "+g+": "+reasons["policies_dir"])
	}
	slices.Sort(e.notes)
	all := append(slices.Compact(e.notes), left...)
	if len(all) == 0 {
		return
	}
	e.line("!")
	e.comment("What IOS cannot say, or what is not shown:")
	for _, text := range all {
		e.comment("  " + text)
	}
	e.line("!")
}

// walk calls f for each key with a value: scalars and lists of scalars.
func (e *exporter) walk(k schema.Key, v *schema.Value, f func(schema.Key, *schema.Value)) {
	if !v.IsSet() || e.said[v.Path] {
		return
	}
	switch {
	case k.Type == schema.Object:
		for _, below := range k.Keys {
			e.walk(below, v.Get(below.Name), f)
		}
	case k.Type == schema.List && k.Elem.Type == schema.Object:
		for _, item := range v.Items() {
			e.walk(*k.Elem, item, f)
		}
	case k.Type == schema.Dict && k.Elem.Type != schema.String:
		for _, name := range v.Names() {
			e.walk(*k.Elem, v.Get(name), f)
		}
	default:
		f(k, v)
	}
}

// reason returns why IOS has no command for a key.
func reason(path string) string {
	path = index.ReplaceAllString(path, "")
	for {
		if why, ok := reasons[path]; ok {
			return why
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
}

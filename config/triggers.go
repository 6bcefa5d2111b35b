package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/triggers"
)

// triggerKeys are the keys of `triggers`.
func triggerKeys() []schema.Key {
	service := schema.Key{Name: "service", Enum: []string{string(aaa.EXEC), string(aaa.PPP)}, Default: string(aaa.EXEC),
		Example: string(aaa.PPP), Doc: "For which service AAA is asked and the user is called back."}
	return []schema.Key{
		{Name: "lines", Type: schema.List, Required: true, Min: 1,
			Elem: &schema.Key{Loose: true, Check: schema.CheckTTYs}, Example: "[65-66]",
			Doc: "Lines, and ranges of them, whose short messages and missed calls count. They count as the called " +
				"lines: their method lists ask AAA, and their rotary dials."},
		{Name: "window", Type: schema.Duration, Min: 10 * second, Max: hour, Default: "5m", Example: "2m",
			Doc: "Most by which the time in a signed text differs from the clock of this machine."},
		{Name: "per_hour", Type: schema.Int, Min: 1, Max: 1000, Default: "6", Example: "3",
			Doc: "Most requests of a user in an hour that AAA and the policies are asked about. A restart forgets " +
				"them; the ceilings of the policies stay."},
		{Name: "keys", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
			{Name: "users", Type: schema.List, Required: true, Min: 1, Elem: &schema.Key{Check: triggers.CheckUser},
				Example: "[austin-01]", Doc: "Users who sign with this key, exactly as AAA names them."},
			{Name: "file", Required: true, Check: schema.NotEmpty, Example: "austin-01.key",
				Doc: "File that contains only the key, 16 characters or more; one newline at the end is ignored."},
			{Name: "senders", Type: schema.List, Elem: &schema.Key{Check: checkSender}, Example: `["+12025551234"]`,
				Doc: "The only numbers whose messages count for these users. They can be forged: the key is what " +
					"proves the user. Default: all."},
			service}},
			Doc: "Keys of signed short messages. The lines need a profile of a cellular modem."},
		{Name: "missed_calls", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
			{Name: "from", Required: true, Check: checkSender, Example: `"+12025551234"`,
				Doc: "The calling number. A call from it is left ringing, and counts when it ends."},
			{Name: "user", Required: true, Check: aaa.CheckUser, Example: "austin-01",
				Doc: "The user who is called back, as AAA names them."},
			service}},
			Doc: "Calls that request a callback when they end before they are answered. Calling numbers can be " +
				"forged: anyone may so cause a call to the user, but nothing else. The lines need caller ID, and " +
				"modem signals or `insecure_signals: true`."},
	}
}

// checkSender accepts a number as a network reports it.
func checkSender(s string) error {
	if n := triggers.Plain(s); n == "" || len(n) > 20 || strings.Trim(n, "0123456789") != "" {
		return errors.New("a calling number is 1 to 20 digits, with at most a + before them")
	}
	return nil
}

// triggers reads who may request callbacks by short messages and missed calls.
func (l *loader) triggers() {
	v := l.v.Get("triggers")
	if !v.IsSet() || l.broken("lines") || l.broken("numbers") {
		return
	}
	t := triggers.Rules{Window: l.duration("triggers.window"), PerHour: l.int("triggers.per_hour")}
	l.triggerSecrets(v.Get("keys"), &t)
	from := map[string]bool{}
	for _, item := range v.Get("missed_calls").Items() {
		c := triggers.Call{From: triggers.Canonical(l.site.Plan, item.Get("from").Text()),
			User: item.Get("user").Text(), Service: serviceOf(item)}
		if from[c.From] {
			l.errorAt(item.Get("from"), "remove one of the two", "%s has two entries", item.Get("from").Text())
		}
		from[c.From] = true
		t.Calls = append(t.Calls, c)
	}
	if !v.Get("keys").IsSet() && !v.Get("missed_calls").IsSet() {
		l.errorAt(v, "write keys: or missed_calls:", "nothing can request a callback")
	}
	for _, item := range v.Get("lines").Items() {
		l.triggerLines(item, t)
	}
	l.cfg.Triggers = t
	l.allowedTriggers(v, t)
}

func serviceOf(v *schema.Value) aaa.Service {
	return aaa.Service(cmp.Or(v.Get("service").Text(), string(aaa.EXEC)))
}

// triggerSecrets reads the keys of signed texts.
func (l *loader) triggerSecrets(v *schema.Value, t *triggers.Rules) {
	has := map[string]bool{}
	for _, item := range v.Items() {
		k := triggers.Key{Users: item.Get("users").Texts(), Service: serviceOf(item)}
		for _, u := range item.Get("users").Items() {
			if has[u.Text()] {
				l.errorAt(u, "give each user one key", "user %s has two keys", u.Text())
			}
			has[u.Text()] = true
		}
		for _, s := range item.Get("senders").Texts() {
			k.Senders = append(k.Senders, triggers.Canonical(l.site.Plan, s))
		}
		file := item.Get("file")
		secret, ok := l.secret(file)
		if !ok {
			continue
		}
		if n := len(secret); n < minSecret {
			l.errorAt(file, "make one: openssl rand -base64 24", "the key has %d octets; a key has %d or more", n,
				minSecret)
		} else if n < goodSecret {
			l.warnAt(file, "make one: openssl rand -base64 24",
				"the key has %d octets; under %d it can be guessed from one short message", n, goodSecret)
		}
		k.Secret = secret
		t.Keys = append(t.Keys, k)
	}
}

// triggerLines lets lines read short messages and notice missed calls.
func (l *loader) triggerLines(item *schema.Value, t triggers.Rules) {
	first, last, _ := schema.ParseTTYs(item.Text()) // checked by the table
	for tty := first; tty <= last; tty++ {
		i := slices.IndexFunc(l.cfg.Lines, func(line Line) bool { return line.TTY == tty })
		if i < 0 {
			l.errorAt(item, "see the key lines; to remove a line, remove it here, too", "there is no line %d", tty)
			return
		}
		line := &l.cfg.Lines[i]
		if len(t.Keys) > 0 {
			if err := modem.CheckMessages(line.Config.Profile); err != nil {
				l.errorAt(item, "set profile: cellular on the line, or the profile of its modem",
					"tty %d, profile %s: %v", tty, cmp.Or(line.Config.Profile.Name, "generic"), err)
				return
			}
			line.Messages = true
		}
		if len(t.Calls) == 0 {
			continue
		}
		if !line.Trusted() {
			l.errorAt(item, "use a serial or rfc2217 port, or accept the risk with insecure_signals: true",
				"missed_calls need modem signals: on the port of tty %d a caller can write any number", tty)
			return
		}
		line.MissedCalls = true
	}
}

// allowedTriggers warns of triggers that no policy allows.
func (l *loader) allowedTriggers(v *schema.Value, t triggers.Rules) {
	if l.cfg.Policies == nil {
		return
	}
	allowed := map[string]bool{}
	for _, g := range l.cfg.Policies.Groups() {
		p, _ := l.cfg.Policies.Group(g)
		for _, kind := range p.Triggers {
			allowed[kind] = true
		}
	}
	if len(t.Keys) > 0 && !allowed[string(triggers.SMS)] {
		l.warnAt(v.Get("keys"), "write triggers: [sms] in the policy file of the users' group",
			"no policy allows callbacks by short messages: all are rejected")
	}
	if len(t.Calls) > 0 && !allowed[string(triggers.MissedCall)] {
		l.warnAt(v.Get("missed_calls"), "write triggers: [missed_call] in the policy file of the users' group",
			"no policy allows callbacks by missed calls: all are rejected")
	}
	if t.Window > 15*time.Minute {
		l.warnAt(v.Get("window"), "set the clocks of the users' devices, and write 5m",
			"the window is %v: as long can a text be used that was kept from its receiver", t.Window)
	}
}

package config

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/hooks"
	"github.com/ringback/ringback/schema"
)

// hookKeys are the keys of an element of `hooks`.
func hookKeys() []schema.Key {
	return []schema.Key{
		{Name: "name", Required: true, Check: checkHookName, Example: "siem",
			Doc: "Name in the log, in `show health` and for `ringback hooks test`: small letters, digits, `-` " +
				"and `_`."},
		{Name: "events", Required: true, Type: schema.List, Elem: &schema.Key{Enum: events.AllNames(),
			Example: "callback.failed"}, Example: "[callback.failed, login.locked]",
			Doc: "Names of the [events](events.md) that it gets, and `callback.completed`, `callback.failed`, " +
				"`callback.expired` and `callback.cancelled`, which are parts of `callback.ended`."},
		{Name: "url", Check: hooks.CheckURL, Example: "https://siem.example.net/ringback",
			Doc: "Address for a POST of JSON, signed as [Standard Webhooks](https://www.standardwebhooks.com) " +
				"specifies. Either this or `command`."},
		{Name: "secret_file", Check: schema.NotEmpty, Example: "siem.secret",
			Doc: "File with the secret of the signature: `whsec_` and base64 of 24 to 64 octets. Required with `url`."},
		{Name: "ca_file", Check: schema.NotEmpty, Example: "ca.pem",
			Doc: "Certificates (PEM) of the authorities that may sign the certificate of `url`. Default: those " +
				"of the system."},
		{Name: "command", Type: schema.List, Elem: &schema.Key{Example: "/usr/local/bin/page"},
			Example: "[/usr/local/bin/page, --urgent]",
			Doc: "Program and its arguments, started without a shell, with the JSON on standard input. Exit " +
				"status 0: the event is taken. The program's path is absolute."},
		{Name: "timeout", Type: schema.Duration, Min: second, Max: 5 * minute, Default: "10s", Example: "5s",
			Doc: "Maximum time of one delivery. A command, and what it has started in its process group, is " +
				"killed then."},
		{Name: "retry_for", Type: schema.Duration, Max: 30 * 24 * hour, Default: "24h", Example: "1h",
			Doc: "How long after the event it is tried again: after 1 s, then twice as long, at most 1 min. " +
				"`0s`: once."},
	}
}

var hookName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

func checkHookName(s string) error {
	if !hookName.MatchString(s) {
		return errors.New("a name has small letters, digits, - and _, 40 at most")
	}
	return nil
}

// maxHooks is the maximum number of hooks: each has its queue and its deliveries.
const maxHooks = 32

// hooks reads the hooks.
func (l *loader) hooks() {
	items := l.v.Get("hooks").Items()
	if len(items) > maxHooks {
		l.errorAt(items[maxHooks], "let one receiver pass events on", "there are %d hooks, at most %d are possible",
			len(items), maxHooks)
	}
	first := map[string]*schema.Value{}
	for _, v := range items {
		name := v.Get("name")
		if at, ok := first[name.Text()]; ok {
			l.errorAt(name, "give it another name", "hook %q is already on line %d", name.Text(), at.Line)
		}
		first[name.Text()] = name
		if h, ok := l.hook(v); ok {
			l.cfg.Hooks = append(l.cfg.Hooks, h)
		}
	}
}

func (l *loader) hook(v *schema.Value) (h hooks.Hook, ok bool) {
	if l.broken(v.Path) {
		return h, false
	}
	before, defaults := len(l.problems), schema.Defaults(hookKeys())
	h = hooks.Hook{Name: v.Get("name").Text(), URL: v.Get("url").Text(), Command: v.Get("command").Texts(),
		Events: v.Get("events").Texts(), Timeout: or(v, defaults, "timeout").Duration(),
		RetryFor: or(v, defaults, "retry_for").Duration()}
	slices.Sort(h.Events)
	h.Events = slices.Compact(h.Events)
	if len(h.Events) == 0 {
		l.errorAt(v.Get("events"), "write the names of events", "a hook without events gets nothing")
	}
	switch {
	case (h.URL != "") == (len(h.Command) > 0):
		l.errorAt(v, "write either url or command", "hook %q has both or neither of url and command", h.Name)
	case h.URL != "":
		l.webhook(v, &h)
	default:
		for _, key := range []string{"secret_file", "ca_file"} {
			if v.Get(key).IsSet() {
				l.errorAt(v.Get(key), "remove it", "it is for a hook with url")
			}
		}
		l.hookProgram(v.Get("command"), h.Command[0])
	}
	return h, !l.problems[before:].HasErrors()
}

func (l *loader) webhook(v *schema.Value, h *hooks.Hook) {
	file := v.Get("secret_file")
	if !file.IsSet() {
		l.errorAt(v.Get("url"), "add secret_file: the receiver verifies the signature", "a webhook needs a secret")
		return
	}
	if text, ok := l.secret(file); ok {
		var err error
		if h.Secret, err = hooks.ParseSecret(text); err != nil {
			l.errorAt(file, `create it with: (umask 077; printf 'whsec_%s\n' "$(openssl rand -base64 32)" > FILE)`,
				"%s: the file %v", l.path(file.Text()), err)
		}
	}
	if ca := v.Get("ca_file"); ca.IsSet() {
		h.Roots = x509.NewCertPool()
		if data, path, ok := l.pem(ca, noWrite); ok && !h.Roots.AppendCertsFromPEM(data) {
			l.errorAt(ca, "certificates in PEM: -----BEGIN CERTIFICATE-----", "%s: there is no certificate in it",
				path)
		}
	}
}

// hookProgram checks the program of a command: it must exist, and nobody else may be able to change it.
func (l *loader) hookProgram(v *schema.Value, path string) {
	if !filepath.IsAbs(path) {
		l.errorAt(v, "write the whole path of the program", "%q is no absolute path", path)
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		l.errorAt(v, "name a program that the user of the daemon may run", "%s: %s", path, schema.Reason(err))
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		l.errorAt(v, "chmod 755 "+path, "%s: is no program", path)
	default:
		l.trust(v, path, accessOf(info), noWrite)
	}
}

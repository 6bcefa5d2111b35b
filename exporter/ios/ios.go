// Package ios prints a configuration of ringback as the running configuration of a Cisco access server: users, chat
// scripts, lines, AAA, RADIUS and TACACS+ servers, PPP and callbacks. What IOS cannot say is a comment with the reason.
package ios

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/schema"
)

// Options are what the printed text has.
type Options struct {
	Secrets bool // passwords, keys, hashes, and chat scripts that may have one
}

// exporter prints one configuration.
type exporter struct {
	b     strings.Builder
	v     *schema.Value // of the file
	cfg   *config.Config
	o     Options
	said  map[string]bool // paths of keys that were printed
	notes []string        // about what was printed, or was not
}

// Export prints the configuration cfg, which is that of the file with the values v. Every key of the file is a command
// or a comment.
func Export(v *schema.Value, cfg *config.Config, o Options) string {
	e := &exporter{v: v, cfg: cfg, o: o, said: map[string]bool{}}
	e.comment("Printed by ringback export ios from " + cfg.File + ".")
	if !o.Secrets {
		e.comment("Passwords, keys and hashes are left out; --secrets prints them.")
	}
	e.line("!")
	e.global()
	e.aaa()
	e.users()
	e.scripts()
	e.ppp()
	e.lines()
	e.banner()
	e.rest()
	e.line("end")
	return e.b.String()
}

func (e *exporter) line(format string, args ...any) { fmt.Fprintf(&e.b, format+"\n", args...) }

// comment prints text as a comment; what comes from the file cannot end it.
func (e *exporter) comment(text string) { e.b.WriteString("! " + printable(text) + "\n") }

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// say marks keys as printed, and returns the last one.
func (e *exporter) say(all ...*schema.Value) (last *schema.Value) {
	for _, v := range all {
		if v.IsSet() {
			e.said[v.Path] = true
			last = v
		}
	}
	return last
}

// note adds a comment about a key that is not, or not wholly, printed.
func (e *exporter) note(v *schema.Value, why string) {
	e.say(v)
	e.notes = append(e.notes, v.Path+": "+why)
}

// word reports whether a text can be one word of a command.
func word(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '?' })
}

// get returns a key of the file.
func (e *exporter) get(names ...string) *schema.Value { return e.v.Get(names...) }

// global prints what is about the whole access server.
func (e *exporter) global() {
	if v := e.get("hostname"); v.IsSet() {
		e.say(v)
		e.line("hostname %s", v.Text())
	}
	if v := e.get("exec", "callback"); v.Bool(true) {
		e.say(v)
		e.line("service exec-callback")
	} else {
		e.say(v)
		e.line("no service exec-callback")
	}
	e.enable()
}

func (e *exporter) enable() {
	file, hash := e.get("enable", "password_file"), e.get("enable", "password_hash")
	switch {
	case e.cfg.Enable == nil:
	case !e.o.Secrets && file.IsSet():
		e.note(file, "enable password, not shown")
	case !e.o.Secrets:
		e.note(hash, "enable secret, not shown")
	case file.IsSet():
		e.note(file, "the password is in a file: write `enable secret` on the router")
	default:
		if text, ok := iosHash(hash.Text()); ok {
			e.say(hash)
			e.line("enable secret %s", text)
		} else {
			e.note(hash, "IOS has no bcrypt and no argon2id: set the password again")
		}
	}
}

// iosHash is `TYPE HASH` of a hash that IOS has.
func iosHash(h string) (string, bool) {
	for _, kind := range []string{"5", "8", "9"} {
		text := strings.TrimPrefix(h, kind+" ")
		if strings.HasPrefix(text, map[string]string{"5": "$1$", "8": "$8$", "9": "$9$"}[kind]) {
			return kind + " " + text, true
		}
	}
	return "", false
}

// users prints the local users.
func (e *exporter) users() {
	values := e.get("users").Items()
	done := map[string]bool{}
	for i, u := range e.cfg.Users {
		v := values[i]
		name, cb := v.Get("name"), v.Get("callback")
		switch {
		case !word(u.Name):
			e.note(name, "IOS has no user with such a name")
			continue
		case done[u.Name]:
			e.note(name, "IOS has one user of a name, with one password and one callback for all services")
			continue
		}
		done[u.Name] = true
		e.say(name)
		command := "username " + u.Name
		if p := v.Get("priv_lvl"); u.PrivLevel > 1 {
			e.say(p)
			command += fmt.Sprintf(" privilege %d", u.PrivLevel)
		} else {
			e.say(p)
		}
		if cb.IsSet() {
			command += e.callback(cb, u.Callback.Dialstring.Value())
		}
		if password := e.password(v, string(u.Password), u.PasswordHash); password != "" {
			e.line("%s%s", command, password)
		} else { // on a router, without one, anyone could log in as this user
			e.comment(command + ": the password is missing")
		}
	}
}

// callback is the callback of a user; number is the first one.
func (e *exporter) callback(cb *schema.Value, number string) (options string) {
	if p := cb.Get("place"); p.IsSet() {
		number, _ = e.place(p.Text())
		e.note(p, "IOS has no places: the number is that of the place")
	}
	if l := cb.Get("numbers"); len(l.Items()) > 1 {
		e.note(l, "IOS has one number of a user: the first")
	}
	e.say(cb.Get("dialstring"), cb.Get("numbers"))
	options = fmt.Sprintf(" callback-dialstring %q", number)
	if v := cb.Get("line"); v.IsSet() {
		e.say(v)
		options += " callback-line " + strings.ReplaceAll(v.Text(), "-", " ")
	}
	if v := cb.Get("rotary"); v.IsSet() {
		e.say(v)
		options += fmt.Sprintf(" callback-rotary %d", v.Int())
	}
	if v := cb.Get("no_verify"); v.Bool(false) {
		e.say(v)
		options += " nocallback-verify"
	} else {
		e.say(v)
	}
	return options
}

// place returns the number of a place.
func (e *exporter) place(name string) (string, bool) {
	for _, p := range e.get("places").Items() {
		if p.Get("name").Text() == name {
			return p.Get("number").Text(), true
		}
	}
	return "", false
}

// password is the end of a username command.
func (e *exporter) password(v *schema.Value, plain, hash string) string {
	own := v.Get("name") // of a user whose password is in passwords_file
	if key := e.say(v.Get("password_file"), v.Get("password_hash")); key.IsSet() {
		own = key
	}
	text, ok := iosHash(hash)
	switch {
	case hash != "" && !ok:
		e.notes = append(e.notes, own.Path+": IOS has no bcrypt and no argon2id: set the password again")
	case !e.o.Secrets:
		e.notes = append(e.notes, own.Path+": the password is not shown")
	case hash != "":
		return " secret " + text
	case !word(plain):
		e.notes = append(e.notes, own.Path+": IOS has no password with blanks or other than ASCII: set another one")
	default:
		return " password 0 " + plain
	}
	return ""
}

// scripts prints the chat scripts. One that talks to a host may have a password, and a dial command a PIN.
func (e *exporter) scripts() {
	for _, v := range e.get("chat_scripts").Items() {
		name, text := v.Get("name"), v.Get("script")
		switch {
		case !word(name.Text()) || strings.ContainsAny(text.Text(), "\r\n"):
			e.note(name, "IOS has no chat script with such a name, or of several lines")
		case !e.o.Secrets && !e.public(name.Text()):
			e.note(name, "the chat script may have a password or a PIN, and is not shown")
		default:
			e.say(name)
			e.line("chat-script %s %s", name.Text(), text.Text())
		}
		e.say(text)
	}
}

// public reports whether a script sends nothing but commands of a modem, without a long number.
func (e *exporter) public(name string) bool {
	for _, s := range e.cfg.Scripts {
		if s.Name == name {
			return s.Public()
		}
	}
	return false
}

// banner prints the banner.
func (e *exporter) banner() {
	v := e.get("banner")
	switch {
	case !v.IsSet():
	case strings.Contains(v.Text(), "^C") || strings.Contains(v.Text(), "\x03"):
		e.note(v, "it has the delimiter ^C")
	default:
		e.say(v)
		e.line("banner motd ^C%s^C", v.Text())
	}
}

// minutes is a duration in whole minutes.
func minutes(d time.Duration) (int, bool) { return int(d / time.Minute), d%time.Minute == 0 }

// seconds is a duration in whole seconds.
func seconds(d time.Duration) (int, bool) { return int(d / time.Second), d%time.Second == 0 }

package config

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/schema"
)

// noVerify returns the first group whose policy allows callbacks of the EXEC without a second login; "" for none.
func (l *loader) noVerify() string {
	if !l.site.Callback[aaa.EXEC] {
		return ""
	}
	for _, g := range l.cfg.Policies.Groups() {
		if p, _ := l.cfg.Policies.Group(g); p.NoVerify {
			return g
		}
	}
	return ""
}

// untrusted warns of a policy that allows no_verify if every line requires the second login.
func (l *loader) untrusted() {
	g := l.noVerify()
	if g == "" || !l.cfg.anyLine((*Line).dials) ||
		l.cfg.anyLine(func(line *Line) bool { return line.dials() && line.Trusted() }) {
		return
	}
	l.problem(Problem{File: filepath.Join(l.cfg.PoliciesDir, g+".yaml"), Key: "no_verify", Severity: schema.Warning,
		Hint: hintUntrusted,
		Msg:  "allow: no line that dials has modem signals, so the second login is still required"})
}

const hintUntrusted = "use serial or rfc2217 ports, or accept the risk with insecure_signals: true on the lines"

// crossNoVerify checks a local user with no_verify against the lines that may call them back: these must
// include a line other than the called one, where a caller that never hangs up would take the call, and a line
// with a trusted modem.
func (l *loader) crossNoVerify(at *schema.Value, u aaa.User) {
	want := lines.Want{TTYs: u.Callback.Lines, Rotary: lines.NoRotary, NoVerify: true}
	if u.Callback.Rotary != nil {
		want.Rotary = *u.Callback.Rotary
	}
	key := fmt.Sprint(want.Rotary, want.TTYs) // most users have the same
	o, ok := l.omitted[key]
	if !ok {
		o = l.cfg.omit(want)
		if l.omitted == nil {
			l.omitted = map[string]omitted{}
		}
		l.omitted[key] = o
	}
	switch {
	case o.itself != 0:
		l.errorAt(at, "name another line too, or accept it with callback: {same_line_no_verify: true} on the line",
			"user %q: tty %d is called back by itself: a caller that never hangs up would be admitted without "+
				"the second login", u.Name, o.itself)
	case !o.trusted:
		l.warnAt(at, hintUntrusted, "user %q must still log in again: no line that may call back has modem "+
			"signals", u.Name)
	}
}

// omitted is what may happen when users are called back without the second login.
type omitted struct {
	itself  int  // the first line that calls itself back, although it must not; 0: none
	trusted bool // a line with a trusted modem may call back
}

// omit finds out which lines call back for a want, whichever line was called.
func (c *Config) omit(want lines.Want) (o omitted) {
	// Called lines that differ only in their numbers have the same answer, unless the want names them; a rotary may
	// have thousands.
	type kind struct {
		rotary            int
		modem             lines.ModemMode
		trusted, sameLine bool
	}
	seen, all := map[kind]bool{}, c.idle()
	for i := range c.Lines {
		called := &c.Lines[i]
		k := kind{called.Rotary, called.Modem, called.Trusted(), called.SameLine}
		asked := slices.Contains(want.TTYs, called.TTY)
		if called.Modem == lines.CallOut || seen[k] && !asked {
			continue
		}
		seen[k] = seen[k] || !asked
		want.Called = called.TTY
		may, err := lines.Choose(want, all)
		if err != nil {
			continue
		}
		o.trusted = o.trusted || slices.ContainsFunc(may, func(tty int) bool { return c.line(tty).Trusted() })
		// If the user names no line, rotaries has reported it.
		if named := len(want.TTYs) > 0 || want.Rotary != lines.NoRotary; named && !called.SameLine &&
			slices.Equal(may, []int{called.TTY}) {
			o.itself = called.TTY
			return o
		}
	}
	return o
}

package config

import (
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
	dials := func(line Line) bool { return line.Modem != lines.CallIn }
	if g == "" || !slices.ContainsFunc(l.cfg.Lines, dials) ||
		slices.ContainsFunc(l.cfg.Lines, func(line Line) bool { return dials(line) && line.Trusted() }) {
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
	trusted, all := false, l.cfg.idle()
	for _, called := range l.cfg.Lines {
		want.Called = called.TTY
		may, err := lines.Choose(want, all)
		if called.Modem == lines.CallOut || err != nil {
			continue
		}
		trusted = trusted || slices.ContainsFunc(may, func(tty int) bool { return l.cfg.line(tty).Trusted() })
		// If the user names no line, rotaries has reported it.
		if named := len(want.TTYs) > 0 || u.Callback.Rotary != nil; named && slices.Equal(may, []int{called.TTY}) &&
			!called.SameLine {
			l.errorAt(at, "name another line too, or accept it with callback: {same_line_no_verify: true} on the line",
				"user %q: tty %d is called back by itself: a caller that never hangs up would be admitted without "+
					"the second login", u.Name, called.TTY)
			return
		}
	}
	if !trusted {
		l.warnAt(at, hintUntrusted, "user %q must still log in again: no line that may call back has modem "+
			"signals", u.Name)
	}
}

package config

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ringback/ringback/aaa"
)

// onRing reports policies with callback_on_ring: allow that cannot take effect: no line asks AAA about ringing calls,
// or the method that is asked is in no list of such a line, so that nobody could log in when called back.
func (l *loader) onRing() {
	if l.broken("aaa.call_check") || l.broken("lines") {
		return
	}
	for _, g := range l.cfg.Policies.Groups() {
		if p, _ := l.cfg.Policies.Group(g); !p.OnRing {
			continue
		}
		if why, mend := l.unringable(); why != "" {
			l.problem(Problem{File: filepath.Join(l.cfg.PoliciesDir, g+".yaml"), Key: "callback_on_ring",
				Msg: "allow: " + why, Hint: mend})
		}
	}
}

// unringable returns what keeps a call that rings from being called back, and how to mend it.
func (l *loader) unringable() (why, mend string) {
	method, screened := l.cfg.CallCheck.Method, false
	for _, line := range l.cfg.Lines {
		if !line.CallCheck {
			continue
		}
		screened = true
		if !l.asks(line, aaa.EXEC, method) && !l.asks(line, aaa.PPP, method) {
			return fmt.Sprintf("aaa.call_check asks %s, and no login list of tty %d does, so nobody could log in when "+
				"called back", method, line.TTY), "add " + method + " to the line's list"
		}
	}
	if !screened {
		return "no line has call_check, so no call is checked while it rings", "write call_check: true on the lines"
	}
	return "", ""
}

// asks reports whether the line's list that authenticates users of a service has a method.
func (l *loader) asks(line Line, s aaa.Service, method string) bool {
	kind, _ := KindOf(Authentication, s)
	list, _ := l.cfg.Lists.Find(kind.Name, line.Lists.Of(kind.Name))
	return slices.Contains(list.Methods, method)
}

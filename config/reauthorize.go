package config

import (
	"fmt"
	"path/filepath"

	"github.com/ringback/ringback/aaa"
)

// reauthorize rejects policies with reauthorize: before_dial if AAA cannot be asked again: RADIUS authorizes
// only with a login, and answers without a password only if a Call-Check is configured.
func (l *loader) reauthorize() {
	if l.cfg.CallCheck.Method != "" {
		return
	}
	asked := l.authorizedByRADIUS()
	if asked == "" {
		return
	}
	for _, g := range l.cfg.Policies.Groups() {
		if p, _ := l.cfg.Policies.Group(g); !p.Reauthorize {
			continue
		}
		l.problem(Problem{File: filepath.Join(l.cfg.PoliciesDir, g+".yaml"), Key: "reauthorize",
			Msg:  fmt.Sprintf("before_dial: %s, and RADIUS cannot authorize without a login", asked),
			Hint: "configure Call-Check: aaa: {call_check: {method: radius}}; or write reauthorize: never"})
	}
}

// authorizedByRADIUS returns a text naming the list that lets RADIUS authorize an EXEC session; "" if there is
// none.
func (l *loader) authorizedByRADIUS() string {
	for _, line := range l.cfg.Lines {
		kind, _ := KindOf(Authorization, aaa.EXEC)
		list, ok := l.cfg.Lists.Find(kind.Name, line.Lists.Of(kind.Name))
		if !ok { // the method that authenticated the user also authorizes
			kind, _ = KindOf(Authentication, aaa.EXEC)
			list, _ = l.cfg.Lists.Find(kind.Name, line.Lists.Of(kind.Name))
		}
		for _, m := range list.Methods {
			if l.cfg.Protocol(m) == MethodRADIUS {
				return fmt.Sprintf("list %s of %s, used by tty %d, asks %s", list.Name, kind.Name, line.TTY, m)
			}
		}
	}
	return ""
}

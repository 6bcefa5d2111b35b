package api

import (
	"cmp"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
)

// lineUsers knows whose call or callback a line has, from the events of the broker and from the logins that are tried.
// What it knows of a line ends with the call, or when the callback gives the line back, so it has at most one entry for
// each line in use. It is safe for concurrent use; the zero value is usable.
type lineUsers struct {
	mu     sync.Mutex
	lines  map[int]lineUser // by TTY
	leased map[string]int   // the line that a callback has for its next call, by the callback's ID
}

// lineUser is what is known of a line.
type lineUser struct {
	user     string // who has logged in, or is called back; "" unknown
	tried    string // the name of the login that is tried, or of the last one that failed
	shown    string // tried, as it may be shown: it may be a password
	callback string // has leased the line; "" once the call is up
}

// take learns from an event.
func (l *lineUsers) take(e events.Event) {
	switch e := e.(type) {
	case events.CallBegan:
		if e.Callback == "" { // otherwise Connected has told the user
			l.set(e.Line, lineUser{})
		}
	case events.Connected:
		l.free(e.Callback)
		l.set(e.Line, lineUser{user: e.User})
	case events.LoginSucceeded:
		if !e.Enable {
			l.set(e.Line, lineUser{user: e.User})
		}
	case events.SessionBegan:
		l.set(e.Line, lineUser{user: e.User})
	case events.HungUp:
		l.set(e.Line, lineUser{})
	case events.LineRequested:
		l.free(e.Callback)
	case events.LineChosen:
		l.lease(e.Line, lineUser{user: e.User, callback: e.Callback})
	case events.NoLine:
		l.free(e.Callback)
	case events.Waiting:
		l.lease(e.Line, lineUser{user: e.User, callback: e.Callback})
	case events.Dialing:
		l.lease(e.Line, lineUser{user: e.User, callback: e.Callback})
	case events.CallbackEnded:
		l.free(e.Callback)
	}
}

// try learns the name with which a login is tried on a line; "": none. shown is the name as it may be shown.
func (l *lineUsers) try(tty int, name, shown string) {
	if len(name) > aaa.MaxUser { // no user has it, and no condition can name it
		name, shown = "", ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.lines[tty]
	u.tried, u.shown = name, shown
	l.setLocked(tty, u)
}

// lease learns that a callback has a line, and no other; tty 0: none.
func (l *lineUsers) lease(tty int, u lineUser) {
	l.free(u.callback)
	if tty == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leased == nil {
		l.leased = map[string]int{}
	}
	l.leased[u.callback] = tty
	l.setLocked(tty, u)
}

// free forgets the line that a callback has leased.
func (l *lineUsers) free(callback string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tty, ok := l.leased[callback]
	if !ok {
		return
	}
	delete(l.leased, callback)
	if l.lines[tty].callback == callback {
		delete(l.lines, tty)
	}
}

func (l *lineUsers) set(tty int, u lineUser) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setLocked(tty, u)
}

func (l *lineUsers) setLocked(tty int, u lineUser) {
	if u == (lineUser{}) {
		delete(l.lines, tty)
		return
	}
	if l.lines == nil {
		l.lines = map[int]lineUser{}
	}
	l.lines[tty] = u
}

// subject is what a line of debug output is about: a line, and the users that a condition may name. Both are not the
// same on leg two while somebody else than the user who is called back tries to log in.
type subject struct {
	tty         int
	user, tried string
	shown       string // the user, as it may be shown
}

// of returns the subject of what happens on a line.
func (l *lineUsers) of(tty int) subject {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.lines[tty]
	return subject{tty, u.user, u.tried, cmp.Or(u.user, u.shown)}
}

// named returns the subject of what is about a user, shown as this name. What is about the login that is tried on a
// line belongs to the user of the line too.
func (l *lineUsers) named(tty int, user, shown string) subject {
	s := l.of(tty)
	if s.tried != user {
		s.user = ""
	}
	return subject{tty, s.user, user, shown}
}

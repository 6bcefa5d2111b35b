package methods

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
)

// Method returns the authentication method for an entry of a method list.
func (m *Set) Method(name string) (aaa.Method, error) {
	switch name {
	case config.MethodLocal:
		return m.local, nil
	case config.MethodNone:
		return aaa.None{}, nil
	case config.MethodEnable:
		if m.cfg.Enable == nil {
			return nil, errors.New("method enable: there is no enable password")
		}
		return *m.cfg.Enable, nil
	}
	if c := m.radius[name]; c != nil {
		return radiusMethod{c, m.brought(name)}, nil
	}
	if c := m.tacacs[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("method %s: no server is configured for it (aaa.radius, aaa.tacacs)", name)
}

// authorizer returns the authorization method for an entry of a method list.
func (m *Set) authorizer(name string) (aaa.Authorizer, error) {
	if name == config.MethodIfAuthenticated {
		return aaa.IfAuthenticated{}, nil
	}
	method, err := m.Method(name)
	if err != nil {
		return nil, err
	}
	a, ok := method.(aaa.Authorizer)
	if !ok {
		return nil, fmt.Errorf("method %s cannot authorize", name)
	}
	return a, nil
}

// radiusMethod is a group of RADIUS servers as an authentication and authorization method.
type radiusMethod struct {
	*radius.Client
	aaa.Brought
}

// Name returns the method-list entry.
func (r radiusMethod) Name() string { return r.Client.Name() }

func (m *Set) brought(name string) aaa.Brought {
	b := aaa.Brought{Entry: name}
	if c := m.radius[m.cfg.CallCheck.Method]; c != nil {
		b.Lookup = func(ctx context.Context, r aaa.Request) aaa.Result {
			r.Entry = "" // names the method that authenticated the user; a lookup authenticates nobody
			r.Password = m.cfg.CallCheck.Password
			return c.CallCheck(ctx, r)
		}
	}
	return b
}

// Lines returns the broker's records of the configured lines, by TTY, and of lines that are leaving: these keep their
// lists as long as a call or a callback may need them. A line that is used and whose lists are gone is an error.
func (m *Set) Lines(leaving []config.Line, used map[int]bool) (map[int]broker.Line, error) {
	out := make(map[int]broker.Line, len(m.cfg.Lines)+len(leaving))
	logins := map[string]broker.Login{} // shared by lines that name the same lists
	add := func(l *config.Line) error {
		names := l.Lists.String()
		login := logins[names]
		if login == nil {
			var err error
			if login, err = m.Login(*l); err != nil {
				return fmt.Errorf("tty %d: %w", l.TTY, err)
			}
			logins[names] = login
		}
		line := l.Line
		line.Login = login
		out[l.TTY] = line
		return nil
	}
	for _, l := range leaving {
		err := m.has(l)
		if err == nil {
			err = add(&l)
		}
		if err != nil && used[l.TTY] {
			return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
		}
	}
	for i := range m.cfg.Lines {
		if err := add(&m.cfg.Lines[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Listener returns the broker's record of the sessions of a listener.
func (m *Set) Listener(l config.Listener) (broker.Line, error) {
	login, err := m.Login(config.Line{Lists: l.Lists})
	if err != nil {
		return broker.Line{}, fmt.Errorf("listen: %s: %w", l.Address, err)
	}
	return broker.Line{Login: login, Accounting: l.Lists.Of(config.AccountingLists)}, nil
}

// has returns an error if a list that a line names does not exist. Otherwise the line would use another list,
// or none, even if that list only restricts.
func (m *Set) has(l config.Line) error {
	for _, k := range config.ListKinds {
		if name := l.Lists.Of(k.Name); !k.Serves(m.cfg.Lists, name) {
			return fmt.Errorf("there is no %s list %q, which the line uses until its calls and callbacks have "+
				"ended (aaa.lists.%s)",
				k.Name, name, k.Name)
		}
	}
	return nil
}

// Login returns the method lists that a line names.
func (m *Set) Login(l config.Line) (aaa.Login, error) {
	out := aaa.Login{Authentication: aaa.Lists{}, Authorization: aaa.AuthorizationLists{}}
	var errs []error
	for _, k := range config.ListKinds {
		for _, service := range k.Services {
			var err error
			switch k.Purpose {
			case config.Authentication:
				out.Authentication[service], err = m.authentication(k.Name, l.Lists.Of(k.Name))
			case config.Authorization:
				out.Authorization[service], err = m.authorization(k.Name, l.Lists.Of(k.Name))
			}
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

// authentication returns the list with this name; a list that does not exist rejects every user.
func (m *Set) authentication(kind, name string) (aaa.List, error) {
	l, _ := m.cfg.Lists.Find(kind, name)
	out := aaa.List{Name: name, Silent: m.silent}
	for _, entry := range l.Methods {
		method, err := m.Method(entry)
		if err != nil {
			return aaa.List{}, fmt.Errorf("list %s: %w", l.Name, err)
		}
		out.Entries = append(out.Entries, method)
	}
	return out, nil
}

// authorization returns the list with this name; a list that does not exist has no entries.
func (m *Set) authorization(kind, name string) (aaa.AuthorizationList, error) {
	l, _ := m.cfg.Lists.Find(kind, name)
	out := aaa.AuthorizationList{Name: name, Silent: m.silent}
	for _, entry := range l.Methods {
		a, err := m.authorizer(entry)
		if err != nil {
			return aaa.AuthorizationList{}, fmt.Errorf("list %s: %w", l.Name, err)
		}
		out.Entries = append(out.Entries, a)
	}
	return out, nil
}

func named(name string) string {
	if name == "" {
		return "default"
	}
	return name
}

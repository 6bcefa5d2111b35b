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

// Method is what authenticates by a name of a list.
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

// authorizer is what authorizes by a name of a list.
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
		return nil, fmt.Errorf("method %s authorizes nobody", name)
	}
	return a, nil
}

// radiusMethod is a group of RADIUS servers as login method and as authorizer.
type radiusMethod struct {
	*radius.Client
	aaa.Brought
}

// Name is the method-list entry.
func (r radiusMethod) Name() string { return r.Client.Name() }

func (m *Set) brought(name string) aaa.Brought {
	b := aaa.Brought{Entry: name}
	if c := m.radius[m.cfg.CallCheck.Method]; c != nil {
		b.Lookup = func(ctx context.Context, r aaa.Request) aaa.Result {
			r.Entry = "" // it says who proved the user; a lookup proves nobody
			r.Password = m.cfg.CallCheck.Password
			return c.CallCheck(ctx, r)
		}
	}
	return b
}

// Lines are the broker's records of the lines that run, by TTY. A reload gives a line a new one; a line that the
// configuration has no more runs until the restart, as it was.
func (m *Set) Lines(running []config.Line) (map[int]broker.Line, error) {
	configured := map[int]config.Line{}
	for _, l := range m.cfg.Lines {
		configured[l.TTY] = l
	}
	out := map[int]broker.Line{}
	logins := map[string]broker.Login{} // lines that name the same lists share them
	for _, l := range running {
		if now, ok := configured[l.TTY]; ok {
			l = now
		} else if err := m.has(l); err != nil {
			return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
		}
		names := l.Lists.String()
		if l.Login = logins[names]; l.Login == nil {
			login, err := m.Login(l)
			if err != nil {
				return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
			}
			l.Login, logins[names] = login, login
		}
		out[l.TTY] = l.Line
	}
	return out, nil
}

// has says which list that a line names is not there. Without it the line would go by another, or, where a list takes
// away, by none.
func (m *Set) has(l config.Line) error {
	for _, k := range config.ListKinds {
		if name := l.Lists.Of(k.Name); !k.Serves(m.cfg.Lists, name) {
			return fmt.Errorf("there is no %s list %q any more, which the line names until the restart (aaa.lists.%s)",
				k.Name, name, k.Name)
		}
	}
	return nil
}

// Login is the method lists that a line names.
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

// authentication makes a list of its name; one that is not there lets nobody in.
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

// authorization makes a list of its name; one that is not there has no entries.
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

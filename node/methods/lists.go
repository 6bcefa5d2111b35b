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

// Lines returns the broker's records of the running lines, by TTY. A configured line gets its new record; a
// line that was removed from the configuration runs unchanged until the restart.
func (m *Set) Lines(running []config.Line) (map[int]broker.Line, error) {
	configured := map[int]config.Line{}
	for _, l := range m.cfg.Lines {
		configured[l.TTY] = l
	}
	out := map[int]broker.Line{}
	logins := map[string]broker.Login{} // shared by lines that name the same lists
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

// has returns an error if a list that a line names does not exist. Otherwise the line would use another list,
// or none, even if that list only restricts.
func (m *Set) has(l config.Line) error {
	for _, k := range config.ListKinds {
		if name := l.Lists.Of(k.Name); !k.Serves(m.cfg.Lists, name) {
			return fmt.Errorf("there is no %s list %q, which the line uses until the restart (aaa.lists.%s)",
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

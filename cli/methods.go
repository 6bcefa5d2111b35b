package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
)

// methods are what the method lists of one configuration ask: its AAA clients and its local users.
type methods struct {
	cfg    *config.Config
	local  *aaa.Local
	radius map[string]*radius.Client // by method; MethodRADIUS has all servers and owns their sockets
	tacacs map[string]*tacplus.Entry // likewise
	all    *tacplus.Client           // owns their connections; nil: there are none
	silent func(entry, user, reason string)
}

// packet is one packet, or a remark, of either protocol, its secrets masked.
type packet struct {
	Protocol string   `json:"protocol"` // radius or tacacs
	Server   string   `json:"server"`
	Sent     bool     `json:"sent"`             // by us
	Remark   bool     `json:"remark,omitempty"` // no packet: what became of one, or of the server
	What     string   `json:"what"`
	Lines    []string `json:"lines,omitempty"`
}

// newMethods makes the clients of a configuration; old is what they take over of the state of those in force, nil nothing. trace gets each packet,
// silent why an entry gave no answer.
func newMethods(cfg *config.Config, old *methods, trace func(packet), silent func(entry, user, reason string)) (*methods, error) {
	m := &methods{cfg: cfg, silent: silent, radius: map[string]*radius.Client{}, tacacs: map[string]*tacplus.Entry{}}
	var err error
	if m.local, err = aaa.NewLocal(cfg.Users); err != nil {
		return nil, err
	}
	if err := errors.Join(m.openRADIUS(old, trace), m.openTACACS(old, trace)); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *methods) openRADIUS(old *methods, trace func(packet)) error {
	if len(m.cfg.RADIUS.Servers) == 0 {
		return nil
	}
	c := m.cfg.RADIUS
	c.Trace = func(e radius.Event) { trace(packet{config.MethodRADIUS, e.Server, e.Sent, e.Remark, e.What, e.Lines}) }
	if old != nil {
		c.From = old.radius[config.MethodRADIUS]
	}
	all, err := radius.New(c)
	if err != nil {
		return err
	}
	m.radius[config.MethodRADIUS] = all
	for _, g := range m.cfg.Groups {
		if g.Method != config.MethodRADIUS {
			continue
		}
		group := all.Group
		if g.Balance {
			group = all.BalancedGroup
		}
		if m.radius[g.Name], err = group(g.Name, g.Servers...); err != nil {
			return err
		}
	}
	return nil
}

func (m *methods) openTACACS(old *methods, trace func(packet)) error {
	if len(m.cfg.TACACS.Servers) == 0 {
		return nil
	}
	c := m.cfg.TACACS
	c.Trace = func(e tacplus.Event) { trace(packet{config.MethodTACACS, e.Server, e.Sent, e.Remark, e.What, e.Lines}) }
	if old != nil {
		c.From = old.all
	}
	all, err := tacplus.New(c)
	if err != nil {
		return err
	}
	m.all, m.tacacs[config.MethodTACACS] = all, all.Entry
	for _, g := range m.cfg.Groups {
		if g.Method != config.MethodTACACS {
			continue
		}
		if m.tacacs[g.Name], err = all.Group(g.Name, g.Servers...); err != nil {
			return err
		}
	}
	return nil
}

// retire lets go of the clients: what is under way with them still comes to its end.
func (m *methods) retire() {
	if c := m.radius[config.MethodRADIUS]; c != nil {
		c.Retire()
	}
	if m.all != nil {
		m.all.Retire()
	}
}

// close ends them at once.
func (m *methods) close() {
	if c := m.radius[config.MethodRADIUS]; c != nil {
		c.Close()
	}
	if m.all != nil {
		m.all.Close()
	}
}

// method is what authenticates by a name of a list.
func (m *methods) method(name string) (aaa.Method, error) {
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
func (m *methods) authorizer(name string) (aaa.Authorizer, error) {
	if name == config.MethodIfAuthenticated {
		return aaa.IfAuthenticated{}, nil
	}
	method, err := m.method(name)
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

func (m *methods) brought(name string) aaa.Brought {
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

// logins are the method lists of each line, by TTY. The lines are those that run: a reload changes what their lists say, not which they name.
func (m *methods) logins(running []config.Line) (map[int]broker.Login, error) {
	out := map[int]broker.Login{}
	for _, l := range running {
		if err := m.has(l.Config); err != nil {
			return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
		}
		login, err := m.login(l.Config)
		if err != nil {
			return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
		}
		out[l.TTY] = login
	}
	return out, nil
}

// has says which list that a line names is not there. Without it the line would go by another, or, where a list takes away, by none.
func (m *methods) has(l lines.Config) error {
	have := m.cfg.Lists
	var accounting []config.MethodList
	for _, a := range have.Accounting {
		accounting = append(accounting, config.MethodList{Name: a.Name})
	}
	for _, need := range []struct {
		kind, name string
		lists      []config.MethodList
	}{
		{"login", named(l.Login), have.Login}, {"enable", l.AAA.Enable, have.Enable}, {"ppp", l.AAA.PPP, have.PPP}, {"exec", l.AAA.EXEC, have.EXEC},
		{"network", l.AAA.Network, have.Network}, {"commands", l.AAA.Commands, have.Commands}, {"accounting", l.AAA.Accounting, accounting},
	} {
		if _, ok := config.Find(need.lists, need.name); !ok && (need.kind == "login" || named(need.name) != named("")) {
			return fmt.Errorf("there is no %s list %q any more, which the line names until the restart (aaa.lists.%s)", need.kind, need.name, need.kind)
		}
	}
	return nil
}

// login is the method lists that a line names.
func (m *methods) login(l lines.Config) (aaa.Login, error) {
	have := m.cfg.Lists
	var errs [6]error
	out := aaa.Login{Authentication: aaa.Lists{}, Authorization: aaa.AuthorizationLists{}}
	out.Authentication[aaa.EXEC], errs[0] = m.authentication(have.Login, l.Login)
	out.Authentication[aaa.PPP], errs[1] = m.authentication(have.PPP, l.AAA.PPP)
	out.Authentication[aaa.Enable], errs[2] = m.authentication(have.Enable, l.AAA.Enable)
	out.Authorization[aaa.EXEC], errs[3] = m.authorization(have.EXEC, l.AAA.EXEC)
	out.Authorization[aaa.PPP], errs[4] = m.authorization(have.Network, l.AAA.Network)
	out.Authorization[aaa.Commands], errs[5] = m.authorization(have.Commands, l.AAA.Commands)
	return out, errors.Join(errs[:]...)
}

// authentication makes a list of its name; one that is not there lets nobody in.
func (m *methods) authentication(lists []config.MethodList, name string) (aaa.List, error) {
	l, _ := config.Find(lists, named(name))
	out := aaa.List{Name: named(name), Silent: m.silent}
	for _, entry := range l.Methods {
		method, err := m.method(entry)
		if err != nil {
			return aaa.List{}, fmt.Errorf("list %s: %w", l.Name, err)
		}
		out.Entries = append(out.Entries, method)
	}
	return out, nil
}

// authorization makes a list of its name; one that is not there has no entries.
func (m *methods) authorization(lists []config.MethodList, name string) (aaa.AuthorizationList, error) {
	l, _ := config.Find(lists, named(name))
	out := aaa.AuthorizationList{Name: named(name), Silent: m.silent}
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

// accountants are the methods of an accounting list. A record may have waited in the spool while its list went, or was told to record nothing: it is
// still to be delivered, and to nobody but those of the list `default`.
func (m *methods) accountants(list string) []string {
	for _, name := range []string{named(list), named("")} {
		for _, l := range m.cfg.Lists.Accounting {
			if l.Name == name && len(l.Methods) > 0 {
				return l.Methods
			}
		}
	}
	return nil
}

// Send implements aaa.Accountant: a record goes to the methods of its list in order, until one acknowledges it.
func (m *methods) Send(ctx context.Context, r aaa.Record) error {
	methods := m.accountants(r.List)
	if len(methods) == 0 {
		return fmt.Errorf("accounting: there is no list %q with methods any more, nor a default one: records that wait for it need one (aaa.lists.accounting)", named(r.List))
	}
	var errs []error
	for _, name := range methods {
		var a aaa.Accountant
		if c := m.radius[name]; c != nil {
			if r.Command != "" { // its list was another when it was recorded, or it is the next method's
				errs = append(errs, fmt.Errorf("accounting: %s takes no commands: RADIUS has no records of them", name))
				continue
			}
			a = c
		} else if c := m.tacacs[name]; c != nil {
			a = c
		} else {
			errs = append(errs, fmt.Errorf("accounting: there is no method %q any more", name))
			continue
		}
		err := a.Send(ctx, r)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

package methods

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
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

// lines are the broker's records of the lines that run, by TTY. A reload gives a line a new one; a line that the
// configuration has no more runs until the restart, as it was.
func (m *methods) lines(running []config.Line) (map[int]broker.Line, error) {
	configured := map[int]config.Line{}
	for _, l := range m.cfg.Lines {
		configured[l.TTY] = l
	}
	out := map[int]broker.Line{}
	for _, l := range running {
		if now, ok := configured[l.TTY]; ok {
			l = now
		} else if err := m.has(l); err != nil {
			return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
		}
		login, err := m.login(l)
		if err != nil {
			return nil, fmt.Errorf("tty %d: %w", l.TTY, err)
		}
		l.Login = login
		out[l.TTY] = l.Line
	}
	return out, nil
}

// has says which list that a line names is not there. Without it the line would go by another, or, where a list takes
// away, by none.
func (m *methods) has(l config.Line) error {
	for _, k := range config.ListKinds {
		if name := l.Lists.Of(k.Name); !k.Serves(m.cfg.Lists, name) {
			return fmt.Errorf("there is no %s list %q any more, which the line names until the restart (aaa.lists.%s)",
				k.Name, name, k.Name)
		}
	}
	return nil
}

// login is the method lists that a line names.
func (m *methods) login(l config.Line) (aaa.Login, error) {
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
func (m *methods) authentication(kind, name string) (aaa.List, error) {
	l, _ := m.cfg.Lists.Find(kind, name)
	out := aaa.List{Name: name, Silent: m.silent}
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
func (m *methods) authorization(kind, name string) (aaa.AuthorizationList, error) {
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

// accountants are the methods of an accounting list. A record may have waited in the spool while its list went, or was told to record nothing: it is
// still to be delivered, and to nobody but those of the list `default`.
func (m *methods) accountants(list string) []string {
	for _, name := range []string{named(list), named("")} {
		if l, ok := m.cfg.Lists.Find(config.AccountingLists, name); ok && len(l.Methods) > 0 {
			return l.Methods
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

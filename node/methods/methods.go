// Package methods creates the AAA clients, local users and method lists of a configuration.
package methods

import (
	"errors"
	"maps"
	"slices"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/config"
)

// Set has the AAA clients and the local users for the method lists of one configuration. Create it with New. It
// is safe for concurrent use. Retire or Close releases its sockets and connections.
type Set struct {
	cfg    *config.Config
	local  *aaa.Local
	radius map[string]*radius.Client // by method; MethodRADIUS has all servers and owns their sockets
	tacacs map[string]*tacplus.Entry // likewise
	all    *tacplus.Client           // owns their connections; nil: there are no servers
	silent func(entry, user, reason string)
}

// Packet is a packet or a remark of either protocol, with secrets masked.
type Packet struct {
	Protocol string    `json:"protocol"` // radius or tacacs
	Server   string    `json:"server"`
	Sent     bool      `json:"sent"`             // by us
	Remark   bool      `json:"remark,omitempty"` // not a packet: a text about one, or about the server
	About    aaa.About `json:"-"`
	What     string    `json:"what"`
	Lines    []string  `json:"lines,omitempty"`
}

// Options are the options of New besides the configuration.
type Options struct {
	From  *Set         // the set whose server health and connections are taken over; nil for none
	Trace func(Packet) // receives each packet and remark; called from several goroutines
	// Traced reports whether anyone reads the trace of such an exchange; nil: always
	Traced func(aaa.About) bool
	// Observe receives each exchange with a server; called from several goroutines. nil: nobody does
	Observe func(protocol string, e aaa.Exchange)
	Silent  func(entry, user, reason string) // reports why an entry gave no answer; called from several goroutines
}

func (o Options) observer(protocol string) func(aaa.Exchange) {
	if o.Observe == nil {
		return nil
	}
	return func(e aaa.Exchange) { o.Observe(protocol, e) }
}

// New creates the clients of a configuration. It sends nothing.
func New(cfg *config.Config, o Options) (*Set, error) {
	m := &Set{cfg: cfg, silent: o.Silent, radius: map[string]*radius.Client{}, tacacs: map[string]*tacplus.Entry{}}
	var err error
	if m.local, err = aaa.NewLocal(cfg.Users); err != nil {
		return nil, err
	}
	if err := errors.Join(m.openRADIUS(o), m.openTACACS(o)); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *Set) openRADIUS(o Options) error {
	if len(m.cfg.RADIUS.Servers) == 0 {
		return nil
	}
	c, trace := m.cfg.RADIUS, o.Trace // the client must not keep o.From
	c.Trace = func(e radius.Event) {
		trace(Packet{config.MethodRADIUS, e.Server, e.Sent, e.Remark, e.About, e.What, e.Lines})
	}
	c.Traced, c.Observe = o.Traced, o.observer(config.MethodRADIUS)
	if o.From != nil {
		c.From = o.From.radius[config.MethodRADIUS]
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

func (m *Set) openTACACS(o Options) error {
	if len(m.cfg.TACACS.Servers) == 0 {
		return nil
	}
	c, trace := m.cfg.TACACS, o.Trace
	c.Trace = func(e tacplus.Event) {
		trace(Packet{config.MethodTACACS, e.Server, e.Sent, e.Remark, e.About, e.What, e.Lines})
	}
	c.Traced, c.Observe = o.Traced, o.observer(config.MethodTACACS)
	if o.From != nil {
		c.From = o.From.all
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

// Hostname returns the name of the access server in this configuration.
func (m *Set) Hostname() string { return m.cfg.Hostname }

// Retire releases the clients; requests under way are still completed.
func (m *Set) Retire() {
	if c := m.radius[config.MethodRADIUS]; c != nil {
		c.Retire()
	}
	if m.all != nil {
		m.all.Retire()
	}
}

// Close ends the clients and their requests immediately.
func (m *Set) Close() {
	if c := m.radius[config.MethodRADIUS]; c != nil {
		c.Close()
	}
	if m.all != nil {
		m.all.Close()
	}
}

// Names returns the methods of the lists that ask servers, sorted.
func (m *Set) Names() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(m.radius)), maps.Keys(m.tacacs))
	slices.Sort(names)
	return names
}

// AccountingLists returns the names of the accounting lists, and "default", under which records of no list wait.
func (m *Set) AccountingLists() []string {
	names := []string{named("")}
	for _, l := range m.cfg.Lists[config.AccountingLists] {
		if l.Name != names[0] {
			names = append(names, l.Name)
		}
	}
	return names
}

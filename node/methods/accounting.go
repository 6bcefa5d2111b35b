package methods

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
)

// CallCheck asks whether a ringing call may be answered (aaa.call_check). A Granted result has the Identity that must
// log in if the user is called back instead: its User is the User-Name of the answer, "" if that has none.
func (m *Set) CallCheck(ctx context.Context, r aaa.Request) aaa.Result {
	c := m.radius[m.cfg.CallCheck.Method]
	if c == nil {
		return aaa.Result{Reason: "call check: no RADIUS method is configured (aaa.call_check)"}
	}
	r.Password = m.cfg.CallCheck.Password
	res := c.CallCheck(ctx, r)
	if res.Kind == aaa.Granted {
		res.Identity = aaa.Identity{Entry: m.cfg.CallCheck.Method, User: res.Auth.AccountingUser}
		if res.Identity.User == r.User { // a server that repeats the User-Name of the request names nobody
			res.Identity.User = ""
		}
	}
	return res
}

// accountants returns the methods of an accounting list. If the list was removed or now records nothing, the
// records that wait in the spool go to the methods of the list `default`, and to no others.
func (m *Set) accountants(list string) []string {
	for _, name := range []string{named(list), named("")} {
		if l, ok := m.cfg.Lists.Find(config.AccountingLists, name); ok && len(l.Methods) > 0 {
			return l.Methods
		}
	}
	return nil
}

// Send implements aaa.Accountant: it offers a record to the methods of its list in order, until one
// acknowledges it.
func (m *Set) Send(ctx context.Context, r aaa.Record) error {
	methods := m.accountants(r.List)
	if len(methods) == 0 {
		return fmt.Errorf("accounting: there is no list %q with methods, and no list default: "+
			"waiting records need one of them (aaa.lists.accounting)", named(r.List))
	}
	var errs []error
	for _, name := range methods {
		var a aaa.Accountant
		if c := m.radius[name]; c != nil {
			if r.Command != "" { // the list had TACACS+ when it was recorded, or a later method is TACACS+
				errs = append(errs, fmt.Errorf("accounting: %s cannot account commands: RADIUS has no records for them",
					name))
				continue
			}
			a = c
		} else if c := m.tacacs[name]; c != nil {
			a = c
		} else {
			errs = append(errs, fmt.Errorf("accounting: method %q was removed", name))
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

// AccountsAs reports whether m and other send the records of every list to the same servers.
func (m *Set) AccountsAs(other *Set) bool {
	same := func(list string) bool { return slices.Equal(m.accountingServers(list), other.accountingServers(list)) }
	for _, l := range slices.Concat(m.cfg.Lists[config.AccountingLists], other.cfg.Lists[config.AccountingLists]) {
		if !same(l.Name) {
			return false
		}
	}
	return true
}

// accountingServers returns the servers that receive a list's records, by name and address.
func (m *Set) accountingServers(list string) []string {
	var servers []string
	for _, name := range m.accountants(list) {
		members := []string(nil) // nil: all of the protocol
		for _, g := range m.cfg.Groups {
			if g.Name == name {
				members = g.Servers
			}
		}
		in := func(server string) bool { return members == nil || slices.Contains(members, server) }
		if m.cfg.Protocol(name) == config.MethodTACACS {
			for _, s := range m.cfg.TACACS.Servers {
				if in(s.Name) {
					servers = append(servers, "tacacs "+s.Name+" "+s.Address)
				}
			}
			continue
		}
		for _, s := range m.cfg.RADIUS.Servers {
			if in(s.Name) && s.Accounting != "" {
				servers = append(servers, "radius "+s.Name+" "+s.Accounting)
			}
		}
	}
	return servers
}

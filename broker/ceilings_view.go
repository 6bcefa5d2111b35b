package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// CeilingView is an account of the ledger, and the limits that are known for it.
type CeilingView struct {
	journal.Account // a window that is over is zero
	// by the configuration in force; those of users, numbers and lines are unknown, because they are of a group
	Limits []journal.Limit
	AtOnce int64 // likewise; 0: no limit
}

// Ceilings returns what is used and reserved of each user, number, group and line with limits, and of the site. In a
// fleet it is what all nodes use together; while the fleet cannot be asked, what the journal of this node has.
func (b *Broker) Ceilings(ctx context.Context) ([]CeilingView, error) {
	all, err := b.accounts(ctx)
	if err != nil && b.fleet != nil && ctx.Err() == nil {
		all, err = b.ownAccounts(ctx)
	}
	return b.limited(all), err
}

// SharedCeilings returns what is used and reserved of the site and of each group with limits, also if that is nothing.
// In a fleet it is an error if the fleet cannot be asked.
func (b *Broker) SharedCeilings(ctx context.Context) ([]CeilingView, error) {
	used, err := b.accounts(ctx, siteScope, groupScope)
	if err != nil {
		return nil, err
	}
	c := b.config.Load()
	accounts := map[string]journal.Account{} // by group; "" the site
	for _, v := range b.limited(used) {
		accounts[v.Key] = v.Account
	}
	var all []CeilingView
	add := func(scope, key string, limits []journal.Limit, atOnce int64) {
		if len(limits) > 0 || atOnce > 0 {
			v := CeilingView{Account: accounts[key], Limits: limits, AtOnce: atOnce}
			v.Scope, v.Key = scope, key
			all = append(all, v)
		}
	}
	add(siteScope, "", c.Ceilings, 0)
	for _, name := range c.Policies.Groups() {
		p, _ := c.Policies.Group(name)
		add(groupScope, name, limitsOf(p.Limits.Group), int64(p.Limits.Group.Concurrent))
	}
	return all, nil
}

// The scopes of accounts that callbacks share.
const (
	siteScope  = "site"
	groupScope = "group"
)

// accounts returns the accounts in some scopes, or all: those of the fleet if this node is not alone.
func (b *Broker) accounts(ctx context.Context, scopes ...string) ([]journal.Account, error) {
	if b.fleet != nil {
		return b.fleet.Accounts(ctx, scopes...)
	}
	return b.ownAccounts(ctx, scopes...)
}

// ownAccounts returns the accounts of the journal in some scopes, or all.
func (b *Broker) ownAccounts(ctx context.Context, scopes ...string) ([]journal.Account, error) {
	all, damaged, err := b.opt.Journal.Accounts(ctx, scopes...)
	for _, d := range damaged {
		err = errors.Join(err, fmt.Errorf("the ledger is damaged: %v (`ringback journal check`)", d))
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// limited returns accounts in their present windows, with the limits that are known.
func (b *Broker) limited(all []journal.Account) []CeilingView {
	c, now := b.config.Load(), time.Now()
	v := make([]CeilingView, 0, len(all))
	for _, a := range all {
		for i, end := range ends(a) {
			if !now.Before(end) {
				a.Windows[i] = journal.Window{}
			}
		}
		view := CeilingView{Account: a}
		switch a.Scope {
		case siteScope:
			view.Limits = c.Ceilings
		case groupScope:
			if p, ok := c.Policies.Group(a.Key); ok {
				view.Limits, view.AtOnce = limitsOf(p.Limits.Group), int64(p.Limits.Group.Concurrent)
			}
		}
		v = append(v, view)
	}
	return v
}

// ends returns when the windows of an account end, in the order of journal.Periods.
func ends(a journal.Account) [3]time.Time {
	hour, day, month := a.Windows[0].Begin, a.Windows[1].Begin.Local(), a.Windows[2].Begin.Local()
	return [3]time.Time{hour.Add(time.Hour), day.AddDate(0, 0, 1), month.AddDate(0, 1, 0)}
}

package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// givenUp is the Outcome that a journal has of a callback that another node has taken.
const givenUp = "given up"

// resumedAtOnce is how many callbacks one transaction resumes.
const resumedAtOnce = 100

// Resume implements fleet.Claims.
func (a *Authority) Resume(ctx context.Context, all []fleet.Known) ([]fleet.Standing, error) {
	incarnation, err := a.incarnation()
	if err != nil {
		return nil, err
	}
	server := a.serverSeen()
	out := make([]fleet.Standing, 0, len(all))
	asked := map[string]bool{}
	lost := 0
	for len(all) > 0 {
		some := all[:min(len(all), resumedAtOnce)]
		all = all[len(some):]
		standings, err := a.resumeSome(ctx, some, &lost)
		if err != nil {
			return nil, fmt.Errorf("resume: %w", err)
		}
		out = append(out, standings...)
		for _, k := range some {
			asked[k.ID] = true
		}
	}
	if err := a.resumeRest(ctx, asked); err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	if lost > 0 {
		a.lostCommits(fmt.Sprintf("the fleet's PostgreSQL has lost acknowledged commits: %d callbacks of this node "+
			"were missing or older there, and were written back from its journal", lost))
	}
	return out, a.resumed(ctx, incarnation, server)
}

// resumeSome resumes some callbacks: those that need nothing but a new epoch in one transaction.
func (a *Authority) resumeSome(ctx context.Context, some []fleet.Known, lost *int) ([]fleet.Standing, error) {
	ids := make([]string, len(some))
	for i, k := range some {
		ids[i] = k.ID
	}
	found, err := a.records(ctx, `id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	rows := map[string]*record{}
	for _, r := range found {
		rows[r.id] = r
	}
	done, err := a.resumeTogether(ctx, some, rows, lost)
	if err != nil {
		return nil, err
	}
	out := make([]fleet.Standing, len(some))
	for i, k := range some {
		if e := done[k.ID]; e != nil {
			out[i] = e.standing()
			continue
		}
		if out[i], err = a.resumeOne(ctx, k, lost); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// resumeTogether makes the changes of the rows that are as they were read.
func (a *Authority) resumeTogether(ctx context.Context, some []fleet.Known, rows map[string]*record, lost *int) (
	map[string]*edit, error) {
	done := map[string]*edit{}
	changed := map[string]*bool{}
	edits := map[string]*edit{}
	b := &pgx.Batch{}
	behind := 0
	for _, k := range some {
		r := rows[k.ID]
		if r == nil {
			continue
		}
		e := &edit{a: a, record: *r, was: r, mine: true, wait: true}
		if e.resume(k, &behind) != nil {
			done[k.ID] = e
			continue
		}
		e.sign()
		edits[k.ID], changed[k.ID] = e, new(bool)
		e.queue(b, changed[k.ID])
	}
	if len(edits) == 0 {
		return done, nil
	}
	if err := a.once(ctx, b); err != nil {
		return nil, err
	}
	*lost += behind
	for id, e := range edits {
		if *changed[id] {
			a.known.note(&e.record, e.mine)
			done[id] = e
		}
	}
	return done, nil
}

// resume gives the callback the state with which the node that knows k goes on. errSame: the state that it has.
func (e *edit) resume(k fleet.Known, lost *int) error {
	behind := k.Epoch > e.epoch
	switch {
	case e.ended != 0, k.Outcome == givenUp, e.holder != e.a.opt.Node && !behind:
		return errSame
	case k.Ended && !behind:
		return errSame // its end is owed, and comes under its own epoch
	case behind:
		*lost++
	}
	if k.Attempts > e.attempts && k.Attempts <= e.max && k.Open == k.Attempts && !k.Ended {
		e.open = k.Open // its row was lost, and it may be in progress
	}
	e.holder, e.mine = e.a.opt.Node, !k.Ended
	e.attempts = max(e.attempts, min(k.Attempts, e.max))
	if behind {
		e.offered = false
	}
	if e.epoch = max(e.epoch, k.Epoch); !k.Ended {
		e.epoch++
	}
	return nil
}

func (e *edit) standing() fleet.Standing {
	return fleet.Standing{Claim: fleet.Claim{ID: e.id, Epoch: e.epoch}, Holder: e.holder,
		Mine: e.ended == 0 && e.holder == e.a.opt.Node, Attempts: e.attempts, Open: e.open, Ended: moment(e.ended),
		Outcome: e.outcome, Cause: e.cause}
}

// resumeOne resumes a callback that is missing, or that others have changed meanwhile.
func (a *Authority) resumeOne(ctx context.Context, k fleet.Known, lost *int) (s fleet.Standing, err error) {
	var last *edit
	behind := 0
	err = a.change(ctx, "resumption", k.ID, func(e *edit) error {
		last, behind = e, 0
		return e.resume(k, &behind)
	})
	switch {
	case err == nil && last != nil:
		*lost += behind
		return last.standing(), nil
	case errors.Is(err, fleet.ErrForged): // never acted on
		return fleet.Standing{Claim: fleet.Claim{ID: k.ID}}, nil
	case !errors.Is(err, fleet.ErrNotFound):
		return s, err
	case k.Outcome == givenUp:
		return fleet.Standing{Claim: fleet.Claim{ID: k.ID}, Missing: true}, nil
	}
	if k.Epoch > 0 {
		*lost++
	}
	return a.writeBack(ctx, k)
}

// writeBack records a callback that the authority has lost, or that was promised without it. Its limits are not asked:
// it was promised.
func (a *Authority) writeBack(ctx context.Context, k fleet.Known) (fleet.Standing, error) {
	s := fleet.Standing{Claim: fleet.Claim{ID: k.ID}, Missing: true}
	row := k.Row
	row.Holder, row.Home, row.Format = a.opt.Node, cmp.Or(row.Home, a.opt.Node), fleet.Format
	row.Epoch, row.Offered, row.Settled = max(k.Epoch, 1), false, k.Charges == nil
	if row.Pending() {
		row.Outcome, row.Cause = "", ""
		if !k.Ended {
			row.Epoch++
		}
	}
	r, err := newRecord(row, encodeReservation(nil, journal.Amount{}))
	if err == nil {
		err = a.insertAnyway(ctx, r, k)
	}
	if err = exists(err); errors.Is(err, journal.ErrPending) {
		return s, nil // the user has another one, elsewhere: this one is the node's own
	}
	if err != nil {
		return s, fmt.Errorf("callback %s is missing and was not written back: %w", k.ID, err)
	}
	a.known.note(r, r.ended == 0)
	s = (&edit{a: a, record: *r}).standing()
	s.Missing = true
	return s, nil
}

// insertAnyway records a callback with its reservation, whatever its limits.
func (a *Authority) insertAnyway(ctx context.Context, r *record, k fleet.Known) error {
	return a.pipe(ctx, func(t *pipe) error {
		b, l := &pgx.Batch{}, a.locks()
		l.lockFor(b, k.Charges)
		if len(k.Charges) > 0 {
			if err := t.send(b); err != nil {
				return err
			}
		}
		r.reservation = encodeReservation(l.reserveAnyway(k.Charges, k.Amount, moment(r.created)), k.Amount)
		b = &pgx.Batch{}
		l.write(b)
		a.insert(b, r)
		return l.commit(t, b)
	})
}

// reserveAnyway reserves an amount in all accounts that verify, whatever their limits.
func (l *locked) reserveAnyway(charges []journal.Charge, add journal.Amount, at time.Time) (accounts []charged) {
	for _, c := range charges {
		all := slices.DeleteFunc(l.of(c.Scope, c.Key), func(s *stripe) bool { return l.a.stripeErr(s) != nil })
		if len(all) == 0 {
			continue
		}
		total(all, journal.WindowsAt(at))
		all[0].reserve(add)
		share(all, all[0].of)
		l.change(all...)
		accounts = append(accounts, all[0].at)
	}
	return accounts
}

// resumeRest ends or offers what the authority holds for this node and its journal lacks.
func (a *Authority) resumeRest(ctx context.Context, asked map[string]bool) error {
	found, err := a.records(ctx, `holder = $1 AND ended IS NULL`, a.opt.Node)
	if err != nil {
		return err
	}
	for _, r := range found {
		if asked[r.id] || a.known.holds(r.id) {
			continue
		}
		if err := a.change(ctx, "resumption", r.id, (*edit).orphan); err != nil && !errors.Is(err, fleet.ErrForged) {
			return err
		}
	}
	return a.changeAll(ctx, `holder = $1 AND ended IS NOT NULL AND NOT settled AND outcome = 'by order'`, a.opt.Node,
		func(e *edit) error {
			if e.settled || asked[e.id] || a.known.holds(e.id) {
				return errSame
			}
			e.book(journal.Settle{Callback: e.id, Time: time.Now()}) // the journal comes before the dial
			return nil
		})
}

// orphan decides what becomes of a callback that the journal of its holder lacks.
func (e *edit) orphan() error {
	now := time.Now()
	mine := e.home == e.a.opt.Node
	switch {
	case e.ended != 0, e.holder != e.a.opt.Node:
		return errSame
	case mine && e.epoch == 1 && e.attempts == 0: // its user was not told
		e.end(now, "cancelled", noRecord, &journal.Settle{Callback: e.id, Time: now})
	case !e.shared || e.open != 0:
		e.close("")
		e.end(now, "failed", noRecord, &journal.Settle{Callback: e.id, Worst: true, Time: now})
	default:
		e.offered, e.epoch, e.mine = true, e.epoch+1, false // it cannot vouch for what it does not know
		e.a.orphans.add(e.id, e.a.clock())
		e.beside = append(e.beside, func(b *pgx.Batch) { b.Queue(offeredSQL) })
	}
	return nil
}

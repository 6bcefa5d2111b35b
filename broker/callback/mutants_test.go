package callback

import (
	"slices"
	"strings"
	"testing"
)

// TestMutants: each of these machines is wrong, and a law says so.
func TestMutants(t *testing.T) {
	right := table
	defer func() { table = right }()
	change := func(on On, from Phase, do func(*rule)) func() {
		return func() {
			for i := range table {
				if r := &table[i]; r.on == on && slices.Contains(r.from, from) {
					do(r)
				}
			}
		}
	}
	drop := func(name string) func(*rule) {
		return func(r *rule) {
			r.do = slices.DeleteFunc(slices.Clone(r.do), func(a action) bool { return a.name == name })
		}
	}
	also := func(a action) func(*rule) { return func(r *rule) { r.do = append(slices.Clone(r.do), a) } }
	instead := func(to Phase, do ...action) func(*rule) { return func(r *rule) { r.to, r.do = to, do } }
	keep := func(field func(s, left *State)) action {
		return action{"keep", func(d *draft) { field(&d.s, &d.e.left) }}
	}
	for name, mutant := range map[string]struct {
		change func()
		want   string
	}{
		"dial before commit": {change("TimerFired", Waiting, func(r *rule) {
			r.do = append(slices.Clone(r.do), action{"Dial", func(d *draft) {
				d.add(Dial{Attempt: d.s.Attempt + 1, Of: d.s.Next(), Lease: d.s.Lease})
			}})
		}), "a dial outside of an attempt"},
		"dial without an attempt": {change("DenialRechecked", Waiting, drop(countAttempt.name)),
			"a dial that is not counted"},
		"dial again after the commit": {change("DialEnded", Dialing, func(r *rule) {
			if r.to == Leasing {
				r.to, r.do = same, do(dial)
			}
		}), "a dial before it is on disk"},
		"claim without the attempts": {change("Claimed", New, also(keep(func(s, _ *State) { s.Attempt = 0 }))),
			"a claim that forgets"},
		"claim with the attempt of another node": {change("Claimed", New,
			also(keep(func(s, left *State) { s.Held = left.Held }))), "a claim of what the other node had"},
		"claim of what may ring": {change("Claimed", New, func(r *rule) {
			r.when = slices.DeleteFunc(slices.Clone(r.when), func(g guard) bool { return g.name == leftWaiting.name })
		}), "a claim of a callback that may ring"},
		"claim with a short wait": {change("Claimed", New, also(keep(func(s, _ *State) { s.Again = false }))),
			"the wait runs in full"},
		"an attempt that the fleet has not counts": {change("NotNow", Waiting,
			also(action{"count", func(d *draft) { d.s.Attempt++ }})), "not on record in the fleet"},
		"the line is kept without an attempt": {change("NotNow", Waiting, drop(release.name)),
			"two requests for a line|is leased, or while another|a lease is lost"},
		"dial after a takeover":  {change("Taken", Waiting, instead(same, blameNode)), "as others have decided"},
		"admit after a takeover": {change("Taken", Answered, instead(same, blameNode)), "as others have decided"},
		"ended twice": {change("Taken", Leasing,
			also(action{"End", func(d *draft) { d.add(End{Failed, "taken"}) }})), "an end out of order"},
		"another end than that of the fleet": {change("EndedElsewhere", Leasing, func(r *rule) {
			if r.to == Expired {
				r.to = Failed
			}
		}), "an end that others have not made|as others have decided"},
		"an operator ends what others have": {change("Cancel", Dialing, func(r *rule) {
			r.when = slices.DeleteFunc(slices.Clone(r.when), func(g guard) bool { return g.name == not(decided).name })
		}), "an end that others have not made|it did not end as others"},
	} {
		t.Run(name, func(t *testing.T) {
			table = slices.Clone(right)
			mutant.change()
			_, broken := explore(9, nil)
			law, _, _ := strings.Cut(broken, "\n")
			if law == "" || !slices.ContainsFunc(strings.Split(mutant.want, "|"),
				func(want string) bool { return strings.Contains(law, want) }) {
				t.Errorf("%q, want %s", law, mutant.want)
			}
		})
	}
}

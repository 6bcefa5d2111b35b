package callback

import (
	"reflect"
	"testing"
)

// What a claim takes along, and what it must not.
func TestClaimed(t *testing.T) {
	const max = 3
	for _, tt := range []struct {
		name string
		left State
		want State // without what each claim sets
		end  string
	}{
		{"of a promise", State{ID: "cb1", Phase: Promised, Max: max}, State{ID: "cb1", Max: max}, ""},
		{"during the wait", State{ID: "cb1", Phase: Waiting, Max: max, Attempt: 1, Passed: 1, Pause: 1, NotBefore: 5,
			Delay: 4, Cause: "busy"},
			State{ID: "cb1", Max: max, Attempt: 1, Passed: 1, Pause: 1, NotBefore: 5, Delay: 4, Cause: "busy"}, ""},
		{"of an attempt that was held back", State{ID: "cb1", Phase: Leasing, Max: max, Attempt: 1, Held: true,
			HeldBack: 2}, State{ID: "cb1", Max: max, Attempt: 1, HeldBack: 2}, ""},
		{"of what the other process had", State{ID: "cb1", Phase: Leasing, Max: max, Again: true, Unproven: true,
			Overdue: true, Ending: Failed, Decided: true, Timer: Wait, TimerGen: 9, LifeGen: 8, Lease: 7, TTY: 66,
			Asked: true, Forced: true, Ready: true, Elapsed: true, Checking: true}, State{ID: "cb1", Max: max}, ""},
		{"without a dial left", State{ID: "cb1", Phase: Leasing, Max: max, Attempt: 2, Passed: 1, Cause: "busy"},
			State{ID: "cb1", Max: max, Attempt: 2, Passed: 1}, "no dial is left; last: busy"},
		{"of the last attempt, held back", State{ID: "cb1", Phase: Leasing, Max: 1, Attempt: 1, Held: true},
			State{ID: "cb1", Max: 1, Attempt: 1}, "no dial is left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w world
			s, effects, ok := Step(State{}, Claimed{tt.left})
			if broken := w.observe(transition{State{}, s, Claimed{tt.left}, effects, ok}); !ok || broken != "" {
				t.Fatalf("%v, %s", ok, broken)
			}
			want, do := tt.want, []Effect{ArmTimer{Kind: Lifetime, Gen: 1}, Acquire{}}
			want.Phase, want.Again = Leasing, true
			if tt.end == "" {
				want.TimerGen, want.LifeGen, want.Asked = 1, 1, true
			} else {
				want.Phase, want.Cause, do = Failed, tt.end, []Effect{End{Failed, tt.end}}
			}
			if s != want || !reflect.DeepEqual(effects, do) {
				t.Errorf("%+v %v,\nwant %+v %v", s, effects, want, do)
			}
		})
	}
	for _, p := range []Phase{New, Dialing, Answered, Completed, Failed, Expired, Cancelled, GivenUp} {
		if _, _, ok := Step(State{}, Claimed{State{ID: "cb1", Phase: p, Max: max}}); ok {
			t.Errorf("claimed while it was %s", p)
		}
	}
	if _, _, ok := Step(State{}, Claimed{State{Phase: Leasing, Max: max}}); ok {
		t.Error("claimed without an ID")
	}
}

// Ends tells the ends of callbacks without an attempt in progress before they happen, and no other steps.
func TestEnds(t *testing.T) {
	waiting := State{ID: "cb1", Phase: Waiting, Max: 1, Lease: 1, TimerGen: 3, LifeGen: 1, Timer: Wait}
	leasing := State{ID: "cb1", Phase: Leasing, Max: 1, TimerGen: 2, LifeGen: 1, Asked: true}
	dialing := State{ID: "cb1", Phase: Dialing, Attempt: 1, Max: 1, Lease: 1, TimerGen: 3, LifeGen: 1,
		Timer: DialDeadline}
	for _, tt := range []struct {
		s    State
		e    Event
		want End
	}{
		{waiting, Cancel{By: "op"}, End{Cancelled, "by op"}},
		{waiting, TimerFired{Lifetime, 1}, End{Expired, "lifetime ended"}},
		{waiting, DenialRechecked{Reason: "lockdown"}, End{Failed, "lockdown"}},
		{leasing, NoLine{Cause: "no such line", Final: true}, End{Failed, "no such line"}},
		{State{}, Claimed{State{ID: "cb1", Phase: Leasing, Attempt: 1, Max: 1}}, End{Failed, "no dial is left"}},
		{waiting, TimerFired{Lifetime, 2}, End{}},
		{waiting, TimerFired{Wait, 3}, End{}},
		{leasing, Leased{Lease: 2, TTY: 66}, End{}},
		{waiting, EndedElsewhere{Outcome: Cancelled, Cause: "by op"}, End{}},
		{waiting, Taken{By: "lyon-2"}, End{}},
		{dialing, DialEnded{Attempt: 1, Lease: 1, Outcome: "busy"}, End{}},
		{dialing, Cancel{By: "op"}, End{}},
		{waiting, nil, End{}},
	} {
		if end, ok := Ends(tt.s, tt.e); end != tt.want || ok != (tt.want != End{}) {
			t.Errorf("%s, %T%+v: %v %v, want %v", tt.s.Phase, tt.e, tt.e, end, ok, tt.want)
		}
	}
}

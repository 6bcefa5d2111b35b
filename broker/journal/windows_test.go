package journal

import (
	"errors"
	"testing"
	"time"
)

// TestWindows: by hand, at the changes of daylight saving (Europe/Paris: 29 March and 25 October 2026, at 01:00 UTC).
func TestWindows(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	utc := func(month, day, hour, minute int) time.Time {
		return time.Date(2026, time.Month(month), day, hour, minute, 0, 0, time.UTC)
	}
	for _, tt := range []struct{ at, hour, day, month time.Time }{
		{utc(3, 29, 0, 59), utc(3, 29, 0, 0), utc(3, 28, 23, 0), utc(2, 28, 23, 0)},
		{utc(3, 29, 1, 1), utc(3, 29, 1, 0), utc(3, 28, 23, 0), utc(2, 28, 23, 0)},
		{utc(10, 25, 0, 30), utc(10, 25, 0, 0), utc(10, 24, 22, 0), utc(9, 30, 22, 0)},
		{utc(10, 25, 1, 30), utc(10, 25, 1, 0), utc(10, 24, 22, 0), utc(9, 30, 22, 0)},
		{utc(10, 25, 23, 0), utc(10, 25, 23, 0), utc(10, 25, 23, 0), utc(9, 30, 22, 0)},
		{utc(12, 31, 23, 0), utc(12, 31, 23, 0), utc(12, 31, 23, 0), utc(12, 31, 23, 0)},
	} {
		got := WindowsAt(tt.at.In(paris))
		for i, want := range []time.Time{tt.hour, tt.day, tt.month} {
			if !got[i].Equal(want) {
				t.Errorf("%v: the %s begins at %v, not %v", tt.at, Periods[i], got[i].UTC(), want)
			}
		}
	}
}

// An account is in the latest windows that it has seen, each by itself.
func TestEnter(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	used := Amount{Calls: 1}
	a := Account{Windows: [3]Window{{day(2), used}, {day(2), used}, {day(1), used}}}
	a.Enter([3]time.Time{day(3), day(1), day(1)})
	want := [3]Window{{day(3), Amount{}}, {day(2), used}, {day(1), used}}
	if a.Windows != want {
		t.Errorf("got %v, want %v", a.Windows, want)
	}
	if got := a.Begins(); got != [3]time.Time{day(3), day(2), day(1)} {
		t.Errorf("the windows begin at %v", got)
	}
}

// A reservation must fit beside what is used and reserved, in each window, and at once.
func TestReservable(t *testing.T) {
	a := Account{Scope: "user", Key: "kim", Reserved: Amount{Calls: 2}, Open: 2,
		Windows: [3]Window{{Used: Amount{Calls: 1}}, {Used: Amount{Calls: 3}}, {Used: Amount{Calls: 9}}}}
	limit := func(period string, calls int64) Charge {
		return Charge{Scope: "user", Key: "kim", Limits: []Limit{{period, Amount{Calls: calls}}}}
	}
	for _, tt := range []struct {
		c      Charge
		period string // of the ceiling; "at once"; "" allowed
	}{
		{Charge{}, ""},
		{limit(Hour, 4), ""},
		{limit(Hour, 3), Hour},
		{limit(Day, 6), ""},
		{limit(Day, 5), Day},
		{limit(Month, 12), ""},
		{limit(Month, 11), Month},
		{Charge{AtOnce: 3}, ""},
		{Charge{AtOnce: 2}, "at once"},
	} {
		err := a.Reservable(tt.c, Amount{Calls: 1})
		got := ""
		var over *Ceiling
		if errors.As(err, &over) {
			if got = over.Period; over.AtOnce != 0 {
				got = "at once"
			}
		}
		if got != tt.period || (err == nil) != (tt.period == "") {
			t.Errorf("%+v: %v, want %q", tt.c, err, tt.period)
		}
	}
	a.Reserved.Calls = 1<<63 - 2
	if err := a.Reservable(Charge{}, Amount{Calls: 1}); err == nil || errors.Is(err, ErrCeiling) {
		t.Errorf("an overflow: %v", err)
	}
}

// What was used is booked in each account, but in that of a number only what its dials used; a settlement that cannot
// be right books all that was reserved.
func TestUsedIn(t *testing.T) {
	r := Reservation{Amount: Amount{Calls: 5}}
	user, number := Charge{Scope: "user", Key: "1"}, Charge{Scope: "number", Key: "1"}
	byNumber := Settle{Used: Amount{Calls: 3}, Numbers: map[string]Amount{"1": {Calls: 2}}}
	for _, tt := range []struct {
		c     Charge
		s     Settle
		calls int64
	}{
		{user, byNumber, 3},
		{number, byNumber, 2},
		{Charge{Scope: "number", Key: "2"}, byNumber, 0},
		{number, Settle{Used: Amount{Calls: 3}}, 3},
		{user, Settle{Used: Amount{Calls: 3}, Worst: true}, 5},
		{user, Settle{Used: Amount{Calls: 3, Time: -1}}, 5},
	} {
		if got := r.UsedIn(tt.c, tt.s).Calls; got != tt.calls {
			t.Errorf("%+v in %+v: %d, want %d", tt.s, tt.c, got, tt.calls)
		}
	}
}

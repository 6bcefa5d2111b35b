package costs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
)

const csv = `prefix,zone,per_minute,per_call,granularity,currency,caller_per_minute,caller_per_call
84,local,0.06,0.10,60/60,EUR,0.30,0.05
85,far,0.60,0,1/1,EUR,,
`

func prices(t interface{ Fatal(...any) }) *tariff.Table {
	table, problems := tariff.Parse("t.csv", []byte(csv), "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return table
}

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// The amounts of this test are computed by hand.
func TestReport(t *testing.T) {
	for by, want := range map[By]string{
		// 61 s at 84: 0.10 + 2 × 0.06 = 0.22; the caller: 0.05 + 2 × 0.30 = 0.65. 10 s at 85: 0.10; the caller: 0.35.
		User: "kim 1/30 2/71 0.32 1.00 0.68 2 0 0 0; lee 1/5 1/60 <nil> <nil> <nil> 0 1 1 0; " +
			" 1/1 0/0 0.00 0.00 0.00 0 0 0 0",
		Group: "staff 1/30 2/71 0.32 1.00 0.68 2 0 0 0;  2/6 1/60 <nil> <nil> <nil> 0 1 1 0",
		Site:  " 3/36 3/131 0.32 1.00 0.68 2 1 1 0",
	} {
		r := New(by, november.AddDate(0, 0, 14), prices(t), numbers.Plan{})
		r.Callback(journal.Callback{ID: "b1", CallID: "c1", Caller: "84001", Number: "84001",
			Decision: `{"group": "staff"}`})
		r.Callback(journal.Callback{ID: "b2", CallID: "c0", Caller: "84001", Number: "85001",
			Decision: `{"group": "staff"}`})
		r.Callback(journal.Callback{ID: "b3", CallID: "x", Caller: "85001", Number: "99001", Decision: "{"})
		call := func(c journal.Call, start, took time.Duration) {
			c.Start = november.Add(start)
			c.End = c.Start.Add(took)
			r.Call(c)
		}
		call(journal.Call{ID: "c1", User: "kim"}, 0, 30*time.Second)
		call(journal.Call{ID: "c2", User: "lee"}, time.Hour, 4001*time.Millisecond)
		call(journal.Call{ID: "c3"}, 30*24*time.Hour-1, time.Second)
		call(journal.Call{ID: "before", User: "kim"}, -1, time.Second)
		call(journal.Call{ID: "after", User: "kim"}, 30*24*time.Hour, time.Second)
		call(journal.Call{Leg: 2, CallbackID: "b1", User: "kim", Called: "084001"}, time.Hour, 61*time.Second)
		call(journal.Call{Leg: 2, CallbackID: "b2", User: "kim"}, time.Hour, 10*time.Second)
		call(journal.Call{Leg: 2, CallbackID: "b3", User: "lee"}, time.Hour, time.Minute)
		r.Call(journal.Call{ID: "open", User: "kim", Start: november})
		var got []string
		for _, row := range r.Rows() {
			got = append(got, fmt.Sprintf("%s %d/%d %d/%d %v %v %v %d %d %d %d", row.Name, row.LegOne.Calls,
				row.LegOne.Seconds, row.LegTwo.Calls, row.LegTwo.Seconds, row.Cost, row.CallersCost, row.Saved,
				row.Compared, row.Unpriced, row.CallersUnpriced, row.Estimated))
		}
		if s := strings.Join(got, "; "); s != want || r.Open != 1 {
			t.Errorf("%s: %d open\ngot  %s\nwant %s", by, r.Open, s, want)
		}
	}
}

// A callback that was answered is charged to its user, whether they log in or not.
func TestReportWithoutLogin(t *testing.T) {
	r := New(User, november, prices(t), numbers.Plan{})
	r.Callback(journal.Callback{ID: "b1", CallID: "c1", User: "kim", Number: "84001"})
	for _, user := range []string{"", "kim"} {
		r.Call(journal.Call{Leg: 2, CallbackID: "b1", User: user, Start: november, End: november.Add(time.Minute)})
	}
	rows := r.Rows() // 2 × (0.10 + 0.06)
	if len(rows) != 1 || rows[0].Name != "kim" || rows[0].LegTwo.Calls != 2 || rows[0].Cost.String() != "0.32" {
		t.Errorf("%+v", rows)
	}
}

// A call that an operator has dialed costs as much as one of a callback, and is nobody's own call; one that nobody
// answered costs nothing.
func TestReportOfOrders(t *testing.T) {
	r := New(User, november, prices(t), numbers.Plan{})
	for _, connect := range []string{"CONNECT 33600", ""} {
		r.Call(journal.Call{Direction: "outgoing", Service: journal.StartChat, Called: "84001", Connect: connect,
			Start: november, End: november.Add(time.Minute)})
	}
	rows := r.Rows()
	if len(rows) != 1 || rows[0].LegOne.Calls != 0 || rows[0].LegTwo.Calls != 1 || rows[0].Cost.String() != "0.16" {
		t.Errorf("%+v", rows)
	}
}

// The report is the sum of the journal's rows times the tariff, by whatever it is divided.
func TestReportIsRowsTimesTariff(t *testing.T) {
	table := prices(t)
	rapid.Check(t, func(t *rapid.T) {
		reports := []*Report{New(User, november, table, numbers.Plan{}), New(Group, november, table, numbers.Plan{}),
			New(Site, november, table, numbers.Plan{})}
		var millionths, seconds, callers, calls int64
		for i := range rapid.IntRange(0, 30).Draw(t, "calls") {
			far := rapid.Bool().Draw(t, "far")
			took := time.Duration(rapid.IntRange(0, 200_000).Draw(t, "milliseconds")) * time.Millisecond
			start := november.Add(time.Duration(rapid.IntRange(-5, 35).Draw(t, "day")) * 24 * time.Hour)
			b := journal.Callback{ID: fmt.Sprint(i), Number: map[bool]string{true: "85001", false: "84001"}[far],
				Caller:   "84002",
				Decision: rapid.SampledFrom([]string{"{}", `{"group": "a"}`, `{"group": "b"}`}).Draw(t, "group")}
			c := journal.Call{Leg: 2, CallbackID: b.ID, Start: start, End: start.Add(took),
				User: rapid.SampledFrom([]string{"kim", "lee"}).Draw(t, "user")}
			for _, r := range reports {
				r.Callback(b)
				r.Call(c)
			}
			if start.Month() != time.November || start.Year() != 2026 {
				continue
			}
			s := (took.Milliseconds() + 999) / 1000
			minutes := max(1, (s+59)/60)
			if far { // at least a second, a cent each
				millionths += max(1, s) * 10_000
			} else {
				millionths += 100_000 + minutes*60_000
			}
			callers += 50_000 + minutes*300_000
			seconds, calls = seconds+s, calls+1
		}
		for _, r := range reports {
			var got Row
			var cost, callersCost, saved tariff.Money
			for _, row := range r.Rows() {
				got.LegTwo.Calls += row.LegTwo.Calls
				got.LegTwo.Seconds += row.LegTwo.Seconds
				cost, callersCost, saved = cost+*row.Cost, callersCost+*row.CallersCost, saved+*row.Saved
			}
			if int64(cost) != millionths || got.LegTwo.Seconds != seconds || got.LegTwo.Calls != calls ||
				int64(callersCost) != callers || int64(saved) != callers-millionths {
				t.Fatalf("%s: %+v %v %v %v, want %d millionths, %d for callers, %d s, %d calls", r.by, got, cost,
					callersCost, saved, millionths, callers, seconds, calls)
			}
		}
	})
}

// What retention has removed is in the report as its sums say, whose numbers are canonical: 84001 is in Vietnam, not an
// extension of the site.
func TestReportOfSums(t *testing.T) {
	r := New(User, november, prices(t), numbers.Plan{Country: numbers.Country{Code: "39", Digits: []int{5}}})
	for _, s := range []journal.Sum{
		{Month: "2026-11", Direction: "outgoing", User: "kim", Number: "84001", Calls: 3, Duration: 6 * time.Minute},
		{Month: "2026-11", Direction: "incoming", User: "kim", Calls: 2, Duration: time.Minute},
		{Month: "2026-11", Direction: "outgoing", User: "kim", Number: "84001", Callbacks: 3}, // the callbacks alone
		{Month: "2026-10", Direction: "incoming", User: "kim", Calls: 2, Duration: time.Minute},
	} {
		r.Sum(s)
	}
	rows := r.Rows() // 3 × (0.10 + 2 × 0.06)
	if len(rows) != 1 || rows[0].Cost.String() != "0.66" || rows[0].Estimated != 5 || rows[0].LegOne.Calls != 2 ||
		rows[0].LegOne.Seconds != 60 || rows[0].LegTwo.Seconds != 360 || rows[0].CallersUnpriced != 3 {
		t.Errorf("%+v", rows)
	}
}

// A call of a callback with several numbers costs what the number costs that was dialed.
func TestCostOfTheNumberDialed(t *testing.T) {
	table, problems := tariff.Parse("t.csv", []byte("prefix,per_minute,granularity\n84,0.10,60/60\n85,1.00,60/60\n"),
		"EUR")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for called, want := range map[string]string{"84001": "0.10", "85001": "1.00", "99001": "0.10", "": "0.10"} {
		r := New(User, november, table, numbers.Plan{})
		r.Callback(journal.Callback{ID: "b", User: "kim", Number: "84001",
			Plan: `{"then":[{"number":"85001","times":1}]}`})
		r.Call(journal.Call{Leg: 2, CallbackID: "b", User: "kim", Called: called, Start: november,
			End: november.Add(time.Minute)})
		if rows := r.Rows(); len(rows) != 1 || rows[0].Cost == nil || rows[0].Cost.String() != want {
			t.Errorf("%q: %+v, want %s", called, rows, want)
		}
	}
}

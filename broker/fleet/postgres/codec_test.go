package postgres

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// fullCallback has a value in each field that a row has.
func fullCallback(t testing.TB) journal.Callback {
	rotary := 8
	c := journal.Callback{Lines: []int{1, 66}, Rotary: &rotary}
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch name := v.Type().Field(i).Name; f.Interface().(type) {
		case string:
			f.SetString("octets \x00\xff of " + name)
		case bool:
			f.SetBool(true)
		case int, int64, time.Duration:
			f.SetInt(int64(10 + i))
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(0, int64(1e18+i)).UTC()))
		case []int, *int:
		default:
			t.Fatalf("the test does not know the type of %s", name)
		}
	}
	c.ID, c.Home, c.Outcome, c.Attempts, c.Max = "cb", "lyon-1", "failed", 1, 2
	return c
}

// TestRowRoundTrip: a row has all that a journal knows of a callback, and its signature covers each field.
func TestRowRoundTrip(t *testing.T) {
	k := newKeys([]byte("key"))
	row := fleet.Row{Callback: fullCallback(t), Holder: "lyon-2", Rotary: 7, Offered: true, Open: 1, Settled: true,
		Format: 1}
	r, err := newRecord(row, []byte{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.row()
	if err != nil || !reflect.DeepEqual(got, row) {
		t.Errorf("got %+v\nwant %+v, %v", got, row, err)
	}
	r.sum = k.sumOf(r)
	mac := k.macOf(r)
	v := reflect.ValueOf(&row.Callback).Elem()
	for i := range v.NumField() {
		changed := row
		f := reflect.ValueOf(&changed.Callback).Elem().Field(i)
		f.SetZero()
		if changed.Max == 0 {
			changed.Max = 3
		}
		other, err := newRecord(changed, []byte{})
		if changed.ID == "" && err != nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		other.sum = k.sumOf(other)
		if bytes.Equal(mac, k.macOf(other)) {
			t.Errorf("the signature does not cover %s", v.Type().Field(i).Name)
		}
	}
}

// FuzzRow: no octets in a row's columns make a decoder fail otherwise than with an error, or allocate more than they
// are worth, and what it accepts is written as it was read.
func FuzzRow(f *testing.F) {
	c := fullCallback(f)
	f.Add(encodeBody(c), encodeReservation([]charged{{"user", "kim", 0}, {"site", "", 9}}, journal.Amount{Calls: 2}))
	f.Add([]byte{}, []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, body, other []byte) {
		var c journal.Callback
		if decodeBody(body, &c) == nil {
			var again journal.Callback
			if err := decodeBody(encodeBody(c), &again); err != nil || !reflect.DeepEqual(c, again) {
				t.Errorf("%+v is read again as %+v, %v", c, again, err)
			}
		}
		if accounts, amount, err := decodeReservation(other); err == nil {
			more, sum, err := decodeReservation(encodeReservation(accounts, amount))
			if err != nil || len(accounts) > 0 && (!slices.Equal(more, accounts) || sum != amount) {
				t.Errorf("%+v is read again as %+v, %v", accounts, more, err)
			}
		}
		_, _, _ = decodeAttempt(other)
		s := stripe{Account: journal.Account{Scope: "site"}}
		if s.decode(other) == nil {
			again := stripe{Account: journal.Account{Scope: "site"}}
			if err := again.decode(s.encode()); err != nil || again != s {
				t.Errorf("%+v is read again as %+v, %v", s, again, err)
			}
		}
	})
}

// TestStripes: whatever is promised in single stripes and in all of them, by nodes that know different limits, and
// whatever is settled, an account is never charged beyond the limit that its promise knew, and room that is left can be
// used.
func TestStripes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := make([]*stripe, stripes)
		for i := range all {
			all[i] = &stripe{at: charged{"site", "", i}, Account: journal.Account{Scope: "site"}}
		}
		begins := journal.WindowsAt(noon)
		var open [][2]int64 // stripe, calls
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			limit := rapid.SampledFrom([]int64{50, 50, 50, 30}).Draw(rt, "limit")
			of := bounds{amounts: [3]journal.Amount{{}, {Calls: limit}, {}}, atOnce: 40}
			charge := journal.Charge{Scope: "site", AtOnce: 40, Limits: []journal.Limit{{Period: journal.Day,
				Amount: journal.Amount{Calls: limit}}}}
			add := journal.Amount{Calls: rapid.Int64Range(1, 4).Draw(rt, "calls")}
			n := rapid.IntRange(0, stripes-1).Draw(rt, "stripe")
			s := all[n]
			if rapid.IntRange(0, 3).Draw(rt, "what") == 0 && len(open) > 0 {
				r := open[0]
				open = open[1:]
				settled := all[r[0]]
				settled.release(journal.Amount{Calls: r[1]})
				settled.book(journal.Amount{Calls: rapid.Int64Range(0, r[1]).Draw(rt, "used")}, noon)
				continue
			}
			before := total(all, begins)
			fits := before.Reservable(charge, add) == nil
			s.Enter(begins)
			if s.room(of, add) {
				if !fits {
					rt.Fatalf("a stripe has room for %d beside %+v of %d", add.Calls, before, limit)
				}
				s.reserve(add)
			} else if fits {
				s.reserve(add)
				share(all, of)
			} else {
				continue
			}
			open = append(open, [2]int64{int64(n), add.Calls})
			if got := total(all, begins); got.Windows[1].Used.Calls+got.Reserved.Calls > limit || got.Open > 40 {
				rt.Fatalf("charged %+v of %d", got, limit)
			}
		}
	})
}

package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"pgregory.net/rapid"
)

func TestLogins(t *testing.T) {
	s, problems := loadText(map[string]string{
		"default.yaml": "group: default\n",
		"staff.yaml":   "group: staff\nusers: [kim]\nlogin: {lock_user_after: 5}\n",
		"vendor.yaml":  "group: vendor\nmatch: {prefix: [vendor-]}\nlogin: {delay_after: 2, lock_time: 1h}\n",
		"isp.yaml":     "group: isp\nmatch: {called: ['5*']}\nlogin: {delay_after: 4, lock_user_after: 9}\n",
		"plain.yaml":   "group: plain\nusers: [lee]\n",
	})
	if len(problems) > 0 || !s.HasLogins() || (*Set)(nil).HasLogins() || mustNew(t).HasLogins() {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		user, called string
		want         Logins
	}{
		{"kim", "", Logins{LockUserAfter: 5}},
		{"kim", "55", Logins{LockUserAfter: 5}}, // users come before match
		{"lee", "55", Logins{}},
		{"Kim", "", Logins{LockUserAfter: 5}}, // there are AAA servers for which this is kim
		{"VENDOR-1", "", Logins{DelayAfter: 2, LockTime: time.Hour}},
		{"vendor-1", "", Logins{DelayAfter: 2, LockTime: time.Hour}},
		{"max", "55", Logins{DelayAfter: 4, LockUserAfter: 9}},
		{"vendor-1", "55", Logins{DelayAfter: 2, LockUserAfter: 9, LockTime: time.Hour}},
		{"max", "", Logins{}},
	} {
		r := Request{Identity: aaa.Identity{User: tt.user}, Called: tt.called, Line: trusted}
		if got := s.Logins(r); got != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
	for text, want := range map[string]string{
		"login: {lock_user_after: 3}":                          "g.yaml:2:8: login: applies to nobody",
		"match: {entry: [local]}\nlogin: {lock_user_after: 3}": "applies to nobody",
		"users: [kim]\nlogin: {lock_user_after: 0}":            "0 is not between 1 and 1000",
		"users: [kim]\nlogin: {lock_number_after: 3}":          "unknown key",
	} {
		if _, problems := Parse("g.yaml", []byte("group: g\n"+text+"\n")); !strings.Contains(problems.String(), want) {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

// The tighter of two thresholds is not looser than either, in any order.
func TestTighter(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) Logins {
		return Logins{rapid.IntRange(0, 5).Draw(t, "delay"), rapid.IntRange(0, 5).Draw(t, "lock"),
			time.Duration(rapid.IntRange(0, 5).Draw(t, "time"))}
	})
	looser := func(a, b int) bool { return b > 0 && (a == 0 || a > b) }
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		got := a.Tighter(b)
		for _, l := range []Logins{a, b} {
			if looser(got.DelayAfter, l.DelayAfter) || looser(got.LockUserAfter, l.LockUserAfter) ||
				got.LockTime < l.LockTime {
				t.Fatalf("%+v of %+v and %+v", got, a, b)
			}
		}
		if got != b.Tighter(a) {
			t.Fatalf("%+v and %+v", got, b.Tighter(a))
		}
	})
}

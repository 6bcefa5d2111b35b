package triggers

import (
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	at := time.Unix(1796002748, 0)
	rules := Rules{Window: 5 * time.Minute, Keys: []Key{
		{Users: []string{"ted", "ann"}, Secret: testKey, Senders: []string{"12025551234"}},
		{Users: []string{"kim"}, Secret: "another-key-of-22-chars"},
	}}
	sign := func(user string, at time.Time) string {
		text, err := Sign(Request{User: user, At: at}, testKey)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const sender = "+12025551234"
	for _, tt := range []struct {
		name, from, text string
		want             Result
		why              string
	}{
		{"now", sender, sign("ted", at), Accepted, ""},
		{"another user of the key", sender, sign("ann", at), Accepted, ""},
		{"a network that writes no plus", "12025551234", sign("ted", at), Accepted, ""},
		{"the last second of the window", sender, sign("ted", at.Add(-5*time.Minute)), Accepted, ""},
		{"the first second of the window", sender, sign("ted", at.Add(5*time.Minute)), Accepted, ""},
		{"too old", sender, sign("ted", at.Add(-5*time.Minute-time.Second)), Clock, "5m1s before"},
		{"a clock an hour behind", sender, sign("ted", at.Add(-time.Hour)), Clock, "1h0m0s before"},
		{"a clock an hour ahead", sender, sign("ted", at.Add(time.Hour)), Clock, "1h0m0s after"},
		{"another sender", "+12025559999", sign("ted", at), UnknownSender, "sender"},
		{"no sender", "", sign("ted", at), UnknownSender, "sender"},
		{"a name as sender", "ted", sign("ted", at), UnknownSender, "sender"},
		{"the key of another user", "+4917", sign("kim", at), BadSignature, "signature"},
		{"a user without a key", sender, sign("TED", at), UnknownUser, "no key"},
		{"not signed", sender, "RING", Unreadable, "not a signed text"},
		{"nothing", sender, "", Unreadable, "not a signed text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, k, got, why := rules.Check(tt.from, tt.text, at)
			if got != tt.want || !strings.Contains(why, tt.why) || (k != nil) != (got == Accepted) {
				t.Errorf("%s %q, key %v; want %s %q", got, why, k, tt.want, tt.why)
			}
		})
	}
	if _, _, got, _ := (Rules{}).Check(sender, sign("ted", at), at); got != UnknownUser {
		t.Errorf("without rules: %s", got)
	}
}

func TestOf(t *testing.T) {
	r := Rules{Calls: []Call{{From: "12025551234", User: "ted"}}}
	for from, want := range map[string]string{"+12025551234": "ted", "12025551234": "ted", "2025551234": "", "": "",
		"+": ""} {
		got := ""
		if c := r.Of(from); c != nil {
			got = c.User
		}
		if got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}

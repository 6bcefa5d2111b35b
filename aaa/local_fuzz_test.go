package aaa

import "testing"

// Arbitrary EAP packets and MS-CHAP responses grant nothing: nobody can guess a password.
func FuzzLocal(f *testing.F) {
	f.Add([]byte{2, 1, 0, 8, 1, 'k', 'i', 'm'}, []byte{2, 2, 0, 6, 3, 13}, []byte{1}, byte(1))
	f.Add([]byte{2, 1, 0, 5, 1}, append([]byte{2, 2, 0, 22, 4, 16}, make([]byte, 16)...), make([]byte, 16), byte(2))
	l := pppUsers(f)
	f.Fuzz(func(t *testing.T, first, then, challenge []byte, version byte) {
		for _, r := range []Request{
			{EAP: append([]byte{}, first...)}, {CHAP: &CHAP{Challenge: challenge, Response: then}},
			{MSCHAP: &MSCHAP{Version: int(version), Challenge: challenge, Response: then}},
		} {
			r.User = "kim"
			c, res := l.Start(t.Context(), r)
			if res.Kind == Prompt {
				res = c.Answer(t.Context(), Secret(then))
			}
			if res.Kind != Refused || res.Reason == "" {
				t.Fatalf("%+v", res)
			}
		}
	})
}

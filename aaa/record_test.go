package aaa

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

// A record goes to the server that granted, then to the others in order, until one accepts it. The servers slice is not
// changed.
func TestDeliver(t *testing.T) {
	for _, tt := range []struct {
		granted string
		takes   string
		asked   []string
		err     string
	}{
		{"", "a", []string{"a"}, ""},
		{"b", "b", []string{"b"}, ""},
		{"c", "b", []string{"c", "a", "b"}, ""},
		{"gone", "c", []string{"a", "b", "c"}, ""},
		{"b", "", []string{"b", "a", "c"}, "account stop of session s1: b is silent; a is silent; c is silent"},
	} {
		servers := []string{"a", "b", "c"}
		var asked []string
		err := Deliver(t.Context(), Record{Type: Stop, SessionID: "s1", Server: tt.granted}, servers,
			func(s string) string { return s }, func(s string) error {
				if asked = append(asked, s); s == tt.takes {
					return nil
				}
				return errors.New(s + " is silent")
			})
		if !reflect.DeepEqual(asked, tt.asked) || !reflect.DeepEqual(servers, []string{"a", "b", "c"}) {
			t.Errorf("granted by %q: asked %q, must be %q; servers %q", tt.granted, asked, tt.asked, servers)
		}
		if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("granted by %q: %v, must be %q", tt.granted, err, tt.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	err := Deliver(ctx, Record{}, []string{"a", "b"}, func(s string) string { return s },
		func(string) error { asked++; cancel(); return ctx.Err() })
	if err == nil || asked != 1 {
		t.Errorf("%d servers were asked after the context ended: %v", asked, err)
	}
}

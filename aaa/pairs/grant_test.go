package pairs

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzTake checks that no pair causes a panic, that an ignored or refused pair changes nothing, and that grants are in
// range.
func FuzzTake(f *testing.F) {
	for _, row := range Table {
		for _, v := range []string{"", "1", "192.0.2.1", "10.0.0.0 255.0.0.0", "2001:db8::/64", "V.92/x/1/1", "\r"} {
			f.Add(byte(row.In), row.Name, v, row.Name, "0", true)
		}
	}
	f.Fuzz(func(t *testing.T, at byte, first, v, second, w string, optional bool) {
		g := &Grant{}
		g.Begin("first")
		g.Take(Pair{At: Place(at), Name: first, Value: v, Optional: true})
		before := g.A
		if g.A.Framed != nil {
			framed := *g.A.Framed
			before.Framed = &framed
		}
		g.Begin("second")
		err := g.Take(Pair{At: Place(at), Name: second, Value: w, Optional: optional})
		if err != nil && optional {
			t.Fatal(err)
		}
		if (err != nil || strings.HasSuffix(g.Note, "optional, ignored")) && !reflect.DeepEqual(before, g.A) {
			t.Fatalf("%v %q: %+v, before %+v", err, g.Note, g.A, before)
		}
		if err := g.Conclude(nil); err != nil {
			t.Fatal(err)
		}
		number := g.A.Dialstring.Value()
		switch {
		case len(number) > MaxDialstring || OneLine(number) != nil:
			t.Fatalf("dial string %q", number)
		case g.A.Callback != g.A.Dialstring.IsSet(), g.A.PrivLevel < 0 || g.A.PrivLevel > 15,
			g.A.SessionTimeout < 0 || g.A.IdleTimeout < 0, g.A.Rotary != nil && (*g.A.Rotary < 0 || *g.A.Rotary > 100):
			t.Fatalf("%+v", g.A)
		}
	})
}

func TestV92(t *testing.T) {
	const s = "V.92 QC MOH/No QC Requested/60/1"
	v, err := parseV92(s)
	if err != nil || v != (v92{"V.92 QC MOH", "No QC Requested", time.Minute, 1}) {
		t.Errorf("%+v %v", v, err)
	}
	for _, bad := range []string{"", "V.92", "a/b/c/d", "a/b/-1/0", "a/b/1/2/3"} {
		if v, err := parseV92(bad); err == nil {
			t.Errorf("%q: %+v", bad, v)
		}
	}
	for _, v := range []string{s, "", "V.92"} {
		g := &Grant{}
		err := g.Take(Pair{At: Bare, Name: "v92-info", Value: v})
		told := g.Note == "reported: V.92 QC MOH, No QC Requested, 1m0s on hold (1 times)"
		if err != nil || g.Field != "" || told != (v == s) {
			t.Errorf("%q: %v %q", v, err, g.Note)
		}
	}
}

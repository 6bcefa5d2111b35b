package numbers

import (
	"encoding/json"
	"strings"
	"testing"
)

// number returns a Number as an earlier Plan created it.
func number(digits string) Number {
	n, err := Reread(digits)
	if err != nil {
		panic(err)
	}
	return n
}

// Reread accepts what Canonical returned and nothing else, not even notation that the plan would normalize.
func TestReread(t *testing.T) {
	for _, s := range []string{"1", "84001", strings.Repeat("9", MostDigits)} {
		made, err := Plan{MaxDigits: MostDigits}.Canonical(s, OriginCaller)
		if again, rerr := Reread(made.String()); err != nil || rerr != nil || again != made || again.String() != s ||
			again.IsZero() {
			t.Errorf("%q: %q, %v, and again %q, %v", s, made, err, again, rerr)
		}
	}
	bad := []string{"", " 84001", "84001 ", "840-01", "+1", "1 2", "5551234;ATH", strings.Repeat("9", MostDigits+1)}
	for _, s := range append(bad, modifierAttacks...) {
		if n, err := Reread(s); err == nil || !n.IsZero() {
			t.Errorf("Reread(%q) = %q, %v; want an error", s, n, err)
		}
	}
}

// A Plan that allows longer numbers returns none longer than MostDigits.
func TestMostDigits(t *testing.T) {
	if n, err := (Plan{MaxDigits: 100}).Canonical(strings.Repeat("5", MostDigits+1), OriginAAA); err == nil ||
		!n.IsZero() {
		t.Errorf("%q, %v", n, err)
	}
}

func TestNumberJSON(t *testing.T) {
	type row struct {
		Number Number `json:"number,omitzero"`
	}
	for in, want := range map[string]string{`{"number":"84001"}`: `{"number":"84001"}`, `{"number":""}`: `{}`,
		`{}`: `{}`} {
		var r row
		if err := json.Unmarshal([]byte(in), &r); err != nil {
			t.Fatal(err)
		}
		if out, err := json.Marshal(r); err != nil || string(out) != want {
			t.Errorf("%s becomes %s, %v; want %s", in, out, err, want)
		}
	}
	for _, in := range []string{`{"number":"5551234;ATH"}`, `{"number":"840 01"}`, `{"number":84001}`,
		`{"number":"\u0661"}`} {
		var r row
		if err := json.Unmarshal([]byte(in), &r); err == nil || !r.Number.IsZero() {
			t.Errorf("%s is read as %q, %v", in, r.Number, err)
		}
	}
}

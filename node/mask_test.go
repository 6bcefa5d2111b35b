package node

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMask(t *testing.T) {
	t.Parallel()
	three, none := 3, 0
	for _, tt := range []struct {
		keep         *int
		number, want string
	}{
		{nil, "+33140205050", "+33140205050"}, {&three, "+33140205050", "+********050"}, {&none, "84001", "*****"},
		{&three, "(0) 171-555 1234", "(*) ***-*** *234"}, {&three, "12", "12"}, {&three, "", ""},
	} {
		if got := newMask(tt.keep).number(tt.number); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.number, got, tt.want)
		}
	}
	m := newMask(&three)
	for text, want := range map[string]string{
		"Callback dialing 84010, attempt 1 of 3":              "Callback dialing **010, attempt 1 of 3",
		"send: ATDT84010":                                     "send: ATDT**010",
		"ATDT+33140205050;":                                   "ATDT+********050;",
		"ATDT00-33-1402-05050":                                "ATDT**-**-****-**050",
		`Callback-Number = "0171 555 1234"`:                   `Callback-Number = "**** *** *234"`,
		`Reply-Message = "call 0171 5551234 now"`:             `Reply-Message = "call 0171 ****234 now"`,
		"callback k7abcd23 has tty 65":                        "callback k7abcd23 has tty 65",
		"callback a2222222 has tty 100":                       "callback a2222222 has tty 100",
		"callback a222222222222 has tty 100":                  "callback a222222222222 has tty 100",
		"callback 2222222a22222 of 2222222222222":             "callback 2222222a22222 of **********222",
		"2026-11-29T18:39:24.123456Z from 192.168.100.200:49": "2026-11-29T18:39:24.123456Z from 192.168.100.200:49",
		"until 2026-11-29 18:39:24, waited 1.234567s":         "until 2026-11-29 18:39:24, waited 1.234567s",
		"CONNECT 33600/V34 to 1234":                           "CONNECT **600/V34 to 1234",
		"digest=" + strings.Repeat("0123456789", 5):           "digest=" + strings.Repeat("0123456789", 5),
		"20261129 is a number":                                "*****129 is a number",
		"":                                                    "",
	} {
		if got := m.text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := newMask(nil).text(text); got != text {
			t.Errorf("%q: %q without a mask", text, got)
		}
	}
}

// FuzzMask: nothing but digits is changed, and no text has more digits in a row afterwards than are kept, except in
// what is not a number.
func FuzzMask(f *testing.F) {
	f.Add("ATDT84010", 3)
	f.Add("\"0171 555 1234\"", 0)
	f.Add("2026-11-29 192.168.100.200 k7abcd23 1.234567s", 2)
	f.Fuzz(func(t *testing.T, text string, keep int) {
		keep = max(0, min(keep, 15))
		m := newMask(&keep)
		got := m.text(text)
		if len(got) != len(text) {
			t.Fatalf("%q: %q", text, got)
		}
		for i := range len(got) {
			if got[i] != text[i] && (got[i] != '*' || text[i] < '0' || text[i] > '9') {
				t.Fatalf("%q: %q", text, got)
			}
		}
		if keep < 5 && regexp.MustCompile(`(^|[^-\w.:])\d{5,7}($|[^-\w.:])`).MatchString(got) {
			t.Fatalf("%q: %q has a number", text, got)
		}
		if m.text(got) != got && !strings.Contains(text, "*") {
			t.Fatalf("%q: %q, then %q", text, got, m.text(got))
		}
	})
}

// Numbers are hidden in each kind of field, and IDs are not touched.
func TestMaskedCore(t *testing.T) {
	t.Parallel()
	three := 3
	core, logs := observer.New(zap.InfoLevel)
	log := zap.New(newMask(&three).core(core)).With(zap.String("caller", "84001"))
	log.Info("call of 84002", zap.String("number", "123-4"), zap.Error(errors.New("84003 is busy")),
		zap.Stringer("text", &net84004{}), zap.Strings("all", []string{"84005", "x"}),
		zap.String("callback", "22222222"),
		zap.Int("line", 84006), zap.ByteString("raw", []byte("84007")), zap.Any("lines", []int{84008}))
	log.Debug("not logged 84009")
	if len(logs.All()) != 1 {
		t.Fatal(logs.All())
	}
	r := logs.All()[0]
	got := fmt.Sprint(r.Message, " ", r.ContextMap())
	const want = "call of **002 map[all:[**005 x] callback:22222222 caller:**001 error:**003 is busy line:84006 " +
		"lines:[84008] number:*23-4 raw:**007 text:to **004]"
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

type net84004 struct{}

func (*net84004) String() string { return "to 84004" }

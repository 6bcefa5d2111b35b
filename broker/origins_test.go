package broker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// origin is a way in which a number reaches the broker.
type origin struct {
	name string
	// number asks for a callback at a number that comes this way, for a user with the name of the call.
	number func(d *desk, c *call, number string)
	// dropped are the characters that may stand between the digits.
	dropped string
}

// promised asks for a callback at a number that comes this way, on a call of its own. It returns how many were
// promised, and fails unless their numbers have the digits of the text alone.
func (o origin) promised(d *desk, call, number string) int {
	d.t.Helper()
	d.paper.callbacks = nil
	c := d.caller(call)
	o.number(d, c, number)
	d.b.end(c)
	digits, ok := onlyDigits(number, o.dropped)
	for _, cb := range d.paper.callbacks {
		if !ok || cb.Number != digits {
			d.t.Fatalf("%q is promised as %q", number, cb.Number)
		}
	}
	return len(d.paper.callbacks)
}

// chosen is a number that the caller gives, as text after the login (the EXEC's prompt, CBCP's Response) or as one of
// the places that a PPP client may name.
func chosen(service aaa.Service, choice func(number string) session.Choice) func(*desk, *call, string) {
	return func(d *desk, c *call, number string) {
		d.service = service
		o := d.offered(c, c.ID, anywhere)
		ch := choice(number)
		ch.Offer = o.ID
		d.promise(c, ch)
	}
}

// fixed is a number that AAA fixes with the grant.
func fixed(auth func(number string) aaa.Authorization) func(*desk, *call, string) {
	return func(d *desk, c *call, number string) {
		if v := d.grants(c, 1, c.ID, auth(number)); v.Kind == session.Offered {
			d.promise(c, session.Choice{Offer: v.Offer.ID})
		}
	}
}

const betweenDigits = " -()."

var originsOfNumbers = []origin{
	{"AAA, EXEC", fixed(func(n string) aaa.Authorization {
		return aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf(n)}
	}), betweenDigits},
	{"AAA, a place", func(d *desk, c *call, n string) {
		d.site.Places = map[string]string{"home": n}
		d.policy(policies.Policy{})
		d.b.Reload(d.cfg)
		fixed(func(string) aaa.Authorization { return atHome })(d, c, "")
	}, betweenDigits},
	{"the EXEC's prompt", chosen(aaa.EXEC, func(n string) session.Choice { return session.Choice{Number: n} }), ""},
	{"CBCP", chosen(aaa.PPP, func(n string) session.Choice { return session.Choice{Number: n} }), ""},
	{"a place over PPP", chosen(aaa.PPP, func(n string) session.Choice { return session.Choice{Place: n} }), ""},
	{"caller ID", func(d *desk, c *call, n string) {
		c.Call.Caller = n
		fixed(func(string) aaa.Authorization { return aaa.Authorization{CallerID: true} })(d, c, "")
	}, betweenDigits},
}

// Every octet at every position of a number, from every origin: what is promised has the digits of the number alone,
// and an octet that is neither a digit nor a separator of this origin rejects the whole number.
func TestEveryOctetFromEveryOrigin(t *testing.T) {
	const number = "84007"
	for _, o := range originsOfNumbers {
		t.Run(o.name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				promised := 0
				for pos := range len(number) + 1 {
					for octet := range 256 {
						s := number[:pos] + string([]byte{byte(octet)}) + number[pos:]
						promised += o.promised(d, fmt.Sprintf("c%d-%d", pos, octet), s)
					}
				}
				if want := o.name != "a place over PPP"; (promised > 0) != want {
					t.Errorf("%d numbers were promised", promised)
				}
			})
		})
	}
}

// Random texts from every origin: only digits are promised, and those of the text. scripts/long makes 1,000,000 of them
// for each origin. (The admin API takes no number.)
func TestRandomTextFromEveryOrigin(t *testing.T) {
	texts := 500
	if os.Getenv("RINGBACK_LONG") != "" {
		texts = 1_000_000
	}
	for _, o := range originsOfNumbers {
		t.Run(o.name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				r, promised := rand.New(rand.NewPCG(1, 2)), 0
				for i := range texts {
					promised += o.promised(d, fmt.Sprintf("c%d", i), randomNumber(r))
				}
				if want := o.name != "a place over PPP"; (promised > 0) != want {
					t.Errorf("%d numbers were promised", promised)
				}
			})
		})
	}
}

// randomNumber is a text that is often almost a number: digits with octets, modifiers of modems or separators.
func randomNumber(r *rand.Rand) string {
	parts := []string{"84", "0", "7", "123", "84007", " ", "-", "(", ")", ".", ",", ";", "W", "@", "!", "&", "+",
		"*", "#", "A", "T", "P", "L", "S=1", "^", ">", "$", "\r", "\n", "\x00", "\xff", "٧", "７", "ATH", "+++"}
	var b strings.Builder
	if r.IntN(4) > 0 {
		b.WriteString("84")
	}
	for range 1 + r.IntN(4) {
		switch r.IntN(8) {
		case 0:
			b.WriteByte(byte(r.IntN(256)))
		case 1, 2:
			b.WriteString(parts[r.IntN(len(parts))])
		default:
			b.WriteString(parts[r.IntN(5)])
		}
	}
	return b.String()
}

// onlyDigits removes separators and the spaces around a text, and reports whether only digits remain.
func onlyDigits(s, separators string) (digits string, ok bool) {
	digits = strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, strings.Trim(s, " "))
	return digits, strings.Trim(digits, "0123456789") == ""
}

package cbcp_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/cbcp"
)

// Every cell of the table, as the operators' documentation has it: rows are what AAA and the policy allow, columns how
// the caller asks.
func TestTable(t *testing.T) {
	var (
		fixed    = cbcp.Grant{Offered: true, Fixed: true}
		callers  = cbcp.Grant{Offered: true}
		optional = cbcp.Grant{Offered: true, MayDecline: true}
		cheaper  = cbcp.Grant{Offered: true, Fixed: true, MayDecline: true}
		plain    = cbcp.Grant{Admitted: true}
	)
	required := func(g cbcp.Grant) cbcp.Grant { g.Required = true; return g }
	columns := []struct {
		wish     cbcp.Wish
		initiate bool
	}{
		{cbcp.Wish{Way: cbcp.ByCBCP}, false},
		{cbcp.Wish{Way: cbcp.ByUser}, false},
		{cbcp.Wish{Way: cbcp.ByNumber, Number: "84001"}, false},
		{cbcp.Wish{Way: cbcp.ByPlace, Place: "home"}, false},
		{cbcp.Wish{Way: cbcp.ByNumber, Unusable: "ATH"}, false},
		{cbcp.Wish{Way: cbcp.ByPlace, Unusable: "no name"}, false},
		{cbcp.Wish{}, false},
		{cbcp.Wish{}, true},
	}
	const (
		r, end           = "reject", "terminate"
		admin, user      = "negotiate admin", "negotiate user"
		none, noneOrUser = "negotiate none", "negotiate none, user"
		noneOrAdmin      = "negotiate none, admin"
		aaa              = "promise" // at AAA's number
		number, place    = "promise 84001", "promise home"
		ip, decline      = "open", "open declined"
		bye              = "disconnect"
	)
	for _, tt := range []struct {
		name  string
		grant cbcp.Grant
		want  [8]string
	}{
		{"refused", cbcp.Grant{}, [8]string{r, r, r, r, r, r, r, r}},
		{"fixed", fixed, [8]string{admin, aaa, aaa, aaa, aaa, aaa, r, aaa}},
		{"NULL", callers, [8]string{user, r, number, place, r, r, r, r}},
		{"on request", optional, [8]string{noneOrUser, r, number, place, r, r, decline, decline}},
		{"cheaper", cheaper, [8]string{noneOrAdmin, aaa, aaa, aaa, aaa, aaa, decline, aaa}},
		{"none required", plain, [8]string{none, end, end, end, end, end, ip, ip}},

		{"refused, required", required(cbcp.Grant{}), [8]string{r, r, r, r, r, r, r, r}},
		{"fixed, required", required(fixed), [8]string{admin, aaa, aaa, aaa, aaa, aaa, r, aaa}},
		{"NULL, required", required(callers), [8]string{user, r, number, place, r, r, r, r}},
		{"on request, required", required(optional), [8]string{user, r, number, place, r, r, r, r}},
		{"cheaper, required", required(cheaper), [8]string{admin, aaa, aaa, aaa, aaa, aaa, r, aaa}},
		{"none required, required", required(plain), [8]string{r, r, r, r, r, r, r, r}},

		{"secure", cbcp.Grant{Secure: true}, [8]string{bye, bye, bye, bye, bye, bye, bye, bye}},
	} {
		for i, c := range columns {
			if got := planText(cbcp.PlanFor(tt.grant, c.wish, c.initiate)); got != tt.want[i] {
				t.Errorf("%s, %v %v: %s, want %s", tt.name, c.wish.Way, c.initiate, got, tt.want[i])
			}
		}
	}
}

func planText(p cbcp.Plan) string {
	s := p.Do.String()
	if p.Offer != (cbcp.Offer{}) {
		s += " " + p.Offer.String()
	}
	if asked := p.Choice.Number + p.Choice.Place; asked != "" {
		s += " " + asked
	}
	if p.Choice.Decline {
		s += " declined"
	}
	return s
}

// A caller who may not have a session on this call gets none by any wish, and no caller chooses a number that is fixed.
func TestTableNeverWidens(t *testing.T) {
	for bits := range 64 {
		g := cbcp.Grant{Admitted: bits&1 > 0, Offered: bits&2 > 0, Fixed: bits&4 > 0, MayDecline: bits&8 > 0,
			Required: bits&16 > 0, Secure: bits&32 > 0}
		for way := range cbcp.ByPlace + 2 {
			for _, initiate := range []bool{false, true} {
				w := cbcp.Wish{Way: way, Number: "84001", Place: "home"}
				p := cbcp.PlanFor(g, w, initiate)
				mayStay := !g.Required && (g.Offered && g.MayDecline || !g.Offered && g.Admitted)
				if (p.Do == cbcp.Open || p.Offer.None) && !mayStay {
					t.Errorf("%+v, %v: %+v opens", g, way, p)
				}
				if g.Secure && (p.Do != cbcp.Disconnect || p.Offer != cbcp.Offer{} || p.Choice != cbcp.Wish{}) {
					t.Errorf("%+v, %v: %+v tells the caller", g, way, p)
				}
				if p.Do == cbcp.Promise && !g.Offered || p.Choice.Decline && p.Do != cbcp.Open {
					t.Errorf("%+v, %v: %+v", g, way, p)
				}
				if (p.Choice.Number != "" || p.Choice.Place != "" || p.Offer.User) && (g.Fixed || !g.Offered) {
					t.Errorf("%+v, %v: %+v takes the caller's number", g, way, p)
				}
			}
		}
	}
}

func TestIgnoredIsLogged(t *testing.T) {
	g := cbcp.Grant{Offered: true, Fixed: true}
	for want, w := range map[string]cbcp.Wish{
		"":      {Way: cbcp.ByUser},
		"84001": {Way: cbcp.ByNumber, Number: "84001"},
		"home":  {Way: cbcp.ByPlace, Place: "home"},
		"ATH":   {Way: cbcp.ByNumber, Unusable: "ATH"},
	} {
		if p := cbcp.PlanFor(g, w, false); p.Ignored != want || p.Choice != (cbcp.Wish{Way: w.Way}) {
			t.Errorf("%+v: %+v", w, p)
		}
	}
}

// What callers put into option 13 (RFC 1570 §2.3).
func TestParseOption(t *testing.T) {
	for _, tt := range []struct {
		data string
		want cbcp.Wish
		ok   bool
	}{
		{"", cbcp.Wish{}, false}, // FreeBSD Naks with an option of length 2
		{"00", cbcp.Wish{Way: cbcp.ByUser}, true},
		{"00 '84001'", cbcp.Wish{Way: cbcp.ByUser}, true},
		{"06", cbcp.Wish{Way: cbcp.ByCBCP}, true},         // pppd, Windows
		{"06 '84001'", cbcp.Wish{Way: cbcp.ByCBCP}, true}, // MS-CBCP §2.2.1: a message is ignored
		{"01 '84001'", cbcp.Wish{Way: cbcp.ByNumber, Number: "84001"}, true},
		{"03 '4085551212'", cbcp.Wish{Way: cbcp.ByNumber, Number: "4085551212"}, true},
		{"02 'home office'", cbcp.Wish{Way: cbcp.ByPlace, Place: "home office"}, true},
		{"04 'cn=austin'", cbcp.Wish{}, false},
		{"05", cbcp.Wish{}, false},
		{"07 '84001'", cbcp.Wish{}, false},
		{"ff", cbcp.Wish{}, false},
		{"01 'ATDT84001'", cbcp.Wish{Way: cbcp.ByNumber, Unusable: `"ATDT84001" is not a telephone number`}, true},
		{"03 '84001' 0d", cbcp.Wish{Way: cbcp.ByNumber, Unusable: `"84001\r" is not a telephone number`}, true},
		{"03 '84001;ATH'", cbcp.Wish{Way: cbcp.ByNumber, Unusable: `"84001;ATH" is not a telephone number`}, true},
		{"03 '*'", cbcp.Wish{Way: cbcp.ByNumber, Unusable: `"*" has no digit`}, true}, // FreeBSD's "any number"
		{"03", cbcp.Wish{Way: cbcp.ByNumber, Unusable: `"" has no digit`}, true},
		{"01 '" + strings.Repeat("5", 251) + "'",
			cbcp.Wish{Way: cbcp.ByNumber, Unusable: "a number of 251 octets is longer than 250"}, true},
		{"02", cbcp.Wish{Way: cbcp.ByPlace, Unusable: `"" is not the name of a place`}, true},
		{"02 'a' 0a", cbcp.Wish{Way: cbcp.ByPlace, Unusable: `"a\n" is not the name of a place`}, true},
		{"02 ff", cbcp.Wish{Way: cbcp.ByPlace, Unusable: `"\xff" is not the name of a place`}, true},
	} {
		w, ok := cbcp.ParseOption(octets(tt.data))
		if !reflect.DeepEqual(w, tt.want) || ok != tt.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.data, w, ok, tt.want, tt.ok)
		}
	}
}

func ExamplePlanFor() {
	// AAA lets the caller choose the number; the caller's LCP option has operation 6.
	w, _ := cbcp.ParseOption([]byte{6})
	p := cbcp.PlanFor(cbcp.Grant{Offered: true}, w, false)
	fmt.Println(p.Do, p.Offer)

	m := cbcp.NewMachine(cbcp.Config{Offer: p.Offer, Resend: 3 * time.Second})
	for _, effect := range m.Start() {
		fmt.Println(effect)
	}
	// Output:
	// negotiate user
	// c029 send Request id 1: 02 05 00 01 00
	// c029 start timer 3s
}

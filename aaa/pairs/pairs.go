// Package pairs is the shared vocabulary of AV pairs. The values of RADIUS's Cisco-AVPair and the arguments of a
// TACACS+ authorization are the same pairs: Cisco uses them to carry TACACS+ features over RADIUS. table.go defines
// what each one means; a new pair is a new row there. A protocol splits a pair, passes it to Grant.Take, and
// reports the result; it knows no pair by name.
//
// A Grant collects what one reply says, from pairs and from a protocol's own attributes, and checks that they
// agree.
package pairs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// Place is the scope of a pair: the service and protocol of a TACACS+ request, the prefix of a Cisco-AVPair.
type Place uint8

const (
	EXEC     Place = 1 << iota // service=shell cmd=; shell: and exec:
	LCP                        // service=ppp protocol=lcp; lcp:
	IP                         // service=ppp protocol=ip; ip:
	IPv6                       // service=ppp protocol=ipv6; ipv6:
	Outbound                   // service=outbound; outbound:
	Ours                       // ringback: in both protocols
	Bare                       // a Cisco-AVPair without prefix

	anyService = EXEC | LCP | IP | IPv6 | Outbound
)

// places are the prefixes of Cisco-AVPair. Only ringback: is a prefix of TACACS+ arguments too.
var places = map[string]Place{"shell": EXEC, "exec": EXEC, "lcp": LCP, "ip": IP, "ipv6": IPv6,
	"outbound": Outbound, oursPrefix: Ours}

const oursPrefix = "ringback"

// Prefixed returns the place that the prefix of a Cisco-AVPair names (letter case does not count), and the rest of
// the name. The place of a name without a prefix is Bare, that of an unknown prefix is 0.
func Prefixed(name string) (Place, string) {
	prefix, rest, ok := strings.Cut(name, ":")
	if !ok {
		return Bare, name
	}
	return places[strings.ToLower(prefix)], rest
}

// Argument returns the place of a TACACS+ argument of a request for at, and its name there.
func Argument(at Place, name string) (Place, string) {
	if p, rest := Prefixed(name); p == Ours {
		return Ours, rest
	}
	return at, name
}

// PlaceOf returns the place for a TACACS+ request: that of a dial-out, otherwise EXEC if protocol is empty, otherwise
// that protocol of PPP. 0: none.
func PlaceOf(service aaa.Service, protocol string) Place {
	if service == aaa.Outbound {
		return Outbound
	}
	return map[string]Place{"": EXEC, "lcp": LCP, "ip": IP, "ipv6": IPv6}[protocol]
}

// Serves reports whether pairs of this place apply to a session of the given kind.
func (p Place) Serves(session aaa.Service) bool {
	switch {
	case p&(Ours|Bare) != 0:
		return true
	case session == aaa.PPP:
		return p&(LCP|IP|IPv6) != 0
	case session == aaa.Outbound:
		return p&Outbound != 0
	}
	return p&EXEC != 0
}

func (p Place) String() string {
	switch p {
	case EXEC:
		return "an EXEC"
	case LCP:
		return "ppp lcp"
	case IP:
		return "ppp ip"
	case IPv6:
		return "ppp ipv6"
	case Outbound:
		return "a dial-out"
	case Ours:
		return oursPrefix
	}
	return "this kind of session"
}

// Split cuts a pair at its first = (mandatory) or * (optional); sign is that character, 0 if there is neither (RFC 8907
// §6.1).
func Split(s string) (name string, sign byte, value string) {
	i := strings.IndexAny(s, "=*")
	if i < 0 {
		return s, 0, ""
	}
	return s[:i], s[i], s[i+1:]
}

// Pair is one pair, split by its protocol. The protocol checks which characters a value may have.
type Pair struct {
	At       Place
	Name     string // letter case does not count
	Value    string
	Optional bool
}

var (
	// ErrTwice is the error of a pair that is repeated with a different value.
	ErrTwice   = errors.New("it is repeated with different values")
	errUnknown = errors.New("it is unknown")
	errEmpty   = errors.New("it is empty")
)

// Again is the note of a pair that is repeated with the same value.
const Again = "ignored: repeated with the same value"

// Take reads the current pair (see Begin) and sets Field and Note. A pair that cannot be
// honored changes nothing; a mandatory one is the error, which refuses the whole reply.
func (g *Grant) Take(p Pair) error {
	before := *g
	err := g.take(p)
	if err == nil {
		return nil
	}
	*g = before
	switch {
	case p.Optional:
		return g.Left(err.Error() + "; optional, ignored")
	case errors.Is(err, errUnknown):
		return fmt.Errorf("%w and mandatory (* instead of = makes it optional)", err)
	}
	return err
}

func (g *Grant) take(p Pair) error {
	row, name, err := find(p)
	if err != nil {
		return err
	}
	if p.Value == "" && !row.Null {
		return errEmpty
	}
	said := taken{row: row, at: p.At, name: name, value: p.Value}
	for _, t := range g.taken {
		switch {
		case t == said:
			return g.Left(Again)
		case t.row == row && t.at == p.At && !row.Many:
			return ErrTwice
		}
	}
	g.taken = append(g.taken, said)
	g.Field, g.Note = row.Fills, row.Note
	if p.At == Outbound { // a number requires no callback then
		g.Field = strings.TrimPrefix(g.Field, "callback, ")
	}
	return row.apply(g, p.At, p.Value)
}

// taken is a pair that was read.
type taken struct {
	row         *Row
	at          Place
	name, value string
}

// find returns the row of a pair, and its name in lower case.
func find(p Pair) (*Row, string, error) {
	name := strings.ToLower(p.Name)
	base, number, numbered := strings.Cut(name, "#")
	for i := range Table {
		switch row := &Table[i]; {
		case row.Name != base || numbered && !(row.Many && digits(number)):
		case row.In&p.At != 0:
			return row, name, nil
		case p.At != Ours:
			return nil, name, fmt.Errorf("it cannot be honored in %s", p.At)
		}
	}
	return nil, name, errUnknown
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Known reports whether the table has a pair of that name, in lower case, for the place.
func Known(at Place, name string) bool {
	_, _, err := find(Pair{At: at, Name: name})
	return err == nil
}

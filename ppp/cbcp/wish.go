package cbcp

import (
	"fmt"
	"strings"
	"time"
)

// Way is how a caller asks for a callback.
type Way uint8

// The ways.
const (
	NotAsked Way = iota // LCP has no callback option, or it was rejected
	ByCBCP              // operation 6: CBCP follows the authentication
	ByUser              // operation 0: AAA has the number
	ByNumber            // operation 1 or 3: the option has the number
	ByPlace             // operation 2: the option has the name of a place
)

// String is the way's name.
func (w Way) String() string {
	names := [...]string{"not asked", "CBCP", "by user", "by number", "by place"}
	if int(w) < len(names) {
		return names[w]
	}
	return "unknown"
}

// MaxNumber is the longest number that a CBCP option with its NUL can have: its length is one octet.
const MaxNumber = 250

// Wish is the callback that a caller asks for, by CBCP or by the option of RFC 1570. It maps to a session.Choice.
type Wish struct {
	Way Way
	// Number is the number that the caller wants to be called at, as sent, if its syntax is that of a number; it is not
	// yet canonical, and no policy has allowed it. "" leaves it to AAA.
	Number  string
	Place   string        // of ByPlace: a name for the table of places, printable
	Decline bool          // no callback
	Delay   time.Duration // how long the caller wants us to wait between hang-up and dial: 0 to 255 s; CBCP only
	// Unusable says, for the operator, why the caller's number or place is left out; "" if it is not.
	Unusable string
}

// String is the wish for the operator.
func (w Wish) String() string {
	switch {
	case w.Decline:
		return "declined"
	case w.Place != "":
		return fmt.Sprintf("place %q", w.Place)
	case w.Number != "":
		return fmt.Sprintf("number %q, delay %v", w.Number, w.Delay)
	}
	return fmt.Sprintf("the number of AAA, delay %v", w.Delay)
}

// The operations of LCP's callback option (RFC 1570 §2.3; 6: MS-CBCP §2.2.1).
const (
	opUser     = 0
	opDial     = 1 // a dialing string
	opLocation = 2 // a location identifier
	opE164     = 3
	opName     = 4 // a distinguished name
	opCBCP     = 6
)

// ParseOption reads the data of LCP's callback option: an operation and a message. ok is false if the data is empty
// (FreeBSD sends that in a Nak) or the operation is not one that can be served: 4, 5 and those that do not exist. A
// message of operations 0 and 6 is ignored. A number or a place that cannot be used is left out, and the Wish says why:
// the callback may need none.
func ParseOption(data []byte) (w Wish, ok bool) {
	if len(data) == 0 {
		return Wish{}, false
	}
	message := string(data[1:])
	switch data[0] {
	case opUser:
		return Wish{Way: ByUser}, true
	case opCBCP:
		return Wish{Way: ByCBCP}, true
	case opDial, opE164:
		w = Wish{Way: ByNumber, Unusable: unusable(message)}
		if w.Unusable == "" {
			w.Number = message
		}
		return w, true
	case opLocation:
		w = Wish{Way: ByPlace}
		if message == "" || !only(message, printable) {
			w.Unusable = fmt.Sprintf("%.64q is not the name of a place", message)
			return w, true
		}
		w.Place = message
		return w, true
	}
	return Wish{}, false
}

// printable has the characters of a place's name: ASCII without controls.
const printable = ` !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_` + "`abcdefghijklmnopqrstuvwxyz{|}~"

// unusable returns what keeps a text from being a number; "" if nothing does. It has digits and what people write
// between them. Letters, commas, semicolons and controls are what modem commands are made of. The number plan decides
// about the rest.
func unusable(number string) string {
	switch {
	case len(number) > MaxNumber:
		return fmt.Sprintf("a number of %d octets is longer than %d", len(number), MaxNumber)
	case !strings.ContainsAny(number, "0123456789"):
		return fmt.Sprintf("%.64q has no digit", number)
	case !only(number, "0123456789 -().+*#"):
		return fmt.Sprintf("%.64q is not a telephone number", number)
	}
	return ""
}

// only reports whether s has no other characters than those of set.
func only(s, set string) bool { return strings.Trim(s, set) == "" }

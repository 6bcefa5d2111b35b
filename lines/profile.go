package lines

// GenericProfile is the Name of the profile of a line that names none.
const GenericProfile = "generic"

// Profile is what a driver does differently for one family of modems. The zero value is a generic Hayes modem. What a
// line's configuration can have itself (init, result codes, proof registers, timing) is not here: Config has it.
type Profile struct {
	Name   string // for people; "" is generic
	Answer string // the command that answers a call; "" is ATA
	// commands that are sent after the initialization, "" none; the line works without their OK
	ErrorCorrection string
	OnHold          string // turns modem-on-hold (V.92) off
	// StoredNumbers: the command N dials a number that is stored in the modem. It is never sent.
	StoredNumbers bool

	CallerID CallerID
	Messages Messages
	Verify   []Register // read back when the modem is ready; a difference is shown as a notice
}

// CallerID is how a modem reports the calling number.
type CallerID struct {
	Command string        // turns it on; "" is AT+VCID=1 (V.253)
	Order   CallerIDOrder // "" is AfterFirstRing
	Lines   []CallerIDLine
}

// Messages is how a cellular modem reports short messages (SMS), in PDU mode (3GPP TS 27.005). The zero value has none.
type Messages struct {
	On  string // makes it report that a message was stored: AT+CNMI=2,1,0,0,0
	Off string // makes it report none
}

// CallerIDOrder is when a modem reports the calling number. After that, a call is answered without it.
type CallerIDOrder string

// The orders.
const (
	BeforeFirstRing CallerIDOrder = "before_first_ring"
	WithRing        CallerIDOrder = "with_ring" // in the line that reports the ring
	AfterFirstRing  CallerIDOrder = "after_first_ring"
	AfterSecondRing CallerIDOrder = "after_second_ring"
)

// Rings returns how many rings come before the number.
func (o CallerIDOrder) Rings() int {
	switch o {
	case BeforeFirstRing, WithRing:
		return 0
	case AfterSecondRing:
		return 2
	}
	return 1
}

// CallerIDLine is the line in which a modem reports the calling number: how it begins, and the form of the rest (a name
// in the caller ID table of package modem).
type CallerIDLine struct{ Text, Form string }

// Register is an S register and the value that it must have.
type Register struct{ Number, Value int }

package fsm

import "fmt"

// State is a state of the automaton (RFC 1661 §4.2).
type State uint8

// The states, with the numbers of RFC 1661 §4.1.
const (
	Initial  State = iota // the lower layer is down, nothing was opened
	Starting              // opened, and the lower layer is down
	Closed                // the lower layer is up, nothing was opened
	Stopped               // opened, and the negotiation has ended
	Closing               // Terminate-Request sent after Close
	Stopping              // Terminate-Request or the Ack of the peer's sent, while still opened
	ReqSent               // Configure-Request sent
	AckRcvd               // our request is acknowledged
	AckSent               // the peer's request is acknowledged
	Opened                // both are acknowledged
)

var stateNames = [...]string{"Initial", "Starting", "Closed", "Stopped", "Closing", "Stopping", "Req-Sent", "Ack-Rcvd",
	"Ack-Sent", "Opened"}

// String is the name in RFC 1661.
func (s State) String() string { return name(stateNames[:], int(s)) }

// Waits reports whether the restart timer runs in s: these are the states with TO events (RFC 1661 §4.1).
func (s State) Waits() bool {
	_, _, ok := Step(s, TOPlus)
	return ok
}

// Negotiates reports whether options are being negotiated in s.
func (s State) Negotiates() bool { return s == ReqSent || s == AckRcvd || s == AckSent }

// Event is an event of the automaton (RFC 1661 §4.3).
type Event uint8

// The events, in the order of RFC 1661 §4.1.
const (
	Up       Event = iota // the lower layer is up
	Down                  // the lower layer is down
	Open                  // administrative open
	Close                 // administrative close
	TOPlus                // time-out, and the restart counter is above zero
	TOMinus               // time-out, and the restart counter is spent
	RCRPlus               // Configure-Request that can be acknowledged
	RCRMinus              // Configure-Request that cannot
	RCA                   // Configure-Ack
	RCN                   // Configure-Nak or Configure-Reject
	RTR                   // Terminate-Request
	RTA                   // Terminate-Ack
	RUC                   // unknown code
	RXJPlus               // Code-Reject or Protocol-Reject that is permitted
	RXJMinus              // Code-Reject or Protocol-Reject that ends the layer
	RXR                   // Echo-Request, Echo-Reply, Discard-Request
)

var eventNames = [...]string{"Up", "Down", "Open", "Close", "TO+", "TO-", "RCR+", "RCR-", "RCA", "RCN", "RTR", "RTA",
	"RUC", "RXJ+", "RXJ-", "RXR"}

// String is the name in RFC 1661.
func (e Event) String() string { return name(eventNames[:], int(e)) }

// Action is an action of the automaton (RFC 1661 §4.4).
type Action uint8

// The actions. Only SCR, STR and ZRC start the restart timer.
const (
	TLU Action = iota // This-Layer-Up
	TLD               // This-Layer-Down
	TLS               // This-Layer-Started
	TLF               // This-Layer-Finished
	IRC               // Initialize-Restart-Count
	ZRC               // Zero-Restart-Count
	SCR               // Send-Configure-Request
	SCA               // Send-Configure-Ack
	SCN               // Send-Configure-Nak or -Reject
	STR               // Send-Terminate-Request
	STA               // Send-Terminate-Ack
	SCJ               // Send-Code-Reject
	SER               // Send-Echo-Reply
)

var actionNames = [...]string{"tlu", "tld", "tls", "tlf", "irc", "zrc", "scr", "sca", "scn", "str", "sta", "scj", "ser"}

// String is the abbreviation in RFC 1661.
func (a Action) String() string { return name(actionNames[:], int(a)) }

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%d?", i)
}

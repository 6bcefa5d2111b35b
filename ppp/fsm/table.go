package fsm

import "slices"

// cell is one cell of the table: the next state and what is done on the way. The zero cell is an illegal event.
type cell struct {
	to    State
	do    []Action
	legal bool
}

func to(s State, do ...Action) cell { return cell{to: s, do: do, legal: true} }

// table is RFC 1661 §4.1, a line for each event and cells by state. Of the implementation options, none is taken: Open
// does not renegotiate (r), and a layer whose peer does not answer is finished (p). A test prints it into
// docs/reference/ppp-automaton.md.
var table = [...][Opened + 1]cell{
	Up: {Initial: to(Closed), Starting: to(ReqSent, IRC, SCR)},
	Down: {Closed: to(Initial), Stopped: to(Starting, TLS), Closing: to(Initial), Stopping: to(Starting),
		ReqSent: to(Starting), AckRcvd: to(Starting), AckSent: to(Starting), Opened: to(Starting, TLD)},
	Open: {Initial: to(Starting, TLS), Starting: to(Starting), Closed: to(ReqSent, IRC, SCR), Stopped: to(Stopped),
		Closing: to(Stopping), Stopping: to(Stopping), ReqSent: to(ReqSent), AckRcvd: to(AckRcvd),
		AckSent: to(AckSent), Opened: to(Opened)},
	Close: {Initial: to(Initial), Starting: to(Initial, TLF), Closed: to(Closed), Stopped: to(Closed),
		Closing: to(Closing), Stopping: to(Closing), ReqSent: to(Closing, IRC, STR), AckRcvd: to(Closing, IRC, STR),
		AckSent: to(Closing, IRC, STR), Opened: to(Closing, TLD, IRC, STR)},
	TOPlus: {Closing: to(Closing, STR), Stopping: to(Stopping, STR), ReqSent: to(ReqSent, SCR),
		AckRcvd: to(ReqSent, SCR), AckSent: to(AckSent, SCR)},
	TOMinus: {Closing: to(Closed, TLF), Stopping: to(Stopped, TLF), ReqSent: to(Stopped, TLF),
		AckRcvd: to(Stopped, TLF), AckSent: to(Stopped, TLF)},
	RCRPlus: {Closed: to(Closed, STA), Stopped: to(AckSent, IRC, SCR, SCA), Closing: to(Closing),
		Stopping: to(Stopping), ReqSent: to(AckSent, SCA), AckRcvd: to(Opened, SCA, TLU), AckSent: to(AckSent, SCA),
		Opened: to(AckSent, TLD, SCR, SCA)},
	RCRMinus: {Closed: to(Closed, STA), Stopped: to(ReqSent, IRC, SCR, SCN), Closing: to(Closing),
		Stopping: to(Stopping), ReqSent: to(ReqSent, SCN), AckRcvd: to(AckRcvd, SCN), AckSent: to(ReqSent, SCN),
		Opened: to(ReqSent, TLD, SCR, SCN)},
	RCA: {Closed: to(Closed, STA), Stopped: to(Stopped, STA), Closing: to(Closing), Stopping: to(Stopping),
		ReqSent: to(AckRcvd, IRC), AckRcvd: to(ReqSent, SCR), AckSent: to(Opened, IRC, TLU),
		Opened: to(ReqSent, TLD, SCR)},
	RCN: {Closed: to(Closed, STA), Stopped: to(Stopped, STA), Closing: to(Closing), Stopping: to(Stopping),
		ReqSent: to(ReqSent, IRC, SCR), AckRcvd: to(ReqSent, SCR), AckSent: to(AckSent, IRC, SCR),
		Opened: to(ReqSent, TLD, SCR)},
	RTR: {Closed: to(Closed, STA), Stopped: to(Stopped, STA), Closing: to(Closing, STA), Stopping: to(Stopping, STA),
		ReqSent: to(ReqSent, STA), AckRcvd: to(ReqSent, STA), AckSent: to(ReqSent, STA),
		Opened: to(Stopping, TLD, ZRC, STA)},
	RTA: {Closed: to(Closed), Stopped: to(Stopped), Closing: to(Closed, TLF), Stopping: to(Stopped, TLF),
		ReqSent: to(ReqSent), AckRcvd: to(ReqSent), AckSent: to(AckSent), Opened: to(ReqSent, TLD, SCR)},
	RUC: {Closed: to(Closed, SCJ), Stopped: to(Stopped, SCJ), Closing: to(Closing, SCJ), Stopping: to(Stopping, SCJ),
		ReqSent: to(ReqSent, SCJ), AckRcvd: to(AckRcvd, SCJ), AckSent: to(AckSent, SCJ), Opened: to(Opened, SCJ)},
	RXJPlus: {Closed: to(Closed), Stopped: to(Stopped), Closing: to(Closing), Stopping: to(Stopping),
		ReqSent: to(ReqSent), AckRcvd: to(ReqSent), AckSent: to(AckSent), Opened: to(Opened)},
	RXJMinus: {Closed: to(Closed, TLF), Stopped: to(Stopped, TLF), Closing: to(Closed, TLF),
		Stopping: to(Stopped, TLF), ReqSent: to(Stopped, TLF), AckRcvd: to(Stopped, TLF), AckSent: to(Stopped, TLF),
		Opened: to(Stopping, TLD, IRC, STR)},
	RXR: {Closed: to(Closed), Stopped: to(Stopped), Closing: to(Closing), Stopping: to(Stopping),
		ReqSent: to(ReqSent), AckRcvd: to(AckRcvd), AckSent: to(AckSent), Opened: to(Opened, SER)},
}

// Step is the automaton of RFC 1661 §4.1: the state after event e in state s and the actions on the way, in their
// order. ok is false where the RFC calls the event illegal: the state stays and nothing is done.
func Step(s State, e Event) (next State, do []Action, ok bool) {
	if int(e) >= len(table) || s > Opened || !table[e][s].legal {
		return s, nil, false
	}
	c := table[e][s]
	return c.to, slices.Clone(c.do), true
}

package nvt

// state is the state of one side of an option (RFC 1143 §7).
type state byte

const (
	no state = iota
	yes
	wantNo  // we have asked the side to stop, and wait for the answer
	wantYes // we have asked the side to begin, and wait for the answer
)

// side is one side of an option: ours (WILL, WONT; DO, DONT from the peer) or the peer's.
type side struct {
	state    state
	opposite bool // the queue bit: when the answer comes, ask for the opposite
}

// verbs are what we send about a side.
type verbs struct{ on, off byte }

var (
	ours   = verbs{WILL, WONT}
	theirs = verbs{DO, DONT}
)

// want asks for the side to begin (on) or to stop, by the rules of RFC 1143 §7 for the wish of a user. It returns the
// verb to send; 0: none, because it is so, is being asked for, or waits for the answer to the request before.
func (s *side) want(on bool, v verbs) (send byte) {
	settled, asking, other := no, wantYes, wantNo
	verb := v.on
	if !on {
		settled, asking, other, verb = yes, wantNo, wantYes, v.off
	}
	switch s.state {
	case settled:
		s.state = asking
		return verb
	case asking:
		s.opposite = false
	case other:
		s.opposite = true
	}
	return 0
}

// hear takes what the peer says about the side: on is WILL or DO. agree says whether we accept that the side begins. It
// returns the verb to send; 0: none. (RFC 1143 §7; what the peer may not say in a state changes nothing there.)
func (s *side) hear(on, agree bool, v verbs) (send byte) {
	if on {
		return s.hearOn(agree, v)
	}
	switch s.state {
	case yes:
		s.state = no
		return v.off
	case wantNo:
		if s.opposite {
			s.state, s.opposite = wantYes, false
			return v.on
		}
		s.state = no
	case wantYes:
		s.state, s.opposite = no, false
	}
	return 0
}

func (s *side) hearOn(agree bool, v verbs) (send byte) {
	switch s.state {
	case no:
		if !agree {
			return v.off
		}
		s.state = yes
		return v.on
	case wantNo: // DONT answered by WILL, which is an error of the peer: the side is as the peer says, if we want it
		if s.opposite {
			s.state, s.opposite = yes, false
		} else {
			s.state = no
		}
	case wantYes:
		if s.opposite {
			s.state, s.opposite = wantNo, false
			return v.off
		}
		s.state = yes
	}
	return 0
}

// inForce reports whether the side does what the option says.
func (s *side) inForce() bool { return s.state == yes }

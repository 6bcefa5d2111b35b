package lcp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ringback/ringback/ppp/fsm"
)

// maxLoops is how often our own magic number may come back before the line counts as looped.
const maxLoops = 10

// options is LCP's fsm.Protocol.
type options struct {
	config Config

	// our request
	ask     Side // its values; a default value is not in the request
	auth    Auth
	refused map[Auth]bool // methods that the peer does not want
	magic   bool          // ask.Magic is in the request

	// what was negotiated
	ours     Side
	peer     Side
	callback *Callback

	acked     bool // the peer has acknowledged our request since takeAcked
	loops     int  // requests with our own magic number, one after the other
	suggested bool // CBCP was suggested to the peer
	asked     bool // the peer asked for a callback
}

func (o *options) Begin() {
	c := o.config
	o.ask = Side{MRU: c.MRU, ACCM: c.ACCM, PFC: true, ACFC: true}
	if o.ask.MRU <= 0 {
		o.ask.MRU = fsm.DefaultMRU
	}
	o.newMagic()
	o.magic = true
	o.refused = map[Auth]bool{}
	o.auth = o.nextAuth()
	o.ours, o.peer, o.callback = defaultSide(), defaultSide(), nil
	o.acked, o.loops, o.suggested, o.asked = false, 0, false, false
}

func (o *options) result() Result {
	r := Result{Ours: o.ours, Peer: o.peer, Auth: o.auth, CallbackAsked: o.asked}
	if o.callback != nil {
		r.Callback = &Callback{o.callback.Operation, bytes.Clone(o.callback.Message)}
	}
	return r
}

// takeAcked reports once that the peer has acknowledged our request.
func (o *options) takeAcked() bool {
	acked := o.acked
	o.acked = false
	return acked
}

// newMagic takes a random magic number for us that is neither 0 nor the last one.
func (o *options) newMagic() { o.ask.Magic = o.random() }

// random returns a random number that is neither 0 nor our magic number.
func (o *options) random() uint32 {
	n := o.config.Magic()
	for n == 0 || n == o.ask.Magic {
		n++
	}
	return n
}

// nextAuth returns the first method of the list that the peer did not refuse; NoAuth if there is none.
func (o *options) nextAuth() Auth {
	for _, a := range o.config.Auth {
		if a.known() && !o.refused[a] {
			return a
		}
	}
	return NoAuth
}

func (o *options) Request() []fsm.Option {
	var out []fsm.Option
	add := func(kind byte, data []byte) { out = append(out, fsm.Option{Type: kind, Data: data}) }
	if o.ask.MRU != fsm.DefaultMRU {
		add(optMRU, u16(o.ask.MRU))
	}
	if o.ask.ACCM != defaultACCM {
		add(optACCM, u32(o.ask.ACCM))
	}
	if o.auth != NoAuth {
		out = append(out, o.auth.option())
	}
	if o.magic {
		add(optMagic, u32(o.ask.Magic))
	}
	if o.ask.PFC {
		add(optPFC, nil)
	}
	if o.ask.ACFC {
		add(optACFC, nil)
	}
	return out
}

func (o *options) Acked() {
	o.ours, o.acked = o.ask, true
	if !o.magic {
		o.ours.Magic = 0
	}
}

func (o *options) Suggested(opts []fsm.Option) fsm.Reason {
	for _, opt := range opts {
		switch {
		case opt.Type == optMRU && len(opt.Data) == 2 && o.ask.MRU != fsm.DefaultMRU:
			o.ask.MRU = min(max(int(binary.BigEndian.Uint16(opt.Data)), leastMRU), o.ask.MRU)
		case opt.Type == optACCM && len(opt.Data) == 4:
			o.ask.ACCM |= binary.BigEndian.Uint32(opt.Data)
		case opt.Type == optAuth && o.auth != NoAuth:
			if end := o.suggestedAuth(opt.Data); end.Cause != "" {
				return end
			}
		case opt.Type == optMagic && o.magic:
			o.newMagic()
		case opt.Type == optPFC:
			o.ask.PFC = false // a boolean option is not Nak'd; it counts as rejected
		case opt.Type == optACFC:
			o.ask.ACFC = false
		}
	}
	return fsm.Reason{}
}

// suggestedAuth moves to the method that the peer suggests, if it is in the list and was not refused before, and
// otherwise to the next of the list.
func (o *options) suggestedAuth(data []byte) fsm.Reason {
	wanted := parseAuth(data)
	if wanted == o.auth {
		return fsm.Reason{}
	}
	o.refused[o.auth] = true
	o.auth = o.nextAuth()
	if wanted != NoAuth && slices.Contains(o.config.Auth, wanted) && !o.refused[wanted] {
		o.auth = wanted
	}
	if o.auth != NoAuth {
		return fsm.Reason{}
	}
	if wanted == NoAuth {
		return fsm.Reason{Cause: AuthRejected, Detail: fmt.Sprintf("it wants protocol %x", data)}
	}
	return fsm.Reason{Cause: AuthRejected, Detail: "it wants " + wanted.String()}
}

func (o *options) Rejected(opts []fsm.Option) fsm.Reason {
	for _, opt := range opts {
		switch opt.Type {
		case optMRU:
			o.ask.MRU = fsm.DefaultMRU
		case optACCM:
			o.ask.ACCM = defaultACCM
		case optAuth:
			return fsm.Reason{Cause: AuthRejected, Detail: o.auth.String()}
		case optMagic:
			o.magic = false
		case optPFC:
			o.ask.PFC = false
		case optACFC:
			o.ask.ACFC = false
		}
	}
	return fsm.Reason{}
}

func (o *options) Judge(opts []fsm.Option) fsm.Judgement {
	if o.looped(opts) {
		return o.judgeLoop(opts)
	}
	o.loops = 0
	var j fsm.Judgement
	for _, opt := range opts {
		j.Verdicts = append(j.Verdicts, o.judge(opt))
	}
	return j
}

// looped reports whether a request has our own magic number.
func (o *options) looped(opts []fsm.Option) bool {
	own := fsm.Option{Type: optMagic, Data: u32(o.ask.Magic)}
	return o.magic && slices.ContainsFunc(opts, own.Equal)
}

// judgeLoop answers what may be our own request with a Nak of the magic number (RFC 1661 §6.4), and of nothing else: a
// Reject of our own authentication would come back and seem to be the peer's.
func (o *options) judgeLoop(opts []fsm.Option) fsm.Judgement {
	if o.loops++; o.loops >= maxLoops {
		return fsm.Judgement{End: fsm.Reason{Cause: Looped}}
	}
	var j fsm.Judgement
	for _, opt := range opts {
		v := fsm.Accept()
		if opt.Type == optMagic {
			v = fsm.FirmNak(fsm.Option{Type: optMagic, Data: u32(o.random())})
		}
		j.Verdicts = append(j.Verdicts, v)
	}
	return j
}

// judge answers one option of the peer's request. A wrong length is answered with a value (RFC 1661 §6).
func (o *options) judge(opt fsm.Option) fsm.Verdict {
	nak := func(data []byte) fsm.Verdict { return fsm.Nak(fsm.Option{Type: opt.Type, Data: data}) }
	switch opt.Type {
	case optMRU:
		if len(opt.Data) != 2 {
			return nak(u16(fsm.DefaultMRU))
		}
		if binary.BigEndian.Uint16(opt.Data) < leastMRU {
			return nak(u16(leastMRU))
		}
	case optACCM:
		if len(opt.Data) != 4 {
			return nak(u32(o.config.PeerACCM))
		}
		if m := binary.BigEndian.Uint32(opt.Data); m|o.config.PeerACCM != m {
			return nak(u32(m | o.config.PeerACCM))
		}
	case optMagic:
		if len(opt.Data) != 4 || binary.BigEndian.Uint32(opt.Data) == 0 {
			return nak(u32(o.random()))
		}
	case optPFC, optACFC:
		if len(opt.Data) != 0 {
			return fsm.Reject()
		}
	case optCallback:
		return o.judgeCallback(opt)
	default:
		return fsm.Reject()
	}
	return fsm.Accept()
}

// judgeCallback accepts the operations of the configuration. A peer that asks for another one may know CBCP too: it is
// suggested once.
func (o *options) judgeCallback(opt fsm.Option) fsm.Verdict {
	o.asked = true
	if len(opt.Data) == 0 {
		return fsm.Reject()
	}
	op := Operation(opt.Data[0])
	if slices.Contains(o.config.Callback, op) {
		return fsm.Accept()
	}
	if op == ByCBCP || o.suggested || !slices.Contains(o.config.Callback, ByCBCP) {
		return fsm.Reject()
	}
	o.suggested = true
	return fsm.Nak(fsm.Option{Type: optCallback, Data: []byte{byte(ByCBCP)}})
}

func (o *options) Accepted(opts []fsm.Option) fsm.Reason {
	o.peer, o.callback = defaultSide(), nil
	for _, opt := range opts {
		switch opt.Type {
		case optMRU:
			o.peer.MRU = int(binary.BigEndian.Uint16(opt.Data))
		case optACCM:
			o.peer.ACCM = binary.BigEndian.Uint32(opt.Data)
		case optMagic:
			o.peer.Magic = binary.BigEndian.Uint32(opt.Data)
		case optPFC:
			o.peer.PFC = true
		case optACFC:
			o.peer.ACFC = true
		case optCallback:
			o.callback = parseCallback(opt.Data)
		}
	}
	return fsm.Reason{}
}

func parseCallback(data []byte) *Callback {
	c := &Callback{Operation: Operation(data[0])}
	if c.Operation != ByCBCP && c.Operation != ByUser {
		c.Message = bytes.Clone(data[1:]) // a message of the other two is ignored (MS-CBCP §2.2.1)
	}
	return c
}

package servers

import (
	"strings"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// reply is an answer before encoding, with the faults to apply.
type reply struct {
	request *radius.Packet
	secret  aaa.Secret
	code    radius.Code
	attrs   []Attribute
	faults  Faults
	raw     bool // Ascend-… as top-level types
}

func (r reply) encode() []byte {
	f := r.faults
	p := r.request.Response(r.code)
	if f.WrongID {
		p.Identifier++
	}
	if f.WrongCode {
		p.Code = wrongCode(r.code)
	}
	macs := r.macs()
	if macs > 0 && !f.LastMAC {
		p.Add(80, make([]byte, 16))
	}
	for _, a := range r.attrs {
		if strings.HasPrefix(a.Name, "Ascend-") && r.raw {
			a.Name = "X-" + a.Name
		}
		// FreeRADIUS sends no attribute without a value; Attr-N can send one.
		if t, v, err := a.encodeFor(r.request.Authenticator[:], r.secret); err == nil &&
			(a.Value != "" || strings.HasPrefix(a.Name, "Attr-")) {
			p.Add(t, v)
		}
	}
	if macs > 0 && f.LastMAC {
		p.Add(80, make([]byte, 16))
	}
	if macs > 1 {
		p.Add(80, make([]byte, 16))
	}
	if f.ShortMAC {
		p.Add(80, make([]byte, 15))
	}
	b, err := p.MarshalBinary() // the signature is computed over the request's authenticator, which it contains here
	if err != nil {
		return nil
	}
	r.sign(b)
	copy(b[4:20], digest(b, b[4:20], r.secret))
	if f.WrongAuth {
		b[4] ^= 1
	}
	switch {
	case f.Padding:
		b = append(b, 80, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	case f.Truncate > 0:
		b = b[:max(0, len(b)-f.Truncate)]
	}
	return b
}

func wrongCode(c radius.Code) radius.Code {
	if c == radius.CodeAccountingResponse {
		return radius.CodeAccessAccept
	}
	return radius.CodeAccountingResponse
}

func (r reply) macs() int {
	switch {
	case r.faults.Unsigned, r.faults.ShortMAC:
		return 0
	case r.faults.DoubleMAC:
		return 2
	}
	return 1
}

// sign fills in all Message-Authenticators.
func (r reply) sign(b []byte) {
	var at []int
	for i := 20; i < len(b); i += int(b[i+1]) {
		if b[i] == 80 {
			at = append(at, i+2)
		}
	}
	mac := sign(b, r.secret)
	if r.faults.WrongMAC {
		mac[0] ^= 1
	}
	for _, i := range at {
		copy(b[i:], mac)
	}
}

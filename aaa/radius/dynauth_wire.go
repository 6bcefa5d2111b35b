package radius

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// errorCause is a value of Error-Cause (RFC 5176 §3.5).
type errorCause uint32

const (
	residualContextRemoved              errorCause = 201
	unsupportedAttribute                errorCause = 401
	missingAttribute                    errorCause = 402
	nasIdentificationMismatch           errorCause = 403
	invalidRequest                      errorCause = 404
	unsupportedService                  errorCause = 405
	invalidAttributeValue               errorCause = 407
	administrativelyProhibited          errorCause = 501
	sessionContextNotFound              errorCause = 503
	sessionContextNotRemovable          errorCause = 504
	resourcesUnavailable                errorCause = 506
	multipleSessionSelectionUnsupported errorCause = 508
)

// readDynAuth parses an authentic Disconnect- or CoA-Request. Its Request Authenticator is a digest of the packet, as
// in accounting; its Message-Authenticator is computed with zeros in place of the Request Authenticator (RFC 5176 §2.3,
// §3.4).
func readDynAuth(datagram, secret []byte, signed bool) (*radius.Packet, error) {
	b, ok := cut(datagram)
	if !ok {
		return nil, errors.New("bad length")
	}
	if c := radius.Code(b[0]); c != radius.CodeDisconnectRequest && c != radius.CodeCoARequest {
		return nil, fmt.Errorf("%v is not a dynamic authorization request", c)
	}
	mac, f := findMAC(b)
	if f != good {
		return nil, fmt.Errorf("received %s", f)
	}
	at := &slot{keys: newKeyed(secret)} // with an authenticator of zeros
	switch {
	case !rightDigest(b, at):
		return nil, errors.New("wrong Request Authenticator (is the shared secret the same on both sides?)")
	case mac == 0 && signed:
		return nil, errors.New("no Message-Authenticator (configure the server to add one: Message-Authenticator = " +
			"0x00 in FreeRADIUS)")
	case mac != 0 && !rightMAC(b, mac, at):
		return nil, errors.New("wrong Message-Authenticator")
	}
	return radius.Parse(b, secret)
}

// current returns an error if the Event-Timestamp of a request is outside the window or before started. A request
// without one is refused later, with a NAK that says so.
func current(attrs radius.Attributes, now time.Time, window time.Duration, started time.Time) error {
	for _, v := range values(attrs, rfc2869.EventTimestamp_Type) {
		n, err := radius.Integer(v)
		if err != nil {
			return errors.New("invalid Event-Timestamp")
		}
		at := time.Unix(int64(n), 0)
		switch {
		case at.Sub(now).Abs() > window:
			return fmt.Errorf("Event-Timestamp is %s from now, more than %s (are both clocks correct?)",
				at.Sub(now).Round(time.Second), window)
		case at.Before(started):
			return errors.New("Event-Timestamp is from before this server's start: earlier requests are no " +
				"longer known")
		}
	}
	return nil
}

// dynAuthReply returns a reply with a copy of Proxy-State and State, if the request has them (RFC 5176 §3.6).
func dynAuthReply(request *radius.Packet, code radius.Code, cause errorCause) *radius.Packet {
	p := &radius.Packet{Code: code, Identifier: request.Identifier, Authenticator: request.Authenticator}
	if cause != 0 {
		p.Attributes.Add(errorCauseType, radius.NewInteger(uint32(cause)))
	}
	for _, a := range request.Attributes {
		if a.Type == rfc2865.ProxyState_Type || a.Type == rfc2865.State_Type {
			p.Attributes.Add(a.Type, a.Attribute)
		}
	}
	return p
}

// encodeDynAuthReply encodes and signs a reply whose Authenticator is still that of the request.
func encodeDynAuthReply(p *radius.Packet, secret []byte) ([]byte, error) {
	signed := *p
	signed.Attributes = append(radius.Attributes{{Type: macType, Attribute: make([]byte, macLen-2)}}, p.Attributes...)
	b, err := signed.MarshalBinary()
	if err != nil {
		return nil, err
	}
	keys := newKeyed(secret)
	mac := keys.hmac(b)
	copy(b[headerLen+2:], mac[:])
	digest := keys.digest(b)
	copy(b[4:headerLen], digest[:])
	return b, nil
}

// seenRequests stores the authenticators of accepted requests for as long as their Event-Timestamp could be within the
// window. The zero value is empty and ready to use.
type seenRequests struct {
	mu    sync.Mutex
	known map[authenticator]*seenRequest
	order []expiring // oldest first
}

type seenRequest struct {
	from  string
	id    byte
	reply []byte // nil while the request is in progress
}

type expiring struct {
	auth  authenticator
	until time.Time
}

// familiarity says whether a request was seen before.
type familiarity int

const (
	fresh    familiarity = iota // not seen before; now stored
	repeated                    // the same request from the same source: a retransmission
	replayed                    // the same request from another source
	full                        // not seen before, and no space to store it
)

// take stores a request that was not seen before. For a retransmission it returns the reply, nil while the request is
// in progress.
func (s *seenRequests) take(auth authenticator, from string, id byte, now time.Time, keep time.Duration) ([]byte,
	familiarity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireLocked(now)
	if r := s.known[auth]; r != nil {
		if r.from == from && r.id == id {
			return r.reply, repeated
		}
		return nil, replayed
	}
	if len(s.known) >= dynAuthMaxSeen {
		return nil, full
	}
	if s.known == nil {
		s.known = map[authenticator]*seenRequest{}
	}
	s.known[auth] = &seenRequest{from: from, id: id}
	s.order = append(s.order, expiring{auth, now.Add(keep)})
	return nil, fresh
}

func (s *seenRequests) expireLocked(now time.Time) {
	for len(s.order) > 0 && now.After(s.order[0].until) {
		delete(s.known, s.order[0].auth)
		s.order = s.order[1:]
	}
}

// done stores the reply for retransmissions.
func (s *seenRequests) done(auth authenticator, reply []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.known[auth]; r != nil {
		r.reply = reply
	}
}

// forget removes a request that was not performed, so that it can be sent again.
func (s *seenRequests) forget(auth authenticator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, auth)
	for i := range s.order {
		if s.order[i].auth == auth {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

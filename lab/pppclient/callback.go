package pppclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A CallbackKind is a way to ask for a callback: the operation of LCP's callback option.
type CallbackKind uint8

// The kinds. All except CBCP are of RFC 1570 §2.3.
const (
	NoCallback CallbackKind = iota
	ByLogin                 // operation 0: the server knows the number of the user
	ByDialString
	ByLocation
	ByNumber
	CBCP // operation 6: the callback is settled after the login (MS-CBCP)
)

var callbackKinds = []struct {
	kind      CallbackKind
	name      string
	operation byte
}{
	{ByLogin, "login", 0}, {ByDialString, "dial-string", 1}, {ByLocation, "location", 2}, {ByNumber, "number", 3},
	{CBCP, "cbcp", 6},
}

// ParseCallbackKind reads the name of a kind.
func ParseCallbackKind(name string) (CallbackKind, error) {
	for _, k := range callbackKinds {
		if k.name == name {
			return k.kind, nil
		}
	}
	return NoCallback, fmt.Errorf("unknown callback %q: use cbcp, login, dial-string, location or number", name)
}

// Callback is the callback for which the subscriber asks.
type Callback struct {
	Kind CallbackKind
	// Number is where to call; for CBCP "" accepts only the server's own number. ByLocation has a name in it.
	Number string
	Delay  time.Duration // after the hang-up, for CBCP: whole seconds up to 255
	// Decline asks by CBCP and then wants no callback, as a Windows client does that is told nothing.
	Decline bool
}

// option is LCP's option for the callback. There is no message with operations 0 and 6.
func (b Callback) option() (o option, ok bool) {
	for _, k := range callbackKinds {
		if k.kind != b.Kind {
			continue
		}
		o = option{optCallback, []byte{k.operation}}
		if b.Kind != ByLogin && b.Kind != CBCP {
			o.data = append(o.data, b.Number...)
		}
		return o, len(o.data) <= 253
	}
	return o, false
}

// Promise is a callback that the server has accepted.
type Promise struct {
	Number string        // at which the client is called back; "": the server has its own
	Delay  time.Duration // for which the client has asked
}

// The codes of CBCP, its types of callback, and its only type of address (MS-CBCP §2.2.2, §2.2.3).
const (
	cbcpRequest, cbcpResponse, cbcpAck = 1, 2, 3
	cbcpNone, cbcpUser, cbcpAdmin      = 1, 2, 3
	cbcpPhone                          = 1
)

// settleCallback follows the login; nil without an error means that the call goes on.
func (c *Client) settleCallback(ctx context.Context) (*Promise, error) {
	switch {
	case !c.agreed:
		return nil, nil
	case c.config.Callback.Kind != CBCP:
		return c.awaitHangUp(ctx)
	}
	var id byte
	var response []byte // nil until a Request has come: pppd and Windows wait for it without saying anything
	again := func() error {
		if response == nil {
			return nil
		}
		return c.send(packet{cbcpResponse, id, response}.frame(protoCBCP))
	}
	err := c.talk(ctx, protoCBCP, "cbcp", again, func(p packet) (bool, error) {
		switch {
		case p.code == cbcpAck && response != nil && p.id == id && bytes.Equal(p.data, response):
			return true, nil
		case p.code != cbcpRequest:
			return false, nil
		}
		offers, ok := parseOptions(p.data)
		if !ok {
			return false, nil
		}
		var err error
		if response, err = c.config.Callback.choose(offers); err != nil {
			return false, err
		}
		id = p.id
		return false, again()
	})
	switch {
	case err != nil:
		return nil, err
	case response[0] == cbcpNone:
		c.config.Tell("no callback")
		return nil, nil
	}
	promise := &Promise{Delay: time.Duration(response[2]) * time.Second}
	where := "the number that the server has"
	if response[0] == cbcpUser {
		promise.Number, where = c.config.Callback.Number, c.config.Callback.Number
	}
	c.config.Tell("the server will call back " + where)
	return promise, nil
}

// choose returns the answer to an offer: the user's number if there is one, the server's, or none.
func (b Callback) choose(offers []option) ([]byte, error) {
	delay := byte(min(max(b.Delay/time.Second, 0), 255))
	offered := func(kind byte) bool {
		return slices.ContainsFunc(offers, func(o option) bool { return o.kind == kind })
	}
	switch {
	case !b.Decline && b.Number != "" && len(b.Number) <= 250 && offered(cbcpUser):
		data := append([]byte{delay, cbcpPhone}, b.Number...)
		return appendOption(nil, option{cbcpUser, append(data, 0)}), nil
	case !b.Decline && offered(cbcpAdmin):
		return appendOption(nil, option{cbcpAdmin, []byte{delay}}), nil
	case offered(cbcpNone):
		return appendOption(nil, option{cbcpNone, nil}), nil
	}
	return nil, fmt.Errorf("cbcp: the server offers % x, of which nothing is wanted", joinOptions(offers))
}

// hangUpTime is how long a client that asked by RFC 1570 waits for the server's Terminate-Request.
const hangUpTime = 10 * time.Second

// awaitHangUp waits for the end of the link, which by RFC 1570 §2.3 follows the login.
func (c *Client) awaitHangUp(ctx context.Context) (*Promise, error) {
	promise := &Promise{}
	if c.config.Callback.Kind != ByLogin {
		promise.Number = c.config.Callback.Number
	}
	until := time.Now().Add(hangUpTime)
	for {
		f, err := c.receive(ctx, until)
		switch ended := new(Terminated); {
		case errors.As(err, &ended):
			c.config.Tell("the server ended the link: " + ended.Text)
			return promise, nil
		case errors.Is(err, errTime):
			return promise, nil
		case err == nil:
			err = c.other(f)
		}
		if err != nil {
			return nil, err
		}
	}
}

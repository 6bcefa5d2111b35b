package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
)

// Send delivers r to r.Server if that server is in the group, then to the others in order, and blocks until one
// acknowledges it. The error joins the errors of the servers that were asked; the caller must then deliver the record
// later.
func (c *Client) Send(ctx context.Context, r aaa.Record) error {
	if len(c.acct) == 0 {
		return fmt.Errorf("account %s of session %s with %s: no server has an accounting address", r.Type, r.SessionID,
			c.cfg.Name)
	}
	b := newBuilder()
	err := c.record(b, r, nil, 0)
	b.free()
	if err != nil {
		return fmt.Errorf("account %s of session %s: %w", r.Type, r.SessionID, err)
	}
	return aaa.Deliver(ctx, r, c.inOrder(c.acct), func(p *peer) string { return p.Name },
		func(p *peer) error { return c.account(ctx, p, r) })
}

func (c *Client) account(ctx context.Context, p *peer, r aaa.Record) error {
	var sent int64 = -1 // the Acct-Delay-Time last encoded
	began := time.Now()
	_, err := p.exchange(ctx, question{
		encode: func(at *slot) ([]byte, error) {
			sent = delay(r)
			b := newBuilder()
			defer b.free()
			if err := c.record(b, r, at.local, sent); err != nil {
				return nil, err
			}
			attrs := fit(append(b.attrs, vendorCauses(p.Dialects, r)...))
			p.show(r.About(), at, radius.CodeAccountingRequest, attrs, true)
			return encodeAccounting(at, attrs)
		},
		// A packet with another delay needs another identifier (RFC 2866 §5.2).
		renew: func() bool { return delay(r) != sent },
		check: checkAccounting,
		about: r.About(),
	})
	var s *silence
	result := aaa.Granted
	if errors.As(err, &s) {
		result = aaa.Silent
	} else if err != nil {
		result = aaa.Refused
	}
	aaa.Observe(ctx, c.cfg.Observe, began, p.Name, aaa.Accounting, result)
	if s != nil && ctx.Err() == nil && !errors.Is(err, errClosed) {
		p.markDead(c.cfg.DeadTime)
	}
	return err
}

// delay returns the Acct-Delay-Time: whole seconds since the event.
func delay(r aaa.Record) int64 {
	if r.Time.IsZero() {
		return 0
	}
	return min(max(0, int64(time.Since(r.Time)/time.Second)), 1<<32-1)
}

var statusTypes = map[aaa.RecordType]rfc2866.AcctStatusType{
	aaa.Start:   rfc2866.AcctStatusType_Value_Start,
	aaa.Interim: rfc2866.AcctStatusType_Value_InterimUpdate,
	aaa.Stop:    rfc2866.AcctStatusType_Value_Stop,
	aaa.On:      rfc2866.AcctStatusType_Value_AccountingOn,
	aaa.Off:     rfc2866.AcctStatusType_Value_AccountingOff,
}

// record adds the attributes of r (RFC 2866 §5, RFC 2869 §5).
func (c *Client) record(b *builder, r aaa.Record, local net.Addr, delay int64) error {
	status, ok := statusTypes[r.Type]
	if !ok {
		return fmt.Errorf("RADIUS has no record type %q", r.Type)
	}
	b.integer(rfc2866.AcctStatusType_Type, uint32(status))
	session := r.SessionID
	if session == "" {
		session = r.ID // exactly one is required (RFC 2866 §5.13)
	}
	b.text(rfc2866.AcctSessionID_Type, "Acct-Session-Id", session)
	b.nas(c.cfg, local)
	b.integer(rfc2866.AcctDelayTime_Type, uint32(delay))
	if !r.Time.IsZero() {
		b.integer(rfc2869.EventTimestamp_Type, uint32(r.Time.Unix()))
	}
	switch r.Type {
	case aaa.Start:
		c.session(b, r)
	case aaa.Interim:
		c.session(b, r)
		b.used(r)
	case aaa.Stop:
		c.session(b, r)
		b.used(r)
		if r.Cause > 0 {
			b.integer(rfc2866.AcctTerminateCause_Type, uint32(r.Cause))
		}
	}
	return b.err
}

// fit drops Class attributes, the last first, until the packet is short enough. An Accept can contain more of them than
// fit into an Accounting-Request, and a record that can never be sent would block all records queued behind it.
func fit(attrs radius.Attributes) radius.Attributes {
	size := headerLen
	for _, a := range attrs {
		size += 2 + len(a.Attribute)
	}
	for i := len(attrs) - 1; i >= 0 && size > maxLen; i-- {
		if attrs[i].Type == rfc2865.Class_Type {
			size -= 2 + len(attrs[i].Attribute)
			attrs = append(attrs[:i], attrs[i+1:]...)
		}
	}
	return attrs
}

// session adds the attributes that Start, Interim-Update and Stop have in common.
func (c *Client) session(b *builder, r aaa.Record) {
	b.text(rfc2866.AcctMultiSessionID_Type, "Acct-Multi-Session-Id", r.MultiSessionID)
	b.text(rfc2865.UserName_Type, "User-Name", r.User)
	b.integer(rfc2866.AcctAuthentic_Type, uint32(c.authentic(r.Entry)))
	b.port(r.TTY)
	b.service(r.Service, r.ServiceType)
	b.framed(r)
	b.stations(r.Called, r.Caller, r.Connect)
	b.text(rfc2865.CallbackNumber_Type, "Callback-Number", r.CallbackNumber)
	for _, class := range r.Class {
		b.text(rfc2865.Class_Type, "Class", string(class)) // unchanged (RFC 2865 §5.25)
	}
}

// framed adds the addresses of a PPP session, in the order of their types.
func (b *builder) framed(r aaa.Record) {
	if r.FramedAddress.Is4() {
		b.address(rfc2865.FramedIPAddress_Type, r.FramedAddress)
	}
	if id, ok := interfaceOctets(r.FramedInterfaceID); ok {
		b.add(rfc3162.FramedInterfaceID_Type, id)
	}
	for _, p := range r.FramedPrefixes {
		b.add(rfc3162.FramedIPv6Prefix_Type, prefixOctets(p))
	}
}

// authentic returns the kind of server that authenticated the user (RFC 2866 §5.6).
func (c *Client) authentic(entry string) rfc2866.AcctAuthentic {
	switch entry {
	case "", c.cfg.Name:
		return rfc2866.AcctAuthentic_Value_RADIUS
	case "local", "none":
		return rfc2866.AcctAuthentic_Value_Local
	}
	return rfc2866.AcctAuthentic_Value_Remote
}

// used adds the usage of a session so far. Input is from the caller; packets are counted for PPP only (RFC 2866 §5.8).
func (b *builder) used(r aaa.Record) {
	b.integer(rfc2866.AcctSessionTime_Type, uint32(min(max(0, int64(r.SessionTime/time.Second)), 1<<32-1)))
	b.integer(rfc2866.AcctInputOctets_Type, uint32(r.OctetsIn))
	b.integer(rfc2866.AcctOutputOctets_Type, uint32(r.OctetsOut))
	if g := r.OctetsIn >> 32; g > 0 {
		b.integer(rfc2869.AcctInputGigawords_Type, uint32(g))
	}
	if g := r.OctetsOut >> 32; g > 0 {
		b.integer(rfc2869.AcctOutputGigawords_Type, uint32(g))
	}
	if r.Service == aaa.PPP {
		b.integer(rfc2866.AcctInputPackets_Type, uint32(min(r.PacketsIn, 1<<32-1)))
		b.integer(rfc2866.AcctOutputPackets_Type, uint32(min(r.PacketsOut, 1<<32-1)))
	}
}

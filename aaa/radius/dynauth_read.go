package radius

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"github.com/ringback/ringback/tty"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
)

const (
	authorizeOnly        = 17  // Service-Type (RFC 5176 §3.2)
	ascendCallbackDelay  = 108 // of vendor 529
	maxCallbackDelay     = 7 * 24 * time.Hour
	callbackDelayPair    = "ringback:callback-delay"
	callbackPair         = "ringback:callback"
	callbackCancelled    = "cancel"
	dynAuthNotIdentified = "no session identified: send Acct-Session-Id, Acct-Multi-Session-Id, User-Name, NAS-Port, " +
		"NAS-Port-Id or Calling-Station-Id"
)

// asked is the content of a request.
type asked struct {
	code     radius.Code
	selector Selector
	change   Change
	changes  int // attributes that change something
	dated    bool
	seen     map[string]bool

	port   *uint64 // NAS-Port; nil: none
	portID int     // the line of NAS-Port-Id; 0: none

	mine       func(netip.Addr) bool
	identifier string
}

// refusal is the reason for a NAK.
type refusal struct {
	cause errorCause
	why   string
}

func refuse(cause errorCause, format string, args ...any) *refusal {
	return &refusal{cause, fmt.Sprintf(format, args...)}
}

// dynRule is one attribute of a request.
type dynRule struct {
	typ  radius.Type
	name string
	coa  bool // in CoA-Requests only
	many bool
	read func(*asked, radius.Attribute) *refusal
}

// dynRules lists the supported attributes. Any other attribute causes a NAK, Unsupported Attribute: a change is made
// completely or not at all (RFC 5176 §3.3).
var dynRules = []dynRule{
	{rfc2865.NASIPAddress_Type, "NAS-IP-Address", false, false, (*asked).nasAddress},
	{rfc3162.NASIPv6Address_Type, "NAS-IPv6-Address", false, false, (*asked).nasAddress},
	{rfc2865.NASIdentifier_Type, "NAS-Identifier", false, false, (*asked).nasIdentifier},
	{rfc2866.AcctSessionID_Type, "Acct-Session-Id", false, false, (*asked).sessionID},
	{rfc2866.AcctMultiSessionID_Type, "Acct-Multi-Session-Id", false, false, (*asked).multiSessionID},
	{rfc2865.UserName_Type, "User-Name", false, false, (*asked).user},
	{rfc2865.NASPort_Type, "NAS-Port", false, false, (*asked).nasPort},
	{rfc2869.NASPortID_Type, "NAS-Port-Id", false, false, (*asked).nasPortID},
	{rfc2865.CallingStationID_Type, "Calling-Station-Id", false, false, (*asked).caller},
	{rfc2865.ServiceType_Type, "Service-Type", false, false, (*asked).serviceType},
	{rfc2865.CallbackNumber_Type, "Callback-Number", false, true, (*asked).number},
	{rfc2865.CallbackID_Type, "Callback-Id", false, true, (*asked).number},
	{rfc2865.SessionTimeout_Type, "Session-Timeout", true, false, (*asked).sessionTimeout},
	{rfc2865.IdleTimeout_Type, "Idle-Timeout", true, false, (*asked).idleTimeout},
	{rfc2865.VendorSpecific_Type, "Vendor-Specific", true, true, (*asked).vendor},
	{rfc2869.EventTimestamp_Type, "Event-Timestamp", false, false, (*asked).timestamp},
	{rfc2866.AcctTerminateCause_Type, "Acct-Terminate-Cause", false, false, ignored},
	{rfc2865.ReplyMessage_Type, "Reply-Message", false, true, ignored},
	{rfc2865.State_Type, "State", false, false, ignored},
	{rfc2865.ProxyState_Type, "Proxy-State", false, true, ignored},
	{macType, "Message-Authenticator", false, false, ignored},
}

func ignored(*asked, radius.Attribute) *refusal { return nil }

// readAsked reads the attributes of a Disconnect- or CoA-Request. mine reports whether an address belongs to this
// access server.
func readAsked(code radius.Code, attrs radius.Attributes, mine func(netip.Addr) bool, identifier string) (asked,
	*refusal) {
	a := asked{code: code, seen: map[string]bool{}, mine: mine, identifier: identifier}
	for _, at := range attrs {
		if err := a.read(at); err != nil {
			return asked{}, err
		}
	}
	if err := a.line(); err != nil {
		return asked{}, err
	}
	switch {
	case !a.dated:
		return asked{}, refuse(missingAttribute,
			"Event-Timestamp is missing: without it a recorded request could be replayed (Event-Timestamp = %%l in "+
				"FreeRADIUS)")
	case a.selector == (Selector{}):
		return asked{}, refuse(missingAttribute, dynAuthNotIdentified)
	case code == radius.CodeCoARequest && a.changes == 0:
		return asked{}, refuse(missingAttribute,
			"it changes nothing: send Session-Timeout, Idle-Timeout, Ascend-Callback-Delay or Cisco-AVPair "+
				"%s=SECONDS or %s=%s", callbackDelayPair, callbackPair, callbackCancelled)
	case a.change.CancelCallback && a.changes > 1:
		return asked{}, refuse(invalidRequest, "it cancels the callback and also changes something")
	}
	return a, nil
}

func (a *asked) read(at *radius.AVP) *refusal {
	for _, rule := range dynRules {
		if rule.typ != at.Type {
			continue
		}
		switch {
		case rule.coa && a.code != radius.CodeCoARequest:
			return refuse(unsupportedAttribute, "%s: not allowed in %v", rule.name, a.code)
		case !rule.many && a.seen[rule.name]:
			return refuse(invalidRequest, "%s: repeated", rule.name)
		case len(at.Attribute) == 0:
			return refuse(invalidAttributeValue, "%s: empty", rule.name)
		}
		a.seen[rule.name] = true
		if err := rule.read(a, at.Attribute); err != nil {
			err.why = rule.name + ": " + err.why
			return err
		}
		return nil
	}
	return refuse(unsupportedAttribute, "attribute %d is not supported", at.Type)
}

func (a *asked) nasAddress(v radius.Attribute) *refusal {
	ip, ok := netip.AddrFromSlice(v)
	switch {
	case !ok:
		return refuse(invalidAttributeValue, "%d octets are not an address", len(v))
	case !a.mine(ip.Unmap()):
		return refuse(nasIdentificationMismatch, "%s is not an address of this access server", ip)
	}
	return nil
}

func (a *asked) nasIdentifier(v radius.Attribute) *refusal {
	if string(v) != a.identifier {
		return refuse(nasIdentificationMismatch, "%q is not this access server", string(v))
	}
	return nil
}

func (a *asked) text(field *string, v radius.Attribute) *refusal {
	if err := pairs.OneLine(string(v)); err != nil {
		return refuse(invalidAttributeValue, "%v", err)
	}
	*field = string(v)
	return nil
}

func (a *asked) sessionID(v radius.Attribute) *refusal { return a.text(&a.selector.SessionID, v) }
func (a *asked) caller(v radius.Attribute) *refusal    { return a.text(&a.selector.Caller, v) }
func (a *asked) multiSessionID(v radius.Attribute) *refusal {
	return a.text(&a.selector.MultiSessionID, v)
}

func (a *asked) user(v radius.Attribute) *refusal {
	if err := aaa.CheckUser(string(v)); err != nil {
		return refuse(invalidAttributeValue, "%v", err)
	}
	a.selector.User = string(v)
	return nil
}

func (a *asked) nasPort(v radius.Attribute) *refusal {
	n, err := radius.Integer(v)
	if err != nil {
		return refuse(invalidAttributeValue, "%d octets are not a number", len(v))
	}
	port := uint64(n)
	a.port = &port
	return nil
}

func (a *asked) nasPortID(v radius.Attribute) *refusal {
	vty := 0
	text, virtual := strings.CutPrefix(string(v), "vty")
	if virtual {
		vty = tty.VTY(0)
	} else {
		text = strings.TrimPrefix(text, "tty")
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 && !virtual || n > tty.Max {
		return refuse(sessionContextNotFound, "%q is not a line of this access server (use tty1, tty2, …, vty0, …)",
			string(v))
	}
	a.portID = int(n) + vty
	return nil
}

// line selects a line. NAS-Port and NAS-Port-Id must agree; NAS-Port alone is a line with a modem.
func (a *asked) line() *refusal {
	a.selector.TTY = a.portID
	switch {
	case a.port == nil:
		return nil
	case a.portID == 0 && *a.port > 0 && *a.port <= tty.Max:
		a.selector.TTY = int(*a.port)
		return nil
	}
	n, ok := tty.IsVTY(a.portID)
	if !ok {
		n = a.portID
	}
	if a.portID == 0 || uint64(n) != *a.port {
		return refuse(sessionContextNotFound, "NAS-Port: line %d contradicts another attribute", *a.port)
	}
	return nil
}

// serviceType refuses every Service-Type: authorization by a new Access-Request (Authorize Only) is not supported, nor
// is a change of the kind of session (RFC 5176 §3.2).
func (a *asked) serviceType(v radius.Attribute) *refusal {
	if n, err := radius.Integer(v); err == nil && n == authorizeOnly {
		return refuse(unsupportedService, "Authorize Only is not supported: send the change itself")
	}
	return refuse(unsupportedService, "the kind of a session cannot be changed")
}

// number refuses a new number: anyone able to change the number of a callback could have any number dialed.
func (a *asked) number(radius.Attribute) *refusal {
	return refuse(administrativelyProhibited,
		"a pending callback's number cannot be changed; it can be delayed or cancelled")
}

func (a *asked) sessionTimeout(v radius.Attribute) *refusal {
	return a.limit(&a.change.SessionTimeout, v)
}

func (a *asked) idleTimeout(v radius.Attribute) *refusal {
	return a.limit(&a.change.IdleTimeout, v)
}

func (a *asked) limit(field **time.Duration, v radius.Attribute) *refusal {
	n, err := radius.Integer(v)
	if err != nil {
		return refuse(invalidAttributeValue, "%d octets are not a number", len(v))
	}
	d := time.Duration(n) * time.Second
	*field = &d
	a.changes++
	return nil
}

func (a *asked) timestamp(v radius.Attribute) *refusal {
	if len(v) != 4 {
		return refuse(invalidAttributeValue, "%d octets are not a time", len(v))
	}
	a.dated = true
	return nil
}

// vendor reads Ascend-Callback-Delay and ringback's own Cisco-AVPairs.
func (a *asked) vendor(v radius.Attribute) *refusal {
	id, data, err := radius.VendorSpecific(v)
	if err != nil || len(data) == 0 {
		return refuse(invalidAttributeValue, "truncated")
	}
	for len(data) > 0 {
		if len(data) < 2 || data[1] < 2 || int(data[1]) > len(data) {
			return refuse(invalidAttributeValue, "truncated")
		}
		t, value := data[0], data[2:data[1]]
		data = data[data[1]:]
		var bad *refusal
		switch {
		case id == ciscoVendor && t == ciscoAVPair:
			bad = a.avPair(string(value))
		case id == ascendVendor && t == ascendCallbackDelay:
			bad = a.ascendDelay(radius.Attribute(value))
		default:
			bad = refuse(unsupportedAttribute, "attribute %d of vendor %d is not supported", t, id)
		}
		if bad != nil {
			return bad
		}
	}
	return nil
}

func (a *asked) avPair(s string) *refusal {
	name, value, _ := strings.Cut(s, "=")
	switch low := strings.ToLower(name); {
	case low == callbackDelayPair:
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return refuse(invalidAttributeValue, "%s: %q is not a number of seconds", low, value)
		}
		return a.delay(n)
	case low == callbackPair && value == callbackCancelled:
		a.change.CancelCallback = true
		a.changes++
		return nil
	case strings.Contains(low, "dialstring") || strings.Contains(low, "callback-line") ||
		strings.Contains(low, "callback-rotary") || strings.Contains(low, "nocallback-verify"):
		return a.number(nil)
	default:
		return refuse(unsupportedAttribute, "Cisco-AVPair %s is not supported", pairs.Printable(name))
	}
}

func (a *asked) ascendDelay(v radius.Attribute) *refusal {
	n, err := radius.Integer(v)
	if err != nil {
		return refuse(invalidAttributeValue, "Ascend-Callback-Delay: %d octets are not a number", len(v))
	}
	return a.delay(uint64(n))
}

func (a *asked) delay(seconds uint64) *refusal {
	switch d := time.Duration(min(seconds, 1<<32)) * time.Second; {
	case a.change.DelayCallback != 0:
		return refuse(invalidRequest, "the callback delay is repeated")
	case d == 0 || d > maxCallbackDelay:
		return refuse(invalidAttributeValue, "delay of %s: must be from 1s to %s", d, maxCallbackDelay)
	default:
		a.change.DelayCallback = d
		a.changes++
		return nil
	}
}

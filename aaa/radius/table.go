package radius

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// This file is the one place that says what an attribute of an Access-Accept means. A further dialect is further rows.

// form is how an attribute's octets are read.
type form int

const (
	text    form = iota // one line: no control characters
	prose               // lines for the caller: no NUL
	octets              // anything
	integer             // four octets
)

// rule is one attribute of RFC 2865 and its kin.
type rule struct {
	typ    radius.Type
	name   string // as FreeRADIUS spells it
	form   form
	many   bool   // may come more than once
	field  string // of aaa.Authorization
	check  string // what is refused, beside what all attributes are checked for
	source string
	apply  func(r *reading, v value) error
}

// value is an attribute's content in its form.
type value struct {
	s string
	n uint32
}

// attributes are read in the order of the reply. What has no row is noted and left.
var attributes = []rule{
	{rfc2865.ServiceType_Type, "Service-Type", integer, false, "ServiceType, Kind, Callback, PrivLevel", "an unknown or unserved type is a Reject", "RFC 2865 §5.6", (*reading).serviceType},
	{rfc2865.CallbackNumber_Type, "Callback-Number", text, false, "Callback, Dialstring", "contradicts no other number", "RFC 2865 §5.19", (*reading).callbackNumber},
	{rfc2865.CallbackID_Type, "Callback-Id", text, false, "Callback, CallbackID", "comes without a number", "RFC 2865 §5.20", (*reading).callbackID},
	{rfc2865.LoginIPHost_Type, "Login-IP-Host", integer, true, "Refuse", "not with Service-Type 1 or 3 until login to a host is served", "RFC 2865 §5.14", (*reading).loginHost},
	{rfc2865.ReplyMessage_Type, "Reply-Message", prose, true, "ReplyMessage", "several are joined by line ends", "RFC 2865 §5.18", (*reading).replyMessage},
	{rfc2865.Class_Type, "Class", octets, true, "Class", "kept as it came", "RFC 2865 §5.25", (*reading).class},
	{rfc2865.SessionTimeout_Type, "Session-Timeout", integer, false, "SessionTimeout", "seconds; 0 is none", "RFC 2865 §5.27", (*reading).sessionTimeout},
	{rfc2865.IdleTimeout_Type, "Idle-Timeout", integer, false, "IdleTimeout", "seconds; 0 is none", "RFC 2865 §5.28", (*reading).idleTimeout},
}

// serviceType is what one Service-Type is taken for.
type serviceType struct {
	n        int
	name     string
	callback bool
	priv     int
	host     bool   // a Login-IP-Host would mean something
	refuse   string // why it is treated as a Reject; "" served
}

var serviceTypes = []serviceType{
	{1, "Login", false, 0, true, ""}, // the EXEC
	{2, "Framed", false, 0, false, "PPP is not served"},
	{3, "Callback-Login", true, 0, true, ""},
	{4, "Callback-Framed", true, 0, false, "PPP is not served"},
	{5, "Outbound", false, 0, false, "callers are given no outgoing devices"},
	{6, "Administrative", false, 15, false, ""},
	{7, "NAS-Prompt", false, 0, false, ""},
	{8, "Authenticate-Only", false, 0, false, "it authorizes no session"},
	{9, "Callback-NAS-Prompt", true, 0, false, ""},
	{10, "Call-Check", false, 0, false, "it answers no login"},
	{11, "Callback-Administrative", true, 15, false, ""},
}

// pair is one attribute of Cisco-AVPair (vendor 9, type 1), written `prefix:name=value` (mandatory) or `prefix:name*value` (optional).
// A prefix counts for its own kind of session only; see pairPrefixes.
type pair struct {
	name   string
	field  string
	check  string
	source string
	apply  func(r *reading, v string) error
}

var pairs = []pair{
	{"callback-dialstring", "Callback, Dialstring", "empty is NULL: the caller may type it", "Cisco TACACS+ AV pairs; draft-grant-tacacs-02", (*reading).pairDialstring},
	{"callback-line", "Lines", "a TTY number", "Cisco TACACS+ AV pairs", (*reading).pairLine},
	{"callback-rotary", "Rotary", "0 to 100", "Cisco TACACS+ AV pairs", (*reading).pairRotary},
	{"nocallback-verify", "NoVerify", "1 or true (0 or false: no)", "Cisco TACACS+ AV pairs; EXEC only", (*reading).pairNoVerify},
	{"priv-lvl", "PrivLevel", "0 to 15; goes before Service-Type's", "Cisco TACACS+ AV pairs", (*reading).pairPrivLevel},
	{"timeout", "SessionTimeout", "minutes; 0 is none", "Cisco TACACS+ AV pairs", (*reading).pairTimeout},
	{"idletime", "IdleTimeout", "minutes; 0 is none", "Cisco TACACS+ AV pairs", (*reading).pairIdleTime},
}

// pairPrefixes says for which kind of session a prefix counts.
var pairPrefixes = map[string]aaa.Service{"shell": aaa.EXEC, "exec": aaa.EXEC, "lcp": aaa.PPP}

func (r *reading) serviceType(v value) error {
	r.a.ServiceType = int(v.n)
	for i, t := range serviceTypes {
		if uint32(t.n) == v.n {
			r.a.Kind, r.service = t.name, &serviceTypes[i]
			if t.refuse != "" {
				return fmt.Errorf("%d (%s) is treated as a reject: %s", t.n, t.name, t.refuse)
			}
			return nil
		}
	}
	return fmt.Errorf("%d is unknown and treated as a reject (RFC 2865 §5.6)", v.n)
}

func (r *reading) callbackNumber(v value) error { return r.number("Callback-Number", v.s) }
func (r *reading) callbackID(v value) error     { r.a.CallbackID = v.s; return nil }
func (r *reading) loginHost(value) error        { r.host = true; return nil }
func (r *reading) class(v value) error          { r.a.Class = append(r.a.Class, []byte(v.s)); return nil }

func (r *reading) replyMessage(v value) error {
	if r.a.ReplyMessage != "" {
		r.a.ReplyMessage += "\n"
	}
	r.a.ReplyMessage += v.s
	return nil
}

func (r *reading) sessionTimeout(v value) error {
	return r.limit(&r.a.SessionTimeout, time.Duration(v.n)*time.Second)
}

func (r *reading) idleTimeout(v value) error {
	return r.limit(&r.a.IdleTimeout, time.Duration(v.n)*time.Second)
}

// limit keeps the shorter of two limits; 0 is none.
func (r *reading) limit(field *time.Duration, d time.Duration) error {
	if *field == 0 || d > 0 && d < *field {
		*field = d
	}
	return nil
}

func (r *reading) pairDialstring(v string) error { return r.number("callback-dialstring", v) }

func (r *reading) pairLine(v string) error {
	n, err := decimal(v, 1, 65535)
	if err == nil {
		r.a.Lines = []int{n}
	}
	return err
}

func (r *reading) pairRotary(v string) error {
	n, err := decimal(v, 0, 100)
	if err == nil {
		r.a.Rotary = &n
	}
	return err
}

func (r *reading) pairNoVerify(v string) error {
	switch {
	case r.session != aaa.EXEC:
		return errors.New("it is for EXEC sessions only")
	case v == "1" || v == "true":
		r.a.NoVerify = true
	case v == "0" || v == "false":
	default:
		return fmt.Errorf("%q is not 1 or true", v)
	}
	return nil
}

func (r *reading) pairPrivLevel(v string) error {
	n, err := decimal(v, 0, 15)
	if err == nil {
		r.priv = &n
	}
	return err
}

func (r *reading) pairTimeout(v string) error  { return r.minutes(&r.a.SessionTimeout, v) }
func (r *reading) pairIdleTime(v string) error { return r.minutes(&r.a.IdleTimeout, v) }

func (r *reading) minutes(field *time.Duration, v string) error {
	n, err := decimal(v, 0, 1<<24)
	if err != nil {
		return err
	}
	return r.limit(field, time.Duration(n)*time.Minute)
}

// decimal reads digits and nothing else.
func decimal(s string, low, high int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || int(n) < low || int(n) > high {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, low, high)
	}
	return int(n), nil
}

package radius

import (
	"context"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// CallCheck asks whether to answer a ringing call (Service-Type Call-Check, RFC 2865 §5.6), and blocks for the answer:
// Granted, with the Accept's authorization in Auth; Refused; or Silent. Without r.Service, Auth is that of a PPP
// session if its Service-Type is Framed or Callback-Framed, otherwise of an EXEC session. The result is never a Prompt,
// and Identity stays empty, because no user is authenticated. The User-Name is r.Caller, as the RFC recommends, or
// r.User if that is set: then the request looks up, without a password, what a user may have now.
//
// The User-Password, which RFC 2865 §4.1 requires, is r.Password: the password that the operator configured for these
// lookups (IOS sends "cisco"), otherwise empty. A server must distinguish these requests from logins; otherwise a
// caller who types a number as the user name is admitted. In FreeRADIUS's users file:
//
//	5551234  Service-Type == Call-Check, Auth-Type := Accept
//	DEFAULT  Service-Type == Call-Check, Auth-Type := Reject
//
// and, with a password configured, `5551234 Service-Type == Call-Check, Cleartext-Password := "…"`.
func (c *Client) CallCheck(ctx context.Context, r aaa.Request) aaa.Result {
	if r.User == "" {
		r.User = r.Caller
	}
	brought, err := checkLookup(r)
	if err != nil {
		return aaa.Result{Kind: aaa.Refused, Reason: fmt.Sprintf("%s: call check: %v", c.cfg.Name, err)}
	}
	_, res := c.converse(ctx, r, brought, true)
	return res
}

func checkLookup(r aaa.Request) (credential, error) {
	switch {
	case r.User == "":
		return credential{}, fmt.Errorf("no caller number and no user to ask about (does the line report caller ID?)")
	case r.Entry != "" || r.Enable != 0 || r.CHAP != nil || r.MSCHAP != nil || r.EAP != nil:
		return credential{}, fmt.Errorf("a lookup of %q does not authenticate: CHAP, MS-CHAP, EAP, a privilege level "+
			"or an entry must not be set", r.User)
	}
	return checked(r)
}

// serviceOf is the kind of session that the answer about a call is for: nobody has asked for one yet.
func serviceOf(attrs radius.Attributes) aaa.Service {
	n, err := radius.Integer(attrs.Get(rfc2865.ServiceType_Type))
	if err == nil && (n == uint32(rfc2865.ServiceType_Value_FramedUser) ||
		n == uint32(rfc2865.ServiceType_Value_CallbackFramedUser)) {
		return aaa.PPP
	}
	return aaa.EXEC
}

// withoutCallCheck drops a Service-Type that only repeats the Call-Check of the request.
func withoutCallCheck(attrs radius.Attributes) radius.Attributes {
	var rest radius.Attributes
	for _, a := range attrs {
		if n, err := radius.Integer(a.Attribute); a.Type == rfc2865.ServiceType_Type && err == nil && n == callCheck {
			continue
		}
		rest = append(rest, a)
	}
	return rest
}

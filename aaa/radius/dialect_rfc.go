package radius

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

var (
	serviceTypeNames = valueNames{1: "Login-User", 2: "Framed-User", 3: "Callback-Login-User",
		4: "Callback-Framed-User", 5: "Outbound-User", 6: "Administrative-User",
		7: "NAS-Prompt-User", 8: "Authenticate-Only", 9: "Callback-NAS-Prompt", 10: "Call-Check",
		11: "Callback-Administrative", 18: "Framed-Management"}
	framedProtocols = valueNames{1: "PPP", 2: "SLIP", 3: "ARAP", 4: "Gandalf-SLML", 5: "Xylogics-IPX-SLIP",
		6:   "X.75-Synchronous",
		255: "Ascend-ARA", 256: "Ascend-MPP", 257: "Ascend-EURAW", 258: "Ascend-EUUI", 259: "Ascend-X25",
		260: "Ascend-COMB", 261: "Ascend-FR", 262: "Ascend-MP"}
	framedCompressions = valueNames{0: "None", 1: "Van-Jacobson-TCP-IP", 2: "IPX-Header-Compression", 3: "Stac-LZS"}
	loginServiceNames  = valueNames{0: "Telnet", 1: "Rlogin", 2: "TCP-Clear", 3: "PortMaster", 4: "LAT", 5: "X25-PAD",
		6: "X25-T3POS", 8: "TCP-Clear-Quiet"}
)

var rfc = indexed(dialect{name: "RFC 2865", prefix: "", rules: []rule{
	{n: 6, name: "Service-Type", form: integer, enum: serviceTypeNames, field: "service_type, callback, priv_lvl",
		check: "table below; an unknown or unsupported type is treated as a reject", source: "RFC 2865 §5.6",
		apply: (*reading).serviceType},
	{n: 19, name: "Callback-Number", form: text, field: "callback, dialstring", several: true,
		check:  "at most 64 octets; one, or up to 10 with `several_numbers: true` on the server",
		source: "RFC 2865 §5.19",
		apply:  func(r *reading, v value) error { return r.NextNumber("Callback-Number", v.s) }},
	{n: 20, name: "Callback-Id", form: text, field: "callback, callback_id", check: "not together with a number",
		source: "RFC 2865 §5.20",
		apply:  func(r *reading, v value) error { return r.CallTo(pairs.Placed, v.s) }},

	{n: 14, name: "Login-IP-Host", form: address, many: true, only: aaa.EXEC, field: "host.address",
		check:  "the first of several; 0.0.0.0: the access server chooses, 255.255.255.255: the caller",
		source: "RFC 2865 §5.14",
		apply:  (*reading).loginHost},
	{n: 98, name: "Login-IPv6-Host", form: address6, many: true, only: aaa.EXEC, field: "host.address",
		check: "as Login-IP-Host, with `::` and all ones", source: "RFC 3162 §2.4", apply: (*reading).loginHost},
	{n: 15, name: "Login-Service", form: integer, enum: loginServiceNames, only: aaa.EXEC, field: "host.service",
		check:  "Telnet (0, the default) or TCP-Clear (2); others are refused if there is a host",
		source: "RFC 2865 §5.15",
		apply:  (*reading).loginService},
	{n: 16, name: "Login-TCP-Port", form: integer, only: aaa.EXEC, field: "host.port",
		check: "1 to 65535; Telnet's default is 23, TCP-Clear requires one", source: "RFC 2865 §5.16",
		apply: (*reading).loginPort},

	{n: 18, name: "Reply-Message", form: prose, many: true, field: "reply_message",
		check: "several are joined by newlines", source: "RFC 2865 §5.18", apply: (*reading).replyMessage},
	{n: 25, name: "Class", form: octets, secret: true, many: true, field: "class",
		check: "kept unchanged; a group only if the configuration says so", source: "RFC 2865 §5.25",
		apply: (*reading).class},
	{n: 11, name: "Filter-Id", form: text, many: true, field: "filter_id, groups",
		check: "see [groups](#groups) and Raritan", source: "RFC 2865 §5.11", apply: (*reading).filterID},
	{n: 27, name: "Session-Timeout", form: integer, field: "session_timeout",
		check: "seconds; 0 means no limit; the shortest of several applies", source: "RFC 2865 §5.27",
		apply: func(r *reading, v value) error { pairs.Limit(&r.A.SessionTimeout, seconds(v)); return nil }},
	{n: 28, name: "Idle-Timeout", form: integer, field: "idle_timeout", check: "as Session-Timeout",
		source: "RFC 2865 §5.28",
		apply:  func(r *reading, v value) error { pairs.Limit(&r.A.IdleTimeout, seconds(v)); return nil }},
	{n: 62, name: "Port-Limit", form: integer, field: "port_limit", check: "0 means no limit", source: "RFC 2865 §5.42",
		apply: func(r *reading, v value) error { pairs.Limit(&r.A.PortLimit, int(v.n)); return nil }},
	{n: 29, name: "Termination-Action", form: integer, enum: valueNames{0: "Default", 1: "RADIUS-Request"}, field: "",
		check: "RADIUS-Request (1) is not supported: the session ends", source: "RFC 2865 §5.29",
		apply: (*reading).terminationAction},
	{n: 85, name: "Acct-Interim-Interval", form: integer, field: "interim_interval",
		check: "seconds; 0 means none; less than 60 means 60", source: "RFC 2869 §5.16",
		apply: (*reading).interimInterval},
	{n: 1, name: "User-Name", form: text, field: "accounting_user",
		check: "the name in accounting; after EAP also the identity, and otherwise not; ignored if it is not a valid " +
			"user name, after EAP refused",
		source: "RFC 2865 §5.1", apply: (*reading).userName},
	{n: 136, name: "Management-Privilege-Level", form: integer, field: pairs.FieldPriv,
		check: "0 to 15; another level is treated as a reject", source: "RFC 5607 §6.4",
		apply: (*reading).privilegeLevel},
	{n: 134, name: "Management-Transport-Protection", form: integer, enum: valueNames{1: "No-Protection",
		2: "Integrity-Protection", 3: "Integrity-Confidentiality-Protection"}, field: "",
		check:  "a telephone line has no protection: anything except No-Protection (1) is treated as a reject",
		source: "RFC 5607 §6.2", apply: (*reading).transportProtection},

	{n: 7, name: "Framed-Protocol", form: integer, enum: framedProtocols, only: aaa.PPP, field: "framed.protocol",
		check: "PPP (1); others are refused", source: "RFC 2865 §5.7", apply: (*reading).framedProtocol},
	{n: 8, name: "Framed-IP-Address", form: address, only: aaa.PPP, field: "framed.address",
		check: "255.255.255.255 is `negotiate`, 255.255.255.254 `assign`", source: "RFC 2865 §5.8",
		apply: (*reading).framedAddress},
	{n: 9, name: "Framed-IP-Netmask", form: address, only: aaa.PPP, field: "framed.netmask", check: "",
		source: "RFC 2865 §5.9", apply: (*reading).framedNetmask},
	{n: 12, name: "Framed-MTU", form: integer, only: aaa.PPP, field: "framed.mtu", check: "64 to 65535",
		source: "RFC 2865 §5.12", apply: (*reading).framedMTU},
	{n: 13, name: "Framed-Compression", form: integer, enum: framedCompressions, many: true, only: aaa.PPP,
		field: "framed.compression", check: "the last known one", source: "RFC 2865 §5.13",
		apply: (*reading).framedCompression},
	{n: 22, name: "Framed-Route", form: text, many: true, only: aaa.PPP, field: "framed.routes", check: "",
		source: "RFC 2865 §5.22", apply: (*reading).framedRoute},
	{n: 88, name: "Framed-Pool", form: text, only: aaa.PPP, field: "framed.pool", check: "", source: "RFC 2869 §5.18",
		apply: (*reading).framedPool},
	{n: 96, name: "Framed-Interface-Id", form: interfaceID, only: aaa.PPP, field: "framed.interface_id", check: "",
		source: "RFC 3162 §2.2", apply: (*reading).framedInterface},
	{n: 97, name: "Framed-IPv6-Prefix", form: prefix6, many: true, only: aaa.PPP, field: "framed.ipv6_prefix",
		check: "", source: "RFC 3162 §2.3", apply: (*reading).framedPrefix},
	{n: 99, name: "Framed-IPv6-Route", form: text, many: true, only: aaa.PPP, field: "framed.routes", check: "",
		source: "RFC 3162 §2.5", apply: (*reading).framedRoute},
	{n: 100, name: "Framed-IPv6-Pool", form: text, only: aaa.PPP, field: "framed.ipv6_pool", check: "",
		source: "RFC 3162 §2.6", apply: (*reading).framedIPv6Pool},
	{n: 168, name: "Framed-IPv6-Address", form: address6, many: true, only: aaa.PPP, field: "framed.ipv6_prefix",
		check: "as a prefix of 128 bits", source: "RFC 6911 §3.1", apply: (*reading).framedIPv6Address},
	{n: 169, name: "DNS-Server-IPv6-Address", form: address6, many: true, only: aaa.PPP, field: "framed.dns", check: "",
		source: "RFC 6911 §3.2", apply: (*reading).dns},

	// Known, but ignored.
	{n: 10, name: "Framed-Routing", form: integer, enum: valueNames{0: "None", 1: "Broadcast", 2: "Listen",
		3: "Broadcast-Listen"}, check: "routing protocols are not supported", source: "RFC 2865 §5.10"},
	{n: 23, name: "Framed-IPX-Network", form: integer, check: "IPX is not supported", source: "RFC 2865 §5.23"},
	{n: 34, name: "Login-LAT-Service", check: "LAT is not supported", source: "RFC 2865 §5.34"},
	{n: 35, name: "Login-LAT-Node", check: "LAT is not supported", source: "RFC 2865 §5.35"},
	{n: 36, name: "Login-LAT-Group", form: octets, check: "LAT is not supported", source: "RFC 2865 §5.36"},
	{n: 63, name: "Login-LAT-Port", check: "LAT is not supported", source: "RFC 2865 §5.43"},
	{n: 37, name: "Framed-AppleTalk-Link", form: integer, check: "AppleTalk is not supported",
		source: "RFC 2865 §5.37"},
	{n: 38, name: "Framed-AppleTalk-Network", form: integer, check: "AppleTalk is not supported",
		source: "RFC 2865 §5.38"},
	{n: 39, name: "Framed-AppleTalk-Zone", check: "AppleTalk is not supported", source: "RFC 2865 §5.39"},
	{n: 123, name: "Delegated-IPv6-Prefix", form: prefix6, check: "prefix delegation is not supported",
		source: "RFC 4818"},
	{n: 133, name: "Framed-Management", form: integer, check: "framed management is not supported",
		source: "RFC 5607 §6.1"},
	{n: 135, name: "Management-Policy-Id", check: "management policies are not supported", source: "RFC 5607 §6.3"},
	{n: 64, name: "Tunnel-Type", form: octets, check: "tunnels are not supported", source: "RFC 2868 §3.1"},

	// Other attributes that a packet may contain.
	{n: 2, name: "User-Password", form: octets, secret: true},
	{n: 3, name: "CHAP-Password", form: octets, secret: true},
	{n: 4, name: "NAS-IP-Address", form: address}, {n: 5, name: "NAS-Port", form: integer},
	{n: 24, name: "State", form: octets, secret: true},
	{n: 30, name: "Called-Station-Id"}, {n: 31, name: "Calling-Station-Id"}, {n: 32, name: "NAS-Identifier"},
	{n: 33, name: "Proxy-State", form: octets},
	{n: 40, name: "Acct-Status-Type", form: integer, enum: valueNames{1: "Start", 2: "Stop", 3: "Interim-Update",
		7: "Accounting-On", 8: "Accounting-Off"}},
	{n: 41, name: "Acct-Delay-Time", form: integer}, {n: 42, name: "Acct-Input-Octets", form: integer},
	{n: 43, name: "Acct-Output-Octets", form: integer}, {n: 44, name: "Acct-Session-Id"},
	{n: 45, name: "Acct-Authentic", form: integer, enum: valueNames{1: "RADIUS", 2: "Local", 3: "Remote",
		4: "Diameter"}}, {n: 46, name: "Acct-Session-Time", form: integer},
	{n: 47, name: "Acct-Input-Packets", form: integer}, {n: 48, name: "Acct-Output-Packets", form: integer},
	{n: 49, name: "Acct-Terminate-Cause", form: integer, enum: valueNames{1: "User-Request", 2: "Lost-Carrier",
		3: "Lost-Service", 4: "Idle-Timeout", 5: "Session-Timeout", 6: "Admin-Reset", 7: "Admin-Reboot",
		8: "Port-Error", 9: "NAS-Error", 10: "NAS-Request", 11: "NAS-Reboot", 12: "Port-Unneeded", 13: "Port-Preempted",
		14: "Port-Suspended", 15: "Service-Unavailable", 16: "Callback", 17: "User-Error", 18: "Host-Request"}},
	{n: 50, name: "Acct-Multi-Session-Id"}, {n: 51, name: "Acct-Link-Count", form: integer},
	{n: 52, name: "Acct-Input-Gigawords", form: integer}, {n: 53, name: "Acct-Output-Gigawords", form: integer},
	{n: 55, name: "Event-Timestamp", form: date}, {n: 60, name: "CHAP-Challenge", form: octets},
	{n: 61, name: "NAS-Port-Type", form: integer, enum: valueNames{0: "Async", 1: "Sync", 2: "ISDN", 3: "ISDN-V120",
		4: "ISDN-V110", 5: "Virtual"}},
	{n: 69, name: "Tunnel-Password", form: octets, secret: true},
	{n: 70, name: "ARAP-Password", form: octets, secret: true},
	{n: 121, name: "Digest-HA1", form: octets, secret: true}, {n: 76, name: "Prompt", form: integer,
		enum: valueNames{0: "No-Echo", 1: "Echo"}}, {n: 77, name: "Connect-Info"},
	{n: 79, name: "EAP-Message", form: octets, secret: true}, // EAP-GTC contains the password in clear
	{n: 80, name: "Message-Authenticator", form: octets, check: "verified"},
	{n: 87, name: "NAS-Port-Id"}, {n: 89, name: "Chargeable-User-Identity", form: octets},
	{n: 95, name: "NAS-IPv6-Address", form: address6},
	{n: 101, name: "Error-Cause", form: integer, enum: valueNames{201: "Residual-Context-Removed",
		401: "Unsupported-Attribute", 402: "Missing-Attribute", 403: "NAS-Identification-Mismatch",
		404: "Invalid-Request", 405: "Unsupported-Service", 501: "Administratively-Prohibited",
		503: "Session-Context-Not-Found", 504: "Session-Context-Not-Removable", 506: "Resources-Unavailable"}},
}})

// serviceType defines the meaning of one Service-Type.
type serviceType struct {
	n        int
	name     string
	callback bool
	priv     int
	host     bool        // a Login-IP-Host applies
	session  aaa.Service // the kind of session it is for; "" if none
	refuse   string      // why there is none
}

var serviceTypes = []serviceType{
	{1, "Login", false, 0, true, aaa.EXEC, ""},
	{2, "Framed", false, 0, false, aaa.PPP, ""},
	{3, "Callback-Login", true, 0, true, aaa.EXEC, ""},
	{4, "Callback-Framed", true, 0, false, aaa.PPP, ""},
	{outboundUser, "Outbound", false, 0, false, aaa.Outbound, ""},
	{6, "Administrative", false, 15, false, aaa.EXEC, ""},
	{7, "NAS-Prompt", false, 0, false, aaa.EXEC, ""},
	{8, "Authenticate-Only", false, 0, false, "", "it authorizes no session"},
	{9, "Callback-NAS-Prompt", true, 0, false, aaa.EXEC, ""},
	{10, "Call-Check", false, 0, false, "", "it does not answer a login"},
	{11, "Callback-Administrative", true, 15, false, aaa.EXEC, ""},
	{18, "Framed-Management", false, 0, false, "", "framed management is not supported (RFC 5607)"},
}

// wrongSession is the reason why a type for one kind of session is refused in another.
func wrongSession(session, granted aaa.Service) string {
	switch {
	case session == aaa.Outbound:
		return "only Outbound (5) lets a user dial out"
	case granted == aaa.Outbound:
		return "it grants no session, only a dial-out"
	case granted == aaa.PPP:
		return "PPP is not supported in an EXEC session"
	}
	return "an EXEC is not supported in a PPP session"
}

// outboundUser is the Service-Type of a dial-out.
const outboundUser = 5

func (r *reading) serviceType(v value) error {
	r.A.ServiceType = int(v.n)
	for i := range serviceTypes {
		t := &serviceTypes[i]
		if uint32(t.n) != v.n {
			continue
		}
		r.A.Kind, r.service = t.name, t
		switch {
		case t.session == "":
			return fmt.Errorf("%d (%s) is treated as a reject: %s", t.n, t.name, t.refuse)
		case t.session != r.session:
			return fmt.Errorf("%d (%s) is treated as a reject: %s", t.n, t.name, wrongSession(r.session, t.session))
		case t.session == aaa.Outbound:
			r.GrantOutbound()
		case t.callback:
			return r.Demand()
		}
		r.Field = "service_type, priv_lvl"
		return nil
	}
	return fmt.Errorf("unknown value %d, treated as a reject (RFC 2865 §5.6)", v.n)
}

func (r *reading) class(v value) error {
	r.A.Class = append(r.A.Class, []byte(v.s))
	if !r.ClassGroups {
		return nil
	}
	if g := classGroup(v.s); g != "" {
		r.Field = "class, groups"
		r.AddGroup(g)
	}
	return nil
}

func (r *reading) replyMessage(v value) error {
	if r.A.ReplyMessage != "" {
		r.A.ReplyMessage += "\n"
	}
	r.A.ReplyMessage += v.s
	return nil
}

// interimInterval raises an interval below a minute to a minute: RFC 2869 §5.16 allows no shorter one.
func (r *reading) interimInterval(v value) error {
	switch {
	case v.n == 0:
		return r.Left("none, ignored")
	case v.n < 60:
		r.Note, v.n = "raised to one minute", 60
	}
	r.A.InterimInterval = seconds(v)
	return nil
}

func (r *reading) userName(v value) error {
	if err := aaa.CheckUser(v.s); err != nil {
		return r.Left(err.Error() + ", ignored")
	}
	r.A.AccountingUser = v.s
	return nil
}

func (r *reading) terminationAction(v value) error {
	if v.n == 0 {
		return r.Left("the default behavior")
	}
	return r.Left("not supported: the session ends")
}

// privilegeLevel refuses an unknown level: RFC 5607 §6.4 requires a NAS that supports the attribute but not the level
// to treat the Accept as a Reject.
func (r *reading) privilegeLevel(v value) error {
	if v.n > 15 {
		return fmt.Errorf("unknown level %d, treated as a reject (RFC 5607 §6.4)", v.n)
	}
	return r.Same(pairs.FieldPriv, strconv.Itoa(int(v.n)))
}

func (r *reading) transportProtection(v value) error {
	if v.n != 1 {
		return fmt.Errorf("%d: a telephone line has no protection (RFC 5607 §6.2)", v.n)
	}
	return nil
}

func seconds(v value) time.Duration { return time.Duration(v.n) * time.Second }

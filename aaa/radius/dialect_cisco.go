package radius

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

// ciscoVendor and ciscoAVPair are the vendor number and the type of Cisco-AVPair, ciscoSource is where the types are
// from.
const (
	ciscoVendor = 9
	ciscoAVPair = 1
	ciscoSource = "FreeRADIUS dictionary.cisco"
)

var cisco = indexed(dialect{name: "Cisco", vendor: ciscoVendor, prefix: "Cisco-", rules: []rule{
	{n: ciscoAVPair, name: "Cisco-AVPair", form: text, many: true, field: "", check: "[AV pairs](av-pairs.md)",
		source: "Cisco; the pairs of TACACS+", apply: (*reading).pair},
	{n: 57, name: "Cisco-In-ACL", form: text, many: true, only: aaa.PPP, field: "framed.inacl",
		check: pairs.Filter, source: ciscoSource, apply: (*reading).inACL},
	{n: 58, name: "Cisco-Out-ACL", form: text, many: true, only: aaa.PPP, field: "framed.outacl",
		check: pairs.Filter, source: ciscoSource, apply: (*reading).outACL},
	{n: 61, name: "Cisco-IPv6-In-ACL", form: text, many: true, only: aaa.PPP, field: "framed.inacl",
		check: pairs.Filter, source: ciscoSource, apply: (*reading).inACL},
	{n: 62, name: "Cisco-IPv6-Out-ACL", form: text, many: true, only: aaa.PPP, field: "framed.outacl",
		check: pairs.Filter, source: ciscoSource, apply: (*reading).outACL},
	{n: 218, name: "Cisco-Assign-IP-Pool", form: integer, only: aaa.PPP, field: "framed.pool",
		check: "the pool whose name is this number; 0 means any", source: ciscoSource + "; as Ascend's 218",
		apply: (*reading).numberedPool},
	{n: 194, name: "Cisco-Maximum-Time", form: integer, field: "session_timeout", check: "seconds; 0 means no limit",
		source: "as Ascend's 194",
		apply:  func(r *reading, v value) error { pairs.Limit(&r.A.SessionTimeout, seconds(v)); return nil }},
	{n: 244, name: "Cisco-Idle-Limit", form: integer, field: "idle_timeout", check: "seconds; 0 means no limit",
		source: "as Ascend's 244",
		apply:  func(r *reading, v value) error { pairs.Limit(&r.A.IdleTimeout, seconds(v)); return nil }},

	{n: 2, name: "Cisco-NAS-Port"}, {n: 187, name: "Cisco-Multilink-ID", form: integer},
	{n: 195, name: "Cisco-Disconnect-Cause", form: integer, enum: valueNames{102: "Session-End-Callback"}},
	{n: 249, name: "Cisco-Subscriber-Password", form: octets, secret: true}, {n: 250, name: "Cisco-Account-Info"},
	{n: 251, name: "Cisco-Service-Info"},
	{n: 252, name: "Cisco-Command-Code", form: octets}, {n: 253, name: "Cisco-Control-Info"},
}})

// pair splits one Cisco-AVPair, `prefix:name=value` or `prefix:name*value`; package pairs defines its meaning.
func (r *reading) pair(v value) error {
	full, sign, val := pairs.Split(v.s)
	r.By = "Cisco-AVPair " + pairs.Printable(pairs.MaskedName(full))
	at, name := pairs.Prefixed(full)
	low := strings.ToLower(name)
	switch {
	case at == pairs.Bare && strings.Contains(low, "callback") && pairs.Known(pairs.EXEC, low):
		// Ignoring it would admit a user that must be called back.
		return fmt.Errorf("it has no prefix (write shell:%s)", low)
	case at == pairs.Bare && !pairs.Known(pairs.Bare, low):
		return r.Left("no prefix, ignored")
	case !at.Serves(r.session):
		if low == "callback-dialstring" && val != "" {
			r.Missed()
		}
		return r.Left("not for " + string(r.session) + " sessions, ignored")
	case sign == 0:
		return errors.New("it has no = or * after its name")
	}
	return r.Take(pairs.Pair{At: at, Name: name, Value: val, Optional: sign == '*'})
}

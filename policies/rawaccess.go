package policies

import (
	"fmt"
	"strconv"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

const rawAccess = "raw_access"

// rawKeys is the row of `raw_access`.
var rawKeys = []key{{
	Key: schema.Key{Name: rawAccess, Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Whether users of the group may talk to the modem of a line itself, at a listener with `raw` that names " +
			"the group. What they dial there is not counted: no number list and no ceiling applies. AAA must grant " +
			"dial-outs too (RADIUS Service-Type Outbound). Begin and end are in the audit. See [raw " +
			"access](../how-to/console-server.md#raw-access)."},
	read: func(p *Policy, v *schema.Value) { p.RawAccess = v.Bool(false) },
	text: func(p Policy) string { return strconv.FormatBool(p.RawAccess) },
	late: true,
}}

// ruleRawAccess decides about a user who asks for the modem itself.
func ruleRawAccess(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("%s: %v", rawAccess, e.policy.RawAccess)
	switch {
	case e.Auth.DialOut == nil:
		return e.refuse(input, texts.RefusedAccess, "grant Service-Type Outbound (RADIUS), service=outbound "+
			"(TACACS+) or dial_out: true (local user)", "AAA does not say that the user may dial out")
	case !e.policy.RawAccess:
		return e.refuse(input, texts.RefusedAccess, "write raw_access: true in the group's policy file, if its "+
			"users may dial what nobody counts", "group %s permits no raw access", e.policy.name())
	}
	return e.decide(RawAccess, input, "", "", "the user may have the modem itself")
}

// rawWarning warns of the groups whose dials are not all counted.
func rawWarning(group string) string {
	return fmt.Sprintf("group %s has raw_access: what its users dial on a modem itself is not counted, and no number "+
		"list and no ceiling applies (remove raw_access unless they must configure modems)", group)
}

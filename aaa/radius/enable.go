package radius

import (
	"fmt"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius/rfc2865"
)

// enableUser returns the User-Name of a request for a privilege level, as IOS sends it: "$enab15$".
func enableUser(level int) string { return fmt.Sprintf("$enab%d$", level) }

// enabled returns what an Accept for a privilege level grants: that level, unless the Accept's authorization a
// contradicts it. FreeRADIUS's users file needs
//
//	$enab15$  Cleartext-Password := "…"
//	          Service-Type = Administrative-User
//
// with Service-Type Administrative-User, NAS-Prompt-User, Login-User or none. A `shell:priv-lvl` below the level is a
// refusal.
func enabled(level int, a aaa.Authorization) aaa.Authorization {
	if a.Refuse == "" {
		a.Refuse = contradictsEnable(level, a)
	}
	if a.Refuse != "" {
		return a.Ungranted()
	}
	return aaa.Authorization{ServiceType: a.ServiceType, Kind: a.Kind, PrivLevel: level, ReplyMessage: a.ReplyMessage,
		Attributes: a.Attributes, Readings: a.Readings}
}

// contradictsEnable returns the reason why an Accept does not grant the level; "" if it does.
func contradictsEnable(level int, a aaa.Authorization) string {
	switch {
	case a.Callback:
		return fmt.Sprintf("the reply requires a callback, but privilege level %d was requested", level)
	case a.Host != nil:
		return fmt.Sprintf("the reply connects the session to a host, but privilege level %d was requested", level)
	case a.ServiceType != 0 && a.ServiceType != int(rfc2865.ServiceType_Value_LoginUser) &&
		a.ServiceType != int(rfc2865.ServiceType_Value_NASPromptUser) &&
		a.ServiceType != int(rfc2865.ServiceType_Value_AdministrativeUser):
		return fmt.Sprintf("Service-Type %s: not valid for a request for privilege level %d", a.Kind, level)
	case a.PrivLevel < level && saysPrivLevel(a):
		return fmt.Sprintf("priv-lvl %d: less than the requested privilege level %d", a.PrivLevel, level)
	}
	return ""
}

// saysPrivLevel reports whether an attribute other than Service-Type set the privilege level.
func saysPrivLevel(a aaa.Authorization) bool {
	for _, r := range a.Readings {
		if r.Field == "priv_lvl" && r.Attribute != "Service-Type" {
			return true
		}
	}
	return false
}

package policies

import (
	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// Services says for which services a group is called back. The zero value is all.
type Services struct {
	NoEXEC bool // `exec: deny`
	NoPPP  bool // `ppp: deny`
}

// denies reports whether there is no callback for a service.
func (s Services) denies(service aaa.Service) bool {
	return s.NoEXEC && service == aaa.EXEC || s.NoPPP && service == aaa.PPP
}

// serviceKey is the row of one service; denied returns its field.
func serviceKey(service aaa.Service, denied func(*Policy) *bool) key {
	return key{
		in: "services",
		Key: schema.Key{Name: string(service), Type: schema.String, Enum: allowOrDeny, Default: "allow",
			Example: "deny",
			Doc: "Whether users are called back for this service. With `deny`, the user is rejected if AAA requires " +
				"a callback, and admitted if it requires none, except with `callback: required`."},
		read: func(p *Policy, v *schema.Value) { *denied(p) = v.Text() == "deny" },
		text: func(p Policy) string { return allowDeny(!*denied(&p)) },
		late: true,
	}
}

package config

import (
	"slices"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// Purpose is the purpose of a method list, in IOS's terms (`aaa authentication …`).
type Purpose string

const (
	Authentication Purpose = "authentication"
	Authorization  Purpose = "authorization"
	Accounting     Purpose = "accounting"
)

// ListKind is a kind of method list: a key of aaa.lists that contains the lists of the kind by name, and a key
// of a line that names one of them.
type ListKind struct {
	Name     string
	Purpose  Purpose
	Services []aaa.Service // that use the list; none for accounting, which applies to all sessions
	Methods  []string      // valid in a list, besides server groups of their protocols

	required bool   // the line's list must exist; for other kinds `default` may be missing
	example  string // of a list
	doc      string // of the key of aaa.lists
	lineDoc  string // of the key of a line
	name     string // example of the key of a line
}

// defaultList is the list of a line that names none.
const defaultList = "default"

// AccountingLists is the name of the kind of accounting lists.
const AccountingLists = "accounting"

// ListKinds has every kind of method list. A service with lists of its own needs only a row here: the keys,
// their checks, the reference, the lines and the daemon's wiring use this table.
var ListKinds = []ListKind{
	{
		Name: "login", Purpose: Authentication, Services: []aaa.Service{aaa.EXEC, aaa.Outbound},
		required: true,
		Methods:  []string{MethodRADIUS, MethodTACACS, MethodLocal, MethodNone}, example: "[radius, local]",
		name: "default",
		doc: "Methods that authenticate EXEC logins, and users and sites that dial out. Lists by name, each with its " +
			"methods in the order in which they are tried; the next one is tried only if one is silent, " +
			"never after a rejection. " +
			"`local` rejects unknown users, so methods after it are never tried. `none` admits every user.",
		lineDoc: "Login method list, from `aaa.lists.login`. The other lists below are also from `aaa.lists`.",
	},
	{
		Name: "enable", Purpose: Authentication, Services: []aaa.Service{aaa.Enable},
		Methods: []string{MethodRADIUS, MethodTACACS, MethodEnable, MethodNone}, example: "[tacacs, enable]",
		name: "console",
		doc: "Methods that authorize a privileged level. `enable` is the password of the key `enable`. " +
			"Default: `[enable]` if that key is set, else none.",
		lineDoc: "Method list of the EXEC's `enable`.",
	},
	{
		Name: "ppp", Purpose: Authentication, Services: []aaa.Service{aaa.PPP},
		Methods: []string{MethodRADIUS, MethodTACACS, MethodLocal, MethodNone}, example: "[radius]", name: "isp",
		doc:     "Methods that authenticate PPP users. Default: none.",
		lineDoc: "Method list that authenticates PPP.",
	},
	{
		Name: "exec", Purpose: Authorization, Services: []aaa.Service{aaa.EXEC},
		Methods: []string{MethodRADIUS, MethodTACACS, MethodLocal, MethodNone, MethodIfAuthenticated},
		example: "[tacacs, local]", name: "console",
		doc: "Methods that authorize EXEC sessions. `if-authenticated` gives a plain session. " +
			"Default: the method that authenticated the user also authorizes.",
		lineDoc: "Method list that authorizes EXEC sessions.",
	},
	{
		Name: "network", Purpose: Authorization, Services: []aaa.Service{aaa.PPP},
		Methods: []string{MethodRADIUS, MethodTACACS, MethodLocal, MethodNone, MethodIfAuthenticated},
		example: "[tacacs]", name: "isp",
		doc: "Methods that authorize PPP sessions. Default: the method that authenticated the user also " +
			"authorizes.",
		lineDoc: "Method list that authorizes PPP sessions.",
	},
	{
		Name: "dial_out", Purpose: Authorization, Services: []aaa.Service{aaa.Outbound},
		Methods: []string{MethodRADIUS, MethodTACACS, MethodLocal}, example: "[tacacs]", name: "console",
		doc: "Methods that authorize users and sites to dial out. Default: the method that authenticated the user " +
			"also authorizes. RADIUS must grant Service-Type Outbound, TACACS+ `service=outbound`, a local user " +
			"`dial_out: true`.",
		lineDoc: "Method list that authorizes users to dial out.",
	},
	{
		Name: "commands", Purpose: Authorization, Services: []aaa.Service{aaa.Commands},
		Methods: []string{MethodTACACS, MethodLocal, MethodNone, MethodIfAuthenticated},
		example: "[tacacs, none]", name: "console",
		doc:     "Methods that authorize EXEC commands, one by one, via TACACS+. Default: every command is allowed.",
		lineDoc: "Method list that authorizes EXEC commands.",
	},
	{
		Name: AccountingLists, Purpose: Accounting, Methods: []string{MethodRADIUS, MethodTACACS},
		example: "{record: start-stop, methods: [radius]}", name: "isp",
		doc: "What is accounted, and to which servers. Default: the list `default` is `start-stop` to `radius` " +
			"if a RADIUS server has an `accounting` address, else nothing is accounted.",
		lineDoc: "Accounting method list.",
	},
}

// KindOf returns the kind of method list used for a service; false if there is none.
func KindOf(p Purpose, s aaa.Service) (ListKind, bool) {
	for _, k := range ListKinds {
		if k.Purpose == p && slices.Contains(k.Services, s) {
			return k, true
		}
	}
	return ListKind{}, false
}

// Serves reports whether a line may use the list of the kind with this name: it exists, or it is the default of
// a kind that is optional.
func (k ListKind) Serves(l Lists, name string) bool {
	_, ok := l.Find(k.Name, name)
	return ok || name == defaultList && !k.required
}

// grantsSession reports whether a list of the kind authorizes sessions.
func (k ListKind) grantsSession() bool {
	return k.Purpose == Authorization && !slices.Contains(k.Services, aaa.Commands)
}

// listKeys returns the keys of aaa.lists.
func listKeys() []schema.Key {
	var keys []schema.Key
	for _, k := range ListKinds {
		elem := schema.Key{Type: schema.List, Elem: &schema.Key{}, Example: k.example}
		if k.Purpose == Accounting {
			elem = schema.Key{Type: schema.Object, Keys: accountingKeys, Example: k.example}
		}
		keys = append(keys, schema.Key{
			Name: k.Name, Type: schema.Dict, Elem: &elem, Example: "{default: " + k.example + "}", Doc: k.doc,
		})
	}
	return keys
}

// lineListKeys returns the keys of a line that name its lists.
func lineListKeys() []schema.Key {
	var keys []schema.Key
	for _, k := range ListKinds {
		keys = append(keys, schema.Key{
			Name: k.Name, Check: schema.NotEmpty, Default: defaultList, Example: k.name, Doc: k.lineDoc,
			Reload: schema.NewCalls,
		})
	}
	return keys
}

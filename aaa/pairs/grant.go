package pairs

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringback/ringback/aaa"
)

// The fields of an authorization that several attributes may set, by their JSON names.
const (
	FieldPriv    = "priv_lvl"
	FieldAutocmd = "autocmd"
)

// Grant is one reply being read. The zero value is ready; it must not be copied after the first call.
type Grant struct {
	A aaa.Authorization // the authorization so far; Conclude sets the callback and the privilege level

	By    string // the current attribute, for errors
	Field string // what it fills
	Note  string // why it was ignored, or what a person should know about it

	taken  []taken // the pairs received
	facts  []fact
	claims []claim
	demand string // the attribute that requires a callback
	denial string // the attribute that forbids one
	option string // the attribute that allows one
	missed string // a pair with a number for another kind of session

	space [2]claim // enough for a usual reply without an allocation
}

// fact is a value that may be set more than once if it is the same.
type fact struct{ field, value, by string }

// Reset makes g ready for another reply and reuses its memory. The caller keeps what was granted.
func (g *Grant) Reset() {
	clear(g.taken)
	clear(g.facts)
	*g = Grant{taken: g.taken[:0], facts: g.facts[:0]}
}

// Begin starts the next attribute; by is its name in errors.
func (g *Grant) Begin(by string) { g.By, g.Field, g.Note = by, "", "" }

// Left records why the current attribute changes nothing. It returns nil.
func (g *Grant) Left(why string) error {
	g.Field, g.Note = "", why
	return nil
}

// Same compares what two attributes say about one field.
func (g *Grant) Same(field, value string) error {
	for _, f := range g.facts {
		if f.field == field && f.value != value {
			return fmt.Errorf("its value %s differs from the value %s of %s", Printable(value), Printable(f.value),
				f.by)
		}
	}
	g.facts = append(g.facts, fact{field, value, g.By})
	return nil
}

// Said returns the attribute that set a field with Same; "" if there is none.
func (g *Grant) Said(field string) string {
	by, _ := g.said(field)
	return by
}

func (g *Grant) said(field string) (by, value string) {
	for _, f := range g.facts {
		if f.field == field {
			return f.by, f.value
		}
	}
	return "", ""
}

// Fill sets a field that may be set once, or again with the same value.
func (g *Grant) Fill(field *string, name, v string) error {
	if err := g.Same(name, v); err != nil {
		return err
	}
	*field = v
	return nil
}

// Limit keeps the shorter of two limits; 0 means no limit.
func Limit[T int | time.Duration](field *T, d T) {
	if *field == 0 || d > 0 && d < *field {
		*field = d
	}
}

// AddGroup adds a group hint.
func (g *Grant) AddGroup(name string) { addNew(&g.A.Groups, name) }

// addNew adds a value that is not in the list yet.
func addNew(list *[]string, s string) {
	if !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// Framed returns the PPP part of the grant and creates it if needed. Only PPP is supported.
func (g *Grant) Framed() *aaa.Framed {
	if g.A.Framed == nil {
		g.A.Framed = &aaa.Framed{Protocol: "PPP"}
	}
	return g.A.Framed
}

// SetAddress also handles the two special addresses of RFC 2865 §5.8.
func (g *Grant) SetAddress(ip string) error {
	switch ip {
	case "255.255.255.255":
		ip = "negotiate"
	case "255.255.255.254":
		ip = "assign"
	}
	return g.Fill(&g.Framed().Address, "framed.address", ip)
}

func (g *Grant) SetPool(s string) error { return g.Fill(&g.Framed().Pool, "framed.pool", s) }
func (g *Grant) SetIPv6Pool(s string) error {
	return g.Fill(&g.Framed().IPv6Pool, "framed.ipv6_pool", s)
}

func (g *Grant) AddRoute(s string)      { g.Framed().Routes = append(g.Framed().Routes, s) }
func (g *Grant) AddIPv6Prefix(s string) { g.Framed().IPv6Prefix = append(g.Framed().IPv6Prefix, s) }
func (g *Grant) AddInACL(s string)      { g.Framed().InACL = append(g.Framed().InACL, s) }
func (g *Grant) AddOutACL(s string)     { g.Framed().OutACL = append(g.Framed().OutACL, s) }

// AddDNS adds a name server; 0.0.0.0 means none, as vendors use it.
func (g *Grant) AddDNS(ip string) { addServer(&g.Framed().DNS, ip) }

// AddWINS adds a NetBIOS name server; 0.0.0.0 means none.
func (g *Grant) AddWINS(ip string) { addServer(&g.Framed().WINS, ip) }

func addServer(list *[]string, ip string) {
	if ip != "0.0.0.0" {
		addNew(list, ip)
	}
}

// outbound returns what is granted to a dial-out.
func (g *Grant) outbound() *aaa.DialOut {
	if g.A.DialOut == nil {
		g.A.DialOut = &aaa.DialOut{}
	}
	return g.A.DialOut
}

// GrantOutbound records that the user may dial out.
func (g *Grant) GrantOutbound() { g.outbound() }

// SetSendAuth sets how we authenticate to the called side: "none", "pap", "chap" or "ms-chap".
func (g *Grant) SetSendAuth(s string) error {
	return g.Fill(&g.outbound().SendAuth, "dial_out.send_auth", s)
}

// SetSendSecret sets the secret that authenticates us to the called side.
func (g *Grant) SetSendSecret(s string) error {
	if g.A.SendSecret != "" && string(g.A.SendSecret) != s {
		return fmt.Errorf("it differs from the secret of %s", g.Said("send_secret"))
	}
	g.facts = append(g.facts, fact{field: "send_secret", by: g.By})
	g.A.SendSecret = aaa.Secret(s)
	return nil
}

package radius

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
)

const masked = "[secret]"

// describe prints a packet's attributes for people, one per line, as `Name = value` like FreeRADIUS. Passwords, keys,
// Class and State print as [secret]. So do vendor attributes without a table, because some are keys.
func describe(p *radius.Packet) []string {
	lines := make([]string, 0, len(p.Attributes))
	for it := range (Dialects{}).items(p.Attributes) {
		lines = append(lines, it.name()+" = "+it.value())
	}
	return lines
}

// name returns the attribute's name as in FreeRADIUS.
func (it item) name() string {
	switch {
	case it.rule != nil && it.raw:
		return "X-" + it.rule.name
	case it.rule != nil:
		return it.rule.name
	case it.dialect == nil:
		return "Vendor-" + strconv.FormatUint(uint64(it.vendor), 10)
	case it.cut && it.dialect == rfc:
		return "Vendor-Specific"
	case it.cut:
		return it.dialect.prefix + "Attr"
	}
	return it.dialect.prefix + "Attr-" + strconv.FormatUint(uint64(it.typ), 10)
}

// value returns the value as text for people, with secrets masked.
func (it item) value() string {
	switch {
	case it.dialect == nil, it.rule == nil && !it.cut && it.dialect != rfc, it.rule != nil && it.rule.secret,
		it.maybeAscendSecret():
		return masked
	case it.cut:
		return "(truncated, " + strconv.Itoa(len(it.octets)) + " octets)"
	case it.rule == nil:
		return "0x" + hex.EncodeToString(it.octets)
	case it.dialect == cisco && it.typ == ciscoAVPair:
		return pairs.Quoted(pairs.Masked(string(it.octets)))
	case it.rule.enum != nil:
		if v, err := it.rule.form.read(it.octets); err == nil && it.rule.enum[v.n] != "" {
			return it.rule.enum[v.n]
		}
	}
	return it.rule.form.text(it.octets)
}

// maybeAscendSecret reports whether an unknown attribute could be a secret in one of Ascend's plain types: a server may
// send these types although AscendTypes is not set.
func (it item) maybeAscendSecret() bool {
	if it.rule != nil || it.dialect != rfc {
		return false
	}
	rule := ascend.byType[it.typ]
	return rule != nil && rule.secret
}

// source returns the Dialect of a Reading.
func (it item) source() string {
	switch {
	case it.dialect == nil:
		return it.name()
	case it.dialect != rfc:
		return it.dialect.name
	case it.typ == 11 && strings.HasPrefix(string(it.octets), raritanPrefix):
		return "Raritan"
	case it.rule == nil:
		return "RFC"
	case it.rule.source == "":
		return rfc.name
	}
	s, _, _ := strings.Cut(it.rule.source, " §")
	return s
}

package radius

import (
	"encoding/hex"
	"strconv"
	"strings"

	"layeh.com/radius"
)

const masked = "[secret]"

// describe prints a packet's attributes for people, one a line, `Name = value` as FreeRADIUS writes them. Passwords, keys, Class and
// State print as [secret]: the first are nobody's business, the others are the server's own. Of vendors' attributes that no table has
// the value is not printed either, for some are keys.
func describe(p *radius.Packet) []string {
	lines := make([]string, 0, len(p.Attributes))
	for it := range (Dialects{}).items(p.Attributes) {
		lines = append(lines, it.name()+" = "+it.value())
	}
	return lines
}

// name is the attribute's, as FreeRADIUS spells it.
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

// value is printed for people, secrets masked.
func (it item) value() string {
	switch {
	case it.dialect == nil, it.rule == nil && !it.cut && it.dialect != rfc, it.rule != nil && it.rule.secret, it.maybeAscendSecret():
		return masked
	case it.cut:
		return "(cut, " + strconv.Itoa(len(it.octets)) + " octets)"
	case it.rule == nil:
		return "0x" + hex.EncodeToString(it.octets)
	case it.dialect == cisco && it.typ == ciscoAVPair:
		return pairText(string(it.octets))
	case it.rule.enum != nil:
		if v, err := it.rule.form.read(it.octets); err == nil && it.rule.enum[v.n] != "" {
			return it.rule.enum[v.n]
		}
	}
	return it.rule.form.text(it.octets)
}

// maybeAscendSecret: a server may speak Ascend's plain types though nobody has said so.
func (it item) maybeAscendSecret() bool {
	if it.rule != nil || it.dialect != rfc {
		return false
	}
	rule := ascend.byType[it.typ]
	return rule != nil && rule.secret
}

// pairText masks the value of a pair whose name speaks of a secret.
func pairText(s string) string {
	name, _, _ := cutPair(s)
	switch end := secretWord(name); {
	case end < 0:
		return quoted(s)
	case end < len(name):
		return quoted(name[:end] + masked)
	}
	return quoted(s[:min(len(s), len(name)+1)] + masked)
}

// pairName is a pair's name as it may be told. Of one that speaks of a secret it is what goes before anything odd: who forgets the sign has the secret
// stand there.
func pairName(name string) string {
	if end := secretWord(name); end >= 0 && end < len(name) {
		return name[:end] + masked
	}
	return name
}

// secretWord is where the word of a pair's name that speaks of a secret ends; -1: none does.
func secretWord(name string) int {
	for i := range len(name) {
		for _, word := range [...]string{"secret", "passw", "key"} {
			if len(name)-i < len(word) || !strings.EqualFold(name[i:i+len(word)], word) {
				continue
			}
			end := i
			for end < len(name) && plainOctet(name[end]) {
				end++
			}
			return end
		}
	}
	return -1
}

func plainOctet(c byte) bool {
	return c == '-' || c == '_' || c == '#' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// source is the dialect of a Reading.
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

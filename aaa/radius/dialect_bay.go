package radius

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

const baySource = "FreeRADIUS dictionary.bay"

// maxPorts limits the length of a list of ports.
const maxPorts = 1024

var bay = indexed(dialect{name: "Bay Annex", vendor: 1584, prefix: "Annex-", rules: []rule{
	{n: 36, name: "Annex-Callback-Portlist", form: octets, field: "callback_line",
		check: "four octets are one port's number, text is a list: `1-4,7`; 1 to 65535, at most 1024 ports; does " +
			"not require a callback",
		source: baySource + " has an integer; the list is undocumented", apply: (*reading).portlist},
	{n: 54, name: "Annex-Primary-DNS-Server", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: baySource, apply: (*reading).dns},
	{n: 55, name: "Annex-Secondary-DNS-Server", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: baySource, apply: (*reading).dns},
	{n: 56, name: "Annex-Primary-NBNS-Server", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: baySource, apply: (*reading).wins},
	{n: 57, name: "Annex-Secondary-NBNS-Server", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: baySource, apply: (*reading).wins},
	{n: 52, name: "Annex-Input-Filter", form: text, only: aaa.PPP, field: "framed.inacl", check: pairs.Filter,
		source: baySource, apply: (*reading).inACL},
	{n: 53, name: "Annex-Output-Filter", form: text, only: aaa.PPP, field: "framed.outacl", check: pairs.Filter,
		source: baySource, apply: (*reading).outACL},

	{n: 28, name: "Annex-Filter", check: "Filter-Id names a filter", source: baySource},
	{n: 29, name: "Annex-CLI-Command", check: "`shell:autocmd` names a command", source: baySource},
	{n: 30, name: "Annex-CLI-Filter", check: "commands are authorized by privilege level", source: baySource},
	{n: 74, name: "Annex-Maximum-Call-Duration", form: integer, check: "its unit is undocumented", source: baySource},
	{n: 100, name: "Annex-User-Level", form: integer, enum: valueNames{2: "Manager", 4: "User", 8: "Operator"},
		check: "the privilege level is set with `shell:priv-lvl` or Management-Privilege-Level", source: baySource},
	{n: 44, name: "Annex-System-Disc-Reason", form: integer, enum: valueNames{36: "PPP-Dialback-failed"}},
	{n: 43, name: "Annex-Local-Username"}, {n: 49, name: "Annex-Domain-Name"},
}})

// portlist reads the lines that may call back.
func (r *reading) portlist(v value) error {
	ports, err := readPorts(v.s)
	if err != nil {
		return err
	}
	return r.SetLines(ports)
}

// readPorts reads a number of four octets or a list. They cannot be confused: a number below 65536 begins with two
// NULs, and a list does not.
func readPorts(s string) ([]int, error) {
	if len(s) == 4 && s[0] == 0 && s[1] == 0 {
		n := int(binary.BigEndian.Uint16([]byte(s[2:])))
		if n == 0 {
			return nil, errors.New("0 is not a port")
		}
		return []int{n}, nil
	}
	var ports []int
	for part := range strings.SplitSeq(s, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := pairs.Decimal(low, 1, 65535)
		to := from
		if err == nil && ranged {
			to, err = pairs.Decimal(high, from, 65535)
		}
		if err != nil {
			return nil, err
		}
		if len(ports)+to-from >= maxPorts {
			return nil, errors.New("more than " + strconv.Itoa(maxPorts) + " ports")
		}
		for n := from; n <= to; n++ {
			ports = append(ports, n)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

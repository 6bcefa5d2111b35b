package radius

import (
	"errors"

	"github.com/ringback/ringback/aaa"
)

// mppeRequired is Encryption-Required of MS-MPPE-Encryption-Policy.
const mppeRequired = 2

// Microsoft has no callback attributes: its servers use those of RFC 2865. The table includes the attributes that
// servers send with MS-CHAP, so that keys are masked.
var microsoft = indexed(dialect{name: "Microsoft", vendor: 311, prefix: "MS-", rules: []rule{
	{n: 28, name: "MS-Primary-DNS-Server", form: address, only: aaa.PPP, field: "framed.dns",
		check:  "0.0.0.0 means none",
		source: "RFC 2548 §2.7", apply: (*reading).dns},
	{n: 29, name: "MS-Secondary-DNS-Server", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: "RFC 2548 §2.7", apply: (*reading).dns},
	{n: 30, name: "MS-Primary-NBNS-Server", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: "RFC 2548 §2.7", apply: (*reading).wins},
	{n: 31, name: "MS-Secondary-NBNS-Server", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: "RFC 2548 §2.7", apply: (*reading).wins},

	{n: 7, name: "MS-MPPE-Encryption-Policy", form: integer, only: aaa.PPP, field: "",
		enum:   valueNames{1: "Encryption-Allowed", mppeRequired: "Encryption-Required"},
		check:  "Encryption-Required (2) is refused: MPPE is not supported; other values have no effect",
		source: "RFC 2548 §2.4.4", apply: (*reading).mppePolicy},
	{n: 8, name: "MS-MPPE-Encryption-Types", form: integer, check: "MPPE is not supported", source: "RFC 2548 §2.4.5"},
	{n: 12, name: "MS-CHAP-MPPE-Keys", form: octets, secret: true, check: "MPPE is not supported",
		source: "RFC 2548 §2.4.1"},
	{n: 16, name: "MS-MPPE-Send-Key", form: octets, secret: true, check: "MPPE is not supported",
		source: "RFC 2548 §2.4.2"},
	{n: 17, name: "MS-MPPE-Recv-Key", form: octets, secret: true, check: "MPPE is not supported",
		source: "RFC 2548 §2.4.3"},

	{n: 1, name: "MS-CHAP-Response", form: octets, secret: true}, {n: 2, name: "MS-CHAP-Error", form: octets},
	{n: 10, name: "MS-CHAP-Domain", form: octets},
	{n: 11, name: "MS-CHAP-Challenge", form: octets}, {n: 25, name: "MS-CHAP2-Response", form: octets, secret: true},
	{n: 26, name: "MS-CHAP2-Success", form: octets},
}})

func (r *reading) mppePolicy(v value) error {
	if v.n == mppeRequired {
		return errors.New("the session must be encrypted, but MPPE is not supported")
	}
	return r.Left("MPPE is not supported: the session is not encrypted")
}

package radius

import (
	"crypto/md5"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

// firstAscendType is the lowest number that Ascend used as a plain type.
const firstAscendType = 105

const ascendSource = "FreeRADIUS dictionary.ascend"

var (
	ascendCBCPModes = valueNames{1: "CBCP-No-Callback", 2: "CBCP-User-Callback", 3: "CBCP-Profile-Callback",
		7: "CBCP-Any-Or-No", 8: "CBCP-Off"}
	ascendServices = valueNames{0: "Switched-Voice-Bearer", 1: "Nailed-56KR", 2: "Nailed-64K", 3: "Switched-64KR",
		4: "Switched-56K", 42: "Switched-modem", 68: "Switched-Pots"}
)

var ascend = indexed(dialect{name: "Ascend", vendor: 529, prefix: "Ascend-", rules: []rule{
	{n: 246, name: "Ascend-Callback", form: integer, enum: valueNames{0: "Callback-No", 1: "Callback-Yes"}, known: true,
		field: "callback", check: "1 requires a callback, 0 forbids one", source: ascendSource,
		apply: (*reading).ascendCallback},
	{n: 227, name: "Ascend-Dial-Number", form: text, field: "callback, dialstring", out: true,
		check:  "as Callback-Number; in a dial-out, the number that may be dialed",
		source: ascendSource + "; IOS's attribute map",
		apply:  func(r *reading, v value) error { return r.Number(v.s) }},
	{n: 113, name: "Ascend-CBCP-Mode", form: integer, enum: ascendCBCPModes, known: true, field: "callback, dialstring",
		check: "2 and 7: the caller types the number; 3: it is fixed, in another attribute; 1 forbids a callback; 8 " +
			"has no effect", source: ascendSource, apply: (*reading).ascendCBCPMode},
	{n: 108, name: "Ascend-Callback-Delay", form: integer, field: "callback_delay",
		check: "seconds, at most 3600; the longest of several applies", source: ascendSource +
			"; the unit is undocumented", apply: (*reading).delay},
	{n: 114, name: "Ascend-CBCP-Delay", form: integer, field: "callback_delay", check: "as Ascend-Callback-Delay",
		source: ascendSource + "; seconds as in MS-CBCP", apply: (*reading).delay},
	{n: 115, name: "Ascend-CBCP-Trunk-Group", form: integer, field: "callback_rotary", check: "0 to 100",
		source: ascendSource, apply: func(r *reading, v value) error { return r.SetRotary(int(v.n)) }},
	{n: 194, name: "Ascend-Maximum-Time", form: integer, field: "session_timeout", check: "seconds; 0 means no limit",
		source: ascendSource + "; Cisco's list of vendor attributes",
		apply:  func(r *reading, v value) error { pairs.Limit(&r.A.SessionTimeout, seconds(v)); return nil }},
	{n: 125, name: "Ascend-Maximum-Call-Duration", form: integer, field: "session_timeout",
		check:  "minutes; 0 means no limit",
		source: ascendSource + "; the unit is undocumented",
		apply:  (*reading).callDuration},
	{n: 244, name: "Ascend-Idle-Limit", form: integer, field: "idle_timeout", check: "seconds; 0 means no limit",
		source: ascendSource + "; Cisco's list of vendor attributes",
		apply:  func(r *reading, v value) error { pairs.Limit(&r.A.IdleTimeout, seconds(v)); return nil }},
	{n: 169, name: "Ascend-TS-Idle-Limit", form: integer, only: aaa.EXEC, field: "idle_timeout",
		check: "seconds; 0 means no limit", source: ascendSource + "; the unit is undocumented",
		apply: func(r *reading, v value) error { pairs.Limit(&r.A.IdleTimeout, seconds(v)); return nil }},
	{n: 214, name: "Ascend-Send-Secret", form: octets, secret: true, only: aaa.PPP, out: true, field: "send_secret",
		check: "16 octets, encrypted with the shared secret; printed as [secret]", source: ascendSource,
		apply: (*reading).ascendSendSecret},
	{n: 232, name: "Ascend-Send-Passwd", form: text, secret: true, only: aaa.PPP, out: true, field: "send_secret",
		check: "printed as [secret]", source: "MAX TNT RADIUS reference", apply: (*reading).sendSecret},
	{n: 135, name: "Ascend-Client-Primary-DNS", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: ascendSource, apply: (*reading).dns},
	{n: 136, name: "Ascend-Client-Secondary-DNS", form: address, only: aaa.PPP, field: "framed.dns",
		check: "0.0.0.0 means none", source: ascendSource, apply: (*reading).dns},
	{n: 78, name: "Ascend-Client-Primary-WINS", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: ascendSource, apply: (*reading).wins},
	{n: 79, name: "Ascend-Client-Secondary-WINS", form: address, only: aaa.PPP, field: "framed.wins",
		check: "0.0.0.0 means none", source: ascendSource, apply: (*reading).wins},
	{n: 146, name: "Ascend-Assign-IP-Global-Pool", form: text, only: aaa.PPP, field: "framed.pool", check: "",
		source: ascendSource, apply: (*reading).framedPool},
	{n: 218, name: "Ascend-Assign-IP-Pool", form: integer, only: aaa.PPP, field: "framed.pool",
		check: "the pool whose name is this number; 0 means any", source: "MAX TNT RADIUS reference",
		apply: (*reading).numberedPool},

	{n: 112, name: "Ascend-CBCP-Enable", form: integer, enum: valueNames{0: "CBCP-Not-Enabled", 1: "CBCP-Enabled"},
		check: "controls how, not whether, a PPP peer is asked", source: ascendSource},
	{n: 149, name: "Ascend-Expect-Callback", form: integer, enum: valueNames{0: "Expect-Callback-No",
		1: "Expect-Callback-Yes"}, check: "for calls that the access server places", source: ascendSource},
	{n: 231, name: "Ascend-Send-Auth", form: integer, enum: valueNames{0: "Send-Auth-None", 1: "Send-Auth-PAP",
		2: "Send-Auth-CHAP", 3: "Send-Auth-MS-CHAP"}, known: true, only: aaa.Outbound, field: "dial_out.send_auth",
		check: "reported", source: ascendSource, apply: (*reading).ascendSendAuth},
	{n: 247, name: "Ascend-Data-Svc", form: integer, enum: ascendServices, check: "the lines are analog modems",
		source: ascendSource},
	{n: 248, name: "Ascend-Force-56", form: integer, check: "the lines are analog modems", source: ascendSource},
	{n: 249, name: "Ascend-Billing-Number", check: "no billing number is sent", source: ascendSource},
	{n: 131, name: "Ascend-Dialout-Allowed", form: integer, check: "outgoing devices are not supported",
		source: ascendSource},
	{n: 123, name: "Ascend-Call-Attempt-Limit", form: integer, check: "the policy sets the number of attempts",
		source: ascendSource},
	{n: 124, name: "Ascend-Call-Block-Duration", form: integer, check: "the policy sets the pauses",
		source: ascendSource},

	{n: 141, name: "Ascend-User-Acct-Key", form: octets, secret: true},
	{n: 151, name: "Ascend-Session-Svr-Key", form: octets, secret: true},
	{n: 170, name: "Ascend-TS-Idle-Mode", form: integer}, {n: 177, name: "Ascend-Call-Type", form: integer},
	{n: 178, name: "Ascend-Group"}, {n: 181, name: "Ascend-Ara-PW", form: octets, secret: true},
	{n: 184, name: "Ascend-Home-Agent-Password", form: octets, secret: true},
	{n: 195, name: "Ascend-Disconnect-Cause", form: integer, enum: valueNames{102: "Disconnect-Due-To-Callback"}},
	{n: 196, name: "Ascend-Connect-Progress", form: integer}, {n: 197, name: "Ascend-Data-Rate", form: integer},
	{n: 208, name: "Ascend-PW-Lifetime", form: integer},
	{n: 215, name: "Ascend-Receive-Secret", form: octets, secret: true}, {n: 217, name: "Ascend-IP-Pool-Definition"},
	{n: 225, name: "Ascend-Metric", form: integer}, {n: 226, name: "Ascend-PRI-Number-Type", form: integer},
	{n: 228, name: "Ascend-Route-IP", form: integer}, {n: 229, name: "Ascend-Route-IPX", form: integer},
	{n: 230, name: "Ascend-Bridge", form: integer}, {n: 233, name: "Ascend-Link-Compression", form: integer},
	{n: 235, name: "Ascend-Maximum-Channels", form: integer},
	{n: 242, name: "Ascend-Data-Filter", form: octets}, {n: 243, name: "Ascend-Call-Filter", form: octets},
	{n: 255, name: "Ascend-Xmit-Rate", form: integer},
}})

// lucent is Ascend's table with the vendor number of later TAOS releases and types of two octets.
var lucent = indexed(dialect{name: "Lucent", vendor: 4846, prefix: "Lucent-", types: 2,
	rules: lucentRules(ascend.rules)})

func lucentRules(ascend []rule) []rule {
	rules := slices.Clone(ascend)
	for i := range rules {
		r := &rules[i]
		r.name = "Lucent-" + strings.TrimPrefix(r.name, "Ascend-")
		if r.source != "" {
			r.source = "FreeRADIUS dictionary.lucent; as Ascend's"
		}
	}
	return rules
}

func (r *reading) ascendCallback(v value) error {
	if v.n == 0 {
		return r.Forbid()
	}
	return r.Demand()
}

func (r *reading) ascendSendAuth(v value) error {
	return r.SetSendAuth([]string{"none", "pap", "chap", "ms-chap"}[v.n]) // the row has all values
}

func (r *reading) callDuration(v value) error {
	if v.n > pairs.MaxMinutes {
		return fmt.Errorf("%d minutes: longer than %d", v.n, pairs.MaxMinutes)
	}
	pairs.Limit(&r.A.SessionTimeout, time.Duration(v.n)*time.Minute)
	return nil
}

func (r *reading) ascendCBCPMode(v value) error {
	switch v.n {
	case 1:
		r.Field = "callback"
		return r.Forbid()
	case 2, 7:
		return r.CallTo(pairs.Typed, "")
	case 3:
		return r.CallTo(pairs.Fixed, "")
	}
	return r.Left("controls how, not whether, a PPP peer is asked, ignored")
}

// ascendSendSecret decrypts the secret for leg two: its octets XOR MD5(Request Authenticator + shared secret), padded
// with NULs, as FreeRADIUS encrypts it (encrypt=3).
func (r *reading) ascendSendSecret(v value) error {
	switch {
	case len(v.s) != md5.Size:
		return fmt.Errorf("it has %d octets, not %d", len(v.s), md5.Size)
	case r.Secret == "" || len(r.Authenticator) != 16:
		return r.Left("it is encrypted, ignored")
	}
	pad := md5.Sum(append(append([]byte(nil), r.Authenticator...), r.Secret...))
	for i := range pad {
		pad[i] ^= v.s[i]
	}
	plain := strings.TrimRight(string(pad[:]), "\x00")
	if plain == "" || pairs.OneLine(plain) != nil {
		return errors.New("the decrypted value is not text (different shared secret?)")
	}
	return r.sendSecret(value{s: plain})
}

package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

func lineKeys() []schema.Key {
	keys := []schema.Key{
		{Name: "tty", Loose: true, Required: true, Check: schema.CheckTTYs, Example: "65",
			Doc: "Number of the line, or a range `65-70` of lines with the same settings. See [Ranges](#ranges)."},
		{Name: "port", Required: true, Check: schema.NotEmpty,
			Example: `"serial:///dev/ttyS0?speed=115200"`,
			Doc: "URL of the port: `serial:///dev/…`, `rfc2217://host:port`, `tcp://host:port`, `pty:///path`; over " +
				"TLS `rfc2217s://host:port`, `tcps://host:port`. See [Ports](#ports)."},
		{Name: "tls", Type: schema.Object,
			Doc: "Certificates of an `rfc2217s://` or `tcps://` port. The files are read at each connection.",
			Keys: append(tlsKeys(), minVersionKey("Minimum version of TLS; 1.2 is for old servers."),
				schema.Key{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true",
					Doc: "Accepts any certificate: anyone on the path can read and change what the line carries."})},
		{Name: "modem", Enum: []string{string(lines.InOut), string(lines.CallIn),
			string(lines.CallOut)}, Default: string(lines.InOut), Example: "callout",
			Doc: "`inout` answers and dials, `callin` answers only, `callout` dials only."},
		{Name: "profile", Check: profiles.CheckName, Default: profiles.Generic,
			Example: "usr-courier",
			Doc: "The [profile](modems.md) of the modem's family: its commands, caller ID, result codes and timing. " +
				"The keys `init`, `result_codes`, `proof_registers` and `timing` of the line take precedence."},
		{Name: "flow_control", Enum: []string{"hardware", "software", "none"},
			Example: "hardware",
			Doc: "`hardware` is RTS/CTS; `software` is XON/XOFF, which removes two octets from the data, so PPP is " +
				"not possible. Default: as in the URL, else `hardware`."},
		{Name: "speed", Loose: true, Enum: []string{"fixed", speedAuto}, Default: "fixed", Example: speedAuto,
			Doc: "`auto`: the speed of the port follows the caller's (IOS `autobaud`), see " +
				"[Speed of callers](ports.md#speed-of-callers). `fixed`: it is always that of " +
				"`port`."},
		{Name: "rotary", Type: schema.Int, Min: 0, Max: maxRotary, Example: "1",
			Doc: "Group of interchangeable lines. A callback is dialed by another line of the called line's rotary " +
				"if one is in service."},
	}
	keys = append(keys, lineListKeys()...)
	keys = append(keys, linePPPKeys...)
	return append(keys, []schema.Key{
		{Name: "language", Reload: schema.NewCalls, Enum: texts.LanguageNames(), Example: "zh-Hant",
			Doc: "Language of what callers of the EXEC read until the group of a user is known. Default: `language` " +
				"of the configuration."},
		{Name: "charset", Reload: schema.NewCalls, Enum: texts.CharsetNames(), Example: "big5",
			Doc: "Character set of their terminals. Default: `charset` of the configuration; `ascii` if the format " +
				"of `port` has 7 data bits."},
		{Name: "caller_id", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Enables caller ID on the modem (AT+VCID=1, or the command of its profile). Without `profile`, " +
				"a modem that answers AT+GMI with OK and no text does not get AT+VCID=1, which it may take for a " +
				"dial. A call is answered once the number is reported, at the second ring at the latest, if the " +
				"profile names no other order; the number is sent as Calling-Station-Id. Always on with " +
				"`call_check`."},
		{Name: "number", Check: schema.NotEmpty, Reload: schema.NewCalls, Example: `"55565"`,
			Doc: "Number at which this line alone is called. Modem tests dial it (`modem_test`)."},
		{Name: "call_check", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "The calling number is checked with `aaa.call_check` before the call is answered. If it is " +
				"rejected, or no server answers, the call is left ringing. So it is if the user is called back " +
				"instead, which a policy with `callback_on_ring: allow` lets AAA decide."},
		{Name: "insecure_signals", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Accepts a modem whose state cannot be proven on a port without modem signals: a caller that sends " +
				"the modem's result codes can then impersonate it. See [Ports without modem signals](ports.md)."},
		{Name: "proof_registers", Type: schema.List,
			Elem: &schema.Key{Type: schema.Int, Min: 13, Max: 255}, Example: "[18, 25, 26]",
			Doc: "S registers, unused by this modem, that store the proof of its state on a port without modem " +
				"signals. Default: those of the profile, 18, 25, 26."},
		{Name: "result_codes", Type: schema.Dict, Check: modem.CheckResultText,
			Elem: &schema.Key{Enum: modem.ResultCodes(), Example: "BUSY"}, Example: `{"LINE BLOCKED*": BLACKLISTED}`,
			Doc: "Meanings of this modem's own texts, in addition to the known [result codes](result-codes.md), over " +
				"which they take precedence: a text, or its beginning and `*`, and a result code; `progress` " +
				"does not " +
				"end a call attempt. `OK`, `ERROR`, texts that begin with `CONNECT` or `AT`, numbers, and lines " +
				"that report the calling number cannot be given a meaning, and `RING`, `BUSY`, `NO CARRIER`, `NO " +
				"ANSWER` and `NO DIALTONE` no other one."},
		{Name: "init", Check: modem.CheckInit, Example: "AT&F1E0M0",
			Doc: "Modem command sent after the reset. It must not dial or answer, and must leave result codes on, as " +
				"words ([Commands](modems.md#commands-of-lines-and-profiles)). Default: that of the profile."},
		{Name: "scripts", Reload: schema.NewCalls, Type: schema.Object,
			Doc: "[Chat scripts](chat-scripts.md#which-script-runs). Each is selected by a regular expression; the " +
				"first script whose name matches is used.",
			Keys: lineScriptKeys(), Absent: absentScripts},
		{Name: "callback", Type: schema.Object, Doc: "Callbacks from this line.", Keys: []schema.Key{
			{Name: "forced_wait", Reload: schema.NewCalls, Type: schema.Duration, Max: hour, Default: "0s",
				Example: "5s", Doc: "Minimum time between the hang-up and the dial (IOS `callback forced-wait`)."},
			{Name: "same_line_no_verify", Type: schema.Bool, Default: "false", Example: "true",
				Doc: "Allows the called line to dial a callback without a second login: a caller that never hangs up " +
					"can then take the call."},
		}},
		{Name: "timing", Type: schema.Object,
			Doc: "Timing of the modem driver. The defaults are for real modems.", Keys: profiles.TimingKeys()},
	}...)
}

var scriptKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "rtp",
		Doc: "Name, matched by the `scripts` of lines."},
	{Name: "script", Secret: true, Required: true, Check: schema.NotEmpty,
		Example: `'ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c'`, Doc: "The script: expect, send, expect, …"},
}

var rotaryKeys = []schema.Key{
	{Name: "hunt", Enum: hunts(), Default: string(lines.Linear), Example: string(lines.RoundRobin),
		Doc: "Which of several idle lines dials a callback. `linear`: the one with the lowest number; `round_robin`: " +
			"the one that has not been used for a callback for the longest time; `least_used`: the one with the " +
			"fewest calls and callbacks since the start. `callout` lines come before `inout` lines, which " +
			"callers need, and the called line is the last. This also holds for a rotary in " +
			"`callback_lines` of a policy; lines that AAA, a policy or a trunk lists are used in their order."},
}

func hunts() (all []string) {
	for _, h := range lines.Hunts() {
		all = append(all, string(h))
	}
	return all
}

// maxRotary is the highest number of a rotary, as in IOS.
const maxRotary = 100

func checkRotary(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 0 || n > maxRotary || s != strconv.Itoa(n) {
		return fmt.Errorf("a rotary has a number from 0 to %d", maxRotary)
	}
	return nil
}

var modemTestKeys = []schema.Key{
	{Name: "lines", Type: schema.List, Required: true, Elem: &schema.Key{Loose: true, Check: schema.CheckTTYs},
		Example: "[65-68]", Doc: "TTYs, or ranges of them, of the lines that may be tested: that call, and are " +
			"called " +
			"at their `number`."},
	{Name: "numbers", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty}, Example: `["55555"]`,
		Doc: "Other numbers that `ringback modem test --number` may dial, such as that of a rotary."},
	{Name: "max_per_day", Type: schema.Int, Min: 1, Max: 10000, Default: "50", Example: "20",
		Doc: "Maximum number of dials in 24 hours, whatever their result. A restart does not forget them."},
	{Name: "quarantine_after", Type: schema.Int, Max: 1000, Default: "3", Example: "2",
		Doc: "A line that fails this many tests in a row is quarantined until `ringback line restore`; 0: none is."},
	{Name: "every", Type: schema.Duration, Max: 31 * 24 * hour, Default: "0s", Example: "24h",
		Doc: "Interval of tests of all lines: a part of a day such as `6h`, or whole days; `0s`: only by order. " +
			"Lines " +
			"in use, and all during a lockdown, are skipped."},
	{Name: "at", Check: checkTimeOfDay, Default: "03:00", Example: `"03:30"`,
		Doc: "Time of day of the scheduled tests; with a shorter interval than a day, one of their times. They begin " +
			"up to 10 minutes later, by a random time."},
	{Name: "zone", Check: checkTimeZone, Example: "Europe/Paris",
		Doc: "Time zone of `at`, as the IANA database names it. Default: that of the machine."},
	{Name: "at_once", Type: schema.Int, Min: 1, Max: 100, Default: "1", Example: "2",
		Doc: "Maximum number of scheduled tests at the same time. Each uses two lines."},
}

// checkTimeOfDay accepts a time such as 03:30.
func checkTimeOfDay(s string) error {
	if _, err := time.Parse("15:04", s); err != nil {
		return fmt.Errorf("%q is not a time of day (write it like 03:30)", cut(s))
	}
	return nil
}

func checkTimeZone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "" {
		return fmt.Errorf("%q is not a time zone (write a name of the IANA database, such as Europe/Paris or UTC)",
			cut(s))
	}
	return nil
}

func checkRegexp(s string) error {
	if s == "" {
		return errors.New("is empty (leave the key out for none)")
	}
	if regexp.QuoteMeta(s) == s { // a plain name: most lines have one
		return nil
	}
	if _, err := regexp.Compile(s); err != nil {
		return fmt.Errorf("not a regular expression: %v", err)
	}
	return nil
}

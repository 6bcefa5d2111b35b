package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/recordings"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/tariff"
)

const (
	second = int64(time.Second)
	minute = int64(time.Minute)
	hour   = int64(time.Hour)
)

// Keys is the table of the keys of ringback.yaml: it drives the checks, the defaults and the printed reference. The
// caller must not change it.
func Keys() []schema.Key { return keys() }

// keys is Keys, once: the table is long, and a reload needs it several times.
var keys = sync.OnceValue(func() []schema.Key {
	return schema.Inherit("", []schema.Key{
		{Name: "hostname", Reload: schema.NewCalls, Check: checkHostname, Default: "ringback", Example: "maui-nas-04",
			Doc: "Name of this access server: the EXEC's prompt and RADIUS's NAS-Identifier."},
		{Name: "state_dir", Reload: schema.Restart, Check: schema.NotEmpty, Example: "/var/lib/ringback",
			Doc: "Directory of the journal, created if missing. Default: `/var/lib/ringback` for root, else " +
				"`$XDG_STATE_HOME/ringback` or `~/.local/state/ringback`. Only one daemon can use it at a time."},
		{Name: "journal", Reload: schema.AtOnce, Type: schema.Object, Keys: journalKeys,
			Doc: "The record of calls and callbacks in `state_dir`. See [The journal](../how-to/journal.md)."},
		{Name: "api", Reload: schema.Restart, Type: schema.Object, Doc: "Admin interface.", Keys: apiKeys},
		{Name: "audit", Reload: schema.AtOnce, Type: schema.Object, Keys: auditKeys,
			Doc: "Signed seals of the audit, for auditors. See [The audit](../how-to/audit.md)."},
		{Name: "recordings", Reload: schema.AtOnce, Type: schema.Object, Keys: recordingKeys,
			Doc: "Recordings of EXEC sessions whose group has `record: true`. See " +
				"[Recordings](../how-to/recordings.md)."},
		{Name: "hooks", Reload: schema.AtOnce, Type: schema.List,
			Elem: &schema.Key{Type: schema.Object, Keys: hookKeys()},
			Doc:  "Programs and addresses that are told of events. See [Hooks](../how-to/hooks.md)."},
		{Name: "log", Reload: schema.Restart, Type: schema.Object, Doc: "The daemon's log.", Keys: []schema.Key{
			{Name: "level", Enum: []string{"debug", "info", "warn", "error"}, Default: "info", Example: "debug",
				Doc: "Minimum level of logged records."},
			{Name: "format", Enum: []string{"console", "json"}, Default: "console", Example: "json",
				Doc: "Format of a record."},
			{Name: "file", Check: schema.NotEmpty, Example: "/var/log/ringback.log",
				Doc: "File to append to. Default: standard error."},
			{Name: "mask_numbers", Type: schema.Int, Min: 0, Max: 15, Example: "3",
				Doc: "Digits at the end of a telephone number that the log, syslog and debug show; the others are " +
					"`*`. Default: all digits. See [Logging](../how-to/logging.md#telephone-numbers)."},
			{Name: "syslog", Type: schema.Object, Keys: syslogKeys(),
				Doc: "A syslog server that gets the records too. See [Logging](../how-to/logging.md)."},
		}},
		{Name: "metrics", Reload: schema.Restart, Type: schema.Object, Keys: metricsKeys,
			Doc: "Monitoring of the daemon. See [Monitoring](../how-to/monitoring.md)."},
		{Name: "traces", Reload: schema.Restart, Type: schema.Object, Keys: tracesKeys(),
			Doc: "OpenTelemetry: one trace for each callback. See [Tracing](../how-to/logging.md#traces)."},
		{Name: "cdr", Reload: schema.Restart, Type: schema.Object, Keys: []schema.Key{
			{Name: "file", Check: schema.NotEmpty, Example: "/var/log/ringback-cdr.csv",
				Doc: "File to append the records to. Default: none, they are in the log and in syslog only."},
			{Name: "format", Enum: []string{"csv", "json"}, Default: "csv", Example: "json",
				Doc: "`csv` with a first line of names, or `json` with one object in each line."},
		}, Doc: "Call detail records, one for each callback. See [Logging](../how-to/logging.md#call-detail-records)."},
		{Name: "console", Reload: schema.Restart, Type: schema.Object, Keys: consoleKeys,
			Doc: "The operator's page, a web site. See [The operator's page](../how-to/console-page.md)."},
		{Name: "modems_dir", Reload: schema.NewCalls, Check: schema.NotEmpty, Example: "modems.d",
			Doc: "Directory of modem profiles `NAME.yaml`, in addition to the [shipped ones](modems.md). Default: " +
				"none."},
		{Name: "policies_dir", Reload: schema.NewCalls, Check: schema.NotEmpty, Default: "policies.d",
			Example: "policies.d",
			Doc: "Directory of the policy files, one for each group of users; it must exist if the key is set. See " +
				"[Policy files](#policy-files)."},
		{Name: "exec", Reload: schema.NewCalls, Type: schema.Object, Doc: "The EXEC.", Keys: []schema.Key{
			{Name: "callback", Type: schema.Bool, Default: "true", Example: "false",
				Doc: "IOS's `service exec-callback`. `false`: a user whose authorization requires a callback is " +
					"rejected."},
			{Name: "idle_timeout", Type: schema.Duration, Max: 24 * hour, Default: "10m", Example: "5m",
				Doc: "Idle timeout of the EXEC if AAA sends none; `0s` means no limit."},
			{Name: "hosts", Type: schema.Object,
				Doc: "Hosts to which sessions may be connected instead of the EXEC: by Login-IP-Host (RADIUS), an " +
					"autocmd, or the command `telnet`.", Keys: hostKeys},
		}},
		{Name: "login", Reload: schema.NewCalls, Type: schema.Object, Doc: "How callers log in.", Keys: []schema.Key{
			{Name: "tries", Type: schema.Int, Min: 1, Max: 10, Default: "3", Example: "3",
				Doc: "Login attempts per call."},
			{Name: "failure_delay", Type: schema.Duration, Max: minute, Default: "2s", Example: "2s",
				Doc: "Pause after each failed login; `0s` means no pause, which makes guessing easy."},
			{Name: "timeout", Type: schema.Duration, Min: second, Max: 10 * minute, Default: "1m", Example: "90s",
				Doc: "Maximum time from the answer to the end of the login."},
			{Name: "window", Reload: schema.AtOnce, Type: schema.Duration, Max: 24 * hour, Default: "15m",
				Example: "1h",
				Doc: "How long failures count, from the first one, across calls and restarts; `0s`: only " +
					"for the same call. See [Guessing](exec.md#guessing)."},
			{Name: "delay_after", Reload: schema.AtOnce, Type: schema.Int, Max: 1000, Default: "5", Example: "3",
				Doc: "Number of failures of one name from anywhere, or on one line from callers without a number, " +
					"after which the next login waits: 1 s, then twice as long each time. A name alone is never " +
					"locked. `0`: no wait."},
			{Name: "delay_max", Reload: schema.AtOnce, Type: schema.Duration, Max: minute, Default: "20s",
				Example: "10s", Doc: "Maximum of this wait, which is also limited to a third of `timeout`."},
			{Name: "lock_user_after", Reload: schema.AtOnce, Type: schema.Int, Max: 1000, Default: "10", Example: "5",
				Doc: "Number of failures of one name from one number (without a number: on one line) that lock the " +
					"name for that number or line. `0`: never."},
			{Name: "lock_number_after", Reload: schema.AtOnce, Type: schema.Int, Max: 10000, Default: "30",
				Example: "100", Doc: "Number of failures from one number, with any names, that lock the number. " +
					"`0`: never."},
			{Name: "lock_time", Reload: schema.AtOnce, Type: schema.Duration, Min: second, Max: 24 * hour,
				Default: "15m", Example: "1h", Doc: "Duration of a lock. `ringback clear login-lock` ends it."},
		}},
		{Name: "prompts", Reload: schema.NewCalls, Type: schema.Object, Doc: "Prompt texts.", Keys: []schema.Key{
			{Name: "username", Check: checkPrompt, Default: "Username: ", Example: `"login: "`,
				Doc: "Asks for the user name."},
			{Name: "password", Check: checkPrompt, Default: "Password: ", Example: `"Password: "`,
				Doc: "Asks for the password, unless the AAA server sends its own prompt."},
			{Name: "dialstring", Check: checkPrompt, Default: "Callback Dialstring: ", Example: `"Call you back at: "`,
				Doc: "Asks for the number if AAA leaves it to the caller."},
		}},
		{Name: "banner", Reload: schema.NewCalls, Check: checkText, Example: `"Authorized users only."`,
			Doc: "Shown before the first prompt of a call."},
		{Name: "callback", Reload: schema.NewCalls, Type: schema.Object,
			Doc: "Settings of all callbacks. The limits for a group of users are in its policy file.",
			Keys: []schema.Key{
				{Name: "lifetime", Type: schema.Duration, Min: second, Max: 24 * hour, Default: "1h", Example: "30m",
					Doc: "A callback expires if it is not completed within this time after the promise."},
				{Name: "hold_off", Type: schema.Duration, Max: 24 * hour, Default: "0s", Example: "2m",
					Doc: "Minimum time between the end of a dial and the next dial of the same number, by whichever " +
						"callback and line, also after a restart. Some networks block a number that is dialed too " +
						"often."},
				{Name: "random_wait", Type: schema.Duration, Max: hour, Default: "0s", Example: "30s",
					Doc: "Up to this much is added at random to the wait before the first dial of a callback, so " +
						"that users who called at the same time are not called back at the same time."},
			}},
		{Name: "ceilings", Reload: schema.NewCalls, Type: schema.Object, Keys: ceilingKeys(),
			Doc: "What all callbacks together may use. A callback is promised only if the most that it can use still " +
				"fits: for each dial that its policy allows one call of an hour, or of a shorter Session-Timeout, " +
				"and 5 min 45 s for the dial and the hang-up. It is hung up when its time is used. A clock that " +
				"is set back reopens nothing."},
		{Name: "numbers", Reload: schema.NewCalls, Type: schema.Object,
			Doc: "Number plan: rules for every number before it is dialed.", Keys: numberKeys()},
		{Name: "tariff", Reload: schema.NewCalls, Type: schema.Object, Doc: "What the site's calls cost, " +
			"for the ceilings in money. See [Tariffs](#tariffs).", Keys: []schema.Key{
			{Name: "file", Check: checkFileName, Example: "tariff.csv",
				Doc: "Price list, CSV or YAML. Default: no number has a price."},
			{Name: "currency", Check: tariff.CheckCurrency, Example: "EUR",
				Doc: "Currency of the prices. Default: that of the file. If both name one, they must be equal."},
		}},
		{Name: "trunks", Reload: schema.NewCalls, Type: schema.List,
			Elem: &schema.Key{Type: schema.Object, Keys: trunkKeys},
			Doc: "Ways from the lines to the telephone network, in the order of preference. A number is dialed " +
				"through the first that takes it, or the cheapest if all that take it have a tariff, and each " +
				"further attempt uses the next one. A number that none takes is rejected. Default: the chat scripts " +
				"dial the number itself. See [Trunks](../how-to/toll-fraud.md#trunks)."},
		{Name: "places", Reload: schema.NewCalls, Type: schema.List, Elem: &schema.Key{Type: schema.Object,
			Keys: placeKeys}, Doc: "Callback numbers for the names that RADIUS sends as Callback-Id, and that " +
			"callers of PPP send as a location (RFC 1570); the number lists of the policy apply to the latter."},
		{Name: "aaa", Reload: schema.NewCalls, Type: schema.Object, Doc: "Authentication, authorization, accounting.",
			Keys: aaaKeys()},
		{Name: "enable", Reload: schema.NewCalls, Type: schema.Object,
			Doc: "The method `enable`: one password for privileged levels, as IOS's `enable secret`.",
			Keys: []schema.Key{
				{Name: "password_file", Check: schema.NotEmpty, Example: "enable.password",
					Doc: "File that contains only the password; one newline at the end is ignored. Either this or " +
						"`password_hash`."},
				{Name: "password_hash", Secret: true, Check: schema.NotEmpty, Example: `"$2b$12$…"`,
					Doc: "bcrypt, argon2id, or IOS's types 5, 8 and 9."},
			}},
		{Name: "users", Reload: schema.NewCalls, Type: schema.List,
			Elem: &schema.Key{Type: schema.Object, Keys: userKeys}, Doc: "Local users: the method `local`."},
		{Name: "chat_scripts", Reload: schema.NewCalls, Type: schema.List,
			Elem: &schema.Key{Type: schema.Object, Keys: scriptKeys},
			Doc: "Chat scripts in the syntax of IOS. Built in: `exec-callback`, `ppp-callback` and `offhook`; a " +
				"script with one of these names replaces the built-in one."},
		{Name: "ppp", Type: schema.Object, Keys: pppKeys, Absent: notPPP,
			Doc: "PPP: callers whose packets are carried to a network. See [PPP](../how-to/ppp.md)."},
		{Name: "rotaries", Reload: schema.AtOnce, Type: schema.Dict, Check: checkRotary,
			Elem: &schema.Key{Type: schema.Object, Keys: rotaryKeys}, Example: `{"1": {hunt: round_robin}}`,
			Doc: "Settings of rotaries, by number. A rotary needs none."},
		{Name: "lines", Reload: schema.NewCalls, Type: schema.List,
			Elem: &schema.Key{Type: schema.Object, Keys: lineKeys()},
			Doc:  "The lines, each with one modem."},
		{Name: "modem_test", Reload: schema.AtOnce, Type: schema.Object, Keys: modemTestKeys,
			Doc: "Calls from one line to another that test their modems (`ringback modem test`, IOS's `test modem " +
				"back-to-back`). Without this key none is allowed. It permits numbers that `numbers.own` forbids to " +
				"callbacks. See [Modem tests](../how-to/modem-tests.md)."},
		{Name: "start_chat", Reload: schema.AtOnce, Type: schema.Object, Keys: []schema.Key{
			{Name: "policy", Required: true, Check: schema.NotEmpty, Example: "operators",
				Doc: "Group whose policy file decides which numbers are dialed and when: its `numbers` (the number " +
					"must match a pattern of `allow`), `hours`, `access`, `when` and `limits`. What a dial may use " +
					"is reserved of these ceilings and of the site's. `limits: {user}` is for each operator, " +
					"`limits: {line}` for the line that dials."}},
			Doc: "Dials by operators: `ringback start-chat REGEXP LINE --number NUMBER`, and in the EXEC `start-chat " +
				"REGEXP LINE NUMBER`. Without this key none is allowed. See [Chat " +
				"scripts](chat-scripts.md#dial-with-start-chat)."},
	})
})

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

var hostKeys = []schema.Key{
	{Name: "default", Check: checkHost, Example: "192.0.2.80",
		Doc: "Address or name of the host if AAA leaves the choice to the access server (Login-IP-Host 0.0.0.0). " +
			"Default: the user is rejected."},
	{Name: "ask", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "If AAA leaves the choice of the host to the user (Login-IP-Host 255.255.255.255), the caller names one " +
			"of `allow`. `false`: the user is rejected."},
	{Name: "allow", Type: schema.List, Elem: &schema.Key{Check: checkHostRule}, Example: `["192.0.2.0/24:23"]`,
		Doc: "Hosts that sessions may connect to: addresses or prefixes, with or without a port. Default: AAA may " +
			"name any host except this machine and its link-local neighbours; callers may name none."},
	{Name: "timeout", Type: schema.Duration, Min: second, Max: 5 * minute, Default: "15s", Example: "15s",
		Doc: "Timeout of a connection attempt."},
	{Name: "terminal", Check: checkTerminal, Default: "vt100", Example: "ansi",
		Doc: "Terminal type sent to hosts."},
}

func checkHost(s string) error {
	if strings.Contains(s, ":") && net.ParseIP(s) == nil {
		return errors.New("an address or a name, without a port")
	}
	return checkHostPort(s)
}

var trunkKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "pbx", Doc: "Name in logs and traces."},
	{Name: "template", Secret: true, Required: true, Check: numbers.CheckTemplate, Example: `"9,{national}"`,
		Doc: "What `\\T` of a chat script becomes: one form of the number in braces, and around it digits, `*`, `#`, " +
			"`A` to `D`, and the modem's `,` `W` `@` `!`. `{number}`: as an exchange at the site connects it; " +
			"`{national}`: only numbers in the country, with the national prefix; `{international}`: with the " +
			"international prefix; `{e164}`: without prefix; `{extension}`: only extensions. All except `{number}` " +
			"require `numbers.country`. What follows the number, and a code before it, are shown as `[secret]`."},
	{Name: "numbers", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern, Example: `"33*"`},
		Example: `["33*"]`, Doc: "Patterns of the numbers that it takes, in canonical form. Default: all that the " +
			"template has a form of."},
	{Name: "lines", Type: schema.List, Elem: &schema.Key{Type: schema.Int, Min: 1, Max: schema.MaxTTY, Example: "65"},
		Example: "[65, 66]", Doc: "TTY numbers of the lines that lead to it, in the order of preference. A callback " +
			"uses them unless AAA or the policy names lines or a rotary, and the called line only if there is no " +
			"other. Default: all lines."},
	{Name: "rotary", Type: schema.Int, Min: 0, Max: maxRotary, Example: "1",
		Doc: "Rotary of the lines that lead to it, instead of `lines`."},
	{Name: "tariff", Check: checkFileName, Example: "carrier.csv",
		Doc: "Price list of this trunk, in the currency of the site's tariff. A number without a rate is not dialed " +
			"through it. Default: the site's tariff counts, and the order of the trunks decides."},
}

func checkCallbackLine(s string) error {
	_, err := aaa.ParseCallbackLine(s, schema.MaxTTY)
	return err
}

// checkTerminal accepts the terminal types of RFC 1091, which cannot contain a Telnet command.
func checkTerminal(s string) error {
	if s == "" || len(s) > 40 {
		return errors.New("is not 1 to 40 characters long")
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return fmt.Errorf("%q is not allowed in a terminal type", r)
		}
	}
	return nil
}

func checkHostRule(s string) error {
	_, err := exec.ParseHostRule(s)
	return err
}

func numberKeys() []schema.Key {
	return []schema.Key{
		{Name: "trunk_prefixes", Type: schema.List, Elem: &schema.Key{Check: checkTrunk}, Example: `["9,"]`,
			Doc: "Prefixes that AAA sends although the chat script's dial template adds them: one is removed from " +
				"numbers of AAA, local users and places, never from a caller's."},
		{Name: "max_digits", Type: schema.Int, Min: 1, Max: numbers.MostDigits,
			Default: fmt.Sprint(numbers.DefaultMaxDigits), Example: "15", Doc: "Maximum number of digits."},
		{Name: "emergency", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern},
			Example: `["911", "112*"]`,
			Doc: "Patterns that are never dialed, whatever a policy allows. They replace the built-in ones: `" +
				strings.Join(numbers.EmergencyNumbers(), "`, `") + "`. With `country`, the emergency numbers of that " +
				"country are never dialed either, even if they are extensions."},
		{Name: "country", Example: `"33"`, Doc: "Country code of the site, in digits. With it a number in any " +
			"notation is converted to one canonical form, the digits of E.164 without `+`, and a number that could " +
			"be read in two ways is rejected. Requires `digits` and `international`."},
		{Name: "region", Example: "US", Doc: "Country of the site, as ISO 3166 abbreviates it, if several share the " +
			"country code. Numbers of the others are of the class `international`: with `country: \"1\"` those of " +
			"Canada and Jamaica. Default: the main one, which is US for 1, GB for 44, RU for 7 and IT for 39."},
		{Name: "digits", Type: schema.List, Elem: &schema.Key{Type: schema.Int, Min: 1, Max: 14, Example: "9"},
			Example: "[9]", Doc: "Possible lengths of a number in the country, without prefix and country code."},
		{Name: "area", Example: `"1"`, Doc: "Area code of numbers that are dialed without one."},
		{Name: "international", Type: schema.List, Elem: &schema.Key{Example: `"00"`}, Example: `["00"]`,
			Doc: "Prefixes of numbers in other countries. The first is dialed."},
		{Name: "national", Type: schema.List, Elem: &schema.Key{Example: `"0"`}, Example: `["0"]`,
			Doc: "Prefixes of numbers in the country. The first is dialed. `\"\"`: such a number is also written " +
				"without a prefix."},
		{Name: "private", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern, Example: `"84001"`},
			Example: `["84001"]`, Doc: "Patterns of extensions, which are dialed as they are. A number of another " +
				"country with the same digits is rejected."},
		{Name: "fraud_file", Check: checkFileName, Example: "fraud.yaml", Doc: "File with the classes of number " +
			"ranges, instead of the built-in ones ([format](../how-to/toll-fraud.md#expensive-numbers)). Relative " +
			"to this file."},
		{Name: "own", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern, Example: `"33123456700"`},
			Example: `["33123456700"]`, Doc: "Patterns of the site's own numbers in canonical form, which are never " +
				"dialed."},
	}
}

var placeKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "paris", Doc: "The Callback-Id."},
	{Name: "number", Required: true, Example: `"84022"`, Doc: "The number; it may contain spaces and `-().`."},
}

var userKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "austin-01",
		Doc: "User name, which must match exactly."},
	{Name: "password_file", Check: schema.NotEmpty, Example: "austin-01.password",
		Doc: "File that contains only the password; one newline at the end is ignored. Either this or " +
			"`password_hash`."},
	{Name: "password_hash", Secret: true, Check: schema.NotEmpty, Example: `"$2b$12$…"`,
		Doc: "bcrypt, argon2id, or IOS's types 5, 8 and 9. PPP authenticates the user by PAP only: CHAP, MS-CHAP and " +
			"EAP-MD5 need the password itself."},
	{Name: "priv_lvl", Type: schema.Int, Min: 1, Max: 15, Default: "1", Example: "15", Doc: "Privilege level."},
	{Name: "groups", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty}, Example: "[staff]",
		Doc: "Group hints for the policies. A policy file that lists the user takes precedence."},
	{Name: "callback", Type: schema.Object, Doc: "Callback of the user. Default: none.", Keys: []schema.Key{
		{Name: "dialstring", Example: `"84001"`,
			Doc: "Number; \"\" asks the caller for it if the policy allows that. Either this or `numbers`."},
		{Name: "numbers", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty}, Example: `["84001", "84002"]`,
			Doc: "Up to 10 numbers, in the order in which they are dialed (`attempts.order`)."},
		{Name: "no_verify", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Skips the second login on the callback, if the policy allows that."},
		{Name: "line", Loose: true, Check: checkCallbackLine, Example: "66",
			Doc: "TTY or range of lines that call back, as IOS's `callback-line`: `66`, `66-67`, `tty 66 67`."},
		{Name: "rotary", Type: schema.Int, Min: 0, Max: maxRotary, Example: "1",
			Doc: "Rotary of the lines that call back (IOS `callback-rotary`)."},
	}},
}

var scriptKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "rtp",
		Doc: "Name, matched by the `scripts` of lines."},
	{Name: "script", Secret: true, Required: true, Check: schema.NotEmpty,
		Example: `'ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c'`, Doc: "The script: expect, send, expect, …"},
}

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

// checkFileName accepts a path that problems can begin with.
func checkFileName(s string) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%q is not the name of a file", s)
	}
	return nil
}

// checkText rejects control characters, which would act on a caller's or operator's terminal.
func checkText(s string) error {
	for _, r := range s {
		if (r < ' ' && r != '\n' && r != '\t') || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return fmt.Errorf("the control character %q is not allowed here", r)
		}
	}
	return nil
}

func checkPrompt(s string) error {
	if s == "" {
		return errors.New("the prompt is empty")
	}
	return checkText(s)
}

func checkHostname(s string) error {
	if s == "" || len(s) > 253 {
		return errors.New("is not 1 to 253 characters long")
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%q is not allowed in a host name", r)
		}
	}
	return nil
}

// checkSocket limits a path to what the kernel accepts: sockaddr_un has 108 octets, including the NUL at the
// end.
func checkSocket(s string) error {
	if s == "" || len(s) > 107 {
		return fmt.Errorf("the path of a unix socket has 1 to 107 octets, not %d", len(s))
	}
	return nil
}

func checkTrunk(s string) error {
	if strings.Trim(s, " -().") == "" {
		return errors.New("is empty")
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%q is not allowed in a prefix", r)
		}
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

// ceilingKeys are the keys of `ceilings`.
func ceilingKeys() (keys []schema.Key) {
	for _, period := range journal.Periods {
		keys = append(keys, schema.Key{Name: period, Type: schema.Object, Keys: []schema.Key{
			{Name: "calls", Type: schema.Int, Min: 1, Max: 1e9, Example: "100",
				Doc: "Most dials. Default: no ceiling."},
			{Name: "minutes", Type: schema.Int, Min: 1, Max: 1e9, Example: "6000",
				Doc: "Most minutes for which lines dial and calls are connected. Default: no ceiling."},
			{Name: "money", Loose: true, Check: tariff.CheckCeiling, Example: "250.00",
				Doc: "Most money, in the currency of the tariff, by which calls are priced. It requires " +
					"`tariff`; a number without a rate is not called back then. Default: no ceiling."},
		}, Doc: "Ceilings of each " + period + ", by the clock and the time zone of this machine."})
	}
	return keys
}

// journalKeys are the keys of `journal`.
var journalKeys = []schema.Key{
	{Name: "keep", Type: schema.Duration, Max: 87600 * hour, Default: "2160h", Example: "8760h",
		Doc: "How long callbacks and calls are kept after their end; of older ones, monthly sums remain. " +
			"The audit is never removed. `0s`: nothing is removed."},
}

// recordingKeys are the keys of `recordings`.
var recordingKeys = []schema.Key{
	{Name: "dir", Reload: schema.Restart, Check: schema.NotEmpty, Example: "/var/lib/ringback/recordings",
		Doc: "Directory of the files, one for each session, which only the user of the daemon can read. The first " +
			"recording creates it. Default: `recordings` in `state_dir`."},
	{Name: "keep", Type: schema.Duration, Max: 87600 * hour, Default: "2160h", Example: "8760h",
		Doc: "How long a recording is kept after its end. `0s`: it is not removed because of its age."},
	{Name: "max_size", Type: schema.Int, Min: 1, Max: 1e7, Default: "1024", Example: "4096",
		Doc: "Most MiB of all recordings together. Beyond it, the oldest that have ended are removed."},
	{Name: "max_session", Type: schema.Int, Min: 1, Max: 1e5, Default: "64", Example: "16",
		Doc: "Most MiB of one recording. What follows is not recorded, and the health warns."},
	{Name: "charset", Enum: recordings.Charsets, Default: recordings.Charsets[0], Example: "iso-8859-1",
		Doc: "Character set of what callers see, for new recordings. Recordings are in UTF-8; octets that are not " +
			"of the character set become U+FFFD."},
	{Name: "notice", Reload: schema.NewCalls, Check: checkText, Default: "This session is recorded.",
		Example: `"This session is recorded. Contact: security@example.net"`,
		Doc: "Text that a recorded user reads when the session begins; empty: none. It is not shown to users that " +
			"AAA connects to a host with TCP-Clear."},
}

// auditKeys are the keys of `audit`.
var auditKeys = []schema.Key{
	{Name: "seals", Check: schema.NotEmpty, Example: "/var/log/ringback/audit.seals",
		Doc: "File to which seals are appended: signed heads of the audit, with which an auditor proves that no row " +
			"was changed or cut off since. Name a place that others keep or copy. Default: `audit.seals` in " +
			"`state_dir`."},
	{Name: "seal_every", Type: schema.Duration, Min: 10 * second, Max: 24 * hour, Default: "15m", Example: "5m",
		Doc: "The audit is sealed this long after the seal before, and at each start, stop and reload."},
	{Name: "seal_rows", Type: schema.Int, Min: 1, Max: 1e6, Default: "1000", Example: "100",
		Doc: "It is also sealed after this many new rows."},
}

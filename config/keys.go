package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/recordings"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/texts"
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
		}, Doc: "Call detail records, one for each callback and dial-out. " +
			"See [Logging](../how-to/logging.md#call-detail-records)."},
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
		{Name: "language", Reload: schema.NewCalls, Enum: texts.LanguageNames(), Default: string(texts.English),
			Example: "zh-Hant", Doc: "Language of what callers of the EXEC read, unless their line or their group " +
				"has another one, and of the operator's page for browsers that ask for no language of ringback. See " +
				"[Languages](../how-to/languages.md)."},
		{Name: "charset", Reload: schema.NewCalls, Enum: texts.CharsetNames(), Default: string(texts.UTF8),
			Example: "big5", Doc: "Character set of the callers' terminals, unless their line or their group has " +
				"another one. A terminal that cannot show a text in the language gets it in English."},
		{Name: "texts", Reload: schema.NewCalls, Type: schema.Dict, Check: checkLanguage,
			Elem: &schema.Key{Check: checkFileName, Example: "zh-Hant.yaml"}, Example: "{zh-Hant: zh-Hant.yaml}",
			Doc: "Files with texts for callers and for the operator's page in place of those of ringback, by " +
				"language. See " +
				"[Languages](../how-to/languages.md#your-own-texts)."},
		{Name: "prompts", Reload: schema.NewCalls, Type: schema.Object,
			Doc: "Prompt texts, for callers of all languages.", Keys: []schema.Key{
				{Name: "username", Check: checkPrompt, Example: `"login: "`,
					Doc: "Asks for the user name. Default: `Username: `, in the caller's language."},
				{Name: "password", Check: checkPrompt, Example: `"Password: "`,
					Doc: "Asks for the password, unless the AAA server sends its own prompt. Default: `Password: `, " +
						"in the caller's language."},
				{Name: "dialstring", Check: checkPrompt, Example: `"Call you back at: "`,
					Doc: "Asks for the number if AAA leaves it to the caller. Default: `Callback Dialstring: `, " +
						"in the caller's language."},
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
		{Name: "fleet", Reload: schema.Restart, Type: schema.Object, Keys: fleetKeys(),
			Doc: "Several nodes over one PostgreSQL. Default: this node is alone. See [A fleet](../how-to/fleet.md)."},
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
		{Name: "passwords_file", Reload: schema.NewCalls, Check: schema.NotEmpty, Example: "users.passwords",
			Doc: "File with passwords of local users that have neither `password_file` nor `password_hash`: on each " +
				"line the name of a user, a tab, and the password. For many users, it replaces as many files."},
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
		listenKey(),
		{Name: "modem_test", Reload: schema.AtOnce, Type: schema.Object, Keys: modemTestKeys,
			Doc: "Calls from one line to another that test their modems (`ringback modem test`, IOS's `test modem " +
				"back-to-back`). Without this key none is allowed. It permits numbers that `numbers.own` forbids to " +
				"callbacks. See [Modem tests](../how-to/modem-tests.md)."},
		{Name: "triggers", Reload: schema.NewCalls, Type: schema.Object, Keys: triggerKeys(),
			Doc: "Callbacks that users request without a call that is answered: by a signed short message to a line " +
				"with a cellular modem, or by a missed call. The policy of the user's group must allow them, and the " +
				"user logs in when called back. See [SMS and missed calls](../how-to/sms-trigger.md)."},
		{Name: "dial_out", Reload: schema.AtOnce, Type: schema.Object, Keys: dialOutKeys,
			Doc: "Calls to sites, with `ringback call SITE`: where AAA is asked for their profiles. What may be " +
				"dialed is in " +
				"the `dial_out` of the policy files. See [Dial out](../how-to/dial-out.md)."},
		{Name: "sites", Reload: schema.AtOnce, Type: schema.Dict, Check: broker.CheckSite,
			Elem: &schema.Key{Type: schema.Object, Keys: siteKeys}, Example: `{harbor: {numbers: ["84007"]}}`,
			Doc: "Profiles of sites, by name; AAA is not asked about these. The policy that permits them is that " +
				"of the group " +
				"of the user SITE-out (`dial_out.suffix`)."},
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
	{Name: "dial_out", Type: schema.Bool, Default: "false", Example: "true",
		Doc: "Whether the user may dial out, as far as the `dial_out` of their group's policy allows."},
	{Name: "groups", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty}, Example: "[staff]",
		Doc: "Group hints for the policies. A policy file that lists the user takes precedence."},
	{Name: "services", Type: schema.List, Elem: &schema.Key{Enum: []string{string(aaa.EXEC), string(aaa.PPP)}},
		Example: "[exec]", Doc: "Services that the user may have, with or without a callback. Two users may have one " +
			"name if each has other services: then PPP has another password or another callback. Default: all."},
	{Name: "callback", Type: schema.Object, Doc: "Callback of the user. Default: none.", Keys: []schema.Key{
		{Name: "dialstring", Example: `"84001"`,
			Doc: "Number; \"\" asks the caller for it if the policy allows that. Either this or `numbers`."},
		{Name: "numbers", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty}, Example: `["84001", "84002"]`,
			Doc: "Up to 10 numbers, in the order in which they are dialed (`attempts.order`)."},
		{Name: "place", Check: schema.NotEmpty, Example: "paris",
			Doc: "Name of one of `places`, instead of a number (RADIUS's Callback-Id)."},
		{Name: "no_verify", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Skips the second login on the callback, if the policy allows that."},
		{Name: "line", Loose: true, Check: checkCallbackLine, Example: "66",
			Doc: "TTY or range of lines that call back, as IOS's `callback-line`: `66`, `66-67`, `tty 66 67`."},
		{Name: "rotary", Type: schema.Int, Min: 0, Max: maxRotary, Example: "1",
			Doc: "Rotary of the lines that call back (IOS `callback-rotary`)."},
	}},
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
		Doc: "Character set of what callers see, for new recordings, except those of terminals with `charset: big5`. " +
			"Recordings are in UTF-8; octets that are not of the character set become U+FFFD."},
	{Name: "notice", Reload: schema.NewCalls, Check: checkText,
		Example: `"This session is recorded. Contact: security@example.net"`,
		Doc: "Text that a recorded user reads when the session begins; empty: none. It is not shown to users that " +
			"AAA connects to a host with TCP-Clear. Default: `This session is recorded.`, in the user's language."},
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

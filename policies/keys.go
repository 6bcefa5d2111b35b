package policies

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/triggers"
)

// key is a row of the table of policy-file keys: what may be written, how it is stored in a Policy, and how the
// canonical text prints it. A row of type Object contains the rows after it whose `in` names it.
type key struct {
	schema.Key
	in   string // the object that contains it; "" none
	read func(*Policy, *schema.Value)
	text func(Policy) string
	// late: pending callbacks may have a digest from before this key existed, so its default is not printed.
	late bool
	// own: a file that extends another does not have it from there.
	own bool
}

// table has the rows in the order of the canonical text, which must not change: digests depend on it.
var table = slices.Concat([]key{
	{
		Key: schema.Key{Name: "group", Type: schema.String, Required: true, Check: checkGroup, Pattern: groupPattern,
			Example: "default",
			Doc: "Name of the group, the same as the file's. `default` is the group of users that no other " +
				"group claims."},
		read: func(p *Policy, v *schema.Value) { p.Group = v.Text() },
		text: func(p Policy) string { return quote(p.name()) },
		own:  true,
	},
	{
		Key: schema.Key{Name: extends, Type: schema.String, Check: checkGroup, Pattern: groupPattern,
			Example: "default",
			Doc: "Name of another group. All values of its file apply, except `group`, `users`, `match`, " +
				"`profile`, `login` and `extends`, unless this file has others. A list replaces the other file's; " +
				"with a `+` after its name, `allow+: [\"85*\"]`, it is added. At most 16 files may follow each " +
				"other."},
		own: true,
	},
	{
		Key: schema.Key{Name: "users", Type: schema.List,
			Elem:    &schema.Key{Type: schema.String, Check: checkUser},
			Example: "[austin-01]",
			Doc: "Users that the group claims, as AAA names them, letter case included. A name that differs from " +
				"a listed one only in letter case is rejected, because some AAA servers take the two for one " +
				"account. A user belongs to one group. A group claims by its `users` first, then by the group " +
				"hints of AAA in their order, then by its `match`, then by being `default`."},
		read: func(p *Policy, v *schema.Value) { p.Users = v.Texts() },
		text: func(p Policy) string { return sorted(p.Users) },
		own:  true,
	},
	{own: true, Key: schema.Key{Name: "match", Type: schema.Object,
		Doc: "Claims callers whose name no group lists and no group hint of AAA claims. All keys that are present " +
			"must match, each by one of its values; what is not known about a call matches nothing. Two groups that " +
			"claim the same callers are an error; where that shows only at the login, because they look at different " +
			"facts, the caller is rejected."}},
	matchKey("realm", "[example.com]", "Realms of the user's name, in any letter case: what follows the last `@`, "+
		"otherwise what precedes the first backslash.", filled,
		func(m *Match) *[]string { return &m.Realms }, lowerText),
	matchKey("prefix", "[vendor-]", "Beginnings of the user's name, letter case included. A name that matches only in "+
		"another letter case, and is claimed by no other group, is rejected; so with `suffix`.", filled,
		func(m *Match) *[]string { return &m.Prefixes }, (*schema.Value).Text),
	matchKey("suffix", "[-field]", "Ends of the user's name, letter case included.", filled,
		func(m *Match) *[]string { return &m.Suffixes }, (*schema.Value).Text),
	matchKey("called", `["5550100", "55502*"]`, "Patterns of the number that the caller dialed (DNIS), in digits as "+
		"the line reports it, without a `+`. It is known on lines whose port has modem signals and whose modem "+
		"reports it.", *pattern, func(m *Match) *[]string { return &m.Called }, (*schema.Value).Text),
	matchKey("calling", `["84007", "8455*"]`, "Patterns of the calling number in canonical form, which without "+
		"`numbers.country` are the digits that the line reports. It is known like the called number. Callers of some "+
		"networks can forge it, so it should claim them for narrower terms only.",
		*pattern, func(m *Match) *[]string { return &m.Calling }, (*schema.Value).Text),
	matchKey("line", "[65, 70-80]", "Lines that the call came in on: TTYs and ranges of them.", ttyRange,
		func(m *Match) *[]string { return &m.Lines }, ttysText),
	matchKey("rotary", "[1]", "Rotaries of the line that the call came in on.",
		schema.Key{Type: schema.Int, Min: 0, Max: 100}, func(m *Match) *[]string { return &m.Rotaries }, intText),
	matchKey("entry", "[local]", "Entries of the method list that authenticated the user: a server group's name, "+
		"`local`, `none`.", filled, func(m *Match) *[]string { return &m.Entries }, (*schema.Value).Text),
	{own: true, Key: schema.Key{Name: "profile", Type: schema.Object,
		Doc: "Limits the calls that are up at the same time and came in to the numbers of `match.called`. Callbacks " +
			"to users of the group do not count."}},
	{
		in: "profile", own: true, late: true,
		Key: schema.Key{Name: "base", Type: schema.Int, Min: 1, Max: 10000, Required: true, Example: "10",
			Doc: "Calls without a mark."},
		read: func(p *Policy, v *schema.Value) { p.Profile.Base = v.Int() },
		text: func(p Policy) string { return unlessZero(p.Profile.Base) },
	},
	{
		in: "profile", own: true, late: true,
		Key: schema.Key{Name: "overflow", Type: schema.Int, Max: 10000, Default: "0", Example: "2",
			Doc: "Calls beyond `base`, which are marked as overflow calls. Calls beyond both are not answered, or, " +
				"if the line knows the called number only later, hung up without a text."},
		read: func(p *Policy, v *schema.Value) { p.Profile.Overflow = v.Int() },
		text: func(p Policy) string { return fmt.Sprint(p.Profile.Overflow) },
	},
	{own: true, Key: schema.Key{Name: "login", Type: schema.Object,
		Doc: "Tighter thresholds for failed logins than those of the configuration's `login`, for callers that " +
			"`users` (by the name as typed) or `match` claims before AAA is asked; `match.entry` claims nobody " +
			"then. If several groups claim a caller, the tightest apply. A value that is not tighter changes " +
			"nothing."}},
	loginKey(schema.Key{Name: "delay_after", Type: schema.Int, Min: 1, Max: 1000, Example: "2",
		Doc: "Number of failures of one name from anywhere after which the next login waits."},
		func(l *Logins, v *schema.Value) { l.DelayAfter = v.Int() },
		func(l Logins) string { return unlessZero(l.DelayAfter) }),
	loginKey(schema.Key{Name: "lock_user_after", Type: schema.Int, Min: 1, Max: 1000, Example: "3",
		Doc: "Number of failures of one name from one number (without a number: on one line) that lock the name for " +
			"that number or line."},
		func(l *Logins, v *schema.Value) { l.LockUserAfter = v.Int() },
		func(l Logins) string { return unlessZero(l.LockUserAfter) }),
	loginKey(schema.Key{Name: "lock_time", Type: schema.Duration, Min: int64(time.Second), Max: int64(24 * time.Hour),
		Example: "1h", Doc: "Duration of such a lock."},
		func(l *Logins, v *schema.Value) { l.LockTime = v.Duration() },
		func(l Logins) string { return durationText(l.LockTime) }),
	{
		Key: schema.Key{Name: "callback", Type: schema.String,
			Enum: []string{string(Off), string(Optional), string(Required), string(Secure),
				string(WhenCheaper)},
			Default: string(Optional), Example: "required",
			Doc: "`off`: if AAA requires a callback, the user is rejected. `optional`: AAA decides. " +
				"`required`: no user is admitted without a callback. `secure`: the same, only numbers that AAA " +
				"fixed are called, and every caller who has authenticated reads `Line is disconnected` after the " +
				"same time, whether a callback follows or not. `when_cheaper`: as `optional`, and a user whose " +
				"callback AAA does not require is called back at the calling number if by the tariff ten minutes " +
				"cost less than the caller's own call does; otherwise they are admitted."},
		read: func(p *Policy, v *schema.Value) { p.Callback = CallbackMode(v.Text()) },
		text: func(p Policy) string { return string(p.mode()) },
	},
	{
		Key: schema.Key{Name: "no_verify", Type: schema.String, Enum: allowOrDeny, Default: "deny", Example: "allow",
			Doc: "Whether users may skip the second login if AAA grants it (EXEC only)."},
		read: func(p *Policy, v *schema.Value) { p.NoVerify = v.Text() == "allow" },
		text: func(p Policy) string { return allowDeny(p.NoVerify) },
	},
	{Key: schema.Key{Name: "numbers", Type: schema.Object, Doc: "Which numbers may be called back."}},
	{
		in: "numbers",
		Key: schema.Key{Name: "from", Type: schema.List,
			Elem:    &schema.Key{Type: schema.String, Enum: sourceNames(), Example: "aaa"},
			Default: "[aaa]", Example: "[aaa, caller_list]",
			Doc: "Sources of the numbers, in any order. `aaa`: a number or place that AAA fixed. `caller`: if AAA " +
				"leaves the number to the caller, the caller may give one (or, with PPP, the name of a place) " +
				"that matches a pattern of `allow`. `caller_list`: the same, with the numbers that `list` has " +
				"for the user. `caller_id`: if AAA requests a callback at the calling number, it is used if it " +
				"matches a pattern of `allow`. A number from any other source is rejected."},
		read: readFrom,
		text: func(p Policy) string {
			if _, ok := p.Numbers.old(); ok {
				return "[aaa]" // from_caller says it, as before this key existed
			}
			return p.Numbers.sourceText()
		},
		late: true,
	},
	{
		in: "numbers",
		Key: schema.Key{Name: "list", Type: schema.Dict, Check: checkUser,
			Elem:    &schema.Key{Type: schema.List, Elem: listed},
			Default: "{}", Example: `{kim: ["84007", "84008"]}`,
			Doc: "Numbers of users, as AAA names them, for `caller_list`: whole numbers in canonical form, which " +
				"without `numbers.country` are the digits to dial. The patterns of `allow` do not apply to " +
				"them; those of `deny` do. Their order matters for `callback_on_ring`."},
		read: readList,
		text: func(p Policy) string { return p.Numbers.listText() },
		late: true,
	},
	{
		in: "numbers",
		Key: schema.Key{Name: "from_caller", Type: schema.String, Enum: allowOrDeny, Default: "deny", Example: "allow",
			Doc: "Short for `from`: `allow` is `from: [aaa, caller, caller_id]`, `deny` is `from: [aaa]`. A file " +
				"has one of the two keys."},
		read: readFromCaller,
		text: func(p Policy) string { allow, _ := p.Numbers.old(); return allowDeny(allow) },
	},
	{
		in: "numbers",
		Key: schema.Key{Name: "allow", Type: schema.List, Elem: pattern, Example: `["84*"]`,
			Doc: "Patterns of numbers: digits, with `*` at the end for a prefix. A number from the caller must " +
				"match one; a number fixed by AAA need not."},
		read: func(p *Policy, v *schema.Value) { p.Numbers.Allow = v.Texts() },
		text: func(p Policy) string { return sorted(p.Numbers.Allow) },
	},
	{
		in: "numbers",
		Key: schema.Key{Name: "deny", Type: schema.List, Elem: pattern, Example: `["849*"]`,
			Doc: "Patterns of numbers that are rejected, whatever their source. The matching pattern with the " +
				"most digits decides; if an `allow` and a `deny` pattern have the same number of digits, " +
				"`deny` decides. Emergency numbers are always rejected and need not be listed."},
		read: func(p *Policy, v *schema.Value) { p.Numbers.Deny = v.Texts() },
		text: func(p Policy) string { return sorted(p.Numbers.Deny) },
	},
	{
		in: "numbers",
		Key: schema.Key{Name: "allow_classes", Type: schema.List, Elem: classKey(numbers.DeniedClasses()),
			Default: "[]", Example: "[premium]",
			Doc: "Classes of numbers that are denied otherwise: `premium`, `personal`, `satellite` and `fraud`. " +
				"Only numbers that are known to have the class are allowed, and only where they match `allow` if " +
				"they must. Numbers without a known class are always rejected. Requires the configuration's " +
				"`numbers.country`."},
		read: func(p *Policy, v *schema.Value) { p.Numbers.AllowClasses = v.Texts() },
		text: func(p Policy) string { return sorted(p.Numbers.AllowClasses) },
		late: true,
	},
	{
		in: "numbers",
		Key: schema.Key{Name: "deny_classes", Type: schema.List, Elem: classKey(numbers.Deniable()),
			Default: "[]", Example: "[mobile, international]",
			Doc: "Classes of numbers that are rejected, whatever their source and the other lists. A number has " +
				"several classes, such as `mobile` and `international`; one of them suffices. Emergency and own " +
				"numbers are always rejected. Requires the configuration's `numbers.country`."},
		read: func(p *Policy, v *schema.Value) { p.Numbers.DenyClasses = v.Texts() },
		text: func(p Policy) string { return sorted(p.Numbers.DenyClasses) },
		late: true,
	},
}, attemptKeys, []key{
	{
		Key: schema.Key{Name: "reauthorize", Type: schema.String, Enum: []string{never, beforeDial},
			Default: never, Example: beforeDial,
			Doc: "`before_dial`: AAA is asked again right before each dial, without a password. The callback " +
				"fails if AAA rejects it, no longer requires a callback, names another number or other " +
				"lines, or is silent three times. The new answer can only narrow what was promised. TACACS+ " +
				"supports this; RADIUS requires a Call-Check."},
		read: func(p *Policy, v *schema.Value) { p.Reauthorize = v.Text() == beforeDial },
		text: func(p Policy) string { return map[bool]string{false: never, true: beforeDial}[p.Reauthorize] },
		late: true,
	},
	{
		Key: schema.Key{Name: onRequest, Type: schema.String, Enum: allowOrDeny, Default: "deny", Example: "allow",
			Doc: "Whether users of PPP may request a callback that AAA does not require, at a number that they " +
				"give. `allow` requires `caller` or `caller_list` in `numbers.from`. With `callback: required`, a " +
				"user who does not request one is rejected."},
		read: func(p *Policy, v *schema.Value) { p.OnRequest = v.Text() == "allow" },
		text: func(p Policy) string { return allowDeny(p.OnRequest) },
		late: true,
	},
	{
		Key: schema.Key{Name: onRing, Type: schema.String, Enum: allowOrDeny, Default: "deny", Example: "allow",
			Doc: "`allow`: a call that rings on a line with `call_check` is not answered if AAA's answer about its " +
				"calling number requires a callback: the user that the answer names (User-Name) is called back " +
				"when the ringing has ended, at AAA's number or, if AAA fixes none, at a number of " +
				"`numbers.list`: the calling number if the list has it, otherwise all, in their order. The user must " +
				"log in; `no_verify` does not apply. It requires a ceiling of `calls` in `limits.user`."},
		read: func(p *Policy, v *schema.Value) { p.OnRing = v.Text() == "allow" },
		text: func(p Policy) string { return allowDeny(p.OnRing) },
		late: true,
	},
	{
		Key: schema.Key{Name: triggersKey, Type: schema.List, Default: "[]",
			Elem: &schema.Key{Type: schema.String, Enum: triggers.Kinds()}, Example: "[sms]",
			Doc: "What may request a callback without a call that is answered, on lines of the configuration's " +
				"`triggers`: `sms`, a signed short message; `missed_call`, a call from a known number that ends " +
				"before it is answered. AAA and this policy decide as about a caller, and the user must log in; " +
				"`no_verify` does not apply. After a missed call, AAA's number or those of " +
				"`numbers.list` are called; with `sms`, a user who may choose the number signs it. `missed_call` " +
				"requires a ceiling of `calls` in `limits.user`."},
		read: func(p *Policy, v *schema.Value) { p.Triggers = v.Texts() },
		text: func(p Policy) string { return sorted(p.Triggers) },
		late: true,
	},
	{Key: schema.Key{Name: "services", Type: schema.Object, Doc: "For which services users are called back."}},
	serviceKey(aaa.EXEC, func(p *Policy) *bool { return &p.Services.NoEXEC }),
	serviceKey(aaa.PPP, func(p *Policy) *bool { return &p.Services.NoPPP }),
	{
		Key: schema.Key{Name: "callback_lines", Type: schema.List, Min: 1, Max: 10_000, Default: "[]",
			Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
				{Name: "line", Type: schema.String, Loose: true, Check: schema.CheckTTYs, Example: "65-66",
					Doc: "TTY or range of lines."},
				{Name: "rotary", Type: schema.Int, Min: 0, Max: 100, Example: "1", Doc: "Rotary."},
			}}, Example: "[{line: 65-66}, {rotary: 1}]",
			Doc: "Lines and rotaries that call back, best first; no other line does. A line is used when those " +
				"before it are busy. Within a rotary, its `hunt` selects, and the called line is the last. Lines " +
				"that AAA names are used in its order, as far as they are among these. Default: those of the called " +
				"line's rotary."},
		read: func(p *Policy, v *schema.Value) {
			for _, item := range v.Items() {
				p.CallbackLines = append(p.CallbackLines, readChoice(item))
			}
		},
		text: func(p Policy) string { return choicesText(p.CallbackLines) },
		late: true,
	},
	{
		Key: schema.Key{Name: "same_line", Type: schema.String, Enum: allowOrDeny, Default: "allow", Example: "deny",
			Doc: "Whether the line that was called may call back if no other line is in service or named."},
		read: func(p *Policy, v *schema.Value) { p.OtherLine = v.Text() == "deny" },
		text: func(p Policy) string { return allowDeny(!p.OtherLine) },
		late: true,
	},
	{
		Key: schema.Key{Name: "script", Type: schema.String, Check: schema.NotEmpty, Example: "slow-modems",
			Doc: "Name of the chat script that dials callbacks, instead of the `scripts: {callback}` of the " +
				"line that dials and the built-in script. AAA names no script. It must be in the " +
				"configuration and send `\\T`."},
		read: func(p *Policy, v *schema.Value) { p.Dial.Script = v.Text() },
		text: func(p Policy) string { return p.Dial.Script },
		late: true,
	},
	{
		Key: schema.Key{Name: "modem_script", Type: schema.String, Check: checkPattern, Example: ".*-v32$",
			Doc: "Regular expression that the name of the script that dials callbacks must match, besides that of " +
				"the line's `scripts: {callback}` (as in IOS's `dialer map … modem-script`)."},
		read: func(p *Policy, v *schema.Value) { p.Dial.ModemScript = v.Text() },
		text: func(p Policy) string { return p.Dial.ModemScript },
		late: true,
	},
	{
		Key: schema.Key{Name: "system_script", Type: schema.String, Check: checkPattern, Example: "^acme-login$",
			Doc: "Regular expression on the name of the chat script that logs on to the called system when a " +
				"callback is answered, before the session (IOS's `system-script`). If it fails, the call is hung " +
				"up. If the line has a `scripts: {system}`, the name must match both. Default: that of the line."},
		read: func(p *Policy, v *schema.Value) { p.Dial.SystemScript = v.Text() },
		text: func(p Policy) string { return p.Dial.SystemScript },
		late: true,
	},
	{
		Key: schema.Key{Name: "wait", Type: schema.Duration, Max: int64(maxWait), Default: "0s", Example: "30s",
			Doc: "Minimum time between the hang-up and the dial, and between two dials. The longest of this, " +
				"the `callback: {forced_wait}` of the called and of the dialing line, AAA's delay, and the delay " +
				"that the caller asks for applies."},
		read: func(p *Policy, v *schema.Value) { p.Dial.Wait = v.Duration() },
		text: func(p Policy) string { return p.Dial.Wait.String() },
		late: true,
	},
	{
		Key: schema.Key{Name: "on_number_in_use", Type: schema.String, Enum: []string{"wait", "reject"},
			Default: "wait", Example: "reject",
			Doc: "What happens to a callback whose number another callback has on a call. `wait`: it is promised; " +
				"its dial is put off, and counts as busy after five times. `reject`: it is not promised. A number " +
				"that a pending callback will call is always rejected."},
		read: func(p *Policy, v *schema.Value) { p.Dial.RejectInUse = v.Text() == "reject" },
		text: func(p Policy) string { return map[bool]string{false: "wait", true: "reject"}[p.Dial.RejectInUse] },
		late: true,
	},
	{Key: schema.Key{Name: "hours", Type: schema.Object,
		Doc: "When callbacks may be promised; without it, always. At other times a user is rejected if AAA requires " +
			"a callback. A callback that was promised is dialed after the end of the hours too, except with " +
			"`reauthorize: before_dial`."}},
	{
		in: "hours",
		Key: schema.Key{Name: "zone", Type: schema.String, Check: checkZone, Example: "Europe/Paris",
			Doc: "Time zone of the hours, as the IANA database names it. Required if there are hours."},
		read: func(p *Policy, v *schema.Value) {
			if v.IsSet() {
				p.Hours.Zone, _ = parseZone(v.Text()) // checked
			}
		},
		text: func(p Policy) string { return p.Hours.zoneText() },
		late: true,
	},
	{
		in: "hours",
		Key: schema.Key{Name: "weekdays", Type: schema.List, Max: 100, Elem: &schema.Key{Type: schema.String,
			Check: checkRow((*Hours).addWeekday)}, Example: `["mon-fri 07:00-19:00", "sat 08:00-12:00"]`,
			Doc: "Weekdays (`mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`, or a range of them) and a window of " +
				"their day. A window that ends before it begins, `22:00-06:00`, ends on the next day. Times are " +
				"those of the wall clock: an hour that occurs twice in a night is open twice."},
		read: readRows((*Hours).addWeekday),
		text: func(p Policy) string { return p.Hours.weekdaysText() },
		late: true,
	},
	{
		in: "hours",
		Key: schema.Key{Name: "dates", Type: schema.List, Max: 1000, Elem: &schema.Key{Type: schema.String,
			Check: checkRow((*Hours).addDate)}, Example: `["2026-12-24 07:00-12:00", "2026-12-31 closed"]`,
			Doc: "Dates with a window of their own, or `closed`. On such a date neither `weekdays` nor `holidays` " +
				"nor a window that began on the day before counts."},
		read: readRows((*Hours).addDate),
		text: func(p Policy) string { return p.Hours.datesText() },
		late: true,
	},
	{
		in: "hours",
		Key: schema.Key{Name: "holidays", Type: schema.String, Example: "holidays.txt",
			Doc: "File of closed dates, one per line, `2026-12-25 Christmas Day`; `#` begins a comment line. Its " +
				"path is relative to the directory " +
				"of the policy files; at most 256 KiB. It is read with the policy files."},
	}, // the loader adds them to the dates
	{
		Key: schema.Key{Name: "when", Type: schema.List, Max: 20,
			Elem: &schema.Key{Type: schema.String, Check: schema.NotEmpty}, Example: `['service == "exec"', 'number.startsWith("84") || priv_lvl == 15']`,
			Doc: "Conditions in CEL, all of which must be true for a callback to be promised " +
				"([Conditions](#conditions)). One that cannot be evaluated is not true."},
		text: func(p Policy) string { return p.whenText() }, // the loader compiles them
		late: true,
	},
}, limitKeys, accessKeys, execKeys, pppKeys, dialOutKeys, rawKeys)

var (
	allowOrDeny = []string{"allow", "deny"}
	filled      = schema.Key{Type: schema.String, Check: schema.NotEmpty}
	ttyRange    = schema.Key{Type: schema.String, Loose: true, Check: schema.CheckTTYs}
	listed      = &schema.Key{Type: schema.String, Check: checkListed, Pattern: `^[0-9]+$`, Example: `"84007"`}
	pattern     = &schema.Key{Type: schema.String, Check: numbers.CheckPattern, Pattern: `^([0-9]+\*?|\*)$`,
		Example: `"84*"`}
)

func classKey(classes []numbers.Class) *schema.Key {
	k := &schema.Key{Type: schema.String, Example: string(classes[0])}
	for _, c := range classes {
		k.Enum = append(k.Enum, string(c))
	}
	return k
}

const (
	onRequest = "callback_on_request"
	// groupPattern is checkGroup for editors, without the end of a file with tests.
	groupPattern = `^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`
	extends      = "extends"
)

// Values of the key reauthorize.
const (
	never      = "never"
	beforeDial = "before_dial"
)

// Keys is the table of the keys of a policy file.
func Keys() []schema.Key {
	var keys []schema.Key
	for _, k := range table {
		k.Plus = k.Type == schema.List && !k.own
		if k.in == "" {
			keys = append(keys, k.Key)
			continue
		}
		object := schema.Find(keys, k.in)
		object.Keys = append(object.Keys, k.Key)
	}
	return schema.Inherit(schema.NewCalls, keys)
}

func (k key) value(file *schema.Value) *schema.Value {
	if k.in != "" {
		file = file.Get(k.in)
	}
	return file.Get(k.Name)
}

func (k key) path() string {
	if k.in != "" {
		return k.in + "." + k.Name
	}
	return k.Name
}

// Canonical returns the policy as complete text in a fixed order; Digest hashes it.
func (p Policy) Canonical() string {
	var b strings.Builder
	for _, k := range table {
		if k.text == nil {
			continue
		}
		if text := k.text(p); !k.late || text != k.Default {
			fmt.Fprintf(&b, "%s: %s\n", k.path(), text)
		}
	}
	return b.String()
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

func sorted(s []string) string { return fmt.Sprintf("%q", slices.Sorted(slices.Values(s))) }

func unlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func allowDeny(allow bool) string {
	if allow {
		return "allow"
	}
	return "deny"
}

// checkUser accepts names with which a caller can log in and that a reader can tell from others.
func checkUser(s string) error {
	if err := aaa.CheckUser(s); err != nil {
		return err
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		return fmt.Errorf("%q has a character that cannot be seen (type the name again)", s)
	}
	return nil
}

// checkGroup accepts names that are the same in a file name, in a trace and in an attribute.
func checkGroup(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	for _, r := range s {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
		if !plain || s[0] == '.' {
			return fmt.Errorf("%q is not a group name (use letters, digits, - _ and . but not first)", s)
		}
	}
	if strings.HasSuffix(s+".yaml", TestSuffix) {
		return fmt.Errorf("%q is not a group name: files with tests end in %s", s, TestSuffix)
	}
	return nil
}

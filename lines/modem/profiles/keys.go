package profiles

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/schema"
)

// The keys that a file does not take over from the one that it extends.
const (
	keyExtends  = "extends"
	keyAbout    = "about"
	keySources  = "sources"
	keyIdentify = "identify"
)

// Keys is the table of the keys of a profile file.
func Keys() []schema.Key {
	return schema.Inherit(schema.NewCalls, []schema.Key{
		{Name: keyAbout, Required: true, Check: schema.NotEmpty, Example: "Courier V.Everything",
			Doc: "Which modems this is for."},
		{Name: keyExtends, Check: CheckName, Default: Generic, Example: "usr-courier",
			Doc: "The profile whose values this file takes over, except `about`, `sources` and `identify`. Mappings " +
				"are merged key by key; a list replaces the other file's. A file that extends its own name extends " +
				"the shipped profile of that name."},
		{Name: keySources, Type: schema.Dict, Check: checkSource, Elem: &schema.Key{Check: schema.NotEmpty,
			Example: `"User Manual, p. 53"`}, Example: `{init: "User Manual, p. 53"}`,
			Doc: "For each key, the document from which its value is. Not used by ringback."},
		{Name: keyIdentify, Type: schema.Object, Keys: identifyKeys,
			Doc: "How `ringback modem probe` recognizes the family. Each pattern is a regular expression, without " +
				"regard to case; one match is enough."},
		{Name: "init", Check: modem.CheckInit, Example: "AT&F1",
			Doc: "Sent after the reset (ATZ). A line's `init` replaces it and `error_correction`. It must leave the " +
				"modem on hook, with result codes as words ([Commands](#commands-of-lines-and-profiles))."},
		{Name: "error_correction", Check: modem.CheckSetting, Example: `'AT\N3%C1'`,
			Doc: "Sent after `init`. Without OK the line works and has a notice."},
		{Name: "on_hold", Check: modem.CheckSetting, Example: "AT+PMH=1",
			Doc: "Turns modem-on-hold (V.92) off, so that a waiting call does not interrupt a session. Sent after " +
				"`init`. Without OK the line works and has a notice."},
		{Name: "answer", Check: modem.CheckAnswer, Example: "ATA", Doc: "Answers a call: it ends with A."},
		{Name: "stored_numbers", Type: schema.Bool, Example: "true",
			Doc: "The command `N` dials a number that is stored in the modem, so it is rejected in chat scripts and " +
				"in `init`. Other modems have `N` for a setting."},
		{Name: "caller_id", Type: schema.Object, Keys: callerIDKeys(), Doc: "How the calling number is reported."},
		{Name: "sms", Type: schema.Object, Keys: []schema.Key{
			{Name: "on", Required: true, Check: modem.CheckSetting, Example: "AT+CNMI=2,1,0,0,0",
				Doc: "Makes the modem report that a message was stored (+CMTI), but never its text. Sent after " +
					"AT+CMGF=0."},
			{Name: "off", Check: modem.CheckSetting, Example: "AT+CNMI=0,0,0,0,0",
				Doc: "Makes the modem report no messages. Sent on lines that use none."}},
			Doc: "Short messages, of a cellular modem in PDU mode (3GPP TS 27.005). See [SMS and missed calls](" +
				"../how-to/sms-trigger.md)."},
		{Name: "result_codes", Type: schema.Dict, Check: modem.CheckResultText,
			Elem:    &schema.Key{Enum: modem.ResultCodes(), Example: "BUSY"},
			Example: `{"LINE BLOCKED*": BLACKLISTED}`,
			Doc: "Meanings of the modem's own texts. They take precedence over the known [result codes](" +
				"result-codes.md), and those of a line over these."},
		{Name: "proof_registers", Type: schema.List, Elem: &schema.Key{Type: schema.Int, Min: 13, Max: 255},
			Example: "[18, 25, 26]", Doc: "S registers without a function, which store the proof on a port without " +
				"modem signals ([Ports](ports.md#ports-without-modem-signals))."},
		{Name: "verify", Type: schema.Dict, Check: checkRegister, Elem: &schema.Key{Type: schema.Int, Min: 0, Max: 255,
			Example: "60"}, Example: "{S7: 60}",
			Doc: "S registers that `init` sets. They are read back when the modem is ready; a difference is a notice " +
				"of the line."},
		{Name: "timing", Type: schema.Object, Keys: profileTiming(),
			Doc: "Timing of the driver, as the `timing` of a line, which takes precedence."},
	})
}

var identifyKeys = []schema.Key{
	{Name: "ati", Type: schema.List, Elem: &schema.Key{Check: checkPattern}, Example: `["Courier"]`,
		Doc: "Patterns for the lines that ATI0 to ATI9 answer."},
	{Name: "gmi", Type: schema.List, Elem: &schema.Key{Check: checkPattern}, Example: `["^SIMCOM"]`,
		Doc: "Patterns for the manufacturer (+GMI, +CGMI)."},
	{Name: "gmm", Type: schema.List, Elem: &schema.Key{Check: checkPattern}, Example: `["SIM800"]`,
		Doc: "Patterns for the model (+GMM, +CGMM)."},
	{Name: "usb", Type: schema.List, Elem: &schema.Key{Check: checkUSB}, Example: `["0baf:0303"]`,
		Doc: "USB vendor and product IDs, in hexadecimal."},
}

func callerIDKeys() []schema.Key {
	return []schema.Key{
		{Name: "command", Check: modem.CheckSetting, Example: "AT#CID=1", Doc: "Turns caller ID on."},
		{Name: "order", Enum: []string{string(lines.BeforeFirstRing), string(lines.WithRing),
			string(lines.AfterFirstRing), string(lines.AfterSecondRing)}, Example: string(lines.AfterFirstRing),
			Doc: "When the number is reported, at the latest. A call whose number is missing then is answered at the " +
				"next ring; with `before_first_ring` and `with_ring` at the first one."},
		{Name: "dialect", Type: schema.List, Elem: &schema.Key{Type: schema.Object, Keys: []schema.Key{
			{Name: "text", Required: true, Check: checkCallerText, Example: "NMBR", Doc: "How the line begins."},
			{Name: "form", Required: true, Enum: modem.CallerForms(), Example: "tag",
				Doc: "What follows ([forms](result-codes.md#caller-id))."},
		}}, Example: "[{text: NMBR, form: tag}]",
			Doc: "Lines that report the number, in addition to the [known ones](result-codes.md#caller-id)."},
	}
}

// timings pairs each key of `timing` with its field.
var timings = []struct {
	name, doc string
	field     func(*lines.Timing) *time.Duration
}{
	{"command", "Maximum wait for the modem's OK.", func(t *lines.Timing) *time.Duration { return &t.Command }},
	{"answer", "Maximum wait for CONNECT after answering (S7).",
		func(t *lines.Timing) *time.Duration { return &t.Answer }},
	{"dtr_low", "How long DTR is held low to hang up.", func(t *lines.Timing) *time.Duration { return &t.DTRLow }},
	{"guard", "Silence before and after +++ (S12).", func(t *lines.Timing) *time.Duration { return &t.Guard }},
	{"on_hook", "Maximum wait until the hang-up is verified.",
		func(t *lines.Timing) *time.Duration { return &t.OnHook }},
	{"reopen", "Initial pause before a lost port is opened again; doubles up to 30 s.",
		func(t *lines.Timing) *time.Duration { return &t.Reopen }},
	{"quarantine", "Initial pause before a quarantined line is verified again; doubles up to 5 min.",
		func(t *lines.Timing) *time.Duration { return &t.Quarantine }},
	{"rings", "Time without a ring after which the caller is taken to have hung up.",
		func(t *lines.Timing) *time.Duration { return &t.Rings }},
	{"silence", "How long no data must follow NO CARRIER for it to be accepted as a result code.",
		func(t *lines.Timing) *time.Duration { return &t.Silence }},
	{"drain", "Time allowed for the last octets to be transmitted before a hang-up.",
		func(t *lines.Timing) *time.Duration { return &t.Drain }},
	{"command_gap", "Pause between a result code and the next command, also in chat scripts.",
		func(t *lines.Timing) *time.Duration { return &t.CommandGap }},
	{"settle", "Pause between CONNECT and the first octet sent to the caller.",
		func(t *lines.Timing) *time.Duration { return &t.Settle }},
	{"probe", "Interval of the probes (AT) of an idle modem.",
		func(t *lines.Timing) *time.Duration { return &t.Probe }},
}

// TimingKeys is the table of the key `timing` of a line, with the defaults for real modems.
func TimingKeys() []schema.Key {
	t := lines.Timing{}.WithDefaults()
	var out []schema.Key
	for _, k := range timings {
		d := k.field(&t).String()
		out = append(out, schema.Key{Name: k.name, Type: schema.Duration, Min: int64(time.Millisecond),
			Max: int64(time.Hour), Default: d, Example: d, Doc: k.doc})
	}
	return out
}

// profileTiming is TimingKeys without defaults, which are those of the line.
func profileTiming() []schema.Key {
	keys := TimingKeys()
	for i := range keys {
		keys[i].Default = ""
	}
	return keys
}

// TimingOf reads a `timing`; a key that is not set is zero.
func TimingOf(v *schema.Value) (t lines.Timing) {
	for _, k := range timings {
		*k.field(&t) = v.Get(k.name).Duration()
	}
	return t
}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// CheckName returns an error if s cannot be the name of a profile.
func CheckName(s string) error {
	if !nameRule.MatchString(s) {
		return errors.New("the name of a profile has 1 to 32 small letters, digits and hyphens")
	}
	return nil
}

func checkSource(name string) error {
	if name == keySources || name == keyAbout || name == keyExtends || schema.Find(Keys(), name) == nil {
		return fmt.Errorf("%q is no key that has a value from a document", name)
	}
	return nil
}

func checkPattern(s string) error {
	if s == "" {
		return errors.New("the pattern is empty: it would match every modem")
	}
	if _, err := regexp.Compile(s); err != nil {
		return fmt.Errorf("not a regular expression: %v", err)
	}
	return nil
}

var usbID = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{4}$`)

func checkUSB(s string) error {
	if !usbID.MatchString(s) {
		return errors.New(`a USB ID is four small hexadecimal digits, a colon and four more: "0baf:0303"`)
	}
	return nil
}

func checkCallerText(s string) error {
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if s == "" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, unprintable) {
		return errors.New("the beginning of a line is printable ASCII without spaces at its ends")
	}
	return nil
}

// driverRegisters are set by the driver itself.
var driverRegisters = []int{2, 3, 4, 5, 12}

func checkRegister(name string) error {
	n, ok := strings.CutPrefix(name, "S")
	number, err := strconv.Atoi(n)
	switch {
	case !ok || err != nil || strconv.Itoa(number) != n || number > 255:
		return fmt.Errorf("%q is not a register: write S0 to S255", name)
	case slices.Contains(driverRegisters, number):
		return fmt.Errorf("%s is set by the driver", name)
	}
	return nil
}

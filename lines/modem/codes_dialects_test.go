package modem

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// TestDialects: the texts of each maker's modems, the document of each, and the required meaning.
func TestDialects(t *testing.T) {
	c, file := newCodes(nil, nil), mustTable(t)
	seen := map[string]bool{}
	for _, tc := range []struct {
		maker, source string
		line          string
		code          lines.ResultCode // "": progress
		speed         int
	}{
		{"V.250", "telit", "OK", lines.OK, 0},
		{"Hayes", "hayes", "OK", lines.OK, 0},
		{"U.S. Robotics", "usr-courier", "OK", lines.OK, 0},
		{"V.250", "telit", "ERROR", lines.Error, 0},
		{"Sony Ericsson", "gm47", "ERROR", lines.Error, 0},
		{"3GPP", "ts27007", "+CME ERROR: 30", lines.Error, 0},
		{"Siemens", "siemens-m20", "+CME ERROR: no network service", lines.Error, 0},
		{"Microcom", "kermit", "COMMAND ERROR", lines.Error, 0},
		{"Sierra", "dart300", "PAD ERROR", lines.Error, 0},
		{"Sierra", "dart200", "BLOCKED", lines.Error, 0},
		{"isdn4linux", "isdn4linux", "NO MSN/EAZ", lines.Error, 0},

		{"V.250", "telit", "CONNECT", lines.Connected, 0},
		{"Hayes", "hayes", "CONNECT 1200", lines.Connected, 1200},
		{"ZyXEL", "zyxel-omni", "CONNECT 19200", lines.Connected, 19200},
		{"Telebit", "kermit-nv", "CONNECT FAST/KERM/COMP", lines.Connected, 0},
		{"Multi-Tech", "multitech-3334", "CONNECT 14400 RELIABLE", lines.Connected, 14400},
		{"isdn4linux", "isdn4linux", "CONNECT 64000/X.75", lines.Connected, 64000},
		{"ELSA", "elsa", "CONNECT;02416069820", lines.Connected, 0},
		{"devolo", "devolo", "CONNECT 64000/ISDN/V120;0241938800", lines.Connected, 64000},

		{"V.250", "telit", "NO CARRIER", lines.NoCarrier, 0},
		{"Siemens", "siemens-m20", "NO CARRIER", lines.NoCarrier, 0},
		{"xmodus", "xmodus", "NO CARRIER 3490", lines.NoCarrier, 0},
		{"isdn4linux", "isdn4linux", "NO CARRIER/E001B", lines.NoCarrier, 0},
		{"Microcom", "kermit", "NO CONNECT", lines.NoCarrier, 0},
		{"xmodus AL5064", "xmodus", "RELEASED 3490", lines.NoCarrier, 0},
		{"Case", "mayze", "DIALTONE", lines.NoCarrier, 0},
		{"Hayes", "hayes", "BUSY", lines.Busy, 0},
		{"Case", "mayze", "BUSY", lines.Busy, 0},
		{"Paradyne", "paradyne", "BUSY", lines.Busy, 0},
		{"xmodus", "xmodus", "BUSY 3491", lines.Busy, 0},
		{"isdn4linux", "isdn4linux", "BUSY/E0011", lines.Busy, 0},
		{"A100", "a100", "REORDER", lines.Busy, 0},
		{"unknown", "none", "ENGAGED", lines.Busy, 0},
		{"Silicon Laboratories", "silabs-2404", "NO ANSWER", lines.NoAnswer, 0},
		{"Nokia", "d211", "NO ANSWER", lines.NoAnswer, 0},
		{"xmodus", "xmodus", "NO ANSWER 3492", lines.NoAnswer, 0},
		{"isdn4linux", "isdn4linux", "NO ANSWER/E0012", lines.NoAnswer, 0},
		{"Penril", "kermit", "NO RING", lines.NoAnswer, 0},
		{"unknown", "none", "NO_ANSWER", lines.NoAnswer, 0},
		{"Conexant", "conexant-h08", "NO DIALTONE", lines.NoDialtone, 0},
		{"U.S. Robotics", "usr-courier", "NO DIAL TONE", lines.NoDialtone, 0},
		{"Multi-Tech", "multitech-2834", "NO DIAL TONE", lines.NoDialtone, 0},
		{"unknown", "none", "NO DIAL-TONE", lines.NoDialtone, 0},
		{"Telebit", "kermit-nv", "NO PROMPTTONE", lines.NoDialtone, 0},
		{"A100", "a100", "NO BONGTONE", lines.NoDialtone, 0},
		{"Silicon Laboratories", "silabs-2404", "NO LINE", lines.NoDialtone, 0},
		{"Silicon Laboratories", "silabs-2404", "LINE IN USE", lines.NoDialtone, 0},
		{"Multi-Tech", "multitech-smi", "LINE IN USE", lines.NoDialtone, 0},
		{"Microcom", "kermit", "IN USE", lines.NoDialtone, 0},
		{"unknown", "hylafax", "PHONE OFF-HOOK", lines.NoDialtone, 0},
		{"xmodus AL5064", "xmodus", "Layer 1 not activated", lines.NoDialtone, 0},
		{"Rockwell", "boca", "BLACKLISTED", lines.Blacklisted, 0},
		{"Nokia", "d211", "BLACKLISTED", lines.Blacklisted, 0},
		{"Actiontec", "actiontec", "BLACKLIST FULL", lines.Blacklisted, 0},
		{"Silicon Laboratories", "silabs-2404", "BLACKLIST FULL", lines.Blacklisted, 0},
		{"Germany, Austria, Switzerland", "kermit", "DIAL LOCKED", lines.Blacklisted, 0},
		{"U.S. Robotics", "hylafax", "DIALING DISABLED", lines.Blacklisted, 0},
		{"Toshiba", "toshiba-a10", "DELAYED", lines.Delayed, 0},
		{"unknown", "hylafax", "DELAYED 00:59:02", lines.Delayed, 0},

		{"U.S. Robotics", "usr-courier", "VOICE", lines.Voice, 0},
		{"isdn4linux", "isdn4linux", "VCON", lines.Voice, 0},
		{"unknown", "none", "CONNECT VOICE", lines.Voice, 0},
		{"ZyXEL", "zyxel-u336", "CONNECT FAX/S1440V1T0R0L0C0P4989123", lines.Fax, 0},
		{"Boca", "boca", "FAX", lines.Fax, 0},
		{"Conexant", "conexant-100722", "+FCERROR", lines.Fax, 0},
		{"fax class 2.0", "mgetty", "+FCON", lines.Fax, 0},

		{"V.250", "telit", "RING", lines.Ring, 0},
		{"ZyXEL", "vgetty", "RING 1", lines.Ring, 0},
		{"U.S. Robotics", "vgetty", "RING A", lines.Ring, 0},
		{"distinctive ring", "vgetty", "RING2", lines.Ring, 0},
		{"ELSA", "elsa", "RING;02416069820;22", lines.Ring, 0},
		{"isdn4linux", "isdn4linux", "RING/0666", lines.Ring, 0},
		{"Zoom MX/S", "mgetty-ring", "RING: 3 DN9 8888", lines.Ring, 0},
		{"Nokia", "premicell", "+CRING: REL ASYNC", lines.Ring, 0},
		{"3GPP", "ts27007", "+CRING: SYNC,1", lines.Ring, 0},
		{"3GPP", "ts27007", "+CRING: ALT REL ASYNC/VOICE", lines.Ring, 0},

		{"Nokia", "premicell", "+CRING: FAX", "", 0},
		{"Nokia", "premicell", "+CRING: VOICE", VoiceRing, 0},
		{"3GPP", "ts27007", "+CRING: VOICE/REL ASYNC", VoiceRing, 0},
		{"3GPP", "ts27007", "+CRING: ALT FAX/VOICE", "", 0},
		{"3GPP", "ts27007", `+CRING: GPRS "IP","10.0.0.1"`, "", 0},
		{"U.S. Robotics", "usr-courier", "RINGING", "", 0},
		{"xmodus", "xmodus", "RINGING 0324321", "", 0},
		{"Telebit", "kermit-nv", "RRING", "", 0},
		{"A100", "a100", "RRING", "", 0},
		{"Microcom", "kermit", "RINGBACK", "", 0},
		{"ELSA", "elsa", "CALL SENT", "", 0},
		{"devolo", "devolo", "ALERTING", "", 0},
		{"ELSA", "elsa", "CONNECTING", "", 0},
		{"AT&T STU-III", "kermit", "WAIT - CONNECTING", "", 0},
		{"Rockwell", "mgetty-cnd", "CARRIER 33600", "", 0},
		{"Silicon Laboratories", "silabs-an93", "PROTOCOL: V42bis", "", 0},
		{"Westermo", "westermo-td22", "COMPRESSION: CLASS 5", "", 0},
		{"Westermo", "westermo-td22", "DATA", "", 0},
		{"Silicon Laboratories", "silabs-2404", "NO POLARITY REVERSAL", "", 0},
		{"isdn4linux", "isdn4linux", "RUNG", "", 0},
	} {
		e := c.parse([]byte(tc.line), false)
		want := result
		if tc.code == "" {
			want = info
		}
		if tc.code == VoiceRing {
			want, tc.code = voiceRing, ""
		}
		if e.kind != want || e.code != tc.code || e.speed != tc.speed || e.text != tc.line {
			t.Errorf("%s says %q: %+v, want %q at %d", tc.maker, tc.line, e, tc.code, tc.speed)
		}
		if low := c.parse([]byte(strings.ToLower(tc.line)), false); low.kind != want || low.code != tc.code {
			t.Errorf("%s says %q in lower case: %+v, want %q", tc.maker, tc.line, low, tc.code)
		}
		row := rowOf(file.Codes, tc.line)
		if row == nil || row.Said[tc.maker] != tc.source {
			t.Errorf("no row for %q has %s by %s: %+v", tc.line, tc.maker, tc.source, row)
		}
		seen[tc.maker+"\n"+tc.line] = true
	}
	if len(seen) < 56 {
		t.Errorf("%d dialects", len(seen))
	}
}

// rowOf returns the row for the line, found without the parser's index.
func rowOf(rows []codeRow, line string) (best *codeRow) {
	for i, r := range rows {
		start, open := strings.CutSuffix(r.Text, "*")
		switch {
		case strings.EqualFold(r.Text, line):
			return &rows[i]
		case open && len(line) >= len(start) && strings.EqualFold(line[:len(start)], start) &&
			(best == nil || len(best.Text) < len(r.Text)):
			best = &rows[i]
		}
	}
	return best
}

func mustTable(t testing.TB) *table {
	t.Helper()
	file, err := readTable(tableText)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// The data file: each row has a source, no text is listed twice, no source is unused.
func TestTableRows(t *testing.T) {
	file := mustTable(t)
	used := map[string]bool{}
	check := func(text string, said map[string]string) {
		if len(said) == 0 || text != strings.ToUpper(text) || !printable(text) || strings.HasPrefix(text, "AT") {
			t.Errorf("row %q, said by %v", text, said)
		}
		for maker, source := range said {
			if file.Sources[source] == "" || maker == "" {
				t.Errorf("%q of %q has the unknown source %q", text, maker, source)
			}
			used[source] = true
		}
	}
	texts := map[string]bool{}
	once := func(text string) {
		if texts[text] {
			t.Errorf("%q is listed twice", text)
		}
		texts[text] = true
	}
	for _, r := range append(slices.Clone(file.Codes), file.Numbers...) {
		check(r.Text, r.Said)
		once(r.Text)
	}
	for _, r := range file.Callers {
		check(r.Text, r.Said)
		once("caller " + r.Text)
	}
	for s := range file.Sources {
		if !used[s] {
			t.Errorf("source %q is used by no row", s)
		}
	}
}

// An invalid table is rejected.
func TestReadTable(t *testing.T) {
	for text, want := range map[string]string{
		"codes: [{text: X, means: NOTHING}]":           `"X" means "NOTHING", which is not BUSY, NO ANSWER,`,
		"numbers: [{text: \"9\", means: WHAT}]":        `"9" means "WHAT"`,
		"callers: [{text: X, form: guess}]":            `"X" has the unknown form "guess"`,
		"codes: [{text: X, means: BUSY, maker: Acme}]": "field maker not found",
		"codes: [": "resultcodes.yaml: yaml:",
	} {
		if _, err := readTable([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestLines: texts that are not specific to a dialect.
func TestLines(t *testing.T) {
	c := newCodes(nil, nil)
	for _, tc := range []struct {
		line string
		kind kind
		code lines.ResultCode
	}{
		{"\x00\xffOK ", result, lines.OK}, // after line noise
		{"Ok", result, lines.OK},
		{"connect 9600", result, lines.Connected},
		{"NO SUCH LUCK", result, lines.NoCarrier}, // a text that begins with NO is a failure, whatever follows
		{"no loop current", result, lines.NoCarrier},
		{"NOTHING", info, ""},
		{"NO", info, ""},
		{"CONNECTION", info, ""},
		{"CONNECTED", info, ""},
		{"OK TO SEND", info, ""},
		{"ERROR CORRECTION: V.42", info, ""},
		{"VOICE MAIL", info, ""},
		{"DELAYEDLY", info, ""},
		{"RINGER", info, ""},
		{"+CRING: SOMETHING", info, ""},
		{"NAME = WILE E", info, ""},
		{"DATE = 0321", info, ""},
		{"REASON FOR NO CALLER NUMBER: PRIVATE", info, ""},
		{"ATDT5551234", echo, ""},
		{"at&f", echo, ""},
		{"\x80garb\x01age", noise, ""},
		{"RING\x01;5", noise, ""},
		{" ", noise, ""},
		{"2", info, ""}, // the answer to a query, not a ring, if the modem sends words
		{"0", info, ""},
		{"12", info, ""},
	} {
		if e := c.parse([]byte(tc.line), false); e.kind != tc.kind || e.code != tc.code {
			t.Errorf("%q: %+v, want kind %d %q", tc.line, e, tc.kind, tc.code)
		}
	}
}

// TestBarredTimes: the time that a modem names with BLACKLISTED or DELAYED is read if it is one of hours, minutes and
// seconds.
func TestBarredTimes(t *testing.T) {
	c := newCodes(map[string]lines.ResultCode{"LINE BLOCKED*": lines.Blacklisted}, nil)
	for line, want := range map[string]time.Duration{
		"DELAYED 00:59:02":         59*time.Minute + 2*time.Second, // HylaFAX 6, faxd/ClassModem.c++
		"delayed 00:01:30":         90 * time.Second,
		"BLACKLISTED 00:05:00":     5 * time.Minute,
		"LINE BLOCKED FOR 10:00:0": 0, "LINE BLOCKED FOR 10:00:00": 10 * time.Hour,
		"DELAYED": 0, "DELAYED 00:00:00": 0, "DELAYED 01:30": 0, "DELAYED 00:60:00": 0, "DELAYED 00:00:60": 0,
		"DELAYED 00:+1:30": 0, "DELAYED -1:00:00": 0, "DELAYED 100:00:00": 0, "DELAYED 00:01:30:00": 0,
		"DELAYED 00:01:30 OR SO": 0, "BLACKLISTED": 0, "BUSY 00:01:30": 0,
	} {
		if e := c.parse([]byte(line), false); e.barred != want {
			t.Errorf("%q: %v, want %v", line, e.barred, want)
		}
	}
}

func FuzzBarredFor(f *testing.F) {
	f.Add("DELAYED 00:59:02")
	f.Add("BLACKLISTED 99:59:59")
	f.Fuzz(func(t *testing.T, text string) {
		e := newCodes(nil, nil).parse([]byte(text), false)
		if e.barred < 0 || e.barred >= 100*time.Hour || e.barred > 0 && e.code != lines.Delayed &&
			e.code != lines.Blacklisted {
			t.Errorf("%q: %+v", text, e)
		}
	})
}

func TestNumericCodes(t *testing.T) {
	c := newCodes(nil, nil)
	for text, want := range map[string]lines.ResultCode{
		"0": lines.OK, "1": lines.Connected, "2": lines.Ring, "3": lines.NoCarrier, "4": lines.Error,
		"5": lines.Connected, "6": lines.NoDialtone,
		"7": lines.Busy, "8": lines.NoAnswer, "10": lines.Connected, "18": lines.Connected, "24": lines.Delayed,
		"32": lines.Blacklisted,
		"99": lines.Connected, "9": "", "255": "", "043": "", "00": "", "1R": "", "+1": "", "OK": lines.OK,
	} {
		e := c.parse([]byte(text), true)
		if e.code != want || e.numeric != (want != "" && text != "OK") {
			t.Errorf("%q: %+v, want %q", text, e, want)
		}
		if words := c.parse([]byte(text), false); text != "OK" && words.kind != info {
			t.Errorf("%q with V1 confirmed: %+v", text, words)
		}
	}
}

// The texts of a line's configuration take precedence over the table, complete texts over prefixes, and longer
// prefixes over shorter ones.
func TestOwnCodes(t *testing.T) {
	c := newCodes(map[string]lines.ResultCode{
		"RRING": lines.Ring, "Line Blocked*": lines.Blacklisted, "NO LUCK": lines.NoResult, "NO L*": lines.Busy,
		"DELAYED*":       lines.NoResult,
		"+CRING: VOICE*": lines.Ring, "READY": lines.OK,
	}, nil)
	for line, want := range map[string]lines.ResultCode{
		"RRING": lines.Ring, "rring": lines.Ring, "LINE BLOCKED 00:05": lines.Blacklisted,
		"line blocked": lines.Blacklisted, "NO LUCK": "", "NO LINE": lines.Busy,
		"DELAYED": "", "DELAYED 00:01:30": "", "+CRING: VOICE,2": lines.Ring, "READY": lines.OK, "BUSY": lines.Busy,
		"NO CARRIER": lines.NoCarrier,
	} {
		e := c.parse([]byte(line), false)
		if e.code != want || (e.kind == result) != (want != "") {
			t.Errorf("%q: %+v, want %q", line, e, want)
		}
	}
	if e := newCodes(nil, nil).parse([]byte("RRING"), false); e.kind != info {
		t.Errorf("a line has the codes of another line: %+v", e)
	}
}

func TestCheckResultText(t *testing.T) {
	for text, want := range map[string]string{
		"RRING": "", "LINE BLOCKED": "", "NO CARRIER*": "", "+CRING: VOICE": "", "OKAY": "", "ERRORS": "", "1ST": "",
		"B*": "",
		"OK": "OK has a fixed meaning", "ok": "OK has a fixed meaning", "O*": "OK has a fixed meaning",
		"ERROR": "ERROR has a fixed meaning", "Err*": "ERROR has a fixed meaning",
		"CONNECT": "begins with CONNECT", "connect fax": "begins with CONNECT", "CON*": "CONNECT has a fixed meaning",
		"ATDT": "or AT (an echoed command)", "at": "or AT (an echoed command)",
		"A*": "AT has a fixed meaning", "7": "a number is", "07": "a number is", "7*": "a number is",
		"": "must have 1 to 64", "*": "must have 1 to 64",
		"A*B": "only at the end", "X**": "only at the end", "BUSY ": "spaces at the ends",
		" BUSY": "spaces at the ends", "BUSY\r": "printable ASCII",
		"BÜSY": "printable ASCII", strings.Repeat("X", 65): "must have 1 to 64",
	} {
		err := CheckResultText(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestCheckMeaning(t *testing.T) {
	own := []lines.CallerIDLine{{Text: "Who", Form: "tag"}}
	for _, tt := range []struct {
		text  string
		means lines.ResultCode
		want  string
	}{
		{"LINE BLOCKED*", lines.Blacklisted, ""}, {"RRING", lines.Ring, ""}, {"NO PROMPTTONE", lines.NoDialtone, ""},
		{"ENGAGED", lines.NoAnswer, ""}, {"VOICE", lines.NoCarrier, ""}, {"busy", lines.Busy, ""},
		{"NO C*", lines.NoCarrier, ""}, {"BUSY TONE", lines.NoAnswer, ""}, {"RING5", lines.NoResult, ""},
		{"RING;*", lines.Ring, ""}, {"HELLO", lines.Connected, ""}, {"DIALING", lines.Busy, ""},
		{"BUSY", lines.Connected, "BUSY has a fixed meaning: write BUSY"}, {"RING", lines.NoResult, "RING has a fixed"},
		{"N*", lines.NoCarrier, "NO ANSWER has a fixed"}, {"B*", lines.OK, "BUSY has a fixed"},
		{"no dial tone", lines.Busy, "NO DIAL TONE has a fixed meaning: write NO DIALTONE"},
		{"NMBR", lines.Busy, "begins with NMBR reports the calling number"},
		{"nm*", lines.NoResult, "begins with NMBR"},
		{"NMBR = 84001", lines.NoCarrier, "begins with NMBR"}, {"WHO = X", lines.OK, "begins with WHO"},
		{"VOICE", lines.Connected, "VOICE is the end of a call or of a dial"},
		{"ENG*", lines.OK, "ENGAGED is the end"},
	} {
		err := CheckMeaning(tt.text, tt.means, own)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q as %q: %v, want %q", tt.text, tt.means, err, tt.want)
		}
	}
}

// Whatever an accepted configuration says: OK, ERROR, CONNECT, numbers and our echo keep their meaning.
func FuzzOwnCodes(f *testing.F) {
	f.Add("RRING")
	f.Add("O*")
	f.Add("CONN*")
	f.Add("2")
	f.Fuzz(func(t *testing.T, text string) {
		if CheckResultText(text) != nil {
			return
		}
		c := newCodes(map[string]lines.ResultCode{text: lines.Busy}, nil)
		for line, want := range map[string]lines.ResultCode{"OK": lines.OK, "ERROR": lines.Error,
			"CONNECT": lines.Connected, "CONNECT 9600": lines.Connected, "ATDT1": ""} {
			if e := c.parse([]byte(line), false); e.code != want {
				t.Errorf("%q makes %q %q", text, line, e.code)
			}
		}
		if e := c.parse([]byte("7"), false); e.kind != info {
			t.Errorf("%q makes 7 %+v", text, e)
		}
	})
}

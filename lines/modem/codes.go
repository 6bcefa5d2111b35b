package modem

import (
	"strconv"
	"strings"

	"github.com/ringback/ringback/lines"
)

// event is one line that a modem said in command state.
type event struct {
	kind    kind
	code    lines.ResultCode // kind is result
	text    string           // the line without what is not printable at its ends
	speed   int              // CONNECT: bit/s, 0 where it does not tell
	caller  string           // RING and caller ID lines: the calling number, cleaned; "" not told
	called  string           // likewise the called number
	numeric bool             // it was a numeric result code (V0)
}

type kind int

const (
	noise  kind = iota // nothing that a modem says
	result             // a result code
	caller             // a caller ID line between two RINGs
	info               // the answer to a query, or progress such as CARRIER 33600
	echo               // our own command
)

// verbose has the result codes that modems say in words (V.250 §5.7.1 and the manuals of USR, Rockwell, ZyXEL, Telebit).
var verbose = map[string]lines.ResultCode{
	"OK": lines.OK, "ERROR": lines.Error, "RING": lines.Ring, "NO CARRIER": lines.NoCarrier, "BUSY": lines.Busy,
	"NO ANSWER": lines.NoAnswer, "NO DIALTONE": lines.NoDialtone, "NO DIAL TONE": lines.NoDialtone, "VOICE": lines.Voice,
	"BLACKLISTED": lines.Blacklisted, "DELAYED": lines.Delayed,
}

// prefixed has the result codes that carry more after the word.
var prefixed = []struct {
	prefix string
	code   lines.ResultCode
}{
	{"+CME ERROR", lines.Error}, // 3GPP TS 27.007 §9.2
	{"+CRING:", lines.Ring},     // 3GPP TS 27.007 §6.11
	{"DELAYED ", lines.Delayed}, // "DELAYED 00:01:30"
	{"BLACKLISTED ", lines.Blacklisted},
	{"RING", lines.Ring}, // "RING;0555", "RING: …", "RING/…", "RING 1"; RINGING is told apart before
}

// numerics has the codes that all makers agree on (V.250 §5.7.1, Hayes). Others from 10 on are CONNECTs at speeds that they do not.
var numerics = map[string]lines.ResultCode{
	"0": lines.OK, "1": lines.Connected, "2": lines.Ring, "3": lines.NoCarrier, "4": lines.Error, "5": lines.Connected,
	"6": lines.NoDialtone, "7": lines.Busy, "8": lines.NoAnswer, "24": lines.Delayed, "32": lines.Blacklisted,
}

// parse tells what a line is. Numeric result codes are told only where numeric is true: the answer to a query can look like one.
func parse(line []byte, numeric bool) event {
	text := strings.TrimFunc(string(line), func(r rune) bool { return r <= ' ' || r >= 0x7f })
	if numeric {
		if code, ok := parseNumeric(text); ok {
			e := event{kind: result, code: code, text: text, numeric: true}
			if code == lines.Connected {
				e.text = string(lines.Connected)
			}
			return e
		}
	}
	if code, ok := verbose[text]; ok {
		return event{kind: result, code: code, text: text}
	}
	switch {
	case isConnect(text):
		return event{kind: result, code: lines.Connected, text: text, speed: connectSpeed(text)}
	case len(text) >= 2 && strings.EqualFold(text[:2], "AT"):
		return event{kind: echo, text: text}
	case text == "RINGING" || text == "RRING": // the other side rings: progress
		return event{kind: info, text: text}
	case !printable(text):
		return event{kind: noise, text: text}
	}
	return parseMore(text)
}

func parseMore(text string) event {
	for _, p := range prefixed {
		rest, ok := strings.CutPrefix(text, p.prefix)
		if !ok || p.prefix == "RING" && !strings.ContainsAny(rest[:min(1, len(rest))], ";:/ ") {
			continue
		}
		e := event{kind: result, code: p.code, text: text}
		if p.prefix == "RING" {
			e.caller, e.called = ringNumbers(rest)
		}
		return e
	}
	if number, ok := callerID(text); ok {
		return event{kind: caller, text: text, caller: number}
	}
	return event{kind: info, text: text}
}

func parseNumeric(text string) (lines.ResultCode, bool) {
	if code, ok := numerics[text]; ok {
		return code, true
	}
	n, err := strconv.Atoi(text)
	return lines.Connected, err == nil && len(text) == 2 && n >= 10
}

func isConnect(text string) bool {
	rest, ok := strings.CutPrefix(text, "CONNECT")
	return ok && printable(text) && (rest == "" || rest[0] == ' ' || rest[0] == '/')
}

// connectSpeed is the first number of a CONNECT line that stands alone: "CONNECT 33600/V34/LAPM" tells 33600, "CONNECT V32" nothing.
func connectSpeed(text string) int {
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '/' || r == ',' || r == ':' }) {
		if n, err := strconv.Atoi(f); err == nil && n >= 75 {
			return n
		}
	}
	return 0
}

// ringNumbers reads what follows RING on its line.
func ringNumbers(rest string) (from, to string) {
	if rest == "" {
		return "", ""
	}
	switch rest[0] {
	case ';': // RING;caller;called
		from, to, _ = strings.Cut(rest[1:], ";")
	case '/': // RING/caller
		from = rest[1:]
	case ':': // RING: channel, directory number, caller: the last one that is a number
		fields := strings.Fields(rest[1:])
		if len(fields) > 0 && number(fields[len(fields)-1]) != "" && !hasLetter(fields[len(fields)-1]) {
			from = fields[len(fields)-1]
		}
	}
	return number(from), number(to)
}

// callerID reads the lines that come between the first and the second RING. ok is true for one without a number too (withheld).
func callerID(text string) (from string, ok bool) {
	upper := strings.ToUpper(text)
	for _, prefix := range []string{"NMBR", "CALLER NUMBER", "CALLER ID", "CID", "+CLIP"} {
		rest, found := strings.CutPrefix(upper, prefix)
		if !found {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if rest == "" || rest[0] != '=' && rest[0] != ':' {
			continue
		}
		rest, _, _ = strings.Cut(rest[1:], ",") // +CLIP: "number",type
		return number(rest), true
	}
	return "", false
}

// number keeps the digits and a leading plus. What has letters is no number: P and O stand for private and out of area.
func number(s string) string {
	s = strings.Trim(s, ` "'`)
	if hasLetter(s) {
		return ""
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c == '+' && b.Len() == 0 {
			b.WriteByte(c)
		}
	}
	if b.String() == "+" {
		return ""
	}
	return b.String()
}

func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

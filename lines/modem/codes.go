package modem

import (
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// event is one line from the modem in command state.
type event struct {
	kind  kind
	code  lines.ResultCode // kind is result
	text  string           // the line without unprintable characters at either end
	speed int              // CONNECT: bit/s, 0 if not given
	// RING and caller ID lines: the calling number, digits with at most a plus before them; "" not given
	caller  string
	called  string        // the called number, in the same form
	barred  time.Duration // BLACKLISTED, DELAYED: for how long, 0 if not given
	numeric bool          // a numeric result code (V0)
	online  bool          // the modem may be out of command state, even if no data modem answered
}

type kind int

const (
	noise     kind = iota // not a known message
	result                // a result code
	caller                // a caller ID line between two RINGs
	info                  // the answer to a query, progress such as CARRIER 33600, or an unknown text: it ends nothing
	echo                  // our own command
	voiceRing             // a ring of a call that is not for a data modem
)

// codes maps a modem's lines to their meanings; the configuration takes precedence over resultcodes.yaml.
type codes struct {
	own        index
	ownCallers []callerRow
	*known
}

// newCodes uses the texts that a line's configuration defines (lines.Config.ResultCodes) and the caller ID lines of its
// profile.
func newCodes(own map[string]lines.ResultCode, callers []lines.CallerIDLine) *codes {
	c := &codes{known: shared()}
	for _, l := range callers {
		c.ownCallers = append(c.ownCallers, callerRow{Text: strings.ToUpper(l.Text), Form: l.Form})
	}
	for text, code := range own {
		c.own.add(text, code)
	}
	return c
}

// parse classifies a line. Numeric result codes are recognized only if numeric is true: the answer to a query can look
// like one.
func (c *codes) parse(line []byte, numeric bool) event {
	text := strings.TrimFunc(string(line), func(r rune) bool { return r <= ' ' || r >= 0x7f })
	if !printable(text) {
		return event{kind: noise, text: text}
	}
	if numeric {
		if code, ok := c.number(text); ok {
			e := event{kind: result, code: code, text: text, numeric: true}
			if code == lines.Connected {
				e.text, e.online = string(lines.Connected), true
			}
			return e
		}
	}
	upper := strings.ToUpper(text)
	if strings.HasPrefix(upper, "AT") {
		return event{kind: echo, text: text}
	}
	from, to, tells := c.numbersOf(text, upper)
	if code, ok := c.meaning(upper); ok && code == ringOfVoice {
		return event{kind: voiceRing, text: text, caller: from, called: to}
	}
	if code, ok := c.meaning(upper); ok && code != lines.NoResult {
		e := event{kind: result, code: code, text: text, online: code == lines.Connected ||
			strings.HasPrefix(upper, string(lines.Connected))}
		switch code {
		case lines.Connected:
			e.speed = lines.ConnectSpeed(text)
		case lines.Ring:
			e.caller, e.called = from, to
		case lines.Blacklisted, lines.Delayed:
			e.barred = barredFor(text)
		}
		return e
	} else if ok || !tells {
		return event{kind: info, text: text}
	}
	return event{kind: caller, text: text, caller: from, called: to}
}

// meaning returns the result code of a line in capitals; NoResult for progress. An unknown text that begins with NO
// is a failure; a dial that ignored it would wait for its timeout.
func (c *codes) meaning(upper string) (lines.ResultCode, bool) {
	if code, ok := c.own.find(upper); ok {
		return code, true
	}
	if code, ok := c.codes.find(upper); ok {
		return code, true
	}
	return lines.NoCarrier, strings.HasPrefix(upper, "NO ")
}

// number parses a numeric result code. Codes from 10 on that are in no table are CONNECTs at speeds on which makers
// do not agree.
func (c *codes) number(text string) (lines.ResultCode, bool) {
	if code, ok := c.numbers.find(text); ok {
		return code, true
	}
	return lines.Connected, len(text) == 2 && text[0] != '0' && allDigits(text)
}

// barredFor returns the time at the end of a line such as "DELAYED 00:59:02", in hours, minutes and seconds (HylaFAX 6,
// faxd/ClassModem.c++); 0 if the line does not end with one.
func barredFor(text string) time.Duration {
	words := strings.Fields(text)
	parts := strings.Split(words[len(words)-1], ":")
	if len(parts) != 3 {
		return 0
	}
	var seconds time.Duration
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if len(p) != 2 || !allDigits(p) || err != nil || i > 0 && n > 59 {
			return 0
		}
		seconds = seconds*60 + time.Duration(n)
	}
	return seconds * time.Second
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

package modem

import (
	"maps"
	"slices"
	"strings"
)

// maxCaller is the longest calling number that is accepted: the longest that a numbering plan allows.
const maxCaller = 32

// callerForms parses the text after the tag of a row and returns the calling and the called number. A number is "" if
// it is withheld, missing, or not a number as a whole. ok is false if the line does not have that form.
var callerForms = map[string]func(rest string) (from, to string, ok bool){
	"tag": tagged, "clip": clip, "semicolon": semicolon, "slash": slash, "third": third,
}

// numbersOf returns the numbers of a caller ID line; upper is the same line in capitals.
func (c *codes) numbersOf(text, upper string) (from, to string, ok bool) {
	for _, rows := range [][]callerRow{c.ownCallers, c.callers} {
		for _, r := range rows {
			if strings.HasPrefix(upper, r.Text) {
				if from, to, ok = callerForms[r.Form](text[len(r.Text):]); ok {
					return from, to, true
				}
			}
		}
	}
	return "", "", false
}

// CallerForms returns the names of the forms of a caller ID line (lines.CallerIDLine).
func CallerForms() []string { return slices.Sorted(maps.Keys(callerForms)) }

// tagged parses NMBR = number and CALLER NUMBER: number.
func tagged(rest string) (from, _ string, ok bool) {
	rest = strings.TrimLeft(rest, " ")
	if rest == "" || rest[0] != '=' && rest[0] != ':' {
		return "", "", false
	}
	return onlyNumber(strings.Trim(rest[1:], " ")), "", true
}

// clip parses +CLIP: "number",type,… (3GPP TS 27.007). Only this form has quotes and text after the number.
func clip(rest string) (from, _ string, ok bool) {
	rest, ok = strings.CutPrefix(rest, ":")
	if !ok {
		return "", "", false
	}
	number, _, _ := strings.Cut(strings.TrimLeft(rest, " "), ",")
	if inner, quoted := strings.CutPrefix(number, `"`); quoted {
		if number, quoted = strings.CutSuffix(inner, `"`); !quoted {
			return "", "", true
		}
	}
	return onlyNumber(number), "", true
}

// semicolon parses RING;caller and RING;caller;called.
func semicolon(rest string) (from, to string, _ bool) {
	from, to, _ = strings.Cut(rest, ";")
	return onlyNumber(from), onlyNumber(to), true
}

// slash parses RING/called.
func slash(rest string) (_, to string, _ bool) { return "", onlyNumber(rest), true }

// third parses RING: type DNplace caller.
func third(rest string) (from, _ string, _ bool) {
	if f := strings.Fields(rest); len(f) > 2 && strings.HasPrefix(f[1], "DN") {
		from = onlyNumber(f[2])
	}
	return from, "", true
}

// onlyNumber returns s if all of it is a number: digits, with at most a plus before them. A part of a longer text could
// be another number: "701,2345" is not 701, and P and O stand for private and out of area.
func onlyNumber(s string) string {
	if n := strings.TrimPrefix(s, "+"); len(n) > maxCaller || !allDigits(n) {
		return ""
	}
	return s
}

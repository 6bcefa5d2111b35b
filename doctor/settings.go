package doctor

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/ringback/ringback/lines"
)

// inquire asks a modem for its settings with commands that change nothing. What it does not show is missing: nil, or a
// key that is absent.
func inquire(p lines.Port) (active, stored map[string]int) {
	text, err := ask(p, "AT&V")
	if err == nil {
		active, stored = settings(text)
	}
	if len(active) == 0 && !timedOut(err) { // U.S. Robotics: I4 shows the settings, I5 the stored templates
		if text, err = ask(p, "ATI4"); err == nil {
			active, _ = settings(text)
		}
		if len(active) > 0 {
			if text, err = ask(p, "ATI5"); err == nil {
				stored = template(text, active["Y"])
			}
		}
	}
	if _, known := active["S0"]; known || timedOut(err) {
		return active, stored
	}
	if text, err = ask(p, "ATS0?"); err == nil { // every modem has it; ZyXEL's &V may be in hexadecimal
		if rings, ok := answer(text); ok {
			if active == nil {
				active = map[string]int{}
			}
			active["S0"] = rings
		}
	}
	return active, stored
}

// timedOut reports whether the modem did not answer a command at all: no other is asked.
func timedOut(err error) bool { return err != nil && !errors.Is(err, errRefused) }

// answer returns the number that a modem sent before OK.
func answer(text string) (int, bool) {
	for _, line := range linesOf(text) {
		if n, err := strconv.Atoi(line); err == nil && n >= 0 && n <= 255 && len(line) <= 3 {
			return n, true
		}
	}
	return 0, false
}

func linesOf(text string) (all []string) {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// The parts of an answer. A stored profile has its number.
const (
	partActive = "active"
	partOther  = "other" // factory settings, telephone numbers
)

var (
	head   = regexp.MustCompile(`PROFILE|SETTINGS|TEMPLATE|CONFIGURATION|TELEPHONE|STORED PHONE`)
	number = regexp.MustCompile(`(?:PROFILE|SETTINGS|TEMPLATE)\s*Y?(\d)\b`)
	spaced = regexp.MustCompile(`\s*[:=]\s*`)
	letter = regexp.MustCompile(`^([&%\\*~-]?[A-Z])=?(\d{1,3})$`)
	plain  = regexp.MustCompile(`^[A-Z]$|^[^=]+=`) // P, T; BAUD=57600
	sValue = regexp.MustCompile(`^S(\d{1,3})=(\d{1,3})$`)
)

// part returns the part that a head begins; false: the line is no head.
func part(line string) (string, bool) {
	switch up := strings.ToUpper(line); {
	case !head.MatchString(up):
		return "", false
	case strings.Contains(up, "ACTIVE"), strings.Contains(up, "CURRENT"):
		return partActive, true
	case strings.Contains(up, "FACTORY"), strings.Contains(up, "DEFAULT"), strings.Contains(up, "PHONE"):
		return partOther, true
	case number.MatchString(up):
		return number.FindStringSubmatch(up)[1], true
	case strings.Contains(up, "STORED"), strings.Contains(up, "SAVED"), strings.Contains(up, "USER"),
		strings.Contains(up, "NVRAM"):
		return "0", true
	}
	return partActive, true
}

// settings reads the answer to AT&V or ATI4: that of the Rockwell family and its many imitators (`&C1`, `S00:000`), of
// U.S. Robotics (`S00=000`), of cellular modems (`&C: 1`). stored are those that ATZ loads, as far as they are shown.
func settings(text string) (active, stored map[string]int) {
	parts := partsOf(text)
	return parts[partActive], parts["0"]
}

// template returns the settings of a template from the answer to ATI5; nil if the modem loads none that it shows. A
// modem with one template does not number it.
func template(text string, n int) map[string]int {
	parts := partsOf(text)
	if t := parts[strconv.Itoa(n)]; t != nil || parts["1"] != nil {
		return t
	}
	if n > 1 { // one of the factory's
		return nil
	}
	return parts["0"]
}

func partsOf(text string) map[string]map[string]int {
	parts, now := map[string]map[string]int{}, partActive
	for _, line := range linesOf(text) {
		if p, ok := part(line); ok {
			now = p
			continue
		}
		for name, value := range values(line) {
			if parts[now] == nil {
				parts[now] = map[string]int{}
			}
			parts[now][name] = value
		}
	}
	return parts
}

// values returns the settings of a line; none if less than half of its words are settings.
func values(line string) map[string]int {
	words := strings.Fields(spaced.ReplaceAllString(line, "="))
	all, known := map[string]int{}, 0
	for _, w := range words {
		switch {
		case sValue.MatchString(w):
			m := sValue.FindStringSubmatch(w)
			n, _ := strconv.Atoi(m[1])
			all["S"+strconv.Itoa(n)], _ = strconv.Atoi(m[2])
		case letter.MatchString(w):
			m := letter.FindStringSubmatch(w)
			all[m[1]], _ = strconv.Atoi(m[2])
		case !plain.MatchString(w):
			continue
		}
		known++
	}
	if 2*known < len(words) {
		return nil
	}
	return all
}

package mgetty

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/port"
)

// settings are what callback.config says, with mgetty's defaults.
type settings struct {
	devices           []string
	speed             int
	delay, randomize  time.Duration
	retry, most       time.Duration
	prompt            time.Duration // 0: not set
	dial, init        string        // chat scripts; "" none
	autobaud, written bool          // written: there is a file
}

func defaults() settings {
	return settings{speed: 38400, delay: 20 * time.Second, randomize: 10 * time.Second, retry: 30 * time.Second,
		most: 600 * time.Second}
}

// parseConfig reads callback.config: keys and values, and sections `port NAME` for single lines.
func parseConfig(l *importer.Ledger, lines []string) (s settings, err *importer.Error) {
	s = defaults()
	s.written = true
	seen, port := map[string]int{}, ""
	for i, text := range lines {
		if l.Has(i + 1) {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSpace(text), " ")
		if k, v, ok := strings.Cut(key, "\t"); ok {
			key, value = k, v+" "+value
		}
		key, value = strings.ToLower(key), strings.TrimSpace(value)
		if strings.Contains(key, "chat") || strings.Contains(key, "pass") {
			l.HideLast(i+1, value)
		}
		if key == "port" {
			port = value
			l.Unsupported(i+1, "a section for one line: write its values into lines")
			continue
		}
		if port != "" {
			l.Unsupported(i+1, "of port "+port+" alone: write it into lines")
			continue
		}
		if first := seen[key]; first > 0 {
			return s, failIn(i+1, fmt.Sprintf("%s is in line %d too", key, first), "each key once")
		}
		seen[key] = i + 1
		if err := s.set(l, i+1, key, value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// set reads one key. Its value is in the message of an error only if it is a number.
func (s *settings) set(l *importer.Ledger, line int, key, value string) *importer.Error {
	number := func(most uint64) (int, *importer.Error) {
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || n > most {
			return 0, failIn(line, key+" is not a number up to "+strconv.FormatUint(most, 10), key+" SECONDS")
		}
		return int(n), nil
	}
	seconds := func(into *time.Duration, note string) *importer.Error {
		n, err := number(3600)
		*into = time.Duration(n) * time.Second
		l.Imported(line, note)
		return err
	}
	switch key {
	case "dialout-devices", "nodes", "devices":
		for _, d := range strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' || r == '\t' }) {
			if d = strings.TrimPrefix(d, "/dev/"); !plainDevice(d) {
				return failIn(line, "a device has a name that is none", "names such as ttyS0:ttyS1")
			}
			s.device(d)
		}
		l.Imported(line, "lines")
	case "delay":
		return seconds(&s.delay, "callback: {forced_wait} of the lines")
	case "delay-randomize":
		return seconds(&s.randomize, "callback.random_wait")
	case "retry-time":
		return seconds(&s.retry, "attempts: {retry_wait} of policies.d/default.yaml")
	case "max-time":
		return seconds(&s.most, "callback.lifetime, with the delay")
	case "prompt-waittime":
		return seconds(&s.prompt, "login.timeout")
	case "speed":
		n, err := number(1 << 24)
		if err != nil {
			return err
		}
		if _, err := port.Parse(fmt.Sprintf("serial:///dev/ttyS0?speed=%d", n)); err != nil {
			return failIn(line, "it is not a speed of serial ports", "speed 38400")
		}
		s.speed = n
		l.Imported(line, "speed of the ports")
	case "autobauding":
		s.autobaud = slices.Contains([]string{"yes", "y", "true", "t", "1"}, strings.ToLower(value))
		l.Imported(line, "speed of the lines")
	case "dial-prefix":
		script := `ABORT BUSY ABORT "NO CARRIER" ABORT "NO DIALTONE" ABORT "NO ANSWER" ABORT ERROR "" "` + value +
			`\T" TIMEOUT 60 CONNECT \c`
		if !dialPrefix.MatchString(strings.ToUpper(value)) || !usable(script, true) {
			l.Unsupported(line, "not a dial command that the import knows, such as ATDT: write a chat script")
			return nil
		}
		s.dial = script
		l.Imported(line, "chat script mgetty-dial, which dials callbacks")
	case "modem-init":
		if value == "" || !usable(value, false) {
			l.Unsupported(line, "not a chat script that only initializes: write init of the lines")
			return nil
		}
		s.init = value
		l.Imported(line, "chat script mgetty-init, which runs when a line comes into service")
	case "debug":
		l.Harmless(line, "the log is that of ringback (log.level, debug)")
	default:
		l.Unsupported(line, "not a key of callback.config that the import knows")
	}
	return nil
}

// device notes a device, once.
func (s *settings) device(d string) {
	if !slices.Contains(s.devices, d) {
		s.devices = append(s.devices, d)
	}
}

var device = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

func plainDevice(d string) bool {
	return len(d) <= 64 && device.MatchString(d)
}

// dialPrefix is a dial command before its number: AT, commands, D, T or P, and the digits of a trunk.
var dialPrefix = regexp.MustCompile(`^AT[A-CE-Z0-9&=]{0,16}D[TP]?[0-9,W]{0,16}$`)

// usable reports whether a chat script is one that initializes a modem, or one that dials the number of a callback.
func usable(script string, dials bool) bool {
	s, err := chat.Parse("mgetty", script)
	if err != nil || s.UsesDialstring() != dials {
		return false
	}
	sent, ok := s.Lines()
	return ok && !slices.ContainsFunc(sent, func(l chat.Line) bool {
		return modem.CheckSent(l.String()) != nil || !dials && modem.Dials(l.String()) ||
			dials && modem.CheckNumber(l.Before, l.After, l.Dialstrings) != nil
	})
}

package lab

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ringback/ringback/lab/pppclient"
)

//go:embed scenarios/*.txt
var shipped embed.FS

// Scenario is a story that is played in the town: what a subscriber types and must see, and the expected end of the
// callback. Its file is a txtar archive; docs/reference/scenarios.md defines the words.
type Scenario struct {
	Name       string // file name without directory and extension
	Title      string // first line of the comment
	At         string // the subscriber whose telephone and modem are used
	Steps      []ScenarioStep
	Transcript []string          // expected screen, folded (see Fold); nil: not compared
	Callback   map[string]string // expected callback; nil: not checked
	NoCallback bool              // no callback is expected
}

// ScenarioStep is one line of a subscriber's script.
type ScenarioStep struct {
	Line int
	Verb string // type, send, see, pause, within, ppp, fetch, sms, ring, hangup
	Text string
	Wait time.Duration     // pause, within, ring
	PPP  *pppclient.Config // ppp
}

// callbackKeys are the keys that the file `callback` may check.
var callbackKeys = map[string]bool{"phase": true, "user": true, "number": true, "verify": true, "attempts": true,
	"cause": true, "tty": true, "caller": true}

// Shipped returns the two scenarios of Cisco document 5732, a callback over PPP, and a number that the user's policy
// rejects, with their results on this kind of port: without modem signals the daemon always requires the second login.
func Shipped(ports Ports) ([]*Scenario, error) {
	var all []*Scenario
	for _, name := range []string{"no-verify", "any-number", "ppp", "rejected-number"} {
		file := name
		if name == "no-verify" && ports != RFC2217 {
			file = "no-verify-in-band"
		}
		data, err := fs.ReadFile(shipped, "scenarios/"+file+".txt")
		if err != nil {
			return nil, err
		}
		s, err := ParseScenario(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// ReadScenario reads a scenario file.
func ReadScenario(path string) (*Scenario, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	s, err := ParseScenario(path, data)
	if err != nil {
		return nil, err
	}
	s.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return s, nil
}

// ParseScenario parses a scenario; name is used in errors and headings.
func ParseScenario(name string, data []byte) (*Scenario, error) {
	a := txtar.Parse(data)
	s := &Scenario{Name: name}
	s.Title, _, _ = strings.Cut(strings.TrimSpace(string(a.Comment)), "\n")
	for _, f := range a.Files {
		var err error
		switch at, isScript := strings.CutPrefix(f.Name, "at "); {
		case isScript && s.At != "":
			err = fmt.Errorf("second script %q: a scenario has one subscriber", f.Name)
		case isScript:
			s.At = strings.TrimSpace(at)
			s.Steps, err = parseSteps(f.Data)
		case f.Name == "transcript":
			s.Transcript = Fold(string(f.Data))
		case f.Name == "callback":
			err = s.parseCallback(f.Data)
		default:
			err = fmt.Errorf("unknown file %q: use `at NAME`, `transcript` or `callback`", f.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("scenario %s: %w", name, err)
		}
	}
	if len(s.Steps) == 0 {
		return nil, fmt.Errorf("scenario %s: no steps: it needs a file `-- at NAME --` with `type …` and `see …` lines",
			name)
	}
	return s, nil
}

func parseSteps(data []byte) ([]ScenarioStep, error) {
	var steps []ScenarioStep
	for i, line := range strings.Split(string(data), "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, text, _ := strings.Cut(line, " ")
		step := ScenarioStep{Line: i + 1, Verb: verb, Text: text}
		switch verb {
		case "type", "send":
		case "hangup":
			if text != "" {
				return nil, fmt.Errorf("script line %d: hangup has no argument, got %q", i+1, text)
			}
		case "see":
			if text == "" {
				return nil, fmt.Errorf("script line %d: see needs a text", i+1)
			}
		case "pause", "within":
			d, err := time.ParseDuration(text)
			if err != nil || d < 0 {
				return nil, fmt.Errorf("script line %d: %s %q: expected a time such as 1.5s", i+1, verb, text)
			}
			step.Wait = d
		case "ppp":
			var err error
			if step.PPP, err = parsePPP(text); err != nil {
				return nil, fmt.Errorf("script line %d: %w", i+1, err)
			}
			step.Text = "user=" + step.PPP.User // it stands in errors: without the password
		case "sms", "ring":
			var err error
			if step.Wait, err = phoneText(verb, text); err != nil {
				return nil, fmt.Errorf("script line %d: %w", i+1, err)
			}
		case "fetch":
			if err := checkPage(text); err != nil {
				return nil, fmt.Errorf("script line %d: %w", i+1, err)
			}
		default:
			return nil, fmt.Errorf("script line %d: unknown word %q: use type, send, see, pause, within, ppp, fetch, "+
				"sms, ring or hangup", i+1, verb)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (s *Scenario) parseCallback(data []byte) error {
	if string(bytes.TrimSpace(data)) == "none" {
		s.NoCallback = true
		return nil
	}
	s.Callback = map[string]string{}
	for i, line := range strings.Split(string(data), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); !ok || !callbackKeys[key] {
			return fmt.Errorf("callback line %d: %q: expected `key: value` with phase, user, number, verify, "+
				"attempts, caller, cause or tty, or the one word none", i+1, line)
		}
		s.Callback[key] = strings.TrimSpace(value)
	}
	if v, ok := s.Callback["attempts"]; ok {
		if _, err := strconv.Atoi(v); err != nil {
			return fmt.Errorf("callback: attempts %q is not a number", v)
		}
	}
	return nil
}

var registerQuery = regexp.MustCompile(`^at(s\d+\?)+$`)

// Fold makes transcripts comparable with those of document 5732: it ignores case, blank lines, trailing spaces and
// control characters other than line ends. Consecutive RINGs count as one: how often a modem rings before it answers
// depends on the time of the call within the ringing cadence. A line that only reads registers is left out: on a port
// without modem signals it is the broker's, and the caller sees it if a busy modem has missed the escape sequence.
func Fold(text string) []string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"))
	var lines []string
	for l := range strings.SplitSeq(clean, "\n") {
		l = strings.ToLower(strings.TrimRight(l, " "))
		again := l == "ring" && len(lines) > 0 && lines[len(lines)-1] == l
		if l != "" && !again && !registerQuery.MatchString(l) {
			lines = append(lines, l)
		}
	}
	return lines
}

package config

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
)

const testedLines = `
aaa: {lists: {login: {default: [local]}}}
users: [{name: kim, password_file: kim.password}]
lines:
  - {tty: 65, port: "pty:///run/modem65", number: "55565", insecure_signals: true}
  - {tty: 66, port: "serial:///dev/ttyS1?format=7e1", number: "555-66", flow_control: software}
  - {tty: 67, port: "serial:///dev/ttyS2", modem: callout, number: "55567"}
  - {tty: 68-69, port: "tcp://192.0.2.1:{7000+n}", insecure_signals: true}
`

func TestModemTests(t *testing.T) {
	load := func(text string) (*Config, string) {
		c, errs, _ := loadText(t, testedLines+text, nil)
		return c, errs
	}
	c, problems := load(`modem_test: {lines: [65-67], numbers: ["55555"], every: 6h, at: "03:30", zone: Europe/Paris}`)
	if c == nil {
		t.Fatal(problems)
	}
	m := c.ModemTests
	if m.MaxPerDay != 50 || m.QuarantineAfter != 3 || len(m.Lines) != 3 || len(m.Numbers) != 1 ||
		m.Numbers[0].String() != "55555" {
		t.Errorf("%+v", m)
	}
	if l := m.Lines[65]; l.Number.String() != "55565" || l.SevenBits || l.XONXOFF {
		t.Errorf("tty 65: %+v", l)
	}
	if l := m.Lines[66]; l.Number.String() != "55566" || !l.SevenBits || !l.XONXOFF {
		t.Errorf("tty 66: %+v", l)
	}
	if l := m.Lines[67]; !l.Number.IsZero() {
		t.Errorf("a callout line is called: %+v", l)
	}
	if s := m.Schedule; s.Every != 6*time.Hour || s.At != 3*time.Hour+30*time.Minute ||
		s.Zone.String() != "Europe/Paris" ||
		s.AtOnce != 1 {
		t.Errorf("%+v", s)
	}
	if c, _ := load(""); c == nil || len(c.ModemTests.Lines) != 0 || c.ModemTests.Schedule != (broker.TestSchedule{}) {
		t.Error("without the key tests are allowed")
	}
	for text, want := range map[string]string{
		"modem_test: {}":                                       "modem_test.lines: is required",
		"modem_test: {lines: [65, 99]}":                        "there is no line 99",
		"modem_test: {lines: [65]}":                            "a test needs two lines",
		"modem_test: {lines: [67-68]}":                         "a test needs two lines",
		"modem_test: {lines: [65-66], numbers: [\"911\"]}":     "emergency number",
		"modem_test: {lines: [65-66], numbers: [\"5+++ATH\"]}": "modem_test.numbers[0]",
		"modem_test: {lines: [65-66], every: 7h}":              "neither a part of a day",
		"modem_test: {lines: [65-66], every: 36h}":             "neither a part of a day",
		"modem_test: {lines: [65-66], at: \"3 o'clock\"}":      "is not a time of day",
		"modem_test: {lines: [65-66], zone: Lab/Town}":         "is not a time zone",
		"modem_test: {lines: [65-66], max_per_day: 0}":         "max_per_day",
	} {
		if _, problems := load(text); !strings.Contains(problems, want) {
			t.Errorf("%s: %v\nmust say %s", text, problems, want)
		}
	}
	for number, want := range map[string]string{`"55565"`: "tty 65 has this number too", `"ATDT1"`: "lines[4].number"} {
		text := testedLines + "  - {tty: 70, port: \"serial:///dev/ttyS3\", number: " + number + "}\n"
		if _, problems, _ := loadText(t, text, nil); !strings.Contains(problems, want) {
			t.Errorf("%s: %v\nmust say %s", number, problems, want)
		}
	}
	ranged := strings.Replace(testedLines, "{tty: 68-69,", `{tty: 68-69, number: "55568",`, 1)
	if _, problems, _ := loadText(t, ranged, nil); !strings.Contains(problems, "several lines have one number") {
		t.Errorf("a range with a number: %v", problems)
	}
}

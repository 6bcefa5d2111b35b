package profiles

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each value of a shipped profile names its document.
func TestSources(t *testing.T) {
	s := Shipped()
	for _, name := range s.Names() {
		p := s.Get(name)
		for _, k := range p.own.Names() {
			if k == keyAbout || k == keyExtends || k == keySources {
				continue
			}
			if p.Sources[k] == "" {
				t.Errorf("%s: %s has no source", name, k)
			}
		}
		for k := range p.Sources {
			if !p.own.Get(k).IsSet() {
				t.Errorf("%s: a source for %s, which the file does not have", name, k)
			}
		}
	}
}

// load reads files, named by their profiles.
func load(t *testing.T, files map[string]string) (*Set, schema.Problems) {
	t.Helper()
	var all []File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		all = append(all, File{"modems.d/" + name + ".yaml", []byte(files[name])})
	}
	return New(all...)
}

func TestFilesOfTheOperator(t *testing.T) {
	s, problems := load(t, map[string]string{
		"base": "about: base\ninit: AT&F1\nverify: {S7: 60}\ncaller_id: {command: 'AT#CID=1'}\n" +
			"result_codes: {Engaged: BUSY}",
		"above": "about: above\nextends: base\ncaller_id: {order: with_ring}\nverify: {S10: 20}\ntiming: {command: 5s}",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p := s.Get("above")
	want := lines.Profile{Name: "above", Answer: "ATA", CallerID: lines.CallerID{Command: "AT#CID=1",
		Order: lines.WithRing}, Verify: []lines.Register{{Number: 7, Value: 60}, {Number: 10, Value: 20}}}
	if got := p.Profile; got.Name != want.Name || got.Answer != want.Answer ||
		got.CallerID.Command != want.CallerID.Command || got.CallerID.Order != want.CallerID.Order ||
		!slices.Equal(got.Verify, want.Verify) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if p.Init != "AT&F1" || p.About != "above" || p.Extends != "base" || p.Timing.Command != 5*time.Second ||
		p.ResultCodes["ENGAGED"] != lines.Busy {
		t.Errorf("%+v", p)
	}
	if s.Get("nosuch") != nil || s.Get("").Name != Generic {
		t.Error("Get")
	}
}

// A line takes precedence over its profile, and its init also over the profile's error correction.
func TestApply(t *testing.T) {
	s, problems := load(t, map[string]string{"own": "about: own\ninit: AT&F1\nerror_correction: AT&M5\n" +
		"proof_registers: [30, 31]\nresult_codes: {ENGAGED: BUSY, RRING: RING}\ntiming: {command: 5s, answer: 90s}"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var open lines.Config
	s.Get("own").Apply(&open)
	if open.Init != "AT&F1" || open.Profile.ErrorCorrection != "AT&M5" || !slices.Equal(open.ProofRegisters, []int{30,
		31}) || open.ResultCodes["ENGAGED"] != lines.Busy || open.Timing.Command != 5*time.Second {
		t.Errorf("%+v", open)
	}
	line := lines.Config{Init: "AT&F2", ProofRegisters: []int{40, 41}, Timing: lines.Timing{Command: time.Second},
		ResultCodes: map[string]lines.ResultCode{"ENGAGED": lines.NoAnswer}}
	s.Get("own").Apply(&line)
	if line.Init != "AT&F2" || line.Profile.ErrorCorrection != "" ||
		!slices.Equal(line.ProofRegisters, []int{40, 41}) ||
		line.ResultCodes["ENGAGED"] != lines.NoAnswer || line.ResultCodes["RRING"] != lines.Ring ||
		line.Timing.Command != time.Second || line.Timing.Answer != 90*time.Second {
		t.Errorf("%+v", line)
	}
	if s.Get("own").ResultCodes["ENGAGED"] != lines.Busy {
		t.Error("the profile has changed")
	}
}

func TestInvalidFiles(t *testing.T) {
	for text, want := range map[string]string{
		"about: x\nanwser: ATA\n":                         `x.yaml:2:1: anwser: unknown key (did you mean "answer"?)`,
		"init: ATZ0\n":                                    "modems.d/x.yaml:1:1: about: is required",
		"about: x\nextends: usr-currier\n":                `x.yaml:2:10: extends: there is no profile "usr-currier"`,
		"about: x\nextends: x\n":                          "x.yaml:2:10: extends: no profile named x is shipped",
		"about: x\nanswer: ATDT5551234\n":                 "modems.d/x.yaml:2:9: answer: the command dials",
		"about: x\ninit: ATX4DT5551234\n":                 "modems.d/x.yaml:2:7: init: the command dials",
		"about: x\nstored_numbers: true\ninit: ATX4N1\n":  "x.yaml:3:7: init: ATX4N1 dials a number",
		"about: x\nextends: multitech\nanswer: ATN0A\n":   "answer: ATN0A dials a number that is stored",
		"about: x\ninit: A/\n":                            "modems.d/x.yaml:2:7: init: a modem command begins with AT",
		"about: x\nerror_correction: AT&F&M4\n":           "error_correction: the command resets the modem",
		"about: x\ncaller_id: {command: ATS2=43}\n":       "caller_id.command: S2=43 sets a register of the driver",
		"about: x\non_hold: ATS0=1\n":                     "x.yaml:2:10: on_hold: the command resets the modem",
		"about: x\nanswer: ATH\n":                         "x.yaml:2:9: answer: ATH does not answer a call",
		"about: x\ninit: AT&C1S0=0O\n":                    "modems.d/x.yaml:2:7: init: O returns to the data of a call",
		"about: x\nresult_codes: {BUSY: CONNECT}\n":       "result_codes.BUSY: BUSY has a fixed meaning",
		"about: x\nproof_registers: [18]\n":               "proof_registers: one register can be guessed",
		"about: x\nproof_registers: [18, 25, 18]\n":       "proof_registers: 18 is there twice",
		"about: x\nverify: {S2: 43}\n":                    "modems.d/x.yaml:2:10: verify.S2: S2 is set by the driver",
		"about: x\nverify: {R7: 43}\n":                    "verify.R7: \"R7\" is not a register",
		"about: x\ninit: ATS7=60\nverify: {S7: 50}\n":     "x.yaml:3:14: verify.S7: init sets S7=60, not 50",
		"about: x\nverify: {S18: 1}\n":                    "verify.S18: S18 is also one of proof_registers",
		"about: x\ncaller_id: {order: first}\n":           `modems.d/x.yaml:2:20: caller_id.order: "first" is not`,
		"about: x\nresult_codes: {OK: BUSY}\n":            "OK has a fixed meaning",
		"about: x\nresult_codes: {Aa: BUSY, AA: VOICE}\n": "has two meanings",
		"about: x\nidentify: {usb: [BAF0303]}\n":          "identify.usb[0]: a USB ID is",
		"about: x\nidentify: {ati: ['(']}\n":              "identify.ati[0]: not a regular expression",
		"about: x\nsources: {init: doc, about: doc}\n":    `sources.about: "about" is no key`,
		"about: x\ncaller_id: {dialect: [{text: NR}]}\n":  "caller_id.dialect[0].form: is required",
		"about: x\ntiming: {comand: 5s}\n":                `did you mean "command"?`,
		"about: x\nproof_registers: [2]\n":                "proof_registers[0]: 2 is not between 13 and 255",
		"about: x\nanswer: \"ATA\\rATD5551234\"\n":        "answer: a modem command must be printable ASCII",
		"about: x\ninit: AT" + strings.Repeat("M1", 150):  "init: a modem command has at most 250 characters",
	} {
		s, problems := load(t, map[string]string{"x": text})
		if s != nil || !strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v, want %s", text, problems, want)
		}
	}
	s, problems := load(t, map[string]string{"x": `{about: x, result_codes: {"NMBR*": RING, "NAME*": BUSY, "NM*": BUSY}}`})
	if s != nil || len(problems) != 1 || !strings.Contains(problems.String(), "NM*: a line that begins with NMBR") {
		t.Error(problems)
	}
	for name, want := range map[string]string{"generic": "the profile generic cannot be changed",
		"Courier": "the name of a profile has"} {
		if s, problems := load(t, map[string]string{name: "about: x\n"}); s != nil ||
			!strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v, want %s", name, problems, want)
		}
	}
	circle := map[string]string{"x": "about: x\nextends: y\n", "y": "about: y\nextends: x\n"}
	if s, problems := load(t, circle); s != nil || !strings.Contains(problems.String(), "extends itself through") {
		t.Errorf("a circle: %v", problems)
	}
}

// No error of a file hides another one of it, or one of another file.
func TestAllErrorsAtOnce(t *testing.T) {
	s, problems := load(t, map[string]string{
		"bad": "about: x\nextends: usr-currier\nanswer: ATH\nverify: {S2: 43}\nresult_codes: {BUSY: OK}\n" +
			"proof_registers: [18]\n",
		"sign":   "extends: nosuch\nanwser: ATA\ninit: ATE1\n",
		"broken": "about: [\n",
		"above":  "about: x\nextends: broken\n",
		"verify": "verify: {S18: 1}\n",
	})
	if s != nil {
		t.Error("a set")
	}
	text := problems.String()
	for _, want := range []string{
		`bad.yaml:2:10: extends: there is no profile "usr-currier"`, "bad.yaml:3:9: answer: ATH does not answer",
		"bad.yaml:4:10: verify.S2: S2 is set by the driver",
		`sign.yaml:1:10: extends: there is no profile "nosuch"`, "sign.yaml:2:1: anwser: unknown key",
		"about: is required",
		"bad.yaml:5:22: result_codes.BUSY: BUSY has a fixed", "bad.yaml:6:18: proof_registers: one register can",
		"sign.yaml:3:7: init: E1 echoes each command: write E0", "broken.yaml:1:", "verify.S18: S18 is also one of",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "above.yaml") || strings.Count(text, "no profile") != 2 {
		t.Errorf("errors that follow from others:\n%s", text)
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestWarnings(t *testing.T) {
	s, problems := load(t, map[string]string{"x": "about: x\ninit: ATE0S0=2&W\n", "y": "about: y\nextends: x\n"})
	text := problems.String()
	if s == nil || strings.Count(text, "modems.d/x.yaml:2:7: warning: init: ") != 2 ||
		!strings.Contains(text, "S0=2 makes the modem answer by itself") || !strings.Contains(text, "&W writes") {
		t.Error(text)
	}
}

func FuzzNew(f *testing.F) {
	f.Add("about: x\nextends: generic\ninit: AT&F1\nverify: {S7: 60}\n")
	f.Add("about: x\ncaller_id: {dialect: [{text: RING, form: tag}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, problems := New(File{"x.yaml", []byte(text)})
		if (s == nil) != problems.HasErrors() {
			t.Fatalf("%v, %v", s, problems)
		}
		if s != nil {
			var c lines.Config
			s.Get("x").Apply(&c)
			if up := strings.ToUpper(c.Profile.Answer); !strings.HasPrefix(up, "AT") || strings.ContainsAny(up, "D\r") {
				t.Fatalf("answers with %q", up)
			}
		}
	})
}

package modem

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Registers of V.250 (§6.2.1 to §6.2.3, §6.3.8) and of the escape.
const (
	regAutoAnswer = 0
	regEscape     = 2
	regLineEnd    = 3
	regResponse   = 4
	regBackspace  = 5
	regGuard      = 12
)

// The errors of a command line whose registers could hide a dial command.
var (
	errFraming = errors.New("S3, S4 and S5 must stay as they are: they have the characters that end and correct a " +
		"command line, and with others a modem may dial by a line that is none here (remove the register)")
	errLastRegister = errors.New("a = without a register sets the one that was used last (write its number: S7=60)")
	errErased       = errors.New("a register in a line with a backspace is not allowed: which one it is depends on " +
		"the modem (write the line without the backspace)")
)

// mention is a register in a command line.
type mention struct {
	number int
	set    bool // with = behind it
}

// registersIn returns each S with a number in a text as modems read it, also where it is none for most modems. Modems
// of eight bits take S261 for S5.
func registersIn(text string) (all []mention) {
	for i := range len(text) {
		digits := digitsAt(text[i+1:])
		if text[i] != 'S' || digits == "" {
			continue
		}
		n := 0
		for _, d := range []byte(digits) {
			n = (n*10 + int(d-'0')) % 256
		}
		rest := text[i+1+len(digits):]
		if bit := digitsAt(strings.TrimPrefix(rest, ".")); strings.HasPrefix(rest, ".") {
			rest = rest[1+len(bit):]
		}
		all = append(all, mention{n, strings.HasPrefix(rest, "=")})
	}
	return all
}

// checkFraming returns an error if a command line could change how a modem reads the lines after it: it has S3, S4 or
// S5 in it, even to read it, because = then sets it; or a register that is not known.
func checkFraming(line string) error {
	text, _ := heard(line)
	if erases(line) {
		if _, behind, _ := strings.Cut(text, "A"); strings.ContainsAny(behind, "S=") {
			return errErased
		}
		return nil
	}
	begin := strings.Index(text, "AT")
	if begin < 0 {
		return nil
	}
	for _, r := range registersIn(text[begin:]) {
		if r.number >= regLineEnd && r.number <= regBackspace {
			return errFraming
		}
	}
	for _, c := range commandsIn(text) {
		switch {
		case c.prefix != 0 || c.unsure:
		case c.letter == '=':
			return errLastRegister
		case c.letter == 'S' && c.number == "" && skipped.MatchString(text[c.at+len(c.text):]):
			return errFraming
		}
	}
	return nil
}

// skipped is S3, S4 or S5 behind the S, for a modem that skips punctuation (U.S. Robotics).
var skipped = regexp.MustCompile(`^[-+:$#*!.,()/]+0*[345]([^0-9]|$)`)

// resets reports whether a command line loads a profile (Z, &F) or changes a setting of the driver: the result
// format, auto-answer, the escape, or a proof register. It may also report lines that do not.
func resets(line string, registers []int) bool {
	text, _ := heard(line)
	for _, s := range []string{"Z", "&F", "V0", "Q1", "Q2"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	if slices.ContainsFunc(commandsIn(text), func(c command) bool { return c.is('S', regAutoAnswer) && c.op == '=' }) {
		return true // S=1 is S0=1
	}
	return slices.ContainsFunc(registersIn(text), func(r mention) bool {
		return r.set && isDrivers(r.number) || slices.Contains(registers, r.number)
	})
}

// isDrivers reports whether the driver sets the register itself.
func isDrivers(register int) bool {
	return register == regAutoAnswer || register >= regEscape && register <= regBackspace || register == regGuard
}

// autoAnswerOf returns the setting of auto-answer that an initialization makes, such as S0=1; "" if it makes none.
func autoAnswerOf(init string) (set string) {
	if n, ok := SetBy(init, regAutoAnswer); ok && n > 0 {
		return "S0=" + strconv.Itoa(n)
	}
	return ""
}

// SetBy returns the value to which an initialization sets a register; false: to none.
func SetBy(init string, register int) (value int, set bool) {
	text, _ := heard(init)
	for _, c := range commandsIn(text) {
		if n, err := strconv.Atoi(c.value); c.is('S', register) && c.op == '=' && !strings.Contains(c.text, ".") &&
			err == nil {
			value, set = n, true
		}
	}
	return value, set
}

// is reports whether the command is a basic one of this letter and number, and for no modem a part of another one.
// Without digits the number is 0.
func (c command) is(letter byte, number int) bool {
	return c.prefix == 0 && c.letter == letter && !c.unsure && c.value0() == number
}

// value0 returns the number of a command; 0 without one.
func (c command) value0() int {
	n, _ := strconv.Atoi(c.number)
	return n
}

// CheckInit is CheckCommand for the command line that initializes a modem. It must leave the modem on hook and on its
// command line, with result codes as words; each error says what to write instead.
func CheckInit(text string) error {
	if err := CheckCommand(text); err != nil {
		return err
	}
	line, _ := heard(text)
	all := commandsIn(line)
	var wrong []string
	for i, c := range all {
		why := c.unfit()
		switch first, alone := i == 0, len(all) == 1; {
		case c.unsure:
			continue
		case c.prefix == 0 && c.letter == 'Z' && !alone:
			why = "loads the stored profile, and modems ignore what is in a line with it: remove it (ringback has " +
				"sent ATZ before init)"
		case c.prefix == '&' && c.letter == 'F' && !first:
			why = fmt.Sprintf("undoes what is before it: write it first (AT%s%s)", c.text, line[2:c.at])
		}
		if why != "" {
			wrong = append(wrong, c.text+" "+why)
		}
	}
	return together(wrong)
}

// together is the error of all that is wrong; nil: nothing is.
func together(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// unfit says why a command must not be part of an initialization, or of another setting; "" if it may.
func (c command) unfit() string {
	if c.prefix != 0 {
		return ""
	}
	switch n := c.value0(); {
	case c.letter == 'A':
		return "answers a call: remove it (the driver answers)"
	case c.letter == 'O':
		return "returns to the data of a call: remove it"
	case c.letter == 'H' && n > 0:
		return "takes the line off hook, so that nobody can call: remove it"
	case c.letter == 'E' && n > 0:
		return "echoes each command: write E0"
	case c.letter == 'Q' && n > 0:
		return "turns result codes off, by which the driver knows what happens: write Q0"
	case c.letter == 'V' && n == 0:
		return "makes result codes numbers: write V1"
	case c.letter == 'S' && c.op == '=' && n != regAutoAnswer && isDrivers(n):
		return "sets a register of the driver, which it sets itself: remove it (the guard time is timing.guard)"
	}
	return ""
}

// CheckSignals returns an error if an initialization takes from a port with modem signals what they are for: the
// hang-up by DTR, or DCD as the state of the carrier.
func CheckSignals(init string) error {
	text, _ := heard(init)
	var wrong []string
	for _, c := range commandsIn(text) {
		switch n := c.value0(); {
		case c.prefix == '&' && c.letter == 'C' && n == 0:
			wrong = append(wrong, c.text+" keeps DCD on, so that no hang-up can be seen: write &C1")
		case c.prefix == '&' && c.letter == 'D' && n < 2:
			wrong = append(wrong, c.text+" makes the modem ignore DTR, by which calls are hung up: write &D2")
		}
	}
	return together(wrong)
}

// InitWarnings returns what an initialization does that is rarely meant.
func InitWarnings(init string) (all []string) {
	if set := autoAnswerOf(init); set != "" {
		all = append(all, set+" makes the modem answer by itself: no call can be screened by its number, and one that "+
			"comes at the moment of a callback is answered; write S0=0 unless no command can answer")
	}
	text, _ := heard(init)
	for _, c := range commandsIn(text) {
		if c.prefix == '&' && c.letter == 'W' {
			all = append(all, c.text+" writes the modem's memory at each start, which wears out: store the profile "+
				"once, by hand, and remove it")
		}
	}
	return all
}

// CheckSetting is CheckCommand for a command that must leave the driver's own settings and the state of the line as
// they are: no reset, no result format, no auto-answer, no escape character, no answer or hang-up.
func CheckSetting(text string) error {
	if err := CheckCommand(text); err != nil {
		return err
	}
	line, _ := heard(text)
	for _, c := range commandsIn(line) {
		if c.unsure {
			continue
		}
		if why := c.unfit(); why != "" {
			return fmt.Errorf("%s %s", c.text, why)
		}
		if c.prefix == 0 && c.letter == 'H' {
			return fmt.Errorf("%s hangs up: remove it", c.text)
		}
	}
	if resets(text, nil) {
		return errors.New("the command resets the modem or changes a setting of the driver (Z, &F, V0, Q1, S0): only " +
			"init may set them")
	}
	return CheckSignals(text)
}

// CheckAnswer returns an error if a command line does not answer a call, or does more than that and settings.
func CheckAnswer(text string) error {
	if err := CheckCommand(text); err != nil {
		return err
	}
	line, _ := heard(text)
	all := commandsIn(line)
	if len(all) == 0 || all[len(all)-1].letter != 'A' || all[len(all)-1].prefix != 0 || all[len(all)-1].unsure {
		return fmt.Errorf("%s does not answer a call: end it with A, as in ATA or AT+FCLASS=0;A", text)
	}
	if before := all[len(all)-1].at; before > len("AT") {
		return CheckSetting(line[:before])
	}
	return nil
}

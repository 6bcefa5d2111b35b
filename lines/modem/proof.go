package modem

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// On a port without modem signals, the caller's data and the modem's messages share one stream: a caller who types NO
// CARRIER, OK or CONNECT sends the same text as the modem. So the modem must prove that the answer is its own. While
// the line is proven on hook, the driver writes random values into S registers without a function. Only the modem's
// command line can read them, and no caller can reach it. A correct answer proves command state, and ATH in command
// state hangs up. After a wrong answer, the driver sends the escape and asks again.

// defaultRegisters have no function without modem signals: the test timer, and the delays of DTR and RTS.
var defaultRegisters = []int{18, 25, 26}

// minProof is the minimum number of registers that must keep their values, of 8 bits each.
const minProof = 2

// secret is the content of the registers.
type secret struct {
	Registers []int  `json:"registers"`
	Values    []byte `json:"values"`
}

func newSecret(registers []int) secret {
	s := secret{registers, make([]byte, len(registers))}
	rand.Read(s.Values)
	return s
}

// ask returns the command that reads the secret.
func (s secret) ask() string {
	var b []byte
	for _, r := range s.Registers {
		b = append(strconv.AppendInt(append(b, 'S'), int64(r), 10), '?')
	}
	return string(b)
}

// set returns the command that writes the secret.
func (s secret) set() string {
	var b []byte
	for i, r := range s.Registers {
		b = append(strconv.AppendInt(append(b, 'S'), int64(r), 10), '=')
		b = strconv.AppendInt(b, int64(s.Values[i]), 10)
	}
	return string(b)
}

// is reports whether the numbers are exactly the secret, so that an answer is only one guess.
func (s secret) is(told []int) bool {
	return len(s.Values) >= minProof &&
		slices.EqualFunc(s.Values, told, func(v byte, n int) bool { return int(v) == n })
}

// numbersIn parses the lines of an answer: one number per line, or several separated by spaces and commas. Other
// lines are skipped.
func numbersIn(info []string) []int {
	var all []int
	for _, line := range info {
		var of []int
		for _, f := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' }) {
			n, err := strconv.ParseUint(f, 10, 8)
			if err != nil || len(f) > 3 {
				of = nil
				break
			}
			of = append(of, int(n))
		}
		all = append(all, of...)
	}
	return all
}

// proof is the driver's knowledge of the modem on a port without signals. Only the token's holder uses it.
type proof struct {
	registers []int
	state     state
	char      byte  // the escape character (S2) of this line
	escape    byte  // the escape character in force
	guard     int   // S12 in force, in units of 20 ms; 0 none
	why       error // why the modem cannot prove its state; nil: it can
}

// state is the stored knowledge of a modem, kept across restarts.
type state struct {
	// Secrets are the possible values of the registers, newest first. The previous one is kept if a write was
	// interrupted.
	Secrets []secret `json:"secrets"`
	// Wiped is the profile in force since the driver reset the registers, on a line that was proven on hook; nil: the
	// registers hold a secret.
	Wiped *profile `json:"wiped,omitempty"`
	// Stored is the profile that ATZ loads; nil: unknown.
	Stored *profile `json:"stored,omitempty"`
}

// profile has a modem's settings for auto-answer and its escape.
type profile struct {
	S0, S2, S12 int
}

// The profiles known in advance.
var (
	// AT&F: V.250, Hayes. Makers choose S0 themselves
	factoryProfile = profile{S0: 1, S2: plus, S12: 50}
	anyProfile     = profile{S0: 1, S2: 255} // unknown
)

// holds reports whether a line that was on hook when the profile came into force can be brought on hook without a
// secret: the modem does not answer by itself, or its escape is known.
func (p *profile) holds() bool { return p != nil && (p.S0 == 0 || p.S2 <= 127) }

// after returns the profile in force after a command line that resets; stored is the profile that ATZ loads, nil if
// unknown.
func after(line string, stored *profile) profile {
	text, _ := heard(line)
	escapes := func(r mention) bool { return r.set && (r.number == regEscape || r.number == regGuard) }
	switch {
	case slices.ContainsFunc(registersIn(text), escapes):
		return anyProfile
	case strings.Contains(text, "&F"):
		return factoryProfile
	case stored == nil:
		return anyProfile
	}
	return *stored
}

// CheckProof returns an error if these registers cannot hold a proof; without any, the driver has its own.
func CheckProof(registers []int) error {
	for i, r := range registers {
		if slices.Contains(registers[:i], r) {
			return fmt.Errorf("%d is there twice", r)
		}
	}
	if n := len(registers); n > 0 && n < minProof {
		return fmt.Errorf("one register can be guessed: name at least %d", minProof)
	}
	return nil
}

func newProof(o Options) proof {
	p := proof{registers: o.Config.ProofRegisters, char: o.Proofs.escape(o.Config.TTY)}
	if len(p.registers) == 0 {
		p.registers = defaultRegisters
	}
	return p
}

// The errors of a line whose state is not proven.
var (
	errUnproven = &lines.Failed{Kind: lines.FailUnproven, Text: "not proven on hook: the modem does not report the " +
		"values written into its registers (a caller impersonates the modem, or the modem was switched off or " +
		"replaced: check that no call is up, then run `ringback clear line`)"}
	errNoProof = &lines.Failed{Kind: lines.FailNoProof, Text: "the modem cannot prove its state on a port without " +
		"modem signals"}
	errDisturbed = errors.New("a call came in while the modem was being reset")
)

// isInBand reports whether the port has no modem signals.
func (d *Driver) isInBand() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.port != nil && !d.port.HasSignals()
}

// queryTime is the time limit for the registers' values.
func (d *Driver) queryTime() time.Duration { return d.t.Command }

// query reads the registers, after other commands in the same line, and reports whether they contain the secret. An
// error means that the port is lost or ctx ended; no answer counts as a wrong one.
func (d *Driver) query(ctx context.Context, more string) (right bool, err error) {
	secrets := d.proof.state.Secrets
	if len(secrets) == 0 || d.proof.state.Wiped != nil {
		return false, nil
	}
	text := "AT" + more + secrets[0].ask() + "\r"
	r, err := d.command(ctx, order{text: text, limit: d.queryTime(), numbers: true, shown: text})
	switch {
	case err == errWaited:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w", text[:len(text)-1], err)
	case r.code != lines.OK:
		return false, nil
	}
	told := numbersIn(r.info)
	i := slices.IndexFunc(secrets, func(s secret) bool { return s.is(told) })
	if i < 0 {
		return false, nil
	}
	d.proof.state.Secrets = secrets[i : i+1]
	return true, nil
}

// keep writes the state of the modem to disk.
func (d *Driver) keep() error {
	err := d.o.Proofs.save(d.o.Config.TTY, d.proof.state)
	d.notice(noticeProof, err)
	return err
}

// renew gives the modem, which is proven on hook, a new secret. The secret is stored on disk before the modem gets
// it, next to the previous one, so that a crash in between loses neither.
func (d *Driver) renew(ctx context.Context) error {
	if d.proof.why != nil {
		return nil
	}
	before := d.proof.state.Secrets
	s := newSecret(d.proof.registers)
	d.proof.state.Secrets = append([]secret{s}, before...)
	if d.keep() != nil {
		d.proof.state.Secrets = before
		return nil // the secret in the modem and on disk is unused
	}
	if err := d.write(ctx, s); err != nil {
		return err
	}
	d.proof.state.Secrets = []secret{s}
	return nil
}

// wipe records that the registers are about to be reset, on a line that is proven on hook. After a crash, the next
// process knows from p how to bring the line on hook again.
func (d *Driver) wipe(p profile) {
	d.proof.state.Wiped, d.proof.state.Secrets = &p, nil
	_ = d.keep() // without it, a crash puts the line out of service until the operator clears it
}

// refill gives a modem whose registers were reset a new secret. It becomes valid once no other event can have
// intervened: see believe.
func (d *Driver) refill(ctx context.Context) error {
	s := newSecret(d.proof.registers)
	if err := d.write(ctx, s); err != nil {
		return err
	}
	d.proof.state.Secrets = []secret{s}
	return nil
}

// believe makes the values written by refill the secret.
func (d *Driver) believe() {
	d.proof.state.Wiped = nil
	_ = d.keep() // it is still valid in memory
}

// write writes a secret into the modem and reads it back. The line must be on hook: values written while a call may
// be up prove nothing.
func (d *Driver) write(ctx context.Context, s secret) error {
	text := "AT" + s.set() + s.ask() + "\r"
	if d.phaseNow() != scripted {
		text = "AT" + d.autoAnswer + text[2:] // the last dial has turned it off
	}
	for range 2 { // the first attempt may meet a modem that ignores input for a moment
		r, err := d.command(ctx, order{text: text, limit: d.queryTime(), numbers: true, shown: "AT[secret]\r"})
		if err != nil && err != errWaited {
			return fmt.Errorf("write the proof: %w", err)
		}
		if err == nil && r.code == lines.OK && s.is(numbersIn(r.info)) {
			return nil
		}
	}
	return fmt.Errorf("%w: it does not keep S registers %s", errNoProof,
		strings.Trim(fmt.Sprint(d.proof.registers), "[]"))
}

// proveState makes sure that the modem is on its command line, before a command whose answer is trusted or that would
// end the proof. With modem signals this is known.
func (t *talk) proveState() error {
	d := t.d
	if t.port.HasSignals() || d.proof.why != nil {
		return nil
	}
	right, err := d.query(t.ctx, "S0=0")
	switch {
	case err != nil:
		return err
	case right:
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.ended {
		return t.why
	}
	return errUnproven
}

// restore repeats, on a port without signals, the settings that a script's reset has undone, and gives the modem a
// new secret. It does so before the script's next line, so that nothing comes between. Nothing is sent before the
// answer to the reset.
func (t *talk) restore() error {
	d := t.d
	if t.reset.IsZero() || t.port.HasSignals() {
		return nil
	}
	err := d.await(t.ctx, d.t.Command/3, func() bool { return d.lastCode.After(t.reset) || t.ended })
	if err != nil && err != errWaited {
		return err
	}
	t.reset = time.Time{}
	if d.proof.why != nil {
		return d.speakInWords(t.ctx)
	}
	if err := d.settings(t.ctx); err != nil {
		return err
	}
	if err := d.refill(t.ctx); err != nil {
		return err
	}
	d.mu.Lock()
	clean := !t.ended && !t.rang && d.phase == scripted
	d.mu.Unlock()
	if !clean {
		return errDisturbed
	}
	d.believe()
	return nil
}

// settings makes the settings that the driver needs on a port without signals: no echo, result codes in words, no
// auto-answer, the escape.
func (d *Driver) settings(ctx context.Context) error {
	if err := d.speakInWords(ctx); err != nil {
		return err
	}
	return d.setEscape(ctx)
}

// speakInWords sets the format of the modem's answers, and turns off auto-answer unless it is configured.
func (d *Driver) speakInWords(ctx context.Context) error {
	text := speak
	if d.autoAnswer == "" || d.phaseNow() == scripted {
		text += "S0=0"
	}
	if err := d.insist(ctx, text); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers = words
	return nil
}

// learn determines, while the line is on hook, whether the modem can prove its state: which escape it has, and which
// registers keep their values.
func (d *Driver) learn(ctx context.Context) error {
	d.proof.why = nil
	if err := d.setEscape(ctx); err != nil {
		return err
	}
	full := full(d.proof.registers)
	r, err := d.command(ctx, order{text: "AT" + full.set() + full.ask() + "\r", limit: d.queryTime(), numbers: true,
		shown: "AT" + full.set() + full.ask() + "\r"})
	if err != nil && err != errWaited {
		return fmt.Errorf("read the registers: %w", err)
	}
	if err != nil || r.code != lines.OK || !full.is(numbersIn(r.info)) {
		return d.fewer(ctx)
	}
	return d.refill(ctx)
}

// full returns the largest 8-bit value for each register: a register that keeps it keeps all values.
func full(registers []int) secret {
	return secret{registers, bytes.Repeat([]byte{255}, len(registers))}
}

// fewer finds the registers that keep a value, if some do not.
func (d *Driver) fewer(ctx context.Context) error {
	all := d.proof.registers
	var good []int
	var bad []string
	for _, reg := range all {
		s := full([]int{reg})
		r, err := d.command(ctx, order{text: "AT" + s.set() + s.ask() + "\r", limit: d.queryTime(), numbers: true,
			shown: "AT" + s.set() + s.ask() + "\r"})
		if err != nil && err != errWaited {
			return fmt.Errorf("read S%d: %w", reg, err)
		}
		if told := numbersIn(r.info); err == nil && r.code == lines.OK && slices.Equal(told, []int{255}) {
			good = append(good, reg)
		} else {
			bad = append(bad, fmt.Sprintf("S%d", reg))
		}
	}
	if len(good) < minProof {
		return fmt.Errorf("%w: %s do not keep written values (set proof_registers to at least two registers that "+
			"the modem's manual calls unused)",
			errNoProof, strings.Join(bad, ", "))
	}
	d.debug("%s do not keep a value; using the others", strings.Join(bad, ", "))
	d.proof.registers = good
	return d.refill(ctx)
}

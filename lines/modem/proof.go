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

// On a port without modem signals the caller's data and the modem's messages are one stream: a caller who types NO
// CARRIER, OK or CONNECT sends what the modem sends. So the modem must prove that it is the one that answers. While the
// line is proven on hook the driver writes random values into S registers without a function; only the modem's command
// line can read them, and no caller can reach that. A right answer proves command state, and ATH in command state is a
// hang-up. After a wrong answer the driver sends the escape and asks again.

// defaultRegisters have no function without modem signals: test timer, and delays of DTR and RTS.
var defaultRegisters = []int{18, 25, 26}

// minProof is the fewest registers that must keep their values, of 8 bits each.
const minProof = 2

// secret is what the registers hold.
type secret struct {
	Registers []int  `json:"registers"`
	Values    []byte `json:"values"`
}

func newSecret(registers []int) secret {
	s := secret{registers, make([]byte, len(registers))}
	rand.Read(s.Values)
	return s
}

// ask is the command that reads it.
func (s secret) ask() string {
	var b []byte
	for _, r := range s.Registers {
		b = append(strconv.AppendInt(append(b, 'S'), int64(r), 10), '?')
	}
	return string(b)
}

// set is the command that writes it.
func (s secret) set() string {
	var b []byte
	for i, r := range s.Registers {
		b = append(strconv.AppendInt(append(b, 'S'), int64(r), 10), '=')
		b = strconv.AppendInt(b, int64(s.Values[i]), 10)
	}
	return string(b)
}

// is reports whether the numbers are exactly the secret, so that an answer is one guess.
func (s secret) is(told []int) bool {
	return len(s.Values) >= minProof &&
		slices.EqualFunc(s.Values, told, func(v byte, n int) bool { return int(v) == n })
}

// numbersIn reads the lines of an answer: one number a line, or several between spaces and commas. Other lines are
// skipped.
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

// proof is what the driver knows of the modem on a port without signals. It belongs to the token's holder.
type proof struct {
	registers []int
	state     state
	char      byte  // the escape character (S2) that belongs to this line
	escape    byte  // the one in force
	guard     int   // S12 in force, in units of 20 ms; 0 none
	why       error // why the modem cannot prove its state; nil: it can
}

// state is what is known of a modem, kept across processes.
type state struct {
	// Secrets are the possible values of the registers: the newest first, and the one before it if a write was
	// interrupted.
	Secrets []secret `json:"secrets"`
	// Wiped is the profile in force since the driver reset the registers on a line that was proven on hook; nil: they
	// hold a secret.
	Wiped *profile `json:"wiped,omitempty"`
	// Stored is what ATZ loads; nil: not known.
	Stored *profile `json:"stored,omitempty"`
}

// profile is what a modem may do by itself, and its escape.
type profile struct {
	S0, S2, S12 int
}

// The profiles that are known beforehand.
var (
	factoryProfile = profile{S0: 1, S2: plus, S12: 50} // AT&F: V.250, Hayes. S0 is the makers' own
	anyProfile     = profile{S0: 1, S2: 255}           // unknown
)

// holds reports whether a line that was on hook when the profile came into force can be brought on hook without a
// secret: the modem answers no call by itself, or its escape is known.
func (p *profile) holds() bool { return p != nil && (p.S0 == 0 || p.S2 <= 127) }

// after is the profile in force after a command line that resets; stored is what ATZ loads, nil unknown.
func after(line string, stored *profile) profile {
	up := strings.ReplaceAll(strings.ToUpper(line), " ", "")
	switch {
	case strings.Contains(up, "S2=") || strings.Contains(up, "S12="):
		return anyProfile
	case strings.Contains(up, "&F"):
		return factoryProfile
	case stored == nil:
		return anyProfile
	}
	return *stored
}

func newProof(o Options) proof {
	p := proof{registers: o.Config.ProofRegisters, char: o.Proofs.escape(o.Config.TTY)}
	if len(p.registers) == 0 {
		p.registers = defaultRegisters
	}
	return p
}

// Errors of a line whose state is not proven.
var (
	errUnproven = errors.New("not proven on hook: the modem does not report what was written into its registers (a " +
		"caller impersonates the modem, or the " +
		"modem that was switched off or replaced: check that no call is up, then `ringback clear line`)")
	errNoProof   = errors.New("the modem cannot prove its state on a port without modem signals")
	errDisturbed = errors.New("a call came in while the modem was being reset")
)

// isInBand reports whether the port has no modem signals.
func (d *Driver) isInBand() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.port != nil && !d.port.HasSignals()
}

// queryTime is how long the registers' values may take to come.
func (d *Driver) queryTime() time.Duration { return d.t.Command }

// query reads the registers, with more commands before it in the same line, and reports whether they hold the secret.
// An error means that the port is lost or ctx ended; no answer counts as a wrong one.
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

// keep saves the state of the modem to disk.
func (d *Driver) keep() error {
	err := d.o.Proofs.save(d.o.Config.TTY, d.proof.state)
	d.notice(noticeProof, err)
	return err
}

// renew gives the modem that is proven on hook a new secret. It is kept on the disk before the modem has it, beside the
// one before it, so that a crash in between loses neither.
func (d *Driver) renew(ctx context.Context) error {
	if d.proof.why != nil {
		return nil
	}
	before := d.proof.state.Secrets
	s := newSecret(d.proof.registers)
	d.proof.state.Secrets = append([]secret{s}, before...)
	if d.keep() != nil {
		d.proof.state.Secrets = before
		return nil // it is unused, in the modem and on the disk
	}
	if err := d.write(ctx, s); err != nil {
		return err
	}
	d.proof.state.Secrets = []secret{s}
	return nil
}

// wipe keeps that the registers are about to be reset, on a line that is proven on hook: after a crash the next process
// knows from p how to bring it on hook again.
func (d *Driver) wipe(p profile) {
	d.proof.state.Wiped, d.proof.state.Secrets = &p, nil
	_ = d.keep() // without it a crash takes the line out of service until the operator clears it
}

// refill gives a modem whose registers were reset a new secret. It counts once nothing else has come in between: see
// believe.
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

// write writes a secret into the modem and reads it back. The line must be on hook: what is written while a call may be
// up proves nothing.
func (d *Driver) write(ctx context.Context, s secret) error {
	text := "AT" + s.set() + s.ask() + "\r"
	if d.phaseNow() != scripted {
		text = "AT" + d.autoAnswer + text[2:] // the last dial has switched it off
	}
	for range 2 { // the first may meet a modem that is deaf for a moment
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

// proveState makes sure that the modem is on its command line, before a command whose answer is believed or that would
// end the proof. With modem signals that is known.
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

// restore repeats, on a port without signals, the settings that a script's reset has undone, and gives the modem a new
// secret: before the script's next line, so that nothing comes between. Nothing is sent before the answer to the reset.
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

// settings are what the driver relies on, on a port without signals: no echo, result codes in words, no auto-answer,
// the escape.
func (d *Driver) settings(ctx context.Context) error {
	if err := d.speakInWords(ctx); err != nil {
		return err
	}
	return d.setEscape(ctx)
}

// speakInWords sets how the modem answers, and that it answers no call by itself unless it is meant to.
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

// learn finds out, while the line is on hook, whether the modem can prove its state: which escape it has, and which
// registers keep what is written into them.
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

// full has the largest value of 8 bits in each register: a register that keeps it keeps all values.
func full(registers []int) secret {
	return secret{registers, bytes.Repeat([]byte{255}, len(registers))}
}

// fewer finds the registers that keep a value, if not all do.
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
		return fmt.Errorf("%w: %s do not keep what is written (name others in proof_registers, at least two that the "+
			"modem's manual calls unused)",
			errNoProof, strings.Join(bad, ", "))
	}
	d.debug("%s do not keep a proof: the others do", strings.Join(bad, ", "))
	d.proof.registers = good
	return d.refill(ctx)
}

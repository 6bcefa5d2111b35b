package modem

import (
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

// On a port without modem signals the caller's data and the modem's word are one stream: a caller who types NO CARRIER, OK or CONNECT says what
// the modem says. So the modem proves there that it is the one that answers. While the line is proven on hook the driver writes random values
// into S registers that mean nothing; only the modem's command line can tell them, and no caller can reach that. A right answer proves command
// state, and ATH in command state is a hang-up. Who answers wrongly is escaped from, then asked again.

// defaultRegisters mean nothing where there are no modem signals: test timer, and delays of DTR and RTS.
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

// is reports whether the numbers that were told are the secret: all of them, and no other, so that an answer is one guess.
func (s secret) is(told []int) bool {
	return len(s.Values) >= minProof && slices.EqualFunc(s.Values, told, func(v byte, n int) bool { return int(v) == n })
}

// numbersIn reads the lines of an answer: one number a line, or several between spaces and commas. A line with anything else is not one of them.
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
	kept      []secret // any of these may stand in the modem: the newest first, and the one before it where writing was cut short
	char      byte     // the escape character (S2) that belongs to this line
	escape    byte     // the one in force
	guard     int      // S12 in force, in units of 20 ms; 0 none
	why       error    // why the modem cannot prove anything; nil: it can
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
	errUnproven = errors.New("not proven on hook: the modem does not tell what was written into its registers (a caller who poses as the modem, or a " +
		"modem that was switched off or replaced: see that nobody is on the line, then `ringback clear line`)")
	errNoProof = errors.New("the modem cannot prove its state on a port without modem signals")
	errStirred = errors.New("a call came in while the modem was being reset")
)

// isInBand reports whether the port has no modem signals.
func (d *Driver) isInBand() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.port != nil && !d.port.HasSignals()
}

// queryTime is how long the registers' values may take to come.
func (d *Driver) queryTime() time.Duration { return d.t.Command }

// query reads the registers, with more commands before it in the same line, and reports whether they hold the secret. An error says that the
// port has gone or ctx ended: no answer is a wrong one.
func (d *Driver) query(ctx context.Context, more string) (right bool, err error) {
	if len(d.proof.kept) == 0 {
		return false, nil
	}
	text := "AT" + more + d.proof.kept[0].ask() + "\r"
	r, err := d.command(ctx, order{text: text, limit: d.queryTime(), shown: text})
	switch {
	case err == errWaited:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w", text[:len(text)-1], err)
	case r.code != lines.OK:
		return false, nil
	}
	told := numbersIn(r.info)
	i := slices.IndexFunc(d.proof.kept, func(s secret) bool { return s.is(told) })
	if i < 0 {
		return false, nil
	}
	d.proof.kept = d.proof.kept[i : i+1]
	return true, nil
}

// renew writes a new secret and reads it back. The line must be proven on hook: what is written while a call may be up proves nothing. It is
// kept on the disk before the modem has it, beside the one before it, so that a crash in between loses neither. gone says that the modem has lost
// the one before it.
func (d *Driver) renew(ctx context.Context, gone bool) error {
	if d.proof.why != nil {
		return nil
	}
	s := newSecret(d.proof.registers)
	kept := append([]secret{s}, d.proof.kept...)
	kept = kept[:min(len(kept), 2)]
	err := d.o.Proofs.save(d.o.Config.TTY, kept)
	d.notice(noticeProof, err)
	if err != nil && !gone {
		return nil // the one that stands in the modem and on the disk is as good as before
	}
	d.proof.kept = kept
	text := "AT" + s.set() + s.ask() + "\r"
	if d.phaseNow() != scripted {
		text = "AT" + d.autoAnswer + text[2:] // the last dial has switched it off
	}
	var told []int
	for range 2 { // the first may meet a modem that is deaf for a moment
		r, err := d.command(ctx, order{text: text, limit: d.queryTime(), shown: "AT[secret]\r"})
		if err != nil && err != errWaited {
			return fmt.Errorf("write the proof: %w", err)
		}
		if told = numbersIn(r.info); err == nil && r.code == lines.OK && s.is(told) {
			d.proof.kept = kept[:1]
			return nil
		}
	}
	return fmt.Errorf("%w: it does not keep S registers %s", errNoProof, strings.Trim(fmt.Sprint(d.proof.registers), "[]"))
}

// proveState makes sure that the modem is on its command line, before a command whose answer is believed or that would end the proof. With
// modem signals that is known.
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

// mend sets again, on a port without signals, what a reset of the script's has undone, and gives the modem a new secret: before the script's next
// line, so that nothing else comes between. Until the reset's answer is there nothing is sent.
func (t *talk) mend() error {
	d := t.d
	if t.reset.IsZero() || t.port.HasSignals() {
		return nil
	}
	err := d.await(t.ctx, d.t.Command/3, func() bool { return d.lastCode.After(t.reset) || t.ended })
	if err != nil && err != errWaited {
		return err
	}
	t.reset = time.Time{}
	if err := d.settings(t.ctx); err != nil {
		return err
	}
	return d.renew(t.ctx, true)
}

// settings is what the driver's safety rests on, on a port without signals: no echo, result codes in words, no auto-answer, the escape.
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

// learn finds out, while the line is on hook, whether the modem can prove its state: which escape it has, and which registers keep what is
// written into them.
func (d *Driver) learn(ctx context.Context) error {
	d.proof.why = nil
	if err := d.setEscape(ctx); err != nil {
		return err
	}
	if err := d.renew(ctx, true); err == nil || stop(ctx, err) {
		return err
	}
	return d.fewer(ctx)
}

// fewer looks for the registers that do keep a value, where not all do.
func (d *Driver) fewer(ctx context.Context) error {
	all := d.proof.registers
	var good []int
	var bad []string
	for _, reg := range all {
		s := newSecret([]int{reg})
		s.Values[0] |= 0x80 // a register that keeps 7 bits is none
		r, err := d.command(ctx, order{text: "AT" + s.set() + s.ask() + "\r", limit: d.queryTime(), shown: "AT[secret]\r"})
		if err != nil && err != errWaited {
			return fmt.Errorf("read S%d: %w", reg, err)
		}
		if told := numbersIn(r.info); err == nil && r.code == lines.OK && slices.Equal(told, []int{int(s.Values[0])}) {
			good = append(good, reg)
		} else {
			bad = append(bad, fmt.Sprintf("S%d", reg))
		}
	}
	if len(good) < minProof {
		return fmt.Errorf("%w: %s do not keep what is written (name others in proof_registers, at least two that the modem's manual calls unused)",
			errNoProof, strings.Join(bad, ", "))
	}
	d.debug("%s do not keep a proof: the others do", strings.Join(bad, ", "))
	d.proof.registers = good
	return d.renew(ctx, true)
}

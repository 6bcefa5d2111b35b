package modem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// speak turns on verbose result codes without echo. It precedes every command whose answer is needed, because a modem
// whose profile has Q1 or V0 sends no OK.
const speak = "ATE0Q0V1"

// defaultInit is the initialization after ATZ: DCD follows the carrier, DTR hangs up, no auto-answer.
const defaultInit = "ATE0Q0V1&C1&D2S0=0"

// The commands of a modem without a profile.
const (
	defaultAnswer   = "ATA"
	defaultCallerID = "AT+VCID=1" // V.253
)

// The names of the notices of a line.
const (
	noticeCarrier         = "carrier"
	noticeCallerID        = "caller ID"
	noticeProof           = "proof"
	noticeRecovery        = "recovery"
	noticeSpeed           = "speed"
	noticeErrorCorrection = "error correction"
	noticeOnHold          = "modem-on-hold"
	noticeVerify          = "verify"
	noticeMessages        = "short messages"
)

// notice shows an error as a notice of the line, or removes the notice.
func (d *Driver) notice(name string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	d.host.Notice(name, text)
}

// start prepares the modem after the port was opened. unproven means that the modem is ready but does not seem to be
// on hook.
func (d *Driver) start(ctx context.Context) (unproven, err error) {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	if port.HasSignals() {
		return d.startBySignals(ctx, port)
	}
	return nil, d.startInBand(ctx)
}

func (d *Driver) startBySignals(ctx context.Context, port lines.Port) (unproven, err error) {
	if err := port.SetDTR(true); err != nil {
		return nil, fmt.Errorf("raise DTR: %w", err)
	}
	d.lookAtSignals()
	if err := d.reset(ctx); err != nil {
		return nil, err
	}
	if err := d.initialize(ctx); err != nil {
		return nil, err
	}
	if err := d.disableEscape(ctx); err != nil {
		return nil, err
	}
	d.switchOnCallerID(ctx)
	d.switchOnMessages(ctx)
	if err := d.verify(ctx); err != nil {
		return nil, err
	}
	if !d.dcd() {
		return nil, nil
	}
	// &C1 is in force now: DCD shows a real carrier.
	if err := d.lowerDTR(ctx); err != nil {
		return err, nil
	}
	return nil, d.insist(ctx, "AT")
}

// wantsCaller reports whether the calling number is needed.
func (d *Driver) wantsCaller() bool { return d.o.Config.CallerID || d.screens() }

// switchOnCallerID turns on caller ID. A refusal is shown as a notice.
func (d *Driver) switchOnCallerID(ctx context.Context) {
	if !d.wantsCaller() {
		return
	}
	err := d.knowsPlus(ctx)
	if err == nil {
		err = d.ask(ctx, cmp.Or(d.o.Config.Profile.CallerID.Command, defaultCallerID), d.t.Command)
	}
	if err != nil {
		err = fmt.Errorf("no caller ID: %w (set profile to the modem's family, or add the modem's own command to init)",
			err)
		d.debug("%v", err)
	}
	d.notice(noticeCallerID, err)
}

// errSkipsPlus is why a modem is not asked for caller ID.
var errSkipsPlus = errors.New("the modem answers OK without a text to AT+GMI: it may be one that skips the plus of a " +
	"command (tcpser), and would take " + defaultCallerID + " for a dial")

// knowsPlus returns an error if the modem of a line with the generic profile may take AT+VCID for V, C, I and a dial
// (law 2). AT+GMI, which such a modem takes for harmless commands, is answered with the manufacturer (V.250, 6.1.4)
// or ERROR.
func (d *Driver) knowsPlus(ctx context.Context) error {
	if name := d.o.Config.Profile.Name; name != "" && name != lines.GenericProfile {
		return nil
	}
	r, err := d.command(ctx, order{text: "AT+GMI\r", limit: d.t.Command})
	switch {
	case err == errWaited:
		return fmt.Errorf("%w to AT+GMI within %v", errNoOK, d.t.Command)
	case err != nil:
		return fmt.Errorf("AT+GMI: %w", err)
	case r.code == lines.OK && len(r.info) == 0:
		return errSkipsPlus
	}
	return nil
}

// reset loads the stored profile, and makes a modem answer that does not, or that has a call up.
func (d *Driver) reset(ctx context.Context) error {
	silent := errors.New("DCD is on: a call that an earlier process left up")
	if !d.dcd() {
		if silent = d.insist(ctx, speak); silent == nil {
			return d.load(ctx)
		}
		if stop(ctx, silent) {
			return silent
		}
	}
	d.climb(rungDTR, silent)
	if err := d.lowerDTR(ctx); err != nil && stop(ctx, err) {
		return err // a DCD that stays on may be forced (&C0); the initialization ends that
	}
	d.climb(rungATH, silent)
	if err := d.ask(ctx, "ATH", d.t.Command); err != nil && stop(ctx, err) {
		return err
	}
	err := d.insist(ctx, speak)
	if err == nil {
		return d.load(ctx)
	}
	if stop(ctx, err) {
		return err
	}
	d.climb(rungATZ, err)
	return d.load(ctx)
}

// load loads the stored profile. Its answer is ignored: the profile may turn off result codes.
func (d *Driver) load(ctx context.Context) error {
	if err := d.ask(ctx, "ATZ", d.t.Command/3); err != nil && stop(ctx, err) {
		return err
	}
	return d.insist(ctx, speak)
}

// stop reports whether a retry is useless.
func stop(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, lines.ErrDown)
}

func (d *Driver) initialize(ctx context.Context) error {
	text := d.o.Config.Init
	switch {
	case text == "":
		text = defaultInit
	case len(text) < 2 || !strings.EqualFold(text[:2], "AT"):
		text = "AT" + text
	}
	if err := d.insist(ctx, text); err != nil {
		if !errors.Is(err, errNoOK) && !stop(ctx, err) {
			err = &lines.Failed{Kind: lines.FailInit, Err: err,
				Text: fmt.Sprintf("%v (set init to the equivalent commands from the modem's manual)", err)}
		}
		return err
	}
	d.mu.Lock()
	d.numbers = d.spoke
	d.mu.Unlock()
	if err := d.optional(ctx, noticeErrorCorrection, d.o.Config.Profile.ErrorCorrection); err != nil {
		return err
	}
	return d.optional(ctx, noticeOnHold, d.o.Config.Profile.OnHold)
}

// optional sends a command of the profile without which the line works: a refusal is shown as a notice.
func (d *Driver) optional(ctx context.Context, name, text string) error {
	if text == "" {
		return nil
	}
	err := d.ask(ctx, text, d.t.Command)
	if err != nil && stop(ctx, err) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("%s is not set: %w (is the profile %s right for this modem?)", name, err,
			d.o.Config.Profile.Name)
		d.debug("%v", err)
	}
	d.notice(name, err)
	return nil
}

// verify reads the registers that the profile names, and shows as a notice those that do not have their values.
func (d *Driver) verify(ctx context.Context) error {
	var wrong []string
	for _, want := range d.o.Config.Profile.Verify {
		text := fmt.Sprintf("ATS%d?", want.Number)
		r, err := d.command(ctx, order{text: text + "\r", limit: d.queryTime(), numbers: true, shown: text})
		if err != nil && stop(ctx, err) {
			return err
		}
		if told := numbersIn(r.info); err != nil || r.code != lines.OK || len(told) != 1 {
			wrong = append(wrong, fmt.Sprintf("S%d cannot be read", want.Number))
		} else if told[0] != want.Value {
			wrong = append(wrong, fmt.Sprintf("S%d is %d, not %d", want.Number, told[0], want.Value))
		}
	}
	var err error
	if len(wrong) > 0 {
		err = fmt.Errorf("the modem does not keep its settings: %s (set them in init; is the profile %s right for "+
			"this modem?)", strings.Join(wrong, ", "), d.o.Config.Profile.Name)
		d.debug("%v", err)
	}
	d.notice(noticeVerify, err)
	return nil
}

// disableEscape makes +++ data (V.250 §6.2.9 leaves S2 to the manufacturers; a value above 127 disables the escape on
// all). With DTR the escape is not needed, and a caller must not reach the command line through our echo. The modem
// must confirm the setting.
func (d *Driver) disableEscape(ctx context.Context) error {
	const hint = "a caller could reach the command line with +++: use a modem that can switch the escape off"
	if err := d.insist(ctx, "ATS2=255"); err != nil {
		if stop(ctx, err) {
			return err
		}
		return fmt.Errorf("%w (%s)", err, hint)
	}
	off, r, err := d.escapeIsOff(ctx)
	if err != nil && err != errWaited {
		return fmt.Errorf("ATS2?: %w", err)
	}
	if !off {
		return fmt.Errorf("the modem answered %q %s to ATS2? after ATS2=255 (%s)", r.last(), r.code, hint)
	}
	return nil
}

// escapeIsOff reports whether the modem answers that its escape is disabled, and its answer.
func (d *Driver) escapeIsOff(ctx context.Context) (bool, reply, error) {
	r, err := d.command(ctx, order{text: "ATS2?\r", limit: 2 * d.t.Command, numbers: true})
	n, bad := strconv.Atoi(r.last())
	return err == nil && bad == nil && n > 127 && r.code == lines.OK, r, err
}

// startInBand prepares a modem on a port without signals. Until the modem has proven that the answers are its own, no
// OK is trusted: an earlier process may have left a call up, and its caller may imitate the modem.
func (d *Driver) startInBand(ctx context.Context) error {
	if cfg := d.o.Config; !cfg.InBand && !cfg.InsecureSignals {
		return errors.New("the port has no modem signals: its server does not support them (COM-PORT, RFC 2217), or " +
			"the device has none (fix that, or set insecure_signals: true)")
	}
	if d.rungIn >= patientResets {
		if err := d.endRinging(ctx); err != nil {
			return err
		}
	}
	proven, err := d.provenFromBefore(ctx)
	if err == nil && !proven {
		err = d.bootstrap(ctx)
	}
	if err == nil {
		err = d.makeReady(ctx)
	}
	return d.disturbedReset(err)
}

// provenFromBefore uses the secret of the previous process, or of the previous opening of the port, to prove that the
// modem is on hook. false means that there is no secret, or that the operator waives the proof.
func (d *Driver) provenFromBefore(ctx context.Context) (proven bool, err error) {
	vouchedAt := d.vouched() || d.o.Config.InsecureSignals
	d.proof.state, err = d.o.Proofs.load(d.o.Config.TTY)
	switch {
	case err != nil && !vouchedAt:
		return false, err
	case d.proof.state.Wiped.holds():
		return false, nil
	case d.proof.state.Wiped == nil && len(d.proof.state.Secrets) == 0:
		return false, nil
	}
	right, err := d.query(ctx, "")
	for n := 0; n < escapeTries && err == nil && !right && d.proof.state.Wiped == nil; n++ {
		if err = d.escapeAfter(ctx, time.Duration(1+n)*d.guardTime(), []byte{d.proof.char, plus}); err == nil {
			right, err = d.query(ctx, "")
		}
	}
	switch {
	case err != nil:
		return false, err
	case right:
		d.watch()
		return true, d.insist(ctx, "ATH")
	case vouchedAt:
		return false, nil
	}
	return false, errUnproven
}

// watch starts to watch for an event that invalidates a reset: a call that arrives before the modem has its secret.
func (d *Driver) watch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disturbed = false
}

// bootstrap brings a modem without a known secret on hook: it sends all possible escapes, twice each, and ATH. The
// modem's answers prove nothing.
func (d *Driver) bootstrap(ctx context.Context) error {
	chars := append([]byte{plus}, escapeChars...) // a process with another key may have set S2
	for _, p := range []*profile{d.proof.state.Wiped, d.proof.state.Stored} {
		if p != nil && p.S2 <= 127 && !slices.Contains(chars, byte(p.S2)) {
			chars = append(chars, byte(p.S2))
		}
		if p != nil {
			d.proof.guard = max(d.proof.guard, p.S12)
		}
	}
	// The first round ends an existing call. The second round ends a call that the modem answered by itself during
	// the first one; later calls are detected.
	if err := d.escape(ctx, chars...); err != nil {
		return err
	}
	d.watch()
	for _, text := range []string{"ATH", speak + "S0=0"} {
		if err := d.ask(ctx, text, d.t.Command/2); err != nil && stop(ctx, err) {
			return err
		}
	}
	if err := d.sendEscapes(ctx, d.guardTime(), chars); err != nil {
		return err
	}
	if err := d.ask(ctx, "ATH", d.t.Command/2); err != nil && stop(ctx, err) {
		return err
	}
	return nil
}

// makeReady resets and initializes a modem that is on hook, and gives it a new secret. A call that arrives while the
// modem may answer by itself invalidates all of this.
func (d *Driver) makeReady(ctx context.Context) error {
	if err := d.insist(ctx, speak); err != nil {
		return err
	}
	if err := d.loadInBand(ctx); err != nil {
		return err
	}
	if err := d.initialize(ctx); err != nil {
		return err
	}
	if err := d.speakInWords(ctx); err != nil {
		return err
	}
	d.switchOnCallerID(ctx)
	d.switchOnMessages(ctx)
	if err := d.verify(ctx); err != nil {
		return err
	}
	err := d.learn(ctx)
	d.mu.Lock()
	disturbed := d.disturbed
	d.mu.Unlock()
	switch {
	case disturbed:
		return errDisturbed
	case errors.Is(err, errNoProof) && d.o.Config.InsecureSignals:
		d.proof.why = err
		d.notice(noticeProof, err)
		return nil
	case errors.Is(err, errNoProof):
		return fmt.Errorf("%w; or use a port with modem signals, or set insecure_signals: true", err)
	case err != nil:
		return err
	}
	d.believe()
	return nil
}

// loadInBand loads the stored profile, and finds out which automatic actions it allows the modem before these are
// turned off.
func (d *Driver) loadInBand(ctx context.Context) error {
	// without this record, the next start begins in the same way
	if st := &d.proof.state; st.Stored != nil || len(st.Secrets) > 0 || st.Wiped != nil {
		d.wipe(after("ATZ"+d.o.Config.Init, st.Stored))
	}
	if err := d.ask(ctx, "ATZ", d.t.Command/3); err != nil && stop(ctx, err) {
		return err
	}
	text := speak + "S0?S2?S12?S0=0"
	r, err := d.command(ctx, order{text: text + "\r", limit: d.queryTime(), numbers: true, shown: text})
	if err != nil && err != errWaited {
		return fmt.Errorf("%s: %w", text, err)
	}
	told := numbersIn(r.info)
	if err != nil || r.code != lines.OK || len(told) != 3 {
		return d.speakInWords(ctx)
	}
	stored := profile{S0: told[0], S2: told[1], S12: told[2]}
	d.proof.state.Stored = &stored
	d.wipe(after("ATZ"+d.o.Config.Init, &stored))
	return nil
}

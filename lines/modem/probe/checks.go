package probe

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// registers reads what the modem does by itself, and finds out that it is a modem at all.
func (p *prober) registers(ctx context.Context) error {
	s0, err := p.register(ctx, 0)
	if err != nil {
		return err
	}
	if s0 < 0 {
		p.check("S registers", Bad, "the device answers AT, but has no register S0: it is no telephone modem",
			"connect a modem; Wi-Fi, Bluetooth and LTE data modules also understand AT")
		return nil
	}
	p.report.Answers = append(p.report.Answers, Answer{"ATS0?", []string{fmt.Sprintf("%03d", s0)}, ringsText(s0)})
	if s0 > 0 {
		p.check("auto-answer", Good, fmt.Sprintf("%s; ringback turns it off", ringsText(s0)),
			"AT&F then ATS0=0&W makes it permanent; without that, the modem answers while ringback does not run")
	}
	return nil
}

func ringsText(s0 int) string {
	if s0 == 0 {
		return "auto-answer is off"
	}
	return fmt.Sprintf("the modem answers by itself after %d rings", s0)
}

// signalNames are the signals that a modem drives, in the order in which they are shown.
var signalNames = []struct {
	signal lines.Signals
	name   string
}{{lines.DCD, "DCD"}, {lines.DSR, "DSR"}, {lines.CTS, "CTS"}, {lines.RI, "RI"}}

func signalText(s lines.Signals) string {
	var on []string
	for _, n := range signalNames {
		if s.Has(n.signal) {
			on = append(on, n.name)
		}
	}
	if len(on) == 0 {
		return "none"
	}
	return strings.Join(on, " ")
}

// signals looks at the modem's wires, and tests DCD by forcing it on and off.
func (p *prober) signals(ctx context.Context) error {
	if p.report.InBand {
		p.check("modem signals", Unknown, "this kind of port has none: the modem proves its state by S registers",
			"use a serial or rfc2217 port if you can")
		return nil
	}
	s := p.talk.port.Signals()
	p.report.Signals = signalText(s)
	if !s.Has(lines.CTS) {
		p.check("CTS", Bad, "CTS is off: with hardware flow control nothing can be sent",
			"check the cable, or add flow=none to the port")
	}
	view, err := p.ask(ctx, "AT&V")
	if err != nil {
		return err
	}
	text := strings.Join(view.lines, " ")
	if err := p.carrier(ctx, s.Has(lines.DCD), setting(text, "C")); err != nil {
		return err
	}
	return p.ready(ctx, setting(text, "D"))
}

// setting returns the value of &C or &D in the answer to AT&V; -1: it is not there.
func setting(text, letter string) int {
	m := regexp.MustCompile(`(?i)&` + letter + `\s*=?\s*([0-9])`).FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1]) // one digit
	return n
}

// settle is how long a modem may take to change a signal, and a port to notice.
const settle = 250 * time.Millisecond

// carrier tests &C: no call is up, so DCD must follow &C1 and &C0. had is the value of &C; -1: the modem does not say.
func (p *prober) carrier(ctx context.Context, on bool, had int) error {
	if had < 0 {
		if had = 1; on {
			had = 0 // DCD is on without a call
		}
	}
	defer p.restore(ctx, fmt.Sprintf("AT&C%d", had))
	off, err := p.forced(ctx, "AT&C1", false)
	if err != nil {
		return err
	}
	forced, err := p.forced(ctx, "AT&C0", true)
	if err != nil {
		return err
	}
	switch {
	case !off:
		p.check("&C, DCD", Bad, "DCD stays on without a call, also with &C1",
			"check that neither the cable nor a switch of the modem forces DCD on")
	case !forced:
		p.check("&C, DCD", Bad, "DCD never comes on, also not with &C0",
			"use a cable with all wires (DCD is pin 1 of 9 or 8 of 25)")
	default:
		p.check("&C, DCD", Good, "DCD follows the carrier, and its wire is connected", "")
	}
	return nil
}

// forced sends a command and reports whether DCD is as it should be a moment later.
func (p *prober) forced(ctx context.Context, command string, want bool) (bool, error) {
	if _, err := p.ask(ctx, command); err != nil {
		return false, err
	}
	late := time.After(settle)
	for p.talk.port.Signals().Has(lines.DCD) != want {
		select {
		case <-p.talk.port.Changes():
		case <-late:
			return p.talk.port.Signals().Has(lines.DCD) == want, nil
		case <-ctx.Done():
			return false, context.DeadlineExceeded
		}
	}
	return true, nil
}

// ready tests that the modem accepts &D2. That DTR hangs up can only be seen in a call.
func (p *prober) ready(ctx context.Context, had int) error {
	if had < 0 {
		p.check("&D, DTR", Unknown, "the modem does not tell its &D, so it was not changed",
			"in a call, check once that the modem hangs up when DTR drops")
		return nil
	}
	defer p.restore(ctx, fmt.Sprintf("AT&D%d", had))
	r, err := p.ask(ctx, "AT&D2")
	if err != nil {
		return err
	}
	if !r.ok {
		p.check("&D, DTR", Bad, "the modem rejects &D2, so DTR does not hang up",
			"find the equivalent command in its manual, and set it in init")
		return nil
	}
	p.check("&D, DTR", Good, "the modem accepts &D2; that DTR hangs up shows only in a call", "")
	return nil
}

// escape tests S2: with signals it must switch the escape off, and without them S2 and S12 must be known.
func (p *prober) escape(ctx context.Context) error {
	s2, err := p.register(ctx, 2)
	if err != nil {
		return err
	}
	if p.report.InBand {
		s12, err := p.register(ctx, 12)
		if err != nil {
			return err
		}
		switch {
		case s2 < 0 || s12 < 0:
			p.check("S2, S12", Bad, "the modem does not tell its escape character and guard time",
				"use a port with modem signals, or accept the risk with insecure_signals: true")
		case s12 == 0:
			p.check("S2, S12", Bad, "the guard time S12 is 0, so data can escape",
				"set it in the stored profile: ATS12=50&W")
		default:
			p.check("S2, S12", Good, fmt.Sprintf("escape character %d, guard time %v", s2,
				time.Duration(s12)*20*time.Millisecond), "")
		}
		return nil
	}
	off := false
	if s2 >= 0 {
		if off, err = p.keeps(ctx, 2, s2, 255); err != nil {
			return err
		}
	}
	if !off {
		p.check("S2", Bad, "the modem cannot switch the escape off (S2=255): a caller could reach its command line",
			"use another modem for a line with callers")
		return nil
	}
	p.check("S2", Good, "the escape can be switched off (S2=255)", "")
	return nil
}

// proof tests which registers keep what is written.
func (p *prober) proof(ctx context.Context) error {
	if !p.report.InBand {
		return nil
	}
	var bad []string
	for _, n := range p.o.Profiles.Get(p.report.Profile).ProofRegisters {
		had, err := p.register(ctx, n)
		if err != nil {
			return err
		}
		good := false
		if had >= 0 {
			if good, err = p.keeps(ctx, n, had, 255); err != nil {
				return err
			}
		}
		if good {
			p.report.ProofRegisters = append(p.report.ProofRegisters, n)
			continue
		}
		bad = append(bad, fmt.Sprintf("S%d", n))
	}
	text := "S registers that keep a value: " + strings.Trim(fmt.Sprint(p.report.ProofRegisters), "[]")
	if len(p.report.ProofRegisters) < 2 {
		p.check("proof registers", Bad, strings.Join(bad, ", ")+" do not keep a value",
			"set proof_registers to two or more that the manual calls unused, or use a port with modem signals")
		return nil
	}
	p.check("proof registers", Good, text, "")
	return nil
}

// callerIDs are the questions about caller ID, and the commands that turn it on.
var callerIDs = []struct{ ask, on string }{{"AT+VCID=?", "AT+VCID=1"}, {"AT#CID=?", "AT#CID=1"},
	{"AT+CLIP=?", "AT+CLIP=1"}}

// callerID asks which command turns caller ID on. Nothing is turned on.
func (p *prober) callerID(ctx context.Context) error {
	if !p.extended {
		p.check("caller ID", Unknown, "the modem answers OK to extended commands that it does not know, so it was not "+
			"asked: some take AT+VCID for a dial", "leave caller_id off, or use the profile of the modem (tcpser)")
		return nil
	}
	var has []string
	for _, q := range callerIDs {
		r, err := p.ask(ctx, q.ask)
		if err != nil {
			return err
		}
		if r.ok {
			has = append(has, q.on)
		}
	}
	command := p.o.Profiles.Get(p.report.Profile).CallerID.Command
	switch {
	case command == "AT":
		p.check("caller ID", Good, "the modem reports the number without a command", "")
	case len(has) == 0:
		p.check("caller ID", Unknown, fmt.Sprintf("the modem knows none of the usual commands; the profile has %s",
			command), "")
	case !slices.Contains(has, command):
		p.check("caller ID", Unknown, fmt.Sprintf("the modem knows %s, but the profile has %s",
			strings.Join(has, " and "), command),
			"for caller ID, write a profile with caller_id: {command: "+has[0]+"}")
	default:
		p.check("caller ID", Good, "the modem knows "+command, "")
	}
	return nil
}

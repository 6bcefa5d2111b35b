// Package probe finds out what modem is on a port and whether it suits a line. It never dials, never goes off hook,
// never writes the stored profile, and restores each setting that it changes.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem/profiles"
)

// DefaultPatience is the longest wait for the result code of one command; a modem answers within a tenth of a second.
const DefaultPatience = 700 * time.Millisecond

// budgetFor is how long the questions to a modem that answers may take together: 4.5 s with DefaultPatience.
func budgetFor(patience time.Duration) time.Duration { return patience / 7 * 45 }

// Options are the parameters of a probe.
type Options struct {
	// Open opens the port at a speed in bit/s; 0 is that of the URL. Its errors name the port. Run closes the port.
	Open func(ctx context.Context, speed int) (lines.Port, error)
	// URL returns the port's URL for a speed.
	URL func(speed int) string
	// Speeds are tried in this order until the modem answers. An empty list is a port without a speed.
	Speeds   []int
	USB      string // vid:pid of the device, "" if unknown
	Profiles *profiles.Set
	TTY      int // of the proposed line
	// Patience is the longest wait for the result code of one command, for a modem behind a slow network; 0:
	// DefaultPatience. All questions together may take 45/7 of it.
	Patience time.Duration
}

// Run probes the modem. It ends soon after ctx; without a modem it ends after a second for each speed.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	p := &prober{o: o, report: &Report{USB: o.USB}}
	if err := p.find(ctx); err != nil {
		return nil, err
	}
	defer p.talk.port.Close()
	asking, cancel := context.WithTimeout(ctx, budgetFor(o.Patience))
	defer cancel()
	if err := p.questions(asking); err != nil {
		return nil, fmt.Errorf("%s: %w", p.report.Port, p.advise(err))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.report.propose(o.TTY)
	return p.report, nil
}

// prober is one run of a probe.
type prober struct {
	o     Options
	talk  talker
	quiet bool // the modem had Q1
	// the modem knows that + begins a name: one that skips it takes AT+VCID for V, C, I and a dial
	extended bool
	report   *Report
	heard    string // what came instead of an answer
	inCall   bool   // DCD is on, and there is no answer
}

// find opens the port and finds the speed at which the modem answers.
func (p *prober) find(ctx context.Context) error {
	speeds := p.o.Speeds
	if len(speeds) == 0 {
		speeds = []int{0}
	}
	var last error
	for _, speed := range speeds {
		port, err := p.o.Open(ctx, speed)
		if err != nil {
			return inUse(err)
		}
		p.talk = talker{port: port, gap: shortGap, patience: p.o.Patience}
		if last = p.hello(ctx); last == nil {
			p.report.Speed, p.report.Port = speed, p.o.URL(speed)
			p.report.InBand = !port.HasSignals()
			return nil
		}
		signals := port.Signals()
		port.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.inCall = signals.Has(lines.DCD)
	}
	return fmt.Errorf("%s: %w", p.o.URL(0), p.advise(last))
}

// hello asks for OK, and turns on the result codes if the modem has them off (Q1).
func (p *prober) hello(ctx context.Context) error {
	if p.talk.port.HasSignals() {
		if err := p.talk.port.SetDTR(true); err != nil {
			return err
		}
	}
	var err error
	for n, command := range []string{"AT", "AT", "ATQ0"} { // the first may meet the rest of another command
		var r reply
		r, err = p.talk.ask(ctx, command)
		if r.raw != "" {
			p.heard = r.raw
		}
		if errors.Is(err, errSilent) && slices.Contains(r.lines, "0") {
			p.talk.numeric, err = true, nil
		}
		switch {
		case err == nil:
			p.quiet = n == 2
			return nil
		case !errors.Is(err, errSilent):
			return err
		}
	}
	return err
}

var login = regexp.MustCompile(`(?i)(login|username|password)\s*:`)

// advise says what to do about a device that does not answer as a modem does.
func (p *prober) advise(err error) error {
	heard := strings.TrimSpace(p.heard)
	switch {
	case errors.Is(err, errRinging):
		return fmt.Errorf("%w: the probe does not disturb a call (try again when it has stopped)", err)
	case errors.Is(err, errFlood):
		return fmt.Errorf("%w: it begins with %s (no modem does that: is it another device, such as a GPS receiver or "+
			"a console? is the speed right?)", err, quote(heard))
	case gone(err):
		return inUse(err)
	case !errors.Is(err, errSilent):
		return err
	case login.MatchString(heard):
		return fmt.Errorf("a computer answers, not a modem: %s (connect the modem to this port; or a getty runs on "+
			"it: systemctl disable --now serial-getty@NAME)", quote(heard))
	case heard != "" && strings.Trim(strings.ToUpper(heard), "ATQ0\r\n ") == "":
		return errors.New("the device returns what is sent, without an OK (a loopback plug, a crossed cable, or a " +
			"modem in a call: check the cable, or hang up)")
	case heard != "":
		return fmt.Errorf("no OK to AT; the device sends %s (is the speed right? is it a modem?)", quote(heard))
	}
	if p.inCall {
		return fmt.Errorf("%w to AT at any speed, and DCD is on (is a call up? hang up, or switch the modem off and "+
			"on; a modem with &C0, or a cable, may also force DCD on)", err)
	}
	return fmt.Errorf("%w to AT at any speed (is it a modem? check power, cable and, for ModemManager or a getty, "+
		"what else uses the port)", err)
}

// gone reports whether the server ended the connection: most servers do that with a port that is in use.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// inUse adds to the error of a connection that the server ended why servers do that; it returns any other as it is.
func inUse(err error) error {
	if !gone(err) {
		return err
	}
	return fmt.Errorf("the connection was closed: the port is in use, by a line of a daemon or another program: %w "+
		"(`ringback show modem N` shows the modem of a line; otherwise stop the program, or probe another port)", err)
}

// quote shortens a text from the device for a message.
func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.QuoteToASCII(s)
}

// questions asks what the report needs, the most important first.
func (p *prober) questions(ctx context.Context) error {
	if p.quiet {
		defer p.restore(ctx, "ATQ1")
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"model", p.identify}, {"S registers", p.registers}, {"modem signals", p.signals}, {"S2", p.escape},
		{"proof registers", p.proof}, {"caller ID", p.callerID}} {
		switch err := part.run(ctx); {
		case errors.Is(err, context.DeadlineExceeded):
			p.check(part.name, Unknown, fmt.Sprintf("not all answers came within %v", budgetFor(p.o.Patience)), "")
		case err != nil:
			return err
		}
	}
	return nil
}

// ask is talker.ask for a command that a modem may not know: silence counts as no answer. The first silence may also
// mean that the command came too early after the last result code.
func (p *prober) ask(ctx context.Context, command string) (reply, error) {
	r, err := p.talk.ask(ctx, command)
	if errors.Is(err, errSilent) && p.talk.gap == shortGap {
		p.talk.gap = longGap
		r, err = p.talk.ask(ctx, command)
	}
	switch {
	case ctx.Err() != nil:
		return r, context.DeadlineExceeded
	case errors.Is(err, errSilent):
		return reply{silent: true}, nil
	}
	return r, err
}

// restore sends a command that restores a setting, also if the time is up.
func (p *prober) restore(ctx context.Context, command string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*p.o.Patience)
	defer cancel()
	_, _ = p.ask(ctx, command) // a modem that does not answer any more cannot be helped
}

// note records an answer.
func (p *prober) note(command string, r reply) {
	if r.ok && len(r.lines) > 0 {
		p.report.Answers = append(p.report.Answers, Answer{command, r.lines, meaning(command, r.lines)})
	}
}

// inquiries are the commands that a modem may answer with its name: the usual ones, and those that are asked if these
// do not tell the family. ATI2 is missing: on some it tests the memory.
var (
	inquiries     = []string{"ATI3", "ATI0", "ATI4"}
	moreInquiries = []string{"ATI6", "ATI1", "ATI5", "ATI7", "ATI8", "ATI9"}
)

// identify asks for maker and model, and selects the profile. A modem with a long pause after each answer has no time
// for all questions, and what a line needs is asked after these.
func (p *prober) identify(ctx context.Context) error {
	said := profiles.Answers{USB: p.o.USB}
	if err := p.inquire(ctx, inquiries, &said); err != nil {
		return err
	}
	if err := p.inquireNames(ctx, &said); err != nil {
		return err
	}
	best, also := p.o.Profiles.Identify(said)
	if best.Name == profiles.Generic || len(also) > 0 {
		if err := p.inquire(ctx, moreInquiries, &said); err != nil {
			return err
		}
		best, also = p.o.Profiles.Identify(said)
	}
	p.report.Profile, p.report.About = best.Name, best.About
	for _, other := range also {
		p.report.Also = append(p.report.Also, other.Name)
	}
	return nil
}

// inquire asks for the lines of ATI.
func (p *prober) inquire(ctx context.Context, commands []string, said *profiles.Answers) error {
	for _, command := range commands {
		r, err := p.ask(ctx, command)
		if err != nil {
			return err
		}
		p.note(command, r)
		said.ATI = append(said.ATI, r.lines...)
	}
	return nil
}

// inquireNames asks for manufacturer and model (V.250 §6.1).
func (p *prober) inquireNames(ctx context.Context, said *profiles.Answers) error {
	for _, q := range []struct {
		commands []string
		to       *[]string
	}{{[]string{"AT+GMI", "AT+CGMI"}, &said.GMI}, {[]string{"AT+GMM", "AT+CGMM"}, &said.GMM}} {
		for _, command := range q.commands {
			r, err := p.ask(ctx, command)
			if err != nil {
				return err
			}
			if p.note(command, r); !r.silent && (!r.ok || len(r.lines) > 0) {
				p.extended = true
			}
			if r.ok && len(r.lines) > 0 {
				*q.to = r.lines
				break
			}
		}
	}
	return nil
}

// register reads an S register; -1: the modem does not have it.
func (p *prober) register(ctx context.Context, n int) (int, error) {
	r, err := p.ask(ctx, fmt.Sprintf("ATS%d?", n))
	if err != nil || !r.ok {
		return -1, err
	}
	v, bad := strconv.Atoi(r.last())
	if bad != nil || v < 0 || v > 255 {
		return -1, nil
	}
	return v, nil
}

// keeps writes a value into a register, reads it back and restores the register. had is the value before.
func (p *prober) keeps(ctx context.Context, n, had, value int) (bool, error) {
	r, err := p.ask(ctx, fmt.Sprintf("ATS%d=%d", n, value))
	if err == nil && !r.ok {
		return false, nil
	}
	if err != nil {
		p.restore(ctx, fmt.Sprintf("ATS%d=%d", n, had))
		return false, err
	}
	defer p.restore(ctx, fmt.Sprintf("ATS%d=%d", n, had))
	now, err := p.register(ctx, n)
	return now == value, err
}

func (p *prober) check(name string, v Verdict, text, fix string) {
	p.report.Checks = append(p.report.Checks, Check{name, v, text, fix})
}

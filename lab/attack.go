package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab/exchange"
)

// Attack is a theft that a caller attempts on the daemon: the computer at the caller's modem imitates the daemon's own
// modem. Result codes and data share one stream, so a driver that trusts what it reads can be attacked.
type Attack struct {
	Name  string
	About string // what the thief does, and the goal

	lines int                                          // number of the daemon's lines, from 65 on
	edit  func(name, text string) string               // of the daemon's files; nil: none
	modem func(name string, c *exchange.ModemConfig)   // of the town's modems; nil: as usual
	play  func(ctx context.Context, s *siege) error    // an error means that the attack could not be played
	host  func(ctx context.Context) (*evilHost, error) // a host that a session connects to; nil: none
}

// AttackResult is the result of an attack.
type AttackResult struct {
	Attack  string   `json:"attack"`
	Ports   Ports    `json:"ports"`
	Held    bool     `json:"held"`
	Got     []string `json:"got,omitempty"`   // what the thief got although the daemon must prevent it
	Notes   []string `json:"notes,omitempty"` // other observations
	Error   string   `json:"error,omitempty"` // the attack could not be played
	Seconds float64  `json:"seconds"`
	Dir     string   `json:"dir,omitempty"` // the town's files, if the attack succeeded
}

// Attacks are all attacks, in the order of their description.
func Attacks() []Attack {
	return slices.Concat(thefts(), holds(), reopens(), escapes(), forgeries())
}

// attackTime limits one attack at a pace. In a fast network, each takes at most a minute on a machine that is not busy.
func attackTime(pace float64) time.Duration {
	return 4*time.Minute + time.Duration(float64(6*time.Minute)/max(pace, 1))
}

// Run plays the attack in its own town, at the pace and with the kind of ports of o. It removes the town's files if the
// daemon withstood the attack, unless o names a directory.
func (a Attack) Run(ctx context.Context, o Options) AttackResult {
	begun := time.Now()
	r := AttackResult{Attack: a.Name, Ports: cmp.Or(o.Ports, RFC2217)}
	got, notes, err := a.run(ctx, &o)
	if err != nil {
		r.Error = err.Error()
	}
	r.Got, r.Notes, r.Held = got, notes, err == nil && len(got) == 0
	if !r.Held {
		r.Dir = o.Dir
	}
	r.Seconds = time.Since(begun).Round(100 * time.Millisecond).Seconds()
	return r
}

func (a Attack) run(ctx context.Context, o *Options) (got, notes []string, err error) {
	limit := attackTime(o.Pace)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished within %v", limit))
	defer cancel()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "rb"); err != nil { // short: it has sockets
			return nil, nil, err
		}
		defer func() {
			if len(got) == 0 && err == nil {
				os.RemoveAll(o.Dir)
			}
		}()
	}
	var host *evilHost
	if a.host != nil {
		if host, err = a.host(ctx); err != nil {
			return nil, nil, err
		}
		defer host.close()
	}
	o.Quiet, o.Modem, o.Edit = true, a.modem, func(name, text string) string { return a.configure(name, text, host) }
	l, err := Start(ctx, *o)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	s := &siege{Lab: l, host: host}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(watching) })
	err = a.play(ctx, s)
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	stop()
	watch.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got, s.notes, err
}

// configure adapts the daemon's files to the attack: fewer lines, a short forced wait, and the attack's own edits. A
// single line may call back without verification, otherwise the daemon would not start.
func (a Attack) configure(name, text string, host *evilHost) string {
	if name == "ringback.yaml" {
		wait := "forced_wait: 1s"
		if a.lines == 1 {
			wait += ", same_line_no_verify: true"
		}
		text = strings.ReplaceAll(text, "forced_wait: 5s", wait)
		text, _, _ = strings.Cut(text, fmt.Sprintf("  - {tty: %d,", firstTTY+a.lines)) // to the end of the file
		before, tests, _ := strings.Cut(text, "modem_test: ")                          // which names the lines
		_, after, _ := strings.Cut(tests, "\n")
		text = before + after
	}
	if host != nil {
		text = host.configure(name, text)
	}
	if a.edit != nil {
		text = a.edit(name, text)
	}
	return text
}

// siege is a town under attack.
type siege struct {
	*Lab
	host *evilHost

	mu     sync.Mutex
	got    []string
	notes  []string
	robbed bool // the attack is over: nothing more can be stolen
}

// gets records what the thief got, once, and ends the attack.
func (s *siege) gets(format string, args ...any) {
	s.add(&s.got, fmt.Sprintf(format, args...))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.robbed = true
}

// fooled records, once, that the daemon is wrong about a line. The attack continues.
func (s *siege) fooled(format string, args ...any) { s.add(&s.got, fmt.Sprintf(format, args...)) }

// notice records another remark, once.
func (s *siege) notice(format string, args ...any) { s.add(&s.notes, fmt.Sprintf(format, args...)) }

func (s *siege) add(to *[]string, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(*to, text) {
		*to = append(*to, text)
	}
}

func (s *siege) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.robbed
}

func (s *siege) isFooled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got) > 0
}

// watchEvery is how often the daemon's state is compared with the exchange's.
const watchEvery = 50 * time.Millisecond

// watch compares the daemon's reports with the exchange's state, until ctx ends.
func (s *siege) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s.compareLines(ctx)
		s.compareUsers(ctx)
	}
}

// glance is the state of a modem at one moment.
type glance struct {
	state  exchange.ModemState
	events int
}

func (s *siege) glances() []glance {
	all := make([]glance, len(s.lines))
	for i, m := range s.lines {
		events, _ := s.counts.of(m)
		all[i] = glance{m.State(), events}
	}
	return all
}

// compareLines looks for calls that the exchange never put through, and for idle lines with a caller connected.
func (s *siege) compareLines(ctx context.Context) {
	before := s.glances()
	lines, err := s.Client().Lines(ctx)
	if err != nil {
		return // the daemon is not running now
	}
	after := s.glances()
	for _, line := range lines {
		i := line.TTY - firstTTY
		_, answers := s.counts.of(s.lines[i])
		if line.Calls > uint64(answers) {
			s.gets("a session without a call: tty%d has %d calls, the exchange %d", line.TTY,
				line.Calls, answers)
		}
		connected := before[i] == after[i] &&
			(before[i].state == exchange.Connected || before[i].state == exchange.Escaped)
		if line.State == "idle" && connected {
			s.fooled("the daemon reports tty%d as idle while the caller is connected to it", line.TTY)
		}
	}
}

// compareUsers looks for sessions of leg two on lines that have placed no call, and for forged numbers.
func (s *siege) compareUsers(ctx context.Context) {
	users, err := s.Client().Users(ctx)
	if err != nil {
		return
	}
	for _, u := range users {
		if u.Caller == forgedNumber {
			s.gets("a forged caller ID: %s on tty%d", u.Caller, u.TTY)
		}
		if u.Leg == 2 && u.User != "" && !s.placed(u.TTY) {
			s.gets("a callback session of %s on tty%d, which has reached no telephone", u.User, u.TTY)
		}
	}
}

// placed reports whether the last dial command of a line has connected it with the number that it dialed.
func (s *siege) placed(tty int) bool {
	dials := s.Dials()
	slices.Reverse(dials)
	i := slices.IndexFunc(dials, func(d exchange.Dial) bool { return d.Modem == fmt.Sprintf("tty%d", tty) })
	return i >= 0 && dials[i].Outcome == exchange.DialConnected
}

// pause waits, unless the attack has succeeded.
func (s *siege) pause(ctx context.Context, d time.Duration) error {
	return s.until(ctx, d, func() bool { return false })
}

// until waits until ok, or until the thief has got something, for at most d. It is no error if d passes.
func (s *siege) until(ctx context.Context, d time.Duration, ok func() bool) error {
	deadline := time.Now().Add(d)
	for time.Now().Before(deadline) && !s.broken() && !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return ctx.Err()
}

// callbackEnds waits at most d until no callback of user is pending.
func (s *siege) callbackEnds(ctx context.Context, user string, d time.Duration) error {
	return s.until(ctx, d, func() bool {
		all, err := s.Client().Callbacks(ctx, false)
		return err == nil && !slices.ContainsFunc(all, func(c client.Callback) bool { return c.User == user })
	})
}

// idle reports whether the daemon reports all lines as idle.
func (s *siege) idle(ctx context.Context) bool {
	lines, err := s.Client().Lines(ctx)
	return err == nil && !slices.ContainsFunc(lines, func(l client.Line) bool { return l.State != "idle" })
}

// state is the state of a line that the daemon reports; "" if the daemon is not running.
func (s *siege) state(ctx context.Context, tty int) string {
	lines, err := s.Client().Lines(ctx)
	if i := slices.IndexFunc(lines, func(l client.Line) bool { return l.TTY == tty }); err == nil && i >= 0 {
		return lines[i].State
	}
	return ""
}

// inService reports whether a line of the daemon can take calls now or later.
func (s *siege) inService(ctx context.Context) bool {
	lines, err := s.Client().Lines(ctx)
	return err != nil || slices.ContainsFunc(lines, func(l client.Line) bool {
		return l.State != "quarantined" &&
			l.State != "down"
	})
}

package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// show implements the EXEC's show commands.
type show struct {
	from  session.Shower
	whole bool // show complete numbers
	now   func() time.Time
}

var errNothingToShow = errors.New("not available here")

func (s show) lines(_ context.Context, args console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	wanted, one := args.Int("tty")
	t := console.Table{
		Heads: []string{"", "Tty", "Tx/Rx", "Modem", "Roty", "Uses", "Noise", "State", "Since", "Reason"},
		Right: []bool{false, true, true, false, true, true, true, false, true},
	}
	for _, l := range s.from.Lines() {
		if one && l.TTY != wanted {
			continue
		}
		rotary := "-"
		if l.Rotary >= 0 {
			rotary = fmt.Sprint(l.Rotary)
		}
		speed := "-"
		if l.Speed > 0 {
			speed = fmt.Sprintf("%[1]d/%[1]d", l.Speed)
		}
		uses := l.Counts[lines.CallsIn] + l.Counts[lines.CallsOut]
		t.Row(mark(l), l.TTY, speed, l.Modem, rotary, uses, l.Counts[lines.Noise], l.State, s.age(l.Since), remarks(l))
	}
	if one && t.Len() == 0 {
		return fmt.Errorf("no line %d", wanted)
	}
	_, err := t.WriteTo(w)
	return err
}

// mark is the mark of IOS before a line's number: in use, or idle.
func mark(l lines.Status) string {
	switch l.State {
	case lines.Idle:
		return "I"
	case lines.Down, lines.Quarantined, lines.BusiedOut:
		return ""
	}
	return "*"
}

// remarks returns why a line is out of service, and other notices about it.
func remarks(l lines.Status) string {
	var all []string
	if l.Reason != "" {
		all = append(all, l.Reason)
	}
	if l.Busyout != nil && l.State != lines.BusiedOut {
		all = append(all, l.Busyout.String())
	}
	if l.Change != "" {
		all = append(all, l.Change)
	}
	if l.InBand {
		all = append(all, "in-band")
	}
	return strings.Join(append(all, l.Notices...), "; ")
}

func (s show) users(_ context.Context, _ console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	t := console.Table{
		Heads: []string{"Tty", "User", "Service", "Leg", "Since", "Caller"},
		Right: []bool{true, false, false, true, true},
	}
	for _, u := range s.from.Users() {
		t.Row(u.TTY, u.User, u.Service, u.Leg, s.age(u.Since), s.number(u.Caller))
	}
	_, err := t.WriteTo(w)
	return err
}

func (s show) callbacks(_ context.Context, _ console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	t := console.Table{
		Heads: []string{"Callback", "User", "Dialstring", "Tty", "State", "Since", "Reason"},
		Right: []bool{false, false, false, true, false, true},
	}
	for _, c := range s.from.Callbacks() {
		tty := "-"
		if c.TTY != 0 {
			tty = fmt.Sprint(c.TTY)
		}
		t.Row(c.ID, c.User, s.number(c.Dialstring), tty, c.State, s.age(c.Since), c.Reason)
	}
	_, err := t.WriteTo(w)
	return err
}

func (s show) ppp(_ context.Context, args console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	wanted, one := args.Int("tty")
	t := console.Table{
		Heads: []string{"Tty", "User", "Phase", "LCP", "IPCP", "IPV6CP", "Address", "Idle"},
		Right: []bool{true, false, false, false, false, false, false, true},
	}
	for _, p := range s.from.PPP() {
		if one && p.TTY != wanted {
			continue
		}
		address := p.Address
		if !s.whole || address == "" {
			address = "-"
		}
		t.Row(p.TTY, p.User, p.Phase, p.LCP, p.IPCP, p.IPV6CP, address, s.age(p.Used))
	}
	if one && t.Len() == 0 {
		return fmt.Errorf("no session of PPP on line %d", wanted)
	}
	_, err := t.WriteTo(w)
	return err
}

func (s show) pools(_ context.Context, _ console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	t := console.Table{
		Heads: []string{"Pool", "Of", "Size", "Used", "Held", "Free", "Exhausted"},
		Right: []bool{false, false, true, true, true, true, true},
	}
	for _, p := range s.from.Pools() {
		t.Row(p.Pool, p.Of, p.Size, p.InUse, p.HeldBack, p.Free, s.age(p.Exhausted))
	}
	_, err := t.WriteTo(w)
	return err
}

// number masks all but the last two digits for unprivileged callers: the callback number of another user is private.
func (s show) number(n string) string {
	if s.whole || n == "" {
		return n
	}
	r := []rune(n)
	shown := min(2, len(r)/2)
	return strings.Repeat("*", len(r)-shown) + string(r[len(r)-shown:])
}

// age formats the time since t: 0:01:05.
func (s show) age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return lasted(s.now().Sub(t))
}

func lasted(d time.Duration) string {
	d = max(d, 0)
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

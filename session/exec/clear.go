package exec

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
)

// clearNodes is IOS's `clear counters`. Below level 15 there is no such command.
func (x *exec) clearNodes() []console.Node {
	if x.level < privileged {
		return nil
	}
	tty := []console.Node{{Word: "tty", Kind: console.Number, Max: maxTTY, Help: "Line number", Run: x.clearCounters}}
	return []console.Node{{Word: "clear", Help: "Reset functions", Next: []console.Node{
		{Word: "counters", Help: "Counters of a line, or of all lines", Run: x.clearCounters,
			Next: append([]console.Node{{Word: "line", Help: "Counters of a line", Next: tty}}, tty...)},
	}}}
}

func (x *exec) clearCounters(_ context.Context, args console.Args, w io.Writer) error {
	if x.shower == nil {
		return errNothingToShow
	}
	var ttys []int
	if tty, one := args.Int("tty"); one {
		ttys = []int{tty}
	}
	by := fmt.Sprintf("%s on tty %d", x.res.Identity.User, x.Request("", "").TTY)
	n, err := x.shower.ClearCounters(by, ttys...)
	switch {
	case err != nil:
		return err
	case len(ttys) == 1:
		_, err = fmt.Fprintf(w, "Counters of line %d cleared\n", ttys[0])
	default:
		_, err = fmt.Fprintf(w, "Counters of %d lines cleared\n", n)
	}
	return err
}

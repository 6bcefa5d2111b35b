package lines

import (
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	town := []Status{
		{TTY: 3, Rotary: 1, Modem: InOut, State: Idle},
		{TTY: 1, Rotary: 1, Modem: InOut, State: InCall},
		{TTY: 2, Rotary: 1, Modem: CallOut, State: OutCall},
		{TTY: 4, Rotary: 1, Modem: CallIn, State: Idle},
		{TTY: 5, Rotary: 1, Modem: InOut, State: Down},
		{TTY: 6, Rotary: 1, Modem: InOut, State: Quarantined},
		{TTY: 7, Rotary: 2, Modem: InOut, State: Idle},
		{TTY: 8, Rotary: NoRotary, Modem: InOut, State: InCall},
		{TTY: 9, Rotary: 3, Modem: InOut, State: InCall},
		{TTY: 10, Rotary: 3, Modem: CallIn, State: Idle},
		{TTY: 11, Rotary: 4, Modem: CallIn, State: InCall},
		{TTY: 12, Rotary: 5, Modem: CallIn, State: InCall},
		{TTY: 13, Rotary: 5, Modem: InOut, State: Down},
		{TTY: 14, Rotary: 0, Modem: InOut, State: Idle},
	}
	unfit := func(ttys ...int) func(int) string {
		return func(tty int) string {
			if slices.Contains(ttys, tty) {
				return "cannot serve ppp"
			}
			return ""
		}
	}
	for _, tc := range []struct {
		name string
		want Want
		ttys []int
		err  string
	}{
		{"explicit, in their order", Want{TTYs: []int{7, 3}, Rotary: 1, Called: 1}, []int{7, 3}, ""},
		{"explicit, down: no substitute", Want{TTYs: []int{5}, Rotary: 1, Called: 1}, []int{5}, ""},
		{"explicit, the called line itself", Want{TTYs: []int{1}, Rotary: 1, Called: 1}, []int{1}, ""},
		{"explicit, answers only", Want{TTYs: []int{4}, Rotary: 1, Called: 1}, nil,
			"tty 4: only tty 4, which cannot dial"},
		{"explicit, unknown", Want{TTYs: []int{99}, Rotary: 1, Called: 1}, nil, "tty 99: no such line"},
		{"explicit, one unknown", Want{TTYs: []int{99, 3}, Rotary: NoRotary, Called: 1}, []int{3}, ""},
		{"rotary of the called line: another one, busy or not", Want{Rotary: NoRotary, Called: 1}, []int{2, 3}, ""},
		{"rotary of the authorization", Want{Rotary: 2, Called: 1}, []int{7}, ""},
		{"rotary 0 is one", Want{Rotary: 0, Called: 1}, []int{14}, ""},
		{"rotary without lines", Want{Rotary: 77, Called: 1}, nil, "rotary 77 has no lines"},
		{"rotary that only answers: the called line", Want{Rotary: 4, Called: 1}, []int{1}, ""},
		{"no rotary at all", Want{Rotary: NoRotary, Called: 8}, []int{8}, ""},
		{"alone in its rotary, except one that answers only", Want{Rotary: NoRotary, Called: 9}, []int{9}, ""},
		{"called line cannot dial, no other", Want{Rotary: NoRotary, Called: 11}, nil, "which cannot dial"},
		{"called line cannot dial, the other is down", Want{Rotary: NoRotary, Called: 12}, nil, ""},
		{"called line unknown", Want{Rotary: NoRotary, Called: 99}, nil, "no such line"},
		{"called line unknown, rotary known", Want{Rotary: 2, Called: 99}, []int{7}, ""},
		{"one is avoided", Want{Rotary: NoRotary, Called: 1, Avoid: []int{2}}, []int{3}, ""},
		{"all others are avoided", Want{Rotary: NoRotary, Called: 1, Avoid: []int{3, 2}}, []int{1}, ""},
		{"all are avoided", Want{Rotary: NoRotary, Called: 1, Avoid: []int{3, 1, 2}}, []int{2, 3}, ""},
		{"explicit, one avoided", Want{TTYs: []int{7, 3}, Rotary: 1, Called: 1, Avoid: []int{7}}, []int{3}, ""},
		{"explicit, the only one avoided", Want{TTYs: []int{5}, Rotary: 1, Called: 1, Avoid: []int{5}}, []int{5}, ""},
		{"the called line is avoided", Want{Rotary: NoRotary, Called: 8, Avoid: []int{8}}, []int{8}, ""},
		{"one is unfit", Want{Rotary: NoRotary, Called: 1, Unfit: unfit(2)}, []int{3}, ""},
		{"all others are unfit", Want{Rotary: NoRotary, Called: 1, Unfit: unfit(2, 3, 5, 6)}, []int{1}, ""},
		{"the called line is unfit", Want{Rotary: NoRotary, Called: 8, Unfit: unfit(8)}, nil,
			"the called line, tty 8: only tty 8, which cannot serve ppp"},
		{"explicit, one unfit", Want{TTYs: []int{7, 3}, Rotary: 1, Called: 1, Unfit: unfit(7)}, []int{3}, ""},
		{"explicit, all unfit", Want{TTYs: []int{7, 3}, Rotary: 1, Called: 1, Unfit: unfit(3, 7)}, nil,
			"tty 7, 3: only tty 3, 7, which cannot serve ppp"},
		{"unfit, and answers only", Want{Rotary: NoRotary, Called: 10, Unfit: unfit(9)}, nil,
			"rotary 3 or the called line, tty 10: only tty 10, which cannot dial (set modem: inout or callout), and " +
				"tty 9, which cannot serve ppp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Choose(tc.want, town)
			if !slices.Equal(got, tc.ttys) {
				t.Errorf("%v, want %v", got, tc.ttys)
			}
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

func TestSignalsString(t *testing.T) {
	for s, want := range map[Signals]string{0: "", DCD: "DCD", DTR | RTS | DCD | RI: "DTR RTS DCD RI"} {
		if s.String() != want {
			t.Errorf("%d: %q", s, s.String())
		}
	}
}

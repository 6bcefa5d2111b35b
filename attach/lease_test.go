package attach

import (
	"testing"

	"github.com/ringback/ringback/lines"
)

// TestBusyText: who finds no line reads what uses it, in words that name nobody.
func TestBusyText(t *testing.T) {
	for _, tt := range []struct {
		state lines.State
		role  lines.Role
		want  string
	}{
		{lines.InCall, lines.ForCallback, "Line 65 is in use by an incoming call, try again later"},
		{lines.Leased, lines.ForAdmin, "Line 65 is in use by another user on the network, try again later"},
		{lines.Dialing, lines.ForCallback, "Line 65 is in use by a callback, try again later"},
		{lines.BusiedOut, lines.ForCallback, "Line 65 is out of service, try again later"},
	} {
		s := lines.Status{TTY: 65, Rotary: lines.NoRotary, State: tt.state, Role: tt.role, Owner: "kim"}
		got := busyText(lines.Want{TTYs: []int{65}, Rotary: lines.NoRotary, Called: noLine}, []lines.Status{s})
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.state, got, tt.want)
		}
	}
}

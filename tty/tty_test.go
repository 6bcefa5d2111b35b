package tty

import "testing"

func TestNames(t *testing.T) {
	for _, c := range []struct {
		line             int
		name, port, text string
	}{
		{65, "tty 65", "tty65", "65"},
		{Max, "tty 99999", "tty99999", "99999"},
		{VTY(0), "vty 0", "vty0", "vty 0"},
		{VTY(15), "vty 15", "vty15", "vty 15"},
	} {
		if Name(c.line) != c.name || Port(c.line) != c.port || Text(c.line) != c.text {
			t.Errorf("line %d is %q, %q and %q, want %q, %q and %q", c.line, Name(c.line), Port(c.line), Text(c.line),
				c.name, c.port, c.text)
		}
	}
	for n := range 3 {
		if got, ok := IsVTY(VTY(n)); !ok || got != n {
			t.Errorf("vty %d is read as %d, %v", n, got, ok)
		}
	}
	if _, ok := IsVTY(Max); ok {
		t.Error("the highest TTY is a vty")
	}
}

package lines

import "strings"

// String names the circuits that are on, "DTR RTS DCD"; "" if none is.
func (s Signals) String() string {
	on := make([]string, 0, 6)
	for _, c := range []struct {
		bit  Signals
		name string
	}{{DTR, "DTR"}, {RTS, "RTS"}, {DCD, "DCD"}, {DSR, "DSR"}, {CTS, "CTS"}, {RI, "RI"}} {
		if s.Has(c.bit) {
			on = append(on, c.name)
		}
	}
	return strings.Join(on, " ")
}

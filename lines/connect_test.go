package lines

import "testing"

func TestConnectSpeed(t *testing.T) {
	for text, want := range map[string]int{
		"CONNECT": 0, "CONNECT 33600": 33600, "CONNECT 33600/V34/LAPM": 33600, "CONNECT V32": 0,
		"CONNECT 1200/75": 1200, "CONNECT 9600;5551234": 9600, "CONNECT;5551234": 0, "CONNECT 28800/ARQ/V34": 28800,
		"CARRIER 33600": 33600, "CONNECT 999999999999999999999": 0, "": 0,
	} {
		if got := ConnectSpeed(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

package cli

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func TestModemTestText(t *testing.T) {
	for name, tt := range map[string]struct {
		test client.ModemTest
		want string
	}{
		"passed": {client.ModemTest{ID: "k3vq2xha", TTY: 65, With: 66, Number: "55566", Result: "passed", Dial: 18.2104,
			Connect: "CONNECT 33600", Answered: "CONNECT", Octets: 1024, There: 0.45, Back: 0.0009, Down: 1.35},
			`modem test k3vq2xha: tty 65 called tty 66 at 55566: passed
  connected in 18.21s: "CONNECT 33600" and "CONNECT"
  1024 octets each way, in 450ms and less than 1 ms
  both lines on hook after 1.35s
`},
		"faster than the clock": {client.ModemTest{ID: "a", TTY: 1, With: 2, Number: "5", Result: "passed",
			Octets: 1024}, "modem test a: tty 1 called tty 2 at 5: passed\n" +
			"  1024 octets each way, in less than 1 ms and less than 1 ms\n"},
		"failed, with hostile text": {client.ModemTest{ID: "a", TTY: 1, With: 2, Number: "5", Result: "failed",
			Text: "dial: \x1b[2J", Blamed: []int{1, 2}},
			"modem test a: tty 1 called tty 2 at 5: failed\n  dial: [2J\n  possible cause: tty 1, 2\n"},
	} {
		var b strings.Builder
		tables.ModemTest(&b, tt.test)
		if b.String() != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, b.String(), tt.want)
		}
	}
}

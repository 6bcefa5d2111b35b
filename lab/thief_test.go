package lab

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// An impostor answers the commands of a driver as a modem would: stored values of registers, guesses for others, OK to
// an escape sequence before its guard time, CONNECT to a dial command.
func TestImpostor(t *testing.T) {
	const ok = "\r\nOK\r\n"
	for _, tt := range []struct {
		name        string
		lies        impostor
		sends, want string
		got         []string
	}{
		{"a command", impostor{}, "ATH\r", ok, nil},
		{"no command", impostor{}, "Username: \r\n", "", nil},
		{"registers", impostor{}, "ATS18=17S25=201\rATS18?S25?S26?\r", ok + "\r\n017\r\n\r\n201\r\n\r\n000\r\n" + ok,
			nil},
		{"guessed registers", impostor{guess: func(n int) int { return n }}, "ATS18?S25?\r", "\r\n018\r\n\r\n025\r\n" +
			ok, nil},
		{"the usual escape", impostor{}, "+++", ok, nil},
		{"another escape, then a command", impostor{}, "\x1d\x1d\x1d\rATH\r", ok + ok, nil},
		{"no escape", impostor{}, "aaa++\b\b\b", "", nil},
		{"a dial command after erased text", impostor{}, "xx\b\bATDT 84001\r", "\r\nCONNECT 33600\r\n",
			[]string{"the dial command ATDT 84001"}},
		{"an answer", impostor{}, "ATA\r", "\r\nCONNECT 33600\r\n", []string{"the answer to a forged ring: ATA"}},
		{"another word", impostor{says: "\r\nCONNECT\r\n"}, "AT\r", "\r\nCONNECT\r\n", nil},
		{"a login", impostor{user: "kihei-03", password: "secret"}, "Username: ", "kihei-03\r", nil},
		{"a prompt", impostor{}, "\r\nmaui-nas-04>", "", []string{"the prompt maui-nas-04>"}},
		{"silent", impostor{silent: true}, "ATH\r+++maui-nas-04#", "", []string{"the prompt maui-nas-04#"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := exchange.New(exchange.Config{Instant: true})
				defer x.Close()
				l := &Lab{exchange: x,
					subscribers: map[string]*exchange.Modem{
						"kihei-03": x.AddModem(exchange.ModemConfig{Name: "kihei-03"}),
					}, attached: map[string]bool{}}
				line := x.AddModem(exchange.ModemConfig{Number: mainNumber, Profile: "E0Q1S0=1S2=255"}).DTE()
				s := &siege{Lab: l}
				c, err := s.sit(t.Context(), "kihei-03")
				if err != nil {
					t.Fatal(err)
				}
				defer c.leave()
				if err := c.enters(t.Context(), "ATDT"+mainNumber, "CONNECT\r\n"); err != nil {
					t.Fatal(err)
				}
				c.lie(&tt.lies)
				line.Write([]byte(tt.sends))
				synctest.Wait()
				line.SetReadDeadline(time.Now().Add(time.Second))
				var heard []byte
				buf := make([]byte, 512)
				for {
					n, err := line.Read(buf)
					if heard = append(heard, buf[:n]...); err != nil {
						break
					}
				}
				if string(heard) != tt.want || !slices.Equal(s.got, tt.got) {
					t.Errorf("said %q, must be %q; got %q", heard, tt.want, s.got)
				}
			})
		})
	}
}

// The files of an attack's town: as many lines as it needs, and a user whose sessions connect to the thief's host.
func TestAttackFiles(t *testing.T) {
	const conf = "exec: {callback: true}\nlines:\n  - {tty: 65, callback: {forced_wait: 5s}}\n  - {tty: 66, " +
		"callback: {forced_wait: 5s}}\n  - {tty: 67,}\n"
	a := Attack{lines: 2}
	if got, want := a.configure("ringback.yaml", conf, nil),
		"exec: {callback: true}\nlines:\n  - {tty: 65, callback: {forced_wait: 1s}}\n  - {tty: 66, callback: "+
			"{forced_wait: 1s}}\n"; got != want {
		t.Errorf("got %q", got)
	}
	if got := a.configure("users", conf, nil); got != conf {
		t.Errorf("got %q", got)
	}
	names := map[string]bool{}
	for _, a := range Attacks() {
		if a.Name == "" || a.About == "" || a.play == nil || a.lines < 1 || a.lines > lineCount || names[a.Name] {
			t.Errorf("%+v", a)
		}
		names[a.Name] = true
	}
}

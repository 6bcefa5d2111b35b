package exchange

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The PDUs are those of public tutorials, without their service centre: dreamfabric.com/sms.
func TestDeliverPDU(t *testing.T) {
	at := time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)
	for _, tt := range []struct{ from, text, want string }{
		{"27838890001", "hellohello", "00040B817238880900F10000621103109300000AE8329BFD4697D9EC37"},
		{"+31641600986", "How are you?", "00040B911346610089F60000621103109300000CC8F71D14969741F977FD07"},
		{"Beeline", "Test", "00040DD0C272999D76970100006211031093000004D4F29C0E"},
		{"84001", "é", "000405814800F10008621103109300000200E9"},
	} {
		got, err := deliverPDU(tt.from, tt.text, at)
		if err != nil || got != tt.want {
			t.Errorf("%s %q: %s, %v; want %s", tt.from, tt.text, got, err, tt.want)
		}
	}
	for from, text := range map[string]string{"": "x", "name of twelve": "x", "+123456789012345678901": "x",
		"84001": strings.Repeat("x", 161), "84002": strings.Repeat("é", 71)} {
		if pdu, err := deliverPDU(from, text, at); err == nil {
			t.Errorf("%q %q: %s", from, text, pdu)
		}
	}
}

// TestMessageCommands: a modem stores, reports, lists and deletes messages, and takes what waits when it has room.
func TestMessageCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := New(Config{})
		defer x.Close()
		m := x.AddModem(ModemConfig{Name: "gsm", Number: "1", Dialect: Dialect{Messages: true}})
		d := m.DTE()
		defer d.Close()
		screen := func() string {
			synctest.Wait()
			d.SetReadDeadline(time.Now().Add(time.Second))
			var all strings.Builder
			for b := make([]byte, 4096); ; {
				n, err := d.Read(b)
				all.Write(b[:n])
				if err != nil {
					return all.String()
				}
			}
		}
		typ := func(line string) string {
			d.Write([]byte(line + "\r"))
			return screen()
		}
		typ("ATE0+CMGF=0;+CNMI=2,1,0,0,0")
		for range storageSize + 2 {
			if err := m.Deliver("+12025551234", "hi"); err != nil {
				t.Fatal(err)
			}
		}
		if s := screen(); strings.Count(s, "+CMTI: \"SM\",") != storageSize {
			t.Errorf("%q", s)
		}
		if s := typ("AT+CMGL=4"); strings.Count(s, "+CMGL: ") != storageSize || !strings.HasSuffix(s, "OK\r\n") {
			t.Errorf("%q", s)
		}
		if s := typ("AT+CMGD=3"); !strings.Contains(s, "+CMTI: \"SM\",3") || !strings.Contains(s, "OK") {
			t.Errorf("%q", s)
		}
		if stored, waiting := m.Messages(); stored != storageSize || waiting != 1 {
			t.Errorf("%d stored, %d waiting", stored, waiting)
		}
		for _, line := range []string{"AT+CMGD=99", "AT+CMGR=99", "AT+CMGF=2", "AT+CNMI=2,9", "AT+CMGL=1"} {
			if s := typ(line); !strings.Contains(s, "ERROR") {
				t.Errorf("%s: %q", line, s)
			}
		}
		if s := typ("AT+CMGR=1"); !strings.Contains(s, "+CMGR: 1,,") {
			t.Errorf("%q", s)
		}
	})
}

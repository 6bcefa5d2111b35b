package pppfront

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
)

// chooser selects between the EXEC and PPP.
func chooser(m Mode, n *fakeNetwork) Chooser {
	profile := Profile{Authentication: []lcp.Auth{lcp.PAP}, IPv4: true}
	return Chooser{
		PPP:  New(Config{Network: n, Profile: func(int) (Profile, bool) { return profile, true }}),
		Text: exec.New(exec.Config{Hostname: "nas"}),
		Mode: func(int) Mode { return m },
	}
}

// parity returns octets as a terminal of 7 bits and even parity sends them.
func parity(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		c &= 0x7f
		ones := 0
		for bit := range 7 {
			ones += int(c >> bit & 1)
		}
		out[i] = c | byte(ones&1)<<7
	}
	return out
}

// TestChooser: who is served by what, from the first octets on.
func TestChooser(t *testing.T) {
	request := (&ppptest.Client{}).Start()[0].Encode()
	pieces := [][]byte{request[:1], request[1:2], request[2:3], request[3:4], request[4:5], request[5:]}
	for name, tt := range map[string]struct {
		mode   Mode
		sends  [][]byte
		ip     bool
		prompt string // the login prompt is seen, with this echo behind it
		reason string
	}{
		"autoselect, PPP":                {mode: Autoselect, sends: [][]byte{request}, ip: true},
		"autoselect, octet by octet":     {mode: Autoselect, sends: pieces, ip: true},
		"autoselect, behind noise":       {mode: Autoselect, sends: [][]byte{{0xc0, 0x00}, request}, ip: true},
		"autoselect, the flag was lost":  {mode: Autoselect, sends: [][]byte{request[1:]}, ip: true},
		"autoselect, a person":           {mode: Autoselect, sends: [][]byte{[]byte("\r"), []byte("k")}, prompt: "k"},
		"autoselect, a person at 7 bits": {mode: Autoselect, sends: [][]byte{{'\r' | 0x80}, []byte("k")}, prompt: "k"},
		"autoselect, nothing":            {mode: Autoselect, reason: "login not finished in time"},
		"during the login":               {mode: DuringLogin, sends: [][]byte{request}, ip: true, prompt: ""},
		"during the login, in a name":    {mode: DuringLogin, sends: [][]byte{[]byte("ki"), request}, ip: true},
		"during the login, typed":        {mode: DuringLogin, sends: [][]byte{[]byte("~k")}, prompt: "~k"},
		"dedicated":                      {mode: Dedicated, sends: [][]byte{request}, ip: true},
		"text only":                      {mode: TextOnly, sends: [][]byte{[]byte("~")}, prompt: "~"},
		"7 bits": {mode: Autoselect, sends: [][]byte{parity(request)},
			reason: "PPP needs 8 data bits, and the line carries 7: set the caller's terminal and modem to 8 bits, " +
				"no parity"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &fakeNetwork{}
				client := &ppptest.Client{User: "kim"}
				c := dial(t, scene{chooser: chooser(tt.mode, n), network: n, silent: true}, client)
				client.Start() // sent by the test
				c.scene.silent = false
				for _, b := range tt.sends {
					c.writes(b)
				}
				c.waits(4 * time.Second) // a request of ours may be lost before the client answers
				screen := string(c.wire)
				if c.up() != tt.ip {
					t.Fatalf("IP %v: %q", c.up(), screen)
				}
				if tt.ip && len(c.frames) > 0 && c.when(ppptest.LCP, 2) > 200*time.Millisecond {
					t.Errorf("the first request was answered after %v", c.when(ppptest.LCP, 2))
				}
				if tt.prompt != "" && !strings.HasSuffix(screen, "Username: "+tt.prompt) {
					t.Errorf("screen %q", screen)
				}
				if tt.ip && tt.mode != DuringLogin && strings.Contains(screen, "Username") {
					t.Errorf("screen %q", screen)
				}
				if tt.ip && tt.mode == DuringLogin && !strings.Contains(screen, "\r\n~") {
					t.Errorf("no line end before the first frame: %q", screen)
				}
				if tt.reason != "" {
					if out := c.ends(); out.Reason != tt.reason {
						t.Errorf("%+v", out)
					}
					return
				}
				c.hangsUp()
			})
		})
	}
}

func TestServing(t *testing.T) {
	c := chooser(TextOnly, &fakeNetwork{})
	if c.Serving(aaa.PPP, 65) != session.FrontEnd(c.PPP) || c.Serving(aaa.EXEC, 65) != c.Text ||
		c.Serving("arap", 65) != nil {
		t.Error("wrong front end for a service")
	}
	if first, look := (Chooser{Text: c.Text}).Choose(&lines.Call{}); first != c.Text || look != nil {
		t.Error("without a mode PPP is looked for")
	}
	if (Chooser{}).Serving(aaa.PPP, 65) != nil {
		t.Error("PPP without a front end is served")
	}
	c.PPP = New(Config{Profile: func(tty int) (Profile, bool) { return Profile{}, tty == 66 }})
	if c.Serving(aaa.PPP, 65) != nil || c.Serving(aaa.PPP, 66) != session.FrontEnd(c.PPP) ||
		c.Serving(aaa.EXEC, 65) != c.Text {
		t.Error("PPP is served by other lines than those with a profile")
	}
}

package modem

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

// TestCallers: a calling number is reported completely or not at all.
func TestCallers(t *testing.T) {
	c := newCodes(nil, nil)
	long := strings.Repeat("1", maxCaller)
	for _, tc := range []struct {
		line           string
		kind           kind
		caller, called string
	}{
		{"NMBR = 0555", caller, "0555", ""},                    // V.253, Rockwell
		{"NMBR=5551234", caller, "5551234", ""},                // V.253
		{"nmbr = 5551234", caller, "5551234", ""},              // in lower case
		{"NMBR = +4989123", caller, "+4989123", ""},            //
		{"NMBR = P", caller, "", ""},                           // V.253: private
		{"NMBR = O", caller, "", ""},                           // V.253: out of area
		{"NMBR =", caller, "", ""},                             // nothing
		{"DDN_NMBR= 5551234", caller, "5551234", ""},           // Rockwell
		{"NBR=5551234", caller, "5551234", ""},                 // Kortex
		{"CALLER NUMBER: 2232", caller, "2232", ""},            // ZyXEL, isdn4linux
		{"CALLER'S NUMBER: 2232", caller, "2232", ""},          // mgetty's cnd.c
		{"CallerID: 2232", caller, "2232", ""},                 // U.S. Robotics Courier in Russia
		{"Caller ID: 5551234", caller, "5551234", ""},          // some USB modems
		{"CID: 5551234", caller, "5551234", ""},                // Eicon
		{"ANID=5551234", caller, "5551234", ""},                // iaxmodem
		{`+CLIP: "+4989123",145,,,,0`, caller, "+4989123", ""}, // 3GPP TS 27.007
		{`+CLIP: "5551234"`, caller, "5551234", ""},            //
		{`+CLIP: 5551234,129`, caller, "5551234", ""},          // without quotes
		{`+CLIP: "",128`, caller, "", ""},                      // withheld
		{"RING;707070;999", result, "707070", "999"},           // ELSA
		{"RING;707070", result, "707070", ""},                  // ELSA
		{"RING;;999", result, "", "999"},                       // ELSA, caller withheld
		{"RING/0666", result, "", "0666"},                      // isdn4linux: the called number
		{"RING: 3 DN9 8888", result, "8888", ""},               // Zoom MX/S
		{"RING: 3 DN9 8888 1", result, "8888", ""},             // with a field that mgetty's ring.c does not name
		{"RING: 3 DN9", result, "", ""},                        // caller withheld
		{"NMBR = " + long, caller, long, ""},                   //
		{"NMBR = +" + long, caller, "+" + long, ""},            //
		{"RING;" + long + ";" + long, result, long, long},      //
		{"NMBR = " + long + "1", caller, "", ""},               // longer than any number
		{"NMBR = 701,2345", caller, "", ""},                    // 701 is another subscriber
		{"CALLER NUMBER: 701,2345", caller, "", ""},            //
		{"CID: 701;2345", caller, "", ""},                      //
		{"RING;701,2345;999", result, "", "999"},               //
		{"RING;701;999;1", result, "701", ""},                  //
		{"RING;701 ;999", result, "", "999"},                   //
		{"RING/701,2345", result, "", ""},                      //
		{"RING: 3 DN9 701,2345", result, "", ""},               //
		{`+CLIP: "701,2345",129`, caller, "", ""},              //
		{`+CLIP: "701"2345,129`, caller, "", ""},               //
		{`+CLIP: "701`, caller, "", ""},                        //
		{`+CLIP: 701",129`, caller, "", ""},                    //
		{`+CLIP:`, caller, "", ""},                             //
		{"NMBR = (800) 555-1212", caller, "", ""},              // separators
		{"NMBR = 800 5551212", caller, "", ""},                 // spaces
		{`NMBR = "5551212"`, caller, "", ""},                   // quotes belong to +CLIP only
		{"NMBR = '5551212'", caller, "", ""},                   //
		{"NMBR = 5551212X", caller, "", ""},                    // letters
		{"NMBR = X5551212", caller, "", ""},                    //
		{"NMBR = 55+51212", caller, "", ""},                    //
		{"NMBR = ++5551212", caller, "", ""},                   //
		{"NMBR = +", caller, "", ""},                           //
		{"NMBR = *675551212", caller, "", ""},                  //
		{"NMBR = 5551212#", caller, "", ""},                    //
		{"NMBR = 5551212;ATH", caller, "", ""},                 //
		{"NMBR 5551212", info, "", ""},                         // not in this form
		{"NMBRS = 5551212", info, "", ""},                      //
		{"CIDM", info, "", ""},                                 //
		{"+CLIP 5551212", info, "", ""},                        //
		{"REASON FOR NO CALLER NUMBER: 12", info, "", ""},      // not a calling number
	} {
		e := c.parse([]byte(tc.line), false)
		if e.kind != tc.kind || e.caller != tc.caller || e.called != tc.called ||
			(e.kind == result) != (e.code == lines.Ring) {
			t.Errorf("%q: %+v, want kind %d caller %q called %q", tc.line, e, tc.kind, tc.caller, tc.called)
		}
	}
}

// FuzzCaller: a reported number is in the line as a whole, surrounded only by the separators of its form.
func FuzzCaller(f *testing.F) {
	for _, s := range []string{"NMBR = 701,2345", "CALLER NUMBER: 2232", "CID: 5551234", "RING;707070;999", "RING/0666",
		"RING: 3 DN9 8888",
		`+CLIP: "+4989123",145,,,,0`, "+CLIP: 5551234,129", "NMBR=+1", "ring;1;2;3", "\x00NMBR = 5551212 \xff"} {
		f.Add(s)
	}
	c := newCodes(nil, nil)
	f.Fuzz(func(t *testing.T, line string) {
		for _, numeric := range []bool{false, true} {
			e := c.parse([]byte(line), numeric)
			for _, n := range []string{e.caller, e.called} {
				if n != "" && !standsIn(e.text, n) {
					t.Errorf("%q reports %q", line, n)
				}
				if strings.Trim(strings.TrimPrefix(n, "+"), "0123456789") != "" || n == "+" ||
					len(strings.TrimPrefix(n, "+")) > 32 {
					t.Errorf("%q reports %q", line, n)
				}
			}
		}
	})
}

// standsIn reports whether the line contains the number between separators of the line's form.
func standsIn(line, number string) bool {
	before, behind := "=: ", ""
	switch upper := strings.ToUpper(line); {
	case strings.HasPrefix(upper, "+CLIP"):
		before, behind = `:" `, `",`
	case strings.HasPrefix(upper, "RING;"):
		before, behind = ";", ";"
	case strings.HasPrefix(upper, "RING/"):
		before = "/"
	case strings.HasPrefix(upper, "RING:"):
		before, behind = " ", " "
	}
	for at := 0; ; at++ {
		i := strings.Index(line[at:], number)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(number)
		if at > 0 && strings.IndexByte(before, line[at-1]) >= 0 &&
			(end == len(line) || strings.IndexByte(behind, line[end]) >= 0) {
			return true
		}
	}
}

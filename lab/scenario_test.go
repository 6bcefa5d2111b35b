package lab

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/pppclient"
)

func TestParseScenario(t *testing.T) {
	got, err := ParseScenario("busy", []byte(`The number is busy.

More about it.

-- at austin-02 --
# a comment
type ats0=1
send +++
within 1m30s
see Username:
pause 1.5s

ppp user=kim password=sesame methods=chap,pap callback=cbcp number=84001 delay=12s
fetch http://10.8.0.1/
hangup
-- transcript --
ATS0=1
OK  

-- callback --
phase: failed
cause: busy
attempts: 2
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Scenario{
		Name: "busy", Title: "The number is busy.", At: "austin-02",
		Steps: []ScenarioStep{
			{Line: 2, Verb: "type", Text: "ats0=1"}, {Line: 3, Verb: "send", Text: "+++"},
			{Line: 4, Verb: "within", Text: "1m30s", Wait: 90 * time.Second},
			{Line: 5, Verb: "see", Text: "Username:"},
			{Line: 6, Verb: "pause", Text: "1.5s", Wait: 1500 * time.Millisecond},
			{Line: 8, Verb: "ppp", Text: "user=kim", PPP: &pppclient.Config{User: "kim", Password: "sesame",
				Methods:  []pppclient.Method{pppclient.CHAP, pppclient.PAP},
				Callback: pppclient.Callback{Kind: pppclient.CBCP, Number: "84001", Delay: 12 * time.Second}}},
			{Line: 9, Verb: "fetch", Text: "http://10.8.0.1/"}, {Line: 10, Verb: "hangup"},
		},
		Transcript: []string{"ats0=1", "ok"},
		Callback:   map[string]string{"phase": "failed", "cause": "busy", "attempts": "2"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseScenarioMistakes(t *testing.T) {
	const steps = "-- at austin-01 --\ntype at\n"
	for _, tt := range []struct{ text, want string }{
		{"", "no steps: it needs a file `-- at NAME --` with `type …` and `see …` lines"},
		{"-- at austin-01 --\n\n# nothing\n",
			"no steps: it needs a file `-- at NAME --` with `type …` and `see …` lines"},
		{steps + "-- at austin-02 --\ntype at\n", `second script "at austin-02": a scenario has one subscriber`},
		{steps + "-- trascript --\n", "unknown file \"trascript\": use `at NAME`, `transcript` or `callback`"},
		{"-- at austin-01 --\nwait 3s\n",
			`script line 1: unknown word "wait": use type, send, see, pause, within, ppp, fetch, sms, ring or hangup`},
		{"-- at austin-01 --\nppp password=x\n", "script line 1: ppp needs user=NAME"},
		{"-- at austin-01 --\nppp kim\n", `script line 1: "kim": expected KEY=VALUE`},
		{"-- at austin-01 --\nppp user=kim passwort=x\n", `script line 1: unknown setting "passwort": use user, password, ` +
			"methods, callback, number or delay"},
		{"-- at austin-01 --\nppp user=kim methods=pap,md5\n",
			`script line 1: unknown method "md5": use pap, chap, ms-chap-v2 or eap`},
		{"-- at austin-01 --\nppp user=kim callback=yes\n",
			`script line 1: unknown callback "yes": use cbcp, login, dial-string, location or number`},
		{"-- at austin-01 --\nppp user=kim delay=soon\n", `script line 1: "delay=soon": expected a time such as 5s`},
		{"-- at austin-01 --\nfetch www.maui.example\n", `script line 1: fetch "www.maui.example": expected http:// and ` +
			"an IP address, such as http://10.8.0.1/"},
		{"-- at austin-01 --\ntype x\nsee\n", "script line 2: see needs a text"},
		{"-- at austin-01 --\npause\n", `script line 1: pause "": expected a time such as 1.5s`},
		{"-- at austin-01 --\nwithin -1s\n", `script line 1: within "-1s": expected a time such as 1.5s`},
		{"-- at austin-01 --\nhangup now\n", `script line 1: hangup has no argument, got "now"`},
		{steps + "-- callback --\nphase completed\n",
			"callback line 1: \"phase completed\": expected `key: value` with phase, user, number, verify, attempts, " +
				"caller, cause or tty, or the one word none"},
		{steps + "-- callback --\nuser: x\ncolor: red\n",
			"callback line 2: \"color: red\": expected `key: value` with phase, user, number, verify, attempts, " +
				"caller, cause or tty, or the one word none"},
		{steps + "-- callback --\nattempts: one\n", `callback: attempts "one" is not a number`},
	} {
		_, err := ParseScenario("x", []byte(tt.text))
		if err == nil || err.Error() != "scenario x: "+tt.want {
			t.Errorf("%q:\n%v\nmust be\nscenario x: %s", tt.text, err, tt.want)
		}
	}
}

func TestReadScenario(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.parts.txt")
	if err := os.WriteFile(path, []byte("A title\n-- at austin-01 --\ntype at\n-- callback --\nnone\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadScenario(path)
	if err != nil || s.Name != "two.parts" || s.Title != "A title" || !s.NoCallback || s.Callback != nil ||
		s.Transcript != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := ReadScenario(path + "x"); err == nil || !strings.Contains(err.Error(), "two.parts.txtx") {
		t.Errorf("of a file that is not there: %v", err)
	}
}

// The first two transcripts are those of Cisco document 5732, line by line.
func TestShipped(t *testing.T) {
	all, err := Shipped(RFC2217)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"ats0=1", "ok", "atdt 55555", "connect", "username: austin-01", "password:",
			"callback initiated - line is disconnected", "no carrier", "ring",
			"connect", "maui-nas-04>"},
		{"ats0=1", "ok", "atdt 55555", "connect", "username: austin-02", "password:", "callback dialstring: 84001",
			"callback initiated - line is disconnected",
			"no carrier", "ring", "connect", "username: austin-02", "password:", "maui-nas-04>"},
	}
	for i := range want {
		if s := all[i]; !reflect.DeepEqual(s.Transcript, want[i]) {
			t.Errorf("%s: %q", s.Name, s.Transcript)
		}
	}
	if all[2].Name != "ppp" || all[3].Name != "rejected-number" || len(all) != 4 {
		t.Errorf("%d scenarios", len(all))
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string][]string{
		"":                           nil,
		"\r\n \r\n\r":                nil,
		"OK\r\n":                     {"ok"},
		"\r\nNO CARRIER\r\nat\r":     {"no carrier", "at"},
		"Password: \r\n  x":          {"password:", "  x"},
		"a\x07\x00b\x1b[K\x7fc\td\n": {"ab[kcd"},
		"Ünicode\xff":                {"ünicode\ufffd"},
		"ATS18?S25?\r\nats0=1\r\n":   {"ats0=1"},
		"\r\nRING\r\n\r\nRING\r\nOK\r\n\r\nRING\r\nOK\r\nOK\r\n": {"ring", "ok", "ring", "ok", "ok"},
	} {
		if got := Fold(text); !reflect.DeepEqual(got, want) {
			t.Errorf("Fold(%q) = %q, must be %q", text, got, want)
		}
	}
}

func FuzzParseScenario(f *testing.F) {
	f.Add("T\n-- at austin-01 --\ntype at\nsee OK\npause 1s\nhangup\n-- transcript --\nat\n-- callback --\nphase: " +
		"completed\n")
	f.Add("-- at  --\nsee  \n-- callback --\nnone")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScenario("x", []byte(text))
		if err != nil {
			return
		}
		if len(s.Steps) == 0 || s.NoCallback && s.Callback != nil {
			t.Errorf("%+v", s)
		}
		for _, l := range s.Transcript {
			if again := Fold(l); len(again) != 1 || again[0] != l {
				t.Errorf("a folded line folds again: %q to %q", l, again)
			}
		}
	})
}

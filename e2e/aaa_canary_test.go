package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// canaries are secrets that must never be readable: finding one is a leak. Those of the lab's own users are their
// passwords in the scenarios.
var canaries = map[string]string{
	"password of austin-01":      "maui-1993",
	"password of austin-02":      "hana-1993",
	"password of paia-04":        "canary-login-1488",
	"password that was wrong":    "canary-guess-1492",
	"shared secret":              "canary-shared-secret-of-1498",
	"enable password":            "canary-enable-1519",
	"enable password, wrong":     "canary-enabel-1520",
	"secret of CHAP and PAP":     "canary-chap-1522",
	"send-secret":                "canary-send-1571",
	"Class":                      "canary-class-1588",
	"State":                      "canary-state-1595",
	"operator's password":        "canary-operator-1600",
	"answer to a server's doubt": "canary-answer-1607",
}

const canaryRADIUS = `
austin-01	Auth-Type := Accept, Service-Type == Call-Check
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001",
	Cisco-AVPair += "shell:nocallback-verify=1",
	Class = "canary-class-1588"

austin-01	Cleartext-Password := "maui-1993"
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001",
	Cisco-AVPair += "shell:nocallback-verify=1",
	Class = "canary-class-1588",
	State = "canary-state-1595"

austin-02	Cleartext-Password := "hana-1993"
	Service-Type = Callback-NAS-Prompt,
	Cisco-AVPair += "shell:callback-dialstring=",
	Class = "canary-class-1588",
	State = "canary-state-1595"

paia-04	Cleartext-Password := "canary-login-1488"
	Service-Type = NAS-Prompt-User,
	Class = "canary-class-1588"

kaupo-10	Cleartext-Password := "canary-chap-1522"
	Service-Type = Callback-Framed-User, Framed-Protocol = PPP,
	Callback-Number = "84001",
	Cisco-AVPair += "lcp:send-secret=canary-send-1571",
	Class = "canary-class-1588",
	State = "canary-state-1595"
`

const canaryTACACS = `
user = austin-01 {
	login = cleartext "maui-1993"
	service = exec {
		callback-dialstring = 84001
		nocallback-verify = 1
	}
}
user = austin-02 {
	login = cleartext "hana-1993"
	service = exec {
		callback-dialstring = ""
	}
}
user = paia-04 {
	login = cleartext "canary-login-1488"
	enable = cleartext "canary-enable-1519"
	challenge = "Favorite beach: " "canary-answer-1607"
	service = exec {
		priv-lvl = 1
	}
}
user = kaupo-10 {
	pap = cleartext "canary-chap-1522"
	chap = cleartext "canary-chap-1522"
	service = ppp protocol = lcp {
		callback-dialstring = 84001
		send-secret = canary-send-1571
	}
	service = ppp protocol = ip {
	}
}
`

// Law 12: both scenarios, failed logins, an enable and `aaa test` with each kind of AAA server, with all output
// switched on; then everything written and shown is searched for the secrets. Only Class is kept, in the journal,
// because accounting must echo it after a crash too.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for _, kind := range lab.AllAAA {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := canaryTown(t, kind)
			told := map[string]string{"the configuration": filepath.Join(l.Dir(), "ringback.yaml")}
			debug := listen(t, l)
			canaryCalls(t, l, kind, told)
			canaryTests(t, l, told)
			canaryShows(t, l, told)
			read(t, l.Dir(), "while it runs: ", told)
			if err := debug.end(); err != nil {
				t.Error(err)
			}
			told["the debug stream"] = debug.soFar()
			l.StopDaemon()
			read(t, l.Dir(), "when it has ended: ", told)
			wantTold(t, kind, told)
			searched(t, told, canaries)
		})
	}
}

func canaryTown(t *testing.T, kind lab.AAA) *lab.Lab {
	t.Helper()
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "enable.password"), []byte("canary-enable-1519\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []edit{waits("1s"), configured("log: {level: debug}\nlogin: {failure_delay: 0s}")}
	if kind == lab.ByTACACS || kind == lab.ByTACACSTLS {
		all = append(all, inLists("enable: {default: [tacacs]}"))
	} else {
		all = append(all, configured("enable: {password_file: enable.password}"))
	}
	edited := edits(t, all...)
	return startTown(t, lab.Options{Dir: dir, AAA: kind, Edit: func(name, text string) string {
		switch name {
		case "users":
			return canaryRADIUS
		case "tacacs.conf":
			return canaryTACACS
		case "radius.secret", "tacacs.secret":
			return canaries["shared secret"] + "\n"
		case "operator.password":
			return canaries["operator's password"] + "\n"
		}
		return edited(name, text)
	}})
}

// canaryCalls places the calls and collects what the callers saw.
func canaryCalls(t *testing.T, l *lab.Lab, kind lab.AAA, told map[string]string) {
	t.Helper()
	for _, name := range []string{"no-verify", "any-number"} {
		r := play(t, l, shipped(t, name))
		for _, c := range r.Screen {
			told["the screen of "+name] += c.Text
		}
	}
	p := sitDown(t, l, "kihei-03")
	p.call("austin-01", "canary-guess-1492")
	p.see("% Login invalid")
	p.login("paia-04", "canary-login-1488")
	if kind == lab.ByTACACS || kind == lab.ByTACACSTLS {
		p.see("Favorite beach: ")
		p.enter("canary-answer-1607")
	}
	p.see(prompt + ">")
	p.enter("enable")
	p.see("Password: ")
	p.enter("canary-enabel-1520")
	p.see("% Access denied")
	p.see("Password: ")
	p.enter("canary-enable-1519")
	p.see(prompt + "#")
	p.run("show users", "paia-04")
	p.run("show callback", "")
	p.run("show line", "")
	p.hangUp()
	nobodyOnLine(t, l)
	told["the screen of paia-04"] = p.screen.String()
}

// canaryTests runs `aaa test` in all its variants.
func canaryTests(t *testing.T, l *lab.Lab, told map[string]string) {
	t.Helper()
	for _, tt := range []struct {
		stdin string
		args  []string
		want  string
	}{
		{"maui-1993\n", []string{"austin-01"}, "granted"},
		{"canary-guess-1492\n", []string{"austin-01"}, "refused"},
		{"hana-1993\n", []string{"austin-02", "--line", "65"}, "granted"},
		{"canary-login-1488\ncanary-answer-1607\n", []string{"paia-04"}, "granted"},
		{"canary-operator-1600\n", []string{"operator"}, "refused"},
		{"canary-chap-1522\n", []string{"kaupo-10", "--service", "ppp"}, "granted"},
		{"canary-chap-1522\n", []string{"kaupo-10", "--service", "ppp", "--auth", "chap"}, "granted"},
		{"canary-guess-1492\n", []string{"kaupo-10", "--service", "ppp", "--auth", "chap"}, "refused"},
	} {
		for _, how := range [][]string{{}, {"--explain"}, {"-o", "json"}} {
			args := slices.Concat([]string{"aaa", "test", "-c", filepath.Join(l.Dir(), "ringback.yaml")}, tt.args, how)
			out, _ := ringback(t, tt.stdin, args...)
			if !strings.Contains(out, tt.want) {
				t.Errorf("%q is not %s:\n%s", args, tt.want, out)
			}
			told[strings.Join(args, " ")] = out
		}
	}
}

// canaryShows runs all show commands, and reads the API below them.
func canaryShows(t *testing.T, l *lab.Lab, told map[string]string) {
	t.Helper()
	all, err := l.Client().Callbacks(t.Context(), true)
	if err != nil || len(all) != 2 {
		t.Fatalf("two callbacks: %+v, %v", all, err)
	}
	show := [][]string{{"lines"}, {"users"}, {"callbacks"}, {"callbacks", "--all"}}
	for _, c := range all {
		show = append(show, []string{"callback", c.ID}, []string{"callback", c.ID, "--trace"})
		d, err := l.Client().Callback(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		told["the API: "+c.ID] = string(data)
	}
	for _, s := range show {
		for _, output := range []string{"table", "json"} {
			args := slices.Concat([]string{"show"}, s,
				[]string{"-o", output, "--socket", filepath.Join(l.Dir(), "ringback.sock")})
			out, status := ringback(t, "", args...)
			if status != 0 {
				t.Errorf("%q: status %d\n%s", args, status, out)
			}
			told[strings.Join(args, " ")] = out
		}
	}
}

// read reads all files of a lab, except those that must contain secrets and those of the server.
func read(t *testing.T, dir, when string, told map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch filepath.Ext(name) {
		case ".secret", ".password", ".key":
			return nil
		}
		switch name {
		case "users", "tacacs.conf", "detail":
			return nil
		}
		data, err := os.ReadFile(path)
		told[when+name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wantTold checks that the searched texts are complete: a test that reads nothing finds nothing.
func wantTold(t *testing.T, kind lab.AAA, told map[string]string) {
	t.Helper()
	test := "aaa test -c " + told["the configuration"] + " kaupo-10 --service ppp --explain"
	want := map[string][]string{
		"the debug stream":                    {"enable: ", "ATDT", "austin-02", "refused"},
		"while it runs: ringback.log":         {"austin-02", "last_failure"},
		"while it runs: state/journal.db-wal": {"austin-02"},
		"when it has ended: state/journal.db": {"austin-02"},
		"the screen of any-number":            {"Callback initiated"},
		test:                                  {"[secret]", "send_secret"},
	}
	if kind == lab.ByRADIUS || kind == lab.ByRadSec {
		want["the debug stream"] = append(want["the debug stream"], "User-Password = [secret]", "Class = [secret]",
			"State = [secret]")
	} else {
		want["the debug stream"] = append(want["the debug stream"], "[secret]")
	}
	for where, texts := range want {
		for _, text := range texts {
			if !strings.Contains(told[where], text) {
				t.Errorf("%s: %s does not contain %q", kind, where, text)
			}
		}
	}
}

// searched looks for every secret in every text: unchanged, in hexadecimal, and in base64.
func searched(t *testing.T, told, secrets map[string]string) {
	t.Helper()
	for what, secret := range secrets {
		for _, form := range written(secret) {
			for where, text := range told {
				if !strings.Contains(text, form) {
					continue
				}
				if what == "Class" && strings.Contains(where, "state/journal.db") && form != secret {
					continue
				}
				i := strings.Index(text, form)
				t.Errorf("the %s is in %s: …%q…", what, where, text[max(0, i-80):min(len(text), i+40)])
			}
		}
	}
}

// written returns the forms in which a secret may leak.
func written(secret string) (forms []string) {
	h := hex.EncodeToString([]byte(secret))
	forms = []string{secret, h, strings.ToUpper(h)}
	// at any position in the encoded data; characters that also encode its neighbours are left out
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		forms = append(forms, text[(before*8+5)/6:len(text)-1])
	}
	return forms
}

// Each possible form of a leak is found.
func TestCanariesAreFound(t *testing.T) {
	t.Parallel()
	const secret = "canary-guess-1492"
	for _, leak := range []string{secret, hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("a" + secret + "bc")),
		base64.StdEncoding.EncodeToString([]byte("ab" + secret)),
		base64.StdEncoding.EncodeToString([]byte(`{"a":"` + secret + `"}`))} {
		if !slices.ContainsFunc(written(secret),
			func(form string) bool { return strings.Contains("text "+leak+" text", form) }) {
			t.Errorf("%q in %q is not found by any of %q", secret, leak, written(secret))
		}
	}
}

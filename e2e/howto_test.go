package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/policies"
)

// howTo is a how-to guide and the files that it quotes.
type howTo struct {
	doc, dir string
}

var (
	freeradiusHowTo = howTo{"../docs/how-to/freeradius.md", "../testdata/peers/freeradius/howto/"}
	tacquitoHowTo   = howTo{"../docs/how-to/tacquito.md", "../testdata/peers/tacquito/howto/"}
	untriedHowTos   = []string{"tac_plus-ng", "cisco-ise", "windows-nps"}
)

func (h howTo) file(t *testing.T, name string) string { return readFile(t, h.dir+name) }

// TestHowToQuotes checks that the how-tos quote the files that the tests below run, each whole and unchanged.
func TestHowToQuotes(t *testing.T) {
	for _, h := range []howTo{freeradiusHowTo, tacquitoHowTo} {
		doc := readFile(t, h.doc)
		entries, err := os.ReadDir(h.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !regexp.MustCompile("(?m)^```[a-z]*\n" + regexp.QuoteMeta(h.file(t, e.Name())) +
				"```$").MatchString(doc) {
				t.Errorf("%s does not quote %s%s as it is", h.doc, h.dir, e.Name())
			}
		}
		if len(entries) < 3 {
			t.Errorf("%d files in %s", len(entries), h.dir)
		}
	}
}

// howToDir is a directory with a how-to's configuration, its secrets and certificates.
func howToDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := tempDir(t)
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// topLevel matches the lines of a YAML text that begin with a key; comments belong to what is below them.
var topLevel = regexp.MustCompile(`(?m)^[a-z_]+:`)

// section is the part of a YAML text that begins with a top-level key, without the comments before it.
func section(t *testing.T, text, key string) (before, part, after string) {
	t.Helper()
	starts := topLevel.FindAllStringIndex(text, -1)
	for i, s := range starts {
		if text[s[0]:s[1]] != key+":" {
			continue
		}
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		return text[:s[0]], text[s[0]:end], text[end:]
	}
	t.Fatalf("no section %s in\n%s", key, text)
	return "", "", ""
}

// replaced is text with the section key of other instead of its own.
func replaced(t *testing.T, text, other, key string) string {
	t.Helper()
	before, _, after := section(t, text, key)
	_, part, _ := section(t, other, key)
	return before + strings.TrimRight(part, "\n") + "\n\n" + after
}

// howToTown is a lab whose daemon has the AAA and the policy of a how-to; files are written next to its configuration.
// Its lines serve PPP only if the how-to has a list for it.
func howToTown(t *testing.T, yaml, policy string, files map[string]string) *lab.Lab {
	t.Helper()
	return startTown(t, lab.Options{Dir: howToDir(t, files), Edit: func(name, text string) string {
		switch name {
		case "ringback.yaml":
			if text = replaced(t, text, yaml, "aaa"); !strings.Contains(yaml, "ppp: ") {
				text = strings.ReplaceAll(text, "autoselect: [ppp, during_login], ppp_profile: default,\n", "\n")
			}
		case "policies.d/default.yaml":
			text = policy
		}
		return shortWait(name, text)
	}})
}

// playBoth plays both kinds of callback and checks the dial commands.
func playBoth(t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, scenario := range []string{"no-verify", "any-number"} {
		play(t, l, shipped(t, scenario))
	}
	if d := lineDials(l); len(d) != 2 || d[0].Number != "84001" || d[1].Number != "84001" {
		t.Errorf("dial commands of the lines: %+v, must be two to 84001", d)
	}
}

// varying matches what differs between runs in samples: octets in hexadecimal, session identifiers.
var varying = regexp.MustCompile(`0x[0-9a-f]+|\b[0-9a-f]{8}$`)

// checkQuoted compares the sample output in a how-to with the actual output of the command: each line must be there, in
// this order. A line of … stands for any lines; what varies, and what follows it in the line, is not compared.
func checkQuoted(t *testing.T, doc, command, output string) {
	t.Helper()
	_, sample, ok := strings.Cut(readFile(t, doc), "\n$ "+command+"\n")
	sample, _, ends := strings.Cut(sample, "```")
	if !ok || !ends {
		t.Fatalf("%s has no sample of %q", doc, command)
	}
	rest := output
	for line := range strings.Lines(sample) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "…" || line == "" || strings.HasPrefix(line, "Password"):
			continue
		}
		line = varying.Split(line, 2)[0]
		_, after, ok := strings.Cut(rest, line)
		if !ok {
			t.Errorf("%s shows the line %q, which is not there, or not in this order:\n%s", doc, line, output)
			return
		}
		rest = after
	}
}

// TestHowToConfigurations loads the configurations in the how-tos, which a newcomer may paste.
func TestHowToConfigurations(t *testing.T) {
	firstModem := fenced(t, "../docs/how-to/first-modem.md", "yaml")
	for name, files := range map[string]map[string]string{
		"first modem": {"ringback.yaml": firstModem[0]},
	} {
		dir := t.TempDir()
		t.Setenv("RINGBACK_STATE_DIR", filepath.Join(dir, "state"))
		for file, text := range files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if cfg, problems := config.Load(filepath.Join(dir, "ringback.yaml"), nil); cfg == nil {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestHowToConfigurationsOfAAA loads the unchanged ringback.yaml of each AAA how-to, which an operator may paste.
func TestHowToConfigurationsOfAAA(t *testing.T) {
	secret := "not-a-secret-but-24-octets\n"
	pem := func(name string) string { return readFile(t, "../testdata/config/"+name) }
	files := map[string]string{
		"radius.secret": secret, "tacacs.secret": secret, "ca.pem": pem("ca.pem"),
		"maui-nas-04.example.net.pem": pem("ringback.pem"), "maui-nas-04.example.net.key": pem("ringback.key"),
	}
	yamls := map[string]string{
		"FreeRADIUS": freeradiusHowTo.file(t, "ringback.yaml"),
		"RadSec": replaced(t, freeradiusHowTo.file(t, "ringback.yaml"), freeradiusHowTo.file(t, "radsec.yaml")+
			"  lists:\n    login: {default: [radius]}\n", "aaa"),
		"tacquito": tacquitoHowTo.file(t, "ringback.yaml"),
	}
	for _, name := range untriedHowTos {
		yamls[name] = fenced(t, "../docs/how-to/"+name+".md", "yaml")[0]
	}
	ng := fenced(t, "../docs/how-to/tac_plus-ng.md", "yaml")
	for _, block := range ng[1:] {
		protocol := strings.TrimSpace(block[:strings.IndexByte(block, '\n')])
		switch protocol {
		case "tacacs:":
			block += "  lists:\n    login: {default: [tacacs]}\n"
		case "radius:":
		default:
			continue
		}
		yamls["tac_plus-ng, "+protocol] = replaced(t, ng[0], "aaa:\n"+block, "aaa")
	}
	for name, yaml := range yamls {
		t.Run(name, func(t *testing.T) {
			files["ringback.yaml"], files["policies.d/default.yaml"] = yaml, freeradiusHowTo.file(t, "policy.yaml")
			t.Setenv("RINGBACK_STATE_DIR", filepath.Join(t.TempDir(), "state"))
			cfg, problems := config.Load(filepath.Join(howToDir(t, files), "ringback.yaml"), nil)
			if cfg == nil {
				t.Fatal(problems)
			}
			for _, p := range problems {
				t.Errorf("a warning: %v", p)
			}
		})
	}
}

// TestHowToRequiresCallback: the policy in tac_plus-ng's how-to rejects a user if AAA grants a session without a
// callback.
func TestHowToRequiresCallback(t *testing.T) {
	const doc = "../docs/how-to/tac_plus-ng.md"
	blocks := fenced(t, doc, "yaml")
	i := slices.IndexFunc(blocks, func(b string) bool { return strings.HasPrefix(b, "group: ") })
	if i < 0 {
		t.Fatal("no policy file there")
	}
	p, problems := policies.Parse("default.yaml", []byte(blocks[i]))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	set, err := policies.New(policies.Site{Callback: map[aaa.Service]bool{aaa.EXEC: true}}, p)
	if err != nil {
		t.Fatal(err)
	}
	r := policies.Request{Service: aaa.EXEC, Auth: aaa.Authorization{PrivLevel: 15}}
	d, _ := set.Evaluate(r)
	if d.Outcome != policies.Refuse {
		t.Errorf("without a callback: %+v", d)
	}
	if !strings.Contains(readFile(t, doc), "refuse: "+d.Reason) {
		t.Errorf("%s does not say %q", doc, d.Reason)
	}
	r.Auth.Callback, r.Auth.Dialstring = true, aaa.DialstringOf("84001")
	if d, _ := set.Evaluate(r); d.Outcome != policies.CallBack {
		t.Errorf("with a callback: %+v", d)
	}
}

// TestUntriedHowTos: a how-to that no test runs says so at its beginning.
func TestUntriedHowTos(t *testing.T) {
	for _, name := range untriedHowTos {
		head, _, _ := strings.Cut(readFile(t, "../docs/how-to/"+name+".md"), "\n## ")
		if !strings.Contains(head, "**Not covered by our tests.**") {
			t.Errorf("docs/how-to/%s.md does not say at its head that it is not covered by our tests", name)
		}
	}
}

// checkUsers follows a how-to's instructions to check its configuration: check-config, then `aaa test` of its users,
// whose first output it quotes.
func checkUsers(t *testing.T, h howTo, path, server string) {
	t.Helper()
	if out, status := ringback(t, "", "check-config", "-c", path); status != 0 {
		t.Errorf("check-config: status %d\n%s", status, out)
	}
	const sample = "ringback aaa test austin-01 -c /etc/ringback/ringback.yaml"
	for _, tt := range []struct{ user, password, want string }{
		{"austin-01", "maui-1993", ""},
		{"austin-02", "hana-1993", "decision of group default: ask_number"},
		{"austin-01", "wrong", "user austin-01: refused by " + server},
	} {
		out, status := ringback(t, tt.password+"\n", "aaa", "test", tt.user, "-c", path)
		if (status == 0) != (tt.password != "wrong") || !strings.Contains(out, tt.want) {
			t.Errorf("aaa test of %s with %s: status %d, must say %q\n%s", tt.user, tt.password, status, tt.want, out)
		}
		if tt.want == "" {
			checkQuoted(t, h.doc, sample, out)
		}
	}
}

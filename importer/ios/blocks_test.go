package ios

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/importtest"
)

// TestBlocks: of a block that is not imported, all that is indented is unsupported, whatever it is.
func TestBlocks(t *testing.T) {
	for _, text := range []string{
		"aaa server radius dynamic-author\n client 10.0.0.9 server-key S3cret\n port 3799\n",
		"l2tp-class L\n password S3cret\n", "dot1x credentials X\n username u\n password S3cret\n",
		"parser view X\n secret 5 $1$mERr$S3cret\n commands exec include show\n",
		"crypto pki trustpoint T\n subject-name CN=the line of a user.\n", "no-such-block x\n client 1 2\n",
	} {
		for _, shown := range []string{text, strings.ReplaceAll(text, "\n ", "\n")} {
			if shown != text && !strings.Contains(text, "client") && !strings.Contains(text, "secret") &&
				!strings.HasPrefix(text, "l2tp") || strings.HasPrefix(shown, "no-such-block x\nclient") {
				continue // these begin commands of their own if the indentation is lost
			}
			_, r := importtest.Accounted(t, read, shown+"end\n", "S3cret")
			if r == nil {
				t.Errorf("%q: not accepted", shown)
				continue
			}
			for _, row := range r.Rows[:len(r.Rows)-1] {
				if row.Kind != importer.Unsupported {
					t.Errorf("%q: %+v", shown, row)
				}
			}
		}
	}
	_, r := importtest.Accounted(t, read, "password encryption aes\nend\n")
	if r == nil || r.Rows[0].Kind != importer.Harmless {
		t.Errorf("password encryption aes: %+v", r)
	}
}

// TestAccountingBlock: the lists of accounting as IOS 15 prints them mean what those on one line mean.
func TestAccountingBlock(t *testing.T) {
	const before, after = "aaa new-model\nradius-server host 10.0.0.1\nradius-server key 0 a-key-of-16-octets\n",
		"line 1\n modem InOut\nend\n"
	for block, line := range map[string]string{
		"aaa accounting exec default\n action-type start-stop\n group radius\n!\n": "aaa accounting exec default " +
			"start-stop group radius\n",
		"aaa accounting network X\n action-type stop-only\n broadcast\n group radius\n": "aaa accounting network X " +
			"stop-only group radius\n",
		"aaa accounting exec default\naction-type none\n": "aaa accounting exec default none\n",
		"aaa accounting commands 15 default\n action-type start-stop\n group radius\n": "aaa accounting commands 15 " +
			"default start-stop group radius\n",
	} {
		a, r := importtest.Accounted(t, read, before+block+after)
		b, _ := importtest.Accounted(t, read, before+line+after)
		if a == nil || b == nil || importtest.Text(a) != importtest.Text(b) {
			t.Errorf("%q: %+v", block, r)
			continue
		}
		if strings.Contains(block, "broadcast") && !strings.Contains(r.Rows[3].Warn, "broadcast") {
			t.Errorf("%q: no warning: %+v", block, r.Rows[3])
		}
	}
	for _, block := range []string{"aaa accounting exec default\n group radius\n", "aaa accounting exec default\n",
		"aaa accounting exec default\n action-type start-stop x\n group radius\n"} {
		if site, _ := importtest.Accounted(t, read, before+block+after); site != nil {
			t.Errorf("%q is accepted", block)
		}
	}
}

// TestSlashes: interfaces whose lines have a slot are unsupported, and the rest is imported.
func TestSlashes(t *testing.T) {
	site, r := importtest.Accounted(t, read, "interface Group-Async0\n encapsulation ppp\n group-range 1/00 1/107\n"+
		" ppp authentication chap\nline 1/00 1/107\n modem InOut\nhostname h\nend\n")
	if site == nil {
		t.Fatal("not accepted")
	}
	for _, row := range r.Rows[:5] {
		if row.Kind != importer.Unsupported {
			t.Errorf("%+v", row)
		}
	}
	if site, _ := importtest.Accounted(t, read, "interface Group-Async0\n group-range 1/00 7\nend\n"); site != nil {
		t.Error("half a range is accepted")
	}
}

// TestRecordedSession: what a login and `enable` print before the configuration is skipped, and only before it.
func TestRecordedSession(t *testing.T) {
	const config = "version 12.0\nhostname maui\nend\n"
	_, r := importtest.Accounted(t, read, "Trying 10.0.0.1 ... Open\nUser Access Verification\n\nUsername: kim\n"+
		"Password: S3cret\nrouter> enable\nPassword: \nrouter#terminal length 0\nrouter# show running-config\n"+
		"Building configuration...\n"+config+"router# exit\n", "S3cret", "kim")
	if r == nil {
		t.Fatal("a recorded session is not accepted")
	}
	for text, want := range map[string]string{
		"version 12.0\nPassword: x\nend\n":                             "small letter",
		"version 12.0\n line 1\n --More-- \r         \r modem InOut\n": "terminal length 0",
		"version 12.0\n*Mar  1 00:01:02: %SYS-5-CONFIG_I: Configured from console\nend\n": "message of the router's " +
			"console",
		"version 12.0\n00:01:02: %SYS-5-CONFIG_I: Configured from console\nend\n": "message of the router's console",
		config + "router# show line\n   Tty Typ\n":                                "output of other commands",
		"username x password 0 pl ain\nend\n":                                     "as type 7",
		"radius-server key a b\nend\n":                                            "as type 7",
	} {
		_, _, err := Import([]byte(text), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

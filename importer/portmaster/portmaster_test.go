package portmaster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/importtest"
	"github.com/ringback/ringback/policies"
)

func sample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "users.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var secrets = []string{"sam-pw", "kim pw", "mario-pw", "jaime-pw", "luigi-pw", "peach-pw", "gone-pw", "script-pw",
	"office-pw"}

// A login user is called back at the number, a network user at the number of the location; nobody has the other
// service, and EXEC sessions reach only the host.
func TestDecisions(t *testing.T) {
	site, _ := importtest.Accounted(t, Read, sample(t), secrets...)
	cfg := importtest.Load(t, site)
	for _, tt := range []struct {
		user, password string
		service        aaa.Service
		outcome        policies.Outcome // "": no login
		number         string
	}{
		{"sam", "sam-pw", aaa.EXEC, policies.CallBack, "5551212"},
		{"sam", "sam-pw", aaa.PPP, "", ""},
		{"kim", "kim pw", aaa.EXEC, policies.Admit, ""},
		{"mario", "mario-pw", aaa.PPP, policies.CallBack, "5551234"},
		{"mario", "mario-pw", aaa.EXEC, "", ""},
		{"jaime", "jaime-pw", aaa.PPP, "", ""},
		{"luigi", "luigi-pw", aaa.PPP, "", ""},
		{"peach", "peach-pw", aaa.PPP, "", ""},
		{"guest", "", aaa.EXEC, "", ""},
		{"gone", "gone-pw", aaa.EXEC, "", ""},
	} {
		res := importtest.Login(t, cfg, tt.service, tt.user, tt.password)
		if (res.Kind == aaa.Granted) != (tt.outcome != "") {
			t.Errorf("%s, %s: %+v", tt.user, tt.service, res)
			continue
		}
		if tt.outcome == "" {
			continue
		}
		res.PPPAuth = policies.AnyPPPAuth
		d, _ := cfg.Policies.Evaluate(policies.Ask(aaa.Request{Service: tt.service, User: tt.user}, res,
			policies.Line{}, time.Now(), policies.Used{}))
		if d.Outcome != tt.outcome || d.Number.String() != tt.number {
			t.Errorf("%s, %s: %+v", tt.user, tt.service, d)
		}
	}
	p, ok := cfg.Policies.Group("idle-10m-host-192_0_2_80")
	if !ok || len(p.EXEC.Hosts) != 1 || p.EXEC.Hosts[0].String() != "192.0.2.80/32" || len(p.EXEC.Commands) != 2 {
		t.Errorf("%+v", p.EXEC)
	}
	if len(cfg.Exec.Hosts.Allow) != 1 {
		t.Errorf("%+v", cfg.Exec.Hosts)
	}
}

func TestReport(t *testing.T) {
	_, report := importtest.Accounted(t, Read, sample(t), secrets...)
	importtest.Rows(t, report, []importtest.Want{
		{Text: "add user sam password [secret]", Kind: importer.Imported, Note: "policies: idle-10m-host-192_0_2_80"},
		{Text: "set user sam dialback", Kind: importer.Imported, Note: "dialback of sam"},
		{Text: "set user kim service rlogin", Kind: importer.Unsupported, Note: "rlogin is not offered"},
		{Text: "set user kim maxports", Kind: importer.Unsupported, Note: "simultaneous sessions"},
		{Text: "set user mario dialback hq", Kind: importer.Harmless, Note: "line 14 sets another value"},
		{Text: "set user mario dialback office", Kind: importer.Imported, Note: "dialback of mario"},
		{Text: "set user jaime protocol", Kind: importer.Unsupported,
			Note: "jaime is not imported: the protocol is not PPP"},
		{Text: "add netuser luigi", Kind: importer.Unsupported, Note: "a local user has no filters"},
		{Text: "add netuser peach", Kind: importer.Unsupported, Note: `location "nowhere" has no number`},
		{Text: "add user guest", Kind: importer.Unsupported, Note: "the user has no password"},
		{Text: "add user gone", Kind: importer.Harmless, Note: "deletes the user"},
		{Text: "set location office telephone", Kind: importer.Imported, Note: "number of place office"},
		{Text: "set location office script [secret]", Kind: importer.Unsupported, Note: "dial-out"},
		{Text: "add location leased", Kind: importer.Unsupported, Note: "no telephone"},
		{Text: "set s0 speed", Kind: importer.Unsupported, Note: "neither the user table"},
		{Text: "save all", Kind: importer.Harmless, Note: "changes no table"},
	})
}

// The record of a session has prompts, and what the PortMaster answered.
func TestSession(t *testing.T) {
	const session = "Command> add user sam password sam-pw\nUser sam successfully added\n" +
		"Command> set user sam dialback 5551212\n     Username: sam             Type: Login User\nCommand> \n"
	site, report := importtest.Accounted(t, Read, session, "sam-pw")
	if site == nil || len(site.Users) != 1 || site.Users[0].Callback.Numbers[0] != "5551212" ||
		report.Rows[1].Note != "output of the PortMaster" {
		t.Errorf("%+v %+v", site, report)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "there are no users and no locations"},
		{"Username: sam   Type: Login User\n", "line 1: this is the output of show user"},
		{"add user sam password secret1 more\n", "line 1: it is not complete, or has more words"},
		{"add user sam password \"secret1\n", "line 1: a quote is open"},
		{"set user sam dialback 5551212\n", `line 1: there is no user "sam" before it`},
		{"add user sam password a\nset user sam dialback\n", "line 2: it is not complete"},
		{"add user sam password a\nadd netuser sam password b\n", `line 2: user "sam" is in line 1 too`},
		{"set location hq telephone 1\n", `line 1: there is no location "hq" before it`},
		{"The add user command adds a user.\n", "line 1: it does not begin with a command of ComOS"},
	} {
		_, _, err := Read([]byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
		}
	}
}

func TestHostile(t *testing.T) { importtest.Hostile(t, Read, sample(t), secrets...) }

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add("Command> add netuser a password b\nCommand> set user a callback none\n")
	f.Fuzz(func(t *testing.T, text string) {
		if site, _ := importtest.Accounted(t, Read, text); site != nil && len(site.Users) > 0 {
			importtest.Load(t, site)
		}
	})
}

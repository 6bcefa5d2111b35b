package explain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
)

// TestDialOut: a user and a site are asked about as for the call itself, and the policy has the last word.
func TestDialOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ringback.yaml": `state_dir: state
users:
- {name: kim, password_file: kim.password, groups: [sites], dial_out: true}
- {name: sam, password_file: kim.password, groups: [sites]}
- {name: depot-out, password_file: site.password, dial_out: true}
aaa: {lists: {login: {default: [local]}, dial_out: {default: [local]}}}
dial_out: {login: default, password_file: site.password}
sites: {harbor: {numbers: ["84007", "84008"], send_name: maui, send_secret_file: site.password, lines: [66]}}
lines:
- {tty: 65, port: "tcp://127.0.0.1:1"}
- {tty: 66, port: "tcp://127.0.0.1:2"}
`,
		"kim.password": "lahaina-7\n", "site.password": "piliwale\n",
		"policies.d/sites.yaml": "group: sites\nmatch: {suffix: [\"-out\"]}\ncallback: \"off\"\n" +
			"dial_out: {allow: [\"84*\"], session_time: 30m}\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := config.Load(filepath.Join(dir, "ringback.yaml"), nil)
	if cfg == nil {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		user   string
		site   bool
		number string
		line   int
		want   Verdict
		says   string
	}{
		{"kim", false, "", 0, AskNumber, "asked for a number"},
		{"kim", false, "84001", 65, DialOut, "may dial 84001, for 30m0s at most"},
		{"kim", false, "99001", 0, Refuse, "rejected: "},
		{"sam", false, "84001", 0, Refuse, "rejected"},
		{"kim-out", false, "84001", 0, Refuse, "rejected, nothing is dialed"},
		{"harbor", true, "", 0, DialOut, "may dial 84007"},
		{"harbor", true, "84008", 66, DialOut, "may dial 84008"},
		{"harbor", true, "84009", 0, Refuse, "AAA fixes other numbers"},
		{"harbor", true, "", 65, Refuse, "tty 65 may not dial harbor-out"},
		{"depot", true, "84009", 65, DialOut, "may dial 84009"},
		{"nowhere", true, "", 0, Refuse, "rejected, nothing is dialed"},
	} {
		r, err := Login(t.Context(), cfg, Question{User: tt.user, Service: aaa.Outbound, Site: tt.site,
			Number: tt.number, Line: tt.line, List: "default",
			Password: func(context.Context) (string, error) {
				if tt.site {
					t.Errorf("%s: a person is asked for the password of a site", tt.user)
				}
				return "lahaina-7", nil
			},
			Answer: func(context.Context, string, bool) (string, error) { return "", errors.New("asked for more") }})
		if err != nil || r.Verdict != tt.want || !strings.Contains(r.Outcome, tt.says) {
			t.Errorf("%+v: %+v, %v", tt, r, err)
		}
		if r != nil && tt.user == "harbor" && (r.Authorization.DialOut.SendName != "maui" ||
			r.Authorization.SendSecret != "piliwale") {
			t.Errorf("the profile: %+v", r.Authorization)
		}
	}
	cfg.Sites.List = ""
	for site, want := range map[string]string{"nowhere": "sites of the configuration: harbor; dial_out.login",
		"../x": "is not the name of a site"} {
		var field *FieldError
		if _, err := Login(t.Context(), cfg, Question{User: site, Site: true, Service: aaa.Outbound}); err == nil ||
			!errors.As(err, &field) || field.Field != "site" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", site, err, want)
		}
	}
}

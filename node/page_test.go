package node

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

var pageAt = regexp.MustCompile(`the operator's page is served\s+\{"url": "http://([^"]+)"\}`)

// withPage is a configuration with the page and users; one of them has a role there.
const withPage = `hostname: maui
state_dir: state
api: {socket: DIR/s}
console: {listen: "127.0.0.1:0", login: default}
login: {delay_after: 10}
users:
  - {name: kim, password_file: secret, groups: [ringback-operate]}
  - {name: caller, password_file: secret}
aaa: {lists: {login: {default: [local]}}}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`

// TestPageLogin: a daemon's page lets users in by the AAA list that have a role, counts failures as it does for
// callers, and gives orders in the name of the operator.
func TestPageLogin(t *testing.T) {
	t.Parallel()
	m := running(t, withPage, pageAt)
	browser := operatorAt(t, m.url, nil)
	login, post := browser.login, browser.post
	const right = "a secret of more than 24 octets"
	if status, body := login("kim", "wrong"); status != http.StatusForbidden || !strings.Contains(body, "is wrong") {
		t.Errorf("a wrong password: %d %s", status, body)
	}
	m.logs(t, `"user": "kim", "caller": "127.0.0.1"`)
	if status, body := login("caller", right); status != http.StatusForbidden || !strings.Contains(body, "no role") {
		t.Errorf("a user without a role: %d %s", status, body)
	}
	status, body := login("kim", right)
	if status != http.StatusOK || !strings.Contains(body, "tty 1") {
		t.Fatalf("the right password: %d %s", status, body)
	}
	order := form(t, body, url.Values{"reason": {"a drill"}, "confirm": {"yes"}})
	if status, body := post("/lockdown", order); status != http.StatusOK || !strings.Contains(body, "is in force") {
		t.Errorf("lockdown: %d %s", status, body)
	}
	l, err := client.New(filepath.Join(m.dir, "s")).Lockdown(context.Background())
	if err != nil || !l.Active || !strings.HasPrefix(l.By, "kim (page, 127.0.0.1:") {
		t.Errorf("the lockdown: %+v %v", l, err)
	}
	order.Set("order", "lift")
	if status, body := post("/lockdown", order); status != http.StatusForbidden {
		t.Errorf("an operator ends the lockdown, which needs admin: %d %s", status, body)
	}
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageRole: what AAA grants gives the role; what the user typed does not.
func TestPageRole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user   string
		level  int
		groups []string
		want   api.Role
	}{
		{"kim", 0, nil, api.NoRole},
		{"kim", 1, []string{"staff"}, api.NoRole},
		{"kim", 2, nil, api.Read},
		{"kim", 14, nil, api.Read},
		{"kim", 15, nil, api.Operate},
		{"kim", 1, []string{"ringback-read"}, api.Read},
		{"kim", 1, []string{"ringback-operate"}, api.Operate},
		{"kim", 1, []string{"staff", "ringback-admin"}, api.Admin},
		{"kim", 15, []string{"ringback-read"}, api.Operate},
		{"kim@ringback-admin", 1, []string{"ringback-admin"}, api.NoRole},
		{`RINGBACK-ADMIN\kim`, 1, []string{"RINGBACK-ADMIN", "ringback-admin"}, api.NoRole},
		{"kim@ringback-admin", 15, []string{"ringback-admin"}, api.Operate},
		{"kim", 1, []string{"ringback-none", "Ringback-Admin"}, api.NoRole},
	} {
		if got := pageRole(c.user, aaa.Authorization{PrivLevel: c.level, Groups: c.groups}); got != c.want {
			t.Errorf("%q, level %d, groups %q: %v, want %v", c.user, c.level, c.groups, got, c.want)
		}
	}
}

// TestPageLanguage: a browser that asks for no language gets that of the site, with its own texts; a reload changes it.
func TestPageLanguage(t *testing.T) {
	t.Parallel()
	m := running(t, withPage+"language: zh-Hant\n", pageAt)
	own, path := filepath.Join(m.dir, "own.yaml"), filepath.Join(m.dir, "ringback.yaml")
	if err := os.WriteFile(own, []byte("page.password: 您的密碼\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := operatorAt(t, m.url, nil)
	shows := func(want string) {
		t.Helper()
		if _, body := browser.get("/login"); !strings.Contains(body, want) {
			t.Errorf("no %s:\n%s", want, body)
		}
	}
	shows(`lang="zh-Hant"`)
	shows(">密碼</label>")
	_, body := browser.login("kim", "wrong")
	if !strings.Contains(body, "使用者名稱或密碼錯誤。") {
		t.Errorf("a wrong password:\n%s", body)
	}
	reload := func(change string) {
		t.Helper()
		text := strings.ReplaceAll(readFile(t, path), "language: zh-Hant\n", change)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := client.New(filepath.Join(m.dir, "s")).Reload(t.Context()); err != nil || !r.Applied {
			t.Fatalf("reload: %+v %v", r, err)
		}
	}
	reload("texts: {zh-Hant: own.yaml}\nlanguage: zh-Hant\n")
	shows(">您的密碼</label>")
	reload("")
	shows(">Password</label>")
}

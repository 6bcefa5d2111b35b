package node

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/aaatest/tacquito"
	"github.com/ringback/ringback/api/client"
)

// withPeer is a configuration whose page asks AAA servers. SERVERS, METHOD and SECRET are those of the peer.
const withPeer = `hostname: maui
state_dir: state
api: {socket: DIR/s}
console: {listen: "127.0.0.1:0", login: operators}
login: {delay_after: 2, lock_user_after: 4, lock_number_after: 0}
aaa:
  SERVERS
  lists: {login: {operators: [METHOD], default: [METHOD]}}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`

// asking runs a daemon whose page asks a server.
func asking(t *testing.T, method, server, secret string) *monitored {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return running(t, strings.NewReplacer("SERVERS", method+": [{name: peer, "+server+", secret_file: "+path+"}]",
		"METHOD", method).Replace(withPeer), pageAt)
}

// operatorRoles are users of a peer, whose password is "hula-1993", and the roles that they have at the page.
var operatorRoles = map[string]string{"reader": "read", "operator": "operate", "boss": "admin", "group": "read",
	"caller": ""}

// rolesOf logs the users in, and fails for another role than the peer granted.
func rolesOf(t *testing.T, m *monitored) {
	t.Helper()
	for user, role := range operatorRoles {
		status, body := operatorAt(t, m.url, nil).login(user, "hula-1993")
		if role == "" {
			if status != http.StatusForbidden || !strings.Contains(body, "has no role here") {
				t.Errorf("%s: status %d, role %q", user, status, roleOn(body))
			}
		} else if status != http.StatusOK || roleOn(body) != role {
			t.Errorf("%s: status %d, role %q, want %q:\n%s", user, status, roleOn(body), role, body)
		}
	}
}

// guessed logs in with wrong passwords until the name is locked, also for the right one; an operator clears it.
func guessed(t *testing.T, m *monitored) {
	t.Helper()
	o := operatorAt(t, m.url, nil)
	began := time.Now()
	for range 4 {
		if status, body := o.login("operator", "wrong"); status != http.StatusForbidden ||
			!strings.Contains(body, "The user name or the password is wrong.") {
			t.Errorf("a wrong password: status %d\n%s", status, body)
		}
	}
	if took := time.Since(began); took < 3*time.Second { // 1 s before the third, 2 s before the fourth
		t.Errorf("four failures took %v: they are not delayed", took)
	}
	if status, body := o.login("operator", "hula-1993"); status != http.StatusForbidden ||
		!strings.Contains(body, "Too many failed logins") {
		t.Errorf("a locked name: status %d\n%s", status, body)
	}
	api := client.New(filepath.Join(m.dir, "s"))
	locks, err := api.LoginLocks(t.Context())
	if err != nil || len(locks) == 0 || locks[0].User != "operator" {
		t.Errorf("the locks: %+v %v", locks, err)
	}
	if _, err := api.ClearLoginLocks(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if status, body := o.login("operator", "hula-1993"); status != http.StatusOK || roleOn(body) != "operate" {
		t.Errorf("after the lock was cleared: status %d, role %q", status, roleOn(body))
	}
}

// silent logs in at a server that does not answer: the page says so, and that is no failure of the user.
func silent(t *testing.T, m *monitored) {
	t.Helper()
	status, body := operatorAt(t, m.url, nil).login("reader", "hula-1993")
	if status != http.StatusBadGateway || !strings.Contains(body, "no AAA server answered") || roleOn(body) != "" {
		t.Errorf("a server that is silent: status %d\n%s", status, body)
	}
	locks, err := client.New(filepath.Join(m.dir, "s")).LoginLocks(t.Context())
	if err != nil || len(locks) > 0 {
		t.Errorf("a server that is silent locks or delays its users: %+v %v", locks, err)
	}
}

// TestPeerPageFreeRADIUS: operators log in at the page by FreeRADIUS. Their roles are those of the privilege level and
// of the group that it sends.
func TestPeerPageFreeRADIUS(t *testing.T) {
	t.Parallel()
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: `reader Cleartext-Password := "hula-1993"
	Cisco-AVPair = "shell:priv-lvl=2"

operator Cleartext-Password := "hula-1993"
	Service-Type = Administrative-User,
	Cisco-AVPair = "shell:priv-lvl=15"

boss Cleartext-Password := "hula-1993"
	Cisco-AVPair = "ringback:group=ringback-admin"

group Cleartext-Password := "hula-1993"
	Filter-Id = "ringback-read"

caller Cleartext-Password := "hula-1993"
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001"
`})
	m := asking(t, "radius", fmt.Sprintf("address: %q, timeout: 1s, retries: 2", f.Auth), string(f.Secret))
	rolesOf(t, m)
	guessed(t, m)
	if err := f.Pause(); err != nil {
		t.Fatal(err)
	}
	silent(t, m)
	if err := f.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server answers again", func() bool {
		_, body := operatorAt(t, m.url, nil).login("reader", "hula-1993")
		return roleOn(body) == "read"
	})
}

// TestPeerPageTacquito: operators log in at the page by tacquito. Their roles are those of the privilege level and of
// the group of the authorization.
func TestPeerPageTacquito(t *testing.T) {
	t.Parallel()
	const key = "the-town's-own-secret-of-30-oct"
	hash, err := tacquito.Hash("hula-1993")
	if err != nil {
		t.Fatal(err)
	}
	config := `log: &log {name: file, type: 3}
users:
`
	for user, value := range map[string]string{"reader": `name: priv-lvl, values: ["2"]`,
		"operator": `name: priv-lvl, values: ["15"]`, "boss": `name: group, values: ["ringback-admin"]`,
		"group": `name: group, values: ["ringback-read"]`, "caller": `name: callback-dialstring, values: ["84001"]`} {
		config += fmt.Sprintf("  - {name: %s, scopes: [town], services: [{name: shell, set_values: [{%s}]}], "+
			"accounter: *log, authenticator: {type: 1, options: {hash: %q}}}\n", user, value, hash)
	}
	config += fmt.Sprintf(`secrets:
  - name: town
    secret: {group: town, key: %q}
    handler: {type: 1}
    type: 1
    options:
      prefixes: |
        ["127.0.0.0/8"]
`, key)
	server := tacquito.Start(t, tacquito.Options{Config: config})
	m := asking(t, "tacacs", fmt.Sprintf("address: %q, timeout: 20s", server.Addr), key)
	rolesOf(t, m)
	guessed(t, m)
	server.Stop()
	silent(t, m)
}

package exec

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// tacacs simulates a server that authorizes single commands: show, but not show callback.
type tacacs struct{ silent bool }

func (tacacs) Name() string { return "tacacs" }

func (a tacacs) Authorize(_ context.Context, q aaa.Question) aaa.Result {
	switch {
	case len(q.Command) == 0:
		return aaa.Result{Kind: aaa.Granted, Auth: aaa.Authorization{PrivLevel: 1}}
	case a.silent:
		return aaa.Result{Reason: "no answer"}
	case q.Command[0] == "show" && q.Command[1] != "callback" || q.Command[0] == "enable":
		return aaa.Result{Kind: aaa.Granted}
	}
	return aaa.Result{Kind: aaa.Refused, Reason: "not in the profile"}
}

// With real method lists: login with `local`, commands authorized by a server, `enable` with its own secret.
func TestWithMethodLists(t *testing.T) {
	local, err := aaa.NewLocal([]aaa.User{{Name: "u", Password: "login-pw"}})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := aaa.ParseHash("$1$abcdefgh$G//4keteveJp0qb8z2DxG/") // openssl passwd -1 -salt abcdefgh password
	if err != nil {
		t.Fatal(err)
	}
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			login := aaa.Login{
				Authentication: aaa.Lists{aaa.EXEC: {Name: "default", Entries: []aaa.Method{local}},
					aaa.Enable: {Name: "default", Entries: []aaa.Method{aaa.NewEnableSecret(secret)}}},
				Authorization: aaa.AuthorizationLists{aaa.Commands: {Name: "default",
					Entries: []aaa.Authorizer{tacacs{silent}, aaa.IfAuthenticated{}}}},
			}
			b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
			g := &fakeGuard{known: []string{"u"}}
			p := dialIn(t, scene{login: login, broker: b, daemon: newDaemon(),
				cfg: settings{calls: session.Config{Guard: g}}})
			p.types("u\r")
			p.types("login-pw\r")
			p.types("show callback\r")
			s := p.sees()
			if refused := strings.Contains(s, "Command authorization failed."); refused == silent ||
				strings.Contains(s, "***01") == refused {
				t.Errorf("silent %v: %q", silent, s)
			}
			p.types("enable\r")
			p.types("login-pw\r")
			p.waits(2 * time.Second)
			p.types("password\r")
			p.types("show privilege\r")
			if s := p.sees(); !strings.Contains(s, "% Access denied\n") ||
				!strings.HasSuffix(s, "Current privilege level is 15\nmaui-nas-04#") {
				t.Errorf("silent %v: %q", silent, s)
			}
			p.hangsUp()
			if want := []string{"login by local", "enable by enable"}; !slices.Equal(g.by, want) {
				t.Errorf("granted: %q, want %q", g.by, want)
			}
		})
	}
}

package radius_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
)

const (
	secret = "a secret of 24 octets..."
	canary = "canary-password"
)

func attr(kv ...string) []servers.Attribute {
	var a []servers.Attribute
	for i := 0; i < len(kv); i += 2 {
		a = append(a, servers.Attribute{Name: kv[i], Value: kv[i+1]})
	}
	return a
}

var users = []servers.User{
	{Name: "bob", Password: canary, Reply: attr("Service-Type", "NAS-Prompt-User", "Class", "cls", "Class", "0x00ff")},
	{Name: "cb", Password: canary, Reply: attr("Service-Type", "Callback-NAS-Prompt", "Callback-Number", "84001",
		"Reply-Message", "We call you.")},
	{Name: "otp", Password: canary, Challenge: "Token: ", Answer: "123456",
		Reply: attr("Service-Type", "NAS-Prompt-User")},
	{Name: "ppp", Password: canary, Reply: attr("Service-Type", "Callback-Framed-User", "Callback-Number", "84001")},
}

// town is one client and its servers on an in-memory network, inside a bubble.
type town struct {
	t      *testing.T
	net    *aaatest.Net
	server map[string]*servers.RADIUS
	client *radius.Client

	mu    sync.Mutex
	trace []string
	about []string // whose each event of the trace is
}

// inTown runs f in a bubble with servers "one", "two", … as named by the configs; a server with Address "nobody" does
// not exist.
func inTown(t *testing.T, f func(*town), configs ...radius.ServerConfig) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, net: &aaatest.Net{}, server: map[string]*servers.RADIUS{}}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for i := range configs {
			s := &configs[i]
			s.Secret = secret
			if s.Address != "nobody" {
				w.serve(ctx, &wg, s.Name)
			}
			s.Address, s.Accounting = s.Name+":1812", s.Name+":1813"
		}
		var err error
		w.client, err = radius.New(radius.Config{Servers: configs, NASIdentifier: "maui", Dial: w.net.Dial,
			Trace: w.note, DeadTime: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		f(w)
		w.client.Close()
		cancel()
		wg.Wait()
		if got := strings.Join(w.trace, "\n"); strings.Contains(got, canary) || strings.Contains(got, secret) {
			t.Errorf("a secret in the trace:\n%s", got)
		}
	})
}

func (w *town) serve(ctx context.Context, wg *sync.WaitGroup, name string) {
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: secret, Users: users})
	if err != nil {
		w.t.Fatal(err)
	}
	auth, err1 := w.net.Listen(name + ":1812")
	acct, err2 := w.net.Listen(name + ":1813")
	if err1 != nil || err2 != nil {
		w.t.Fatal(err1, err2)
	}
	w.server[name] = s
	wg.Go(func() {
		if err := s.Serve(ctx, auth, acct); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *town) note(e radius.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, e.Server+" "+e.What+" "+strings.Join(e.Lines, ", "))
	what, _, _ := strings.Cut(e.What, " ")
	w.about = append(w.about, fmt.Sprintf("%s: %s, tty %d", what, e.About.User, e.About.TTY))
}

func (w *town) login(user string) (aaa.Conversation, aaa.Result) {
	w.t.Helper()
	c, res := w.client.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: user, Password: canary, TTY: 65,
		Caller: "5551", Called: "5552", Connect: "CONNECT 33600"})
	if strings.Contains(res.Reason, canary) || strings.Contains(res.Reason, secret) {
		w.t.Errorf("a secret in %q", res.Reason)
	}
	return c, res
}

func (w *town) want(user string, kind aaa.Kind, reason string) aaa.Result {
	w.t.Helper()
	_, res := w.login(user)
	if res.Kind != kind || !strings.Contains(res.Reason, reason) {
		w.t.Errorf("%s: %v, %q; want %v, %q", user, res.Kind, res.Reason, kind, reason)
	}
	if accepted := strings.Contains(res.Reason, " accepted "); res.Known != (kind == aaa.Refused && accepted) {
		w.t.Errorf("%s: known %v: %s", user, res.Known, res.Reason)
	}
	if res.Kind != aaa.Granted && (res.Auth.Callback || res.Identity != (aaa.Identity{})) {
		w.t.Errorf("%s: %v grants %+v", user, res.Kind, res)
	}
	return res
}

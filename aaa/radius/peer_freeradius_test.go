package radius_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
)

// freeradius starts a FreeRADIUS and its client.
func freeradius(t *testing.T) (*aaatest.FreeRADIUS, *radius.Client) {
	t.Helper()
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{})
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04",
		Trace: func(e radius.Event) { t.Log(e.Server, e.What, strings.Join(e.Lines, ", ")) },
		Servers: []radius.ServerConfig{
			{Name: "freeradius", Address: f.Auth, Accounting: f.Acct, Secret: f.Secret,
				Timeout: 1500 * time.Millisecond,
				Retries: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return f, c
}

func TestPeerFreeRADIUSLogin(t *testing.T) {
	t.Parallel()
	_, c := freeradius(t)
	for _, tt := range []struct {
		user, password string
		kind           aaa.Kind
		reason         string
		check          func(aaa.Authorization) bool
	}{
		{"austin-01", "pw1", aaa.Granted, "", func(a aaa.Authorization) bool {
			return a.Callback && a.Dialstring.Value() == "84001" && a.NoVerify && a.ServiceType == 9 &&
				a.ReplyMessage == "You will be called back." && string(a.Class[0]) == "class of austin-01"
		}},
		{"austin-02", "pw2", aaa.Granted, "", func(a aaa.Authorization) bool {
			return a.Callback &&
				a.Dialstring.IsNull() && !a.NoVerify
		}},
		{"pairs", "pw3", aaa.Granted, "", func(a aaa.Authorization) bool {
			return a.Callback && a.Dialstring.Value() == "84003" && a.Lines[0] == 66 && *a.Rotary == 1 &&
				a.PrivLevel == 15 && a.SessionTimeout == time.Hour && a.IdleTimeout == 5*time.Minute
		}},
		{"place", "pw4", aaa.Granted, "", func(a aaa.Authorization) bool {
			return a.Callback && a.CallbackID == "home-office" && !a.Dialstring.IsSet()
		}},
		{"admin", "pw5", aaa.Granted, "", func(a aaa.Authorization) bool { return a.Callback && a.PrivLevel == 15 }},
		{"plain", "pw6", aaa.Granted, "", func(a aaa.Authorization) bool { return !a.Callback && a.PrivLevel == 1 }},
		{"ppp", "pw7", aaa.Refused, "PPP is not supported", nil},
		{"contradiction", "pw8", aaa.Refused, "a different number than Callback-Number", nil},
		{"noma", "pw9", aaa.Silent, "post-auth { update reply { &Message-Authenticator := 0x00 } }", nil},
		{"nobody", "x", aaa.Refused, "refused", nil},
		{"austin-01", "wrong", aaa.Refused, "refused", nil},
	} {
		conv, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: tt.user,
			Password: aaa.Secret(tt.password), TTY: 65, CallID: "c1", Connect: "CONNECT 33600/V34"})
		if conv != nil || res.Kind != tt.kind || !strings.Contains(res.Reason, tt.reason) || tt.check != nil &&
			!tt.check(res.Auth) {
			t.Errorf("%s: %+v", tt.user, res)
		}
		if res.Kind != aaa.Granted && (res.Auth.Callback || res.Auth.Dialstring.IsSet()) {
			t.Errorf("%s: a refusal with a number: %+v", tt.user, res.Auth)
		}
	}
}

// A stock FreeRADIUS keeps the reply items of the users file in an Access-Reject: a client that reads attributes before
// the code would call back a user who typed a wrong password.
func TestPeerFreeRADIUSRejectWithNumber(t *testing.T) {
	t.Parallel()
	f, c := freeradius(t)
	_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "austin-01", Password: "wrong"})
	if res.Kind != aaa.Refused || res.Auth.Callback || res.Auth.Dialstring.IsSet() {
		t.Errorf("%+v", res)
	}
	if !strings.Contains(strings.Join(res.Auth.Attributes, "\n"), `Callback-Number = "84001"`) {
		t.Errorf("the Reject contains no number, so this tests nothing (%s): %q", f.Dir, res.Auth.Attributes)
	}
}

func TestPeerFreeRADIUSChallenge(t *testing.T) {
	t.Parallel()
	_, c := freeradius(t)
	for answer, want := range map[aaa.Secret]aaa.Kind{"123456": aaa.Granted, "654321": aaa.Refused} {
		conv, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "otp", Password: "any"})
		if res.Kind != aaa.Prompt || res.Message != "Enter token code: " || res.Echo {
			t.Fatalf("%+v", res)
		}
		if res := conv.Answer(context.Background(), answer); res.Kind != want {
			t.Errorf("%+v", res)
		}
	}
}

func TestPeerFreeRADIUSAccounting(t *testing.T) {
	t.Parallel()
	f, c := freeradius(t)
	r := aaa.Record{ID: "1", Type: aaa.On, Time: time.Now(), SessionID: "boot"}
	leg := aaa.Record{ID: "2", Type: aaa.Start, Time: time.Now(), SessionID: "s1", MultiSessionID: "m1",
		Entry: "radius", User: "austin-01", Service: aaa.EXEC, ServiceType: 9,
		Class: [][]byte{[]byte("class of austin-01")}, TTY: 65, Connect: "CONNECT 33600/V34"}
	stop := leg
	stop.ID, stop.Type, stop.Cause, stop.SessionTime, stop.OctetsIn, stop.OctetsOut, stop.CallbackNumber = "3",
		aaa.Stop, aaa.CauseCallback, 12*time.Second, 40, 1<<32+9, "84001"
	for _, rec := range []aaa.Record{r, leg, stop} {
		if err := c.Send(context.Background(), rec); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(f.Detail)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(b)), "\n\n")
	if len(blocks) != 3 {
		t.Fatalf("%d records:\n%s", len(blocks), b)
	}
	for i, want := range [][]string{
		{"Acct-Status-Type = Accounting-On", `Acct-Session-Id = "boot"`, `NAS-Identifier = "maui-nas-04"`},
		{"Acct-Status-Type = Start", `Acct-Session-Id = "s1"`, `User-Name = "austin-01"`, "NAS-Port-Type = Async",
			`NAS-Port-Id = "tty65"`, "Acct-Authentic = RADIUS", "NAS-IP-Address = 127.0.0.1"},
		{"Acct-Status-Type = Stop", `Acct-Session-Id = "s1"`, `Acct-Multi-Session-Id = "m1"`,
			"Acct-Terminate-Cause = Callback", "Class = 0x636c617373206f662061757374696e2d3031",
			"Acct-Session-Time = 12",
			"Acct-Input-Octets = 40", "Acct-Output-Octets = 9", "Acct-Output-Gigawords = 1",
			`Callback-Number = "84001"`, "Service-Type = Callback-NAS-Prompt", `Connect-Info = "CONNECT 33600/V34"`},
	} {
		for _, w := range want {
			if !strings.Contains(blocks[i], w) {
				t.Errorf("record %d: no %s in\n%s", i, w, blocks[i])
			}
		}
	}
}

// A stopped server is silent; after it resumes, its late answers do no harm.
func TestPeerFreeRADIUSPaused(t *testing.T) {
	t.Parallel()
	f, c := freeradius(t)
	req := aaa.Request{Service: aaa.EXEC, User: "plain", Password: "pw6"}
	if err := f.Pause(); err != nil {
		t.Fatal(err)
	}
	if _, res := c.Start(context.Background(), req); res.Kind != aaa.Silent {
		t.Errorf("%+v", res)
	}
	if err := f.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, res := c.Start(context.Background(), req); res.Kind != aaa.Granted {
		t.Errorf("%+v", res)
	}
}

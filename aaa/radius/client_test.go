package radius_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
)

var one = radius.ServerConfig{Name: "one"}

func TestLogin(t *testing.T) {
	inTown(t, func(w *town) {
		res := w.want("bob", aaa.Granted, "")
		if res.Identity != (aaa.Identity{Entry: "radius", User: "bob"}) || res.Server != "one" ||
			res.Auth.ServiceType != 7 || len(res.Auth.Class) != 2 || string(res.Auth.Class[1]) != "\x00\xff" {
			t.Errorf("%+v", res)
		}
		res = w.want("cb", aaa.Granted, "")
		if !res.Auth.Callback || res.Auth.Dialstring.Value() != "84001" || res.Message != "We call you." {
			t.Errorf("%+v", res)
		}
		w.want("ppp", aaa.Refused, "PPP is not supported")
		w.want("nobody", aaa.Refused, "refused")
		w.want("", aaa.Refused, "empty")
		w.want(" bob", aaa.Refused, "space")
		for _, want := range []string{"one Access-Request", "User-Name = \"bob\"", "NAS-Identifier = \"maui\"",
			"NAS-Port = 65", "NAS-Port-Id = \"tty65\"", "NAS-Port-Type = Async",
			"Service-Type = NAS-Prompt-User", "Called-Station-Id = \"5552\"", "Calling-Station-Id = \"5551\"",
			"Connect-Info = \"CONNECT 33600\"", "User-Password = [secret]"} {
			if !strings.Contains(strings.Join(w.trace, "\n"), want) {
				t.Errorf("no %s in the trace", want)
			}
		}
	}, one)
}

func TestPasswordsThatCannotBeSent(t *testing.T) {
	inTown(t, func(w *town) {
		for p, want := range map[string]string{strings.Repeat("x", 129): "128", "a\x00": "NUL"} {
			_, res := w.client.Start(context.Background(), aaa.Request{User: "bob", Password: aaa.Secret(p)})
			if res.Kind != aaa.Refused || !strings.Contains(res.Reason, want) {
				t.Errorf("%+v", res)
			}
		}
		if all, _ := w.server["one"].Requests(); all != 0 {
			t.Error("it was sent")
		}
		long := aaa.Secret(strings.Repeat("y", 128))
		if err := w.server["one"].SetUsers([]servers.User{{Name: "bob", Password: long}}); err != nil {
			t.Fatal(err)
		}
		if _, res := w.client.Start(context.Background(),
			aaa.Request{User: "bob", Password: long}); res.Kind != aaa.Granted {
			t.Errorf("128 octets: %+v", res)
		}
	}, one)
}

// Every faulty reply without a valid one after it ends in silence, never in a grant or a refusal.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults servers.Faults
		kind   aaa.Kind
		reason string
	}{
		{"silent", servers.Faults{Silent: true}, aaa.Silent, "Is the server running"},
		{"two dropped", servers.Faults{Drop: 2}, aaa.Granted, ""},
		{"all dropped", servers.Faults{Drop: 4}, aaa.Silent, "4 transmissions"},
		{"late", servers.Faults{Delay: 3 * time.Second}, aaa.Granted, ""},
		{"too late", servers.Faults{Delay: time.Minute}, aaa.Silent, "no authentic answer"},
		{"twice", servers.Faults{Twice: true}, aaa.Granted, ""},
		{"forged before", servers.Faults{Forge: 1000}, aaa.Granted, ""},
		{"unsigned", servers.Faults{Unsigned: true}, aaa.Silent,
			"post-auth { update reply { &Message-Authenticator := 0x00 } }"},
		{"wrong M-A", servers.Faults{WrongMAC: true}, aaa.Silent, "wrong Message-Authenticator"},
		{"two M-A", servers.Faults{DoubleMAC: true}, aaa.Silent, "two Message-Authenticators"},
		{"M-A last", servers.Faults{LastMAC: true}, aaa.Granted, ""},
		{"padding", servers.Faults{Padding: true}, aaa.Granted, ""},
		{"M-A in the padding only", servers.Faults{Padding: true, Unsigned: true}, aaa.Silent,
			"without Message-Authenticator"},
		{"truncated", servers.Faults{Truncate: 3}, aaa.Silent, "no authentic"},
		{"header only", servers.Faults{Truncate: 30}, aaa.Silent, "no authentic"},
		{"wrong id", servers.Faults{WrongID: true}, aaa.Silent, "no authentic"},
		{"wrong code", servers.Faults{WrongCode: true}, aaa.Silent, "unexpected code"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTown(t, func(w *town) {
				w.server["one"].SetFaults(tt.faults)
				begun := time.Now()
				w.want("cb", tt.kind, tt.reason)
				if d := time.Since(begun); tt.kind == aaa.Silent && (d < 12*time.Second || d > 16*time.Second) {
					t.Errorf("silent after %v", d)
				}
				w.server["one"].SetFaults(servers.Faults{})
				w.want("cb", aaa.Granted, "")
			}, one)
		})
	}
}

func TestWrongSecretHint(t *testing.T) {
	inTown(t, func(w *town) {
		// a server with another secret drops the request; the reason mentions the secret
		c, err := radius.New(radius.Config{Dial: w.net.Dial,
			Servers: []radius.ServerConfig{{Name: "x", Address: "one:1812", Secret: "another secret, 24 long.."}}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, res := c.Start(context.Background(),
			aaa.Request{User: "bob", Password: canary}); res.Kind != aaa.Silent ||
			!strings.Contains(res.Reason, "same secret") {
			t.Errorf("%+v", res)
		}
	}, one)
}

// A server that has answered before has the right secret: the reason suggests another cause.
func TestHintsOfKnownServer(t *testing.T) {
	inTown(t, func(w *town) {
		w.want("bob", aaa.Granted, "")
		for want, f := range map[string]servers.Faults{
			"It last answered at 2000-01-01T00:00:": {Silent: true}, // the bubble's clock
			"It answered with this secret at 2000-": {WrongAuth: true},
			"were discarded. It answered with this": {WrongMAC: true},
		} {
			w.server["one"].SetFaults(f)
			res := w.want("bob", aaa.Silent, want)
			if strings.Contains(res.Reason, "same secret") || strings.Contains(res.Reason, "Is the shared secret") {
				t.Errorf("%q", res.Reason)
			}
		}
	}, one)
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{WrongAuth: true})
		w.want("bob", aaa.Silent, "Is the shared secret the same on both sides?")
	}, one)
}

// A flood of spoofed replies neither ends a login nor is accepted.
func TestSpoofedFlood(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 1
	}
	inTown(t, func(w *town) {
		// as many as fit into the socket's queue with the genuine reply
		w.server["one"].SetFaults(servers.Faults{Forge: 4000})
		for range rounds {
			w.want("nobody", aaa.Refused, "")
		}
		if n := w.client.Dropped(); n != uint64(rounds)*4000 {
			t.Errorf("%d counted", n)
		}
	}, one)
}

func TestMessageAuthenticatorModes(t *testing.T) {
	for _, tt := range []struct {
		mode   string
		faults servers.Faults
		want   aaa.Kind
		after  aaa.Kind // unsigned, after a valid one was received
	}{
		{radius.Require, servers.Faults{Unsigned: true}, aaa.Silent, aaa.Silent},
		{radius.Auto, servers.Faults{Unsigned: true}, aaa.Granted, aaa.Silent},
		{radius.Off, servers.Faults{Unsigned: true}, aaa.Granted, aaa.Granted},
		{radius.Auto, servers.Faults{WrongMAC: true}, aaa.Silent, aaa.Silent},
		{radius.Off, servers.Faults{WrongMAC: true}, aaa.Silent, aaa.Granted},
		{radius.Off, servers.Faults{DoubleMAC: true}, aaa.Silent, aaa.Granted},
	} {
		inTown(t, func(w *town) {
			w.server["one"].SetFaults(tt.faults)
			w.want("bob", tt.want, "")
			w.server["one"].SetFaults(servers.Faults{})
			w.want("bob", aaa.Granted, "")
			w.server["one"].SetFaults(servers.Faults{Unsigned: true})
			w.want("bob", tt.after, "")
		}, radius.ServerConfig{Name: "one", MessageAuthenticator: tt.mode})
	}
}

// Reject and Challenge must be signed too.
func TestUnsignedRejectAndChallenge(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Unsigned: true})
		w.want("nobody", aaa.Silent, "Post-Auth-Type REJECT")
		w.want("otp", aaa.Silent, "Post-Auth-Type Challenge")
	}, one)
}

func TestRejectWithNumber(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Callback: "84999"})
		res := w.want("nobody", aaa.Refused, "refused")
		if res.Auth.Dialstring.IsSet() || res.Auth.Callback {
			t.Errorf("%+v", res)
		}
	}, one)
}

func TestChallenge(t *testing.T) {
	inTown(t, func(w *town) {
		c, res := w.login("otp")
		if res.Kind != aaa.Prompt || res.Message != "Token: " || res.Echo || c == nil {
			t.Fatalf("%+v", res)
		}
		if res = c.Answer(context.Background(), "123456"); res.Kind != aaa.Granted || res.Identity.User != "otp" {
			t.Errorf("%+v", res)
		}
		if res = c.Answer(context.Background(), "123456"); res.Kind != aaa.Refused {
			t.Errorf("after the end: %+v", res)
		}
		c, _ = w.login("otp")
		if res = c.Answer(context.Background(), "wrong"); res.Kind != aaa.Refused {
			t.Errorf("%+v", res)
		}
		// pinned: if its server becomes silent, no other is asked
		c, _ = w.login("otp")
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		before, _ := w.server["two"].Requests()
		if res = c.Answer(context.Background(), "123456"); res.Kind != aaa.Silent {
			t.Errorf("%+v", res)
		}
		if after, _ := w.server["two"].Requests(); after != before {
			t.Error("another server was asked inside a conversation")
		}
		w.server["two"].SetFaults(servers.Faults{Challenge: "again"})
		c, res = w.login("bob")
		n := 0
		for ; res.Kind == aaa.Prompt; n++ {
			res = c.Answer(context.Background(), "x")
		}
		if res.Kind != aaa.Refused || n > 16 {
			t.Errorf("%d challenges, then %+v", n, res)
		}
	}, one, radius.ServerConfig{Name: "two"})
}

func TestFailOverAndDeadTime(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		begun := time.Now()
		if res := w.want("bob", aaa.Granted, ""); res.Server != "two" {
			t.Errorf("%+v", res)
		}
		if d := time.Since(begun); d < 12*time.Second || d > 16*time.Second {
			t.Errorf("fail-over after %v", d)
		}
		w.server["one"].SetFaults(servers.Faults{})
		begun = time.Now()
		if res := w.want("bob", aaa.Granted, ""); res.Server != "two" || time.Since(begun) > time.Second {
			t.Error("the dead server was not skipped")
		}
		w.want("nobody", aaa.Refused, "two") // after a refusal no other server is asked
		w.server["two"].SetFaults(servers.Faults{Silent: true})
		w.want("bob", aaa.Silent, "two")
		// both dead: all are asked, in order
		if res := w.want("bob", aaa.Granted, ""); res.Server != "one" {
			t.Errorf("%+v", res)
		}
	}, one, radius.ServerConfig{Name: "two"})
}

func TestRetransmissionIsTheSamePacket(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Delay: 5 * time.Second})
		w.want("bob", aaa.Granted, "")
		all, dup := w.server["one"].Requests()
		if all != 2 || dup != 0 {
			t.Logf("%d requests, %d duplicates", all, dup)
		}
		if all-dup != 1 {
			t.Errorf("%d requests, %d of them duplicates: a retransmission was a different packet", all, dup)
		}
	}, one)
}

func TestCancelled(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, res := w.client.Start(ctx, aaa.Request{User: "bob", Password: canary})
		if all, _ := w.server["two"].Requests(); res.Kind != aaa.Silent || all != 0 {
			t.Errorf("%+v, second server asked %d times", res, all)
		}
		w.server["one"].SetFaults(servers.Faults{})
		if res := w.want("bob", aaa.Granted, ""); res.Server != "one" {
			t.Error("a server is dead because a caller hung up")
		}
	}, one, radius.ServerConfig{Name: "two"})
}

// More than 256 logins in flight need more sockets; each login gets its own answer.
func TestManyInFlight(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Delay: time.Second})
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				user, kind := "bob", aaa.Granted
				if i%2 == 1 {
					user, kind = "nobody", aaa.Refused
				}
				if _, res := w.login(user); res.Kind != kind {
					t.Errorf("%s: %+v", user, res)
				}
			})
		}
		wg.Wait()
	}, one)
}

func TestClose(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		var wg sync.WaitGroup
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		wg.Go(func() {
			if _, res := w.client.Start(context.Background(),
				aaa.Request{User: "bob", Password: canary}); res.Kind != aaa.Silent {
				t.Errorf("%+v", res)
			}
		})
		<-ctx.Done()
		w.client.Close()
		wg.Wait()
		w.want("bob", aaa.Silent, "closed")
	}, one)
}

func TestOtherEntry(t *testing.T) {
	inTown(t, func(w *town) {
		if _, res := w.client.Start(context.Background(),
			aaa.Request{User: "bob", Password: canary, Entry: "local"}); res.Kind != aaa.Silent {
			t.Errorf("%+v", res)
		}
	}, one)
}

func TestConfig(t *testing.T) {
	_, err := radius.New(radius.Config{Servers: []radius.ServerConfig{
		{Name: "a", Address: "h"}, {Name: "b", Address: "h", Secret: "x", MessageAuthenticator: "maybe"},
		{Name: "c", Secret: "x", Source: "zz"},
		{Name: "d", Address: "h", Secret: "x", Insecure: true},
		{Name: "d", Address: "h", Secret: "x", Insecure: true}}})
	for _, want := range []string{"a: no secret", "b: secret of 1 octets: RFC 2865 §3 requires at least 16", `"maybe"`,
		"c: no address", `"zz"`, "d: defined twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
	if _, err := radius.New(radius.Config{}); err == nil {
		t.Error("no error without servers")
	}
	if w := (radius.ServerConfig{Secret: "short", MessageAuthenticator: "off"}).Warnings(); len(w) != 2 {
		t.Error(w)
	}
}

package radius_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
)

// pass waits for d in the bubble's time.
func pass(d time.Duration) { <-time.After(d) }

func state(t *testing.T, c *radius.Client, name, serves string) radius.ServerStatus {
	t.Helper()
	for _, s := range c.Servers() {
		if s.Name == name && s.Serves == serves {
			return s
		}
	}
	t.Fatalf("no %s of %s", serves, name)
	return radius.ServerStatus{}
}

// A dead server is probed with Status-Server, and asked again after three answers: no caller waits for a test.
func TestStatusServerProbes(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		w.want("bob", aaa.Granted, "two")
		if s := state(t, w.client, "one", "authentication"); s.State != radius.Down || !s.PassedOver ||
			!strings.Contains(s.Reason, "no authentic answer") {
			t.Errorf("%+v", s)
		}
		pass(40 * time.Second)
		w.server["one"].SetFaults(servers.Faults{})
		pass(35 * time.Second)
		if s := state(t, w.client, "one", "authentication"); s.State != radius.Reopen || !s.PassedOver ||
			!s.StatusServer {
			t.Errorf("%+v", s)
		}
		if res := w.want("bob", aaa.Granted, ""); res.Server != "two" {
			// the dead time is over, but it is known to support Status-Server
			t.Error("server one is asked after a single proof")
		}
		pass(70 * time.Second)
		if s := state(t, w.client, "one", "authentication"); s.State != radius.Okay || s.PassedOver {
			t.Errorf("%+v", s)
		}
		before, _ := w.server["one"].Requests()
		if res := w.want("bob", aaa.Granted, ""); res.Server != "one" {
			t.Errorf("%+v", res)
		}
		pass(time.Hour)
		if after, _ := w.server["one"].Requests(); after != before+1 {
			t.Errorf("%d packets to a server that is up but not asked", after-before)
		}
		// A server that is known to support it is suspect after a silence, and up again after one answer.
		w.server["one"].SetFaults(servers.Faults{Drop: 4})
		w.want("bob", aaa.Granted, "two")
		pass(time.Second)
		if s := state(t, w.client, "one", "authentication"); s.State != radius.Okay {
			t.Errorf("%+v", s)
		}
	}, one, radius.ServerConfig{Name: "two"})
}

// With StatusOff only the dead time matters; with StatusOn it does not.
func TestStatusServerOffAndOn(t *testing.T) {
	for mode, want := range map[string]string{radius.StatusOff: "one", radius.StatusOn: "two"} {
		inTown(t, func(w *town) {
			w.server["one"].SetFaults(servers.Faults{Silent: true})
			w.want("bob", aaa.Granted, "two")
			n, _ := w.server["one"].Requests()
			pass(61 * time.Second)
			if after, _ := w.server["one"].Requests(); mode == radius.StatusOff && after != n {
				t.Errorf("%d probes", after-n)
			}
			w.server["one"].SetFaults(servers.Faults{})
			if res := w.want("bob", aaa.Granted, ""); res.Server != want {
				t.Errorf("%s: %s was asked", mode, res.Server)
			}
		}, radius.ServerConfig{Name: "one", StatusServer: mode}, radius.ServerConfig{Name: "two"})
	}
}

// If another method follows, a dead server delays one login, not each; when its dead time is over, one login tests it.
func TestDeadCostsOne(t *testing.T) {
	for _, mode := range []string{radius.StatusOff, radius.StatusAuto, radius.StatusOn} {
		inTown(t, func(w *town) {
			list := aaa.List{Name: "default", Entries: []aaa.Method{w.client, aaa.None{}}}
			login := func(server string) (took time.Duration) {
				t.Helper()
				begun := time.Now()
				_, res := list.Start(context.Background(),
					aaa.Request{Service: aaa.EXEC, User: "bob", Password: canary})
				if res.Kind != aaa.Granted || res.Server != server {
					t.Errorf("%s: %v by %s, want %s: %s", mode, res.Kind, res.Server, server, res.Reason)
				}
				return time.Since(begun)
			}
			w.server["one"].SetFaults(servers.Faults{Silent: true})
			if took := login("none"); took < 5*time.Second {
				t.Errorf("%s: the first login is answered after %v", mode, took)
			}
			for range 5 {
				if took := login("none"); took != 0 {
					t.Errorf("%s: a login waited %v for a dead server", mode, took)
				}
			}
			pass(61 * time.Second) // the dead time, unless Status-Server extends it
			var slow atomic.Int64
			var logins sync.WaitGroup
			for range 5 {
				logins.Go(func() {
					if login("none") > 0 {
						slow.Add(1)
					}
				})
			}
			logins.Wait()
			if n := slow.Load(); n > 1 {
				t.Errorf("%s: %d of 5 logins tested the server", mode, n)
			}
			w.want("bob", aaa.Silent, "no authentic answer") // no other method can be asked, so it waits
			w.server["one"].SetFaults(servers.Faults{})
			pass(5 * time.Minute)
			login("one")
			if took := login("one"); took != 0 {
				t.Errorf("%s: %v", mode, took)
			}
		}, radius.ServerConfig{Name: "one", StatusServer: mode})
	}
}

// An idle connection is probed: a dead one is detected, closed and opened again.
func TestRadSecWatchdog(t *testing.T) {
	for name, set := range map[string]func(*tlsTown, *radius.ServerConfig){"RADIUS/1.0": off, "RADIUS/1.1": nil} {
		t.Run(name, func(t *testing.T) {
			inTLSTown(t, servers.RadSec{}, set, func(w *tlsTown) {
				w.want("bob", aaa.Granted, "")
				pass(100 * time.Second)
				if s := w.client.Servers()[0]; s.State != radius.Okay || !s.StatusServer || w.streams.Dialed() != 1 {
					t.Errorf("%+v", s)
				}
				w.server["one"].SetFaults(servers.Faults{Silent: true})
				pass(70 * time.Second)
				if s := w.client.Servers()[0]; s.State != radius.Suspect || !s.PassedOver || s.Sockets != 1 {
					t.Errorf("%+v", s)
				}
				pass(30 * time.Second)
				if s := w.client.Servers()[0]; s.State != radius.Down || s.Sockets != 0 {
					t.Errorf("%+v", s)
				}
				w.server["one"].SetFaults(servers.Faults{})
				pass(35 * time.Second)
				if s := w.client.Servers()[0]; s.State != radius.Reopen || s.Sockets != 1 || w.streams.Dialed() != 2 {
					t.Errorf("%+v, %d connections", s, w.streams.Dialed())
				}
				pass(100 * time.Second)
				if s := w.client.Servers()[0]; s.State != radius.Okay {
					t.Errorf("%+v", s)
				}
				w.want("bob", aaa.Granted, "")
			})
		})
	}
	// A server that never answers Status-Server is not considered down.
	inTLSTown(t, servers.RadSec{NoStatus: true}, nil, func(w *tlsTown) {
		w.want("bob", aaa.Granted, "")
		pass(time.Hour)
		if s := w.client.Servers()[0]; s.State != radius.Okay || s.PassedOver || w.streams.Dialed() != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestGroup(t *testing.T) {
	inTown(t, func(w *town) {
		g, err := w.client.Group("dialin", "two", "three")
		if err != nil {
			t.Fatal(err)
		}
		res := func(c *radius.Client, entry string) aaa.Result {
			_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "bob", Password: canary,
				Entry: entry})
			return res
		}
		if r := res(g, "dialin"); r.Server != "two" || r.Identity.Entry != "dialin" || g.Name() != "dialin" {
			t.Errorf("%+v", r)
		}
		if r := res(g, "radius"); r.Kind != aaa.Silent {
			t.Errorf("another entry's user: %+v", r)
		}
		if err := g.Send(context.Background(), stop(time.Now())); err != nil || len(w.server["two"].Records()) != 1 {
			t.Error(err, "the record went to another server")
		}
		// Sockets and health are shared.
		w.server["two"].SetFaults(servers.Faults{Silent: true})
		if r := res(g, ""); r.Server != "three" {
			t.Errorf("%+v", r)
		}
		if s := state(t, w.client, "two", "authentication"); s.State != radius.Down || s.Sockets != 1 {
			t.Errorf("%+v", s)
		}
		g.Close()
		if r := res(g, ""); r.Server != "three" {
			t.Errorf("after the group's Close: %+v", r)
		}
		w.client.Close()
		if r := res(g, ""); r.Kind != aaa.Silent || !strings.Contains(r.Reason, "closed") {
			t.Errorf("after the client's Close: %+v", r)
		}
		for want, names := range map[string][]string{"no server": nil, `unknown server "four"`: {"four"},
			`"one" is listed twice`: {"one", "one"}} {
			if _, err := w.client.Group("g", names...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no %s in %v", want, err)
			}
		}
	}, one, radius.ServerConfig{Name: "two"}, radius.ServerConfig{Name: "three"})
}

func TestBalance(t *testing.T) {
	inTown(t, func(w *town) {
		g, err := w.client.BalancedGroup("all", "one", "two", "three")
		if err != nil {
			t.Fatal(err)
		}
		count := func() (n [3]int) {
			for i, name := range []string{"one", "two", "three"} {
				n[i], _ = w.server[name].Requests()
			}
			return n
		}
		login := func() {
			if _, res := g.Start(context.Background(),
				aaa.Request{Service: aaa.EXEC, User: "bob", Password: canary}); res.Kind != aaa.Granted {
				t.Errorf("%+v", res)
			}
		}
		for range 30 {
			login()
		}
		if n := count(); n != [3]int{10, 10, 10} {
			t.Errorf("in turn: %v", n)
		}
		// A slow server gets fewer requests.
		w.server["two"].SetFaults(servers.Faults{Delay: 1500 * time.Millisecond})
		w.server["one"].SetFaults(servers.Faults{Delay: 100 * time.Millisecond})
		w.server["three"].SetFaults(servers.Faults{Delay: 100 * time.Millisecond})
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for range 20 {
					login()
				}
			})
		}
		wg.Wait()
		if n := count(); n[1]-10 > 40 || n[0]+n[1]+n[2] != 150 {
			t.Errorf("least busy: %v", n)
		}
	}, one, radius.ServerConfig{Name: "two"}, radius.ServerConfig{Name: "three"})
}

// A reload keeps the health of the servers, lets requests under way finish, and leaves no sockets open.
func TestReload(t *testing.T) {
	inTown(t, func(w *town) {
		w.want("bob", aaa.Granted, "") // signed: auto is latched
		conv, res := w.login("otp")
		if res.Kind != aaa.Prompt {
			t.Fatalf("%+v", res)
		}
		old := w.client
		c, err := radius.New(radius.Config{Dial: w.net.Dial, From: old, Servers: []radius.ServerConfig{
			{Name: "one", Address: "one:1812", Secret: secret, MessageAuthenticator: radius.Auto}}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		old.Retire()
		synctest.Wait()
		if s := state(t, old, "one", "authentication"); s.Sockets != 0 {
			t.Errorf("idle and retired: %+v", s)
		}
		if s := state(t, c, "one", "authentication"); !s.Signs {
			t.Errorf("the latch is lost: %+v", s)
		}
		w.server["one"].SetFaults(servers.Faults{Unsigned: true})
		if _, res := c.Start(context.Background(), aaa.Request{User: "bob", Password: canary}); res.Kind != aaa.Silent {
			t.Errorf("an unsigned reply after the reload: %+v", res)
		}
		w.server["one"].SetFaults(servers.Faults{})
		if res := conv.Answer(context.Background(), "123456"); res.Kind != aaa.Granted {
			t.Errorf("the conversation from before the reload: %+v", res)
		}
		synctest.Wait()
		if s := state(t, old, "one", "authentication"); s.Sockets != 0 {
			t.Errorf("after its last conversation: %+v", s)
		}
		// A server that was down is not asked again by a login; the watchdog of the new client finds it up.
		third, err := radius.New(radius.Config{Dial: w.net.Dial, From: c,
			Servers: []radius.ServerConfig{{Name: "one", Address: "one:1812", Secret: secret},
				{Name: "two", Address: "two:1812", Secret: secret}}})
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		if _, res := third.Start(context.Background(),
			aaa.Request{User: "bob", Password: canary}); res.Server != "two" {
			t.Errorf("%+v", res)
		}
		pass(2 * time.Minute)
		if _, res := third.Start(context.Background(),
			aaa.Request{User: "bob", Password: canary}); res.Server != "one" {
			t.Errorf("%+v", res)
		}
	}, radius.ServerConfig{Name: "one", MessageAuthenticator: radius.Auto}, radius.ServerConfig{Name: "two"})
}

// Half of all packets are lost, duplicated, late or out of order: every login ends correctly and in time.
func TestLossyNetwork(t *testing.T) {
	inTown(t, func(w *town) {
		way := aaatest.NewLossy(aaatest.Loss{Drop: 0.25, Duplicate: 0.2, Reorder: 0.2, Delay: 5 * time.Millisecond,
			Jitter: 50 * time.Millisecond, Seed: 7})
		defer way.Close()
		c, err := radius.New(radius.Config{Trace: w.note,
			Servers: []radius.ServerConfig{{Name: "one", Address: "one:1812", Secret: secret, Retries: 5}},
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := w.net.Dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return way.Conn(conn), nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				user, kind := "bob", aaa.Granted
				if i%2 == 1 {
					user, kind = "nobody", aaa.Refused
				}
				begun := time.Now()
				_, res := c.Start(context.Background(), aaa.Request{User: user, Password: canary})
				if d := time.Since(begun); res.Kind != kind && d < 20*time.Second || res.Kind == aaa.Silent &&
					d > 31*time.Second {
					t.Errorf("%s: %v after %v: %s", user, res.Kind, d, res.Reason)
				}
			})
		}
		wg.Wait()
		if n := way.Count(); n.Dropped == 0 || n.Duplicated == 0 || n.Reordered == 0 {
			t.Errorf("%+v", n)
		}
	}, one)
}

// A million spoofed replies with the right identifier and various forgeries neither end a login nor are accepted.
func TestMillionSpoofedReplies(t *testing.T) {
	rounds := 244 // of 4,096
	if testing.Short() {
		rounds = 3
	}
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Forge: 4096, ForgeAs: "mixed", Delay: time.Second})
		for i := range rounds {
			user, kind := "nobody", aaa.Refused
			if i%8 == 0 {
				user, kind = "cb", aaa.Granted
			}
			if res := w.want(user, kind, ""); kind == aaa.Granted && res.Auth.Dialstring.Value() != "84001" {
				t.Fatalf("%+v", res)
			}
		}
	}, one)
}

// Replies from another address or port do not reach a connected socket.
func TestWrongPort(t *testing.T) {
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: secret, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0", ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	for _, tt := range []struct {
		wrong bool
		limit time.Duration // the valid answer gets enough time for a busy machine
		want  aaa.Kind
	}{{true, 50 * time.Millisecond, aaa.Silent}, {false, time.Minute, aaa.Granted}} {
		c, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Address: s.AuthAddr(), Secret: secret,
			Timeout: tt.limit, Retries: -1}}})
		if err != nil {
			t.Fatal(err)
		}
		s.SetFaults(servers.Faults{WrongPort: tt.wrong})
		if _, res := c.Start(context.Background(), aaa.Request{User: "bob", Password: canary}); res.Kind != tt.want {
			t.Errorf("%+v", res)
		}
		c.Close()
	}
}

// All transmissions of one request take half a minute at most, even if Timeout and Retries are larger.
func TestMaxDuration(t *testing.T) {
	inTown(t, func(w *town) {
		w.server["one"].SetFaults(servers.Faults{Silent: true})
		begun := time.Now()
		w.want("bob", aaa.Silent, "no authentic answer in 30s")
		if d := time.Since(begun); d != 30*time.Second {
			t.Errorf("%v", d)
		}
	}, radius.ServerConfig{Name: "one", Timeout: 8 * time.Second, Retries: 20})
}

// The waits are those of RFC 5080 §2.2.1: first Timeout ± 10 %, then twice as long.
func TestRetransmissionTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		n := &aaatest.Net{}
		l, err := n.Listen("one:1812")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		ids := map[string]bool{}
		wg.Go(func() {
			b := make([]byte, 4096)
			for {
				k, _, err := l.ReadFrom(b)
				if err != nil {
					return
				}
				if b[0] == 1 {
					sent = append(sent, time.Now())
					ids[string(b[:k])] = true
				}
			}
		})
		c, err := radius.New(radius.Config{Dial: n.Dial,
			Servers: []radius.ServerConfig{{Name: "one", Address: "one:1812", Secret: secret}}})
		if err != nil {
			t.Fatal(err)
		}
		firsts := map[time.Duration]bool{}
		for range 20 {
			synctest.Wait()
			sent = nil
			c.Start(context.Background(), aaa.Request{User: "bob", Password: canary})
			synctest.Wait()
			// RT = 2*RTprev + RAND*RTprev: 1.8*1.9 s is the least second wait; then MRT + RAND*MRT.
			for i, want := range [][2]time.Duration{{1800 * time.Millisecond, 2200 * time.Millisecond},
				{3420 * time.Millisecond, 4400 * time.Millisecond},
				{3420 * time.Millisecond, 4400 * time.Millisecond}} {
				if len(sent) != 4 {
					t.Fatalf("%d transmissions", len(sent))
				}
				if d := sent[i+1].Sub(sent[i]); d < want[0] || d > want[1] {
					t.Errorf("wait %d: %v", i, d)
				}
			}
			firsts[sent[1].Sub(sent[0])] = true
		}
		if len(firsts) < 10 || len(ids) != 20 {
			t.Errorf("%d different first waits, %d different packets in 20 requests", len(firsts), len(ids))
		}
		c.Close()
		l.Close()
		wg.Wait()
	})
}

// TestTraceSaysWhose: each packet, and each remark about a request that is not answered, is about the user and the line
// of its request; what is about a server is about nobody.
func TestTraceSaysWhose(t *testing.T) {
	inTown(t, func(w *town) {
		w.want("bob", aaa.Granted, "")
		if err := w.client.Send(context.Background(), stop(time.Now())); err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, want := range []string{"Access-Request: bob, tty 65", "no: bob, tty 65", "Access-Accept: bob, tty 65",
			"Accounting-Request: bob, tty 65", "server: , tty 0"} {
			if !slices.Contains(w.about, want) {
				t.Errorf("no event %q in %q", want, w.about)
			}
		}
		for _, got := range w.about {
			what, whose, _ := strings.Cut(got, ": ")
			if ofServer := what == "server" || what == "Status-Server"; ofServer != (whose == ", tty 0") {
				t.Errorf("an event %q", got)
			}
		}
	}, radius.ServerConfig{Name: "one", Address: "nobody"}, radius.ServerConfig{Name: "two"})
}

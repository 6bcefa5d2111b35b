package tacplus_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

var granting = server{Serve: always(authenReply(pass, 0, "", ""))}

// A packet that is not a valid answer closes the connection, and the next server is asked; if none is left, the login
// fails.
func TestBadPackets(t *testing.T) {
	t.Parallel()
	good := authenReply(pass, 0, "", "")
	for name, c := range map[string]struct {
		answer func(l *link, p wire)
		reason string
		kind   aaa.Kind // if no other server is left
	}{
		"unencrypted": {func(l *link, p wire) { p = p.to(good); p.flags = 1; l.send(p) },
			"not obfuscated. Does the server have a secret", aaa.Refused},
		"sequence 1": {func(l *link, p wire) { p.body = good; l.send(p) }, "sequence number 1, expected 2",
			aaa.Silent},
		"sequence 4": {func(l *link, p wire) { p = p.to(good); p.seq = 4; l.send(p) }, "sequence number 4",
			aaa.Silent},
		"sequence 0": {func(l *link, p wire) { p = p.to(good); p.seq = 0; l.send(p) }, "sequence number 0",
			aaa.Silent},
		"session": {func(l *link, p wire) { p = p.to(good); p.session++; l.send(p) }, "unknown session id",
			aaa.Silent},
		"version": {func(l *link, p wire) { p = p.to(good); p.version = 0xb0; l.send(p) },
			"version 0xb0 is not TACACS+", aaa.Silent},
		"minor version": {func(l *link, p wire) { p = p.to(good); p.version = 0xc1; l.send(p) },
			"version 0xc1 in a session of version 0xc0", aaa.Silent},
		"type": {func(l *link, p wire) { p = p.to(good); p.kind = 2; l.send(p) },
			"packet type 2 in a session of type 1", aaa.Silent},
		"unknown type": {func(l *link, p wire) { p = p.to(good); p.kind = 9; l.send(p) }, "unknown packet type 9",
			aaa.Silent},
		"64 KiB and one": {func(l *link, p wire) { l.send(p.to(make([]byte, 1<<16+1))) },
			"body of 65537 octets: the limit is 65536", aaa.Silent},
		"wrong length": {func(l *link, p wire) { l.send(p.to(append(good, 0))) },
			"do not add up. Is the secret the same", aaa.Silent},
		"cut in the header": {func(l *link, p wire) { l.raw(p.to(good).octets(secret)[:7]); l.conn.Close() },
			"truncated packet header", aaa.Silent},
		"cut in the body": {func(l *link, p wire) { l.raw(p.to(good).octets(secret)[:15]); l.conn.Close() },
			"expected a body of 6 octets", aaa.Silent},
		"a body that stalls": {func(l *link, p wire) { l.raw(p.to(good).octets(secret)[:15]) }, "no answer in 5s",
			aaa.Silent},
		"garbage": {func(l *link, p wire) { l.raw([]byte("SSH-2.0-OpenSSH_9.2\r\n")) }, "is not TACACS+",
			aaa.Silent},
		"closed": {func(l *link, p wire) { l.conn.Close() },
			"closed the connection without an answer. Is this host one of", aaa.Silent},
		"no answer": {func(*link, wire) {}, "no answer in 5s. Is this host one of", aaa.Silent},
		"a second reply": {func(l *link, p wire) {
			r := p.to(authenReply(getData, 0, "", ""))
			l.raw(append(r.octets(secret), r.octets(secret)...))
		}, "", aaa.Prompt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var closed atomic.Int32
			bad := server{Serve: func(l *link) {
				p, ok := l.next()
				if !ok {
					return
				}
				c.answer(l, p)
				l.closed()
				closed.Add(1)
			}}
			if c.kind == aaa.Prompt {
				inTown(t, tacplus.Config{}, func(w *town) {
					conv, _ := w.login(caller)
					synctest.Wait()
					if res := conv.Answer(w.t.Context(), "x"); res.Kind != aaa.Silent ||
						!strings.Contains(res.Reason, "(0: none)") || closed.Load() != 1 {
						t.Errorf("%+v; %d closed", res, closed.Load())
					}
				}, bad)
				return
			}
			inTown(t, tacplus.Config{}, func(w *town) {
				w.want(aaa.Granted, "two", "")
				synctest.Wait()
				if closed.Load() != 1 {
					t.Error("the connection was not closed")
				}
				w.want(aaa.Granted, "two", "") // one is skipped now
				if n := w.connections("one"); n != 1 {
					t.Errorf("%d connections to a dead server", n)
				}
			}, bad, granting)
			inTown(t, tacplus.Config{}, func(w *town) { w.want(c.kind, "", c.reason) }, bad)
		})
	}
}

// With different secrets all lengths are noise; the error says what to check, whichever side notices first.
func TestWrongSecret(t *testing.T) {
	t.Parallel()
	s := granting
	s.Wrong = "another secret of 32 octets....."
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Silent, "", "tacacs server one (one:49): Authentication START: the lengths inside a reply of 6 "+
			"octets do not add up. Is the secret the same on both sides?")
	}, s)
}

// A server that has answered before knows this host and its secret, so the hint names another cause.
func TestHintsOfKnownServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		single bool
		then   func(l *link, p wire)
		want   string
	}{
		"closed": {false, func(l *link, _ wire) { l.conn.Close() },
			"closed the connection without an answer. It answered before: is it overloaded"},
		"silent": {false, func(*link, wire) {},
			"no answer in 5s. It answered before: is it overloaded"},
		"closed, a single connection": {true, func(l *link, _ wire) { l.conn.Close() }, // asked again on its own
			"closed the connection without an answer. It answered before: is it overloaded"},
		"lengths": {false,
			func(l *link, p wire) { l.send(p.to(append(authenReply(pass, 0, "", ""), 0))) },
			"do not add up. It worked before: was the secret changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			s := server{ServerConfig: tacplus.ServerConfig{SingleConnection: c.single}, Serve: func(l *link) {
				for p, ok := l.next(); ok; p, ok = l.next() {
					if asked.Add(1) == 1 {
						l.send(p.to(authenReply(pass, 0, "", "")))
					} else {
						c.then(l, p)
					}
				}
			}}
			inTown(t, tacplus.Config{}, func(w *town) {
				w.want(aaa.Granted, "one", "")
				w.want(aaa.Silent, "", c.want)
			}, s)
		})
	}
	shared := server{ServerConfig: sharing, Serve: func(l *link) {
		p, _ := l.next()
		l.send(p.to(authenReply(getData, 0, "token", "")))
		l.next() // and closes without an answer
	}}
	inTown(t, tacplus.Config{}, func(w *town) {
		conv, _ := w.login(caller)
		if res := conv.Answer(w.t.Context(), "x"); !strings.Contains(res.Reason, "try single_connection: false") {
			t.Errorf("%+v", res)
		}
	}, shared)
	late := server{Late: true}
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Silent, "", "connect: no answer in 5s. Is the address correct, and does a firewall")
	}, late)
}

// Fail-over in order, dead time, revival.
func TestDeadTime(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	one := server{ServerConfig: fast(tacplus.ServerConfig{}), Serve: replies(func(wire) []byte {
		if !up.Load() {
			return nil
		}
		return authenReply(pass, 0, "", "")
	})}
	inTown(t, tacplus.Config{DeadTime: time.Minute}, func(w *town) {
		begun := time.Now()
		w.want(aaa.Granted, "three", "")
		if d := time.Since(begun); d != 2*time.Second {
			t.Errorf("took %v", d)
		}
		w.want(aaa.Granted, "three", "")
		st := w.client.Servers()
		if time.Since(begun) != 2*time.Second || st[0].Silent != 1 || st[1].Silent != 1 || st[2].Answered != 2 ||
			!st[0].DeadUntil.Equal(begun.Add(2*time.Second+time.Minute)) ||
			!strings.Contains(st[1].LastSilence, "connection refused. Nothing listens there: is the server running") {
			t.Errorf("%+v", st)
		}
		<-time.After(time.Minute)
		up.Store(true)
		w.want(aaa.Granted, "one", "")
		if st := w.client.Servers(); !st[0].DeadUntil.IsZero() {
			t.Errorf("%+v", st[0])
		}
	}, one, server{}, granting)
}

// A server that answers ERROR is alive: the next server is asked, and the next login asks it again.
func TestErrorIsAlive(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "two", "")
		w.want(aaa.Granted, "two", "")
		if n := w.connections("one"); n != 2 {
			t.Errorf("asked %d times", n)
		}
	}, server{Serve: always(authenReply(failure, 0, "no", ""))}, granting)
}

// If all servers are dead, all are asked.
func TestAllDead(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Silent, "", "tacacs server two (two:49): connect: dial tcp two:49: connection refused. Nothing "+
			"listens there: is the server running")
		w.want(aaa.Silent, "", "tacacs server one")
	}, server{}, server{})
}

// If the connection breaks at any point of the conversation, the login begins again: at the next server, or on a fresh
// connection if there is none.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]int{"before the first answer": 1, "after the password": 2} {
		for _, kind := range []tacplus.ServerConfig{{}, sharing} {
			script := func(l *link) {
				for n := 1; ; n++ {
					p, ok := l.next()
					if !ok {
						return
					}
					if l.n == 1 && n == breaks {
						l.conn.Close()
						return
					}
					if n == 1 {
						l.send(p.to(authenReply(getPass, 1, "Password: ", "")))
					} else {
						l.send(p.to(authenReply(pass, 0, "", "")))
						return
					}
				}
			}
			inTown(t, tacplus.Config{}, func(w *town) {
				w.want(aaa.Granted, "one", "")
				if n := w.connections("one"); n != 2 {
					t.Errorf("%s: %d connections", name, n)
				}
			}, server{ServerConfig: kind, Serve: script})
			inTown(t, tacplus.Config{}, func(w *town) { w.want(aaa.Granted, "two", "") },
				server{ServerConfig: kind, Serve: script}, granting)
		}
	}
}

// If another method follows, a dead server delays one login, not each; after the dead time, one login tests it again.
func TestDeadCostsOne(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	one := server{ServerConfig: fast(tacplus.ServerConfig{}), Serve: replies(func(wire) []byte {
		if !up.Load() {
			return nil
		}
		return authenReply(pass, 0, "", "")
	})}
	inTown(t, tacplus.Config{DeadTime: time.Minute}, func(w *town) {
		list := aaa.List{Name: "default", Entries: []aaa.Method{w.client, aaa.None{}}}
		login := func(server string, takes time.Duration) {
			t.Helper()
			begun := time.Now()
			_, res := list.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "bob", Password: "x"})
			if took := time.Since(begun); res.Kind != aaa.Granted || res.Server != server || took != takes {
				t.Errorf("%v by %s after %v, want %s after %v: %s", res.Kind, res.Server, took, server, takes,
					res.Reason)
			}
		}
		login("none", 2*time.Second)
		for range 5 {
			login("none", 0)
		}
		<-time.After(time.Minute)
		tried := w.connections("one")
		var logins sync.WaitGroup
		for range 5 {
			logins.Go(func() {
				list.Start(context.Background(),
					aaa.Request{Service: aaa.EXEC, User: "bob", Password: "x"})
			})
		}
		logins.Wait()
		if n := w.connections("one") - tried; n != 1 {
			t.Errorf("%d of 5 logins tested the server", n)
		}
		w.want(aaa.Silent, "", "tacacs server one") // no other server is left: the login waits for it
		up.Store(true)
		<-time.After(2 * time.Minute)
		login("one", 0)
		login("one", 0)
	}, one)
}

// When the caller's context ends, the wait ends immediately and the server is not blamed.
func TestContext(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{false, true} {
		inTown(t, tacplus.Config{}, func(w *town) {
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			_, res := w.client.Start(ctx, caller)
			if res.Kind != aaa.Silent || time.Since(begun) != time.Second {
				t.Errorf("%+v after %v", res, time.Since(begun))
			}
			if st := w.client.Servers()[0]; !st.DeadUntil.IsZero() || w.connections("two") != 0 {
				t.Errorf("%+v", st)
			}
		}, server{ServerConfig: tacplus.ServerConfig{SingleConnection: single}, Serve: mute}, granting)
	}
}

var sharing = tacplus.ServerConfig{SingleConnection: true}

// Many sessions over one connection, answered out of order.
func TestSingleConnection(t *testing.T) {
	t.Parallel()
	const n = 20
	script := func(l *link) {
		p, _ := l.next()
		if p.flags != 4 {
			t.Errorf("flags %#x of the first packet", p.flags)
		}
		l.send(p.to(authenReply(pass, 0, "", ""))) // with the flag
		var held []wire
		for range n {
			p, ok := l.next()
			if !ok {
				return
			}
			if p.flags != 0 {
				t.Errorf("flags %#x of a later packet", p.flags)
			}
			held = append(held, p)
		}
		for i := n - 1; i >= 0; i-- {
			user := string(held[i].body[8 : 8+held[i].body[4]])
			l.send(held[i].to(authenReply(pass, 0, "for "+user, "")))
		}
		mute(l)
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "one", "")
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				r := caller
				r.User = fmt.Sprintf("user%d", i)
				if _, res := w.login(r); res.Message != "for "+r.User {
					t.Errorf("%s got %q", r.User, res.Message)
				}
			})
		}
		wg.Wait()
		if st := w.client.Servers()[0]; w.connections("one") != 1 || !st.SingleConnection || st.Connections != 1 ||
			st.Answered != n+1 {
			t.Errorf("%d connections, %+v", w.connections("one"), st)
		}
	}, server{ServerConfig: sharing, Serve: script})
}

// Logins that arrive while the first session decides wait for it, and share its connection.
func TestSingleConnectionAwaited(t *testing.T) {
	t.Parallel()
	script := replies(func(p wire) []byte { <-time.After(time.Second); return authenReply(pass, 0, "", "") })
	inTown(t, tacplus.Config{}, func(w *town) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { w.want(aaa.Granted, "one", "") })
		}
		wg.Wait()
		if n := w.connections("one"); n != 1 {
			t.Errorf("%d connections", n)
		}
	}, server{ServerConfig: sharing, Serve: script})
}

// An unreachable server delays concurrent logins by one timeout together, not by one after the other.
func TestUnreachableTogether(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			cl, err := tacplus.New(tacplus.Config{
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil,
						ctx.Err()
				},
				Servers: []tacplus.ServerConfig{{Address: "blackhole", Secret: secret, SingleConnection: single}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			begun := time.Now()
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					if _, res := cl.Start(t.Context(), caller); res.Kind != aaa.Silent ||
						!strings.Contains(res.Reason, "connect: no answer in 5s") {
						t.Errorf("%+v", res)
					}
				})
			}
			wg.Wait()
			if d := time.Since(begun); d != 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// A server without the flag in its first answer gets one connection per session, and no session waits for another.
func TestSingleConnectionDeclined(t *testing.T) {
	t.Parallel()
	script := func(l *link) {
		for {
			p, ok := l.next()
			if !ok {
				return
			}
			if offered := p.flags == 4; offered != (l.n == 1 || l.n == 4) {
				t.Errorf("flags %#x of connection %d", p.flags, l.n)
			}
			p.flags = 0
			if l.n == 3 {
				p.flags = 4 // nobody offered
			}
			l.send(p.to(authenReply(pass, 0, "", "")))
		}
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		for range 3 {
			w.want(aaa.Granted, "one", "")
		}
		synctest.Wait()
		if st := w.client.Servers()[0]; w.connections("one") != 3 || st.SingleConnection || st.Connections != 0 {
			t.Errorf("%d connections, %+v", w.connections("one"), st)
		}
		<-time.After(10 * time.Minute)
		w.want(aaa.Granted, "one", "") // offered again
	}, server{ServerConfig: sharing, Serve: script})
}

// An incomplete packet ends the connection after the timeout even if no session waits for it.
func TestStalledPacket(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 14} {
		inTown(t, tacplus.Config{}, func(w *town) {
			w.want(aaa.Granted, "one", "")
			<-time.After(5*time.Second + time.Millisecond)
			if st := w.client.Servers()[0]; st.Connections != 0 {
				t.Errorf("%d octets: %+v", n, st)
			}
		}, server{ServerConfig: sharing, Serve: func(l *link) {
			p, _ := l.next()
			good := p.to(authenReply(pass, 0, "", "")).octets(secret)
			l.raw(append(good, good[:n]...))
			l.closed()
		}})
	}
}

// A connection that the server closed while idle is reopened; the caller notices nothing.
func TestIdleConnectionLost(t *testing.T) {
	t.Parallel()
	script := func(l *link) {
		p, _ := l.next()
		l.send(p.to(authenReply(pass, 0, "", "")))
		if l.n == 1 {
			l.next() // and closes without an answer
		} else {
			mute(l)
		}
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "one", "")
		w.want(aaa.Granted, "one", "")
		if n, st := w.connections("one"), w.client.Servers()[0]; n != 2 || st.Silent != 0 {
			t.Errorf("%d connections, %+v", n, st)
		}
	}, server{ServerConfig: sharing, Serve: script})
}

// A session that times out does not end the others; its late answer is dropped.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	var slow wire
	script := func(l *link) {
		for {
			p, ok := l.next()
			if !ok {
				return
			}
			user := string(p.body[8 : 8+p.body[4]])
			switch {
			case user == "slow" && l.n > 1:
				continue
			case user == "slow":
				slow = p
				continue
			case user == "late":
				l.send(slow.to(authenReply(pass, 0, "", "")))
			}
			l.send(p.to(authenReply(pass, 0, "", "")))
		}
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "one", "")
		var wg sync.WaitGroup
		as := func(user string) aaa.Result {
			r := caller
			r.User = user
			_, res := w.login(r)
			return res
		}
		wg.Go(func() {
			if res := as("slow"); res.Kind != aaa.Silent {
				t.Errorf("slow: %+v", res)
			}
		})
		<-time.After(time.Second)
		if res := as("quick"); res.Kind != aaa.Granted {
			t.Errorf("quick: %+v", res)
		}
		wg.Wait()
		if res := as("late"); res.Kind != aaa.Granted || w.connections("one") != 2 { // slow was asked twice
			t.Errorf("after the late answer: %+v, %d connections", res, w.connections("one"))
		}
	}, server{ServerConfig: sharing, Serve: script})
}

// A connection on which nothing is received any more is closed, and only the session that notices waits for it.
func TestDeafConnection(t *testing.T) {
	t.Parallel()
	script := func(l *link) {
		p, _ := l.next()
		l.send(p.to(authenReply(pass, 0, "", "")))
		mute(l)
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		for i, takes := range []time.Duration{0, 5 * time.Second, 0} {
			begun := time.Now()
			w.want(aaa.Granted, "one", "")
			if n, took := w.connections("one"), time.Since(begun); n != i+1 || took != takes {
				t.Errorf("login %d took %v, %d connections", i, took, n)
			}
		}
		if st := w.client.Servers()[0]; st.Silent != 0 {
			t.Errorf("%+v", st)
		}
	}, server{ServerConfig: sharing, Serve: script})
}

// A bad packet ends all sessions of its connection: each continues at the next server.
func TestBadPacketOnShared(t *testing.T) {
	t.Parallel()
	script := func(l *link) {
		p, _ := l.next()
		l.send(p.to(authenReply(pass, 0, "", "")))
		l.next()
		p, _ = l.next()
		p.session++
		l.send(p.to(nil))
		l.closed()
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "one", "")
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { w.want(aaa.Granted, "two", "") })
		}
		wg.Wait()
	}, server{ServerConfig: sharing, Serve: script}, granting)
}

// Close ends all requests under way.
func TestClose(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		var wg sync.WaitGroup
		wg.Go(func() { w.want(aaa.Silent, "", "client closed") })
		synctest.Wait()
		w.client.Close()
		wg.Wait()
		w.want(aaa.Silent, "", "client closed")
	}, server{Serve: mute})
}

// A group is another entry over the same servers.
func TestGroup(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		g, err := w.client.Group("remote", "two", "one")
		if err != nil {
			t.Fatal(err)
		}
		_, res := g.Start(w.t.Context(), caller)
		if res.Kind != aaa.Granted || res.Server != "two" || res.Identity.Entry != "remote" || g.Name() != "remote" {
			t.Errorf("%+v", res)
		}
		r := caller
		r.Entry = "remote"
		if _, res := w.login(r); res.Kind != aaa.Silent || w.connections("one") != 0 {
			t.Errorf("another entry answered for remote: %+v", res)
		}
		for name, servers := range map[string][]string{"remote": {"one"}, "tacacs": {"one"}, "": {"one"}, "a": {"four"},
			"b": {"one", "one"}, "c": nil} {
			if _, err := w.client.Group(name, servers...); err == nil {
				t.Errorf("group %q of %q was made", name, servers)
			}
		}
	}, granting, granting)
}

// TestTraceSaysWhose: each packet, and each remark about a request that is not answered, is about the user and the line
// of its request.
func TestTraceSaysWhose(t *testing.T) {
	t.Parallel()
	silent := server{Serve: func(l *link) { l.next(); <-time.After(time.Minute) }}
	inTown(t, tacplus.Config{}, func(w *town) {
		w.login(caller)
		w.client.Authorize(w.t.Context(), asking("bob"))
		_ = w.client.Send(w.t.Context(), aaa.Record{ID: "r1", Type: aaa.Start, Time: at, SessionID: "s1", User: "bob",
			TTY: 65})
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, what := range []string{"Authentication", "Authorization", "Accounting"} {
			if !slices.Contains(w.about, what+": bob, tty 65") {
				t.Errorf("no event of %s: %q", what, w.about)
			}
		}
		for _, got := range w.about {
			if !strings.HasSuffix(got, ": bob, tty 65") {
				t.Errorf("an event %q", got)
			}
		}
	}, silent)
}

package tacplus_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// agreeing is a server that shares its connection and asks for the user name and the password.
func agreeing(l *link) {
	for {
		p, ok := l.next()
		if !ok {
			return
		}
		p.flags |= 4
		switch p.seq {
		case 1:
			l.send(p.to(authenReply(getUser, 0, "who", "")))
		case 3:
			l.send(p.to(authenReply(getPass, noEcho, "pw", "")))
		default:
			l.send(p.to(authenReply(pass, 0, "", "")))
		}
	}
}

// open returns how many connections the client has.
func (w *town) open() int {
	synctest.Wait()
	return w.client.Servers()[0].Connections
}

// A replaced client continues the conversations that it began, and has no connection when they are over.
func TestRetire(t *testing.T) {
	t.Parallel()
	shares := server{ServerConfig: tacplus.ServerConfig{SingleConnection: true}, Serve: agreeing}
	inTown(t, tacplus.Config{}, func(w *town) {
		conv, res := w.client.Start(w.t.Context(), aaa.Request{Service: aaa.EXEC})
		other, _ := w.client.Start(w.t.Context(), aaa.Request{Service: aaa.EXEC})
		if res.Kind != aaa.Prompt || w.open() != 1 || w.connections("one") != 1 {
			t.Fatalf("%+v, %d open", res, w.open())
		}
		if res = conv.Answer(w.t.Context(), "bob"); res.Kind != aaa.Prompt {
			t.Fatalf("%+v", res)
		}
		w.client.Retire() // between GETUSER and GETPASS
		if res = conv.Answer(w.t.Context(), canary); res.Kind != aaa.Granted || res.Identity.User != "bob" ||
			w.open() != 1 {
			t.Errorf("%+v, %d open", res, w.open())
		}
		// A new request is still answered, on its own connection.
		third, res := w.client.Start(w.t.Context(), aaa.Request{Service: aaa.EXEC})
		if res.Kind != aaa.Prompt || w.open() != 2 || w.connections("one") != 2 {
			t.Errorf("%+v, %d open", res, w.open())
		}
		for _, c := range []aaa.Conversation{other, third} {
			if c.Answer(w.t.Context(), "kim").Kind != aaa.Prompt ||
				c.Answer(w.t.Context(), canary).Kind != aaa.Granted {
				t.Error("a conversation that was under way does not end")
			}
		}
		if w.open() != 0 {
			t.Errorf("%d connections are left", w.open())
		}
	}, shares)
	// an idle connection closes immediately; one with an unanswered prompt closes when the caller's patience ends
	inTown(t, tacplus.Config{}, func(w *town) {
		w.client.Start(w.t.Context(), aaa.Request{Service: aaa.EXEC})
		w.client.Retire()
		if w.open() != 1 {
			t.Errorf("%d connections while a caller is asked", w.open())
		}
		<-time.After(2*time.Minute + time.Second)
		if w.open() != 0 {
			t.Errorf("%d connections are left", w.open())
		}
	}, shares)
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "one", "")
		if w.open() != 1 {
			t.Errorf("%d connections", w.open())
		}
		w.client.Retire()
		w.client.Retire()
		if w.open() != 0 {
			t.Errorf("%d connections are left", w.open())
		}
		w.want(aaa.Granted, "one", "")
		if w.open() != 0 || w.connections("one") != 2 {
			t.Errorf("%d connections are left", w.open())
		}
	}, server{ServerConfig: shares.ServerConfig, Serve: passing})
	inTown(t, tacplus.Config{}, func(w *town) { // a login at that moment succeeds
		var logins sync.WaitGroup
		for range 20 {
			logins.Go(func() {
				for range 10 {
					w.want(aaa.Granted, "one", "")
				}
			})
		}
		w.client.Retire()
		logins.Wait()
		if w.open() != 0 {
			t.Errorf("%d connections are left", w.open())
		}
	}, server{ServerConfig: shares.ServerConfig, Serve: passing})
}

// passing is a server that shares its connection and authenticates everybody.
func passing(l *link) {
	for p, ok := l.next(); ok; p, ok = l.next() {
		p.flags |= 4
		l.send(p.to(authenReply(pass, 0, "", "")))
	}
}

// After a reload the client knows which servers are silent: its first callers do not wait for them.
func TestInherits(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Granted, "two", "")
		dialed := w.connections("one")
		for name, moved := range map[string]string{"the same server": "", "one of another address": ":4949"} {
			cfg := tacplus.Config{From: w.client, Dial: w.dials}
			for i, s := range w.client.Servers() {
				if i == 0 && moved != "" {
					s.Address = "one" + moved
				}
				cfg.Servers = append(cfg.Servers, tacplus.ServerConfig{Name: s.Name, Address: s.Address,
					Secret: secret})
			}
			next, err := tacplus.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, res := next.Start(w.t.Context(), caller)
			if res.Kind != aaa.Granted || res.Server != "two" || (w.connections("one") == dialed) != (moved == "") {
				t.Errorf("%s: %+v, dialed %d times", name, res, w.connections("one")-dialed)
			}
			dialed = w.connections("one")
			next.Close()
		}
	}, server{Serve: mute}, server{Serve: passing})
}

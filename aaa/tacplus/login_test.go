package tacplus_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// A server that asks for everything: what is known is answered once without the caller; GETDATA goes to the caller.
func TestASCII(t *testing.T) {
	t.Parallel()
	r := caller
	inTown(t, tacplus.Config{}, func(w *town) {
		conv, res := w.login(r)
		if res.Kind != aaa.Prompt || res.Message != "Token: " || !res.Echo || res.Server != "one" {
			t.Fatalf("%+v", res)
		}
		res = conv.Answer(w.t.Context(), "123456")
		if res.Kind != aaa.Prompt || res.Message != "Again: " || res.Echo {
			t.Fatalf("%+v", res)
		}
		res = conv.Answer(w.t.Context(), "1234567")
		if res.Kind != aaa.Granted || res.Message != "Welcome." ||
			res.Identity != (aaa.Identity{Entry: "tacacs", User: "bob"}) || res.Auth.PrivLevel != 1 {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(w.t.Context(), "x"); res.Kind != aaa.Refused {
			t.Errorf("after the end: %+v", res)
		}
	}, server{Serve: func(l *link) {
		p := l.want(1, 1, startBody(1, 1, 1, "bob", "tty65", "5551", ""))
		if p.version != 0xc0 || p.flags != 0 || p.session == 0 {
			t.Errorf("header %+v", p)
		}
		l.send(p.to(authenReply(getPass, noEcho, "Password: ", "")))
		p = l.want(1, 3, continueBody(0, canary))
		l.send(p.to(authenReply(getData, 0, "Token: ", "")))
		p = l.want(1, 5, continueBody(0, "123456"))
		l.send(p.to(authenReply(getData, noEcho, "Again: ", "")))
		p = l.want(1, 7, continueBody(0, "1234567"))
		l.send(p.to(authenReply(pass, 0, "Welcome.", "")))
		l.closed()
	}})
}

// If the server asks for the user name, the caller's answer is the name of the user.
func TestGetUser(t *testing.T) {
	t.Parallel()
	script := server{Serve: func(l *link) {
		p, ok := l.next()
		if !ok {
			return
		}
		l.send(p.to(authenReply(getUser, 0, "User: ", "")))
		if l.n == 2 {
			l.want(1, 3, continueBody(1, ""))
			return
		}
		p = l.want(1, 3, continueBody(0, "alice"))
		l.send(p.to(authenReply(getPass, noEcho, "Pass: ", "")))
		p = l.want(1, 5, continueBody(0, canary))
		l.send(p.to(authenReply(pass, 0, "", "")))
	}}
	inTown(t, tacplus.Config{}, func(w *town) {
		conv, res := w.login(aaa.Request{Service: aaa.EXEC})
		if res.Kind != aaa.Prompt || res.Message != "User: " || !res.Echo {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(w.t.Context(), "alice"); res.Kind != aaa.Prompt || res.Echo {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(w.t.Context(), canary); res.Kind != aaa.Granted || res.Identity.User != "alice" {
			t.Fatalf("%+v", res)
		}
		conv, _ = w.login(aaa.Request{Service: aaa.EXEC})
		res = conv.Answer(w.t.Context(), " alice")
		if res.Kind != aaa.Refused || !strings.Contains(res.Reason, "user name") {
			t.Errorf("a name with a leading space: %+v", res)
		}
	}, script)

}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The data of START in the layout of RFC 8907 §5.4.2. No peer in these tests supports MS-CHAP over TACACS+, so the
// values are those of RFC 2433 §B and RFC 2759 §9.2.
func TestCredentials(t *testing.T) {
	t.Parallel()
	challenge, response := unhex(t, "5b5d7c7d7b3f2f3e3c2c602132262628"),
		unhex(t, "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")
	peer := unhex(t, "21402324255e262a28295f2b3a337c7e")
	v2 := append(append(append([]byte(nil), peer...), make([]byte, 8)...), append(response, 0)...)
	v1 := append(append(make([]byte, 24), unhex(t, "4e9d3c8f9cfd385d5bf4d3246791956ca4c351ab409a3d61")...), 1)
	sixteen := []byte("0123456789abcdef")
	for name, c := range map[string]struct {
		r       aaa.Request
		version byte
		want    []byte
	}{
		"PAP for PPP": {aaa.Request{Service: aaa.PPP, User: "bob", Password: canary, TTY: 3}, 0xc1,
			startBody(1, 2, 3, "bob", "tty3", "", canary)},
		"CHAP": {aaa.Request{Service: aaa.PPP, User: "bob", CHAP: &aaa.CHAP{ID: 7, Challenge: []byte("chal"),
			Response: sixteen}}, 0xc1, startBody(1, 3, 3, "bob", "", "", "\x07chal0123456789abcdef")},
		"MS-CHAPv1": {aaa.Request{Service: aaa.PPP, User: "bob",
			MSCHAP: &aaa.MSCHAP{Version: 1, ID: 9, Challenge: unhex(t, "102db5df085d3041"), Response: v1}}, 0xc1,
			startBody(1, 5, 3, "bob", "", "", "\x09"+string(unhex(t, "102db5df085d3041"))+string(v1))},
		"MS-CHAPv2": {aaa.Request{Service: aaa.PPP, User: "User",
			MSCHAP: &aaa.MSCHAP{Version: 2, ID: 255, Challenge: challenge, Response: v2}}, 0xc1,
			startBody(1, 6, 3, "User", "", "", "\xff"+string(challenge)+string(v2))},
		"enable 15": {aaa.Request{Service: aaa.EXEC, User: "bob", Password: canary, Enable: 15}, 0xc0,
			startBody(15, 1, 2, "bob", "", "", "")},
		"caller bytes": {aaa.Request{Service: aaa.EXEC, User: "bob", Caller: "a\rb\xff" + strings.Repeat("9", 300)},
			0xc0, startBody(1, 1, 1, "bob", "", "a?b?"+strings.Repeat("9", 251), "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, tacplus.Config{}, func(w *town) {
				if _, res := w.login(c.r); res.Kind != aaa.Granted || c.r.Enable > 0 &&
					res.Auth.PrivLevel != c.r.Enable {
					t.Errorf("%+v", res)
				}
			}, server{Serve: func(l *link) {
				p := l.want(1, 1, c.want)
				if p.version != c.version {
					t.Errorf("version %#x", p.version)
				}
				l.send(p.to(authenReply(pass, 0, "", "S=407A5589115FD0D6209F510FE9C04566932CDA56")))
			}})
		})
	}
}

// What cannot be encoded is refused before anything is sent.
func TestUnsendable(t *testing.T) {
	t.Parallel()
	long := aaa.Secret(strings.Repeat("p", 256))
	for name, r := range map[string]aaa.Request{
		"EAP":                  {User: "bob", EAP: []byte{2, 1, 0, 5, 1}},
		"user name empty":      {Service: aaa.PPP, Password: canary},
		"user name: longer":    {User: strings.Repeat("u", 254)},
		"user name: a control": {User: "bo\rb"},
		"user name is not":     {User: "bøb"},
		"password of 256":      {Service: aaa.PPP, User: "bob", Password: long},
		"NUL":                  {Service: aaa.PPP, User: "bob", Password: "a\x00b"},
		"printable US-ASCII":   {User: "bob", Password: "pässword"},
		"CHAP challenge of 239": {User: "bob", CHAP: &aaa.CHAP{Challenge: make([]byte, 239),
			Response: make([]byte, 16)}},
		"CHAP response of 15": {User: "bob", CHAP: &aaa.CHAP{Challenge: make([]byte, 8), Response: make([]byte, 15)}},
		"version 3":           {User: "bob", MSCHAP: &aaa.MSCHAP{Version: 3}},
		"challenge of 8": {User: "bob", MSCHAP: &aaa.MSCHAP{Version: 2, Challenge: make([]byte, 8),
			Response: make([]byte, 49)}},
		"response of 48": {User: "bob", MSCHAP: &aaa.MSCHAP{Version: 1, Challenge: make([]byte, 8),
			Response: make([]byte, 48)}},
		"privilege level 16": {User: "bob", Enable: 16},
	} {
		inTown(t, tacplus.Config{}, func(w *town) {
			_, res := w.login(r)
			if words := strings.Fields(name); res.Kind != aaa.Refused ||
				!strings.Contains(res.Reason, words[len(words)-1]) {
				t.Errorf("%s: %v, %q", name, res.Kind, res.Reason)
			}
			if w.connections("one") != 0 {
				t.Errorf("%s: a connection was opened", name)
			}
		}, server{Serve: mute})
	}
}

// Which answers end a login, and after which the client asks the next server.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply  []byte
		kind   aaa.Kind
		server string
		reason string
	}{
		"PASS":         {authenReply(pass, 0, "", ""), aaa.Granted, "one", "passed"},
		"FAIL":         {authenReply(fail, 0, "No.", ""), aaa.Refused, "one", "it refused"},
		"ERROR":        {authenReply(failure, 0, "broken", ""), aaa.Granted, "two", "passed"},
		"FOLLOW":       {authenReply(follow, 0, "", "192.0.2.1"), aaa.Refused, "one", "FOLLOW"},
		"unknown":      {authenReply(0x77, 0, "", ""), aaa.Granted, "two", "passed"},
		"zero":         {authenReply(0, 0, "", ""), aaa.Granted, "two", "passed"},
		"lying length": {[]byte{pass, 0, 0, 9, 0, 0}, aaa.Granted, "two", "passed"},
		"too long":     {append(authenReply(pass, 0, "", ""), 'x'), aaa.Granted, "two", "passed"},
		"cut":          {[]byte{pass, 0, 0}, aaa.Granted, "two", "passed"},
		"empty":        {nil, aaa.Granted, "two", "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := func(l *link) {
				p, _ := l.next()
				l.send(p.to(c.reply))
				l.closed()
			}
			inTown(t, tacplus.Config{}, func(w *town) {
				if res := w.want(c.kind, c.server, c.reason); c.kind == aaa.Refused && name == "FAIL" &&
					res.Message != "No." {
					t.Errorf("message %q", res.Message)
				}
			}, server{Serve: one}, server{Serve: always(authenReply(pass, 0, "", ""))})
		})
	}
}

// PAP and CHAP have no questions: a server that asks one gives no usable answer.
func TestQuestionAfterPAP(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{Authentication: tacplus.PAP}, func(w *town) {
		w.want(aaa.Silent, "", "GETPASS, but only PASS or FAIL is allowed")
	}, server{Serve: always(authenReply(getPass, 0, "", ""))})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	script := func(l *link) {
		p, ok := l.next()
		if !ok {
			return
		}
		if p.body[2] == 1 { // ASCII
			l.send(p.to(authenReply(restart, 0, "", "")))
			return
		}
		if want := startBody(1, 2, 1, "bob", "tty65", "5551", canary); !bytes.Equal(p.body, want) || p.seq != 1 ||
			p.version != 0xc1 {
			t.Errorf("after RESTART: %q", p.body)
		}
		l.send(p.to(authenReply(pass, 0, "", "")))
	}
	inTown(t, tacplus.Config{}, func(w *town) { w.want(aaa.Granted, "one", "passed") }, server{Serve: script})
	inTown(t, tacplus.Config{}, func(w *town) {
		w.want(aaa.Refused, "one", "RESTART")
		if n := w.connections("one"); n != 2 {
			t.Errorf("%d attempts", n)
		}
		_, res := w.login(aaa.Request{Service: aaa.PPP, User: "bob",
			CHAP: &aaa.CHAP{Challenge: []byte("c"), Response: make([]byte, 16)}})
		if res.Kind != aaa.Refused || w.connections("one") != 3 {
			t.Errorf("CHAP has no alternative: %+v", res)
		}
	}, server{Serve: always(authenReply(restart, 0, "", ""))})
}

// If the caller hangs up or does not answer in time, the server receives an abort.
func TestAbort(t *testing.T) {
	t.Parallel()
	var aborted atomic.Int32
	script := server{Serve: func(l *link) {
		p, _ := l.next()
		l.send(p.to(authenReply(getData, 0, "Token: ", "")))
		l.want(1, 3, []byte{0, 0, 0, 0, 1})
		aborted.Add(1)
		l.closed()
	}}
	inTown(t, tacplus.Config{Patience: time.Minute}, func(w *town) {
		conv, _ := w.login(caller)
		ctx, cancel := context.WithCancel(w.t.Context())
		cancel()
		res := conv.Answer(ctx, "x")
		synctest.Wait()
		if res.Kind != aaa.Silent || aborted.Load() != 1 {
			t.Errorf("Answer after the end: %+v, %d", res, aborted.Load())
		}

		ctx, cancel = context.WithCancel(w.t.Context())
		if conv, res = w.client.Start(ctx, caller); res.Kind != aaa.Prompt {
			t.Fatal(res)
		}
		cancel()
		synctest.Wait()
		if res := conv.Answer(w.t.Context(), "x"); res.Kind != aaa.Refused || aborted.Load() != 2 {
			t.Errorf("the caller hung up: %+v, %d", res, aborted.Load())
		}

		begun := time.Now()
		conv, _ = w.login(caller)
		<-time.After(time.Minute) // of the bubble
		synctest.Wait()
		if res := conv.Answer(w.t.Context(), "x"); res.Kind != aaa.Refused || aborted.Load() != 3 ||
			time.Since(begun) != time.Minute {
			t.Errorf("the caller did not answer: %+v, %d after %v", res, aborted.Load(), time.Since(begun))
		}
	}, script)
}

// The client leaves a server that asks without end before the sequence number wraps.
func TestSequenceWraps(t *testing.T) {
	t.Parallel()
	var last atomic.Uint32
	inTown(t, tacplus.Config{}, func(w *town) {
		conv, res := w.login(caller)
		asked := 1
		for ; res.Kind == aaa.Prompt; asked++ {
			res = conv.Answer(w.t.Context(), "x")
		}
		if res.Kind != aaa.Refused || !strings.Contains(res.Reason, "would wrap") || last.Load() != 253 {
			t.Errorf("after %d questions, sequence %d: %+v", asked, last.Load(), res)
		}
	}, server{Serve: replies(func(p wire) []byte {
		last.Store(uint32(p.seq))
		return authenReply(getData, 0, "?",
			"")
	})})
}

// Answers after the first go to the server that asked, and to no other.
func TestPinned(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		conv, res := w.login(caller)
		if res.Kind != aaa.Prompt {
			t.Fatal(res)
		}
		res = conv.Answer(w.t.Context(), "x")
		if res.Kind != aaa.Silent || !strings.Contains(res.Reason, "closed the connection") ||
			w.connections("two") != 0 {
			t.Errorf("%+v", res)
		}
	}, server{Serve: func(l *link) {
		p, _ := l.next()
		l.send(p.to(authenReply(getData, 0, "Token: ", "")))
		l.next()
	}}, server{Serve: always(authenReply(pass, 0, "", ""))})
}

// The server's proof of RFC 2759 reaches the peer if the server sends it.
func TestMSCHAPMessage(t *testing.T) {
	t.Parallel()
	r := aaa.Request{Service: aaa.PPP, User: "User", MSCHAP: &aaa.MSCHAP{Version: 2, Challenge: make([]byte, 16),
		Response: make([]byte, 49)}}
	inTown(t, tacplus.Config{}, func(w *town) {
		if _, res := w.login(r); res.Success != "S=407A5589115FD0D6209F510FE9C04566932CDA56" {
			t.Errorf("%+v", res)
		}
	}, server{Serve: always(authenReply(pass, 0, "", "S=407A5589115FD0D6209F510FE9C04566932CDA56"))})
	inTown(t, tacplus.Config{}, func(w *town) {
		if _, res := w.login(r); res.Kind != aaa.Refused || res.Success != "E=691 R=1" {
			t.Errorf("%+v", res)
		}
	}, server{Serve: always(authenReply(fail, 0, "E=691 R=1", ""))})
	// without it, the peer would hang up
	inTown(t, tacplus.Config{}, func(w *town) {
		if _, res := w.login(r); res.Kind != aaa.Refused || res.Identity != (aaa.Identity{}) ||
			!strings.Contains(res.Reason, "it passed without the S=") {
			t.Errorf("%+v", res)
		}
	}, server{Serve: always(authenReply(pass, 0, "welcome", ""))})
}

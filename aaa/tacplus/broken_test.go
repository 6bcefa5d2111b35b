package tacplus_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// The packets that a client sends, as a server counts them.
const (
	aStart    = "START"
	aContinue = "CONTINUE"
	anAuthor  = "authorization"
	anAcct    = "accounting"
)

// faulty is a server that shares its connections if it is asked to. It answers everybody, except the packets what of
// its first sick connections; the first fine of them, too, are answered.
type faulty struct {
	what string
	fail func(l *link, answer []byte)
	sick int // connections
	fine int

	mu   sync.Mutex
	seen map[string]int
}

func (f *faulty) serve(l *link) {
	for p, ok := l.next(); ok; p, ok = l.next() {
		what, answer := aStart, authenReply(getPass, noEcho, "", "")
		switch {
		case p.kind == 2:
			what, answer = anAuthor, authorReply(passAdd, "")
		case p.kind == 3:
			what, answer = anAcct, acctReply(1, "")
		case p.seq > 1:
			what, answer = aContinue, authenReply(pass, 0, "", "")
		}
		f.mu.Lock()
		f.seen[what]++
		bad := what == f.what && f.seen[what] > f.fine && l.n <= f.sick
		f.mu.Unlock()
		octets := p.to(answer).octets(l.secret)
		if !bad {
			l.raw(octets)
			continue
		}
		f.fail(l, octets)
	}
}

// count returns how often a packet was received.
func (f *faulty) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[what]
}

// faults are the ways in which an answer does not come.
var faults = map[string]func(l *link, answer []byte){
	"end": func(l *link, _ []byte) { l.conn.Close() },
	"end without close notify": func(l *link, _ []byte) {
		if t, ok := l.conn.(*tls.Conn); ok {
			t.NetConn().Close()
		}
		l.conn.Close()
	},
	"half a header":            func(l *link, answer []byte) { l.raw(answer[:7]); l.conn.Close() },
	"only a header":            func(l *link, answer []byte) { l.raw(answer[:12]); l.conn.Close() },
	"half a body":              func(l *link, answer []byte) { l.raw(answer[:14]); l.conn.Close() },
	"silence":                  func(*link, []byte) {},
	"half a body, and silence": func(l *link, answer []byte) { l.raw(answer[:14]); mute(l) },
}

// pose asks for what a packet is sent for, and returns whether it succeeded.
func (w *town) pose(what string) bool {
	switch what {
	case anAuthor:
		res := w.client.Authorize(w.t.Context(), asking("bob"))
		w.clean(res)
		return res.Kind == aaa.Granted
	case anAcct:
		return w.client.Send(w.t.Context(), aaa.Record{Type: aaa.Start, ID: "1", User: "bob", TTY: 65}) == nil
	}
	_, res := w.login(caller)
	return res.Kind == aaa.Granted
}

// What becomes of a request whose packet gets no answer, with no other server: whether it succeeds, how often the
// packet is sent, and how many times it waits for the whole timeout.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	certs := newCertificates(t)
	type outcome struct {
		ok    bool
		sent  int
		waits int
	}
	for _, c := range []struct {
		kept, quiet, all bool // on a kept connection; the server is silent; all connections are like the first
		what             string
		want             outcome
	}{
		{true, false, false, aStart, outcome{true, 2, 0}},
		{true, false, false, aContinue, outcome{true, 2, 0}},
		{true, false, false, anAuthor, outcome{true, 2, 0}},
		{true, false, false, anAcct, outcome{true, 2, 0}},
		{true, true, false, aStart, outcome{true, 2, 1}},
		{true, true, false, aContinue, outcome{true, 2, 1}},
		{true, true, false, anAuthor, outcome{true, 2, 1}},
		{true, true, false, anAcct, outcome{true, 2, 1}},

		{false, false, false, aStart, outcome{true, 2, 0}},
		{false, false, false, aContinue, outcome{true, 2, 0}},
		{false, false, false, anAuthor, outcome{true, 2, 0}},
		{false, false, false, anAcct, outcome{false, 1, 0}}, // the spool sends it again
		{false, true, false, aStart, outcome{false, 1, 1}},
		{false, true, false, aContinue, outcome{false, 1, 1}},
		{false, true, false, anAuthor, outcome{false, 1, 1}},
		{false, true, false, anAcct, outcome{false, 1, 1}},

		{true, false, true, aStart, outcome{false, 2, 0}},
		{true, false, true, aContinue, outcome{false, 2, 0}},
		{true, false, true, anAuthor, outcome{false, 2, 0}},
		{true, false, true, anAcct, outcome{false, 2, 0}},
		{true, true, true, aStart, outcome{false, 2, 2}},
		{true, true, true, aContinue, outcome{false, 2, 2}},
		{true, true, true, anAuthor, outcome{false, 2, 2}},
		{true, true, true, anAcct, outcome{false, 2, 2}},
		{false, false, true, aStart, outcome{false, 2, 0}},
		{false, false, true, aContinue, outcome{false, 2, 0}},
		{false, false, true, anAuthor, outcome{false, 2, 0}},
		{false, false, true, anAcct, outcome{false, 1, 0}},
	} {
		for how, fail := range faults {
			if strings.Contains(how, "silence") != c.quiet {
				continue
			}
			for _, over := range []string{"TCP", "TLS"} {
				for _, single := range []bool{true, false} { // a new connection: offered to be shared, or not
					if c.kept && !single {
						continue
					}
					t.Run(fmt.Sprintf("%s, %s over %s, %+v, single %v", c.what, how, over, c, single),
						func(t *testing.T) {
							t.Parallel()
							f := &faulty{what: c.what, fail: fail, sick: 1, seen: map[string]int{}}
							if c.all {
								f.sick = 100
							}
							s := server{Serve: f.serve}
							if over == "TLS" {
								s.ServerConfig, s.TLS = certs.client(), certs.server(t, "server")
							}
							s.SingleConnection = single
							inTown(t, tacplus.Config{}, func(w *town) {
								if c.kept {
									f.fine = 1
									if !w.pose(c.what) {
										t.Fatal("the first request failed")
									}
								}
								begun := time.Now()
								ok := w.pose(c.what)
								took := time.Since(begun)
								got := outcome{ok, f.count(c.what) - f.fine, int(took / (5 * time.Second))}
								if got != c.want || took%(5*time.Second) != 0 {
									t.Errorf("%+v after %v, want %+v", got, took, c.want)
								}
								if trace := w.traced(); strings.Contains(trace, "connect:") {
									t.Errorf("every connection was opened, but:\n%s", trace)
								}
							}, s)
						})
				}
			}
		}
	}
}

// With another server, a packet that began a session on a kept connection is sent again to the same server; an answer
// to the server's question is not, and the login begins again at the next server.
func TestNoAnswerNextServer(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{aStart: "one", aContinue: "two"} {
		for _, how := range []string{"end", "half a body", "silence"} {
			f := &faulty{what: what, fail: faults[how], sick: 1, fine: 1, seen: map[string]int{}}
			inTown(t, tacplus.Config{}, func(w *town) {
				w.want(aaa.Granted, "one", "")
				w.want(aaa.Granted, want, "")
			}, server{ServerConfig: sharing, Serve: f.serve}, granting)
		}
	}
}

// What the caller has answered in a conversation, maybe with a one-time password, is never sent again.
func TestNoAnswerToPrompted(t *testing.T) {
	t.Parallel()
	for how, fail := range faults {
		f := &faulty{what: aContinue, fail: fail, sick: 1, fine: 1, seen: map[string]int{}}
		inTown(t, tacplus.Config{}, func(w *town) {
			w.want(aaa.Granted, "one", "")
			r := caller
			r.Password = ""
			conv, _ := w.login(r)
			if res := conv.Answer(w.t.Context(), canary); res.Kind != aaa.Silent || f.count(aContinue) != 2 ||
				f.count(aStart) != 2 {
				t.Errorf("%s: %+v, %d STARTs, %d CONTINUEs", how, res, f.count(aStart), f.count(aContinue))
			}
			w.want(aaa.Granted, "one", "")
		}, server{ServerConfig: sharing, Serve: f.serve})
	}
}

// However a connection ends and whatever uses it at that moment, each login succeeds, and its START is sent twice at
// most.
func TestKeptConnectionEnds(t *testing.T) {
	t.Parallel()
	for logins, closing := range map[int]time.Duration{1: 0, 2: time.Millisecond, 4: 0, 5: time.Millisecond} {
		for name, serve := range map[string]func(*link){
			"after the next START": func(l *link) {
				passOne(l)
				l.next()
			},
			"while idle": passOne,
			"either": func(l *link) {
				if passOne(l); l.n%2 == 0 {
					l.next()
				}
			},
		} {
			t.Run(fmt.Sprintf("%s, %d at once", name, logins), func(t *testing.T) {
				t.Parallel()
				inTown(t, tacplus.Config{}, func(w *town) {
					const rounds = 40
					for range rounds {
						var wg sync.WaitGroup
						for range logins {
							wg.Go(func() { w.want(aaa.Granted, "one", "") })
						}
						wg.Wait()
					}
					if n, st := w.connections("one"), w.client.Servers()[0]; n > 2*logins*rounds ||
						st.Answered != uint64(logins*rounds) {
						t.Errorf("%d connections, %+v", n, st)
					}
				}, server{ServerConfig: sharing, Serve: serve, Closing: closing})
			})
		}
	}
}

// passOne answers the first START of a connection.
func passOne(l *link) {
	if p, ok := l.next(); ok {
		l.send(p.to(authenReply(pass, 0, "", "")))
	}
}

// Logins that wait for a connection to be shared, which ends before its first answer, use connections of their own.
func TestAwaitedConnectionEnds(t *testing.T) {
	t.Parallel()
	f := &faulty{what: aStart, sick: 1, seen: map[string]int{},
		fail: func(l *link, _ []byte) { <-time.After(time.Second); l.conn.Close() }}
	inTown(t, tacplus.Config{}, func(w *town) {
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { w.want(aaa.Granted, "one", "") })
		}
		wg.Wait()
		if trace := w.traced(); f.count(aStart) != 6 || strings.Contains(trace, "connect:") {
			t.Errorf("%d STARTs\n%s", f.count(aStart), trace)
		}
	}, server{ServerConfig: sharing, Serve: f.serve})
}

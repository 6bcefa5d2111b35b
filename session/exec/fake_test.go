package exec

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeData is the data of a line over a net.Pipe; the person has the other end.
type fakeData struct {
	net.Conn
	done    chan struct{}
	once    sync.Once
	drained int
}

func (d *fakeData) Drain(context.Context) error  { d.drained++; return nil }
func (d *fakeData) Done() <-chan struct{}        { return d.done }
func (d *fakeData) Hangup(context.Context) error { d.lose(); return nil }

// lose drops the carrier.
func (d *fakeData) lose() {
	d.once.Do(func() { close(d.done); d.Conn.Close() })
}

// person is a caller at a terminal. All of it happens in a synctest bubble.
type person struct {
	t      *testing.T
	far    net.Conn
	data   *fakeData
	cancel context.CancelCauseFunc
	over   chan struct{} // closed when Run has returned
	out    session.Outcome
	took   time.Duration // how long Run ran

	mu     sync.Mutex
	screen strings.Builder
	taken  sync.WaitGroup
}

// settings is the configuration of the EXEC and of all sessions in a test.
type settings struct {
	exec  Config
	calls session.Config
}

// frontEnds is the session configuration for calls served by the EXEC.
func (c settings) frontEnds() session.Config {
	all := c.calls
	if all.FrontEnds == nil {
		all.FrontEnds = session.Only{FrontEnd: New(c.exec)}
	}
	return all
}

// scene is the environment of a call. The zero value is leg one, without users and with a broker that refuses.
type scene struct {
	cfg    settings
	login  session.Login
	broker *fakeBroker
	leg    session.Leg
	daemon *fakeDaemon // nil: none
	caller string
}

// dialIn starts a session in the bubble and waits until it is idle.
func dialIn(t *testing.T, sc scene) *person {
	t.Helper()
	near, far := net.Pipe()
	data := &fakeData{Conn: near, done: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(t.Context())
	p := &person{t: t, far: far, data: data, cancel: cancel, over: make(chan struct{})}
	p.taken.Go(p.watch)
	if sc.daemon != nil {
		sc.cfg.exec.Client = sc.daemon.client
	}
	if sc.cfg.exec.Hostname == "" {
		sc.cfg.exec.Hostname = "maui-nas-04"
	}
	if sc.leg.Number == 2 {
		sc.leg.Service = aaa.EXEC
	}
	if sc.login == nil {
		sc.login = fakeLogin{}
	}
	if sc.broker == nil {
		sc.broker = &fakeBroker{}
	}
	call := &lines.Call{
		Data: data, ID: "c1", TTY: 65, Direction: lines.Incoming, Connect: "CONNECT 33600/V34", Caller: sc.caller,
		Called: "55555", Start: time.Now(),
	}
	start := time.Now()
	go func() {
		defer close(p.over)
		p.out = session.Run(ctx, call, sc.cfg.frontEnds(), sc.login, sc.broker, sc.leg)
		p.took = time.Since(start)
	}()
	synctest.Wait()
	return p
}

func (p *person) watch() {
	buf := make([]byte, 256)
	for {
		n, err := p.far.Read(buf)
		p.mu.Lock()
		p.screen.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// types sends keys and waits until the session is idle. The session may end before it has read all of them.
func (p *person) types(keys string) {
	p.t.Helper()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p.far.Write([]byte(keys))
	}()
	synctest.Wait()
	select {
	case <-sent:
	default:
		p.far.SetWriteDeadline(time.Unix(1, 0)) // the session pauses or is over
		<-sent
		p.far.SetWriteDeadline(time.Time{})
	}
}

// waits lets d pass.
func (p *person) waits(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// sees returns the output since the last call, without CR, bells made visible.
func (p *person) sees() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.screen.String()
	p.screen.Reset()
	return strings.NewReplacer("\r", "", "\a", "<BEL>").Replace(s)
}

// hangsUp loses the carrier and returns the outcome.
func (p *person) hangsUp() session.Outcome {
	p.data.lose()
	return p.ends()
}

// isOver reports whether Run has returned.
func (p *person) isOver() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// ends waits until Run returns, and cleans up.
func (p *person) ends() session.Outcome {
	p.t.Helper()
	<-p.over
	synctest.Wait() // the last output is on the screen
	p.cancel(nil)
	p.data.lose()
	p.far.Close()
	p.taken.Wait()
	return p.out
}

// user is a user of fakeLogin.
type user struct {
	password  string
	auth      aaa.Authorization
	challenge string // prompt after a correct password; the answer must be "42"
	name      string // canonical name, if different
}

// fakeLogin has users by name. "silent" simulates a server that does not answer; each answer takes 100 ms.
type fakeLogin map[string]user

type fakeConversation struct {
	l fakeLogin
	r aaa.Request
}

func (l fakeLogin) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	pause(ctx, 100*time.Millisecond)
	if ctx.Err() != nil {
		return nil, aaa.Result{Reason: "primary: canceled"}
	}
	entry := r.Entry
	if entry == "" {
		entry = "radius"
	}
	if r.User == "silent" {
		return nil, aaa.Result{Reason: "primary: no answer after 3 tries"}
	}
	u, known := l[r.User]
	if !known || string(r.Password) != u.password {
		return nil, aaa.Result{Kind: aaa.Refused, Message: "SERVER SAYS NO SUCH USER",
			Reason: "primary: reject " + string(r.Password), Server: "primary"}
	}
	if u.challenge != "" {
		return &fakeConversation{l: l, r: r}, aaa.Result{Kind: aaa.Prompt, Message: u.challenge, Server: "primary"}
	}
	return nil, l.grant(u, r, entry)
}

func (l fakeLogin) Command(context.Context, aaa.Question) aaa.Result {
	return aaa.Result{Kind: aaa.Granted, Server: "primary"}
}

func (l fakeLogin) grant(u user, r aaa.Request, entry string) aaa.Result {
	name := r.User
	if u.name != "" {
		name = u.name
	}
	return aaa.Result{Kind: aaa.Granted, Server: "primary", Identity: aaa.Identity{Entry: entry, User: name},
		Auth: u.auth}
}

func (c *fakeConversation) Answer(_ context.Context, a aaa.Secret) aaa.Result {
	switch a {
	case "42":
		return c.l.grant(c.l[c.r.User], c.r, "radius")
	case "again":
		return aaa.Result{Kind: aaa.Prompt, Message: "And now?", Echo: true}
	}
	return aaa.Result{Kind: aaa.Refused, Reason: "primary: reject", Server: "primary"}
}

// Offers of fakeBroker: with a fixed number, and with a number typed by the caller.
var (
	fixed  = session.Verdict{Kind: session.Offered, Offer: session.Offer{ID: "o1", Number: "84001"}}
	toType = session.Verdict{Kind: session.Offered, Offer: session.Offer{ID: "o2"}}
)

// fakeBroker returns verdicts in turn, repeating the last, and records its calls.
type fakeBroker struct {
	verdicts []session.Verdict                                           // of Decide and Promise
	decide   func(ctx context.Context, a session.Asked) session.Verdict  // instead
	promise  func(ctx context.Context, c session.Choice) session.Verdict // instead
	onReport func(session.Report)
	secure   bool

	asked   []session.Asked
	chosen  []session.Choice
	reports []session.Report
}

func (b *fakeBroker) Secure(session.Asked) bool { return b.secure }

func (b *fakeBroker) Decide(ctx context.Context, a session.Asked) session.Verdict {
	b.asked = append(b.asked, a)
	if b.decide != nil {
		return b.decide(ctx, a)
	}
	return b.next()
}

func (b *fakeBroker) Promise(ctx context.Context, c session.Choice) session.Verdict {
	b.chosen = append(b.chosen, c)
	if b.promise != nil {
		return b.promise(ctx, c)
	}
	return b.next()
}

func (b *fakeBroker) next() session.Verdict {
	if len(b.verdicts) == 0 {
		return session.Verdict{}
	}
	v := b.verdicts[0]
	if len(b.verdicts) > 1 {
		b.verdicts = b.verdicts[1:]
	}
	return v
}

func (b *fakeBroker) Report(ctx context.Context, r session.Report) {
	if ctx.Err() != nil {
		panic("the report's context has ended")
	}
	b.reports = append(b.reports, r)
	if b.onReport != nil {
		b.onReport(r)
	}
}

// sessions returns the reports of begin and end.
func (b *fakeBroker) sessions() []session.Report {
	return slices.DeleteFunc(slices.Clone(b.reports),
		func(r session.Report) bool { return r.Kind != session.Began && r.Kind != session.Ended })
}

// told returns the reports in short form: "began 1 austin-01", "ended 1 austin-01 cause 16 admitted=false callback
// cb1".
func (b *fakeBroker) told() string {
	var lines []string
	for _, r := range b.reports {
		if r.Kind == session.Began {
			lines = append(lines, fmt.Sprintf("began %d %s leg %d", r.Session, r.Identity.User, r.Leg))
			continue
		}
		if r.Kind == session.Command {
			lines = append(lines, fmt.Sprintf("command at %d: %s", r.PrivLevel, r.Command))
			continue
		}
		lines = append(lines, fmt.Sprintf("ended %d %s leg %d cause %d admitted %v callback %q", r.Session,
			r.Identity.User, r.Leg, r.Cause, r.Admitted, r.CallbackID))
	}
	return strings.Join(lines, "\n")
}

var errCleared = errors.New("clear line 65")

// fakeDaemon answers the commands of callers as the admin API does.
type fakeDaemon struct {
	answers map[string]any // by method and path; a Problem is an error

	mu    sync.Mutex
	asked []string // who, method and URL
}

// newDaemon returns a daemon with sample data.
func newDaemon() *fakeDaemon {
	now := time.Now()
	one := 1
	return &fakeDaemon{answers: map[string]any{
		"GET /v1/lines": []client.Line{
			{TTY: 65, Modem: "inout", Rotary: &one, State: "in call", Since: now.Add(-65 * time.Second), Speed: 115200,
				Counters: map[string]uint64{"calls_in": 12, "calls_out": 3}, Signals: "DTR DCD"},
			{TTY: 66, Modem: "inout", State: "down", Reason: "open tcp://127.0.0.1:7001: refused\x1b[2J",
				Since: now.Add(-27 * time.Hour)},
		},
		"GET /v1/users": []client.User{{TTY: 65, User: "austin-01", Service: "exec", Leg: 2, Caller: "5551234",
			Start: now.Add(-9 * time.Second)}},
		"GET /v1/fleet": client.Fleet{},
		"GET /v1/callbacks": []client.Callback{
			{ID: "cb1", User: "austin-02", Number: "84001", Phase: "waiting", Max: 1, Created: now},
			{ID: "cb2", User: "austin-03", Number: "7", TTY: 66, Phase: "dialing", Max: 3, Attempts: 1,
				Created: now.Add(-time.Hour)},
		},
		"GET /v1/calls/active": []client.Call{
			{TTY: 65, Direction: "incoming", User: "austin-01", Service: "exec", Caller: "84001", Callback: "cb1",
				Start: now.Add(-65 * time.Second), Seconds: 65},
			{TTY: 66, Direction: "outgoing", Called: "84002", Start: now.Add(-time.Hour), Seconds: 3600},
		},
		"GET /v1/calls/history": []client.Call{{TTY: 65, Direction: "incoming", User: "austin-01", Caller: "84001",
			Start: now.Add(-time.Hour), Seconds: 3540, Cause: "lost carrier\x1b[2J"}},
		"DELETE /v1/lines/counters":    client.Cleared{Cleared: 2},
		"DELETE /v1/lines/65/counters": client.Cleared{Cleared: 1},
		"DELETE /v1/lines/66/counters": client.Cleared{Cleared: 1},
		"DELETE /v1/lines/7/counters": client.Problem{Status: http.StatusConflict,
			Detail: "there is no line 7"},
	}}
}

// client is an exec.Config.Client.
func (d *fakeDaemon) client(_, name string, privileged bool) *client.Client {
	return client.NewOver("the daemon", func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go d.serve(far, fmt.Sprintf("%s (privileged %v)", name, privileged))
		return near, nil
	})
}

// serve answers the requests of a connection, until its client closes it.
func (d *fakeDaemon) serve(c net.Conn, who string) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		d.mu.Lock()
		d.asked = append(d.asked, who+": "+r.Method+" "+r.URL.RequestURI())
		d.mu.Unlock()
		w := httptest.NewRecorder()
		answer, ok := d.answers[r.Method+" "+r.URL.Path]
		if problem, is := answer.(client.Problem); is || !ok {
			if !is {
				problem = client.Problem{Status: http.StatusNotFound, Detail: "no such route"}
			}
			w.Code, answer = problem.Status, problem
		}
		b, _ := json.Marshal(answer)
		w.Body.Write(b)
		resp := w.Result()
		resp.ContentLength = int64(len(b))
		if resp.Write(c) != nil {
			return
		}
	}
}

// orders returns what was asked so far, one request per line.
func (d *fakeDaemon) orders() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.asked, "\n")
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

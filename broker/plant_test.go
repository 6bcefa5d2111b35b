package broker_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// The size of the plant, and what happens in it in the mean.
const (
	plantLines  = 48
	plantUsers  = 40
	betweenCall = 10 * time.Minute // of all users together
	betweenBad  = 25 * time.Minute // from one fault to the next
	betweenAAA  = 30 * time.Hour   // from one outage of the AAA server to the next
)

// plant is an access server with 48 lines, its users, and the faults of the fault matrix at random.
type plant struct {
	*cell
	rng      *rand.Rand
	users    []*subscriber
	lastCall []time.Time
	agenda   []due
	faulty   map[int]bool      // lines that have a fault now
	calm     map[int]time.Time // when the last fault of a line ended
	all      map[string]bool   // faults that concern all lines and are in force
	down     atomic.Bool       // the AAA server
	calls    int
	happened map[string]int // faults
}

// due is something that happens at a time.
type due struct {
	at time.Time
	do func()
}

// outage is a login whose server may be down.
type outage struct {
	aaa.Login
	down *atomic.Bool
}

func (o outage) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	if o.down.Load() {
		return nil, aaa.Result{Kind: aaa.Silent, Reason: "no answer"}
	}
	return o.Login.Start(ctx, r)
}

func (o outage) Reauthorize(ctx context.Context, r aaa.Request, id aaa.Identity, a aaa.Authorization) aaa.Result {
	if o.down.Load() {
		return aaa.Result{Kind: aaa.Silent, Reason: "no answer"}
	}
	return o.Login.Reauthorize(ctx, r, id, a)
}

// after plans something, a random time with a mean from now.
func (p *plant) after(mean time.Duration, do func()) {
	p.in(time.Duration(p.rng.ExpFloat64()*float64(mean)), do)
}

// in plans something.
func (p *plant) in(d time.Duration, do func()) {
	e := due{time.Now().Add(d), do}
	i, _ := slices.BinarySearchFunc(p.agenda, e, func(a, b due) int {
		return cmp.Or(a.at.Compare(b.at), -1) // after those of the same time
	})
	p.agenda = slices.Insert(p.agenda, i, e)
}

// wholeSite are the faults that concern all lines: one of each at a time.
var wholeSite = []string{"lockdown", "restart", "crash"}

// fails begins a fault at a line, and plans its end and the next fault.
func (p *plant) fails() {
	p.after(betweenBad, p.fails)
	f := faults[p.rng.IntN(len(faults))]
	tty := p.victim()
	whole := slices.Contains(wholeSite, f.name)
	if p.faulty[tty] || whole && p.all[f.name] {
		return
	}
	p.happened[f.name]++
	c := &cell{town: p.town, site: p.site, tty: tty, line: p.lines[tty-65], sub: p.users[p.rng.IntN(len(p.users))]}
	p.faulty[tty], p.all[f.name] = true, true
	f.begin(c)
	p.in(faultLasts+time.Duration(p.rng.Int64N(int64(30*time.Minute))), func() {
		if f.end != nil {
			f.end(c)
		}
		delete(p.faulty, tty)
		p.all[f.name] = false
		p.calm[tty] = time.Now()
	})
}

// victim is the line of the next fault: every second time, one that is in use.
func (p *plant) victim() int {
	var used []int
	for _, s := range p.pool.Lines() {
		if s.State != lines.Idle && !p.faulty[s.TTY] {
			used = append(used, s.TTY)
		}
	}
	if len(used) > 0 && p.rng.IntN(2) == 0 {
		return used[p.rng.IntN(len(used))]
	}
	return 65 + p.rng.IntN(plantLines)
}

// silence is an outage of the AAA server.
func (p *plant) silence() {
	p.after(betweenAAA, p.silence)
	p.down.Store(true)
	p.happened["AAA silent"]++
	p.in(time.Duration(p.rng.Int64N(int64(time.Hour))), func() { p.down.Store(false) })
}

// called lets a user call, seldom one who has called a moment ago.
func (p *plant) called() {
	p.after(betweenCall, p.called)
	i := p.rng.IntN(len(p.users))
	if time.Since(p.lastCall[i]) < 40*time.Minute && p.rng.IntN(8) > 0 {
		return
	}
	p.lastCall[i] = time.Now()
	p.calls++
	s := p.users[i]
	s.hangUp()
	p.in(5*time.Second, s.call)
}

// daily checks the state of all lines and callbacks.
func (p *plant) daily() {
	p.in(24*time.Hour, p.daily)
	for _, s := range p.pool.Lines() {
		switch s.State {
		case lines.HangingUp, lines.Ringing:
			if time.Since(s.Since) > 3*time.Minute {
				p.t.Errorf("%v: tty %d is stuck: %s since %v", time.Now(), s.TTY, s.State, s.Since)
			}
		case lines.Down, lines.Quarantined:
			if s.Reason == "" || s.Failure == nil {
				p.t.Errorf("%v: tty %d is %s without a cause: %q", time.Now(), s.TTY, s.State, s.Reason)
			}
			if !p.faulty[s.TTY] && time.Since(p.calm[s.TTY]) > 20*time.Minute {
				p.t.Errorf("%v: tty %d is %s since %v, its fault ended at %v: %s", time.Now(), s.TTY, s.State, s.Since,
					p.calm[s.TTY], s.Reason)
			}
		case lines.InCall, lines.OutCall, lines.Leased, lines.Dialing:
			if s.Owner == "" || time.Since(s.Since) > 3*time.Hour {
				p.t.Errorf("%v: tty %d is %s since %v, owner %q", time.Now(), s.TTY, s.State, s.Since, s.Owner)
			}
		}
	}
	pending, damaged, err := p.journal.Pending(context.Background())
	if err != nil || len(damaged) > 0 {
		p.t.Fatalf("%v %v", err, damaged)
	}
	for _, c := range pending {
		if time.Since(c.Created) > p.opt.lifetime+15*time.Minute {
			p.t.Errorf("%v: callback %s, promised at %v, is still %s", time.Now(), c.ID, c.Created, c.Phase)
		}
	}
}

// run lets everything happen for some days, and then everything end.
func (p *plant) run(days int, progress bool) {
	end := time.Now().Add(time.Duration(days) * 24 * time.Hour)
	began, told := time.Now(), 0
	p.called()
	p.fails()
	p.silence()
	p.in(24*time.Hour, p.daily)
	for len(p.agenda) > 0 && !p.t.Failed() {
		next := p.agenda[0]
		p.agenda = p.agenda[1:]
		if next.at.After(end) {
			break
		}
		p.pass(time.Until(next.at))
		next.do()
		if day := int(time.Since(began) / (24 * time.Hour)); progress && day >= told+10 {
			told = day
			fmt.Fprintf(os.Stderr, "day %d of %d: %d calls, %d dials, %d faults\n", day, days, p.calls, len(p.dialed()),
				p.total())
		}
	}
	for _, f := range faults { // what is in force ends
		for tty := range p.faulty {
			if f.end != nil && !slices.Contains(wholeSite, f.name) {
				f.end(&cell{town: p.town, site: p.site, tty: tty, line: p.lines[tty-65], sub: p.users[0]})
			}
		}
	}
	if p.all["lockdown"] {
		p.unlock()
	}
	p.down.Store(false)
	for _, s := range p.more {
		s.hangUp()
	}
	p.pass(2 * time.Hour)
}

func (p *plant) total() (n int) {
	for _, k := range p.happened {
		n += k
	}
	return n
}

// verify checks that nothing was lost, doubled or left behind.
func (p *plant) verify() (callbacks, completed int) {
	ctx := context.Background()
	p.idle(time.Minute)
	all, _, err := p.broker.CallbackList(ctx, broker.CallbackQuery{All: true, Limit: 1 << 20})
	if err != nil {
		p.t.Fatal(err)
	}
	audit, damaged, err := p.journal.AuditTail(ctx, 1<<22)
	if err != nil || len(damaged) > 0 {
		p.t.Fatal(err, damaged)
	}
	ended := map[string]int{}
	for _, a := range audit {
		if id, ok := strings.CutSuffix(a.Kind, " ended"); ok {
			ended[strings.TrimPrefix(id, "callback ")]++
		}
	}
	promised, attempts, ends := map[string]int{}, map[string]int{}, map[string]int{}
	for _, v := range all {
		promised[v.User]++
		cause, _, _ := strings.Cut(v.Cause, ";")
		ends[strings.TrimSpace(v.Phase+" "+cause)]++
		attempts[v.Number] += v.Attempts
		if v.Phase == "completed" {
			completed++
		}
		if v.Pending() || ended[v.ID] != 1 || v.Attempts > v.Max || v.Phase != "completed" && v.Cause == "" {
			p.t.Errorf("callback %s of %s is %s %q after %d of %d attempts, with %d audit records of its end",
				v.ID, v.User, v.Phase, v.Cause, v.Attempts, v.Max, ended[v.ID])
		}
	}
	for _, s := range p.users {
		if told := s.promised(); told > promised[s.user] {
			p.t.Errorf("%s was told of %d callbacks, and %d are on disk", s.user, told, promised[s.user])
		}
	}
	p.t.Logf("the ends of the callbacks: %v", ends)
	dials := map[string]int{}
	for _, d := range p.dialed() {
		dials[d.Number]++
		if d.Outcome == exchange.DialGlare {
			p.t.Errorf("%v: %s dialed %s and got an incoming call", d.Time, d.Modem, d.Number)
		}
	}
	for number, n := range dials {
		if n > attempts[number] {
			p.t.Errorf("%s was dialed %d times, and %d attempts are recorded", number, n, attempts[number])
		}
	}
	return len(all), completed
}

// TestPlant runs a plant of 48 lines for two days, and with RINGBACK_LONG=1 for a year: calls, faults of the fault
// matrix at random, outages of AAA, reloads, restarts and crashes. No callback is lost or doubled, no line is stuck.
// RINGBACK_SEED repeats the calls and faults of a run.
func TestPlant(t *testing.T) {
	days, seed := 2, uint64(time.Now().Unix()/(24*60*60))
	if os.Getenv("RINGBACK_LONG") != "" {
		days = 365
	}
	if n, err := strconv.Atoi(os.Getenv("RINGBACK_DAYS")); err == nil {
		days = n
	}
	if n, err := strconv.ParseUint(os.Getenv("RINGBACK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("%d days: RINGBACK_SEED=%d", days, seed)
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t, seed)
		defer p.close()
		p.run(days, days > 30)
		callbacks, completed := p.verify()
		p.leave()
		t.Logf("%d calls, %d callbacks, %d completed, %d dials, faults: %v", p.calls, callbacks, completed,
			len(p.dialed()), p.happened)
		if least := 10 * days; p.calls < least || callbacks < least || completed < least/2 || p.total() < least {
			t.Error("too little happened to prove anything")
		}
	})
}

func newPlant(t *testing.T, seed uint64) *plant {
	p := &plant{rng: rand.New(rand.NewPCG(seed, 48)), faulty: map[int]bool{}, calm: map[int]time.Time{},
		all: map[string]bool{}, happened: map[string]int{}, lastCall: make([]time.Time, plantUsers)}
	site := &site{refuse: map[int]error{}}
	o := townOptions{lines: plantLines, attempts: 2, lifetime: 30 * time.Minute, callerID: true, open: site.opensPort,
		line: exchange.ModemConfig{CallerID: true, Profile: "S0=1",
			Dialect: exchange.Dialect{HearsRinging: true, HearsVoice: true}},
		exchange:   exchange.Config{HoldTime: 90 * time.Second},
		hunts:      map[int]lines.Hunt{1: lines.RoundRobin},
		lineConfig: func(c *lines.Config) { c.Timing.Probe = time.Hour },
		store:      func(j journal.Store) journal.Store { site.mortal = &mortal{Store: j}; return site.mortal }}
	var users []aaa.User
	for i := range plantUsers {
		users = append(users, aaa.User{Name: fmt.Sprint("user-", i), Password: password,
			Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf(fmt.Sprint(84100 + i))}})
	}
	local, err := aaa.NewLocal(append(users, aaa.User{Name: "paia-04", Password: password}))
	if err != nil {
		t.Fatal(err)
	}
	list := aaa.List{Name: "default", Entries: []aaa.Method{local}}
	o.login = outage{aaa.Login{Authentication: aaa.Lists{aaa.EXEC: list, aaa.PPP: list}}, &p.down}
	p.cell = &cell{site: site}
	p.town = newTown(t, o)
	p.idle(time.Minute)
	for i := range plantUsers {
		m := p.x.AddModem(exchange.ModemConfig{Name: users[i].Name, Number: fmt.Sprint(84100 + i), HoldsLine: i%8 == 0})
		s := p.subscriber(m, users[i].Name)
		s.stays = time.Duration(1+i) * time.Minute
		s.dte.Write([]byte("ats0=1\r"))
		p.users = append(p.users, s)
	}
	return p
}

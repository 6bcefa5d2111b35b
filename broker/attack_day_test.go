package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// The limits under which the attackers stay, and the prices, also for the independent count.
var (
	dayLimits = policies.Limits{
		User: policies.Ceilings{Concurrent: 1, Hour: policies.Ceiling{Calls: 4},
			Day: policies.Ceiling{Calls: 16, Failures: 9, Minutes: 420, Money: 60_000_000}},
		Number:      policies.Ceilings{Day: policies.Ceiling{Calls: 15}},
		Group:       policies.Ceilings{Concurrent: 3, Hour: policies.Ceiling{Minutes: 300}},
		SessionTime: 40 * time.Minute,
	}
	siteCeilings = []journal.Limit{
		{Period: journal.Hour, Amount: journal.Amount{Calls: 7, Money: 60_000_000}},
		{Period: journal.Day, Amount: journal.Amount{Calls: 30, Time: 900 * time.Minute, Money: 150_000_000}},
		{Period: journal.Month, Amount: journal.Amount{Calls: 55, Money: 400_000_000}},
	}
)

const dayPrices = "prefix,per_minute,per_call,granularity\n84,0.10,0.05,60/60\n84002,0.50,0,30/6\n"

// victims are the users whose passwords are stolen, by the numbers at which they are called back.
var victims = map[string]string{"84001": "austin-01", "84002": "austin-02", "84003": "austin-02", "84011": "austin-02",
	"84010": "busy-05"}

// mortal is a journal whose process can be killed: what it writes from then on is lost. Its clock can be set back.
type mortal struct {
	journal.Store
	mu     sync.Mutex
	dead   bool
	dies   bool // with the next transaction, which is on disk although the process does not learn of it
	behind time.Duration
}

var errDead = errors.New("the process was killed")

func (m *mortal) Commit(ctx context.Context, tx ...journal.Mutation) error {
	return m.CommitEach(ctx, tx)[0]
}

func (m *mortal) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := make([]error, len(groups))
	if !m.dead {
		for _, g := range groups {
			for i := range g {
				g[i] = m.late(g[i])
			}
		}
		errs = m.Store.CommitEach(ctx, groups...)
		m.dead = m.dies
	}
	if m.dead {
		for i := range errs {
			errs[i] = errDead
		}
	}
	return errs
}

// late returns a mutation of the ledger as a process with this clock would have made it.
func (m *mortal) late(x journal.Mutation) journal.Mutation {
	switch x := x.(type) {
	case journal.Reserve:
		x.Time = x.Time.UTC().Add(-m.behind)
		return x
	case journal.Settle:
		x.Time = x.Time.UTC().Add(-m.behind)
		return x
	}
	return x
}

// bill is what the telephone company sees: the calls that the site's lines have placed.
type bill struct {
	mu    sync.Mutex
	open  map[string]time.Time // by number
	calls []billed
}

type billed struct {
	number     string
	begin, end time.Time
}

func (b *bill) event(e exchange.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.From != "55555" {
		return
	}
	switch e.Kind {
	case exchange.AnswerEvent:
		b.open[e.To] = e.Time
	case exchange.ReleaseEvent:
		if begin, ok := b.open[e.To]; ok {
			b.calls = append(b.calls, billed{e.To, begin, e.Time})
			delete(b.open, e.To)
		}
	}
}

// price is that of dayPrices, by hand.
func (c billed) price() (millionths int64) {
	seconds := int64((c.end.Sub(c.begin) + time.Second - 1) / time.Second)
	if c.number == "84002" {
		seconds = max(30, 30+(seconds-30+5)/6*6)
		return seconds * 500_000 / 60
	}
	return (seconds+59)/60*100_000 + 50_000
}

// day is an attack on a town.
type day struct {
	*town
	bill    *bill
	mortal  *mortal
	rng     *rand.Rand
	until   time.Time
	steps   []time.Time // when the clock was set back by an hour
	crashes int
	refused int // callbacks that were refused
	mu      sync.Mutex
}

// random returns a random duration between two.
func (d *day) random(from, to time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return from + time.Duration(d.rng.Int64N(int64(to-from)))
}

// expect waits for one of some texts and returns which; -1: none came, or the connection was lost.
func (p *pc) expect(within time.Duration, texts ...string) int {
	p.dte.SetReadDeadline(time.Now().Add(within))
	var got strings.Builder
	b := make([]byte, 1)
	for {
		n, err := p.dte.Read(b)
		got.Write(b[:n])
		for i, text := range append(texts, "NO CARRIER", "BUSY") {
			if strings.HasSuffix(got.String(), text) {
				if i < len(texts) {
					return i
				}
				return -1
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			return -1
		}
	}
}

// attack asks for callbacks with a stolen password, as often and as long as it can.
func (d *day) attack(p *pc, user string, numbers ...string) {
	for i := 0; time.Now().Before(d.until); i++ {
		p.dte.SetDTR(true)
		d.pass(d.random(time.Second, 5*time.Second))
		p.typ("ats0=1")
		p.expect(10*time.Second, "OK")
		p.typ("atdt55555")
		if d.promised(p, user, numbers, i) && p.expect(5*time.Minute) < 0 && p.expect(5*time.Minute, "CONNECT") == 0 {
			d.talk(p, user) // after the line was hung up
		}
		p.dte.SetDTR(false)
		d.pass(d.random(4*time.Minute, 24*time.Minute))
	}
}

// promised logs in and reports whether a callback was promised.
func (d *day) promised(p *pc, user string, numbers []string, i int) bool {
	if p.expect(2*time.Minute, "CONNECT") < 0 || p.expect(time.Minute, "Username: ") < 0 {
		return false
	}
	p.typ(user)
	if p.expect(time.Minute, "Password: ") < 0 {
		return false
	}
	p.typ(password)
	answers := []string{"Callback initiated", "Callback not available", "Callback already pending", "ialstring: "}
	got := p.expect(2*time.Minute, answers...)
	if got == 3 {
		p.typ(numbers[i%len(numbers)])
		got = p.expect(2*time.Minute, answers[:3]...)
	}
	if got == 1 {
		d.mu.Lock()
		d.refused++
		d.mu.Unlock()
	}
	return got == 0
}

// talk stays on the line after it was called back, until it is hung up or long enough.
func (d *day) talk(p *pc, user string) {
	if user != "austin-01" { // which must not log in again
		p.expect(time.Minute, "Username: ")
		p.typ(user)
		p.expect(time.Minute, "Password: ")
		p.typ(password)
	}
	for end := time.Now().Add(d.random(time.Minute, 80*time.Minute)); time.Now().Before(end); {
		if p.expect(8*time.Minute) < 0 && !p.dte.Signals().Has(exchange.DCD) {
			return
		}
		p.typ("")
	}
}

// crash kills the process at a random moment and starts another one.
func (d *day) crash() {
	d.mortal.mu.Lock()
	d.mortal.dies = true
	d.mortal.dead = d.random(0, 2) == 0
	d.mortal.mu.Unlock()
	d.pass(d.random(0, 3*time.Minute)) // it may go on until it wants to write
	d.stop()
	<-d.ended
	if err := d.journal.Close(); err != nil {
		d.t.Error(err)
	}
	d.crashes++
	d.pass(d.random(0, 5*time.Minute))
	d.start()
}

// shown returns the latest time that the process has seen at t: its clock is set back by an hour at each step.
func (d *day) shown(t time.Time) time.Time {
	var behind time.Duration
	var latest time.Time
	for _, s := range d.steps {
		if s.After(t) {
			break
		}
		if at := s.Add(-behind); at.After(latest) {
			latest = at
		}
		behind += time.Hour
	}
	if at := t.Add(-behind); at.After(latest) {
		return at.UTC()
	}
	return latest.UTC()
}

// TestDayOfAnAttacker: four attackers with valid passwords call for a day, with restarts, crashes and a clock that is
// set back. What the exchange has counted stays under every ceiling, in the windows that the process could know.
func TestDayOfAnAttacker(t *testing.T) {
	for seed := range uint64(max(1, attackDays())) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { attackDay(t, seed) })
		})
	}
}

func attackDay(t *testing.T, seed uint64) {
	d := &day{rng: rand.New(rand.NewPCG(seed, 2600)), bill: &bill{open: map[string]time.Time{}}}
	o := townOptions{lines: 4, attempts: 2, tariff: dayPrices, ceilings: siteCeilings,
		exchange: exchange.Config{OnEvent: d.bill.event},
		policy:   func(p *policies.Policy) { p.Limits = dayLimits },
		store: func(j journal.Store) journal.Store {
			var behind time.Duration
			if d.mortal != nil {
				behind = d.mortal.behind
			}
			d.mortal = &mortal{Store: j, behind: behind}
			return d.mortal
		}}
	d.town = newTown(t, o)
	defer d.close()
	d.idle(time.Minute)
	d.pass(11*time.Hour + d.random(0, 2*time.Hour)) // the day of the attack has a midnight
	d.until = time.Now().Add(24 * time.Hour)
	second := d.x.AddModem(exchange.ModemConfig{Name: "second", Number: "84002"})
	silent := d.pc(d.x.AddModem(exchange.ModemConfig{Name: "silent", Number: "84003"})) // it answers, and says nothing
	silent.typ("ats0=1")
	other := d.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84009"})
	fourth := d.x.AddModem(exchange.ModemConfig{Name: "fourth", Number: "84008"})
	var attackers sync.WaitGroup
	attackers.Go(func() { d.attack(d.pc(d.home), "austin-01") })
	attackers.Go(func() { d.attack(d.pc(other), "austin-01") }) // the same password at the same time
	attackers.Go(func() { d.attack(d.pc(second), "austin-02", "84002", "84003", "84002", "84011") })
	attackers.Go(func() { d.attack(d.pc(fourth), "busy-05") })
	for i := 0; time.Now().Before(d.until); i++ {
		d.pass(d.random(30*time.Minute, 150*time.Minute))
		switch i % 4 {
		case 0, 2:
			d.crash()
		case 1:
			d.halt()
			d.pass(d.random(0, 10*time.Minute))
			d.start()
		case 3:
			d.mortal.mu.Lock()
			d.mortal.behind += time.Hour
			d.steps = append(d.steps, time.Now())
			d.mortal.mu.Unlock()
		}
		d.checkLedger()
	}
	attackers.Wait()
	d.pass(4 * time.Hour) // all callbacks end
	d.checkLedger()
	d.checkBill()
}

// checkLedger checks what is on disk.
func (d *day) checkLedger() {
	d.t.Helper()
	all, bad, err := d.journal.Accounts(context.Background())
	if err != nil || len(bad) > 0 {
		d.t.Fatalf("%v %v", bad, err)
	}
	for _, a := range all {
		if a.Reserved.Negative() || a.Open < 0 {
			d.t.Errorf("%+v", a)
		}
		for _, l := range siteCeilings {
			for i, p := range journal.Periods {
				if a.Scope == "site" && p == l.Period && a.Windows[i].Used.Plus(a.Reserved).Exceeds(l.Amount) {
					d.t.Errorf("the %s allows %+v: %+v", p, l.Amount, a)
				}
			}
		}
	}
}

// checkBill checks the count of the exchange, in the windows of the clock that the process saw.
func (d *day) checkBill() {
	d.t.Helper()
	used := map[string]journal.Amount{}
	add := func(number string, at time.Time, a journal.Amount) {
		hour := d.shown(at).Format("hour 2006-01-02 15")
		day := d.shown(at).Format("day 2006-01-02")
		user := victims[number]
		for _, k := range []string{"site " + hour, "site " + day, "site month", user + " " + hour, user + " " + day,
			number + " " + day} {
			used[k] = used[k].Plus(a)
		}
	}
	for _, c := range d.dialed() {
		add(c.Number, c.Time, journal.Amount{Calls: 1})
	}
	for _, c := range d.bill.calls {
		for at := c.begin; at.Before(c.end); at = at.Add(time.Minute) {
			add(c.number, at, journal.Amount{Time: min(time.Minute, c.end.Sub(at))})
		}
		add(c.number, c.begin, journal.Amount{Money: c.price()})
	}
	for k, a := range used {
		limit := limitOf(k)
		if a.Exceeds(limit) {
			d.t.Errorf("%s: the exchange counts %+v, and %+v are allowed", k, a, limit)
		}
	}
	site := d.site()
	if total := used["site month"]; site.Reserved != (journal.Amount{}) || site.Open != 0 ||
		total.Exceeds(site.Windows[2].Used) {
		d.t.Errorf("the exchange counts %+v, the ledger %+v", total, site)
	}
	total := used["site month"]
	d.t.Logf("%d dials, %v connected, %d millionths; %d refused, %d crashes, %d clock steps; the ledger has %+v",
		total.Calls, total.Time, total.Money, d.refused, d.crashes, len(d.steps), site.Windows[2].Used)
	if total.Calls < 30 || d.refused < 50 || d.crashes < 4 || len(d.steps) < 2 || total.Time < time.Hour {
		d.t.Error("too little happened to prove anything")
	}
}

// limitOf returns the limit of a key of checkBill.
func limitOf(k string) journal.Amount {
	of := func(c policies.Ceiling) journal.Amount {
		return journal.Amount{Calls: int64(c.Calls), Time: time.Duration(c.Minutes) * time.Minute,
			Money: int64(c.Money)}
	}
	who, period, _ := strings.Cut(k, " ")
	switch period, _, _ = strings.Cut(period, " "); {
	case who == "site":
		for _, l := range siteCeilings {
			if l.Period == period {
				return l.Amount
			}
		}
	case victims[who] != "":
		return of(dayLimits.Number.Day)
	case period == "hour":
		return of(dayLimits.User.Hour)
	case period == "day":
		return of(dayLimits.User.Day)
	}
	panic("no limit for " + k)
}

// attackDays is how many days TestDayOfAnAttacker attacks.
func attackDays() int {
	if os.Getenv("RINGBACK_LONG") != "" {
		return 30
	}
	return 1
}

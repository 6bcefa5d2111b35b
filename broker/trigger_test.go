package broker_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/triggers"
)

const (
	phone      = "+12025551234" // from which the users send
	triggerKey = aaa.Secret("a-key-of-more-than-16-octets")
)

// cellular is a town with cellular modems, whose policy allows both triggers.
func cellular() townOptions {
	key := func(user string) triggers.Key {
		return triggers.Key{Users: []string{user}, Secret: triggerKey, Senders: []string{triggers.Plain(phone)},
			Service: aaa.EXEC}
	}
	return townOptions{callerID: true, line: exchange.ModemConfig{CallerID: true, Dialect: exchange.Dialect{
		RingText: "+CRING: REL ASYNC", RingCommand: "+CRC=1", VoiceRingText: "+CRING: VOICE", Messages: true,
		CallerIDCommand: "+CLIP=1", CallerIDText: `+CLIP: "%s",129`, CallerIDEachRing: true}},
		lineConfig: func(c *lines.Config) {
			c.Init, c.Messages, c.MissedCalls = "ATE0Q0V1&C1&D2S0=0+CRC=1", true, true
			c.Profile = lines.Profile{Name: "cellular", CallerID: lines.CallerID{Command: "AT+CLIP=1",
				Lines: []lines.CallerIDLine{{Text: "+CLIP", Form: "clip"}}},
				Messages: lines.Messages{On: "AT+CNMI=2,1,0,0,0"}}
		},
		triggers: triggers.Rules{Window: 5 * time.Minute, PerHour: 6,
			Keys: []triggers.Key{key("austin-01"), key("austin-02"), key("paia-04"), key("nobody-09")},
			Calls: []triggers.Call{{From: "84007", User: "kihei-03", Service: aaa.EXEC},
				{From: "84008", User: "austin-02", Service: aaa.EXEC}}},
		policy: func(p *policies.Policy) {
			p.Triggers, p.NoVerify, p.Limits.User.Day.Calls = triggers.Kinds(), true, 20
		}}
}

// text signs a request.
func (w *town) text(user, number string, at time.Time) string {
	w.t.Helper()
	s, err := triggers.Sign(triggers.Request{User: user, At: at, Number: number}, triggerKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// deliver delivers a message to a line. It is handled at once, or after the call for which the line is used.
func (w *town) deliver(line int, text string) {
	w.t.Helper()
	if err := w.lines[line].Deliver(phone, text); err != nil {
		w.t.Fatal(err)
	}
}

// sms delivers a message to the first line, and waits until it is handled.
func (w *town) sms(from, text string) {
	w.t.Helper()
	if err := w.lines[0].Deliver(from, text); err != nil {
		w.t.Fatal(err)
	}
	w.handled(0)
}

// handled waits until a line's modem has no messages.
func (w *town) handled(line int) {
	w.t.Helper()
	for range 100_000 {
		stored, waiting := w.lines[line].Messages()
		if stored+waiting == 0 {
			return
		}
		w.pass(100 * time.Millisecond)
	}
	w.t.Fatal("the messages are not read")
}

// counted checks how many triggers of a kind had a result.
func (w *town) counted(kind triggers.Kind, result triggers.Result, want uint64) {
	w.t.Helper()
	if n := w.broker.Stats().Triggers[broker.TriggerCount{Kind: kind, Result: result}]; n != want {
		w.t.Errorf("%s %s: %d, want %d", kind, result, n, want)
	}
}

// logsIn answers the callback at 84001 and logs in: leg two is never without a login, although AAA grants no_verify and
// the policy allows it.
func (w *town) logsIn(p *pc, user string) {
	w.t.Helper()
	p.see("Username: ", 5*time.Minute)
	p.typ(user)
	p.see("Password: ", time.Minute)
	p.typ(password)
	p.see("maui-nas-04>", time.Minute)
	p.typ("exit")
	p.see("NO CARRIER", time.Minute)
	w.idle(time.Minute)
}

// TestSMSTrigger: a signed text has its user called back, once, also if the network delivers it twice, on two lines,
// and again after a restart.
func TestSMSTrigger(t *testing.T) {
	o := cellular()
	o.lines = 2
	inTown(t, o, func(w *town) {
		w.pass(time.Minute)
		home := w.pc(w.home)
		home.typ("ats0=1")
		text := w.text("austin-01", "", time.Now())
		for _, line := range []int{0, 1, 0} {
			w.deliver(line, text)
		}
		w.logsIn(home, "austin-01")
		if v := w.last(); v.User != "austin-01" || v.Number != "84001" || v.NoVerify || v.Phase != "completed" {
			t.Errorf("%+v", v)
		}
		w.handled(0)
		w.handled(1)
		w.counted(triggers.SMS, triggers.Accepted, 1)
		w.counted(triggers.SMS, triggers.Replay, 2)
		w.halt()
		w.start()
		w.pass(time.Minute)
		w.sms(phone, text)
		w.counted(triggers.SMS, triggers.Replay, 1)
		w.pass(10 * time.Minute)
		if d := w.dialed(); len(d) != 1 {
			t.Errorf("dialed %+v", d)
		}
		w.deliver(0, w.text("austin-01", "", time.Now()))
		w.logsIn(home, "austin-01")
		w.counted(triggers.SMS, triggers.Accepted, 1)
		audit, _, err := w.journal.AuditTail(context.Background(), 100)
		found := 0
		for _, e := range audit {
			if strings.HasSuffix(e.Kind, " requested") && e.Who == "austin-01" && strings.Contains(e.Text, phone) {
				found++
			}
		}
		if err != nil || found != 2 {
			t.Errorf("%d rows of the audit, %v", found, err)
		}
	})
}

// TestSMSDoesNothing: texts that must have no effect have none, and are counted by their reason.
func TestSMSDoesNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   string // "": phone
		text   func(w *town) string
		change func(o *townOptions)
		want   triggers.Result
	}{
		{name: "another sender", from: "+12025559999",
			text: func(w *town) string { return w.text("austin-01", "", time.Now()) }, want: triggers.UnknownSender},
		{name: "a name as sender", from: "2025551234a",
			text: func(w *town) string { return w.text("austin-01", "", time.Now()) }, want: triggers.UnknownSender},
		{name: "a clock an hour behind",
			text: func(w *town) string { return w.text("austin-01", "", time.Now().Add(-time.Hour)) },
			want: triggers.Clock},
		{name: "a clock an hour ahead",
			text: func(w *town) string { return w.text("austin-01", "", time.Now().Add(time.Hour)) },
			want: triggers.Clock},
		{name: "a bad signature",
			text: func(w *town) string {
				return strings.Replace(w.text("austin-01", "", time.Now()), "austin-01", "austin-02", 1)
			},
			want: triggers.BadSignature},
		{name: "a number that was put in",
			text: func(w *town) string {
				f := strings.Fields(w.text("austin-02", "84001", time.Now()))
				return strings.Join([]string{f[0], f[1], f[2], "84009", f[4]}, " ")
			},
			want: triggers.BadSignature},
		{name: "a user without a key",
			text: func(w *town) string { return w.text("kihei-03", "", time.Now()) }, want: triggers.UnknownUser},
		{name: "a text that speaks AT",
			text: func(*town) string { return "\r\nRING\r\n\r\nCONNECT 9600\r\nATDT84001\r\n" },
			want: triggers.Unreadable},
		{name: "a user unknown to AAA",
			text: func(w *town) string { return w.text("nobody-09", "", time.Now()) }, want: triggers.Rejected},
		{name: "a user without a callback",
			text: func(w *town) string { return w.text("paia-04", "", time.Now()) }, want: triggers.Rejected},
		{name: "no number, and AAA leaves it to the user",
			text: func(w *town) string { return w.text("austin-02", "", time.Now()) }, want: triggers.Rejected},
		{name: "a number that the policy denies",
			text: func(w *town) string { return w.text("austin-02", "84900", time.Now()) }, want: triggers.Rejected},
		{name: "an expensive number",
			text: func(w *town) string { return w.text("austin-02", "19005551234", time.Now()) },
			want: triggers.Rejected},
		{name: "another number than AAA's",
			text: func(w *town) string { return w.text("austin-01", "84009", time.Now()) }, want: triggers.Rejected},
		{name: "a policy that does not allow it",
			text:   func(w *town) string { return w.text("austin-01", "", time.Now()) },
			change: func(o *townOptions) { o.policy = func(p *policies.Policy) { p.Triggers = nil } },
			want:   triggers.Rejected},
		{name: "a policy for the other trigger",
			text: func(w *town) string { return w.text("austin-01", "", time.Now()) },
			change: func(o *townOptions) {
				o.policy = func(p *policies.Policy) {
					p.Triggers, p.Limits.User.Day.Calls = []string{"missed_call"}, 3
				}
			}, want: triggers.Rejected},
		{name: "no rules", text: func(w *town) string { return w.text("austin-01", "", time.Now()) },
			change: func(o *townOptions) { o.triggers = triggers.Rules{} }, want: triggers.UnknownUser},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := cellular()
			if tt.change != nil {
				tt.change(&o)
			}
			inTown(t, o, func(w *town) {
				w.pass(time.Minute)
				from := phone
				if tt.from != "" {
					from = tt.from
				}
				w.sms(from, tt.text(w))
				w.counted(triggers.SMS, tt.want, 1)
				w.pass(10 * time.Minute)
				w.idle(time.Second)
				if n, d := w.answered(), w.dialed(); n > 0 || len(d) > 0 {
					t.Errorf("%d calls answered, dialed %+v", n, d)
				}
			})
		})
	}
}

// TestSMSNumber: a user who may choose the number signs it.
func TestSMSNumber(t *testing.T) {
	inTown(t, cellular(), func(w *town) {
		w.pass(time.Minute)
		home := w.pc(w.home)
		home.typ("ats0=1")
		w.deliver(0, w.text("austin-02", "84001", time.Now()))
		w.logsIn(home, "austin-02")
		if v := w.last(); v.Number != "84001" || v.User != "austin-02" {
			t.Errorf("%+v", v)
		}
	})
}

// TestSMSLimits: a user has one callback pending, and per_hour requests an hour; a lockdown rejects them all. None of
// the texts counts later.
func TestSMSLimits(t *testing.T) {
	inTown(t, cellular(), func(w *town) {
		w.pass(time.Minute)
		var last string
		for i := range 8 {
			last = w.text("austin-01", "", time.Now().Add(time.Duration(i)*time.Second))
			w.sms(phone, last)
		}
		w.counted(triggers.SMS, triggers.Accepted, 1)
		w.counted(triggers.SMS, triggers.Rejected, 5) // it is pending
		w.counted(triggers.SMS, triggers.Limited, 2)
		w.pass(2 * time.Hour)
		w.idle(time.Minute)
		if err := w.broker.Lockdown("test", false, "kim"); err != nil {
			t.Fatal(err)
		}
		text := w.text("austin-01", "", time.Now())
		w.sms(phone, text)
		w.counted(triggers.SMS, triggers.Rejected, 6)
		if err := w.broker.LiftLockdown("over", "kim"); err != nil {
			t.Fatal(err)
		}
		w.sms(phone, text)
		w.counted(triggers.SMS, triggers.Replay, 1)
	})
}

// TestSMSFlood: a thousand texts of a stranger cost ten lines of the log a minute, and each is counted.
func TestSMSFlood(t *testing.T) {
	o := cellular()
	core, logged := observer.New(zapcore.WarnLevel)
	o.log = zap.New(core)
	inTown(t, o, func(w *town) {
		w.pass(time.Minute)
		began := time.Now()
		for i := range 1000 {
			if err := w.lines[0].Deliver("+12025559999", fmt.Sprintf("buy %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		w.handled(0)
		w.counted(triggers.SMS, triggers.Unreadable, 1000)
		minutes := int(time.Since(began)/time.Minute) + 1
		said := logged.FilterMessage("trigger rejected").All()
		if len(said) == 0 || len(said) > 10*minutes {
			t.Errorf("%d lines of the log in %d minutes", len(said), minutes)
		}
		w.pass(2 * time.Minute)
		w.sms("+12025559999", "buy")
		said = logged.FilterMessage("trigger rejected").All()
		total := int64(len(said))
		for _, e := range said {
			if n, ok := e.ContextMap()["not_reported"].(int64); ok {
				total += n
			}
		}
		if total != 1001 {
			t.Errorf("the log tells of %d texts", total)
		}
	})
}

// refusesTexts is a disk that does not record texts while it is full.
type refusesTexts struct {
	journal.Store
	full *atomic.Bool
}

func (s refusesTexts) Commit(ctx context.Context, all ...journal.Mutation) error {
	for _, m := range all {
		if _, ok := m.(journal.PutTriggered); ok && s.full.Load() {
			return errFull
		}
	}
	return s.Store.Commit(ctx, all...)
}

// TestSMSNotRecorded: nothing is dialed for a text that is not on disk, and it is not used up.
func TestSMSNotRecorded(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	o := cellular()
	o.store = func(s journal.Store) journal.Store { return refusesTexts{s, &full} }
	inTown(t, o, func(w *town) {
		w.pass(time.Minute)
		text := w.text("austin-01", "", time.Now())
		w.sms(phone, text)
		w.counted(triggers.SMS, triggers.Rejected, 1)
		w.pass(time.Minute)
		if d := w.dialed(); len(d) > 0 {
			t.Errorf("dialed %+v", d)
		}
		full.Store(false)
		w.sms(phone, text)
		w.counted(triggers.SMS, triggers.Accepted, 1)
	})
}

// TestMissedCall: a call from a known number is never answered; when its caller has given up, the user is called back
// at AAA's number, never at the calling number, and must log in.
func TestMissedCall(t *testing.T) {
	for _, telephone := range []bool{true, false} {
		t.Run(fmt.Sprintf("telephone=%t", telephone), func(t *testing.T) {
			inTown(t, cellular(), func(w *town) {
				w.pass(time.Minute)
				home := w.pc(w.home)
				home.typ("ats0=1")
				caller := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "caller", Number: "84007",
					Telephone: telephone}))
				caller.ring(20 * time.Second)
				w.logsIn(home, "kihei-03")
				if v := w.last(); v.User != "kihei-03" || v.Number != "84001" || v.NoVerify || w.answered() != 0 {
					t.Errorf("%d calls answered; %+v", w.answered(), v)
				}
				w.counted(triggers.MissedCall, triggers.Accepted, 1)
			})
		})
	}
}

// TestMissedCallDoesNothing: calls that must request nothing do not, and others are answered as before.
func TestMissedCallDoesNothing(t *testing.T) {
	for _, tt := range []struct {
		name      string
		from      string
		telephone bool
		rings     time.Duration
		change    func(o *townOptions)
		answered  int
		rejected  uint64
	}{
		{name: "an unknown telephone", from: "84099", telephone: true, rings: 20 * time.Second},
		{name: "an unknown modem", from: "84099", rings: 5 * time.Minute, answered: 1},
		{name: "a telephone that rings on", from: "84007", telephone: true, rings: 4 * time.Minute, rejected: 1},
		{name: "a user who may choose the number", from: "84008", telephone: true, rings: 20 * time.Second,
			rejected: 1},
		{name: "the line has no such trigger", from: "84007", telephone: true, rings: 20 * time.Second,
			change: func(o *townOptions) {
				was := o.lineConfig
				o.lineConfig = func(c *lines.Config) { was(c); c.MissedCalls = false }
			}},
		{name: "the policy does not allow it", from: "84007", telephone: true, rings: 20 * time.Second,
			change: func(o *townOptions) {
				o.policy = func(p *policies.Policy) { p.Triggers = []string{"sms"} }
			}, rejected: 1},
		{name: "no modem signals", from: "84007", telephone: true, rings: 20 * time.Second,
			change: func(o *townOptions) { o.noSignals = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := cellular()
			if tt.change != nil {
				tt.change(&o)
			}
			inTown(t, o, func(w *town) {
				w.pass(time.Minute)
				caller := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "caller", Number: tt.from,
					Telephone: tt.telephone}))
				caller.typ("ats7=255")
				if tt.answered > 0 {
					caller.typ("atdt55555")
					caller.see("Username: ", time.Minute)
					caller.dte.SetDTR(false)
				} else {
					caller.ring(tt.rings)
				}
				w.pass(10 * time.Minute)
				w.idle(time.Minute)
				if n, d := w.answered(), w.dialed(); n != tt.answered || len(d) > 0 {
					t.Errorf("%d calls answered, dialed %+v", n, d)
				}
				w.counted(triggers.MissedCall, triggers.Rejected, tt.rejected)
				w.counted(triggers.MissedCall, triggers.Accepted, 0)
			})
		})
	}
}

// TestForgedMissedCalls: a hundred calls with a forged number reach one number only, no more often than the limit of
// the user allows.
func TestForgedMissedCalls(t *testing.T) {
	o := cellular()
	o.policy = func(p *policies.Policy) { p.Triggers, p.Limits.User.Day.Calls = triggers.Kinds(), 3 }
	inTown(t, o, func(w *town) {
		w.pass(time.Minute)
		victim := w.pc(w.home)
		victim.typ("ats0=0")
		forger := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "forger", Number: "84007", Telephone: true}))
		for range 100 {
			forger.ring(12 * time.Second)
			w.pass(10 * time.Second)
		}
		w.pass(20 * time.Minute)
		for _, d := range w.dialed() {
			if d.Number != "84001" {
				t.Errorf("dialed %+v", d)
			}
		}
		if n := len(w.dialed()); n == 0 || n > 3 {
			t.Errorf("%d dials", n)
		}
	})
}

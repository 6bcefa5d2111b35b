package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/aaatest/tacquito"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// outage is an accounting server that falls silent in the middle of a callback, and returns after the daemon was
// killed.
type outage struct {
	begin, end func()
	started    func() bool // reports that the Start of leg one has arrived
	betweenLeg bool        // the daemon is killed while the callback is pending, otherwise during leg two's session
}

// outageTimes are the times of the events by the test's clock.
type outageTimes struct {
	promised, dropped, answered, ended, killed, restarted time.Time // ended: leg two, if the daemon did not end it
}

// live plays a callback of austin-02, who types their number and logs in on both legs, through the outage.
func (o outage) live(t *testing.T, l *lab.Lab) (at outageTimes) {
	t.Helper()
	p := sitDown(t, l, "austin-01")
	p.call("austin-02", "hana-1993")
	p.see("Callback Dialstring: ")
	eventually(t, "leg one's Start", o.started)
	o.begin()
	p.enter("84001")
	p.see("Callback initiated")
	at.promised = time.Now()
	p.see("NO CARRIER")
	at.dropped = time.Now()
	if o.betweenLeg {
		onlyCallback(t, l, "a callback that waits", func(c client.Callback) bool { return c.Phase == "waiting" })
		at.kill(t, l)
	}
	p.answer()
	p.login("austin-02", "hana-1993")
	p.see(prompt + ">")
	at.answered = time.Now()
	if o.betweenLeg {
		p.hangUp()
	} else {
		elapsed(t, 2*time.Second) // so that there is a time to account for
		at.kill(t, l)
		p.see("NO CARRIER")
	}
	nobodyOnLine(t, l)
	at.ended = time.Now()
	elapsed(t, time.Second)
	o.end()
	onlyCallback(t, l, "the callback's end", phase("completed"))
	wantDialed(t, l, "84001")
	return at
}

// kill kills the daemon as kill -9 does, and starts a new one.
func (at *outageTimes) kill(t *testing.T, l *lab.Lab) {
	t.Helper()
	if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	at.killed = time.Now()
	l.StopDaemon()
	if err := l.StartDaemon(t.Context()); err != nil {
		t.Fatal(err)
	}
	at.restarted = time.Now()
}

// near checks that a time in seconds is between from and to, except for the truncation to whole seconds.
func near(t *testing.T, what string, got int64, from, to time.Time) {
	t.Helper()
	if got < from.Unix()-1 || got > to.Unix()+1 {
		t.Errorf("%s is %v, must be from %v to %v", what, time.Unix(got, 0).UTC(), from.UTC(), to.UTC())
	}
}

// FreeRADIUS accepts no accounting during most of a callback, because it hangs or has ended, and the daemon is killed
// with SIGKILL meanwhile. Afterwards its detail files have both legs, each with its Start and its Stop, and the time of
// each.
func TestPeerFreeRADIUSReconciliation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		hangs      bool // the server is stopped with SIGSTOP; otherwise it ends and is started again
		betweenLeg bool
	}{
		{"hung and killed on leg two", true, false},
		{"gone and killed between the legs", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			users := readFile(t, "testdata/freeradius/users")
			asked := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: users})
			books := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: users, Secret: asked.Secret,
				Auth: quietPort(t), Acct: quietPort(t)})
			details := []string{books.Detail}
			o := outage{betweenLeg: tt.betweenLeg,
				started: func() bool { return len(readDetail(t, books.Detail)) >= 2 }}
			o.begin, o.end = func() { pause(t, books.Pause) }, func() { pause(t, books.Resume) }
			if !tt.hangs {
				o.begin = books.Stop
				o.end = func() {
					again := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: users,
						Secret: asked.Secret, Auth: books.Auth, Acct: books.Acct})
					details = append(details, again.Detail)
				}
			}
			quick := edit{"ringback.yaml", "timeout: 2s\n      retries: 3", "timeout: 500ms\n      retries: 1"}
			l := startTown(t, lab.Options{Edit: edits(t, quick), RADIUS: &lab.RADIUS{Auth: asked.Auth, Acct: books.Acct,
				Secret: asked.Secret}})
			at := o.live(t, l)
			var all []record
			eventually(t, "all records", func() bool {
				all = nil
				for _, d := range details {
					all = append(all, allDetail(t, d)...)
				}
				return len(folded(all)) >= 6
			})
			o.reconciled(t, folded(all), at)
			honest(t, all, at)
		})
	}
}

func pause(t *testing.T, f func() error) {
	t.Helper()
	if err := f(); err != nil {
		t.Fatal(err)
	}
}

// reconciled compares the records, in order of their first arrival, with both legs.
func (o outage) reconciled(t *testing.T, got []record, at outageTimes) {
	t.Helper()
	story := make([]string, 0, len(got))
	legs := map[string][]record{}
	for _, r := range got {
		leg := ""
		switch r["NAS-Port"] {
		case "": // the access server's own
		case "65":
			leg = "one"
		default: // on any line
			leg = "two"
		}
		legs[leg] = append(legs[leg], r)
		story = append(story, strings.TrimRight(r["Acct-Status-Type"]+" "+leg+" "+r["Acct-Terminate-Cause"], " "))
	}
	want := []string{"Accounting-On", "Start one", "Stop one Callback", "Start two", "Stop two NAS-Reboot",
		"Accounting-On"}
	if o.betweenLeg { // the second On before leg two: a server that ends all sessions at On must not end leg two
		want = []string{"Accounting-On", "Start one", "Stop one Callback", "Accounting-On", "Start two",
			"Stop two Lost-Carrier"}
	}
	if !o.betweenLeg {
		bySession(story, " two")
	}
	if !slices.Equal(story, want) {
		t.Fatalf("the records are %q, must be %q", story, want)
	}
	one, two := legs["one"], legs["two"]
	multi := one[0]["Acct-Multi-Session-Id"]
	for _, leg := range [][]record{one, two} {
		for _, r := range leg {
			if r["Acct-Multi-Session-Id"] != multi || multi == "" || r["User-Name"] != "austin-02" ||
				r["Acct-Session-Id"] != leg[0]["Acct-Session-Id"] {
				t.Errorf("Acct-Multi-Session-Id must be %s, Acct-Session-Id %s and User-Name austin-02: %v", multi,
					leg[0]["Acct-Session-Id"], r)
			}
		}
	}
	if one[0]["Acct-Session-Id"] == two[0]["Acct-Session-Id"] {
		t.Error("both legs have one Acct-Session-Id")
	}
	near(t, "leg one's Stop", one[1].when(t), at.promised, at.dropped.Add(time.Second))
	near(t, "leg two's Start", two[0].when(t), at.dropped, at.answered)
	if o.betweenLeg {
		near(t, "leg two's Stop", two[1].when(t), at.answered, at.ended)
	} else {
		near(t, "leg two's Stop", two[1].when(t), at.killed, at.restarted)
	}
	if took := two[1].when(t) - two[0].when(t); max(took-int64(two[1].number(t, "Acct-Session-Time")),
		int64(two[1].number(t, "Acct-Session-Time"))-took) > 1 {
		t.Errorf("leg two took %d s by its records' times, and says %s", took, two[1]["Acct-Session-Time"])
	}
}

// bySession sorts the records between the first and the last by leg: the records of sessions are sent in parallel.
func bySession(story []string, two string) {
	if len(story) > 2 {
		slices.SortStableFunc(story[1:len(story)-1], func(a, b string) int {
			return strings.Count(a, two) - strings.Count(b, two)
		})
	}
}

// when is the time of the event in the record.
func (r record) when(t *testing.T) int64 {
	t.Helper()
	at, err := time.Parse("Jan _2 2006 15:04:05 MST", r["Event-Timestamp"])
	if err != nil {
		t.Fatalf("Event-Timestamp: %v", err)
	}
	return at.Unix()
}

// honest checks the delay of every copy of every record: it was sent when it says, after its event and before it
// arrived, and the last copies of what the outage delayed were sent after the outage.
func honest(t *testing.T, all []record, at outageTimes) {
	t.Helper()
	type copies struct {
		happened, lastSent int64
	}
	seen := map[string]copies{}
	for _, r := range all {
		key := r["Acct-Session-Id"] + " " + r["Acct-Status-Type"]
		c, known := seen[key]
		if happened := r.when(t); known && c.happened != happened {
			t.Errorf("copies of %s have different times: %v", key, r)
		} else {
			c.happened = happened
		}
		sent := c.happened + int64(r.number(t, "Acct-Delay-Time"))
		if came := int64(r.number(t, "Timestamp")); sent > came+1 {
			t.Errorf("it came at %d and was sent at %d: %v", came, sent, r)
		}
		c.lastSent = max(c.lastSent, sent)
		seen[key] = c
	}
	for key, c := range seen {
		if c.happened > at.promised.Unix()+1 && c.lastSent < at.restarted.Unix()-1 {
			t.Errorf("%s happened during the outage and no copy says that it was sent after the restart: %+v", key, c)
		}
	}
}

// The same with tacquito: task_id identifies a session, and the times are those of the events.
func TestPeerTacquitoReconciliation(t *testing.T) {
	t.Parallel()
	users := tacquitoUsers(t)
	asked := tacquito.Start(t, tacquito.Options{Config: users})
	books := tacquito.Start(t, tacquito.Options{Config: users, Address: quietPort(t)})
	records := []*tacquito.Server{books}
	accounting := func() (all []taskRecord) {
		for _, s := range records {
			for _, line := range s.Accounting() {
				all = append(all, parseTask(t, line))
			}
		}
		return foldedTasks(all)
	}
	o := outage{started: func() bool { return len(accounting()) >= 2 }, begin: books.Stop, end: func() {
		records = append(records, tacquito.Start(t, tacquito.Options{Config: users, Address: books.Addr}))
	}}
	also := edits(t, waits("2s"), edit{"ringback.yaml", "{default: [tacacs, local]}", "{default: [asked, local]}"},
		edit{"ringback.yaml", "methods: [tacacs]", "methods: [books]"},
		inAAA("  tacacs_system_user: maui-nas-04\n  groups: [{name: asked, servers: [town]}, {name: books, servers: "+
			"[books]}]"),
		edit{"ringback.yaml", "  tacacs:\n", "  tacacs:\n    - {name: books, address: \"" + books.Addr +
			"\", secret_file: tacacs.secret}\n"})
	l := startTown(t, lab.Options{AAA: lab.ByTACACS, Edit: func(name, text string) string {
		if name == "tacacs.secret" {
			return tacquitoKey + "\n"
		}
		return also(name, tacacsAddress.ReplaceAllString(text, "${1}"+asked.Addr+","))
	}})
	at := o.live(t, l)
	eventually(t, "all records", func() bool { return len(accounting()) >= 6 })
	got := accounting()
	story := make([]string, 0, len(got))
	for _, r := range got {
		story = append(story, strings.TrimSpace(r.kind()+" "+r.Port+" "+r.arg("disc-cause")))
	}
	want := []string{"start", "start tty65", "stop tty65 16", "start tty66", "stop tty66 11", "start"}
	bySession(story, " tty66")
	if !slices.Equal(story, want) {
		t.Fatalf("the records are %q, must be %q", story, want)
	}
	legs := map[string][]taskRecord{}
	for _, r := range got {
		legs[r.Port] = append(legs[r.Port], r)
	}
	one, two := legs["tty65"], legs["tty66"]
	for _, leg := range [][]taskRecord{one, two} {
		if leg[0].arg("task_id") != leg[1].arg("task_id") || leg[0].User != "austin-02" || leg[1].User != "austin-02" {
			t.Errorf("start and stop of one session of austin-02: %v", leg)
		}
	}
	if one[0].arg("task_id") == two[0].arg("task_id") {
		t.Error("both legs have one task_id")
	}
	near(t, "leg one's stop", one[1].number(t, "stop_time"), at.promised, at.dropped.Add(time.Second))
	near(t, "leg two's start", two[0].number(t, "start_time"), at.dropped, at.answered)
	near(t, "leg two's stop", two[1].number(t, "stop_time"), at.killed, at.restarted)
	near(t, "leg two's start, as its stop says", two[1].number(t, "start_time"), at.dropped, at.answered)
}

// taskRecord is a record as tacquito writes it.
type taskRecord struct {
	Flags      int
	User, Port string
	Args       []string
}

func parseTask(t *testing.T, line string) (r taskRecord) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%v:\n%s", err, line)
	}
	return r
}

// kind is from the flags of RFC 8907 §7.1.
func (r taskRecord) kind() string {
	switch r.Flags {
	case 2:
		return "start"
	case 4:
		return "stop"
	}
	return fmt.Sprint("flags ", r.Flags)
}

// arg is the value of an argument; "" if it is missing.
func (r taskRecord) arg(name string) string {
	for _, a := range r.Args {
		if value, ok := strings.CutPrefix(a, name+"="); ok {
			return value
		}
	}
	return ""
}

func (r taskRecord) number(t *testing.T, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(r.arg(name), 10, 64)
	if err != nil {
		t.Errorf("%s: %v in %v", name, err, r)
	}
	return n
}

// foldedTasks leaves out repeated records.
func foldedTasks(all []taskRecord) (once []taskRecord) {
	seen := map[string]bool{}
	for _, r := range all {
		if key := r.arg("task_id") + " " + r.kind(); !seen[key] {
			seen[key] = true
			once = append(once, r)
		}
	}
	return once
}

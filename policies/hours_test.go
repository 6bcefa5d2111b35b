package policies

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

const officeHours = `group: default
numbers: {from_caller: allow, allow: ["84*"]}
hours:
  zone: Europe/Paris
  weekdays:
    - mon-fri 07:00-19:00
    - thu 22:00-06:00
    - sun 02:00-03:00
    - sat 20:00-24:00
  dates:
    - 2026-12-24 07:00-12:00
    - 2026-12-24 13:00-15:00
    - 2027-01-02 22:00-04:00
    - 2026-05-14 closed
  holidays: holidays.txt
`

const holidayText = `# Bank holidays
2026-12-25 Christmas Day
2026-12-24 Christmas Eve

2026-05-01
`

// loadFiles writes policy files, and others, into a directory and loads it.
func loadFiles(t testing.TB, files map[string]string) (*Set, schema.Problems, string) {
	t.Helper()
	dir := write(t, files)
	s, problems := LoadDir(dir, site)
	return s, problems, dir
}

func mustLoad(t testing.TB, files map[string]string) *Set {
	t.Helper()
	s, problems, _ := loadFiles(t, files)
	if s == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

func utc(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Both changes of summer time in 2026 (29 March, 25 October), a leap day, midnight, dates and holidays.
func TestHours(t *testing.T) {
	p, _ := mustLoad(t, map[string]string{"default.yaml": officeHours, "holidays.txt": holidayText}).Group("default")
	const none = "no window of weekdays has it"
	for _, tt := range []struct {
		utc  string
		open bool
		why  string
	}{
		{"2026-01-05T05:59:59Z", false, none}, // Monday, UTC+1
		{"2026-01-05T06:00:00Z", true, `"mon-fri 07:00-19:00" (default.yaml:6)`},
		{"2026-01-05T17:59:59Z", true, "default.yaml:6"},
		{"2026-01-05T18:00:00Z", false, none},
		{"2026-07-06T05:00:00Z", true, "default.yaml:6"}, {"2026-07-06T17:00:00Z", false, none}, // Monday, UTC+2
		{"2026-03-29T00:59:59Z", false, none}, {"2026-03-29T01:00:00Z", false, none}, // 01:59:59, then 03:00
		{"2026-03-30T05:00:00Z", true, "default.yaml:6"}, {"2026-03-27T06:00:00Z", true, ""}, // around the change
		{"2026-10-25T00:30:00Z", true, "default.yaml:8"}, {"2026-10-25T01:30:00Z", true, ""}, // 02:30 twice
		{"2026-10-25T02:00:00Z", false, none},                                  // 03:00
		{"2028-02-29T08:00:00Z", true, ""}, {"2028-03-01T08:00:00Z", true, ""}, // Tuesday, Wednesday
		{"2026-01-08T21:00:00Z", true, `"thu 22:00-06:00" (default.yaml:7)`}, // Thursday night
		{"2026-01-09T04:59:00Z", true, `"thu 22:00-06:00" (default.yaml:7) of the day before`},
		{"2026-01-09T05:00:00Z", false, none}, {"2026-01-10T03:00:00Z", false, none}, // no window on Friday night
		{"2026-01-10T22:59:59Z", true, "default.yaml:9"}, {"2026-01-10T23:00:00Z", false, none}, // 24:00
		{"2026-12-24T06:30:00Z", true, `"2026-12-24 07:00-12:00" (default.yaml:11)`},
		{"2026-12-24T11:30:00Z", false, `on this date only "2026-12-24 07:00-12:00" (default.yaml:11) counts`},
		{"2026-12-24T13:00:00Z", true, "default.yaml:12"},
		{"2026-12-24T22:00:00Z", false, "default.yaml:11"}, // not Thursday's night
		{"2026-12-25T09:00:00Z", false, `"2026-12-25 Christmas Day" (holidays.txt:2)`},
		{"2026-12-28T09:00:00Z", true, "default.yaml:6"},
		{"2026-05-01T09:00:00Z", false, `on this date only "2026-05-01" (holidays.txt:5) counts`},
		{"2026-04-30T20:30:00Z", true, "default.yaml:7"}, {"2026-04-30T22:30:00Z", false, "holidays.txt:5"},
		{"2026-05-14T20:30:00Z", false, `"2026-05-14 closed" (default.yaml:14)`}, // a Thursday
		{"2027-01-02T21:30:00Z", true, "default.yaml:13"},
		{"2027-01-03T02:30:00Z", true, `"2027-01-02 22:00-04:00" (default.yaml:13) of the day before`},
		{"2027-01-03T03:00:00Z", false, none},
	} {
		if open, why := p.Hours.Open(utc(t, tt.utc)); open != tt.open || !strings.Contains(why, tt.why) {
			t.Errorf("%s: open %v, %s", tt.utc, open, why)
		}
	}
	if open, _ := (Hours{}).Open(time.Time{}); !open {
		t.Error("without hours a group is not always open")
	}
}

// Midnight may be the hour that does not exist (Cairo, 24 April 2026: 00:00 is 01:00) or that occurs twice.
func TestHoursWithoutMidnight(t *testing.T) {
	s := mustLoad(t, map[string]string{"default.yaml": "group: default\nhours: {zone: Africa/Cairo, weekdays: [" +
		"thu 23:00-00:30, fri 00:00-01:00]}\n"})
	p, _ := s.Group("default")
	for at, want := range map[string]bool{
		"2026-04-23T20:59:59Z": false, "2026-04-23T21:00:00Z": true, "2026-04-23T21:59:59Z": true, // 23:00, 23:59:59
		"2026-04-23T22:00:00Z": false,                              // 01:00
		"2026-10-29T20:30:00Z": true, "2026-10-29T21:30:00Z": true, // 23:30 twice
		"2026-10-29T22:59:59Z": true, "2026-10-29T23:00:00Z": false,
	} {
		if open, why := p.Hours.Open(utc(t, at)); open != want {
			t.Errorf("%s: open %v, %s", at, open, why)
		}
	}
}

// Outside the hours no callback is promised. One that was promised stands, unless AAA is asked again.
func TestRuleHours(t *testing.T) {
	s := mustLoad(t, map[string]string{"default.yaml": officeHours + "callback_on_request: allow\n",
		"holidays.txt": holidayText})
	day, night := utc(t, "2026-01-05T09:00:00Z"), utc(t, "2026-01-05T20:00:00Z")
	promised, _ := s.Evaluate(Request{Auth: fixed, Service: aaa.EXEC, Time: day})
	typed := "84007"
	for _, tt := range []struct {
		name string
		r    Request
		want Outcome
		rule string
	}{
		{"open", Request{Auth: fixed, Time: day}, CallBack, "attempts"},
		{"closed", Request{Auth: fixed, Time: night}, Refuse, "hours"},
		{"closed, and the caller would be asked", Request{Auth: null, Time: night}, Refuse, "hours"},
		{"closed since the number was asked", Request{Auth: null, Time: night, FromCaller: &typed}, Refuse, "hours"},
		{"no callback required", Request{Auth: plain, Time: night}, Admit, "callback demanded"},
		{"on request", Request{Auth: plain, Service: aaa.PPP, Time: day}, AskNumber, "number from"},
		{"on request, closed", Request{Auth: plain, Service: aaa.PPP, Time: night}, Admit, "callback demanded"},
		{"on request, closed since the offer", Request{Auth: plain, Service: aaa.PPP, Time: night, FromCaller: &typed},
			Refuse, "hours"},
		{"pending", Request{Auth: fixed, Time: night, Promised: &promised}, CallBack, "attempts"},
		{"pending, AAA asked again", Request{Auth: fixed, Time: night, Promised: &promised, Renewed: true}, Refuse,
			"hours"},
		{"leg two", Request{Auth: fixed, Time: night, Leg: 2}, Admit, "leg"},
		{"leg two of another service", Request{Auth: fixed, Service: aaa.PPP, Time: night, Leg: 2,
			CalledBack: number("84001")}, Admit, "called number"},
		{"the clock was set back an hour", Request{Auth: fixed, Time: utc(t, "2026-01-05T17:30:00Z"),
			Latest: utc(t, "2026-01-05T18:30:00Z")}, Refuse, "hours"},
		{"the clock was set back within the hours", Request{Auth: fixed, Time: day, Latest: day.Add(time.Hour)},
			CallBack, "attempts"},
		{"the clock was set back to before the hours", Request{Auth: fixed, Time: utc(t, "2026-01-05T05:30:00Z"),
			Latest: utc(t, "2026-01-05T06:30:00Z")}, Refuse, "hours"},
	} {
		if tt.r.Service == "" {
			tt.r.Service = aaa.EXEC
		}
		d, trace := s.Evaluate(tt.r)
		if d.Outcome != tt.want || trace.Decided() != tt.rule ||
			tt.want == Refuse && d.Text != texts.RefusedCallback {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
	_, trace := s.Evaluate(Request{Auth: fixed, Service: aaa.EXEC, Time: night})
	if got := trace.String(); !strings.Contains(got, "Mon 2026-01-05 21:00 CET") ||
		!strings.Contains(got, "refuse: outside the hours of group default: no window of weekdays has it") {
		t.Error(got)
	}
}

// Hours only ever take away: what is decided with them is what is decided without, or a refusal.
func TestHoursOnlyNarrow(t *testing.T) {
	with := mustLoad(t, map[string]string{"default.yaml": officeHours + "callback_on_request: allow\n",
		"holidays.txt": holidayText})
	p, _ := with.Group("default")
	p.Hours = Hours{}
	without := mustNew(t, p)
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.SampledFrom([]string{"84007", "99"}).Draw(t, "typed")
		r := Request{
			Auth:    rapid.SampledFrom([]aaa.Authorization{fixed, null, plain}).Draw(t, "AAA"),
			Service: rapid.SampledFrom([]aaa.Service{aaa.EXEC, aaa.PPP}).Draw(t, "service"),
			Time:    time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "time"), 0), // 2026 and 2027
		}
		if rapid.Bool().Draw(t, "given") {
			r.FromCaller = &typed
		}
		d, trace := with.Evaluate(r)
		free, _ := without.Evaluate(r)
		declined := free.MayDecline && d.Outcome == Admit
		if open, _ := with.groups["default"].Hours.Open(r.Time); d.Outcome != free.Outcome && (open ||
			d.Outcome != Refuse && !declined) {
			t.Fatalf("%+v, without hours %+v\n%s", d, free, trace)
		}
	})
}

func TestHoursProblems(t *testing.T) {
	const begin = "group: default\nhours:\n  zone: UTC\n  "
	for text, want := range map[string]string{
		"group: default\nhours: {weekdays: [mon 07:00-19:00]}\n": "default.yaml:2:8: hours: has no zone, so its " +
			"times are those of no place (write zone: Europe/Paris or zone: UTC)",
		"group: default\nhours: {zone: UTC, dates: [2026-12-24 closed]}\n": "default.yaml:2:8: hours: has no window, " +
			"so no callback could ever be promised (write weekdays: [mon-fri 07:00-19:00], or callback: off)",
		"group: default\nhours: {zone: Europe/Pari}\n": `default.yaml:2:15: hours.zone: "Europe/Pari" is not a time ` +
			`zone (write a name of the IANA database, such as Europe/Paris or UTC)`,
		"group: default\nhours: {zone: Local}\n":     `"Local" is not a time zone`,
		"group: default\nhours: {zone: \"\"}\n":      `"" is not a time zone`,
		"group: default\nhours: {zone: ../../etc}\n": `"../../etc" is not a time zone`,
		begin + "weekdays: [monday 07:00-19:00]\n":   `4:14: hours.weekdays[0]: "monday 07:00-19:00" does not begin with weekdays`,
		begin + "weekdays: [mon- 07:00-19:00]\n":     `"mon- 07:00-19:00" does not begin with weekdays`,
		begin + "weekdays: [mon 7:00-19:00]\n":       `"7:00-19:00" is not a window (write 07:00-19:00;`,
		begin + "weekdays: [mon closed]\n":           `"closed" is not a window`,
		begin + "weekdays: [mon]\n":                  `"" is not a window`,
		begin + "dates: [2026-02-29 07:00-19:00]\n":  `hours.dates[0]: "2026-02-29" is not a date of the calendar (write 2026-12-25)`,
		begin + "dates: [2026-12-24 open]\n":         `"open" is not a window (write 07:00-19:00; 22:00-06:00 ends on the next day, 00:00-24:00 is the whole day); "2026-12-24 closed" has none`,
		begin + "dates: [2026-12-24 07:00-19:00, 2026-12-24 closed]\n": `default.yaml:4:35: hours.dates[1]: ` +
			`2026-12-24 has another row, "2026-12-24 07:00-19:00" (default.yaml:4), and one of them is closed (remove one of the two)`,
		begin + "dates: [2026-12-24 closed, 2026-12-24 07:00-19:00]\n": `2026-12-24 has another row, "2026-12-24 closed"`,
		begin + "weekdays: []\nwhen: [priv_lvl == 15]\n":               "hours: has no window",
		begin + "dates: []\nwhen: [priv_lvl == 15]\n":                  "hours: has no window",
		begin + "holidays: none.txt\n":                                 "none.txt: no such file or directory (write",
		begin + "holidays: .\n":                                        "not a regular file",
		begin + "holidays: bad.txt\n": `bad.txt:2:1: "25.12.2026" is not a date of the calendar (write 2026-12-25)
bad.txt:4:1: 2026-12-25 is already on line 3 (remove one of the two)`,
		begin + "holidays: shadow\n":    `shadow:1:1: the line does not begin with a date (write 2026-12-25 Christmas Day)`,
		begin + "holidays: large.txt\n": "large.txt: larger than 262144 octets",
		begin + "holidays: noise.txt\n": "noise.txt:10:1: ",
	} {
		s, problems, dir := loadFiles(t, map[string]string{"default.yaml": text,
			"bad.txt":   "2026-12-24\n25.12.2026 Christmas\r\n2026-12-25 Christmas\n2026-12-25\n",
			"shadow":    "root:$6$salt$hash:20228:0:99999:7:::\n",
			"large.txt": strings.Repeat("#\n", 1<<17+1), "noise.txt": strings.Repeat("\x00\xff\n", 1000)})
		got := strings.ReplaceAll(problems.String(), dir+"/", "")
		if s != nil || !strings.Contains(got, want) || len(problems) > maxHolidayBad+1 {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
	_, problems := Parse("g.yaml", []byte("group: g\nhours: {zone: UTC, weekdays: [mon 07:00-19:00], holidays: x}\n"))
	if !problems.HasErrors() {
		t.Error("Parse knows the holiday file")
	}
}

// The digest of a policy has what its holiday file says, and nothing new without hours.
func TestHoursDigest(t *testing.T) {
	digest := func(files map[string]string) string {
		p, _ := mustLoad(t, files).Group("default")
		return p.Digest()
	}
	one := digest(map[string]string{"default.yaml": officeHours, "holidays.txt": holidayText})
	if one != digest(map[string]string{"default.yaml": officeHours,
		"holidays.txt": "\ufeff2026-05-01 Labor Day\r\n2026-12-25\r\n"}) {
		t.Error("the order and the comments of a holiday file count")
	}
	if one == digest(map[string]string{"default.yaml": officeHours, "holidays.txt": holidayText + "2026-11-01\n"}) {
		t.Error("a holiday does not count")
	}
	s := mustLoad(t, map[string]string{"base.yaml": strings.Replace(officeHours, "default", "base", 1),
		"default.yaml": "group: default\nextends: base\nhours: {weekdays+: [sat 08:00-12:00], holidays: ''}\n",
		"holidays.txt": holidayText})
	child, _ := s.Group("default")
	open, why := child.Hours.Open(utc(t, "2026-12-26T08:00:00Z"))
	if !open || !strings.Contains(why, "default.yaml:3") {
		t.Error(why)
	}
	if open, _ := child.Hours.Open(utc(t, "2026-12-25T08:00:00Z")); !open {
		t.Error("the holidays of the other file still count")
	}
	if files := s.Files(); len(files) != 1 || filepath.Base(files[0]) != "holidays.txt" {
		t.Error(files)
	}
	for _, v := range []string{"hours.zone", "hours.weekdays", "hours.dates"} {
		if strings.Contains(Policy{}.Canonical(), v) || !strings.Contains(child.Canonical(), v) {
			t.Errorf("%s in\n%s", v, child.Canonical())
		}
	}
}

func TestParseWindow(t *testing.T) {
	for s, want := range map[string]Window{"07:00-19:00": {From: 420, To: 1140}, "22:00-06:00": {From: 1320, To: 360},
		"00:00-24:00": {To: 1440}, "": {}, "7:00-19:00": {}, "07:60-19:00": {}, "24:00-07:00": {}, "07:00-07:00": {},
		"07:00-24:01": {}, "+7:00-19:00": {}, "07:00": {}, "07:00-19:00 ": {}, "0\u0660:00-19:00": {}} {
		if got, err := parseWindow(s); got != want || (err == nil) != (want != Window{}) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

// No holiday file makes the loader panic, and each date of one that is accepted is closed.
func FuzzHolidays(f *testing.F) {
	f.Add([]byte(holidayText))
	f.Add([]byte("\ufeff2026-12-25\u00a0x\r\n0000-01-01\n9999-12-31 y"))
	f.Fuzz(func(t *testing.T, data []byte) {
		days, problems := parseHolidays("h.txt", data)
		if problems.HasErrors() {
			return
		}
		h := Hours{Zone: time.UTC}
		for _, d := range days {
			h.setDate(d.date, Day{Row: d.row})
			if open, _ := h.Open(d.date.noon()); open {
				t.Errorf("%s is open", d.date)
			}
		}
		if len(h.Dates) != len(days) {
			t.Error("a date occurs twice")
		}
	})
}

package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // machines without a time zone database must decide as others do

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// Hours are the times at which a group's callbacks may be promised: windows of the wall clock in a time zone. The zero
// value is always open, and so is one with a zone only.
type Hours struct {
	Zone     *time.Location // nil with the zero value only
	Weekdays [7][]Window    // by time.Weekday
	// Dates have windows of their own, or none, instead of those of their weekday: the days of `dates` and of the
	// holiday file. What a window of the day before has left after midnight does not count either.
	Dates map[Date]Day
}

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Day is a date with its own windows. Without a window it is closed.
type Day struct {
	Windows []Window
	Row     Row
}

// Window is a part of a day in minutes after midnight. If To is not after From, it ends on the next day.
type Window struct {
	From, To int
	Row      Row
}

// Row is where a window or a date is written, for the trace.
type Row struct {
	Text string // as in the file
	At   string // "field.yaml:7"
}

func (r Row) String() string {
	if r.At == "" {
		return strconv.Quote(r.Text)
	}
	return fmt.Sprintf("%q (%s)", r.Text, r.At)
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// dateOf returns the date of a time in its zone.
func dateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// noon has no zone: a date has neither hours nor summer time.
func (d Date) noon() time.Time       { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }
func (d Date) weekday() time.Weekday { return d.noon().Weekday() }
func (d Date) before() Date          { return dateOf(d.noon().AddDate(0, 0, -1)) }

// Open reports whether t is in a window, and names the row that says so. Windows are times of the wall clock: when
// clocks are set back, both passes of the hour count; when they are set forward, the hour that does not exist is in no
// window.
func (h Hours) Open(t time.Time) (open bool, why string) {
	if h.always() {
		return true, "no hours"
	}
	local := t.In(h.Zone)
	date, minute := dateOf(local), local.Hour()*60+local.Minute()
	today, special := h.day(date)
	for _, w := range today.Windows {
		if minute >= w.From && (minute < w.To || w.crosses()) {
			return true, w.Row.String()
		}
	}
	if special {
		return false, "on this date only " + today.Row.String() + " counts"
	}
	yesterday, _ := h.day(date.before())
	for _, w := range yesterday.Windows {
		if w.crosses() && minute < w.To {
			return true, w.Row.String() + " of the day before"
		}
	}
	return false, "no window of weekdays has it"
}

// ruleHours: callbacks are promised within the hours. One that was promised is dialed after their end too, unless AAA
// is asked again.
func ruleHours(e *evaluation) (string, string, bool) {
	now := e.Time.In(e.policy.Hours.Zone).Format("Mon 2006-01-02 15:04 MST")
	if e.Promised != nil && !e.Renewed {
		return now, "not checked again: the callback was promised", false
	}
	open, why := e.open()
	if !open {
		return e.refuse(now, texts.RefusedCallback, "change hours in the group's policy file",
			"outside the hours of group %s: %s", e.policy.name(), why)
	}
	return now, why, false
}

// open reports whether the time of the request is within the hours. After the clock was set back, the time that it had
// before must be, too: what was over does not begin again.
func (e *evaluation) open() (open bool, why string) {
	h := e.policy.Hours
	if open, why = h.Open(e.Time); !open || !e.Latest.After(e.Time) {
		return open, why
	}
	if open, latest := h.Open(e.Latest); !open {
		was := e.Latest.In(h.Zone).Format("15:04 MST")
		return false, "the clock was set back from " + was + ", when it was closed: " + latest
	}
	return true, why
}

// day returns the windows of a date; special: they are its own.
func (h Hours) day(d Date) (day Day, special bool) {
	if day, special = h.Dates[d]; special {
		return day, true
	}
	return Day{Windows: h.Weekdays[d.weekday()]}, false
}

func (w Window) crosses() bool { return w.To <= w.From }

// always reports hours without windows and dates: they have at most a zone, for the conditions.
func (h Hours) always() bool {
	return len(h.Dates) == 0 && h.never()
}

// never reports hours without any window.
func (h Hours) never() bool {
	if h.Zone == nil {
		return true
	}
	for _, windows := range h.Weekdays {
		if len(windows) > 0 {
			return false
		}
	}
	for _, d := range h.Dates {
		if len(d.Windows) > 0 {
			return false
		}
	}
	return true
}

// weekdayNames are the names of weekdays in files, by time.Weekday.
var weekdayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const closed = "closed"

// addWeekday adds a row of `weekdays`, such as "mon-fri 07:00-19:00".
func (h *Hours) addWeekday(r Row) error {
	days, window, _ := strings.Cut(r.Text, " ")
	first, last, isRange := strings.Cut(days, "-")
	if !isRange {
		last = first
	}
	from, to := slices.Index(weekdayNames[:], first), slices.Index(weekdayNames[:], last)
	if from < 0 || to < 0 {
		return fmt.Errorf("%q does not begin with weekdays (write \"mon-fri 07:00-19:00\" or \"sat 08:00-12:00\")",
			clipped(r.Text))
	}
	w, err := parseWindow(window)
	if err != nil {
		return err
	}
	w.Row = r
	for d := from; ; d = (d + 1) % 7 {
		h.Weekdays[d] = append(h.Weekdays[d], w)
		if d == to {
			return nil
		}
	}
}

// addDate adds a row of `dates`, such as "2026-12-24 07:00-12:00" or "2026-12-31 closed".
func (h *Hours) addDate(r Row) error {
	text, window, _ := strings.Cut(r.Text, " ")
	date, err := parseDate(text)
	if err != nil {
		return err
	}
	day, again := h.Dates[date]
	if again && (window == closed || len(day.Windows) == 0) {
		return fmt.Errorf("%s has another row, %s, and one of them is closed (remove one of the two)", date, day.Row)
	}
	if !again {
		day.Row = r
	}
	if window != closed {
		w, err := parseWindow(window)
		if err != nil {
			return fmt.Errorf("%w; \"%s closed\" has none", err, date)
		}
		w.Row = r
		day.Windows = append(day.Windows, w)
	}
	h.setDate(date, day)
	return nil
}

func (h *Hours) setDate(d Date, day Day) {
	if h.Dates == nil {
		h.Dates = map[Date]Day{}
	}
	h.Dates[d] = day
}

// parseWindow reads "07:00-19:00" or, until the next day, "22:00-06:00". 24:00 is the end of the day.
func parseWindow(s string) (Window, error) {
	from, to, ok := strings.Cut(s, "-")
	if ok {
		f, okFrom := minuteOf(from)
		t, okTo := minuteOf(to)
		if okFrom && okTo && f < 24*60 && f != t {
			return Window{From: f, To: t}, nil
		}
	}
	return Window{}, fmt.Errorf("%q is not a window (write 07:00-19:00; 22:00-06:00 ends on the next day, "+
		"00:00-24:00 is the whole day)", clipped(s))
}

func minuteOf(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, errH := strconv.ParseUint(s[:2], 10, 8)
	m, errM := strconv.ParseUint(s[3:], 10, 8)
	minute := int(h)*60 + int(m)
	return minute, errH == nil && errM == nil && m < 60 && minute <= 24*60
}

func parseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date of the calendar (write 2026-12-25)", clipped(s))
	}
	return dateOf(t), nil
}

// parseZone reads the name of a time zone. The machine's own zone is not one: a policy decides alike everywhere.
func parseZone(s string) (*time.Location, error) {
	if zone, err := time.LoadLocation(s); err == nil && s != "" && s != "Local" {
		return zone, nil
	}
	return nil, fmt.Errorf("%q is not a time zone (write a name of the IANA database, such as Europe/Paris or UTC)",
		clipped(s))
}

// clipped shortens text from a file for a message.
func clipped(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// zoneText is the canonical text of the zone; "": no hours.
func (h Hours) zoneText() string {
	if h.Zone == nil {
		return ""
	}
	return h.Zone.String()
}

// weekdaysText is the canonical text of the windows of the week, in order.
func (h Hours) weekdaysText() string {
	var out []string
	for d, windows := range h.Weekdays {
		for _, text := range windowTexts(windows) {
			out = append(out, weekdayNames[d]+" "+text)
		}
	}
	return strings.Join(out, ", ")
}

// datesText is the canonical text of the dates, those of the holiday file included.
func (h Hours) datesText() string {
	var out []string
	for date, day := range h.Dates {
		texts := windowTexts(day.Windows)
		if len(texts) == 0 {
			texts = []string{closed}
		}
		out = append(out, date.String()+" "+strings.Join(texts, " "))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func windowTexts(windows []Window) (out []string) {
	windows = slices.SortedFunc(slices.Values(windows), func(a, b Window) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, w := range windows {
		text := fmt.Sprintf("%02d:%02d-%02d:%02d", w.From/60, w.From%60, w.To/60, w.To%60)
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// rowOf returns a value of a file as a Row.
func rowOf(v *schema.Value) Row { return Row{v.Text(), at(v.File, v.Line)} }

// readRows reads a list of rows, each of which checkRow accepts.
func readRows(add func(*Hours, Row) error) func(*Policy, *schema.Value) {
	return func(p *Policy, v *schema.Value) {
		for _, item := range v.Items() {
			_ = add(&p.Hours, rowOf(item)) // checkHours reports rows that contradict others
		}
	}
}

func checkRow(add func(*Hours, Row) error) func(string) error {
	return func(s string) error { return add(&Hours{}, Row{Text: s}) }
}

func checkZone(s string) error {
	_, err := parseZone(s)
	return err
}

// checkHours reports hours that cannot be meant.
func (p Policy) checkHours(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	h := p.Hours
	var dates Hours
	wrong := false
	for _, item := range v.Get("dates").Items() {
		if err := dates.addDate(rowOf(item)); err != nil {
			problem(item, err.Error(), "")
			wrong = true
		}
	}
	switch {
	case !v.IsSet(), wrong: // its windows are not known
	case h.Zone == nil:
		problem(v, "has no zone, so its times are those of no place", "write zone: Europe/Paris or zone: UTC")
	case h.always() && len(p.When) > 0 && !v.Get("weekdays").IsSet() && !v.Get("dates").IsSet():
		// the zone of its conditions
	case h.never():
		problem(v, "has no window, so no callback could ever be promised",
			"write weekdays: [mon-fri 07:00-19:00], or callback: off")
	}
}

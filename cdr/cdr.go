// Package cdr makes call detail records: one for each callback and each dial-out that is over, from the rows of the
// journal, as a line of CSV or JSON. It is pure.
package cdr

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
)

// The formats of a file.
const (
	CSV  = "csv"
	JSON = "json" // one object in each line
)

// Record is the call detail record of a callback, or of a dial-out, whose only call is Call. Times are zero, and
// durations 0, if there was no such moment.
type Record struct {
	Callback   string    `json:"callback"` // "" for a dial-out
	Call       string    `json:"call"`     // leg one, or the dial-out
	User       string    `json:"user"`
	Group      string    `json:"group"`
	Caller     string    `json:"caller"`
	Number     string    `json:"number"` // the last that was dialed; if none, the first of the plan
	CalledLine int       `json:"called_line"`
	Lines      []int     `json:"lines"` // that dialed, in the order of the attempts
	Attempts   int       `json:"attempts"`
	Outcome    string    `json:"outcome"` // completed, failed, expired, cancelled
	Cause      string    `json:"cause"`
	Promised   time.Time `json:"promised,omitzero"`
	Dialed     time.Time `json:"dialed,omitzero"`    // the first attempt
	Connected  time.Time `json:"connected,omitzero"` // the first call of leg two
	Ended      time.Time `json:"ended"`              // of the callback, or of its last call if that is later
	Wait       float64   `json:"wait"`               // seconds from the promise to the first dial
	Duration   int64     `json:"duration"`           // connected seconds of leg two, of all calls together
	OctetsIn   uint64    `json:"octets_in"`
	OctetsOut  uint64    `json:"octets_out"`
	Cost       string    `json:"cost"` // "" if a call has no price
	Currency   string    `json:"currency"`
	Service    string    `json:"service"` // exec, ppp; journal.DialOut
}

// New returns the record of a callback with its attempts and the calls of leg two. over is false if it has not ended,
// or a call of leg two has not: there is no record yet.
func New(c journal.Callback, attempts []journal.Attempt, calls []journal.Call, prices *tariff.Table) (r Record,
	over bool) {
	if c.Pending() {
		return Record{}, false
	}
	var decision struct {
		Group string `json:"group"`
	}
	_ = json.Unmarshal([]byte(c.Decision), &decision) // "": the group is not known
	r = Record{Callback: c.ID, Call: c.CallID, User: c.User, Group: decision.Group, Caller: c.Caller, Number: c.Number,
		CalledLine: c.CalledTTY, Lines: []int{}, Attempts: c.Attempts, Outcome: c.Outcome, Cause: c.Cause,
		Promised: c.Created.UTC(), Ended: c.Ended.UTC(), Service: c.Service}
	for _, a := range attempts {
		r.Lines = append(r.Lines, a.TTY)
		r.Number = a.Number
		if r.Dialed.IsZero() {
			wait := max(a.Started.Sub(c.Created), 0).Round(time.Millisecond)
			r.Dialed, r.Wait = a.Started.UTC(), float64(wait.Milliseconds())/1000 // Seconds has 5.7379999999999995
		}
	}
	return r, r.talk(slices.DeleteFunc(slices.Clone(calls), func(l journal.Call) bool {
		return l.CallbackID != c.ID || l.Leg != 2
	}), prices)
}

// NewDialOut returns the record of a dial-out. Its row has one moment: of the dial if there was no call, of the
// connection otherwise. over is as for New.
func NewDialOut(c journal.Call, prices *tariff.Table) (r Record, over bool) {
	if c.End.IsZero() {
		return Record{}, false
	}
	r = Record{Call: c.ID, User: c.User, Number: c.Called, Lines: []int{}, Outcome: "failed", Cause: c.Cause,
		Ended: c.End.UTC(), Service: c.Service}
	if c.Cause != journal.HeldBack {
		r.Lines, r.Attempts = []int{c.TTY}, 1
	}
	var calls []journal.Call
	switch {
	case c.Connect != "":
		r.Outcome, calls = "completed", []journal.Call{c}
	case r.Attempts > 0:
		r.Dialed = c.Start.UTC()
	}
	return r, r.talk(calls, prices)
}

// talk adds the calls that were dialed and came up; false if one has not ended.
func (r *Record) talk(calls []journal.Call, prices *tariff.Table) bool {
	var cost tariff.Money
	priced := true
	for _, l := range calls {
		if l.End.IsZero() {
			return false
		}
		if r.Connected.IsZero() || l.Start.Before(r.Connected) {
			r.Connected = l.Start.UTC()
		}
		if l.End.After(r.Ended) {
			r.Ended = l.End.UTC()
		}
		connected := max(l.End.Sub(l.Start), 0)
		r.Duration += tariff.Seconds(connected)
		r.OctetsIn, r.OctetsOut = r.OctetsIn+l.OctetsIn, r.OctetsOut+l.OctetsOut
		number, err := numbers.Reread(l.Called)
		rate, known := prices.Find(number)
		priced = priced && known && err == nil
		cost = cost.Plus(rate.Cost(connected))
	}
	if priced && prices != nil {
		r.Cost, r.Currency = cost.String(), prices.Currency()
	}
	return true
}

// Line returns a record as a line of a file, with its line feed.
func (r Record) Line(format string) []byte {
	if format == JSON {
		b, err := json.Marshal(r)
		if err != nil { // it has no value that JSON does not have
			panic(err)
		}
		return append(b, '\n')
	}
	var cells []string
	for _, c := range columns {
		cells = append(cells, c.cell(r))
	}
	return csvLine(cells)
}

// Head returns the first line of a file; nil for JSON.
func Head(format string) []byte {
	if format == JSON {
		return nil
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return csvLine(names)
}

func csvLine(cells []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(cells) // a buffer takes everything
	w.Flush()
	return b.Bytes()
}

// columns are the columns of CSV, which have the names of JSON.
var columns = []struct {
	name string
	cell func(r Record) string
}{
	{"callback", func(r Record) string { return plain(r.Callback) }},
	{"call", func(r Record) string { return plain(r.Call) }},
	{"user", func(r Record) string { return plain(r.User) }},
	{"group", func(r Record) string { return plain(r.Group) }},
	{"caller", func(r Record) string { return number(r.Caller) }},
	{"number", func(r Record) string { return number(r.Number) }},
	{"called_line", func(r Record) string { return strconv.Itoa(r.CalledLine) }},
	{"lines", func(r Record) string { return strings.Trim(fmt.Sprint(r.Lines), "[]") }},
	{"attempts", func(r Record) string { return strconv.Itoa(r.Attempts) }},
	{"outcome", func(r Record) string { return plain(r.Outcome) }},
	{"cause", func(r Record) string { return plain(r.Cause) }},
	{"promised", func(r Record) string { return moment(r.Promised) }},
	{"dialed", func(r Record) string { return moment(r.Dialed) }},
	{"connected", func(r Record) string { return moment(r.Connected) }},
	{"ended", func(r Record) string { return moment(r.Ended) }},
	{"wait", func(r Record) string { return strconv.FormatFloat(r.Wait, 'f', -1, 64) }},
	{"duration", func(r Record) string { return strconv.FormatInt(r.Duration, 10) }},
	{"octets_in", func(r Record) string { return strconv.FormatUint(r.OctetsIn, 10) }},
	{"octets_out", func(r Record) string { return strconv.FormatUint(r.OctetsOut, 10) }},
	{"cost", func(r Record) string { return r.Cost }},
	{"currency", func(r Record) string { return r.Currency }},
	{"service", func(r Record) string { return plain(r.Service) }},
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// plain returns a text on one line that no spreadsheet takes for a formula: other characters than printable ones are
// escaped, as in a Go string, and an apostrophe stands before what begins a formula.
func plain(s string) string {
	q := strconv.Quote(s)
	s = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	if s != "" && slices.Contains([]byte("=+-@'"), s[0]) {
		return "'" + s
	}
	return s
}

// number returns a number as it is: +33140205050 is none of a formula's dangers. What is no number is a text.
func number(s string) string {
	if strings.Trim(s, "+*0123456789") != "" || strings.LastIndex(s, "+") > 0 {
		return plain(s)
	}
	return s
}

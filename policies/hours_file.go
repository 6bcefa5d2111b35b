package policies

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/schema"
)

const (
	maxHolidaySize = 256 << 10 // octets of a holiday file
	maxHolidayBad  = 10        // lines of a holiday file that are reported
)

// holiday is a line of a holiday file: a closed date.
type holiday struct {
	date Date
	row  Row
}

// holidays adds the dates of the holiday file of a group's hours. Those that `dates` has stay as they are.
func (l *loader) holidays(p *Policy, v *schema.Value) {
	name := v.Get("hours", "holidays")
	if name.Text() == "" {
		return
	}
	path := name.Text()
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(name.File), path)
	}
	if _, text := l.texts[name.File]; text && l.others != nil && !slices.Contains(l.others, path) {
		l.problem(problemAt(name, "this file is not one that the policies in force use, so it is not read here",
			"write the days as dates, or try the files in their directory (ringback policy check)"))
		return
	}
	days, ok := l.holidayFiles[path]
	if !ok {
		days = l.holidayFile(path, name)
		if l.holidayFiles == nil {
			l.holidayFiles = map[string][]holiday{}
		}
		l.holidayFiles[path] = days
	}
	for _, d := range days {
		if _, has := p.Hours.Dates[d.date]; !has {
			p.Hours.setDate(d.date, Day{Row: d.row})
		}
	}
}

// holidayFile reads a holiday file, which several groups may name; the first of them reports what is wrong with it.
func (l *loader) holidayFile(path string, name *schema.Value) []holiday {
	data, _, err := schema.ReadFile(path, maxHolidaySize)
	if err != nil {
		l.problem(problemAt(name, path+": "+schema.Reason(err),
			"write the file, or check its path, which is relative to the policy files, and its permissions"))
		return nil
	}
	days, problems := parseHolidays(path, data)
	l.problems = append(l.problems, problems...)
	return days
}

// parseHolidays reads the lines of a holiday file: a date and, for the reader, its name. Empty lines and lines that
// begin with # are comments.
func parseHolidays(path string, data []byte) (days []holiday, problems schema.Problems) {
	lines := map[Date]int{}
	n := 0
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		n++
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		word, name, _ := strings.Cut(text, " ")
		date, err := parseDate(word)
		if strings.Trim(word, "0123456789.-/") != "" { // it may be another file, which must not get into the log
			err = errors.New("the line does not begin with a date (write 2026-12-25 Christmas Day)")
		}
		if err == nil && lines[date] > 0 {
			err = fmt.Errorf("%s is already on line %d (remove one of the two)", date, lines[date])
		}
		if err != nil {
			problems = append(problems, schema.Problem{File: path, Line: n, Column: 1, Msg: err.Error()})
			if len(problems) == maxHolidayBad {
				return nil, problems
			}
			continue
		}
		lines[date] = n
		row := Row{Text: strings.TrimSpace(date.String() + " " + clipped(printable(name))), At: at(path, n)}
		days = append(days, holiday{date, row})
	}
	return days, problems
}

// at names a line of a file for a trace. All files of a Set are in one place, so the path says nothing.
func at(file string, line int) string { return filepath.Base(file) + ":" + strconv.Itoa(line) }

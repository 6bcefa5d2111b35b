package web

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/tty"
)

// pageRows is the number of rows of a table.
const pageRows = 100

func (s *Server) callbacks(w http.ResponseWriter, r *http.Request, v *visit) error {
	after, err := lastEvent(r.Context(), v.api)
	if err != nil {
		return err
	}
	pending, err := readPending(r.Context(), v.api)
	if err != nil {
		return err
	}
	ended, _, err := v.api.FindCallbacks(r.Context(), client.CallbackQuery{All: true, Limit: pageRows})
	if err != nil {
		return err
	}
	ended = slices.DeleteFunc(ended, func(c client.Callback) bool { return c.Ended == nil })
	h, err := v.api.Health(r.Context())
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, callbacksPage(v, h, after, pending, ended))
	return nil
}

// historyQuery is what the form of the history selects.
type historyQuery struct {
	user, line, since string
	query             client.CallQuery
	problem           texts.Key // "": none
}

// spans are the choices of the history's time.
var spans = []struct {
	name   string
	text   texts.Key
	length time.Duration
}{{"1h", texts.PageLastHour, time.Hour}, {"24h", texts.PageLastDay, 24 * time.Hour},
	{"168h", texts.PageLastWeek, 168 * time.Hour}, {"720h", texts.PageLastMonth, 720 * time.Hour},
	{"", texts.PageAnyTime, 0}}

// directions are the names of the directions of calls.
var directions = map[string]texts.Key{"incoming": texts.PageIncoming, "outgoing": texts.PageOutgoing}

func historyOf(r *http.Request, last int) historyQuery {
	f := r.URL.Query()
	q := historyQuery{user: f.Get("user"), line: f.Get("line"), since: f.Get("since")}
	q.query = client.CallQuery{User: q.user, Last: last}
	if q.line != "" {
		n, err := strconv.Atoi(q.line)
		if err != nil || n < 1 {
			q.problem = texts.PageBadLine
		}
		q.query.Line = n
	}
	if q.since != "" {
		d, err := time.ParseDuration(q.since)
		if err != nil || d <= 0 {
			q.problem = texts.PageBadSince
		}
		q.query.Since = time.Now().Add(-d)
	}
	return q
}

// export returns the address of the CSV file of the same selection.
func (q historyQuery) export() string {
	return "/history.csv?" + url.Values{"user": {q.user}, "line": {q.line}, "since": {q.since}}.Encode()
}

func (s *Server) history(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := historyOf(r, pageRows)
	if q.problem != "" {
		s.render(w, r, http.StatusUnprocessableEntity, historyPage(v, q, nil, client.CallsLeftOut{}))
		return nil
	}
	calls, left, err := v.api.CallHistory(r.Context(), q.query)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, historyPage(v, q, calls, left))
	return nil
}

// historyCSV exports up to client.MaxCalls calls.
func (s *Server) historyCSV(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := historyOf(r, client.MaxCalls)
	if q.problem != "" {
		http.Error(w, say(r.Context(), q.problem), http.StatusUnprocessableEntity)
		return nil
	}
	calls, _, err := v.api.CallHistory(r.Context(), q.query)
	if err != nil {
		return err
	}
	rows := [][]string{{"call", "start", "end", "seconds", "tty", "direction", "user", "service", "caller", "called",
		"connect", "callback", "leg", "octets_in", "octets_out", "cause"}}
	for _, c := range calls {
		rows = append(rows, []string{c.ID, c.Start.Format(time.RFC3339), rfc3339(c.Ended),
			strconv.FormatFloat(c.Seconds, 'f', 1, 64), strconv.Itoa(c.TTY), c.Direction, c.User, c.Service, c.Caller,
			c.Called, c.Connect, c.Callback, strconv.Itoa(c.Leg), strconv.FormatUint(c.OctetsIn, 10),
			strconv.FormatUint(c.OctetsOut, 10), c.Cause})
	}
	return writeCSV(w, "calls.csv", rows)
}

// callbacksCSV exports the newest callbacks of any state.
func (s *Server) callbacksCSV(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, _, err := v.api.FindCallbacks(r.Context(), client.CallbackQuery{All: true, Limit: client.MaxCalls})
	if err != nil {
		return err
	}
	fleet, err := v.api.Fleet(r.Context())
	if err != nil {
		return err
	}
	rows := [][]string{{"callback", "created", "ended", "phase", "user", "number", "caller", "called_tty", "tty",
		"attempts", "max", "cause"}}
	if fleet.Node != "" {
		rows[0] = append(rows[0], "home", "node")
	}
	for _, c := range all {
		row := []string{c.ID, c.Created.Format(time.RFC3339), rfc3339(c.Ended), c.Phase, c.User, c.Number,
			c.Caller, strconv.Itoa(c.Called), strconv.Itoa(c.TTY), strconv.Itoa(c.Attempts), strconv.Itoa(c.Max),
			c.Cause}
		if fleet.Node != "" {
			row = append(row, c.Home, c.Node)
		}
		rows = append(rows, row)
	}
	return writeCSV(w, "callbacks.csv", rows)
}

func rfc3339(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

// writeCSV sends a file. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
func writeCSV(w http.ResponseWriter, name string, rows [][]string) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", "attachment; filename="+name)
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = inert(cell)
		}
		if err := out.Write(row); err != nil {
			return nil //nolint:nilerr // the browser has gone
		}
	}
	out.Flush()
	return nil
}

// inert returns a cell that no spreadsheet takes for a formula.
func inert(cell string) string {
	cell = strings.ReplaceAll(cell, "\x00", "")
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r\n|%") {
		return "'" + cell
	}
	for _, wide := range []string{"＝", "＋", "－", "＠"} {
		if strings.HasPrefix(cell, wide) {
			return "'" + cell
		}
	}
	return cell
}

func (s *Server) health(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, err := v.api.Health(r.Context())
	if err != nil {
		return err
	}
	servers, err := v.api.AAAServers(r.Context())
	if err != nil {
		return err
	}
	about, err := v.api.Version(r.Context())
	if err != nil {
		return err
	}
	fleet, err := readFleet(r.Context(), v.api)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, healthPage(v, h, servers, about, fleet))
	return nil
}

func (s *Server) lockdownPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, err := v.api.Health(r.Context())
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, lockdownPage(v, h.Lockdown, ""))
	return nil
}

// lockdown begins or ends the lockdown.
func (s *Server) lockdown(w http.ResponseWriter, r *http.Request, v *visit) error {
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	lift := r.PostFormValue("order") == "lift"
	var problem texts.Key
	switch {
	case reason == "" && !lift:
		problem = texts.PageLockdownReasonMissing
	case r.PostFormValue("confirm") != "yes":
		problem = texts.PageLockdownConfirmMissing
	}
	if problem != "" {
		h, err := v.api.Health(r.Context())
		if err != nil {
			return err
		}
		s.render(w, r, http.StatusUnprocessableEntity, lockdownPage(v, h.Lockdown, problem))
		return nil
	}
	var err error
	if lift {
		err = v.api.LiftLockdown(r.Context(), reason)
	} else {
		_, err = v.api.OrderLockdown(r.Context(), reason, r.PostFormValue("sessions") == "yes")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/lockdown", http.StatusSeeOther)
	return nil
}

// size returns octets for people.
func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			return fmt.Sprintf("%.4g %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.4g TiB", n)
}

func orDash(s string) string { return cmp.Or(s, "–") }

func ttyText(n int) string {
	if n == 0 {
		return "–"
	}
	return tty.Text(n)
}

func short(id string) string { return id[:min(len(id), 8)] }

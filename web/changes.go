package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringback/ringback/api/client"
)

// uploadPath is the form with files, and maxUpload how large it can be, in octets.
const (
	uploadPath = "/explain/changes"
	maxUpload  = 512 << 10
)

// changesFields are the fields of the form that are shown again; files are not: a browser must choose them again.
var changesFields = []string{"name", "text", "alone", "from", "until"}

func (s *Server) changesPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := fill(func(string) string { return "" }, changesFields...)
	if !v.operator.May(Operate) {
		f.status = http.StatusForbidden
	}
	s.render(w, r, f.status, changedPoliciesPage(v, f, nil))
	return nil
}

// changes compares policy files with those in force. The comparison ends if the browser leaves.
func (s *Server) changes(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := fill(r.PostFormValue, changesFields...)
	f.values["text"] = strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
	q := client.Simulation{Alone: f.values["alone"] != "", From: timeOf(&f, "from"), Until: timeOf(&f, "until"),
		Files: uploaded(&f, r.MultipartForm)}
	switch name, text := f.values["name"], f.values["text"]; {
	case strings.TrimSpace(text) == "" && name != "":
		f.wrong("text", "Paste the text of the file.")
	case strings.TrimSpace(text) == "":
	case name == "":
		f.wrong("name", "Enter the name of the file, GROUP.yaml.")
	default:
		q.Files = append(q.Files, client.PolicyText{Name: name, Text: text})
	}
	var result *client.SimulationReport
	if !f.bad() {
		if got, err := v.api.SimulatePolicies(r.Context(), q); err != nil {
			f.rejected(err, map[string]string{"files": "files", "from": "from", "until": "until"})
			ofPasted(&f)
		} else {
			result = &got
		}
	}
	s.render(w, r, f.status, changedPoliciesPage(v, f, result))
	return nil
}

// ofPasted moves the problems of the pasted file to its text.
func ofPasted(f *filled) {
	var files, text []string
	for _, line := range strings.Split(f.problems["files"], "\n") {
		if f.values["text"] != "" && strings.HasPrefix(line, f.values["name"]+":") {
			text = append(text, line)
		} else if line != "" {
			files = append(files, line)
		}
	}
	for field, lines := range map[string][]string{"files": files, "text": text} {
		if delete(f.problems, field); lines != nil {
			f.problems[field] = strings.Join(lines, "\n")
		}
	}
}

// uploaded returns the files of a form.
func uploaded(f *filled, form *multipart.Form) (all []client.PolicyText) {
	if form == nil {
		return nil
	}
	for _, part := range form.File["files"] {
		if part.Filename == "" && part.Size == 0 { // no file was chosen
			continue
		}
		text, err := textOf(part)
		if err != nil {
			f.wrong("files", fmt.Sprintf("%s: %v", part.Filename, err))
			continue
		}
		all = append(all, client.PolicyText{Name: part.Filename, Text: text})
	}
	slices.SortFunc(all, func(a, b client.PolicyText) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// textOf reads a file of a form, whose size is limited.
func textOf(part *multipart.FileHeader) (string, error) {
	file, err := part.Open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err == nil && !utf8.Valid(text) {
		err = errors.New("not a text in UTF-8")
	}
	return string(text), err
}

// timeOf returns the time of a field; nil if it is empty.
func timeOf(f *filled, field string) *time.Time {
	text := f.values[field]
	if text == "" {
		return nil
	}
	t, err := parseLocal(text)
	if err != nil {
		f.wrong(field, "Write the time as 2026-01-05T12:00.")
	}
	return &t
}

// minutes returns seconds as minutes and seconds.
func minutes(seconds int64) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// outcomesText says how two decisions differ.
func outcomesText(c client.Change) string {
	if c.Was == c.Will {
		return outcomeText(c.Was) + ", with other terms"
	}
	return outcomeText(c.Will)
}

// decidedText is a decision in one line.
func decidedText(d client.Decided) string {
	text := outcomeText(d.Outcome)
	if d.Number != "" {
		text += " at " + d.Number
	}
	if d.Attempts > 0 {
		text += fmt.Sprintf(", attempts %d", d.Attempts)
	}
	if d.NoVerify {
		text += ", without a second login"
	}
	if d.Terms != "" {
		text += ", " + d.Terms
	}
	return text + ": " + d.Reason
}

package web

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// uploadPath is the form with files, and maxUpload how large it can be, in octets.
const (
	uploadPath = "/explain/changes"
	maxUpload  = 512 << 10
)

// changesFields are the fields of the form that are shown again; files are not: a browser must choose them again.
var changesFields = []string{"name", "text", "alone", "from", "until"}

func (s *Server) changesPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := fill(reader(r.Context()), func(string) string { return "" }, changesFields...)
	if !v.operator.May(Operate) {
		f.status = http.StatusForbidden
	}
	s.render(w, r, f.status, changedPoliciesPage(v, f, nil))
	return nil
}

// changes compares policy files with those in force. The comparison ends if the browser leaves.
func (s *Server) changes(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := fill(reader(r.Context()), r.PostFormValue, changesFields...)
	f.values["text"] = strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
	q := client.Simulation{Alone: f.values["alone"] != "", From: timeOf(&f, "from"), Until: timeOf(&f, "until"),
		Files: uploaded(&f, r.MultipartForm)}
	switch name, text := f.values["name"], f.values["text"]; {
	case strings.TrimSpace(text) == "" && name != "":
		f.wrong("text", texts.PagePasteMissing)
	case strings.TrimSpace(text) == "":
	case name == "":
		f.wrong("name", texts.PageNameMissing)
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
	for _, line := range strings.Split(f.problems["files"].text, "\n") {
		if f.values["text"] != "" && strings.HasPrefix(line, f.values["name"]+":") {
			text = append(text, line)
		} else if line != "" {
			files = append(files, line)
		}
	}
	for field, lines := range map[string][]string{"files": files, "text": text} {
		if delete(f.problems, field); lines != nil {
			f.problems[field] = problem{strings.Join(lines, "\n"), true}
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
		switch {
		case err != nil:
			f.problems["files"] = problem{fmt.Sprintf("%s: %v", part.Filename, err), true}
			f.status = http.StatusUnprocessableEntity
			continue
		case !utf8.ValidString(text):
			f.wrong("files", texts.PageNotUTF8, part.Filename)
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
		f.wrong(field, texts.PageBadTime)
	}
	return &t
}

// minutes returns seconds as minutes and seconds.
func minutes(seconds int64) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }

// outcomesText says how two decisions differ.
func outcomesText(ctx context.Context, c client.Change) string {
	if c.Was == c.Will {
		return say(ctx, texts.PageOtherTerms, say(ctx, outcomeText(c.Was)))
	}
	return say(ctx, outcomeText(c.Will))
}

// decidedText is a decision in one line, without its reason.
func decidedText(ctx context.Context, d client.Decided) string {
	text := say(ctx, outcomeText(d.Outcome))
	if d.Number != "" {
		text = say(ctx, texts.PageDecidedNumber, text, d.Number)
	}
	if d.Attempts > 0 {
		text = say(ctx, texts.PageDecidedAttempts, text, d.Attempts)
	}
	if d.NoVerify {
		text = say(ctx, texts.PageDecidedNoVerify, text)
	}
	if d.Terms != "" {
		text = say(ctx, texts.PageDecidedTerms, text, d.Terms)
	}
	return text
}

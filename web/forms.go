package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/a-h/templ"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// problem is what is wrong, in the reader's language or, from the API, in English.
type problem struct {
	text    string
	english bool
}

// language returns the attributes of the element that shows the problem.
func (p problem) language(ctx context.Context) templ.Attributes {
	if p.english {
		return inEnglish(ctx)
	}
	return nil
}

// filled is a form as it was filled in, with what the API says about it.
type filled struct {
	texts    texts.Printer // of the reader
	values   map[string]string
	problems map[string]problem // by field
	problem  problem            // of the form as a whole
	status   int
}

// fill reads fields of a request. A password is not among them: it is never shown again.
func fill(p texts.Printer, get func(string) string, fields ...string) filled {
	f := filled{texts: p, values: map[string]string{}, problems: map[string]problem{}, status: http.StatusOK}
	for _, name := range fields {
		f.values[name] = strings.TrimSpace(get(name))
	}
	return f
}

// wrong notes what is wrong with a field.
func (f *filled) wrong(field string, text texts.Key, args ...any) {
	if f.problems[field].text == "" {
		f.problems[field], f.status = problem{text: f.texts.Text(text, args...)}, http.StatusUnprocessableEntity
	}
}

func (f *filled) bad() bool { return f.problem.text != "" || len(f.problems) > 0 }

// field returns a field as it was filled in.
func (f *filled) field(i input) input {
	if i.kind != "password" {
		i.value = f.values[i.name]
	}
	i.problem = f.problems[i.name]
	return i
}

// rejected puts the error of the API beside the fields that it is about. fields has the field for each name at the end
// of a location in the request; what it does not have is about the form as a whole.
func (f *filled) rejected(err error, fields map[string]string) {
	var p *client.Problem
	f.status = http.StatusBadGateway
	if !errors.As(err, &p) {
		f.problem = problem{err.Error(), true}
		return
	}
	f.status = p.Status
	var rest []string
	for _, e := range p.Errors {
		name := e.Location[strings.LastIndexByte(e.Location, '.')+1:]
		if field := fields[name]; field != "" {
			text := e.Message
			if before := f.problems[field].text; before != "" {
				text = before + "\n" + text
			}
			f.problems[field] = problem{text, true}
			continue
		}
		rest = append(rest, e.Message)
	}
	switch {
	case len(p.Errors) == 0:
		f.problem = problem{p.Error(), true}
	default:
		f.problem = problem{strings.Join(rest, "; "), true}
	}
}

// shown returns text from outside as people can read it: what would control a screen, or change the direction of the
// text around it, is written as its code.
func shown(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == ' ' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// given returns the facts that have a value.
func given(all ...fact) []fact {
	return slices.DeleteFunc(all, func(f fact) bool { return f.value == "" })
}

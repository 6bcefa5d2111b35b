package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/ringback/ringback/api/client"
)

// filled is a form as it was filled in, with what the API says about it.
type filled struct {
	values   map[string]string
	problems map[string]string // by field
	problem  string            // of the form as a whole
	status   int
}

// fill reads fields of a request. A password is not among them: it is never shown again.
func fill(get func(string) string, fields ...string) filled {
	f := filled{values: map[string]string{}, problems: map[string]string{}, status: http.StatusOK}
	for _, name := range fields {
		f.values[name] = strings.TrimSpace(get(name))
	}
	return f
}

// wrong notes what is wrong with a field.
func (f *filled) wrong(field, text string) {
	if f.problems[field] == "" {
		f.problems[field], f.status = text, http.StatusUnprocessableEntity
	}
}

func (f *filled) bad() bool { return f.problem != "" || len(f.problems) > 0 }

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
		f.problem = err.Error()
		return
	}
	f.status = p.Status
	var rest []string
	for _, e := range p.Errors {
		name := e.Location[strings.LastIndexByte(e.Location, '.')+1:]
		if field := fields[name]; field != "" {
			if f.problems[field] != "" {
				f.problems[field] += "\n"
			}
			f.problems[field] += e.Message
			continue
		}
		rest = append(rest, e.Message)
	}
	switch {
	case len(p.Errors) == 0:
		f.problem = p.Error()
	default:
		f.problem = strings.Join(rest, "; ")
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

// given returns the pairs that have a value.
func given(pairs ...string) (out []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, pairs[i], pairs[i+1])
		}
	}
	return out
}

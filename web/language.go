package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/ringback/ringback/texts"
)

// languageCookie has the language that a reader has chosen.
const languageCookie = "language"

// printerKey is the key of a reader's texts.Printer in a context.
type printerKey struct{}

// withReader returns a context whose pages are in the language of p.
func withReader(ctx context.Context, p texts.Printer) context.Context {
	return context.WithValue(ctx, printerKey{}, p)
}

// reader returns the texts of the reader of a page.
func reader(ctx context.Context) texts.Printer {
	if p, ok := ctx.Value(printerKey{}).(texts.Printer); ok {
		return p
	}
	return texts.Printer{Language: texts.English}
}

// say returns a text in the reader's language.
func say(ctx context.Context, k texts.Key, args ...any) string { return reader(ctx).Text(k, args...) }

// named returns the name of a value in the reader's language; a value without a name stays as it is.
func named(ctx context.Context, names map[string]texts.Key, value string) string {
	if k, ok := names[value]; ok {
		return say(ctx, k)
	}
	return value
}

// ownName returns the name of a language in that language.
func ownName(l texts.Language) string { return texts.Printer{Language: l}.Text(texts.PageOwnName) }

// printer returns the texts for a request: in the language that the reader has chosen, or that the browser asks for, or
// that of the site.
func (s *Server) printer(r *http.Request) texts.Printer {
	var p texts.Printer
	if s.config.Texts != nil {
		p = s.config.Texts()
	}
	p.Readable = nil // a browser shows all
	if p.Language == "" {
		p.Language = texts.English
	}
	if r.URL.Path == "/stream" { // in the language of its page, whatever has been chosen since
		if l, err := texts.ParseLanguage(r.URL.Query().Get("language")); err == nil {
			p.Language = l
			return p
		}
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if l, err := texts.ParseLanguage(c.Value); err == nil {
			p.Language = l
			return p
		}
	}
	p.Language = accepted(strings.Join(r.Header.Values("Accept-Language"), ","), p.Language)
	return p
}

// language notes the language that a reader chooses, and returns to the page of the switch. It is on the login page
// too, so that it needs no session: as for the login, ServeHTTP rejects forms of other sites.
func (s *Server) language(w http.ResponseWriter, r *http.Request) {
	l, err := texts.ParseLanguage(r.PostFormValue("language"))
	back := localPath(r.PostFormValue("back"))
	formRead(w)
	c := &http.Cookie{Name: languageCookie, Value: string(l), Path: "/", HttpOnly: true, Secure: s.config.Secure,
		SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600}
	if err != nil { // no language: that of the browser
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// english is a text of the daemon, which is in English whatever the language of the page is.
func english(text string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		out := templ.EscapeString(text)
		if inEnglish(ctx) != nil && text != "" && text != "–" {
			out = `<span lang="en">` + out + `</span>`
		}
		_, err := io.WriteString(w, out)
		return err
	})
}

// inEnglish returns the attributes of an element whose text is in English: none on a page in English.
func inEnglish(ctx context.Context) templ.Attributes {
	if reader(ctx).Language == texts.English {
		return nil
	}
	return templ.Attributes{"lang": string(texts.English)}
}

// marks are the elements of marked pieces of a text.
var marks = map[rune]string{'`': "code", '*': "b", '|': "kbd"}

// placeOf is the first of the private characters that stand for values while a text is being marked up.
const placeOf = '\ue000'

// rich is a text whose pieces between marks are elements. Its values are integers, text or components; marks in them
// are not taken for marks.
func rich(k texts.Key, args ...any) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		values := make([]any, len(args))
		for i, a := range args {
			values[i] = a
			if _, number := a.(int); !number { // which a plural form needs
				values[i] = string(placeOf + rune(i))
			}
		}
		var b strings.Builder
		var open []rune
		for _, c := range say(ctx, k, values...) {
			i := int(c - placeOf)
			switch at := slices.Index(open, c); {
			case marks[c] != "" && at < 0:
				b.WriteString("<" + marks[c] + ">")
				open = append(open, c)
			case marks[c] != "":
				b.WriteString(closed(open[at:]))
				open = open[:at]
			case i < 0 || i >= len(args):
				b.WriteString(templ.EscapeString(string(c)))
			default:
				if err := value(ctx, &b, args[i]); err != nil {
					return err
				}
			}
		}
		b.WriteString(closed(open)) // of a text of the site that lacks the mark
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// closed returns the ends of the elements of marks, the last one first.
func closed(open []rune) (s string) {
	for _, c := range slices.Backward(open) {
		s += "</" + marks[c] + ">"
	}
	return s
}

// value writes a value of a text as HTML.
func value(ctx context.Context, b *strings.Builder, v any) error {
	if c, ok := v.(templ.Component); ok {
		return c.Render(ctx, b)
	}
	b.WriteString(templ.EscapeString(fmt.Sprint(v)))
	return nil
}

// weekdays are the days of the week.
var weekdays = [...]texts.Key{texts.PageSunday, texts.PageMonday, texts.PageTuesday, texts.PageWednesday,
	texts.PageThursday, texts.PageFriday, texts.PageSaturday}

// date returns a time in a layout of the dictionary, with the day of the week in the reader's language.
func date(ctx context.Context, layout texts.Key, t time.Time) string {
	before, after, found := strings.Cut(say(ctx, layout), "Mon")
	if !found {
		return t.Format(before)
	}
	return t.Format(before) + say(ctx, weekdays[t.Weekday()]) + t.Format(after)
}

// clock returns a time for people: without its date if that is today.
func clock(ctx context.Context, t time.Time) string {
	t = t.Local()
	if t.IsZero() {
		return "–"
	}
	if y, m, d := time.Now().Date(); t.Year() == y && t.Month() == m && t.Day() == d {
		return date(ctx, texts.PageTimeToday, t)
	}
	return date(ctx, texts.PageTimeOtherDay, t)
}

// seconds returns seconds as a duration.
func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// durationText returns a duration for people, in whole milliseconds if it is less than a second.
func durationText(ctx context.Context, d time.Duration) string {
	if d > 0 && d < time.Second {
		return say(ctx, texts.PageDurationMilliseconds, d.Milliseconds())
	}
	h, m, s := int(d.Hours()), int(d.Minutes())%60, plainNumber((d % time.Minute).Seconds())
	switch {
	case h > 0:
		return say(ctx, texts.PageDurationHours, h, m, s)
	case m > 0:
		return say(ctx, texts.PageDurationMinutes, m, s)
	}
	return say(ctx, texts.PageDurationSeconds, s)
}

// yesNo says whether something is so.
func yesNo(ctx context.Context, is bool) string {
	if is {
		return say(ctx, texts.PageYes)
	}
	return say(ctx, texts.PageNo)
}

// Package texts is the dictionary of what callers and readers of the operator's page see, in each language. A file per
// language and audience (en/caller.yaml, zh-Hant/caller.yaml) has a text for each Key. A site may override texts with
// files of its own (Dictionary.With). The package opens no files.
//
// A text has placeholders in braces: `{name}` is a value, and `{count?line:lines}` is the first word if the value is 1,
// otherwise the second one. Values are passed in the order in which the placeholders first appear in the English text;
// another language may have them in another order. `{{` and `}}` are braces.
package texts

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode"

	"github.com/ringback/ringback/schema"
)

// Key names a text. Its values are the constants of this package. Printed, or as JSON, it is the shipped English text:
// that is what operators read in logs, reasons and replies of the API.
type Key string

// English returns the shipped English text with values for its placeholders.
func (k Key) English(args ...any) string { return Printer{}.Text(k, args...) }

func (k Key) String() string { return k.English() }

// MarshalText returns the shipped English text.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.English()), nil }

// Message is a text with values for its placeholders. The zero value is none.
type Message struct {
	Key  Key
	Args []any
}

// Error is an error that is a message for the reader; operators read its English text.
type Error Message

func (e Error) Error() string { return Printer{}.Message(Message(e)) }

// Language is a language of the dictionary, by its BCP 47 tag.
type Language string

// The languages.
const (
	English            Language = "en"
	TraditionalChinese Language = "zh-Hant"
)

// Languages returns all languages, English first.
func Languages() []Language { return []Language{English, TraditionalChinese} }

// LanguageNames returns the tags of all languages, English first.
func LanguageNames() []string {
	names := make([]string, 0, 2)
	for _, l := range Languages() {
		names = append(names, string(l))
	}
	return names
}

// ParseLanguage returns the language with a tag.
func ParseLanguage(tag string) (Language, error) {
	if l := Language(tag); slices.Contains(Languages(), l) {
		return l, nil
	}
	return "", fmt.Errorf("language %q: expected %s", tag, schema.OneOf(LanguageNames()))
}

// Dictionary has the texts of all languages. It is immutable. nil is the shipped one.
type Dictionary struct {
	texts map[Language]map[Key]text
}

func (d *Dictionary) orShipped() *Dictionary {
	if d == nil {
		return Shipped()
	}
	return d
}

// With returns the dictionary with the texts of a YAML file in place of its own: keys of the dictionary, each with a
// text. A text may leave out placeholders of the shipped one, but has no others. If a problem is an error, the result
// is d.
func (d *Dictionary) With(l Language, file string, data []byte) (*Dictionary, schema.Problems) {
	d = d.orShipped()
	v, problems := schema.Parse(file, data, rows())
	if problems.HasErrors() {
		return d, problems
	}
	own := maps.Clone(d.texts[l])
	for _, name := range v.Names() {
		own[Key(name)], _ = parse(v.Get(name).Text()) // the table has checked it
	}
	n := &Dictionary{texts: maps.Clone(d.texts)}
	n.texts[l] = own
	return n, problems
}

// rows is the format of a file of overrides.
func rows() []schema.Key {
	var keys []schema.Key
	for _, k := range Keys() {
		keys = append(keys, schema.Key{Name: string(k), Check: func(s string) error {
			t, err := parse(s)
			if err != nil {
				return err
			}
			for _, r := range s {
				if r != '\n' && !unicode.IsPrint(r) {
					return fmt.Errorf("has the control character %q", r)
				}
			}
			return t.within(Placeholders(k))
		}})
	}
	return keys
}

// Keys returns all keys, sorted.
func Keys() []Key { return slices.Sorted(maps.Keys(Shipped().texts[English])) }

// Placeholders returns the names of the placeholders of a key, in the order of its values.
func Placeholders(k Key) []string { return Shipped().texts[English][k].names }

// Printer gives texts in one language. The zero value gives the shipped English texts.
type Printer struct {
	Dictionary *Dictionary // nil: the shipped one
	Language   Language    // "": English
	// Readable reports whether the reader's terminal can show a text; one that it cannot is given in English. nil: it
	// shows all.
	Readable func(text string) bool
}

// Text returns the text of a key, with a value for each of its placeholders: a time is printed in the notation of the
// language, anything else as fmt.Print does. A text that the language lacks is given in English.
func (p Printer) Text(k Key, args ...any) string {
	d := p.Dictionary.orShipped()
	for _, try := range [...]struct {
		d *Dictionary
		l Language
	}{{d, p.Language}, {d, English}, {Shipped(), English}} {
		t, found := try.d.texts[try.l][k]
		if !found {
			continue
		}
		if s := t.fill(Placeholders(k), try.d.inLanguage(try.l, args)); p.Readable == nil || p.Readable(s) {
			return s
		}
	}
	if t, found := Shipped().texts[English][k]; found { // with a value that is not readable
		return t.fill(Placeholders(k), Shipped().inLanguage(English, args))
	}
	return string(k)
}

// Message returns the text of a message; "" for none.
func (p Printer) Message(m Message) string {
	if m.Key == "" {
		return ""
	}
	return p.Text(m.Key, m.Args...)
}

// Error returns the text of an error for the reader: that of an Error in their language, or else the error's own.
func (p Printer) Error(err error) string {
	var e Error
	if errors.As(err, &e) {
		return p.Message(Message(e))
	}
	return err.Error()
}

// inLanguage returns values with times in the notation of the language.
func (d *Dictionary) inLanguage(l Language, args []any) []any {
	args = slices.Clone(args)
	for i, v := range args {
		if t, ok := v.(time.Time); ok {
			args[i] = t.Format(raw(d.texts[l][TimeShort]))
		}
	}
	return args
}

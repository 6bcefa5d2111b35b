package numbers

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Ranges has the classes of prefixes. The zero value is the built-in file, fraud.yaml.
type Ranges struct{ classes Index[ClassSet] }

//go:embed fraud.yaml
var builtInText []byte

// builtIn is only read if a site has a Country.
var builtIn = sync.OnceValue(func() Ranges {
	r, err := ParseRanges(builtInText)
	if err != nil {
		panic("numbers/fraud.yaml: " + err.Error()) // TestBuiltIn parses it
	}
	return r
})

// rangeRow is one entry of a file of ranges.
type rangeRow struct {
	Class    Class
	Source   string
	Date     string
	Prefixes []string
}

// ParseRanges reads a file of ranges, as fraud.yaml. Each entry has a class, the first digits of its numbers, and the
// source and date of this knowledge.
func ParseRanges(text []byte) (Ranges, error) {
	var file struct{ Ranges []rangeRow }
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		text := strings.Join(strings.Fields(err.Error()), " ") // the YAML package writes several lines
		return Ranges{}, fmt.Errorf("read the number ranges: %s", text)
	}
	if d.Decode(new(yaml.Node)) != io.EOF {
		return Ranges{}, errors.New("the file has a second document, which would not be read (remove the line ---)")
	}
	if len(file.Ranges) == 0 {
		return Ranges{}, errors.New("the file has no ranges (copy those of numbers/fraud.yaml and add yours)")
	}
	classes := map[string]ClassSet{}
	for i, row := range file.Ranges {
		if err := row.addTo(classes); err != nil {
			return Ranges{}, fmt.Errorf("ranges[%d]: %w", i, err)
		}
	}
	return Ranges{NewIndex(maps.All(classes))}, nil
}

func (row rangeRow) addTo(classes map[string]ClassSet) error {
	if row.Class == International || !slices.Contains(Deniable(), row.Class) {
		return fmt.Errorf("%q is not the class of a range (write one of %q)", row.Class,
			slices.DeleteFunc(Deniable(), func(c Class) bool { return c == International }))
	}
	if row.Source == "" {
		return errors.New("the source is missing")
	}
	if _, err := time.Parse(time.DateOnly, row.Date); err != nil {
		return fmt.Errorf(`%q is not the date of the source (write date: "2026-11-29")`, row.Date)
	}
	if len(row.Prefixes) == 0 {
		return errors.New("there are no prefixes")
	}
	for _, p := range row.Prefixes {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return fmt.Errorf("%q is not a prefix (write digits only)", p)
		}
		if c, ok := classes[p]; ok && c != SetOf(row.Class) {
			return fmt.Errorf("%s is in the class %s already (keep one of them)", p, c)
		}
		classes[p] = SetOf(row.Class)
	}
	return nil
}

// isBuiltIn reports whether r are the ranges of fraud.yaml.
func (r Ranges) isBuiltIn() bool { return r.classes.Len() == 0 }

// of returns the class of the longest prefix of the digits.
func (r Ranges) of(digits string) ClassSet {
	if r.isBuiltIn() {
		r = builtIn()
	}
	s, _ := r.classes.Longest(digits)
	return s
}

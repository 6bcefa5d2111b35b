package numbers

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Ranges has the classes of prefixes. The zero value is the built-in file, fraud.yaml.
type Ranges struct {
	class   map[string]Class
	longest int // digits of the longest prefix
}

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
		return Ranges{}, fmt.Errorf("read the number ranges: %w", err)
	}
	if len(file.Ranges) == 0 {
		return Ranges{}, errors.New("the file has no ranges (copy those of numbers/fraud.yaml and add yours)")
	}
	out := Ranges{class: map[string]Class{}}
	for i, row := range file.Ranges {
		if err := out.add(row); err != nil {
			return Ranges{}, fmt.Errorf("ranges[%d]: %w", i, err)
		}
	}
	return out, nil
}

func (r *Ranges) add(row rangeRow) error {
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
		if c, ok := r.class[p]; ok && c != row.Class {
			return fmt.Errorf("%s is in the class %s already (keep one of them)", p, c)
		}
		r.class[p], r.longest = row.Class, max(r.longest, len(p))
	}
	return nil
}

// of returns the class of the longest prefix of the digits.
func (r Ranges) of(digits string) ClassSet {
	if r.class == nil {
		r = builtIn()
	}
	for n := min(len(digits), r.longest); n > 0; n-- {
		if c, ok := r.class[digits[:n]]; ok {
			return SetOf(c)
		}
	}
	return 0
}

package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringback/ringback/tty"
)

// MaxTTY is the highest TTY number.
const MaxTTY = tty.Max

// maxRange limits the number of lines in a range.
const maxRange = 10000

// ParseTTYs parses a line or a range of lines, `65` or `65-70`.
func ParseTTYs(s string) (first, last int, err error) {
	a, b, isRange := strings.Cut(s, "-")
	if first, err = ttyNumber(a); err != nil {
		return 0, 0, err
	}
	if !isRange {
		return first, first, nil
	}
	if last, err = ttyNumber(b); err != nil {
		return 0, 0, err
	}
	switch {
	case last < first:
		return 0, 0, fmt.Errorf("the range %s ends before it begins", s)
	case last-first >= maxRange:
		return 0, 0, fmt.Errorf("the range has %d lines; the maximum is %d", last-first+1, maxRange)
	}
	return first, last, nil
}

func ttyNumber(s string) (int, error) {
	s = strings.TrimSpace(s)
	n, err := strconv.Atoi(s)
	if err != nil || strings.Trim(s, "0123456789") != "" || n < 1 || n > MaxTTY {
		if len(s) > 40 {
			s = s[:40] + "…"
		}
		return 0, fmt.Errorf("%q is not a TTY number: 1 to %d, or a range such as 65-70", s, MaxTTY)
	}
	return n, nil
}

// CheckTTYs is the check of a key that names a line or a range of lines.
func CheckTTYs(s string) error {
	_, _, err := ParseTTYs(s)
	return err
}

// FormatTTYs formats sorted TTY numbers with their ranges: `65-68, 70`.
func FormatTTYs(ttys []int) string {
	var b strings.Builder
	for i := 0; i < len(ttys); {
		first := i
		for i++; i < len(ttys) && ttys[i] == ttys[i-1]+1; i++ {
		}
		if first > 0 {
			b.WriteString(", ")
		}
		if b.WriteString(strconv.Itoa(ttys[first])); i-first > 1 {
			b.WriteString("-" + strconv.Itoa(ttys[i-1]))
		}
	}
	return b.String()
}

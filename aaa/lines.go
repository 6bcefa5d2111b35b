package aaa

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxCallbackLines is the maximum number of lines that a callback line may name.
const MaxCallbackLines = 10000

// ParseCallbackLine parses what IOS's callback-line names: a line `7` or a range `7 9`, here also `7-9`, with numbers
// from 1 to most. With `tty` before it, IOS counts from the first TTY line; since every line of ringback is one, and
// the console is line 0, `tty 7` is line 7.
func ParseCallbackLine(s string, most int) (ttys []int, err error) {
	text := strings.TrimSpace(s)
	if relative, ok := strings.CutPrefix(text, "tty"); ok && strings.HasPrefix(relative, " ") {
		text = relative
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })
	if len(fields) == 1 {
		fields = strings.Split(fields[0], "-")
	}
	var ends []int
	for _, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || strings.Trim(f, "0123456789") != "" || n < 1 || n > most {
			return nil, fmt.Errorf("%.40q is not a line from 1 to %d, or a range such as 65-70", text, most)
		}
		ends = append(ends, n)
	}
	switch {
	case len(ends) == 1:
		return ends, nil
	case len(ends) != 2:
		return nil, fmt.Errorf("%.40q is not a line from 1 to %d, or a range such as 65-70", text, most)
	case ends[1] < ends[0]:
		return nil, fmt.Errorf("the range %.40s ends before it begins", text)
	case ends[1]-ends[0] >= MaxCallbackLines:
		return nil, fmt.Errorf("the range has %d lines; the maximum is %d", ends[1]-ends[0]+1, MaxCallbackLines)
	}
	for n := ends[0]; n <= ends[1]; n++ {
		ttys = append(ttys, n)
	}
	return ttys, nil
}

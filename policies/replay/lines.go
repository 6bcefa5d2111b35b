package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/ringback/ringback/policies/policytest"
)

// chunk is how many octets of a file are read at a time, and maxLine the maximum of a line.
const (
	chunk   = 64 << 10
	maxLine = 1 << 20
)

// Lines returns the events of a file in which each line is a JSON object (policytest.ParsePast). Empty lines are
// skipped. The first line with a problem ends the reading with an error. name is used only in errors.
func Lines(name string, r io.Reader) iter.Seq[Read] {
	return func(yield func(Read) bool) {
		in := bufio.NewReaderSize(r, chunk)
		line := 1
		for {
			text, err := lines(in)
			first := line
			line += bytes.Count(text, []byte("\n"))
			switch {
			case err != nil && err != io.EOF:
				yield(func(func(*Event)) error { return fmt.Errorf("%s:%d: %w", name, line, err) })
				return
			case len(text) > 0 && !yield(func(one func(*Event)) error { return parse(name, first, text, one) }):
				return
			case err == io.EOF:
				return
			}
		}
	}
}

// lines reads some whole lines.
func lines(in *bufio.Reader) ([]byte, error) {
	text := make([]byte, chunk)
	n, err := io.ReadFull(in, text)
	text = text[:n]
	if err == io.ErrUnexpectedEOF {
		return text, io.EOF
	}
	for err == nil {
		var rest []byte
		rest, err = in.ReadSlice('\n')
		text = append(text, rest...)
		if err == nil {
			return text, nil
		}
		if err == bufio.ErrBufferFull {
			err = nil
		}
		if len(text) > chunk+maxLine {
			return nil, errors.New("the line is longer than 1 MiB")
		}
	}
	return text, err
}

// parse passes the events of whole lines to one.
func parse(name string, line int, text []byte, one func(*Event)) error {
	for data := range bytes.Lines(text) {
		if len(bytes.TrimSpace(data)) > 0 {
			asked, connected, problems := policytest.ParsePast(name, line, data)
			if problems.HasErrors() {
				return problems.Err()
			}
			e := Event{At: name + ":" + strconv.Itoa(line), Request: asked.Request()}
			if connected > 0 {
				e.Calls = []time.Duration{connected}
			}
			one(&e)
		}
		line++
	}
	return nil
}

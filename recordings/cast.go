// Package recordings keeps what callers of EXEC sessions saw, as asciicast v2 files in one directory: it masks secrets,
// writes without holding up a line, removes old files, and makes their output safe for an operator's terminal.
package recordings

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Header is the first line of a file: that of asciicast v2, and what the session was. Players ignore the latter.
type Header struct {
	Version   int    `json:"version"` // 2
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Timestamp int64  `json:"timestamp"` // of the begin, in seconds since 1970
	Title     string `json:"title,omitempty"`
	Session   About  `json:"session"`
}

// About says which session a recording is of.
type About struct {
	ID       string `json:"id"` // of the recording
	Call     string `json:"call"`
	User     string `json:"user"`
	Line     int    `json:"line"` // the TTY
	Leg      int    `json:"leg"`
	Callback string `json:"callback,omitempty"`
	Group    string `json:"group,omitempty"`

	Charset string `json:"-"` // of what Output gets: one of Charsets; "": that of the Limits
}

// Event is one event of a recording.
type Event struct {
	At   time.Duration // since the begin
	Code string        // Output, Marker, or another one of the format
	Data string
}

// Codes of events.
const (
	Output = "o" // Data was shown to the caller
	Marker = "m" // Data is a remark of the recorder
)

// appendEvent appends the line of an event.
func appendEvent(b []byte, e Event) []byte {
	line := bytes.NewBuffer(fmt.Appendf(b, "[%.6f, %q, ", e.At.Seconds(), e.Code))
	data := json.NewEncoder(line)
	data.SetEscapeHTML(false) // so that people can search the file
	if err := data.Encode(e.Data); err != nil {
		panic(err) // a string can always be encoded
	}
	line.Truncate(line.Len() - 1) // the end of a line
	line.WriteString("]\n")
	return line.Bytes()
}

// maxLine is the longest line of a file that is read, in octets. The longest one that is written is much shorter.
const maxLine = 1 << 20

// Reader reads a recording.
type Reader struct {
	Header Header

	r    *bufio.Reader
	line int
	last time.Duration
}

// NewReader reads the header. The error says which line is not one of asciicast v2.
func NewReader(r io.Reader) (*Reader, error) {
	cast := &Reader{r: bufio.NewReader(r)}
	line, err := cast.next()
	if err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	if err := json.Unmarshal(line, &cast.Header); err != nil {
		return nil, fmt.Errorf("line 1 is not the header of a recording: %w", err)
	}
	if h := cast.Header; h.Version != 2 || h.Width < 1 || h.Height < 1 {
		return nil, fmt.Errorf("line 1 is not the header of a recording of asciicast v2 (version %d, %d columns, "+
			"%d rows)", h.Version, h.Width, h.Height)
	}
	return cast, nil
}

// Next returns the next event; io.EOF after the last one. A last line that a crash has cut off is not an event.
func (c *Reader) Next() (Event, error) {
	line, err := c.next()
	if err != nil {
		return Event{}, err
	}
	e, err := parseEvent(line)
	switch {
	case err != nil:
		return Event{}, fmt.Errorf("line %d of the recording: %w", c.line, err)
	case e.At < c.last:
		return Event{}, fmt.Errorf("line %d of the recording: its time is before that of the line before", c.line)
	}
	c.last = e.At
	return e, nil
}

// next returns the next whole line without its end.
func (c *Reader) next() ([]byte, error) {
	var line []byte
	for {
		part, err := c.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("line %d is longer than %d octets", c.line+1, maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		}
		c.line++
		return line[:len(line)-1], nil
	}
}

func parseEvent(line []byte) (Event, error) {
	var parts []json.RawMessage
	var at float64
	var e Event
	if err := json.Unmarshal(line, &parts); err != nil {
		return e, err
	}
	if len(parts) != 3 {
		return e, fmt.Errorf("an event has 3 parts, not %d", len(parts))
	}
	for i, to := range []any{&at, &e.Code, &e.Data} {
		if bytes.Equal(parts[i], []byte("null")) {
			return e, errors.New("a part of the event is null")
		}
		if err := json.Unmarshal(parts[i], to); err != nil {
			return e, err
		}
	}
	if at < 0 || at > maxAge.Seconds() {
		return e, fmt.Errorf("%v seconds is not a time of an event", at)
	}
	e.At = time.Duration(at * float64(time.Second)).Round(time.Microsecond)
	return e, nil
}

// maxAge is the longest time of an event.
const maxAge = 100 * 365 * 24 * time.Hour

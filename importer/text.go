package importer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxInput is the size of the largest input in octets. A configuration of 5,000 lines has about 250 kB.
const MaxInput = 8 << 20

// maxLine is the longest line in octets.
const maxLine = 16 << 10

// Lines returns the lines of an input without their ends, LF or CR LF. The text is UTF-8, with or without a byte order
// mark, or UTF-16 with one, as Windows writes it. What follows the last line end is a line if it is not empty. The
// error is an *Error.
func Lines(data []byte) ([]string, error) {
	if len(data) > MaxInput {
		return nil, &Error{Msg: fmt.Sprintf("the input is too large: the maximum is %d octets", MaxInput),
			Hint: "is it the right file?"}
	}
	data, err := decode(data)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(data), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		lines[i] = line
		switch {
		case len(line) > maxLine:
			return nil, &Error{Line: i + 1, Msg: fmt.Sprintf("it has %d octets; the maximum is %d", len(line), maxLine)}
		case strings.Contains(line, "\x00"):
			from := "UTF-16LE"
			if data[0] == 0 {
				from = "UTF-16BE"
			}
			return nil, &Error{Line: i + 1, Msg: "it has a NUL octet", Want: "text in UTF-8",
				Hint: "convert UTF-16: iconv -f " + from + " -t UTF-8 FILE"}
		case !utf8.ValidString(line):
			return nil, &Error{Line: i + 1, Msg: "it is not UTF-8",
				Hint: "convert it: iconv -f ISO-8859-1 -t UTF-8 FILE"}
		case strings.Contains(line, "\r") && strings.Contains(line, "--More--"):
			return nil, &Error{Line: i + 1, Msg: "it has the --More-- of a terminal", Want: "the text in one piece",
				Hint: "switch off the pages of the terminal (of IOS: `terminal length 0`), and record the text again"}
		case strings.Contains(line, "\r"):
			return nil, &Error{Line: i + 1, Msg: "it has a carriage return inside", Want: "line ends LF or CR LF"}
		}
	}
	return lines, nil
}

// decode removes a byte order mark, and converts UTF-16.
func decode(data []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return data, nil
	}
	data = data[2:]
	broken := &Error{Msg: "its byte order mark says UTF-16, but it is not UTF-16",
		Hint: "was it cut off? Convert the whole: iconv -f UTF-16 -t UTF-8 FILE"}
	if len(data)%2 != 0 {
		return nil, broken
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	text := string(utf16.Decode(units))
	if strings.ContainsRune(text, utf8.RuneError) {
		return nil, broken
	}
	return []byte(text), nil
}

package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// checkText returns the first character that cannot be in a YAML file, which the YAML package reports without a line;
// nil if there is none.
func checkText(data []byte) *Problem {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil // UTF-16, which the package reads
	}
	for i := 0; i < len(data); {
		if c := data[i]; c >= ' ' && c <= '~' || c == '\n' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		invalid := r == utf8.RuneError && n <= 1
		if invalid || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 {
			begin := bytes.LastIndexByte(data[:i], '\n') + 1
			pr := &Problem{Line: bytes.Count(data[:i], []byte("\n")) + 1, Column: utf8.RuneCount(data[begin:i]) + 1,
				Msg:  fmt.Sprintf("the control character %U is not allowed", r),
				Hint: `remove it, or write it as an escape in double quotes, such as "\t"`}
			if invalid {
				pr.Msg, pr.Hint = fmt.Sprintf("the octet 0x%02X is not UTF-8", data[i]), "save the file as UTF-8"
			}
			return pr
		}
		i += n
	}
	return nil
}

// unknownTag returns the tag that a file gives a node, unless it is one of the usual types; "" if there is none.
func unknownTag(n *yaml.Node) string {
	if n.Style&yaml.TaggedStyle == 0 {
		return ""
	}
	usual := []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary"}
	switch n.Kind {
	case yaml.MappingNode:
		usual = []string{"!!map"}
	case yaml.SequenceNode:
		usual = []string{"!!seq"}
	}
	if slices.Contains(usual, n.Tag) {
		return ""
	}
	return n.Tag
}

// element returns a text as it is written as an element of a list in brackets.
func element(s string) string {
	plain := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
	switch {
	case plain && s != "" && s[0] != '-':
		return s
	case strings.ContainsAny(s, "'\n"):
		return clip(s)
	}
	return "'" + s + "'"
}

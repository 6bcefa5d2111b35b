// Widths finds lines that are too long to read side by side: Go lines over 120 columns (a tab is 4), lines of Markdown
// text over 105. It reads the names of the files from its arguments, prints one line for each finding, and exits with 1
// if there is one.
//
// It skips what cannot be broken: raw strings and lines of one word, in Markdown also code blocks, lines that begin
// with a code span, tables, headings and link definitions. It also skips documents that are printed from the code
// ("<!-- Printed from").
package main

import (
	"bytes"
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	goColumns       = 120
	markdownColumns = 105
	tab             = 4
)

func main() {
	bad := false
	for _, name := range os.Args[1:] {
		data, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "widths:", err)
			os.Exit(1)
		}
		for _, f := range find(name, data) {
			fmt.Println(f)
			bad = true
		}
	}
	if bad {
		os.Exit(1)
	}
}

// find returns the findings in a file, "name:line: …".
func find(name string, data []byte) []string {
	if bytes.Contains(data[:min(len(data), 200)], []byte("<!-- Printed from")) {
		return nil
	}
	limit, exempt := goColumns, rawStrings
	if strings.HasSuffix(name, ".md") {
		limit, exempt = markdownColumns, unbreakable
	}
	free := exempt(data)
	var found []string
	for i, line := range strings.Split(string(data), "\n") {
		if w := width(line); w > limit && !free[i+1] && breakable(line) {
			found = append(found, fmt.Sprintf("%s:%d: %d columns, at most %d", name, i+1, w, limit))
		}
	}
	return found
}

func width(line string) int {
	return utf8.RuneCountInString(line) + (tab-1)*strings.Count(line, "\t")
}

// breakable reports whether a line has more than one word, not counting the marks of a comment or a list.
func breakable(line string) bool {
	words := strings.Fields(line)
	for len(words) > 0 && (words[0] == "//" || words[0] == "*" || words[0] == "-") {
		words = words[1:]
	}
	return len(words) > 1
}

// rawStrings returns the lines of Go source that contain a part of a raw string.
func rawStrings(src []byte) map[int]bool {
	free := make(map[int]bool)
	set := token.NewFileSet()
	file := set.AddFile("", set.Base(), len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return free
		}
		if tok != token.STRING || text[0] != '`' {
			continue
		}
		first := set.Position(pos).Line
		for n := range strings.Count(text, "\n") + 1 {
			free[first+n] = true
		}
	}
}

var linkDefinition = regexp.MustCompile(`^\[[^]]+\]:`)

// unbreakable returns the lines of Markdown that cannot be broken.
func unbreakable(text []byte) map[int]bool {
	free := make(map[int]bool)
	fenced := false
	for i, line := range bytes.Split(text, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		fence := strings.HasPrefix(s, "```")
		if fence {
			fenced = !fenced
		}
		free[i+1] = fence || fenced || strings.HasPrefix(s, "|") || strings.HasPrefix(s, "#") ||
			strings.HasPrefix(string(line), "    ") || strings.HasPrefix(s, "`") || linkDefinition.MatchString(s)
	}
	return free
}

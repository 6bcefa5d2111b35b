package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPages writes a page for each command, compressed as Debian requires (gzip -9n).
func (r release) manPages(c *cobra.Command, dir string) error {
	if c.Hidden || c.Name() == "help" {
		return nil
	}
	var page bytes.Buffer
	w, err := gzip.NewWriterLevel(&page, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(r.manPage(c))); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := write(filepath.Join(dir, manName(c)+".1.gz"), page.Bytes()); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if err := r.manPages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

// manName is the name of a command's page: ringback-show-line.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is the page of a command in the macros of man(7). The help is plain text, so it is printed as such.
func (r release) manPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 %q %q %q\n", strings.ToUpper(manName(c)), r.date.Format("2006-01-02"),
		"ringback "+r.version, "ringback manual")
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	b.WriteString(".SH SYNOPSIS\n")
	if c.Runnable() {
		fmt.Fprintf(&b, ".B %s\n", roff(c.UseLine()))
	} else {
		fmt.Fprintf(&b, ".B %s\n.I COMMAND\n", roff(c.CommandPath()))
	}
	if c.Long != "" {
		b.WriteString(".SH DESCRIPTION\n")
		paragraphs(&b, c.Long)
	}
	if subs := available(c); len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range subs {
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(sub)), roff(sub.Short))
		}
	}
	if c.NonInheritedFlags().HasAvailableFlags() {
		b.WriteString(".SH OPTIONS\n")
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { option(&b, f) })
	}
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		paragraphs(&b, c.Example)
	}
	if !c.HasParent() {
		b.WriteString(".SH FILES\n.TP\n.I /etc/ringback/ringback.yaml\nthe configuration\n" +
			".TP\n.I /var/lib/ringback\nthe journal\n.TP\n.I /run/ringback/ringback.sock\nthe admin socket\n" +
			".TP\n.I /usr/share/doc/ringback\nthe documentation; begin with how-to/install.md\n" +
			".SH EXIT STATUS\n0 success, 1 failure, 2 wrong arguments or flags.\n")
	}
	if c.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(c.Parent())))
	}
	return b.String()
}

func available(c *cobra.Command) (all []*cobra.Command) {
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			all = append(all, sub)
		}
	}
	return all
}

func option(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	b.WriteString(".TP\n")
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	value, text := pflag.UnquoteUsage(f)
	fmt.Fprintf(b, "\\fB%s\\fR", roff(name))
	if value != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
	}
	fmt.Fprintf(b, "\n%s", roff(text))
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
	default:
		fmt.Fprintf(b, " (default %s)", roff(f.DefValue))
	}
	b.WriteString("\n")
}

// paragraphs writes plain text: indented lines as they are, other lines filled.
func paragraphs(b *strings.Builder, text string) {
	literal, begun := false, true // SH begins the first paragraph
	first := true
	leave := func() {
		if literal {
			b.WriteString(".fi\n.RE\n")
			literal = false
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n ")
		switch {
		case line == "":
			leave()
			begun = false
		case strings.HasPrefix(line, " "):
			if !literal {
				if !first {
					b.WriteString(".PP\n")
				}
				b.WriteString(".RS 2\n.nf\n")
				literal = true
			}
			b.WriteString(roff(strings.TrimPrefix(strings.TrimPrefix(line, " "), " ")) + "\n")
		default:
			leave()
			if !begun {
				b.WriteString(".PP\n")
				begun = true
			}
			b.WriteString(roff(line) + "\n")
		}
		first = false
	}
	leave()
}

// escapes are the characters that roff or a terminal's font would change.
var escapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// roff returns plain text for a man page: no line of it is a request.
func roff(text string) string {
	lines := strings.Split(escapes.Replace(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

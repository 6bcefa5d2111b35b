package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/texts"
)

// sample is a tree with all kinds of nodes; a command writes its name and arguments.
func sample() *Tree {
	say := func(name string) func(context.Context, Args, io.Writer) error {
		return func(_ context.Context, args Args, w io.Writer) error {
			fmt.Fprintln(w, name, map[string]string(args))
			return nil
		}
	}
	return &Tree{Commands: []Node{
		{Word: "clear", Help: "Reset", Next: []Node{
			{Word: "line", Help: "A line",
				Next: []Node{{Word: "tty", Kind: Number, Min: 0, Max: 99, Help: "Line number",
					Run: say("clear line")}}},
		}},
		{Word: "exit", Help: "Leave", Run: func(context.Context, Args, io.Writer) error { return ErrExit }},
		{Word: "fail", Help: "Fail", Run: func(context.Context, Args,
			io.Writer) error {
			return errors.New("no line 7\x1b[2J\n")
		}},
		{Word: "secret", Hidden: true, Run: say("secret")},
		{Word: "send", Help: "Send a message", Next: []Node{
			{Word: "user", Kind: Word, Help: "User",
				Next: []Node{{Word: "text", Kind: Rest, Help: "The message", Run: say("send")}}},
		}},
		{Word: "show", Help: "Show things", Next: []Node{
			{Word: "callback", Help: "Callbacks", Run: say("show callback")},
			{Word: "line", Help: "Lines", Run: say("show line"),
				Next: []Node{{Word: "tty", Kind: Number, Min: 1, Max: 70, Help: "One line", Run: say("show line")}}},
			{Word: "lines-all", Help: "All lines", Run: say("show lines-all")},
		}},
	}}
}

func TestLookup(t *testing.T) {
	const invalid = "% Invalid input detected at '^' marker."
	tests := []struct {
		line, want string // want: what the command writes, or "error@column"
	}{
		{"show callback", "show callback map[]"},
		{"sh ca", "show callback map[]"},
		{"SH CA", "show callback map[]"},
		{"  show   callback  ", "show callback map[]"},
		{"show line", "show line map[]"}, // exact match, though lines-all has the same prefix
		{"show line 65", "show line map[tty:65]"},
		{"show lines", "show lines-all map[]"},
		{"clear l 0", "clear line map[tty:0]"},
		{"send austin-01  hello  there ", "send map[text:hello  there user:austin-01]"},
		{"secret", "secret map[]"},
		{"s", `% Ambiguous command:  "s"@-1`},
		{" s  x", `% Ambiguous command:  "s  x"@-1`},
		{"show li", `% Ambiguous command:  "show li"@-1`},
		{"show", "% Incomplete command.@-1"},
		{"clear line", "% Incomplete command.@-1"},
		{"send bob", "% Incomplete command.@-1"},
		{"xyz", invalid + "@0"},
		{"shox", invalid + "@3"},
		{"show lime", invalid + "@7"},
		{"show line 71", invalid + "@10"},
		{"show line 0", invalid + "@10"},
		{"show line +5", invalid + "@10"},
		{"show line 99999999999999999999", invalid + "@10"},
		{"show callback now", invalid + "@14"},
		{"showx", invalid + "@4"},
		{"", ""},
		{"   ", ""},
	}
	tree := sample()
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var b strings.Builder
			m, err := tree.Lookup(tt.line)
			var le *LookupError
			switch {
			case errors.As(err, &le):
				fmt.Fprintf(&b, "%s@%d", le, le.Column)
			case m != nil:
				m.Node.Run(t.Context(), m.Args, &b)
			}
			if got := strings.TrimSuffix(b.String(), "\n"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	tests := []struct{ before, want string }{
		{"", "  clear  Reset\n  exit   Leave\n  fail   Fail\n  send   Send a message\n  show   Show things\n"},
		{"s", "send  show\n"},
		{"sh", "show\n"},
		{"sh ", "  callback   Callbacks\n  line       Lines\n  lines-all  All lines\n"},
		{"show l", "line  lines-all\n"},
		{"show line ", "  <1-70>  One line\n  <cr>\n"},
		{"show line 6", "  <1-70>  One line\n"},
		{"show line 600", "% Unrecognized command\n"},
		{"show callback ", "  <cr>\n"},
		{"send ", "  WORD  User\n"},
		{"send bob ", "  LINE  The message\n"},
		{"send bob hello ", "  LINE  The message\n  <cr>\n"},
		{"s ", "% Ambiguous command:  \"s\"\n"},
		{"x", "% Unrecognized command\n"},
		{"x ", "% Unrecognized command\n"},
		{"sec", "% Unrecognized command\n"},
	}
	for _, tt := range tests {
		var b strings.Builder
		sample().Help(&b, texts.Printer{}, tt.before)
		if b.String() != tt.want {
			t.Errorf("%q?: got\n%swant\n%s", tt.before, b.String(), tt.want)
		}
	}
}

func TestComplete(t *testing.T) {
	tests := []struct {
		before, insert string
		unique         bool
	}{
		{"sh", "ow ", true},
		{"s", "", false},
		{"show l", "ine", false},
		{"show lines", "-all ", true},
		{"sh ca", "llback ", true},
		{"show", " ", true},
		{"show ", "", false},
		{"x", "", false},
		{"", "", false},
		{"se", "nd ", true}, // hidden commands are not completed
		{"show line 6", "", false},
	}
	for _, tt := range tests {
		insert, unique := sample().Complete(tt.before)
		if insert != tt.insert || unique != tt.unique {
			t.Errorf("%q: %q, %v; want %q, %v", tt.before, insert, unique, tt.insert, tt.unique)
		}
	}
}

// The dialogue on the screen, for given keys.
func TestRun(t *testing.T) {
	conn := play("sh?ow li?\x15sh\tli?ne 65\r" + "shox\r" + "s\r" + "show\r" + "fail\r" + "junk\x03" + "\r" +
		strings.Repeat("x", 300) + "\r" + "\x10\rexit\rmore")
	if err := sample().Run(t.Context(), NewTerminal(conn), "maui>"); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i := range render(conn.out).rows {
		rows = append(rows, strings.TrimRight(render(conn.out).line(i), " "))
	}
	got := strings.ReplaceAll(strings.Join(rows, "\n"), strings.Repeat("x", 254), "x…")
	want := `maui>sh?
show
maui>show li?
line  lines-all
maui>show li?
line  lines-all
maui>show line 65
show line map[tty:65]
maui>shox
        ^
% Invalid input detected at '^' marker.

maui>s
% Ambiguous command:  "s"
maui>show
% Incomplete command.
maui>fail
% no line 7[2J
maui>junk^C
maui>
maui>x…
% Line too long
maui>fail
% no line 7[2J
maui>exit
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if conn.rest() != "more" {
		t.Errorf("exit left %q", conn.rest())
	}
}

func TestRunEnds(t *testing.T) {
	t.Run("stream", func(t *testing.T) {
		if err := sample().Run(t.Context(), NewTerminal(play("show callback\r")), ">"); !errors.Is(err, io.EOF) {
			t.Errorf("Run: %v, want EOF", err)
		}
	})
	t.Run("ctx during a command that writes for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			why := errors.New("why")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(why) })
			endless := &Tree{Commands: []Node{{Word: "endless",
				Run: func(_ context.Context, _ Args, w io.Writer) error {
					for {
						if _, err := io.WriteString(w, "x"); err != nil {
							return nil
						}
					}
				}}}}
			conn := &halfStuck{stuck: newStuck(t), tape: play("endless\r")}
			term := NewTerminal(conn)
			if err := endless.Run(ctx, term, ""); !errors.Is(err, why) {
				t.Errorf("Run: %v", err)
			}
		})
	})
}

// halfStuck accepts the echo of the input, and then no more output.
type halfStuck struct {
	*stuck
	tape *tape
}

func (h *halfStuck) Read(p []byte) (int, error) { return h.tape.Read(p) }
func (h *halfStuck) Write(p []byte) (int, error) {
	if len(h.tape.in) == 1 && len(h.tape.in[0]) == 0 && string(p) == "x" {
		return h.stuck.Write(p)
	}
	return h.tape.Write(p)
}

// FuzzTree checks: no panic; a caret is within the line; a completion by Tab keeps the meaning; the normalized line of
// a command finds the same command.
func FuzzTree(f *testing.F) {
	for _, s := range []string{"sh li 5", "send x y z", "show ", "s", "clear line 7 8", "電話 x", "\u00a0show\u2003line",
		"send \xff"} {
		f.Add(s)
	}
	tree := sample()
	f.Fuzz(func(t *testing.T, line string) {
		m, err := tree.Lookup(line)
		var le *LookupError
		if errors.As(err, &le) && le.Column > Width(line) {
			t.Fatalf("%q: caret at %d", line, le.Column)
		}
		if err == nil && m == nil && len(split(line)) > 0 {
			t.Fatalf("%q has no command", line)
		}
		tree.Help(io.Discard, texts.Printer{}, line)
		insert, unique := tree.Complete(line)
		if unique && err == nil && m.Node.Kind == Literal {
			again, err := tree.Lookup(line + insert)
			if err != nil || again.Node != m.Node && again.Node.Word != m.Node.Word &&
				!strings.HasPrefix(again.Node.Word, m.Node.Word) {
				t.Fatalf("%q completed by %q: %v, %v", line, insert, again, err)
			}
		}
		if err == nil && m != nil {
			whole, err := tree.Lookup(strings.Join(m.Words, " "))
			if err != nil || whole.Node != m.Node || !slices.Equal(whole.Words, m.Words) {
				t.Fatalf("%q is %q, which is %+v, %v", line, m.Words, whole, err)
			}
		}
	})
}

func TestBefore(t *testing.T) {
	tree := sample()
	var asked []string
	tree.Before = func(_ context.Context, words []string) string {
		asked = append(asked, strings.Join(words, "|"))
		if words[0] == "clear" {
			return "Not you.\n"
		}
		return ""
	}
	conn := play("sh ca\rsh line 5\rclear l 7\rsend BOB  a   b \rnonsense\rshow\r\rsend x ?\x15ex\r")
	if err := tree.Run(t.Context(), NewTerminal(conn), ">"); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(asked, "\n"),
		"show|callback\nshow|line|5\nclear|line|7\nsend|BOB|a|b\nexit"; got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	out := string(conn.out)
	if strings.Contains(out, "clear line map") || !strings.Contains(out, "\r\nNot you.\r\n\r\n>") ||
		!strings.Contains(out, "show line map[tty:5]") {
		t.Errorf("sent %q", out)
	}
}

func TestExecute(t *testing.T) {
	tests := []struct{ line, out string }{
		{"sh ca", "show callback map[]\r\n"},
		{"xyz", "^\r\n% Invalid input detected at '^' marker.\r\n\r\n"},
		{"fail", "% no line 7[2J\r\n"},
		{" ", ""},
	}
	for _, tt := range tests {
		conn := play("")
		if err := sample().Execute(t.Context(), NewTerminal(conn), tt.line); err != nil || string(conn.out) != tt.out {
			t.Errorf("%q: %q, %v", tt.line, conn.out, err)
		}
	}
	if err := sample().Execute(t.Context(), NewTerminal(play("")), "exit"); !errors.Is(err, ErrExit) {
		t.Errorf("exit: %v", err)
	}
	lost := errors.New("lost")
	tree := &Tree{Commands: []Node{{Word: "go",
		Run: func(context.Context, Args, io.Writer) error { return Fatal{lost} }}}}
	conn := play("go\r")
	if err := tree.Run(t.Context(), NewTerminal(conn), ">"); err != lost || string(conn.out) != ">go\r\n" {
		t.Errorf("a terminal that was lost: %v, %q", err, conn.out)
	}
}

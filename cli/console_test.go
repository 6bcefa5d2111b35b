package cli

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/commands"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// A group's policy can take away each command that the EXEC has, except those with which a user only leaves or changes
// the own terminal.
func TestPoliciesKnowCommands(t *testing.T) {
	var known []string
	for _, k := range policies.Keys() {
		if k.Name == "exec" {
			i := slices.IndexFunc(k.Keys, func(k schema.Key) bool { return k.Name == "commands" })
			known = k.Keys[i].Elem.Enum
		}
	}
	u := commands.User{Level: commands.Privileged, Terminal: &console.Terminal{}, Client: client.New("none")}
	u.Monitor = commands.NewMonitor(t.Context(), u.Client, true, func(string) {})
	words := []string{"connect", "enable", "help", "ppp", "telnet"} // of the EXEC alone
	for _, n := range u.Nodes() {
		if !n.Hidden && n.Word != "terminal" {
			words = append(words, n.Word)
		}
	}
	slices.Sort(words)
	if !slices.Equal(words, known) {
		t.Errorf("the EXEC has\n%q, and policies know\n%q", words, known)
	}
}

// TestLongLines: a line of a pipe that is too long is skipped, also one of a megabyte.
func TestLongLines(t *testing.T) {
	r := bufio.NewReaderSize(strings.NewReader(strings.Repeat("a", 255)+"\nshow clock\r\n"+strings.Repeat("b", 1<<20)+
		"\nshow queue"), 2*console.DefaultMaxLine)
	var got []string
	for {
		line, err := nextLine(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line = err.Error()
		}
		got = append(got, line)
	}
	if want := []string{"line too long", "show clock", "line too long", "show queue"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

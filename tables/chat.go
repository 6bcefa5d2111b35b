package tables

import (
	"errors"
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// ChatRun prints the dialogue of a chat script that an operator has run, and its result. The error is why it failed.
func ChatRun(w io.Writer, run client.ChatRun) error {
	for _, line := range run.Transcript {
		fmt.Fprintln(w, console.Clean(line))
	}
	switch {
	case run.Error != "":
		return errors.New(console.Clean(run.Error))
	case run.Number != "":
		fmt.Fprintf(w, "chat script %s dialed %s on line %d: %s; the call is hung up\n", run.Script, run.Number,
			run.Line, console.Clean(run.Connect))
	default:
		fmt.Fprintf(w, "chat script %s succeeded on line %d\n", run.Script, run.Line)
	}
	return nil
}

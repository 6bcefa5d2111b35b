package tables

import (
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tty"
)

// DebugLine formats an event of debug output as IOS does: "*Nov 21 10:04:05.123: TTY65 …". The stamp is the part before
// the colon.
func DebugLine(stamp string, e client.DebugEvent) string {
	line := ""
	if e.TTY != 0 {
		line = strings.ToUpper(tty.Port(e.TTY)) + " "
	}
	return stamp + ": " + line + console.Clean(e.Text)
}

package tables

import (
	"fmt"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// DebugLine formats an event of debug output as IOS does: "*Nov 21 10:04:05.123: TTY65 …". The stamp is the part before
// the colon.
func DebugLine(stamp string, e client.DebugEvent) string {
	tty := ""
	if e.TTY != 0 {
		tty = fmt.Sprintf("TTY%d ", e.TTY)
	}
	return stamp + ": " + tty + console.Clean(e.Text)
}

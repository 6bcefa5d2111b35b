package tables

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// LoginLocks prints the names, numbers and lines whose logins are locked or delayed.
func LoginLocks(w io.Writer, v []client.LoginLock) {
	t := console.Table{Heads: []string{"Of", "Prompt", "User", "Number", "Tty", "Failures", "Locked until", "Delay"}}
	for _, l := range v {
		prompt, until := "login", "-"
		if l.Enable {
			prompt = "enable"
		}
		if l.Until != nil {
			until = l.Until.Local().Format(time.DateTime)
		}
		t.Row(l.Of, prompt, l.User, l.Number, ttyText(l.TTY), strconv.Itoa(l.Failures), until,
			fmt.Sprintf("%gs", l.Delay))
	}
	t.WriteTo(w)
}

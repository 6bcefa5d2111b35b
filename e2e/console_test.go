package e2e

import (
	"strings"
	"testing"
)

// A person types at the console: words are completed, and debug output does not disturb what is being typed.
func TestConsole(t *testing.T) {
	t.Parallel()
	socket, feed, stop := stubDaemon(t)
	p := atTerminal(t, tempDir(t), "console", "--socket", socket)
	p.see("maui#")
	p.press("sh li | inc idle\r")
	p.see("I   65      -  inout")
	p.see("maui#")
	if strings.Contains(p.text(), "Tx/Rx") {
		t.Error("the filter shows the heads")
	}
	p.press("deb call\r")
	p.see("Debugging of callback is on\r\nmaui#")
	p.press("deb mod us ted smith\r")
	p.see("Debugging of modem is on for user ted smith\r\nmaui#")
	p.press("show callb")
	p.see("show callb")
	feed.PublishOf("modem", 65, "ted", "ted", "not of ted smith")
	feed.Publish("callback", 65, "Callback dialing 84001\x1b[2J")
	p.see(": TTY65 Callback dialing 84001[2J\r\nmaui#show callb")
	feed.PublishOf("modem", 66, "ted smith", "ted smith", "RING")
	p.see(": TTY66 RING\r\nmaui#show callb")
	if strings.Contains(p.text(), "not of") {
		t.Error("the condition shows the events of another user")
	}
	p.press("ack\t all last 2\r")
	p.see("id000001")
	p.see("248 older")
	p.see("maui#")
	p.press("show callback all last 200\r")
	p.see(" --More-- ")
	p.press("q")
	p.see("maui#")
	p.press("show li 99\r")
	p.see("% no line 99\r\nmaui#")
	stop()
	p.see("% The debug output has ended: ")
	p.press("exit\r")
	p.end(0)
}

package e2e

import (
	"testing"
)

// Ctrl-C at the password prompt ends `aaa test`, and the terminal echoes again.
func TestAskedAndInterrupted(t *testing.T) {
	t.Parallel()
	dir := howToDir(t, map[string]string{"password": "pw1",
		"ringback.yaml": "hostname: h\nusers: [{name: kim, password_file: password}]\n" +
			"aaa: {lists: {login: {default: [local]}}}\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n"})
	p := atTerminal(t, dir, "aaa", "test", "kim", "-c", dir+"/ringback.yaml")
	p.see("Password: ")
	p.press("\x03")
	p.see(`ringback: interrupted at "Password: "`)
	p.end(1)

	p = atTerminal(t, dir, "aaa", "test", "kim", "-c", dir+"/ringback.yaml")
	p.see("Password: ")
	p.enter("pw1")
	p.see("user kim: granted by local")
	p.end(0)
}

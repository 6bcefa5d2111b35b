package lab

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// The screen and the invitation leave one of 24 rows to type in, and no line is wider than 80 columns, also if the
// command is `go run`.
func TestScreenFits(t *testing.T) {
	for _, command := range []string{"ringback", "./ringback", "go run ./cmd/ringback",
		"/usr/local/lib/ringback/bin/ringback"} {
		l := &Lab{opt: Options{Command: command, Pace: 12.5}, dir: "/home/somebody/.local/state/ringback/lab",
			daemon: &daemon{cmd: &exec.Cmd{Process: &os.Process{Pid: 4194303}}}}
		text := l.Screen() + Invitation("austin-01", " and ends the lab")
		rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(rows) > 23 {
			t.Errorf("%s: %d rows", command, len(rows))
		}
		for _, r := range rows {
			if utf8.RuneCountInString(r) > 80 {
				t.Errorf("%s: %d columns: %s", command, utf8.RuneCountInString(r), r)
			}
			if strings.HasSuffix(r, " ") {
				t.Errorf("%s: space at the end of %q", command, r)
			}
		}
		for _, u := range users {
			if !strings.Contains(text, u.Name) || !strings.Contains(text, u.Password) {
				t.Errorf("%s: user %s is not explained", command, u.Name)
			}
		}
		for _, r := range residents {
			if !strings.Contains(text, r.Number) {
				t.Errorf("%s: number %s is not explained", command, r.Number)
			}
		}
	}
}

// The users on the screen are the users in the RADIUS server's file.
func TestUsersAreWritten(t *testing.T) {
	data, err := files.ReadFile("files/users")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if want := "\n" + u.Name + "\tCleartext-Password := \"" + u.Password + "\"\n"; !strings.Contains(string(data),
			want) {
			t.Errorf("files/users has no %q", want)
		}
	}
}

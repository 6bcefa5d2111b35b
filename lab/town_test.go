package lab

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The screen and the invitation leave one of 24 rows to type in, and no line is wider than 80 columns, also if the
// command is `go run`.
func TestScreenFits(t *testing.T) {
	const dir = "/home/somebody/.local/state/ringback/lab"
	ports, err := listen(nil, ByRADIUS, make([]bool, lineCount))
	if err != nil {
		t.Fatal(err)
	}
	defer ports.close()
	urls := slices.Repeat([]string{"rfc2217://127.0.0.1:65535"}, lineCount)
	for _, command := range []string{"ringback", "./ringback", "go run ./cmd/ringback",
		"/usr/local/lib/ringback/bin/ringback"} {
		for _, l := range []*Lab{
			{opt: Options{Command: command, Pace: 12.5}, dir: dir, daemon: fakeDaemon()},
			{opt: Options{Command: command, Pace: 12.5, NoDaemon: true, AAA: ByRADIUS}, dir: dir, urls: urls,
				sockets: ports},
		} {
			checkScreen(t, fmt.Sprintf("%s, no daemon: %t", command, l.opt.NoDaemon), l)
		}
	}
}

// fakeDaemon is a daemon with a long process id, which does not run.
func fakeDaemon() *daemon { return &daemon{cmd: &exec.Cmd{Process: &os.Process{Pid: 4194303}}} }

func checkScreen(t *testing.T, name string, l *Lab) {
	t.Helper()
	text := l.Screen() + Invitation("austin-01", l.Town().Number, " and ends the lab")
	rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(rows) > 23 {
		t.Errorf("%s: %d rows\n%s", name, len(rows), text)
	}
	for _, r := range rows {
		if utf8.RuneCountInString(r) > 80 {
			t.Errorf("%s: %d columns: %s", name, utf8.RuneCountInString(r), r)
		}
		if strings.HasSuffix(r, " ") {
			t.Errorf("%s: space at the end of %q", name, r)
		}
	}
	for _, u := range users {
		if !strings.Contains(text, u.Name) || !strings.Contains(text, u.Password) {
			t.Errorf("%s: user %s is not explained", name, u.Name)
		}
	}
	for _, r := range residents {
		if !strings.Contains(text, r.Number) {
			t.Errorf("%s: number %s is not explained", name, r.Number)
		}
	}
	for _, url := range l.urls {
		if !strings.Contains(text, url) {
			t.Errorf("%s: port %s is not shown", name, url)
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

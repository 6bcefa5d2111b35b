package lab

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/texts"
)

// build makes a town without RADIUS server and daemon: only its files, ports and modems.
func build(t *testing.T, o Options) (*Lab, error) {
	t.Helper()
	if o.Pace == 0 {
		o.Pace = 50
	}
	if o.Ports == "" {
		o.Ports = RFC2217
	}
	if o.AAA == "" {
		o.AAA = ByRADIUS
	}
	l := &Lab{opt: o, dir: o.Dir, subscribers: map[string]*exchange.Modem{}, attached: map[string]bool{}}
	t.Cleanup(func() { l.Close() })
	b, err := l.open(t.Context())
	if err == nil {
		err = l.startTown()
	}
	if err == nil {
		err = l.writeFiles(b)
	}
	if err != nil {
		l.Close() // as Start does
	}
	return l, err
}

func mustBuild(t *testing.T, o Options) *Lab {
	t.Helper()
	l, err := build(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "lab")
	l := mustBuild(t, Options{Dir: dir})
	for _, name := range []string{"ringback.yaml", "policies.d/home.yaml", "policies.d/home.test.yaml",
		"policies.d/holidays.txt", "tariff.csv", "users", "radius.secret", "operator.password", "lab.json"} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm() != 0o600 || st.Size() == 0 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	if len(l.Kept) != 0 {
		t.Errorf("kept in a new directory: %q", l.Kept)
	}
	conf := read(t, dir, "ringback.yaml")
	for i, lis := range l.sockets.lines {
		if want := fmt.Sprintf(`{tty: %d, port: "rfc2217://%s"`, 65+i, lis.Addr()); !strings.Contains(conf, want) {
			t.Errorf("ringback.yaml has no %s", want)
		}
	}
}

// Files that the user changed are kept; the rest, including secrets and ports, does not change.
func TestFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	mustBuild(t, Options{Dir: dir}).Close()
	first, secret := read(t, dir, "ringback.yaml"), read(t, dir, "radius.secret")
	write(t, dir, "users", "mine\n")

	l := mustBuild(t, Options{Dir: dir})
	if !slices.Equal(l.Kept, []string{"users"}) || read(t, dir, "users") != "mine\n" {
		t.Errorf("kept %q; users: %q", l.Kept, read(t, dir, "users"))
	}
	if read(t, dir, "ringback.yaml") != first || read(t, dir, "radius.secret") != secret {
		t.Error("the second lab in a directory has other ports or secrets")
	}
}

// A directory of a lab without a web server keeps its ports.
func TestPortsOfAnOlderLab(t *testing.T) {
	dir := t.TempDir()
	l := mustBuild(t, Options{Dir: dir})
	l.Close()
	b := l.readBook()
	b.Ports = b.Ports[:len(b.Ports)-1]
	if err := l.writeBook(b); err != nil {
		t.Fatal(err)
	}
	again := mustBuild(t, Options{Dir: dir})
	if got := again.readBook().Ports; !slices.Equal(got[:len(got)-1], b.Ports) || got[len(got)-1] == 0 {
		t.Errorf("ports %v, were %v", got, b.Ports)
	}
}

// Ports that another program has taken meanwhile are replaced, unless the user's own ringback.yaml names them.
func TestPortsTaken(t *testing.T) {
	dir := t.TempDir()
	l := mustBuild(t, Options{Dir: dir})
	first := read(t, dir, "ringback.yaml")
	address := l.sockets.lines[2].Addr().String()
	l.Close()
	thief, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	defer thief.Close()

	mustBuild(t, Options{Dir: dir}).Close()
	if read(t, dir, "ringback.yaml") == first {
		t.Error("ringback.yaml still names a port that another has")
	}
	write(t, dir, "ringback.yaml", first+"# mine\n")
	var b book
	b.Kind, b.Written = RFC2217, map[string]string{}
	l2 := &Lab{opt: Options{Ports: RFC2217}, dir: dir}
	b.Ports = []int{0, 0, 0, 0, 0, thief.Addr().(*net.TCPAddr).Port, 0}
	if err := l2.writeBook(b); err != nil {
		t.Fatal(err)
	}
	if _, err := build(t, Options{Dir: dir}); err == nil ||
		!strings.Contains(err.Error(), "your ringback.yaml in "+dir+" names that port, which another program uses") {
		t.Errorf("%v", err)
	}
}

func TestPortsKinds(t *testing.T) {
	dir := t.TempDir()
	l := mustBuild(t, Options{Dir: dir, Ports: TCP})
	if want := "tcp://" + l.sockets.lines[0].Addr().String(); l.urls[0] != want {
		t.Errorf("%q, must be %s", l.urls, want)
	}
	l.Close()

	l = mustBuild(t, Options{Dir: dir, Ports: PTY})
	if want := "pty://" + filepath.Join(dir, "tty68"); l.urls[3] != want ||
		!strings.Contains(read(t, dir, "ringback.yaml"), want) {
		t.Errorf("%q, must be %s", l.urls, want)
	}
	l.Close()
	write(t, dir, "ringback.yaml", read(t, dir, "ringback.yaml")+"# mine\n")
	if _, err := build(t, Options{Dir: dir}); err == nil ||
		!strings.Contains(err.Error(), "has pty ports: use --ports pty, or another --dir") {
		t.Errorf("%v", err)
	}
	mustBuild(t, Options{Dir: dir, Ports: PTY})

	l = mustBuild(t, Options{Dir: t.TempDir(), Line: func(tty int, m *exchange.Modem) (string, error) {
		return fmt.Sprintf("serial:///dev/%s/%d", m.Name(), tty), nil
	}})
	if l.urls[1] != "serial:///dev/tty66/66" {
		t.Errorf("%q", l.urls)
	}
}

// Each kind of AAA server has its own users file, secret and section in ringback.yaml; a configuration that the user
// changed is not used with another kind.
func TestKindsOfAAA(t *testing.T) {
	for _, tt := range []struct {
		kind              AAA
		users, secret     string
		section, notThere string
	}{
		{ByRADIUS, "users", "radius.secret", "accounting: 127.0.0.1:", "tacacs"},
		{ByRadSec, "users", "", "transport: tls", "secret_file"},
		{ByTACACS, "tacacs.conf", "tacacs.secret", "secret_file: tacacs.secret", "radius:"},
		{ByTACACSTLS, "tacacs.conf", "", "tls: {ca_file: ca.pem", "secret_file"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			dir := t.TempDir()
			l := mustBuild(t, Options{Dir: dir, AAA: tt.kind})
			conf := read(t, dir, "ringback.yaml")
			if !strings.Contains(conf, tt.section) || strings.Contains(conf, tt.notThere) {
				t.Errorf("%s", conf)
			}
			if !strings.Contains(read(t, dir, tt.users), "austin-01") {
				t.Error("the users are not there")
			}
			if tt.secret != "" && len(read(t, dir, tt.secret)) < 20 {
				t.Error("no secret")
			}
			l.Close()
			write(t, dir, "ringback.yaml", conf+"# mine\n")
			other := ByRADIUS
			if tt.kind == ByRADIUS {
				other = ByTACACS
			}
			if _, err := build(t, Options{Dir: dir, AAA: other}); err == nil ||
				!strings.Contains(err.Error(), "use --aaa "+string(tt.kind)+", or another --dir") {
				t.Errorf("%v", err)
			}
			again := mustBuild(t, Options{Dir: dir, AAA: tt.kind})
			if len(again.Kept) != 1 || again.sockets.ports()[0] != l.sockets.ports()[0] ||
				again.sockets.ports()[2] != l.sockets.ports()[2] {
				t.Errorf("kept %v, ports %v after %v", again.Kept, again.sockets.ports(), l.sockets.ports())
			}
		})
	}
}

func TestOptionsOfFiles(t *testing.T) {
	dir := t.TempDir()
	l := mustBuild(t, Options{Dir: dir, RADIUS: &RADIUS{Auth: "127.0.0.1:1", Acct: "127.0.0.1:2", Secret: "one"},
		Edit: func(name, text string) string {
			if name == "users" {
				return "edited\n"
			}
			return text
		}})
	conf := read(t, dir, "ringback.yaml")
	if !strings.Contains(conf, "address: 127.0.0.1:1\n") || !strings.Contains(conf, "accounting: 127.0.0.1:2\n") ||
		read(t, dir, "radius.secret") != "one\n" || read(t, dir, "users") != "edited\n" {
		t.Errorf("%s", conf)
	}
	l.Close()
	mustBuild(t, Options{Dir: dir, RADIUS: &RADIUS{Auth: "127.0.0.1:1", Acct: "127.0.0.1:2", Secret: "two"}})
	if read(t, dir, "radius.secret") != "two\n" {
		t.Error("the secret of the other server was not written")
	}
}

// A town in another language says so in its configuration; one whose configuration the user has changed is not started
// in another language.
func TestLanguageOfTheTown(t *testing.T) {
	dir := t.TempDir()
	l := &Lab{opt: Options{Language: texts.TraditionalChinese}}
	if got := l.language(); !strings.HasPrefix(got, "language: zh-Hant ") {
		t.Errorf("%q", got)
	}
	if got := (&Lab{}).language(); got != "" {
		t.Errorf("an English town: %q", got)
	}
	mustBuild(t, Options{Dir: dir, Language: texts.TraditionalChinese}).Close()
	if conf := read(t, dir, "ringback.yaml"); !strings.Contains(conf, "\nlanguage: zh-Hant ") {
		t.Errorf("the configuration is\n%s", conf)
	}
	write(t, dir, "ringback.yaml", read(t, dir, "ringback.yaml")+"# mine\n")
	if _, err := build(t, Options{Dir: dir}); err == nil ||
		!strings.Contains(err.Error(), "is for callers in another language") {
		t.Errorf("built in English: %v", err)
	}
	mustBuild(t, Options{Dir: dir, Language: texts.TraditionalChinese}).Close()
}

package e2e

import (
	"database/sql"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
)

// stockConfig is FreeRADIUS's configuration in Debian's package.
const stockConfig = "/etc/freeradius/3.0"

// stockFreeRADIUS is a copy of Debian's configuration, changed by the commands of the how-to, and the server that runs
// on it.
type stockFreeRADIUS struct {
	dir, auth, acct, tls string // directory; host:port
	secret               string // made by client.sh
	program              string
	here                 *strings.Replacer // converts the how-to's paths and addresses to those of this machine
}

// newStockFreeRADIUS runs scripts of the how-to, by name, as an operator would; start then starts the server.
func newStockFreeRADIUS(t *testing.T, scripts ...string) *stockFreeRADIUS {
	t.Helper()
	f := &stockFreeRADIUS{dir: tempDir(t), program: needs(t, "freeradius", "freeradius")}
	if os.Getuid() != 0 {
		skipPeer(t, "needs root, as the commands of the how-to do")
	}
	f.auth, f.acct, f.tls = quietPort(t), quietPort(t), quietPort(t)
	runHere(t, "/", "cp", "-a", stockConfig, f.path("raddb"))
	f.here = strings.NewReplacer(stockConfig, f.path("raddb"), "/var/lib/freeradius", f.path("lib"), "192.0.2.9",
		"127.0.0.1", "port = 2083", "port = "+portOf(f.tls),
		"address: 192.0.2.1, accounting: 192.0.2.1", "address: "+f.auth+", accounting: "+f.acct)
	for _, s := range append([]string{"localhost.sh"}, scripts...) { // both run on one machine
		runHere(t, f.dir, "sh", "-euc", f.here.Replace(freeradiusHowTo.file(t, s)))
	}
	f.secret = strings.TrimSpace(readFile(t, f.path("radius.secret")))
	return f
}

// quietPort is a port that no socket takes before a peer opens it.
func quietPort(t *testing.T) string {
	t.Helper()
	address, err := aaatest.QuietPort()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (f *stockFreeRADIUS) path(name string) string { return filepath.Join(f.dir, name) }

func portOf(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}

// runHere runs a program in dir and returns what it printed.
func runHere(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// edit rewrites a file of the configuration.
func (f *stockFreeRADIUS) edit(t *testing.T, name string, change func(string) string) {
	t.Helper()
	path := f.path("raddb/" + name)
	text := readFile(t, path)
	changed := change(text)
	if changed == text {
		t.Fatalf("%s: nothing to change", name)
	}
	if err := os.WriteFile(path, []byte(changed), 0o640); err != nil {
		t.Fatal(err)
	}
}

// toThisMachine gives the server its own directories and ports, and IPv4 alone.
func (f *stockFreeRADIUS) toThisMachine(t *testing.T) {
	f.edit(t, "radiusd.conf", func(s string) string {
		for name, value := range map[string]string{"raddbdir": "raddb", "logdir": "log", "localstatedir": "var"} {
			s = regexp.MustCompile(`(?m)^`+name+` = .*$`).ReplaceAllString(s, name+" = "+f.path(value))
		}
		return s
	})
	f.edit(t, "sites-available/default", func(s string) string {
		s = regexp.MustCompile(`(?ms)^listen \{\n.*?^\}\n`).ReplaceAllStringFunc(s, func(block string) string {
			if regexp.MustCompile(`(?m)^\s*ipv6addr`).MatchString(block) {
				return ""
			}
			return block
		})
		for _, address := range []string{f.auth, f.acct} {
			s = strings.Replace(s, "port = 0\n", "port = "+portOf(address)+"\n", 1)
		}
		return strings.ReplaceAll(s, "ipaddr = *", "ipaddr = 127.0.0.1")
	})
	for _, d := range []string{"log", "var/run", "lib"} {
		if err := os.MkdirAll(f.path(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(f.path("raddb/sites-enabled/inner-tunnel")); err != nil { // it has a fixed port
		t.Fatal(err)
	}
	runHere(t, f.dir, "chown", "-R", "freerad:freerad", "raddb", "log", "var", "lib")
	if err := os.Chmod(f.dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// start checks the configuration as the how-to says, and starts the server until the end of the test.
func (f *stockFreeRADIUS) start(t *testing.T) {
	t.Helper()
	f.toThisMachine(t)
	if out := runHere(t, f.dir, f.program, "-XC", "-d", f.path("raddb")); !strings.Contains(out,
		"Configuration appears to be OK") {
		t.Fatalf("freeradius -XC:\n%s", out)
	}
	log := f.path("log/radius.log")
	cmd := exec.Command(f.program, "-f", "-d", f.path("raddb"), "-l", log)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("FreeRADIUS's log:\n%s", readFile(t, log))
		}
	})
	eventually(t, "FreeRADIUS is ready", func() bool {
		select {
		case <-ended:
			t.Fatal("FreeRADIUS has ended")
		default:
		}
		data, _ := os.ReadFile(log)
		return strings.Contains(string(data), "Ready to process requests")
	})
}

// configuration is the how-to's ringback.yaml for this server, in a directory with its secret and its policy.
func (f *stockFreeRADIUS) configuration(t *testing.T) (yaml string, path string) {
	t.Helper()
	yaml = f.here.Replace(freeradiusHowTo.file(t, "ringback.yaml"))
	dir := howToDir(t, map[string]string{"ringback.yaml": yaml, "policies.d/default.yaml": freeradiusHowTo.file(t,
		"policy.yaml"), "radius.secret": f.secret})
	return yaml, filepath.Join(dir, "ringback.yaml")
}

// The whole how-to with Debian's own configuration: from the package to users who are called back.
func TestPeerHowToFreeRADIUS(t *testing.T) {
	t.Parallel()
	f := newStockFreeRADIUS(t, "client.sh", "users.sh", "sign.sh")
	f.start(t)
	yaml, path := f.configuration(t)
	checkUsers(t, freeradiusHowTo, path, "freeradius")
	l := howToTown(t, yaml, freeradiusHowTo.file(t, "policy.yaml"), map[string]string{"radius.secret": f.secret})
	playBoth(t, l)
	play(t, l, shipped(t, "ppp"))
	details, err := filepath.Glob(f.path("log/radacct/127.0.0.1/detail-*"))
	if err != nil || len(details) == 0 {
		t.Fatalf("no detail file: %v", err)
	}
	stops := map[string][]string{}
	for _, d := range details { // there are two of them around midnight
		for _, r := range readDetail(t, d) {
			if r["Acct-Status-Type"] == "Stop" {
				stops[r["Acct-Multi-Session-Id"]] = append(stops[r["Acct-Multi-Session-Id"]], r["Acct-Terminate-Cause"])
			}
		}
	}
	if len(stops) != 3 {
		t.Errorf("the Stops of three callbacks: %v", stops)
	}
	for id, causes := range stops {
		if len(causes) < 1 || causes[0] != "Callback" {
			t.Errorf("callback %s: causes %q, the first must be Callback", id, causes)
		}
	}
}

// Without the section that signs replies, replies of a server before 3.2.5 are discarded, with the message that the
// how-to shows; a later server signs by itself.
func TestPeerHowToFreeRADIUSUnsigned(t *testing.T) {
	t.Parallel()
	f := newStockFreeRADIUS(t, "client.sh", "users.sh")
	f.start(t)
	_, path := f.configuration(t)
	hurried := strings.Replace(readFile(t, path), "radius.secret}", "radius.secret, timeout: 1s, retries: 1}", 1)
	if err := os.WriteFile(path, []byte(hurried), 0o600); err != nil {
		t.Fatal(err)
	}
	out, status := ringback(t, "maui-1993\n", "aaa", "test", "austin-01", "-c", path)
	if status != 0 && !strings.Contains(out,
		"without Message-Authenticator were discarded. The server must sign its replies. ") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// Users in SQL, one session each: both kinds of callback work, because leg one's Stop arrives before leg two's login.
func TestPeerHowToFreeRADIUSSQL(t *testing.T) {
	t.Parallel()
	f := newStockFreeRADIUS(t, "client.sh", "sign.sh", "sql.sh", "simultaneous.sh")
	f.start(t)
	db, err := sql.Open("sqlite", f.path("lib/radius.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA busy_timeout = 60000; " + freeradiusHowTo.file(t, "users.sql")); err != nil {
		t.Fatal(err)
	}
	yaml, path := f.configuration(t)
	login := func() int {
		_, status := ringback(t, "maui-1993\n", "aaa", "test", "austin-01", "-c", path)
		return status
	}
	client, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04",
		Servers: []radius.ServerConfig{{Name: "freeradius", Address: f.auth, Accounting: f.acct,
			Secret: aaa.Secret(f.secret)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	account := func(typ aaa.RecordType) {
		err := client.Send(t.Context(), aaa.Record{ID: string(typ), Type: typ, Time: time.Now(), SessionID: "open",
			Entry: "radius", User: "austin-01", Service: aaa.EXEC, TTY: 65})
		if err != nil {
			t.Fatal(err)
		}
	}
	account(aaa.Start)
	if login() == 0 {
		t.Error("austin-01 is admitted while a session of this user is open: Simultaneous-Use is not checked")
	}
	account(aaa.Stop)
	if login() != 0 {
		t.Error("austin-01 is refused when their session has ended")
	}
	playBoth(t, howToTown(t, yaml, freeradiusHowTo.file(t, "policy.yaml"),
		map[string]string{"radius.secret": f.secret}))
	var legs, open int
	eventually(t, "the rows of four legs and one session, all ended", func() bool {
		if err := db.QueryRow("SELECT count(*), count(*) - count(acctstoptime) FROM radacct").Scan(&legs,
			&open); err != nil {
			t.Log(err)
		}
		return legs == 5 && open == 0
	})
}

// RadSec with the certificates that the how-to makes.
func TestPeerHowToFreeRADIUSRadSec(t *testing.T) {
	t.Parallel()
	f := newStockFreeRADIUS(t, "client.sh", "users.sh", "sign.sh", "certificates.sh", "radsec.sh")
	f.start(t)
	yaml, _ := f.configuration(t)
	radsec := strings.ReplaceAll(freeradiusHowTo.file(t, "radsec.yaml"), "192.0.2.1", f.tls) +
		"  lists:\n    login: {default: [radius]}\n"
	files := map[string]string{"ringback.yaml": replaced(t, yaml, radsec, "aaa"),
		"policies.d/default.yaml": freeradiusHowTo.file(t, "policy.yaml")}
	for _, name := range []string{"ca.pem", "maui-nas-04.example.net.pem", "maui-nas-04.example.net.key"} {
		files[name] = readFile(t, f.path(name))
	}
	dir := howToDir(t, files)
	out, status := ringback(t, "maui-1993\n", "aaa", "test", "austin-01", "-c", filepath.Join(dir, "ringback.yaml"))
	if status != 0 || !strings.Contains(out, "decision of group default: call_back") {
		t.Errorf("status %d:\n%s", status, out)
	}
	delete(files, "ringback.yaml")
	delete(files, "policies.d/default.yaml")
	playBoth(t, howToTown(t, radsec, freeradiusHowTo.file(t, "policy.yaml"), files))
}

// skipPeer skips a test if a peer is missing, or fails it if peers are required.
func skipPeer(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

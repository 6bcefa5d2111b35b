package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/pppclient"
)

// begin starts the program and waits until it says a text on standard error. stop sends it a Ctrl-C, waits for its end,
// and returns what it printed.
func begin(t *testing.T, l *lab.Lab, says string, args ...string) (stop func() string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), append(args, "--socket", l.Town().Socket)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(stderr)
	for in.Scan() && in.Text() != says {
		t.Logf("%v: %s", args, in.Text())
	}
	return func() string {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		said := ""
		for in.Scan() {
			said += in.Text() + "\n"
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return out.String() + said
	}
}

// sessionOf returns the line of a user's session of PPP, once its phase is network.
func sessionOf(t *testing.T, l *lab.Lab, user string) (tty string) {
	t.Helper()
	eventually(t, "the session of "+user, func() bool {
		out, status := ringback(t, "", "show", "ppp", "-o", "json", "--socket", l.Town().Socket)
		var all []client.PPPSession
		if err := json.Unmarshal([]byte(out), &all); err != nil || status != 0 {
			t.Fatalf("show ppp: %v, %s", err, out)
		}
		for _, s := range all {
			if s.User == user && s.IPCP == "Opened" {
				text, _ := json.Marshal(s.TTY)
				tty = string(text)
			}
		}
		return tty != ""
	})
	return tty
}

// TestPPPOperator: the operator of a real daemon sees a session and its address, follows a callback with debug and a
// capture, and no password shows. The audit has the capture.
func TestPPPOperator(t *testing.T) {
	t.Parallel()
	l := pppTown(t, http.NotFoundHandler())
	lines, err := l.Client().Lines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var captures []func() string
	dir := t.TempDir()
	for _, line := range lines {
		tty, _ := json.Marshal(line.TTY)
		captures = append(captures, begin(t, l, "capturing PPP on line "+string(tty)+"; Ctrl-C ends", "ppp", "capture",
			string(tty), "-w", filepath.Join(dir, string(tty)+".pcap")))
	}
	debug := begin(t, l, "debugging ppp cbcp ppp authentication ppp negotiation; Ctrl-C ends", "debug", "ppp", "cbcp",
		"authentication", "negotiation")

	kim := sitDown(t, l, "kihei-03")
	kim.enter("atdt 55555")
	kim.see("CONNECT")
	config := pppclient.Config{User: "kim", Password: "lanai-ppp", Callback: pppclient.Callback{Kind: pppclient.CBCP}}
	promise, err := kim.client(config).Login(t.Context())
	if err != nil || promise == nil {
		t.Fatalf("no callback: %+v, %v", promise, err)
	}
	kim.answer()
	host, network := kim.online(kim.client(pppclient.Config{User: "kim", Password: "lanai-ppp"}))
	tty := sessionOf(t, l, "kim")
	shows(t, l, []string{"line " + tty + ": PPP of kim", "leg 2", "IPCP           Opened",
		"address        " + network.Address.String() + ", ours 10.8.0.1", "DNS            192.0.2.53", "MRU 1500"},
		"show", "ppp", tty)
	shows(t, l, []string{"kim   network"}, "show", "ppp")
	shows(t, l, []string{"dialin  IPv4     2     1", network.Address.String() + "  "}, "show", "ppp", "pools")
	kim.leave(host)
	shows(t, l, []string{"Tty  User  Phase"}, "show", "ppp")

	lived := debug()
	for _, want := range []string{"LCP: I CONFREQ [", "MCB: O Request id 1 len", "MCB: O Ack id 1 len",
		"PPP: Phase is UP", "IPCP: I CONFREQ ["} {
		if !strings.Contains(lived, want) {
			t.Errorf("debug has no %q:\n%s", want, lived)
		}
	}
	shown := lived
	for _, stop := range captures {
		shown += stop()
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pcap"))
	if err != nil || len(files) != len(lines) {
		t.Fatalf("%v, %v", files, err)
	}
	named := false
	for _, file := range files {
		shown += readFile(t, file)
		named = named || cbcpNamed(t, file)
	}
	if !named {
		t.Error("tshark finds no CBCP in the captures")
	}
	if strings.Contains(shown, "lanai-ppp") {
		t.Error("the password is shown")
	}
	captured(t, l, len(lines))
}

// shows runs a command and expects texts in its output.
func shows(t *testing.T, l *lab.Lab, want []string, args ...string) {
	t.Helper()
	out, status := ringback(t, "", append(args, "--socket", l.Town().Socket)...)
	for _, w := range want {
		if status != 0 || !strings.Contains(out, w) {
			t.Errorf("%v: status %d, no %q in\n%s", args, status, w, out)
		}
	}
}

// cbcpNamed reports whether tshark names CBCP in a file; without tshark, whether the file has it.
func cbcpNamed(t *testing.T, file string) bool {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs tshark: apt-get install tshark")
		}
		return strings.Contains(readFile(t, file), "\xff\x03\xc0\x29")
	}
	out, err := exec.CommandContext(t.Context(), tshark, "-r", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(out), "PPP CBCP")
}

// captured expects the begin and the end of captures in the daemon's audit.
func captured(t *testing.T, l *lab.Lab, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kinds := map[string]int{}
	eventually(t, "the captures in the audit", func() bool {
		r, err := sqlite.OpenReader(ctx, filepath.Join(l.Dir(), "state", "journal.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		audit, _, err := r.AuditTail(ctx, 1000)
		if err != nil {
			t.Fatal(err)
		}
		clear(kinds)
		for _, a := range audit {
			if strings.HasPrefix(a.Who, "uid ") {
				kinds[a.Kind]++
			}
		}
		return kinds["ppp capture ended"] == n
	})
	if kinds["ppp capture started"] != n {
		t.Errorf("audit: %v", kinds)
	}
}

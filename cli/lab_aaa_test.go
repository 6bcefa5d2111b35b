package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tq "github.com/facebookincubator/tacquito"

	"github.com/ringback/ringback/lab/servers"
)

const testYourNAS = "../docs/how-to/test-your-nas.md"

// labServer is a `ringback lab aaa` under test.
type labServer struct {
	t       *testing.T
	cancel  context.CancelFunc
	done    chan error
	mu      sync.Mutex
	out     bytes.Buffer
	changed chan struct{} // has one element if out has grown
}

func (s *labServer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return s.out.Write(b)
}

func (s *labServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// sees blocks until the output matches.
func (s *labServer) sees(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.After(patience); ; {
		if m := re.FindString(s.said()); m != "" {
			return m
		}
		select {
		case <-s.changed:
		case err := <-s.done:
			s.t.Fatalf("it ended: %v\n%s", err, s.said())
		case <-end:
			s.t.Fatalf("it never said %s:\n%s", pattern, s.said())
		}
	}
}

// ends sends Ctrl-C and waits.
func (s *labServer) ends() string {
	s.t.Helper()
	s.cancel()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("lab aaa: %v", err)
		}
	case <-time.After(patience):
		s.t.Fatal("it does not end")
	}
	return s.said()
}

// startLabAAA runs the command on free ports and returns its addresses by server.
func startLabAAA(t *testing.T, args ...string) (*labServer, map[string]string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &labServer{t: t, cancel: cancel, done: make(chan error, 1), changed: make(chan struct{}, 1)}
	t.Cleanup(cancel)
	c := newLabAAA()
	c.SetArgs(append(args, "--auth-port=0", "--acct-port=0", "--tacacs-port=0", "--radsec-port=0",
		"--tacacs-tls-port=0"))
	c.SetOut(s)
	c.SilenceUsage, c.SilenceErrors = true, true
	go func() { s.done <- c.ExecuteContext(ctx) }()
	s.sees(`ready; Ctrl-C ends\n|"network":"[a-z]+".*\n`)
	at := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\S.*?)  +(?:udp|tcp|tls) (\S+)`).FindAllStringSubmatch(s.said(), -1) {
		at[m[1]] = m[2]
	}
	return s, at
}

// sample converts a sample of output to a pattern in which … matches anything.
func sample(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "…" {
			lines = append(lines, `(?s:.*)`)
			continue
		}
		var parts []string
		for _, p := range strings.Split(line, "…") {
			parts = append(parts, regexp.QuoteMeta(p))
		}
		lines = append(lines, strings.Join(parts, ".*"))
	}
	return strings.Join(lines, `\n(?s:.*)`)
}

// TestPeerTestYourNASHowTo runs the commands of docs/how-to/test-your-nas.md on free ports and compares their
// output with the samples in it.
func TestPeerTestYourNASHowTo(t *testing.T) {
	needs(t, "radclient", "freeradius-utils")
	doc := readFile(t, testYourNAS)
	dir := t.TempDir()
	for _, name := range []string{"users", "tac_plus.conf"} {
		text := readFile(t, "../testdata/peers/test-your-nas/"+name)
		if !strings.Contains(doc, "\n```\n"+text+"```\n") {
			t.Errorf("%s does not quote testdata/peers/test-your-nas/%s as it is", testYourNAS, name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("a-secret-for-tests-only\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var server, first *labServer
	var at map[string]string
	documented := map[string]string{"RADIUS authentication": "127.0.0.1:1812", "RADIUS accounting": "127.0.0.1:1813",
		"TACACS+": "127.0.0.1:4949"}
	runs := 0
	for _, m := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(doc, -1) {
		for _, step := range strings.Split(strings.TrimPrefix(m[1], "$ "), "\n$ ") {
			command, want, _ := strings.Cut(step, "\n")
			runs++
			var got string
			if args, ok := strings.CutPrefix(command, "ringback lab aaa "); ok {
				if server != nil && server != first {
					server.ends()
				}
				server, at = startLabAAA(t, words(args)...)
				if first == nil {
					first = server
				}
				got = server.said()
				for name, address := range at {
					got = strings.ReplaceAll(got, address+" ", documented[name]+" ")
				}
			} else {
				for name, address := range at {
					command = strings.ReplaceAll(command, documented[name], address)
				}
				// radclient's status is 1 for a Reject
				out, _ := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput()
				got = string(out)
			}
			if !regexp.MustCompile(sample(want)).MatchString(got) {
				t.Errorf("%s\n--- does not print as the document says:\n%s\n--- but:\n%s", command, want, got)
			}
		}
	}
	if runs < 10 || first == nil {
		t.Fatalf("only %d commands", runs)
	}
	log := first.ends()
	if server != first {
		server.ends()
	}
	_, lines, _ := strings.Cut(doc, "```log\n")
	lines, _, _ = strings.Cut(lines, "```")
	for line := range strings.Lines(lines) {
		if !regexp.MustCompile(sample(line)).MatchString(log) {
			t.Errorf("the server did not say %s but\n%s", line, log)
		}
	}
	if !strings.Contains(log, "  of them never stopped                  1: s1") || strings.Contains(log, "maui-1993") ||
		strings.Contains(log, "hana-1993") {
		t.Errorf("%s", log)
	}
}

// words splits a command line, which may have "…" quotes only.
func words(s string) (list []string) {
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(s, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

func TestLabAAATACACS(t *testing.T) {
	dir := t.TempDir()
	ca, err := servers.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.WriteFiles(dir, servers.Certificate{Name: "server", Hosts: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	s, at := startLabAAA(t, "--tacacs", "../testdata/peers/test-your-nas/tac_plus.conf", "--users",
		"../testdata/peers/test-your-nas/users",
		"--tls-cert", filepath.Join(dir, "server.pem"), "--tls-key", filepath.Join(dir, "server.key"), "--challenge",
		"More? ")
	if len(at) != 5 {
		t.Fatalf("%v", at)
	}
	c, err := tq.NewClient(tq.SetClientDialer("tcp", at["TACACS+"], []byte("a-secret-for-tests-only")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	version := tq.Version{MajorVersion: tq.MajorVersion, MinorVersion: tq.MinorVersionOne}
	p, err := c.Send(tq.NewPacket(tq.SetPacketHeader(tq.NewHeader(tq.SetHeaderVersion(version),
		tq.SetHeaderType(tq.Authenticate), tq.SetHeaderSeqNo(1), tq.SetHeaderSessionID(7))),
		tq.SetPacketBodyUnsafe(tq.NewAuthenStart(tq.SetAuthenStartType(tq.AuthenTypePAP),
			tq.SetAuthenStartAction(tq.AuthenActionLogin), tq.SetAuthenStartService(tq.AuthenServicePPP),
			tq.SetAuthenStartPort("tty65"), tq.SetAuthenStartRemAddr("84001"), tq.SetAuthenStartUser("austin-01"),
			tq.SetAuthenStartData("maui-1993")))))
	var r tq.AuthenReply
	if err == nil {
		err = tq.Unmarshal(p.Body, &r)
	}
	if err != nil || r.Status != tq.AuthenStatusPass {
		t.Errorf("%v, %v", r.Status, err)
	}
	s.sees(`tacacs\+ <- .* authentication session 00000007 seq 1: START PAP, service ppp: user "austin-01", port "tty65", rem_addr "84001"`)
	s.sees(`tacacs\+ -> .* authentication session 00000007 seq 2: PASS\n`)
	if out := s.ends(); strings.Contains(out, "maui-1993") || !strings.Contains(out, "tacacs+ -> PASS") {
		t.Error(out)
	}
}

func TestLabAAAJSON(t *testing.T) {
	s, _ := startLabAAA(t, "--users", "../lab/files/users", "-o", "json")
	var server labAAAServer
	if err := json.Unmarshal([]byte(strings.SplitN(s.said(), "\n", 2)[0]), &server); err != nil ||
		server.Network != "udp" || len(server.Secret) < 24 {
		t.Fatalf("%+v, %v", server, err)
	}
	conn, err := net.Dial("udp", server.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("no packet")); err != nil {
		t.Fatal(err)
	}
	s.sees(`"note":"not answered: `)
	lines := strings.Split(strings.TrimSpace(s.ends()), "\n")
	var e servers.Event
	var sum labAAASummary
	if err := json.Unmarshal([]byte(lines[2]), &e); err != nil || e.What != "9 octets that are not a RADIUS packet" ||
		e.Sent {
		t.Errorf("%s: %v", lines[2], err)
	}
	if err := json.Unmarshal([]byte(lines[3]), &sum); err != nil || sum.Unanswered != 1 || len(lines) != 4 {
		t.Errorf("%q: %v", lines, err)
	}
}

func TestLabAAAErrors(t *testing.T) {
	const users = "../lab/files/users"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "no server given: use --users FILE (RADIUS)"},
		{[]string{"--users", "nosuch"}, "nosuch: no such file"},
		{[]string{"--users", "../policies/examples/default.yaml"}, "default.yaml:"},
		{[]string{"--tacacs", users}, users + ":4: unknown word austin-01 here"},
		{[]string{"--users", users, "--secret-file", "/dev/null"}, "--secret-file /dev/null: its first line is empty"},
		{[]string{"--users", users, "--drop", "101"}, "--drop 101: must be 0 to 100 (percent)"},
		{[]string{"--users", users, "--tls-cert", "x"}, "--tls-cert and --tls-key must be given together"},
		{[]string{"--users", users, "-o", "yaml"}, "-o yaml: must be table or json"},
		{[]string{"--users", users, "--listen", "192.0.2.250"}, "192.0.2.250"},
	} {
		c := newLabAAA()
		c.SetArgs(append(tt.args, "--auth-port=0", "--acct-port=0", "--tacacs-port=0"))
		var out bytes.Buffer
		c.SetOut(&out)
		c.SilenceUsage, c.SilenceErrors = true, true
		err := c.ExecuteContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
			t.Errorf("%q: %v, want %q; it printed %q", tt.args, err, tt.want, out.String())
		}
	}
	_, at := startLabAAA(t, "--users", users)
	_, port, err := net.SplitHostPort(at["RADIUS authentication"])
	if err != nil {
		t.Fatal(err)
	}
	f := labAAAFlags{users: users, listen: "127.0.0.1", output: "table"}
	fmt.Sscan(port, &f.authPort)
	if err := f.run(t.Context(), &bytes.Buffer{}); err == nil ||
		!strings.Contains(err.Error(), "another server uses it") {
		t.Error(err)
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/servers"
)

// radiusServer serves the sockets, of which either may be nil, with the users of the lab until the end of the test.
func radiusServer(t *testing.T, auth, acct net.PacketConn) *servers.RADIUS {
	t.Helper()
	users, err := servers.ParseUsers(strings.NewReader(readFile(t, "../lab/files/users")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: "the-town's-own-secret-of-30-oct", Users: users})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Serve(ctx, auth, acct) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return r
}

func udpSocket(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// empty discards what has arrived at a socket.
func empty(t *testing.T, c *net.UDPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Read(func(fd uintptr) bool {
			for buf := make([]byte, 4096); ; {
				if _, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT); err != nil {
					return true
				}
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Law 10: a whole callback happens while the accounting server is silent, and the daemon is killed. The next daemon
// delivers all records as soon as the server answers: both legs, each Start before its Stop, and finally the
// Accounting-On of each start.
func TestAccountingIsKept(t *testing.T) {
	t.Parallel()
	auth, acct := udpSocket(t), udpSocket(t) // nothing reads from acct before the daemon is killed
	radiusServer(t, auth, nil)
	l := startTown(t, lab.Options{
		RADIUS: &lab.RADIUS{Auth: auth.LocalAddr().String(), Acct: acct.LocalAddr().String(),
			Secret: "the-town's-own-secret-of-30-oct"},
		Edit: func(name, text string) string {
			return strings.Replace(shortWait(name, text), "timeout: 2s", "timeout: 500ms", 1)
		},
	})
	play(t, l, shipped(t, "no-verify"))
	eventually(t, "the session's end", func() bool {
		users, err := l.Client().Users(t.Context())
		return err == nil && len(users) == 0
	})
	if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.StopDaemon()
	empty(t, acct) // discard what the killed daemon sent
	server := radiusServer(t, nil, acct)
	if err := l.StartDaemon(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	eventually(t, "Accounting-On of the second start", func() bool {
		got = nil
		on := 0
		seen := map[string]bool{}
		for _, r := range server.Records() {
			if key := r.Get("Acct-Session-Id") + r.Get("Acct-Status-Type"); !seen[key] {
				seen[key] = true
				got = append(got, r.Get("Acct-Status-Type")+" "+r.Get("NAS-Port")+" "+r.Get("Acct-Terminate-Cause"))
			}
			if r.Get("Acct-Status-Type") == "Accounting-On" {
				on++
			}
		}
		return on >= 2
	})
	for _, want := range [][2]string{{"Start 65 ", "Stop 65 Callback"}, {"Start 66 ", "Stop 66 Lost-Carrier"}} {
		start, stop := slices.Index(got, want[0]), slices.Index(got, want[1])
		if start < 0 || stop < start {
			t.Errorf("%q, then %q: not so in %q", want[0], want[1], got)
		}
	}
	if len(got) != 6 || got[len(got)-1] != "Accounting-On  " {
		t.Errorf("the records are %q", got)
	}
}

// Law 12: passwords that callers typed and secrets shared with servers are in no log, journal, API response or debug
// stream.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{Edit: func(name, text string) string {
		if name == "ringback.yaml" {
			text = strings.Replace(text, "policies_dir:", "log: {level: debug}\npolicies_dir:", 1)
		}
		return shortWait(name, text)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var heard strings.Builder
	listening := make(chan error, 1)
	go func() {
		listening <- l.Client().Debug(ctx, client.DebugQuery{Topics: client.Topics}, nil,
			func(e client.DebugEvent) { heard.WriteString(e.Text + "\n") })
	}()
	play(t, l, parse(t, login("austin-01", "guess-1492")+"see % Login invalid\nhangup\n-- callback --\nnone\n"))
	play(t, l, shipped(t, "any-number"))
	all, err := l.Client().Callbacks(t.Context(), true)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	detail, err := l.Client().Callback(t.Context(), all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(detail)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-listening; err != nil {
		t.Error(err)
	}
	told := map[string]string{"the debug stream": heard.String(), "the API": string(shown)}
	gather(t, l.Dir(), told)
	if !strings.Contains(told["the debug stream"], "User-Password = [secret]") ||
		!strings.Contains(told["ringback.log"], "austin-02") || len(told["state/journal.db"]) == 0 {
		t.Error("the test looks at too little: a debug stream, a log or a journal is not what it should be")
	}
	for _, secret := range []aaa.Secret{"hana-1993", "guess-1492",
		aaa.Secret(strings.TrimSpace(readFile(t, filepath.Join(l.Dir(), "radius.secret"))))} {
		for where, text := range told {
			if strings.Contains(text, string(secret)) {
				t.Errorf("a secret of %d octets is in %s", len(secret), where)
			}
		}
	}
}

// gather reads the files of a lab, except those that must contain secrets.
func gather(t *testing.T, dir string, into map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		switch name := filepath.Base(path); {
		case name == "users", strings.HasSuffix(name, ".secret"), strings.HasSuffix(name, ".password"):
			return nil
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		into[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

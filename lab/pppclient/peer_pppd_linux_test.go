package pppclient

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lab/pppdtest"
)

// webPage is what the test's web server sends. It has everything that must be escaped.
func webPage() []byte {
	var b []byte
	for i := range 16 << 10 {
		b = append(b, byte(i), byte(i>>8), 0x7e, 0x7d)
	}
	return b
}

const webVariable = "RINGBACK_PPPCLIENT_WEB"

// TestMain is also the web server beside pppd: it ends with its standard input.
func TestMain(m *testing.M) {
	if os.Getenv(webVariable) == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, "web server ready")
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(w, r.Body)
			return
		}
		_, _ = w.Write(webPage())
	}))
}

// shim returns the library for a pppd with a network.
func shim(t *testing.T) string {
	t.Helper()
	lib := pppdtest.Shim(t)
	if _, err := exec.LookPath("ip"); err != nil {
		pppdtest.Without(t, "ip: apt-get install iproute2")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		pppdtest.Without(t, err.Error())
	}
	return lib
}

// server is a pppd that answers, with a web server beside it in its network.
type server struct {
	*exec.Cmd
	log pppdtest.Log
}

// startServer starts pppd and waits until it reads the line. The test ends it.
func startServer(t *testing.T, lib, tty string, options ...string) *server {
	t.Helper()
	const script = `set -e
mount -t tmpfs t /run; mkdir -p /run/lock
mount -t tmpfs t /etc/ppp; touch /etc/ppp/options
for f in pap chap; do printf 'kim\t*\tsesame\t*\n' >/etc/ppp/$f-secrets; chmod 600 /etc/ppp/$f-secrets; done
ip link set lo up
web=$1 lib=$2; shift 2
` + webVariable + `=1 "$web" <&3 &
exec 3<&-
LD_PRELOAD=$lib exec /usr/sbin/pppd "$@"`
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-n", "-m", "sh", "-c", script, "sh", exe, lib, tty, "115200", "local", "nocrtscts",
		"nodetach", "nolock", "debug", "logfd", "2", "10.8.0.1:10.8.0.10", "ms-dns", "192.0.2.53", "ms-dns",
		"192.0.2.54", "+ipv6"}, options...)
	s := &server{Cmd: exec.Command("unshare", args...)}
	s.Stdout, s.Stderr, s.WaitDelay, s.ExtraFiles = &s.log, &s.log, time.Second, []*os.File{in}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	t.Cleanup(func() {
		out.Close()
		_ = s.Process.Signal(unix.SIGTERM)
		_ = s.Wait()
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	s.log.Await(t, "web server ready")
	s.log.Await(t, "Connect: ppp0") // the PTY echoes until then
	return s
}

// TestPeerPPPD: the client at a real pppd that is the server.
func TestPeerPPPD(t *testing.T) {
	lib := shim(t)
	for _, tt := range []struct {
		name    string
		options []string // of pppd
		config  Config
		tells   []string
		noIPv6  string
		err     string
	}{
		{name: "pap", options: []string{"auth", "require-pap"}, tells: []string{"logged in by pap"}},
		{name: "chap", options: []string{"auth", "require-chap"}, tells: []string{"logged in by chap"}},
		{name: "ms-chap-v2", options: []string{"auth", "require-mschap-v2"},
			tells: []string{"logged in by ms-chap-v2"}},
		{name: "eap", options: []string{"auth", "require-eap"}, tells: []string{"logged in by eap"}},
		{name: "no login", options: []string{"noauth"}, tells: []string{"the server does not ask for a login"}},
		{name: "our choice of method", options: []string{"auth"}, config: Config{Methods: []Method{CHAP}},
			tells: []string{"logged in by chap"}},
		{name: "cbcp rejected", options: []string{"auth", "require-chap"}, config: Config{Callback: Callback{Kind: CBCP,
			Number: "84001"}}, tells: []string{"the server does not call back", "logged in by chap"}},
		{name: "challenged again", options: []string{"auth", "require-chap", "chap-interval", "1"},
			tells: []string{"logged in by chap"}},
		{name: "control characters and short MRU", options: []string{"auth", "require-pap", "asyncmap", "a0000",
			"escape", "11,13,ff", "mru", "296", "nopcomp", "noaccomp"}, tells: []string{"logged in by pap"},
			noIPv6: "IPV6CP ended"}, // it needs an MRU of 1280
		{name: "wrong password: pap", options: []string{"auth", "require-pap"}, config: Config{Password: "wrong"},
			err: `pap: the server refused the login: "Login incorrect"`},
		{name: "wrong password: chap", options: []string{"auth", "require-chap"}, config: Config{Password: "wrong"},
			err: `chap: the server refused the login: "Access denied"`},
		{name: "wrong password: ms-chap-v2", options: []string{"auth", "require-mschap-v2"},
			config: Config{Password: "wrong"}, err: `ms-chap-v2: the server refused the login: "E=691 R=1 C=`},
		{name: "no method in common", options: []string{"auth", "require-eap"}, config: Config{Methods: []Method{PAP}},
			err: `the server ended the link: "peer refused to authenticate"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			line, tty, err := pppdtest.OpenPTY()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { line.Close() })
			s := startServer(t, lib, tty, tt.options...)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var told []string
			config := tt.config
			config.User, config.IPv6 = "kim", true
			if config.Password == "" {
				config.Password = "sesame"
			}
			config.Tell = func(text string) { told = append(told, text) }
			c := New(bufio.NewReader(line), line, config)
			p, err := c.Login(ctx)
			if tt.err != "" {
				if err == nil {
					_, err = c.Connect(ctx)
				}
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("%v, must be %s", err, tt.err)
				}
				return
			}
			if err != nil || p != nil {
				t.Fatalf("%+v, %v", p, err)
			}
			n, err := c.Connect(ctx)
			if err != nil {
				t.Fatal(err)
			}
			want := append(append([]string{"link open"}, tt.tells...), "address 10.8.0.10", "IPv6 is up")
			if tt.noIPv6 != "" {
				want = []string{"link open", tt.tells[0], tt.noIPv6, "address 10.8.0.10"}
			}
			if tt.tells[0] == "the server does not call back" {
				want[0], want[1] = want[1], want[0]
			}
			if strings.Join(told, "; ") != strings.Join(want, "; ") {
				t.Errorf("it tells %q, must be %q", told, want)
			}
			if n.String() != "10.8.0.10 (peer 10.8.0.1, DNS [192.0.2.53 192.0.2.54])" || n.ID == n.PeerID ||
				n.PeerID == [8]byte{} {
				t.Errorf("%v, %+v", n, n)
			}
			h, err := c.Online(ctx)
			if err != nil {
				t.Fatal(err)
			}
			fetch(ctx, t, h, netip.MustParseAddr("10.8.0.1"))
			if tt.noIPv6 == "" {
				peer, _ := netip.AddrFromSlice(linkLocal(n.PeerID))
				fetch(ctx, t, h, peer)
			}
			h.Close(ctx)
			if h.Err() != nil || c.in.bad != 0 {
				t.Errorf("%v, %d damaged frames", h.Err(), c.in.bad)
			}
			s.log.Await(t, `LCP terminated by peer (The subscriber hangs up)`)
		})
	}
}

// fetch gets and posts a page.
func fetch(ctx context.Context, t *testing.T, h *Host, from netip.Addr) {
	t.Helper()
	web := &http.Client{Transport: &http.Transport{DialContext: h.DialContext, DisableKeepAlives: true}}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		var body io.Reader
		if method == http.MethodPost {
			body = bytes.NewReader(webPage())
		}
		r, err := http.NewRequestWithContext(ctx, method, "http://"+netip.AddrPortFrom(from, 80).String()+"/", body)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !bytes.Equal(page, webPage()) {
			t.Errorf("%s from %v: %d octets of %d, %v", method, from, len(page), len(webPage()), err)
		}
	}
}

package systemd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manager is systemd's end of the notifications.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

func received(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	data := make([]byte, 4096)
	n, err := c.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(data[:n])
}

func TestNotifications(t *testing.T) {
	c := manager(t)
	t.Setenv("WATCHDOG_USEC", "3000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Watchdog() != 3*time.Second {
		t.Errorf("the watchdog expects a sign every %v", s.Watchdog())
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if v, ok := os.LookupEnv(name); ok {
			t.Errorf("a child process would inherit %s=%s", name, v)
		}
	}
	s.Ready()
	s.Status("2 lines\nREADY=1")
	s.Alive()
	s.Stopping()
	for _, want := range []string{"READY=1", "STATUS=2 lines READY=1", "WATCHDOG=1", "STOPPING=1"} {
		if got := received(t, c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var before, after int64
	for _, at := range []*int64{&before, &after} {
		s.Reloading()
		state, usec, _ := strings.Cut(received(t, c), "\n")
		if n, err := fmt.Sscanf(usec, "MONOTONIC_USEC=%d", at); state != "RELOADING=1" || n != 1 || err != nil {
			t.Errorf("%s and %s: %v", state, usec, err)
		}
	}
	if before <= 0 || after < before {
		t.Errorf("reloads at %d and then %d", before, after)
	}
}

// Without systemd nothing is sent, and nothing fails.
func TestWithoutManager(t *testing.T) {
	var none *Service
	none.Ready()
	none.Reloading()
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	s.Ready()
	s.Alive()
	if s.Watchdog() != 0 || s.Socket("api") != nil || s.Unused("api") != nil {
		t.Errorf("%+v", s)
	}
	s.Close()
}

func TestEnvironment(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		env  map[string]string
		fail string
	}{
		{map[string]string{"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}, ""}, // of another process
		{map[string]string{"WATCHDOG_USEC": "x"}, `$WATCHDOG_USEC is "x"`},
		{map[string]string{"WATCHDOG_USEC": "9223372036854775807"}, "not a number of microseconds"},
		{map[string]string{"LISTEN_PID": "1", "LISTEN_FDS": "1"}, ""},
		{map[string]string{"LISTEN_PID": me, "LISTEN_FDS": "-1"}, `$LISTEN_FDS is "-1"`},
		{map[string]string{"LISTEN_PID": me, "LISTEN_FDS": "1000000"}, "not a number of sockets up to 64"},
		{map[string]string{"LISTEN_PID": me, "LISTEN_FDS": "0"}, ""},
		{map[string]string{"NOTIFY_SOCKET": "/nonexistent/notify"}, "connect to systemd's $NOTIFY_SOCKET"},
	} {
		for name, value := range tt.env {
			t.Setenv(name, value)
		}
		s, err := Open()
		if text := fmt.Sprint(err); tt.fail == "" && err != nil || !strings.Contains(text, tt.fail) {
			t.Errorf("%v: %v, want %q", tt.env, err, tt.fail)
		}
		if err == nil {
			if s.Watchdog() != 0 || len(s.sockets) > 0 {
				t.Errorf("%v: %+v", tt.env, s)
			}
			s.Close()
		}
	}
}

// asActivated is the variable that makes this test binary a service with passed sockets.
const asActivated = "TEST_ACTIVATED"

// TestPassedSockets starts this test binary as systemd starts a service with sockets.
func TestPassedSockets(t *testing.T) {
	if os.Getenv(asActivated) != "" {
		activated()
		return
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	datagrams, err := net.ListenPacket("unixgram", path+"2")
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	for _, tt := range []struct {
		names string
		files []interface{ File() (*os.File, error) }
		want  string
	}{
		{"api", []interface{ File() (*os.File, error) }{l.(*net.UnixListener)}, "api unix " + path + "; <nil>"},
		{"other", []interface{ File() (*os.File, error) }{l.(*net.UnixListener)},
			"none; systemd passes sockets for which there is no use: other (" + path + ")"},
		{"", []interface{ File() (*os.File, error) }{l.(*net.UnixListener)},
			"none; systemd passes sockets for which there is no use: unknown"},
		{"api:api", []interface{ File() (*os.File, error) }{l.(*net.UnixListener), l.(*net.UnixListener)},
			"FileDescriptorName= must be api, once"},
		{"api", []interface{ File() (*os.File, error) }{datagrams.(*net.UnixConn)},
			"descriptor 3 (api) that systemd passes is not a listening socket"},
	} {
		c := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run='^TestPassedSockets$'`,
			os.Args[0])
		c.Env = append(os.Environ(), asActivated+"=1", "LISTEN_FDS="+strconv.Itoa(len(tt.files)),
			"LISTEN_FDNAMES="+tt.names)
		for _, file := range tt.files {
			f, err := file.File()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			c.ExtraFiles = append(c.ExtraFiles, f)
		}
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("%q: %v\n%s\nwant %q", tt.names, err, out, tt.want)
		}
	}
	// the service has closed its copies; the manager's socket still works
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}

func activated() {
	s, err := Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if l := s.Socket("api"); l != nil {
		fmt.Printf("api %s %s; %v\n", l.Addr().Network(), l.Addr(), s.Unused("api"))
		l.Close()
		return
	}
	fmt.Println("none;", s.Unused("api"))
}

package lab

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// controlled makes a town without a daemon and serves its control socket.
func controlled(t *testing.T) (*Lab, Town) {
	t.Helper()
	l := mustBuild(t, Options{Dir: t.TempDir()})
	town := Town{Control: filepath.Join(l.dir, "lab.sock")}
	lis, err := listenUnix(town.Control)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.logs = append(l.logs, lis)
	l.wg.Go(func() { l.serveControl(ctx, lis) })
	return l, town
}

// expect reads until text comes.
func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	var got strings.Builder
	in := bufio.NewReader(io.TeeReader(c, &got))
	for !strings.Contains(got.String(), text) {
		if _, err := in.ReadByte(); err != nil {
			t.Fatalf("%q before %q: %v", got.String(), text, err)
		}
	}
}

// Two subscribers at two PCs talk to each other. A PC in use is refused, and free again when its user has left.
func TestCall(t *testing.T) {
	_, town := controlled(t)
	ctx := t.Context()
	one, err := Call(ctx, town, "austin-01")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := Call(ctx, town, "austin-02")
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	io.WriteString(two, "ats0=1\r")
	expect(t, two, "OK")
	io.WriteString(one, "atdt84002\r")
	expect(t, one, "CONNECT")
	expect(t, two, "CONNECT")
	io.WriteString(one, "aloha")
	expect(t, two, "aloha")

	if _, err := Call(ctx, town, "austin-01"); err == nil ||
		!strings.Contains(err.Error(), "the PC of austin-01 is in use: use another of austin-01, austin-02, kihei-03") {
		t.Errorf("a PC in use: %v", err)
	}
	one.Close()
	expect(t, two, "NO CARRIER")
	deadline := time.Now().Add(time.Minute)
	for {
		again, err := Call(ctx, town, "austin-01")
		if err == nil {
			again.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestCallRefused(t *testing.T) {
	l, town := controlled(t)
	if _, err := Call(t.Context(), town, "hilo-09"); err == nil ||
		err.Error() != `no subscriber "hilo-09": use one of austin-01, austin-02, kihei-03` {
		t.Errorf("%v", err)
	}
	for _, garbage := range []string{"hello\n", "{}\n", "[]\n", strings.Repeat("x", 5000), "\n"} {
		c, err := net.Dial("unix", town.Control)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, garbage)
		if a, err := readAnswer(c); err != nil || a.Error == "" {
			t.Errorf("%.10q: %+v, %v", garbage, a, err)
		}
		c.Close()
	}
	l.Close()
	if _, err := Call(t.Context(), town, "austin-01"); err == nil || !strings.Contains(err.Error(), "still running?") {
		t.Errorf("after the lab's end: %v", err)
	}
}

// The end of the lab ends the connections to its PCs.
func TestCallEnds(t *testing.T) {
	l, town := controlled(t)
	c, err := Call(t.Context(), town, "austin-01")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.Close()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
}

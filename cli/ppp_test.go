package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// oneLine is a daemon with line 65 and nothing else.
type oneLine struct{ api.Daemon }

func (oneLine) Lines() []client.Line { return []client.Line{{TTY: 65}} }

// notifier is a buffer that says when a text was written to it.
type notifier struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wants string
	seen  chan struct{}
}

func (n *notifier) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(b)
	if n.wants != "" && strings.Contains(n.text.String(), n.wants) {
		n.wants = ""
		close(n.seen)
	}
	return len(b), nil
}

func (n *notifier) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// broken is a writer that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// capturing returns a client of a daemon with one line.
func capturing(t *testing.T) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb") // not t.TempDir: the path of a socket is limited to 100 octets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := api.Listen(socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &api.Server{Daemon: oneLine{}, Feed: &api.Feed{}, PPP: api.PPP{Sessions: &pppfront.Sessions{},
		Happened: func(events.Event) {}}}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ServeListener(ctx, l) }()
	t.Cleanup(func() { cancel(); <-ended })
	return client.New(socket)
}

// TestCaptureFile: the file begins when the daemon has accepted the capture, and it ends with Ctrl-C.
func TestCaptureFile(t *testing.T) {
	cl, file := capturing(t), filepath.Join(t.TempDir(), "ppp.pcap")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &captureWriter{file: file, says: &notifier{}, line: 7}
	if err := w.run(t.Context(), cl, false); err == nil || !strings.Contains(err.Error(), "there is no line 7") ||
		readFile(t, file) != "precious" {
		t.Errorf("another line: %v, the file has %q", err, readFile(t, file))
	}
	says := &notifier{wants: "capturing PPP on line 65; Ctrl-C ends\n", seen: make(chan struct{})}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	w = &captureWriter{file: file, says: says, line: 65}
	ended := make(chan error, 1)
	go func() { ended <- w.run(ctx, cl, false) }()
	<-says.seen
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := readFile(t, file); len(got) != 24 || got[20] != 204 {
		t.Errorf("the file has % x", got)
	}
	if got := says.String(); !strings.HasSuffix(got, "\n0 frames captured, 0 lost\n") {
		t.Errorf("%q", got)
	}
	for name, w := range map[string]*captureWriter{
		"no such directory": {file: filepath.Join(t.TempDir(), "no", "ppp.pcap"), says: &notifier{}, line: 65},
		"no space left":     {file: "-", out: broken{}, says: &notifier{}, line: 65},
	} {
		if err := w.run(t.Context(), cl, false); err == nil ||
			!strings.Contains(err.Error(), strings.Replace(name, "directory", "file or directory", 1)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCaptureFrames: frames are written as they come, and the operator hears of lost ones when their number grows.
func TestCaptureFrames(t *testing.T) {
	var out bytes.Buffer
	says := &notifier{}
	w := &captureWriter{out: &out, says: says}
	for _, lost := range []uint64{0, 2, 2, 3} {
		f := client.PPPFrame{Time: time.Unix(1, 0), Out: true, Protocol: 0xc021, Info: []byte{9, 1, 0, 4}, Lost: lost}
		if err := w.frame(f); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() != 4*(16+5+4) || w.frames != 4 || w.lost != 3 {
		t.Errorf("%d octets, %d frames, %d lost", out.Len(), w.frames, w.lost)
	}
	want := "2 frames lost: the capture is not taken fast enough\n1 frame lost: the capture is not taken fast enough\n"
	if got := says.String(); got != want {
		t.Errorf("%q", got)
	}
}

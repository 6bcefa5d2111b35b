package e2e

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// fileServer is a host that callers exchange octets with. After a line "GET n" it sends n octets and closes; after
// "PUT n" and n octets it answers with their SHA-256.
type fileServer struct {
	port int
	wg   sync.WaitGroup
}

// startFileServer serves one port of several addresses until the end of the test.
func startFileServer(t *testing.T, hosts ...string) *fileServer {
	t.Helper()
	s := &fileServer{}
	var listeners []net.Listener
	t.Cleanup(func() {
		for _, l := range listeners {
			l.Close()
		}
		s.wg.Wait()
	})
	for _, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(s.port)))
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		s.port = l.Addr().(*net.TCPAddr).Port
		s.wg.Go(func() { s.accept(l) })
	}
	return s
}

func (s *fileServer) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() {
			defer c.Close()
			serveFile(c)
		})
	}
}

func serveFile(c io.ReadWriter) {
	in := bufio.NewReader(c)
	var command string
	var n int64
	if _, err := fmt.Fscanf(in, "%s %d\n", &command, &n); err != nil {
		return
	}
	switch command {
	case "GET":
		_, _ = io.CopyN(c, testOctets(), n)
	case "PUT":
		sum := sha256.New()
		n, err := io.CopyN(sum, in, n)
		if err != nil {
			fmt.Fprintf(c, "%d octets, then %v\n", n, err)
			return
		}
		fmt.Fprintf(c, "%x\n", sum.Sum(nil))
	}
}

// testOctets are the octets that the server sends, with everything that must be escaped.
func testOctets() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// testSum describes the first n of them as subscriber.sh does.
func testSum(t *testing.T, n int64) string {
	t.Helper()
	sum := sha256.New()
	if _, err := io.CopyN(sum, testOctets(), n); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d octets %x", n, sum.Sum(nil))
}

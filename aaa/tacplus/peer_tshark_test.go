package tacplus_test

import (
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// tap is a connection that records its octets, each Write and each Read as one segment.
type tap struct {
	net.Conn
	pcap *pcap
}

func (c tap) Write(b []byte) (int, error) {
	c.pcap.segment(true, b)
	return c.Conn.Write(b)
}

func (c tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.pcap.segment(false, b[:n])
	}
	return n, err
}

// pcap is one TCP connection as a capture file (Ethernet, IPv4, TCP; without checksums).
type pcap struct {
	mu      sync.Mutex
	octets  []byte
	ours    uint32 // sequence numbers
	theirs  uint32
	streams uint16
}

// open begins another TCP connection.
func (p *pcap) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams++
	p.ours, p.theirs = 1000, 2000
}

func (p *pcap) segment(out bool, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	src, dst, from, to, seq, ack := byte(1), byte(2), 40000+p.streams, uint16(49), &p.ours, p.theirs
	if !out {
		src, dst, from, to, seq, ack = 2, 1, 49, 40000+p.streams, &p.theirs, p.ours
	}
	be := binary.BigEndian
	tcp := be.AppendUint16(be.AppendUint16(nil, from), to)
	tcp = be.AppendUint32(be.AppendUint32(tcp, *seq), ack)
	tcp = append(tcp, 5<<4, 0x18, 0xff, 0xff, 0, 0, 0, 0) // PSH, ACK
	*seq += uint32(len(data))
	ip := append([]byte{0x45, 0}, be.AppendUint16(nil, uint16(20+len(tcp)+len(data)))...)
	ip = append(ip, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, src, 192, 0, 2, dst)
	frame := append([]byte{2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 8, 0}, ip...)
	frame = append(append(frame, tcp...), data...)
	le := binary.LittleEndian
	head := le.AppendUint32(le.AppendUint32(nil, 1), uint32(len(p.octets)))
	head = le.AppendUint32(le.AppendUint32(head, uint32(len(frame))), uint32(len(frame)))
	p.octets = append(append(p.octets, head...), frame...)
}

func (p *pcap) write(t *testing.T, file string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	le := binary.LittleEndian
	head := append(le.AppendUint32(nil, 0xa1b2c3d4), 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	head = le.AppendUint32(le.AppendUint32(head, 65535), 1) // Ethernet
	if err := os.WriteFile(file, append(head, p.octets...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// With the secret, tshark decodes our packets as intended and finds nothing malformed.
func TestPeerTshark(t *testing.T) {
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs tshark: apt-get install tshark")
		}
		t.Skip("needs tshark: apt-get install tshark")
	}
	q := startTacquito(t, nil)
	p := &pcap{}
	cl := clientOf(t, q, tacplus.Config{SystemUser: "ringback",
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			p.open()
			return tap{c, p}, err
		}}, tacplus.ServerConfig{})
	ctx := t.Context()
	r := aaa.Request{Service: aaa.EXEC, User: "fixed", Password: canary, TTY: 65, Caller: "5551"}
	if _, res := cl.Start(ctx, r); res.Kind != aaa.Granted {
		t.Fatal(res.Reason)
	}
	r.Service = aaa.PPP
	if _, res := cl.Start(ctx, r); res.Kind != aaa.Granted {
		t.Fatal(res.Reason)
	}
	r.Password, r.CHAP = "", &aaa.CHAP{ID: 7, Challenge: []byte("01234567"), Response: []byte("0123456789abcdef")}
	cl.Start(ctx, r) // tacquito does not support this, nor the next one
	r.CHAP, r.MSCHAP = nil, &aaa.MSCHAP{Version: 1, ID: 7, Challenge: []byte("01234567"), Response: make([]byte, 49)}
	cl.Start(ctx, r)
	if res := cl.Authorize(ctx, aaaQuestion("show", "version")); res.Kind != aaa.Granted {
		t.Fatal(res.Reason)
	}
	if err := cl.Send(ctx, aaa.Record{ID: "1", Type: aaa.Stop, Time: at, SessionID: "s1", User: "fixed", TTY: 65,
		Cause: aaa.CauseCallback, CallbackNumber: "84001"}); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	file := filepath.Join(t.TempDir(), "tacacs.pcap")
	p.write(t, file)
	out, err := exec.CommandContext(ctx, tshark, "-r", file, "-o", "tacplus.key:"+secret, "-O",
		"tacplus").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{"Authentication type: ASCII", "Authentication type: PAP", "Authentication type: CHAP",
		"Authentication type: MS-CHAP", "Service: PPP", "Remote Address: 5551", "Port: tty65",
		"User: fixed", canary, "service=shell", "cmd=show", "cmd-arg=version", "cmd-arg=<cr>", "task_id=s1",
		"disc-cause=16", "disc-cause-ext=1102", "callback-dialstring=84001", "Flags: 0x04"} {
		if !strings.Contains(text, want) {
			t.Errorf("tshark does not read %q", want)
		}
	}
	if strings.Contains(text, "Malformed") || t.Failed() {
		t.Errorf("tshark read:\n%s", text)
	}
}

func aaaQuestion(words ...string) aaa.Question {
	q := asking("fixed")
	q.Command = words
	return q
}

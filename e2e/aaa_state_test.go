package e2e

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/servers"
)

// tap forwards UDP datagrams to a RADIUS server and back, and records each State.
type tap struct {
	conn   *net.UDPConn
	server netip.AddrPort

	mu     sync.Mutex
	states []string // in both directions
}

func newTap(t *testing.T, server string) *tap {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{conn: conn, server: netip.MustParseAddrPort(server)}
	done := make(chan struct{})
	go func() { defer close(done); p.carry() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return p
}

// carry forwards the datagrams of one client; replies go to the client that sent last.
func (p *tap) carry() {
	var client netip.AddrPort
	buf := make([]byte, 4096)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		p.note(buf[:n])
		to := client
		if from.Port() != p.server.Port() {
			client, to = from, p.server
		}
		p.conn.WriteToUDPAddrPort(buf[:n], to)
	}
}

func (p *tap) note(b []byte) {
	if len(b) < 20 {
		return
	}
	for b = b[20:]; len(b) > 2 && int(b[1]) >= 2 && int(b[1]) <= len(b); b = b[b[1]:] {
		if b[0] == 24 {
			p.mu.Lock()
			p.states = append(p.states, string(b[2:b[1]]))
			p.mu.Unlock()
		}
	}
}

func (p *tap) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states
}

// The State of a challenge returns to the server unchanged, and goes nowhere else: neither it nor the answer to the
// challenge is shown.
func TestStateStaysInside(t *testing.T) {
	t.Parallel()
	s := &aaaServer{t: t}
	s.startRADIUS(townUsers(t, lab.ByRADIUS))
	s.radius.SetFaults(servers.Faults{AskFirst: "Token: "})
	runServer(t, s.radius)
	p := newTap(t, s.radius.AuthAddr())
	l := startTown(t, lab.Options{RADIUS: &lab.RADIUS{Auth: p.conn.LocalAddr().String(), Acct: s.radius.AcctAddr(),
		Secret: aaaSecret},
		Edit: edits(t, configured("log: {level: debug}"))})
	debug := listen(t, l)
	caller := sitDown(t, l, "kihei-03")
	caller.call("paia-04", "hookipa-4")
	caller.see("Token: ")
	const answer = "canary-token-1607"
	caller.enter(answer)
	caller.see(prompt + ">")
	caller.hangUp()
	nobodyOnLine(t, l)
	debug.hears(t, "State = [secret]")
	if err := debug.end(); err != nil {
		t.Error(err)
	}
	states := p.seen()
	if len(states) < 2 || len(states[0]) < 8 || strings.Join(states, "") != strings.Repeat(states[0], len(states)) {
		t.Fatalf("exactly one State must have been received and returned: %q", states)
	}
	out, status := ringback(t, "hookipa-4\n"+answer+"\n", "aaa", "test", "paia-04", "-c", l.Dir()+"/ringback.yaml",
		"--explain", "-o", "json")
	if status != 0 {
		t.Errorf("aaa test: status %d\n%s", status, out)
	}
	told := map[string]string{"the debug stream": debug.soFar(), "the screen": caller.screen.String(), "aaa test": out}
	read(t, l.Dir(), "", told)
	for _, secret := range append(p.seen(), answer) {
		searched(t, told, map[string]string{"State or answer": secret})
	}
}

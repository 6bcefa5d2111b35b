package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/lab"
)

// loginHost is a host that greets each client, answers the line "hello", echoes if configured to, and ends with the
// line "bye".
type loginHost struct {
	port int

	mu   sync.Mutex
	took bytes.Buffer // from all clients
}

const hostGreeting, hostAnswer, hostFarewell = "this is the host", "the host heard you", "the host says good bye"

func startHost(t *testing.T) *loginHost {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &loginHost{port: lis.Addr().(*net.TCPAddr).Port}
	var served sync.WaitGroup
	t.Cleanup(func() { lis.Close(); served.Wait() })
	served.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			served.Go(func() { h.serve(c) })
		}
	})
	return h
}

func (h *loginHost) serve(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	// The client closes first: if the host closed with an octet unread, its kernel would reset the connection.
	defer io.Copy(io.Discard, c)
	io.WriteString(c, hostGreeting+"\r\n")
	buf := make([]byte, 256)
	for all := ""; ; {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.took.Write(buf[:n])
		h.mu.Unlock()
		all += string(buf[:n])
		if i := strings.Index(all, "hello"); i >= 0 {
			all = all[i+5:]
			io.WriteString(c, hostAnswer+"\r\n")
		}
		if strings.Contains(all, "bye") {
			io.WriteString(c, hostFarewell+"\r\n")
			c.(*net.TCPConn).CloseWrite()
			return
		}
	}
}

func (h *loginHost) heard() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.took.String()
}

// hosts allows sessions to connect to hosts.
func hosts(allow ...string) edit {
	return edit{"ringback.yaml", "exec: {callback: true}", fmt.Sprintf("exec: {callback: true, hosts: {allow: [%q]}}",
		strings.Join(allow, `", "`))}
}

// Service-Type Callback-Login-User: leg two connects to Login-IP-Host, over Telnet and over TCP-Clear, with octets in
// both directions, and is accounted. A host that is not listed rejects the login, and nothing is dialed.
func TestCallbackToHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, typed, sent string }{
		{"Telnet", "hello", "hello"},
		// Neither IAC, nor an end of line, nor the escape character has a meaning.
		{"TCP-Clear", "\x00\x01\xff\xff\xf4\r\n\x1e\x1ex\x7f\x80hello",
			"\x00\x01\xff\xff\xf4\r\n\x1e\x1ex\x7f\x80hello"},
	} {
		t.Run(tt.service, func(t *testing.T) {
			t.Parallel()
			host := startHost(t)
			user := func(name string, port int) string {
				return fmt.Sprintf("%s	Cleartext-Password := \"lei-1993\"\n	Service-Type = "+
					"Callback-Login-User, Callback-Number = \"84001\",\n"+
					"	Login-IP-Host = 127.0.0.1, Login-Service = %s, Login-TCP-Port = %d\n", name, tt.service, port)
			}
			l, server := aaaTown(t, lab.ByRADIUS, user("haiku-05", host.port)+user("huelo-06", host.port-1),
				lab.Options{}, waits("1s"), hosts(fmt.Sprint("127.0.0.1:", host.port)))
			p := sitDown(t, l, "austin-01")
			p.call("huelo-06", "lei-1993")
			p.see("% Authorization failed")
			p.hangUp()
			wantDialed(t, l)

			p.promised("haiku-05", "lei-1993")
			p.answer()
			p.login("haiku-05", "lei-1993")
			p.see(hostGreeting)
			if _, err := io.WriteString(p.dte, tt.typed); err != nil {
				t.Fatal(err)
			}
			p.see(hostAnswer)
			p.enter("bye")
			p.see(hostFarewell)
			p.see("NO CARRIER")
			nobodyOnLine(t, l)
			wantDialed(t, l, "84001")
			if got := host.heard(); !strings.Contains(got, tt.sent) {
				t.Errorf("the host has received %q, not %q", got, tt.sent)
			}
			if strings.Contains(p.screen.String(), "maui-nas-04>") {
				t.Error("the caller saw a prompt of the EXEC")
			}
			eventually(t, "the Stop of leg two", func() bool {
				for _, r := range server.radius.Records() {
					if r.Get("Acct-Status-Type") == "Stop" && r.Get("NAS-Port") == "66" {
						if r.Get("Acct-Terminate-Cause") != "Host-Request" ||
							r.Get("Service-Type") != "Callback-Login-User" || r.Get("User-Name") != "haiku-05" {
							t.Errorf("the Stop of leg two: %v", r.Attributes)
						}
						return true
					}
				}
				return false
			})
		})
	}
}

// An autocmd of TACACS+ is leg two's whole session: a command, or a connection to a host.
func TestCallbackToAutocmd(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	profile := func(name, autocmd string) string {
		return fmt.Sprintf("user = %s {\n	login = cleartext \"lei-1993\"\n	service = exec "+
			"{\n		callback-dialstring = 84001\n		autocmd = \"%s\"\n	}\n}\n", name, autocmd)
	}
	users := profile("haiku-05", "show users") + profile("huelo-06", fmt.Sprintf("telnet 127.0.0.1 %d", host.port)) +
		profile("keanae-07", "format flash:")
	l, _ := aaaTown(t, lab.ByTACACS, users, lab.Options{}, waits("1s"), hosts(fmt.Sprint("127.0.0.1:", host.port)))
	p := sitDown(t, l, "austin-01")
	p.call("keanae-07", "lei-1993") // there is no such command: what cannot be executed is not ignored
	p.see("% Authorization failed")
	p.hangUp()
	wantDialed(t, l)

	p.promised("haiku-05", "lei-1993")
	p.answer()
	p.login("haiku-05", "lei-1993")
	p.see("haiku-05  exec")
	p.see("NO CARRIER")

	p.promised("huelo-06", "lei-1993")
	p.answer()
	p.login("huelo-06", "lei-1993")
	p.see(hostGreeting)
	p.enter("bye")
	p.see(hostFarewell)
	p.see("NO CARRIER")
	if strings.Contains(p.screen.String(), "maui-nas-04>") {
		t.Error("the caller saw a prompt of the EXEC")
	}
	wantDialed(t, l, "84001", "84001")
}

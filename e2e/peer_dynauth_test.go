package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// coaSecret is shared by the daemon and the clients that may disconnect and change.
const coaSecret = "what-the-one-who-ends-calls-knows"

// dynauthTown is a lab that uses a FreeRADIUS and accepts Disconnect- and CoA-Requests of the client 127.0.0.1.
func dynauthTown(t *testing.T, all ...edit) (l *lab.Lab, f *aaatest.FreeRADIUS, address string) {
	t.Helper()
	needs(t, "radclient", "freeradius-utils")
	f = aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{
		Users: readFile(t, "testdata/freeradius/users") +
			"\npaia-04	Cleartext-Password := \"hookipa-4\"\n	Service-Type = NAS-Prompt-User\n"})
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "coa.secret"), []byte(coaSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	address = quietPort(t)
	all = append(all, inAAA(fmt.Sprintf("  dynamic_author: {listen: %q, clients: [{source: 127.0.0.1, secret_file: "+
		"coa.secret}]}", address)))
	return startTown(t, lab.Options{Dir: dir, Edit: edits(t, all...), RADIUS: &lab.RADIUS{Auth: f.Auth, Acct: f.Acct,
		Secret: f.Secret}}), f, address
}

// radclient sends a request with FreeRADIUS's client, signed and dated as required, and expects a text in its output.
func radclient(t *testing.T, address, command, secret, attributes, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !strings.Contains(attributes, "Event-Timestamp") {
		attributes += fmt.Sprintf("\nEvent-Timestamp = %d", time.Now().Unix())
	}
	tries, timeout := "1", "0.5"
	if want != "No reply" {
		timeout = "60"
	}
	cmd := exec.CommandContext(ctx, needs(t, "radclient", "freeradius-utils"), "-x", "-r", tries, "-t", timeout,
		address, command, secret)
	cmd.Stdin = strings.NewReader(attributes + "\nMessage-Authenticator = 0x00\n")
	if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), want) { // its status is 1 for a NAK too
		t.Errorf("%s of %q: no %q in\n%s", command, attributes, want, out)
	}
}

// accounted waits for the first record that has all wanted attributes, and returns it.
func accounted(t *testing.T, f *aaatest.FreeRADIUS, want record) (found record) {
	t.Helper()
	eventually(t, fmt.Sprint("a record with ", want), func() bool {
	next:
		for _, r := range readDetail(t, f.Detail) {
			for name, value := range want {
				if r[name] != value {
					continue next
				}
			}
			found = r
			return true
		}
		return false
	})
	return found
}

// A waiting callback is cancelled by the Acct-Multi-Session-Id that the accounting server has: nothing is dialed, and
// afterwards there is nothing left to cancel.
func TestPeerDisconnectCancelsCallback(t *testing.T) {
	t.Parallel()
	l, f, address := dynauthTown(t, waits("4s"))
	p := sitDown(t, l, "austin-01")
	p.promised("austin-01", "maui-1993")
	promised := time.Now()
	multi := accounted(t, f, record{"Acct-Status-Type": "Start", "User-Name": "austin-01"})["Acct-Multi-Session-Id"]
	who := fmt.Sprintf("Acct-Multi-Session-Id = %q", multi)
	radclient(t, address, "disconnect", coaSecret, who, "Received Disconnect-ACK")
	c := onlyCallback(t, l, "the cancelled callback", phase("cancelled"))
	if !strings.Contains(c.Cause, "RADIUS") {
		t.Errorf("its cause %q does not say that it was RADIUS", c.Cause)
	}
	radclient(t, address, "disconnect", coaSecret, who, "Error-Cause = Session-Context-Not-Found")
	elapsed(t, time.Until(promised.Add(6*time.Second)))
	wantDialed(t, l)
	onlyCallback(t, l, "the unchanged callback", phase("cancelled"))
}

// `ringback:callback-delay` delays a callback. Nothing makes one earlier, and the number cannot be changed.
func TestPeerCoADelaysCallback(t *testing.T) {
	t.Parallel()
	l, f, address := dynauthTown(t, waits("3s"))
	p := sitDown(t, l, "austin-01")
	p.promised("austin-01", "maui-1993")
	multi := accounted(t, f, record{"Acct-Status-Type": "Start", "User-Name": "austin-01"})["Acct-Multi-Session-Id"]
	change := func(attribute, want string) {
		t.Helper()
		radclient(t, address, "coa", coaSecret, fmt.Sprintf("Acct-Multi-Session-Id = %q\n%s", multi, attribute), want)
	}
	asked := time.Now()
	change(`Cisco-AVPair = "ringback:callback-delay=6"`, "Received CoA-ACK")
	change(`Cisco-AVPair = "ringback:callback-delay=1"`, "Error-Cause = Administratively-Prohibited")
	change(`Cisco-AVPair = "ringback:callback-delay=0"`, "Received CoA-NAK")
	change(`Callback-Number = "84003"`, "Error-Cause = Administratively-Prohibited")
	p.answer()
	d := lineDials(l)
	if len(d) != 1 || d[0].Number != "84001" || d[0].Time.Before(asked.Add(6*time.Second)) {
		t.Errorf("dialed %+v, must be 84001, 6 s after %v at the earliest", d, asked)
	}
	p.see(prompt + ">")
	p.hangUp()
	onlyCallback(t, l, "the callback's end", phase("completed"))
}

// A session is ended by its Acct-Session-Id: the caller and accounting are told the reason.
func TestPeerDisconnectEndsSession(t *testing.T) {
	t.Parallel()
	l, f, address := dynauthTown(t)
	p := sitDown(t, l, "austin-02")
	p.call("paia-04", "hookipa-4")
	p.see(prompt + ">")
	id := accounted(t, f, record{"Acct-Status-Type": "Start", "User-Name": "paia-04"})["Acct-Session-Id"]
	radclient(t, address, "disconnect", coaSecret, fmt.Sprintf("User-Name = \"paia-04\"\nAcct-Session-Id = %q", id),
		"Received Disconnect-ACK")
	p.see("Disconnected by the administrator")
	p.see("NO CARRIER")
	accounted(t, f, record{"Acct-Status-Type": "Stop", "Acct-Session-Id": id, "Acct-Terminate-Cause": "Admin-Reset"})
	nobodyOnLine(t, l)
}

// A request without authorization, or a replayed one, changes nothing and learns nothing.
func TestPeerDynAuthRefused(t *testing.T) {
	t.Parallel()
	l, _, address := dynauthTown(t, waits("30s"))
	debug := listen(t, l)
	p := sitDown(t, l, "austin-01")
	p.promised("austin-01", "maui-1993")
	const user = `User-Name = "austin-01"`
	for _, tt := range []struct{ secret, also, why string }{
		{"another secret of some length", "", "wrong Request Authenticator"},
		{coaSecret, "\nPacket-Src-IP-Address = 127.0.0.2", "not a client"},
		{coaSecret, fmt.Sprintf("\nEvent-Timestamp = %d", time.Now().Add(-time.Hour).Unix()), "Event-Timestamp"},
	} {
		radclient(t, address, "disconnect", tt.secret, user+tt.also, "No reply")
		debug.hears(t, tt.why)
	}
	onlyCallback(t, l, "the unchanged callback", phase("waiting"))

	good := disconnectRequest("austin-01")
	first := sendRaw(t, address, good)
	if reply := first(true); reply != 41 { // Disconnect-ACK
		t.Fatalf("the first is answered with code %d", reply)
	}
	onlyCallback(t, l, "the cancelled callback", phase("cancelled"))
	p.promised("austin-01", "maui-1993")
	if reply := sendRaw(t, address, good)(false); reply != 0 {
		t.Errorf("a replay is answered with code %d", reply)
	}
	debug.hears(t, "replay: ")
	if reply := first(true); reply != 41 { // a retransmission: the same answer again, and nothing else
		t.Errorf("a retransmission is answered with code %d", reply)
	}
	callbackOf(t, l, "the second callback waits and the first is cancelled",
		func(all []client.Callback) (client.Callback, bool) {
			return all[0], len(all) == 2 && all[0].Phase == "waiting" && all[1].Phase == "cancelled"
		})
	wantDialed(t, l)
}

// sendRaw returns a function that sends the octets from its own port at each call, and returns the code of the reply: 0
// if there is none, which takes a while.
func sendRaw(t *testing.T, address string, packet []byte) func(patient bool) byte {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func(patient bool) byte {
		t.Helper()
		wait := 500 * time.Millisecond
		if patient {
			wait = patience
		}
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(wait))
		reply := make([]byte, 4096)
		if n, err := conn.Read(reply); err != nil || n < 20 {
			return 0
		}
		return reply[0]
	}
}

// disconnectRequest makes one (RFC 5176 §3.1) with User-Name, Event-Timestamp and Message-Authenticator.
func disconnectRequest(user string) []byte {
	b := append(make([]byte, 20), 1, byte(2+len(user)))
	b = append(b, user...)
	b = binary.BigEndian.AppendUint32(append(b, 55, 6), uint32(time.Now().Unix()))
	b = append(b, 80, 18)
	b = append(b, make([]byte, 16)...)
	b[0], b[1] = 40, 7
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	mac := hmac.New(md5.New, []byte(coaSecret))
	mac.Write(b) // the authenticator is still 16 zeros, and so is the attribute
	copy(b[len(b)-16:], mac.Sum(nil))
	sum := md5.Sum(append(b[:len(b):len(b)], coaSecret...))
	copy(b[4:20], sum[:])
	return b
}

package radius_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa/radius"
)

// radclient sends one request with FreeRADIUS's client and returns its output.
func radclient(t *testing.T, address, command, key, attributes string) string {
	t.Helper()
	program, err := exec.LookPath("radclient")
	if err != nil {
		const needs = "needs radclient: apt-get install freeradius-utils"
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(needs)
		}
		t.Skip(needs)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-x", "-r", "1", "-t", "3", address, command, key)
	cmd.Stdin = strings.NewReader(attributes)
	out, _ := cmd.CombinedOutput() // exit status 1 also means a NAK
	return string(out)
}

// Operators send these requests with radclient; it verifies the authenticators of the replies.
func TestPeerRadclientDynAuth(t *testing.T) {
	t.Parallel()
	tg := &target{n: 1}
	d, err := radius.NewDynAuth(radius.DynAuthConfig{Target: tg, NASIdentifier: func() string { return "maui" },
		Clients: []radius.DynAuthClient{{Name: "radclient", Prefix: netip.MustParsePrefix("127.0.0.1/32"),
			Secret: secret}},
		Trace: func(e radius.Event) { t.Log(e.Server, e.What, strings.Join(e.Lines, ", ")) }})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- d.Serve(ctx, conn) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	at := conn.LocalAddr().String()
	// after the server's start, even if it gets the CPU very late, and within its window
	stamp := fmt.Sprintf("Event-Timestamp = %d\n", time.Now().Add(2*time.Minute).Unix())
	sign := stamp + "Message-Authenticator = 0x00\n"
	for _, tt := range []struct{ command, key, attributes, want string }{
		{"disconnect", secret, `Acct-Session-Id = "s1"` + "\nNAS-IP-Address = 127.0.0.1\n" + sign,
			"Received Disconnect-ACK"},
		{"disconnect", secret, `User-Name = "bob"` + "\nProxy-State = 0x0102\n" + sign, "Proxy-State = 0x0102"},
		{"coa", secret, `Acct-Multi-Session-Id = "m1"` + "\n" + `Cisco-AVPair = "ringback:callback-delay=90"` + "\n" +
			sign, "Received CoA-ACK"},
		{"coa", secret, `Acct-Multi-Session-Id = "m1"` + "\nAscend-Callback-Delay = 90\n" + sign, "Received CoA-ACK"},
		{"coa", secret, `User-Name = "bob"` + "\n" + `Callback-Number = "900"` + "\n" + sign,
			"Error-Cause = Administratively-Prohibited"},
		{"coa", secret, `User-Name = "bob"` + "\nService-Type = Authorize-Only\nState = 0x01\n" + sign,
			"Error-Cause = Unsupported-Service"},
		{"coa", secret, `User-Name = "bob"` + "\nFilter-Id = x\n" + sign, "Error-Cause = Unsupported-Attribute"},
		{"disconnect", secret, `User-Name = "bob"` + "\nNAS-Identifier = \"oahu\"\n" + sign,
			"Error-Cause = NAS-Identification-Mismatch"},
		{"disconnect", secret, `User-Name = "bob"` + "\nMessage-Authenticator = 0x00\n",
			"Error-Cause = Missing-Attribute"},
		{"disconnect", secret, `User-Name = "bob"` + "\n" + stamp, "No reply"},
		{"disconnect", "another secret", `User-Name = "bob"` + "\n" + sign, "No reply"},
	} {
		if got := radclient(t, at, tt.command, tt.key, tt.attributes); !strings.Contains(got, tt.want) {
			t.Errorf("%s of %q: no %q in\n%s", tt.command, tt.attributes, tt.want, got)
		}
	}
	if n := tg.acts(); n != 4 {
		t.Errorf("%d calls of the target, not 4", n)
	}
}

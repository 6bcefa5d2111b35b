package e2e

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/servers"
)

// radsecAuthority makes an authority, and a directory with a client's certificate and the authority's own.
func radsecAuthority(t *testing.T) (ca *servers.Authority, client string) {
	t.Helper()
	ca, err := servers.NewAuthority("the site's authority")
	if err != nil {
		t.Fatal(err)
	}
	client = t.TempDir()
	err = ca.WriteFiles(client, servers.Certificate{Name: "nas", Hosts: []string{"nas.example"}, Client: true})
	if err == nil {
		err = os.Chmod(filepath.Join(client, "nas.key"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ca, client
}

// radsecServers are the peers inside TLS: FreeRADIUS itself, and a proxy in front of it. The detail file is
// FreeRADIUS's in both cases. The proxy acknowledges records without User-Name itself and does not forward them,
// because it routes by User-Name.
var radsecServers = []struct {
	name  string
	on    bool // Accounting-On reaches FreeRADIUS
	start func(t *testing.T, ca *servers.Authority) (f *aaatest.FreeRADIUS, address string)
}{
	{"freeradius", true, func(t *testing.T, ca *servers.Authority) (*aaatest.FreeRADIUS, string) {
		f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: readFile(t, "testdata/freeradius/users"),
			RadSec: ca})
		return f, f.RadSec
	}},
	{"radsecproxy", false, func(t *testing.T, ca *servers.Authority) (*aaatest.FreeRADIUS, string) {
		f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: readFile(t, "testdata/freeradius/users")})
		return f, aaatest.StartRadsecproxy(t, ca, f)
	}},
}

var radsecAddresses = regexp.MustCompile(`(address|accounting): 127\.\S+`)

// toRadSec makes a town of kind radsec use the server at address, with the client certificate in the directory.
func toRadSec(address, client string, all ...edit) func(t *testing.T) func(name, text string) string {
	certificates := "ca_file: " + client + "/ca.pem, cert_file: " + client + "/nas.pem, key_file: " + client +
		"/nas.key, server_name: radius.example"
	return func(t *testing.T) func(name, text string) string {
		also := edits(t, append(all, edit{"ringback.yaml",
			"ca_file: ca.pem, cert_file: ringback.pem, key_file: ringback.key", certificates})...)
		return func(name, text string) string {
			if name == "ringback.yaml" {
				text = radsecAddresses.ReplaceAllString(text, "${1}: "+address)
				text = strings.Replace(text, "  call_check:", "  #call_check:", 1) // these servers do not know lookups
			}
			return also(name, text)
		}
	}
}

// Both scenarios with RADIUS inside TLS, with FreeRADIUS and with radsecproxy; FreeRADIUS records both legs of each.
func TestPeerRadSecScenarios(t *testing.T) {
	t.Parallel()
	for _, server := range radsecServers {
		for _, legs := range bothFreeRADIUSLegs {
			t.Run(server.name+"/"+legs.scenario, func(t *testing.T) {
				t.Parallel()
				ca, client := radsecAuthority(t)
				f, address := server.start(t, ca)
				l := startTown(t, lab.Options{AAA: lab.ByRadSec, Edit: toRadSec(address, client, waits("2s"))(t)})
				play(t, l, shipped(t, legs.scenario))
				wantDialed(t, l, "84001")
				if server.on {
					legs.reconciled(t, f)
				} else {
					legs.legs(t, legs.recorded(t, f, 4))
				}
			})
		}
	}
}

// A server whose certificate another authority signed gets no request: logins fail, the log says what to check, and
// nothing is sent over UDP instead.
func TestPeerRadSecOfAnotherAuthority(t *testing.T) {
	t.Parallel()
	for _, server := range radsecServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			ca, _ := radsecAuthority(t)
			_, trusted := radsecAuthority(t)
			f, address := server.start(t, ca)
			packets := overheard(t, address)
			quick := edit{"ringback.yaml", "transport: tls", "timeout: 500ms\n      retries: 1\n      transport: tls"}
			l := startTown(t, lab.Options{AAA: lab.ByRadSec,
				Edit: toRadSec(address, trusted, quick, configured("login: {failure_delay: 0s, tries: 1}"))(t)})
			// A user of the RADIUS server is unknown to the next method of the list.
			play(t, l, parse(t, login("austin-01", "maui-1993")+
				"see % Login invalid\nsee NO CARRIER\n-- callback --\nnone\n"))
			wantDialed(t, l)
			log := readFile(t, filepath.Join(l.Dir(), "ringback.log"))
			if !strings.Contains(log, "AAA is silent") || !strings.Contains(log, "check ca_file") {
				t.Errorf("the log does not say to check ca_file:\n%s", log)
			}
			if n := packets(); n != 0 {
				t.Errorf("%d packets came over UDP", n)
			}
			if records := readDetail(t, f.Detail); len(records) != 0 {
				t.Errorf("accounting was sent to it: %v", records)
			}
		})
	}
}

// overheard opens the UDP port with the number of a server's TCP port, and returns a function that closes it and counts
// the packets that came.
func overheard(t *testing.T, address string) (packets func() int) {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func() (n int) {
		c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // what came is in the socket already
		for {
			if _, _, err := c.ReadFrom(make([]byte, 4096)); err != nil {
				return n
			}
			n++
		}
	}
}

package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/pppclient"
)

// pppTown is a town with users of PPP and a web server of its own, which they reach as http://10.8.0.1 and, over IPv6,
// as http://[2001:db8:ffff::80].
func pppTown(t *testing.T, web http.Handler) *lab.Lab {
	t.Helper()
	server := httptest.NewServer(web)
	t.Cleanup(server.Close)
	return pppTownOn(t, fmt.Sprintf("netdev: userspace\n  userspace: {services: [{address: 10.8.0.1:80, to: %[1]s}, "+
		"{address: \"[2001:db8:ffff::80]:80\", to: %[1]s}]}", server.Listener.Addr()))
}

// pppTownOn is a town with users of PPP on a network device.
func pppTownOn(t *testing.T, device string) *lab.Lab {
	t.Helper()
	ppp := fmt.Sprintf(`ppp:
  %s
  profiles: [{name: default, address: 10.8.0.1, pool: dialin, ipv6: true, dns: [192.0.2.53]}]
  pools: [{name: dialin, addresses: [10.8.0.10-10.8.0.11], prefixes: ["2001:db8:8::/56"]}]
  filters: [{name: web, in: ["allow tcp 10.8.0.1:80"]}]
`, device)
	edited := edits(t, waits("1s"),
		edit{"users", "# No callback", `paul	Cleartext-Password := "maui-ppp"
	Service-Type = Framed-User

pia	Cleartext-Password := "hana-ppp"
	Service-Type = Framed-User,
	Framed-IP-Address = 10.8.0.10,
	Filter-Id = "web"

vera	Cleartext-Password := "hilo-ppp"
	Service-Type = Framed-User,
	Filter-Id = "mail"

leila	Cleartext-Password := "oahu-ppp"

auto	Cleartext-Password := "molokai-ppp"
	Cisco-AVPair += "shell:autocmd=ppp default"

kim	Cleartext-Password := "lanai-ppp"
	Service-Type = Callback-Framed-User,
	Callback-Number = "84003"

# No callback`},
	)
	return startTown(t, lab.Options{Edit: func(name, text string) string {
		if name == "ringback.yaml" {
			text = replaced(t, text, ppp, "ppp")
		}
		return edited(name, text)
	}})
}

// client returns the PPP client of a PC whose modem has just shown CONNECT.
func (p *pc) client(c pppclient.Config) *pppclient.Client {
	p.t.Helper()
	rest := p.screen.String()[p.seen:]
	p.seen = p.screen.Len()
	c.Tell = func(text string) { p.t.Logf("%s: %s", c.User, text) }
	return pppclient.New(bufio.NewReader(io.MultiReader(strings.NewReader(rest), p.dte)), p.dte, c)
}

// online logs in and connects.
func (p *pc) online(c *pppclient.Client) (*pppclient.Host, pppclient.Network) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	promise, err := c.Login(ctx)
	if err != nil || promise != nil {
		p.t.Fatalf("login: %v, callback %+v", err, promise)
	}
	network, err := c.Connect(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	h, err := c.Online(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return h, network
}

// leave ends the link and waits for the end of the call.
func (p *pc) leave(h *pppclient.Host) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	h.Close(ctx)
	p.see("NO CARRIER")
}

// logged waits until the daemon's log has a text.
func logged(t *testing.T, l *lab.Lab, text string) {
	t.Helper()
	eventually(t, text+" in the daemon's log", func() bool {
		return strings.Contains(readFile(t, filepath.Join(l.Dir(), "ringback.log")), text)
	})
}

// fetch gets a page over the link.
func fetch(t *testing.T, h *pppclient.Host, url string) ([]byte, error) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: h.DialContext, DisableKeepAlives: true}, Timeout: patience}
	r, err := c.Get(url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// TestPPP: PPP callers of the real daemon get addresses and fetch a page, one of them on a callback that it asked for
// by CBCP. A reload in between changes the pool, and no session.
func TestPPP(t *testing.T) {
	t.Parallel()
	page := make([]byte, 64<<10)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(page)
	l := pppTown(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(page) }))
	fetched := func(h *pppclient.Host, url string) {
		t.Helper()
		got, err := fetch(t, h, url)
		if err != nil || sha256.Sum256(got) != sha256.Sum256(page) {
			t.Errorf("%d octets, %v", len(got), err)
		}
	}

	paul := sitDown(t, l, "austin-01")
	paul.enter("atdt 55555")
	paul.see("CONNECT")
	one, network := paul.online(paul.client(pppclient.Config{User: "paul", Password: "maui-ppp", IPv6: true}))
	if network.Address != netip.MustParseAddr("10.8.0.10") || network.Peer != netip.MustParseAddr("10.8.0.1") ||
		len(network.DNS) != 1 || network.ID == [8]byte{} {
		t.Errorf("%+v", network)
	}
	fetched(one, "http://10.8.0.1/")

	pia := sitDown(t, l, "austin-02")
	pia.enter("atdt 55555")
	pia.see("CONNECT")
	refused := pia.client(pppclient.Config{User: "pia", Password: "hana-ppp"})
	if _, err := refused.Login(t.Context()); err == nil {
		_, err = refused.Connect(t.Context())
		if err == nil {
			t.Error("an address in use was given to a second caller")
		}
	}
	pia.see("NO CARRIER")
	logged(t, l, `address 10.8.0.10 is in use by \"paul\" on tty `)

	change(t, l, "ringback.yaml", "10.8.0.10-10.8.0.11", "10.8.0.20-10.8.0.21")
	reload(t, l, "reloaded")
	fetched(one, "http://[2001:db8:ffff::80]/")

	kim := sitDown(t, l, "kihei-03")
	kim.enter("atdt 55555")
	kim.see("CONNECT")
	promise, err := kim.client(pppclient.Config{User: "kim", Password: "lanai-ppp",
		Callback: pppclient.Callback{Kind: pppclient.CBCP}}).Login(t.Context())
	if err != nil || promise == nil {
		t.Fatalf("no callback: %+v, %v", promise, err)
	}
	kim.answer()
	two, network := kim.online(kim.client(pppclient.Config{User: "kim", Password: "lanai-ppp"}))
	if network.Address != netip.MustParseAddr("10.8.0.20") {
		t.Errorf("after the reload: %+v", network)
	}
	fetched(two, "http://10.8.0.1/")
	kim.leave(two)
	eventually(t, "the callback's end", func() bool {
		all, err := l.Client().Callbacks(t.Context(), true)
		return err == nil && len(all) == 1 && all[0].Phase == "completed"
	})
	paul.leave(one)

	pia.enter("atdt 55555") // the address is free, though no pool has it any more
	pia.see("CONNECT")
	three, network := pia.online(pia.client(pppclient.Config{User: "pia", Password: "hana-ppp"}))
	if network.Address != netip.MustParseAddr("10.8.0.10") {
		t.Errorf("%+v", network)
	}
	fetched(three, "http://10.8.0.1/")
	pia.leave(three)

	kim.enter("atdt 55555")
	kim.see("CONNECT")
	if _, err := kim.client(pppclient.Config{User: "vera", Password: "hilo-ppp"}).Login(t.Context()); err == nil {
		t.Error("a user with an unknown filter was admitted")
	}
	kim.see("NO CARRIER")
	logged(t, l, `Filter-Id \"mail\": no filter has this name; filters: web`)
}

// TestPPPFromTheEXEC: a user of the EXEC changes to PPP on the same call, by the command and by an autocmd.
func TestPPPFromTheEXEC(t *testing.T) {
	t.Parallel()
	l := pppTown(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "aloha") }))
	p := sitDown(t, l, "austin-01")
	for user, password := range map[string]string{"leila": "oahu-ppp", "auto": "molokai-ppp"} {
		p.call(user, password)
		if user == "leila" {
			p.see(prompt)
			p.enter("ppp")
		}
		p.see("Entering PPP mode.\r\n")
		h, _ := p.online(p.client(pppclient.Config{User: user, Password: password}))
		if got, err := fetch(t, h, "http://10.8.0.1/"); err != nil || string(got) != "aloha" {
			t.Errorf("%s: %q, %v", user, got, err)
		}
		p.leave(h)
	}
}

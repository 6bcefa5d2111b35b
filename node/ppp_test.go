package node

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/pool"
	"github.com/ringback/ringback/session/exec"
	pppfront "github.com/ringback/ringback/session/ppp"
)

const pppConfig = `users: [{name: kim, password_file: password}]
aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}
ppp:
  netdev: userspace
  profiles: [{name: default, address: 10.8.0.1, pool: dialin}]
  pools: [{name: dialin, addresses: [10.8.0.10-10.8.0.20]}]
lines:
- {tty: 1, port: "tcp://127.0.0.1:1", autoselect: [ppp], ppp_profile: default}
- {tty: 2, port: "tcp://127.0.0.1:2", autoselect: [dedicated], ppp_profile: default}
- {tty: 3, port: "tcp://127.0.0.1:3"}
`

// TestFrontEnds: each line serves what it is configured for, and a reload changes that for later calls.
func TestFrontEnds(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, pppConfig)
	c, err := newCarrier(cfg.PPP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	front, err := c.frontEnds(cfg, exec.New(cfg.Exec), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	begins := func(front pppfront.Chooser, tty int) string {
		switch first, look := front.Choose(&lines.Call{TTY: tty}); {
		case first == nil && look != nil:
			return "what the caller sends"
		case look != nil:
			return string(first.Service()) + " and look"
		default:
			return string(first.Service())
		}
	}
	for tty, want := range map[int]string{1: "what the caller sends", 2: "ppp", 3: "exec", 4: "exec"} {
		if got := begins(front, tty); got != want {
			t.Errorf("tty %d: %s, want %s", tty, got, want)
		}
	}
	now := configtest.Load(t, strings.NewReplacer("autoselect: [ppp]", "autoselect: [ppp, during_login]",
		`- {tty: 2, port: "tcp://127.0.0.1:2", autoselect: [dedicated], ppp_profile: default}`+"\n", "",
	).Replace(pppConfig))
	after, err := c.frontEnds(now, exec.New(now.Exec), cfg.Lines[1:2], nil)
	if err != nil {
		t.Fatal(err)
	}
	for tty, want := range map[int]string{1: "exec and look", 2: "ppp", 3: "exec"} {
		if got := begins(after, tty); got != want { // tty 2 is removed: its call continues
			t.Errorf("after the reload, tty %d: %s, want %s", tty, got, want)
		}
	}
}

// TestRemovedProfile: a reload cannot remove the profile of a line that it removes too while a call uses it.
func TestRemovedProfile(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, pppConfig)
	now := configtest.Load(t, strings.NewReplacer(", autoselect: [ppp], ppp_profile: default", "",
		`- {tty: 2, port: "tcp://127.0.0.1:2", autoselect: [dedicated], ppp_profile: default}`+"\n", "",
		"name: default", "name: other").Replace(pppConfig))
	if _, err := (carrier{}).frontEnds(now, exec.New(now.Exec), cfg.Lines[1:2], nil); err != nil {
		t.Errorf("nothing uses the line: %v", err)
	}
	_, err := carrier{}.frontEnds(now, exec.New(now.Exec), cfg.Lines[1:2], map[int]bool{2: true})
	if err == nil || err.Error() != `tty 2: there is no profile "default", which the line uses until its calls and `+
		"callbacks have ended (ppp.profiles)" {
		t.Error(err)
	}
}

// TestNoCarrier: without profiles nothing is opened, and what cannot be opened is an error of the start.
func TestNoCarrier(t *testing.T) {
	t.Parallel()
	c, err := newCarrier(configtest.Load(t, strings.ReplaceAll(generationConfig, "METHOD", "radius")).PPP, nil)
	if err != nil || c.device != nil {
		t.Errorf("%v, %v", c, err)
	}
	c.close()
	services := map[netip.AddrPort]netip.AddrPort{{}: {}}
	if _, err := newCarrier(config.PPP{Netdev: config.NetdevUserspace, Pools: &pool.Pools{},
		Reach: netdev.Reach{Services: services}}, nil); err == nil ||
		!strings.HasPrefix(err.Error(), "ppp.netdev: userspace network: service") {
		t.Error(err)
	}
}

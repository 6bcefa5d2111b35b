package node

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/metrics"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/network"
	"github.com/ringback/ringback/ppp/pool"
	"github.com/ringback/ringback/session/exec"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// carrier is what carries the packets of callers, for the life of the process: a reload touches no session.
type carrier struct {
	device    netdev.Network  // nil: none
	addresses *pool.Allocator // the leases of all sessions
	sessions  *pppfront.Sessions
	debug     pppfront.Debug
}

// newCarrier opens the network device. The caller closes the carrier.
func newCarrier(cfg config.PPP, debug pppfront.Debug) (carrier, error) {
	c := carrier{addresses: pool.New(cfg.Pools, time.Now), sessions: &pppfront.Sessions{}, debug: debug}
	var err error
	switch cfg.Netdev {
	case config.NetdevUserspace:
		c.device, err = netdev.NewUserspace(netdev.Options{Reach: cfg.Reach})
	case config.NetdevTUN:
		c.device, err = netdev.NewTUN()
	}
	if err != nil {
		return carrier{}, fmt.Errorf("ppp.netdev: %w", err)
	}
	return c, nil
}

// close ends what callers still have open.
func (c carrier) close() {
	if c.device != nil {
		_ = c.device.Close() // it reports nothing about a session that has not been reported
	}
}

// frontEnds returns the front ends of a configuration. leaving and used are those of build.
func (c carrier) frontEnds(cfg *config.Config, text *exec.FrontEnd, leaving []config.Line, used map[int]bool) (
	pppfront.Chooser, error) {
	lines, err := pppLines(cfg, leaving, used)
	if err != nil {
		return pppfront.Chooser{}, err
	}
	profile := func(tty int) (config.PPPProfile, bool) { return cfg.PPP.Profile(lines[tty].Profile) }
	n := network.New(network.Config{
		Profile: func(tty int) (network.Profile, bool) { p, ok := profile(tty); return p.Network, ok },
		Pools:   cfg.PPP.Pools, Allocator: c.addresses, Filters: cfg.PPP.Filters, Device: c.device,
		Group: func(name string) bool { _, ok := cfg.Policies.Group(name); return ok },
	})
	return pppfront.Chooser{
		Text: text,
		PPP: pppfront.New(pppfront.Config{
			Profile: func(tty int) (pppfront.Profile, bool) { p, ok := profile(tty); return p.Front, ok },
			Network: n, Unservable: n.Unservable, Sessions: c.sessions, Debug: c.debug,
		}),
		Mode: func(tty int) pppfront.Mode { return lines[tty].Mode },
	}, nil
}

// pppLines returns how the lines serve PPP that do. One that was removed keeps its profile as long as it is used.
func pppLines(cfg *config.Config, leaving []config.Line, used map[int]bool) (map[int]config.LinePPP, error) {
	out := map[int]config.LinePPP{}
	for _, l := range leaving {
		switch _, ok := cfg.PPP.Profile(l.PPP.Profile); {
		case l.PPP.Profile == "" || ok:
			out[l.TTY] = l.PPP
		case used[l.TTY]:
			return nil, fmt.Errorf("tty %d: there is no profile %q, which the line uses until its calls and callbacks "+
				"have ended (ppp.profiles)", l.TTY, l.PPP.Profile)
		}
	}
	for i := range cfg.Lines {
		if l := &cfg.Lines[i]; l.PPP != (config.LinePPP{}) {
			out[l.TTY] = l.PPP
		}
	}
	return out, nil
}

// pools returns the use of the address pools.
func (c carrier) pools() (v []metrics.Pool) {
	add := func(name, of string, u pool.Usage) {
		if u.Size > 0 {
			v = append(v, metrics.Pool{Pool: name, Of: of, Size: u.Size, InUse: u.InUse, HeldBack: u.HeldBack,
				Free: u.Free})
		}
	}
	for _, p := range c.addresses.Snapshot().Pools {
		add(p.Name, "IPv4", p.Addresses)
		add(p.Name, "IPv6", p.Prefixes)
	}
	return v
}

package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/config"
)

// names simulates DNS.
func names(_ context.Context, _, host string) ([]netip.Addr, error) {
	a, ok := map[string]string{"near.example": "10.1.2.3", "far.example": "203.0.113.5", "localhost": "127.0.0.1"}[host]
	if !ok {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr(a)}, nil
}

func TestWarnOfCleartext(t *testing.T) {
	r := func(address, accounting, transport string) config.Config {
		return config.Config{RADIUS: radius.Config{Servers: []radius.ServerConfig{{Name: "s", Address: address,
			Accounting: accounting, Transport: transport}}}}
	}
	tac := func(address string, tls *certs.Files) config.Config {
		return config.Config{TACACS: tacplus.Config{Servers: []tacplus.ServerConfig{{Name: "s", Address: address,
			TLS: tls}}}}
	}
	for _, tt := range []struct {
		cfg   config.Config
		warns bool
	}{
		{r("127.0.0.1:1812", "", ""), false}, {r("[::1]:1812", "", ""), false}, {r("localhost:1812", "", ""), false},
		{r("10.0.0.1:1812", "", radius.UDP), false}, {r("172.31.255.255", "", ""), false},
		{r("192.168.1.1", "", ""), false}, {r("near.example", "", ""), false},
		{r("[fd00::1]:1812", "", ""), false}, {r("fe80::1%eth0", "", ""), false}, {r("169.254.0.9", "", ""), false},
		{r("[::ffff:10.0.0.1]:1812", "", ""), false},
		{r("203.0.113.5:1812", "", ""), true}, {r("203.0.113.5", "", radius.UDP), true},
		{r("172.32.0.1", "", ""), true}, {r("[2001:db8::1]:1812", "", ""), true},
		{r("2001:db8::1", "", ""), true}, {r("[::ffff:203.0.113.5]:1812", "", ""), true},
		{r("far.example:1812", "", ""), true},
		{r("10.0.0.1:1812", "203.0.113.5:1813", ""), true}, {r("203.0.113.5:2083", "203.0.113.5:2083", radius.TLS),
			false}, {r("none.example", "", ""), false},
		{tac("127.0.0.1:49", nil), false}, {tac("localhost", nil), false}, {tac("203.0.113.5:300", &certs.Files{}),
			false},
		{tac("10.0.0.1:49", nil), true}, {tac("203.0.113.5", nil), true}, {tac("near.example", nil), true},
	} {
		core, logs := observer.New(zap.WarnLevel)
		(&daemon{cfg: &tt.cfg, log: zap.New(core)}).warnOfCleartext(t.Context(), names)
		if (logs.Len() == 1) != tt.warns || logs.Len() > 1 {
			t.Errorf("%+v %+v: %v", tt.cfg.RADIUS.Servers, tt.cfg.TACACS.Servers, logs.All())
		}
	}
	// One line for each protocol, however many servers.
	cfg := r("203.0.113.5", "", "")
	cfg.RADIUS.Servers = append(cfg.RADIUS.Servers, radius.ServerConfig{Name: "s2", Address: "far.example"},
		radius.ServerConfig{Name: "s3", Address: "10.0.0.1"})
	cfg.TACACS = tac("10.0.0.1", nil).TACACS
	core, logs := observer.New(zap.WarnLevel)
	(&daemon{cfg: &cfg, log: zap.New(core)}).warnOfCleartext(t.Context(), names)
	if all := logs.All(); len(all) != 2 ||
		fmt.Sprint(all[0].ContextMap()["servers"], all[1].ContextMap()["servers"]) != "[s] [s s2]" {
		t.Errorf("%v", logs.All())
	}
}

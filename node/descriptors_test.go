package node

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
)

// TestTooFewDescriptors: the limit is compared with what the lines and the servers can need.
func TestTooFewDescriptors(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Lines: make([]config.Line, 500)}
	if text := tooFewDescriptors(cfg, 1024); !strings.Contains(text, "may open 1024 files") ||
		!strings.Contains(text, "500 lines") || !strings.Contains(text, "LimitNOFILE=1564") {
		t.Errorf("500 lines of 1024: %q", text)
	}
	if text := tooFewDescriptors(cfg, 1564); text != "" {
		t.Errorf("enough: %q", text)
	}
	for _, tt := range []struct {
		netdev string
		lines  int
		want   uint64
	}{
		{config.NetdevTUN, 500, 1564 + 500}, {config.NetdevUserspace, 500, 1564 + 4096},
		{config.NetdevUserspace, 10, 1564 + 10*(64+128)}, {"", 0, 1564},
	} {
		cfg.PPP.Netdev = tt.netdev
		for i := range cfg.Lines {
			cfg.Lines[i].PPP = config.LinePPP{}
			if i < tt.lines {
				cfg.Lines[i].PPP.Profile = "default"
			}
		}
		if got := descriptorsNeeded(cfg); got != tt.want {
			t.Errorf("%d lines with PPP, %s: %d, want %d", tt.lines, tt.netdev, got, tt.want)
		}
	}
}

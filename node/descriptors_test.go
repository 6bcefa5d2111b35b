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
}

package broker_test

import (
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// The log's record of a callback's end says which number was dialed from which line, how often, and how long it all
// took.
func TestLogOfEnd(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	inTown(t, townOptions{attempts: 2, log: zap.New(core)}, func(w *town) {
		p := w.pc(w.home)
		p.login("busy-05")
		p.see("NO CARRIER", time.Minute)
		w.pass(2 * time.Minute)
		ended := logs.FilterMessage("callback ended").All()
		if len(ended) != 1 {
			t.Fatalf("%d records", len(ended))
		}
		got := ended[0].ContextMap()
		for key, want := range map[string]any{
			"callback": w.last().ID, "user": "busy-05", "outcome": "failed", "number": "84010",
			"called_line": int64(65), "line": int64(66), "attempts": int64(2),
		} {
			if got[key] != want {
				t.Errorf("%s: %v, want %v", key, got[key], want)
			}
		}
		// 5 s of forced wait, a busy number, 30 s, a busy number again
		if d, _ := got["duration"].(time.Duration); d < 35*time.Second || d > time.Minute {
			t.Errorf("duration: %v", got["duration"])
		}
	})
}

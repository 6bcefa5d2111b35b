package node

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestRuntimeLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &runtimeLevel{AtomicLevel: zap.NewAtomicLevelAt(zapcore.InfoLevel), configured: zapcore.InfoLevel}
		var over atomic.Int32
		set := func(level string, length time.Duration) {
			t.Helper()
			if _, err := l.set(level, length, func() { over.Add(1) }); err != nil {
				t.Fatal(err)
			}
		}
		want := func(level string, left time.Duration, times int32) {
			t.Helper()
			synctest.Wait()
			v := l.state()
			var until time.Duration
			if v.Until != nil {
				until = time.Until(*v.Until)
			}
			if v.Level != level || v.Configured != "info" || until != left || over.Load() != times ||
				l.Level().String() != level {
				t.Errorf("%+v, %d times over", v, over.Load())
			}
		}
		pass := func(d time.Duration) { <-time.After(d) }
		want("info", 0, 0)
		set("debug", 10*time.Minute)
		want("debug", 10*time.Minute, 0)
		pass(9 * time.Minute)
		want("debug", time.Minute, 0)
		pass(time.Minute)
		want("info", 0, 1)
		set("debug", time.Minute)
		set("warn", 0) // replaces the order that has an end
		pass(time.Hour)
		want("warn", 0, 1)
		set("error", time.Hour)
		set("", time.Minute) // the level of the configuration has no end
		want("info", 0, 1)
		pass(2 * time.Hour)
		want("info", 0, 1)
		if _, err := l.set("verbose", 0, nil); err == nil {
			t.Error("there is a level verbose")
		}
	})
}

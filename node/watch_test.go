package node

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// noticed is a driver that only reports notices.
type noticed struct {
	lines.Driver
	host chan lines.Host
}

func (d noticed) Run(ctx context.Context, h lines.Host, ended func(error)) {
	go func() {
		h.Up(nil)
		d.host <- h
		<-ctx.Done()
		ended(nil)
	}()
}

// TestNoticesAreLoggedOnce: a notice is logged once and not with every change of the line, and so is its end.
func TestNoticesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.InfoLevel)
		pool, driver := lines.NewPool(lines.PoolOptions{}), noticed{host: make(chan lines.Host, 1)}
		if err := pool.Add(&lines.Config{TTY: 65, Port: "pty:///x", Rotary: lines.NoRotary}, driver); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go pool.Run(ctx, nil)
		go watchLines(ctx, pool, events.Log{Logger: zap.New(core)}.Take)
		looked := func() { <-time.After(2 * watchEvery) }
		host := <-driver.host
		host.Notice("caller ID", "the modem refused AT+VCID=1")
		looked()
		host.Signals(lines.DTR)
		looked()
		host.Notice("dcd", "DCD never rises")
		looked()
		host.Notice("caller ID", "")
		looked()
		cancel()
		synctest.Wait()
		var got []string
		for _, e := range logged.All() {
			got = append(got, fmt.Sprintf("%s: %s", e.Message, e.ContextMap()["notice"]))
		}
		want := []string{"line notice: the modem refused AT+VCID=1", "line notice: DCD never rises",
			"line notice cleared: the modem refused AT+VCID=1"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

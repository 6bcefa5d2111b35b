package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
)

// TestLineTableNotices: a line without modem signals is marked, and what is not as it should be stands beside the reason.
func TestLineTableNotices(t *testing.T) {
	all := []client.Line{
		{TTY: 65, State: "idle", Signals: "DTR DSR"},
		{TTY: 66, State: "idle", InBand: true, Notices: []string{"the modem refused AT+VCID=1", "DCD never rises"}},
		{TTY: 67, State: "down", Reason: "unplugged", Notices: []string{"DCD never rises"}},
	}
	var narrow, wide strings.Builder
	lineTable(&narrow, all, false)
	lineTable(&wide, all, true)
	for _, text := range []string{"the modem refused AT+VCID=1; DCD never rises", "unplugged; DCD never rises"} {
		if !strings.Contains(narrow.String(), text) || !strings.Contains(wide.String(), text) {
			t.Errorf("no %q in\n%s%s", text, narrow.String(), wide.String())
		}
	}
	if row := strings.Split(wide.String(), "\n")[2]; !strings.Contains(row, "in-band") || strings.Count(wide.String(), "in-band") != 1 {
		t.Errorf("%s", wide.String())
	}
}

// noticed is a driver that only reports.
type noticed struct {
	lines.Driver
	host chan lines.Host
}

func (d noticed) Run(ctx context.Context, h lines.Host) error {
	h.Up(nil)
	d.host <- h
	<-ctx.Done()
	return nil
}

// TestNoticesAreLoggedOnce: not with every change of the line, and their end too.
func TestNoticesAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.InfoLevel)
		d := &daemon{log: zap.New(core)}
		pool, driver := lines.NewPool(lines.PoolOptions{}), noticed{host: make(chan lines.Host, 1)}
		if err := pool.Add(lines.Config{TTY: 65, Port: "pty:///x", Rotary: lines.NoRotary}, driver); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go pool.Run(ctx, nil)
		go d.watchLines(ctx, pool)
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
		want := []string{"line notice: the modem refused AT+VCID=1", "line notice: DCD never rises", "line notice cleared: the modem refused AT+VCID=1"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

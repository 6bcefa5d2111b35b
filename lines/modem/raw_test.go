package modem

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// raw lets a user at the modem itself, who types, and waits for an answer to each.
func (e *edge) raw(keys ...string) error {
	l, err := e.pool.Acquire(e.t.Context(), lines.Want{Owner: "kim", Role: lines.ForUser, TTYs: []int{1},
		Rotary: lines.NoRotary})
	if err != nil {
		return err
	}
	defer l.Release()
	return l.Raw(e.t.Context(), func(_ context.Context, p lines.Port) error {
		for _, k := range keys {
			if _, err := io.WriteString(p, k); err != nil {
				return err
			}
			<-time.After(20 * time.Second)
		}
		return nil
	})
}

// TestRawLeavesNothing: the user of raw access leaves a call up, with settings under which the modem ignores DTR, sends
// numbers and echoes. Afterwards the line is on hook, and calls and dials as before.
func TestRawLeavesNothing(t *testing.T) {
	atTheEdge(t, exchange.Dialect{}, func(e *edge) {
		e.until(lines.Idle)
		stop := e.watchIdle()
		if err := e.raw("ATE1V0S0=1S2=43&W\r", "ATDT"+homeNumber+"\r"); err != nil {
			t.Fatal(err)
		}
		e.until(lines.Idle)
		if e.line.State() == exchange.Connected {
			t.Error("the call of raw access is up")
		}
		stop()
		if _, code, err := e.dialHome(time.Minute); code != lines.Connected || err != nil {
			t.Errorf("%s, %v", code, err)
		}
	}, withSignals(true))
}

// TestRawInBand: without modem signals there is no raw access, because nothing would prove the hang-up; with
// insecure_signals, the modem gets a new secret.
func TestRawInBand(t *testing.T) {
	atTheEdge(t, exchange.Dialect{}, func(e *edge) {
		e.until(lines.Idle)
		if err := e.raw("AT\r"); err == nil || !strings.Contains(err.Error(), "raw access needs modem signals") {
			t.Error(err)
		}
		e.until(lines.Idle)
	})
	atTheEdge(t, exchange.Dialect{}, func(e *edge) {
		e.until(lines.Idle)
		before, _ := e.proofs.load(1)
		if err := e.raw("ATDT" + homeNumber + "\r"); err != nil {
			t.Fatal(err)
		}
		e.leaves(lines.Leased)
		e.until(lines.Idle)
		now, _ := e.proofs.load(1)
		if len(before.Secrets) != 1 || len(now.Secrets) != 1 ||
			bytes.Equal(before.Secrets[0].Values, now.Secrets[0].Values) {
			t.Errorf("%+v, and before %+v", now, before)
		}
		if e.line.State() == exchange.Connected {
			t.Error("the call of raw access is up")
		}
	}, func(o *Options) { o.Config.InsecureSignals = true })
}

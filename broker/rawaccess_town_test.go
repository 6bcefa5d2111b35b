package broker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// rawTown is a town whose users may have the modems themselves.
func rawTown(o townOptions) townOptions {
	o.policy = func(p *policies.Policy) { p.RawAccess = true }
	return o
}

// raw is raw access of kim to tty 65, under a lease that the test returns.
func (w *town) raw(ctx context.Context, serve func(ctx context.Context, port lines.Port) error) (denied bool,
	err error) {
	w.t.Helper()
	l, err := w.pool.Acquire(ctx, lines.Want{Owner: "kim", Role: lines.ForAdmin, TTYs: []int{65},
		Rotary: lines.NoRotary})
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Release()
	return w.broker.RawAccess(ctx, broker.RawAccess{Identity: aaa.Identity{Entry: "local", User: "kim"}, Lease: l,
		Auth: aaa.Authorization{PrivLevel: 15, DialOut: &aaa.DialOut{}}, From: "192.0.2.7",
		Serve: func(ctx context.Context, port lines.Port) (toModem, toClient uint64, err error) {
			return 3, 4, serve(ctx, port)
		}})
}

// asks sends a command to a modem, and reads its answer up to OK.
func asks(t *testing.T, port lines.Port, command string) string {
	t.Helper()
	if _, err := io.WriteString(port, command+"\r"); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	b := make([]byte, 1)
	for !bytes.Contains(got.Bytes(), []byte("OK\r\n")) {
		n, err := port.Read(b)
		got.Write(b[:n])
		if err != nil {
			t.Fatalf("%q, then %v", got.String(), err)
		}
	}
	return got.String()
}

// TestRawAccess: the user talks to the modem itself; the audit has begin and end; nothing that was set stays.
func TestRawAccess(t *testing.T) {
	inTown(t, rawTown(townOptions{}), func(w *town) {
		before := w.lines[0].Register(7)
		denied, err := w.raw(context.Background(), func(_ context.Context, port lines.Port) error {
			if got := asks(t, port, "ATE1S7=33S2=43I0"); !strings.Contains(got, "OK") {
				t.Errorf("%q", got)
			}
			if all := w.audited("raw access"); len(all) != 1 ||
				!strings.HasSuffix(all[0], ": kim: tty 65, from 192.0.2.7, group default") &&
					!strings.Contains(all[0], "tty 65, from 192.0.2.7, group default") {
				t.Errorf("audit: %q", all)
			}
			if n := w.lines[0].Register(7); n != 33 {
				t.Errorf("S7 is %d", n)
			}
			return nil
		})
		if denied || err != nil {
			t.Fatal(denied, err)
		}
		w.idle(time.Minute)
		if n := w.lines[0].Register(7); n != before {
			t.Errorf("S7 is %d afterwards, and was %d", n, before)
		}
		if all := w.audited("raw access ended"); len(all) != 1 || !strings.Contains(all[0], "the user left, 3 octets") {
			t.Errorf("audit: %q", all)
		}
	})
}

// TestRawAccessEnds: a lockdown and `clear line` end it at once, and under a lockdown none begins.
func TestRawAccessEnds(t *testing.T) {
	inTown(t, rawTown(townOptions{}), func(w *town) {
		waits := func(end func()) error {
			began := make(chan bool)
			go func() { <-began; end() }()
			denied, err := w.raw(context.Background(), func(ctx context.Context, _ lines.Port) error {
				close(began)
				<-ctx.Done()
				return nil
			})
			if denied {
				t.Error("denied:", err)
			}
			w.idle(time.Minute)
			return err
		}
		clear := func() { _ = w.broker.ClearLine(context.Background(), 65, "uid 0") }
		if err := waits(clear); !errors.Is(err, lines.ErrCleared) {
			t.Error(err)
		}
		if err := waits(func() { w.lock(false) }); err == nil || !strings.Contains(err.Error(), "lockdown") {
			t.Error(err)
		}
		denied, err := w.raw(context.Background(), nil)
		if !denied || err == nil || !strings.Contains(err.Error(), "lockdown") {
			t.Error(denied, err)
		}
	})
}

// TestRawAccessDenied: without the policy's permission the modem is not touched.
func TestRawAccessDenied(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		denied, err := w.raw(context.Background(), nil)
		if !denied || err == nil || !strings.Contains(err.Error(), "permits no raw access") {
			t.Error(denied, err)
		}
		if all := w.audited("raw access rejected"); len(all) != 1 {
			t.Errorf("audit: %q", all)
		}
		w.idle(time.Minute)
	})
}

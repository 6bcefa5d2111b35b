package broker_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// TestEveryEventHasASender: an event in the machine's table that the broker never sends would make its rules unused.
func TestEveryEventHasASender(t *testing.T) {
	sent := map[string]bool{}
	for _, path := range goFiles(t, ".") {
		ast.Inspect(parse(t, path), func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok {
				if sel, ok := lit.Type.(*ast.SelectorExpr); ok && fmt.Sprint(sel.X) == "callback" {
					sent[sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	events := 0
	for _, d := range parse(t, "callback/event.go").Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || fn.Name.Name != "input" {
			continue
		}
		events++
		if name := fmt.Sprint(fn.Recv.List[0].Type); !sent[name] {
			t.Errorf("nothing in the broker sends callback.%s", name)
		}
	}
	if events < 15 {
		t.Errorf("found %d events only", events)
	}
}

func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(all) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	return slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Law 9: a port that is lost while its leased line waits costs the callback only time: another line dials.
func TestLineLostInTheWait(t *testing.T) {
	inTown(t, townOptions{lines: 4, forcedWait: time.Minute}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		w.pass(30 * time.Second)
		leased := slices.IndexFunc(w.pool.Lines(), func(s lines.Status) bool { return s.State == lines.Leased })
		if leased < 0 {
			t.Fatalf("no line is leased: %+v", w.pool.Lines())
		}
		w.lines[leased].SetFault(exchange.Fault{Vanished: true})
		p.see("RING", 2*time.Minute)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.lines[leased].SetFault(exchange.Fault{})
		w.idle(10 * time.Minute)
		v := w.last()
		if v.Phase != "completed" || v.Attempts != 1 || len(w.dialed()) != 1 ||
			w.dialed()[0].Modem == w.lines[leased].Name() {
			t.Errorf("phase %s %q, %d attempts, dialed %v", v.Phase, v.Cause, v.Attempts, w.dialed())
		}
		told(t, v.History, "LineLost", "the port ended")
	})
}

// told checks that a callback's history has an event with a text.
func told[H any](t *testing.T, history []H, event, text string) {
	t.Helper()
	if !slices.ContainsFunc(history, func(h H) bool {
		s := fmt.Sprint(h)
		return strings.Contains(s, event) &&
			strings.Contains(s, text)
	}) {
		t.Errorf("the history has no %s with %q: %v", event, text, history)
	}
}

// oddDriver is a modem driver with faults.
type oddDriver struct {
	lines.Driver
	host    func(lines.Host) lines.Host
	probe   func() error
	dial    func() error
	command func() error
}

func (d oddDriver) Run(ctx context.Context, h lines.Host, ended func(error)) {
	if d.host != nil {
		h = d.host(h)
	}
	d.Driver.Run(ctx, h, ended)
}

func (d oddDriver) Probe(ctx context.Context) error {
	if d.probe != nil {
		if err := d.probe(); err != nil {
			return err
		}
	}
	return d.Driver.Probe(ctx)
}

func (d oddDriver) Command(ctx context.Context, fn lines.Script) (lines.ResultCode, error) {
	if d.command != nil {
		if err := d.command(); err != nil {
			return lines.NoResult, err
		}
	}
	return d.Driver.Command(ctx, fn)
}

func (d oddDriver) Dial(ctx context.Context, look lines.MayDial, fn lines.Script) (*lines.Call, lines.ResultCode,
	error) {
	if d.dial != nil {
		if err := d.dial(); err != nil {
			return nil, lines.NoResult, err
		}
	}
	return d.Driver.Dial(ctx, look, fn)
}

// inBandHost is the host of a line whose port is found to have no modem signals, or to have them.
type inBandHost struct {
	lines.Host
	is bool
}

func (h inBandHost) InBand(bool) { h.Host.InBand(h.is) }

// odd adds faults to the driver of one TTY.
func odd(tty int, whims oddDriver) func(int, lines.Driver) lines.Driver {
	return func(n int, d lines.Driver) lines.Driver {
		if n != tty {
			return d
		}
		whims.Driver = d
		return whims
	}
}

// Law 9: a modem that hung while it was idle, or is found hung by its off-hook script, does not dial.
func TestModemHungBeforeTheDial(t *testing.T) {
	noOK := errors.New("no OK within 3s")
	var hung atomic.Bool
	whenHung := func() error {
		if hung.Load() {
			return noOK
		}
		return nil
	}
	for name, tc := range map[string]struct {
		whims oddDriver
		event string
	}{
		"while idle": {whims: oddDriver{probe: whenHung}},
		"before its off-hook": {whims: oddDriver{probe: whenHung,
			command: func() error { hung.Store(true); return noOK }}, event: "LineLost"},
		"off-hook that only fails": {whims: oddDriver{command: func() error { return noOK }}, event: "OffHookEnded"},
	} {
		t.Run(name, func(t *testing.T) {
			hung.Store(name == "while idle")
			inTown(t, townOptions{lines: 3, driver: odd(66, tc.whims)}, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				p.see("RING", 2*time.Minute)
				if s := w.pool.Lines()[1]; name == "while idle" &&
					(s.State != lines.Quarantined || !strings.Contains(s.Reason, noOK.Error())) {
					t.Errorf("%+v", s)
				}
				p.see("maui-nas-04>", time.Minute)
				p.dte.SetDTR(false)
				w.pass(time.Minute)
				want := "tty67"
				if tc.event == "OffHookEnded" {
					want = "tty66"
				}
				v := w.last()
				if d := w.dialed(); v.Phase != "completed" || v.Attempts != 1 || len(d) != 1 || d[0].Modem != want {
					t.Errorf("phase %s %q, %d attempts, dialed %v, want %s", v.Phase, v.Cause, v.Attempts, d, want)
				}
				if tc.event != "" {
					told(t, v.History, tc.event, "no OK within 3s")
				}
			})
		})
	}
}

// Law 2: an attempt that provably called no one is not counted, but the callback does not retry it forever. One row
// describes all of these dials.
func TestHeldBack(t *testing.T) {
	for name, tc := range map[string]struct {
		times int32
		cause error
		want  string
		tells string
	}{
		"a stray ring": {1, lines.ErrRinging, "completed",
			"glare: a call came in just before the dial; the dial command was held back; then dial 84001 on tty66"},
		"a dead modem":  {5, lines.ErrDown, "completed", "the line is down"},
		"rings all day": {1000, lines.ErrRinging, "failed", "held back"},
	} {
		t.Run(name, func(t *testing.T) {
			var dials atomic.Int32
			glare := func() error {
				if dials.Add(1) <= tc.times {
					return fmt.Errorf("%w: %w", lines.ErrHeldBack, tc.cause)
				}
				return nil
			}
			inTown(t, townOptions{lines: 2, driver: odd(66, oddDriver{dial: glare})}, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				p.see("NO CARRIER", time.Minute)
				w.pass(2 * time.Minute)
				v := w.last()
				if v.Phase != tc.want || v.Attempts != 1 || len(v.Attempt) != 1 {
					t.Fatalf("phase %s %q, %d attempts, rows %+v", v.Phase, v.Cause, v.Attempts, v.Attempt)
				}
				a := v.Attempt[0]
				if !strings.Contains(a.Detail, tc.tells) {
					t.Errorf("the attempt's detail: %q", a.Detail)
				}
				if tc.want == "completed" {
					p.see("maui-nas-04>", time.Minute)
					if a.Outcome != "connected" || len(w.dialed()) != 1 {
						t.Errorf("outcome %s, dialed %v", a.Outcome, w.dialed())
					}
				} else if n := dials.Load(); n != 6 || a.Outcome != journal.HeldBack ||
					!strings.Contains(v.Cause, "glare") || len(w.dialed()) != 0 {
					t.Errorf("%d tries, outcome %s, cause %q, dialed %v", n, a.Outcome, v.Cause, w.dialed())
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

// Law 5: the login is never omitted on a line whose modem cannot be trusted, nor on the called line, where the caller
// may still be connected.
func TestLinesThatAskForTheLogin(t *testing.T) {
	inBand := func(ttys ...int) func(int, lines.Driver) lines.Driver {
		return func(n int, d lines.Driver) lines.Driver {
			return oddDriver{Driver: d, host: func(h lines.Host) lines.Host {
				return inBandHost{h,
					slices.Contains(ttys, n)}
			}}
		}
	}
	for name, tc := range map[string]struct {
		o     townOptions
		login bool
		modem string
		tells string
	}{
		"no signals by the configuration": {townOptions{noSignals: true}, true, "tty66", "tty 66 has no modem signals"},
		"no signals by the open port": {townOptions{driver: inBand(66)}, true, "tty66",
			"tty 66 has no modem signals"},
		"one line with signals":       {townOptions{lines: 3, driver: inBand(66)}, false, "tty67", ""},
		"accepted by the operator":    {townOptions{noSignals: true, insecure: true}, false, "tty66", ""},
		"the called line":             {townOptions{lines: 1}, true, "tty65", "tty 65 was called and calls back"},
		"the called line, accepted":   {townOptions{lines: 1, sameLine: true}, false, "tty65", ""},
		"another line goes before it": {townOptions{sameLine: true}, false, "tty66", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, tc.o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				p.see("RING", 2*time.Minute)
				if tc.login {
					p.see("Username: ", time.Minute)
					p.typ("austin-01")
					p.see("Password: ", time.Minute)
					p.typ(password)
				}
				screen := p.see("maui-nas-04>", time.Minute)
				if !tc.login && strings.Contains(screen, "Username") {
					t.Errorf("the login was asked for: %q", screen)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				v := w.last()
				if d := w.dialed(); v.Phase != "completed" || v.NoVerify == tc.login || len(d) != 1 ||
					d[0].Modem != tc.modem {
					t.Errorf("phase %s, no verify %v, dialed %v", v.Phase, v.NoVerify, d)
				}
				if tc.tells != "" {
					told(t, v.History, "Leased", tc.tells)
				}
			})
		})
	}
}

// Law 5: a caller who never hangs up is not admitted without a login, even if the callback needs no verification.
func TestLineHoldWithoutVerification(t *testing.T) {
	inTown(t, townOptions{lines: 1, home: exchange.ModemConfig{HoldsLine: true}}, func(w *town) {
		p := w.pc(w.home)
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		if got, ok := p.await("maui-nas-04>", 10*time.Minute); ok {
			t.Errorf("the attacker has a session without a login: %q", got)
		}
		p.dte.SetDTR(false)
		w.pass(30 * time.Minute)
		if v := w.last(); v.Phase == "completed" || v.Pending() {
			t.Errorf("phase %s", v.Phase)
		}
	})
}

// Law 4: a number that the caller can forge is not called back.
func TestCallerIDWithoutSignals(t *testing.T) {
	for _, tc := range []struct {
		o    townOptions
		want string
	}{
		{townOptions{noSignals: true}, "Callback not available"},
		{townOptions{noSignals: true, insecure: true}, "Callback initiated"},
		{townOptions{}, "Callback initiated"},
	} {
		tc.o.callerID, tc.o.line = true, exchange.ModemConfig{CallerID: true}
		tc.o.user = func(a *aaa.Authorization) { *a = aaa.Authorization{CallerID: true, PrivLevel: 1} }
		inTown(t, tc.o, func(w *town) {
			p := w.pc(w.home)
			p.login("kihei-03")
			p.see(tc.want, time.Minute)
			p.dte.SetDTR(false)
			w.pass(10 * time.Minute)
			if d := w.dialed(); len(d) > 0 && tc.want == "Callback not available" {
				t.Errorf("dialed %v", d)
			}
		})
	}
}

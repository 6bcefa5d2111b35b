package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
)

// fake is a Daemon with one line, one user and one callback.
type fake struct {
	cleared, cancelled chan string
	by                 chan string // the user that cleared a line
}

var created = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func (fake) Lines() []client.Line {
	rotary := 1
	return []client.Line{{TTY: 65, Port: "pty:///x", Modem: "inout", Rotary: &rotary, State: "idle", Since: created}}
}
func (fake) Users() []client.User {
	return []client.User{{TTY: 66, User: "austin-01", Leg: 2, Start: created}}
}
func (fake) Callbacks(_ context.Context, q client.CallbackQuery) ([]client.Callback, int, error) {
	return []client.Callback{{ID: "abc", Phase: "waiting", Number: fmt.Sprintf("%v %d %s", q.All, q.Limit,
		q.Since.UTC().Format(time.RFC3339)), Created: created}}, 7, nil
}
func (fake) ActiveCalls(q client.CallQuery) []client.Call {
	return []client.Call{{ID: fmt.Sprintf("%d %s %s %d", q.Line, q.User, q.Since.UTC().Format(time.RFC3339), q.Last),
		TTY: 65, Direction: "incoming", Start: created}}
}
func (f fake) CallHistory(_ context.Context, q client.CallQuery) ([]client.Call, client.CallsLeftOut, error) {
	return f.ActiveCalls(q), client.CallsLeftOut{Older: q.Line == 65, Damaged: 3}, nil
}
func (fake) Callback(_ context.Context, id string) (client.CallbackDetail, error) {
	if id != "abc" {
		return client.CallbackDetail{}, fmt.Errorf("callback %s: %w", id, ErrNotFound)
	}
	return client.CallbackDetail{Callback: client.Callback{ID: "abc", Created: created}, Policy: "default"}, nil
}
func (f fake) CancelCallback(_ context.Context, id string) error {
	if id != "abc" {
		return errors.New("callback " + id + " is not pending")
	}
	f.cancelled <- id
	return nil
}
func (fake) OrderCallback(_ context.Context, o client.CallbackOrder) (string, error) {
	if o.User == "nobody" {
		return "", errors.New("no callback: no such user")
	}
	return fmt.Sprintf("%s %s %d %s %s", o.User, o.Number, o.Line, o.Service, o.At.UTC().Format(time.TimeOnly)), nil
}

func (f fake) RetryCallback(_ context.Context, id string) error {
	if id != "abc" {
		return fmt.Errorf("callback %s: %w", id, ErrNotFound)
	}
	f.cleared <- "retry " + id
	return nil
}
func (f fake) ClearLine(ctx context.Context, tty int) error {
	if f.by != nil {
		f.by <- By(ctx)
	}
	if tty != 65 {
		return lines.NoLine(tty)
	}
	f.cleared <- fmt.Sprint(tty)
	return nil
}

func (f fake) ClearCounters(ctx context.Context, ttys ...int) (int, error) {
	if len(ttys) == 0 {
		return 3, nil
	}
	if ttys[0] != 65 {
		return 0, lines.NoLine(ttys[0])
	}
	f.cleared <- "counters of 65 by " + By(ctx)
	return 1, nil
}

func (fake) Modems() []client.Modem {
	return []client.Modem{{TTY: 65, State: "idle", Profile: "generic", Init: "ATE0", Answer: "ATA",
		Verify: []client.Register{{Register: 7, Value: 60}}, ResultCodes: []client.ResultCode{}}}
}

func (fake) Rotaries() []client.Rotary {
	return []client.Rotary{{Rotary: 1, Hunt: "linear", Lines: []client.RotaryLine{{TTY: 65, Modem: "inout",
		State: "idle", Leases: 3}}, Queue: []string{"abc"}}}
}

func (fake) Queue() []client.Queued {
	return []client.Queued{{Callback: "abc", User: "austin-01", Number: "84001", Lines: []int{65}, Called: 66,
		Since: created}}
}

func (f fake) BusyOutLine(ctx context.Context, tty int, reason string) error {
	if tty != 65 {
		return lines.NoLine(tty)
	}
	f.cleared <- fmt.Sprintf("%d: %s by %s", tty, reason, By(ctx))
	return nil
}

func (fake) CallSite(context.Context, broker.SiteCall) (*broker.OutCall, error) {
	return nil, errors.New("there is no site")
}

func (f fake) StartChat(ctx context.Context, tty int, script, number string) (client.ChatRun, error) {
	if tty != 65 {
		return client.ChatRun{}, fmt.Errorf("line %d is already in use: in call", tty)
	}
	return client.ChatRun{Line: tty, Script: script, Error: "by " + By(ctx), Transcript: []string{},
		Number: number}, nil
}

func (fake) TestModem(_ context.Context, tty, with int, number string) (client.ModemTest, error) {
	if tty != 65 {
		return client.ModemTest{}, errors.New("the modem test is not allowed")
	}
	return client.ModemTest{ID: "abc", TTY: tty, With: with, Number: number, Started: created, Result: "failed",
		Text: "dial: busy", Blamed: []int{with}}, nil
}

func (fake) RestoreLine(_ context.Context, tty int) error {
	return fmt.Errorf("line %d is not busied out", tty)
}

func (fake) LoginLocks() []client.LoginLock {
	return []client.LoginLock{{Of: "number", Number: "84002", Failures: 30, Until: &created}}
}
func (f fake) ClearLoginLocks(_ context.Context, of string) (int, error) {
	if of == "nobody" {
		return 0, fmt.Errorf("nobody: %w", ErrNotFound)
	}
	f.cleared <- "locks of " + of
	return 2, nil
}

func (fake) Ceilings(context.Context) ([]client.Ceiling, error) {
	return []client.Ceiling{{Scope: "user", Name: "austin-01", Open: 1, AtOnce: 1,
		Reserved: client.Amount{Calls: 1, Failures: 1, Seconds: 3945, Money: "6.75"},
		Periods: []client.Period{{Period: "day", Begin: &created, Used: client.Amount{Calls: 7, Money: "12.00"},
			Limit: client.Amount{Calls: 10, Money: "0.00"}}}}}, nil
}

func (fake) Usage(_ context.Context, from, to time.Time, step string) (client.Usage, error) {
	return client.Usage{Step: step, Limits: []client.UsageLimit{},
		Steps: []client.UsageStep{{Begin: from, Incoming: int64(to.Sub(from).Hours()), Money: "0.00"}}}, nil
}
func (fake) Lockdown() client.Lockdown {
	return client.Lockdown{Active: true, Reason: "fraud", By: "uid 0", Since: &created, OnDisk: true}
}

func (fake) OrderLockdown(_ context.Context, reason string, sessions bool) (client.Lockdown, error) {
	return client.Lockdown{Active: true, Reason: reason, Sessions: sessions}, nil
}

func (fake) LiftLockdown(_ context.Context, reason string) error {
	return errors.New("not lifted: " + reason)
}

func (fake) DrainState() client.Drain {
	return client.Drain{Active: true, Reason: "kernel", By: "uid 0", Since: &created, Calls: 2}
}

func (f fake) Drain(ctx context.Context, reason string, length time.Duration) error {
	if f.cleared != nil {
		f.cleared <- fmt.Sprintf("drain: %s for %v by %s", reason, length, By(ctx))
	}
	return nil
}

func (fake) Undrain(context.Context) error { return errors.New("not drained") }

func (fake) AccessWindows() []client.AccessWindow {
	return []client.AccessWindow{{Group: "vendor", State: "open", Requested: created, Until: &created}}
}

func (fake) OpenAccess(_ context.Context, group string, length time.Duration, reason string) error {
	if length != 4*time.Hour || group != "a/b" || reason != "x & y" {
		return fmt.Errorf("%q %v %q", group, length, reason)
	}
	return nil
}

func (fake) ApproveAccess(_ context.Context, group string, length time.Duration, reason string) error {
	return errors.New("not approved: " + group + ", " + length.String() + ", " + reason)
}

func (fake) CloseAccess(_ context.Context, group, reason string) error {
	return errors.New("not closed: " + group + ", " + reason)
}

// serve runs the API on a socket in a temporary directory.
func serve(t *testing.T, s *Server) (*client.Client, string) {
	t.Helper()
	// Not t.TempDir: the path of a socket is limited to 100 octets.
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "run", "s")
	l, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeListener(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client.New(path), path
}

func TestClient(t *testing.T) {
	f := fake{cleared: make(chan string, 1), cancelled: make(chan string, 1)}
	c, path := serve(t, &Server{Daemon: f, Feed: &Feed{},
		Version: func() client.Version { return client.Version{Version: "1", Started: created} }})
	ctx := t.Context()

	lines, err := c.Lines(ctx)
	if diff := cmp.Diff(f.Lines(), lines); err != nil || diff != "" {
		t.Errorf("Lines: %v\n%s", err, diff)
	}
	users, err := c.Users(ctx)
	if diff := cmp.Diff(f.Users(), users); err != nil || diff != "" {
		t.Errorf("Users: %v\n%s", err, diff)
	}
	if all, err := c.Callbacks(ctx, true); err != nil || all[0].Number != "true 100 0001-01-01T00:00:00Z" {
		t.Errorf("Callbacks: %v %v", all, err)
	}
	q := client.CallbackQuery{Limit: 3, Since: created.In(time.FixedZone("HST", -10*3600))}
	if some, older, err := c.FindCallbacks(ctx, q); err != nil || some[0].Number != "false 3 2026-11-21T10:00:00Z" ||
		older != 7 {
		t.Errorf("FindCallbacks: %v, %d older, %v", some, older, err)
	}
	if d, err := c.Callback(ctx, "abc"); err != nil || d.Policy != "default" || d.ID != "abc" {
		t.Errorf("Callback: %+v %v", d, err)
	}
	var problem *client.Problem
	if _, err := c.Callback(ctx, "nobody"); !errors.As(err, &problem) || problem.Status != http.StatusNotFound ||
		!strings.Contains(err.Error(), "nobody") {
		t.Errorf("Callback of an unknown ID: %v", err)
	}
	calls := client.CallQuery{Line: 65, User: "a & b", Since: created}
	if v, err := c.ActiveCalls(ctx, calls); err != nil || v[0].ID != "65 a & b 2026-11-21T10:00:00Z 0" {
		t.Errorf("ActiveCalls: %+v %v", v, err)
	}
	calls.Last = 7
	if v, left, err := c.CallHistory(ctx, calls); err != nil || v[0].ID != "65 a & b 2026-11-21T10:00:00Z 7" ||
		left != (client.CallsLeftOut{Older: true, Damaged: 3}) {
		t.Errorf("CallHistory: %+v %+v %v", v, left, err)
	}
	if v, left, err := c.CallHistory(ctx, client.CallQuery{}); err != nil || v[0].ID != "0  0001-01-01T00:00:00Z 100" ||
		left.Older {
		t.Errorf("CallHistory: %+v %+v %v", v, left, err)
	}
	if _, _, err := c.CallHistory(ctx, client.CallQuery{Last: client.MaxCalls + 1}); err == nil {
		t.Error("CallHistory of too many")
	}
	if err := c.ClearLine(ctx, 65); err != nil || <-f.cleared != "65" {
		t.Errorf("ClearLine: %v", err)
	}
	if err := c.ClearCounters(ctx, 65); err != nil {
		t.Errorf("ClearCounters: %v", err)
	} else if got := <-f.cleared; !strings.HasPrefix(got, fmt.Sprintf("counters of 65 by uid %d", os.Getuid())) {
		t.Errorf("ClearCounters: %q", got)
	}
	if err := c.ClearCounters(ctx, 7); err == nil || err.Error() != "there is no line 7" {
		t.Errorf("ClearCounters of an unknown line: %v", err)
	}
	if n, err := c.ClearAllCounters(ctx); n != 3 || err != nil {
		t.Errorf("ClearAllCounters: %d, %v", n, err)
	}
	modems, err := c.Modems(ctx)
	if diff := cmp.Diff(f.Modems(), modems); err != nil || diff != "" {
		t.Errorf("Modems: %v\n%s", err, diff)
	}
	rotaries, err := c.Rotaries(ctx)
	if diff := cmp.Diff(f.Rotaries(), rotaries); err != nil || diff != "" {
		t.Errorf("Rotaries: %v\n%s", err, diff)
	}
	queue, err := c.Queue(ctx)
	if diff := cmp.Diff(f.Queue(), queue); err != nil || diff != "" {
		t.Errorf("Queue: %v\n%s", err, diff)
	}
	if err := c.BusyOutLine(ctx, 65, "a & b"); err != nil {
		t.Errorf("BusyOutLine: %v", err)
	} else if got := <-f.cleared; !strings.HasPrefix(got, fmt.Sprintf("65: a & b by uid %d", os.Getuid())) {
		t.Errorf("BusyOutLine: %q", got)
	}
	if err := c.BusyOutLine(ctx, 7, ""); err == nil || err.Error() != "there is no line 7" {
		t.Errorf("BusyOutLine of an unknown line: %v", err)
	}
	run, err := c.StartChat(ctx, 65, "^a+ & b$", "+1 (808) 84001&")
	if err != nil || run.Script != "^a+ & b$" || run.Number != "+1 (808) 84001&" ||
		!strings.HasPrefix(run.Error, fmt.Sprintf("by uid %d", os.Getuid())) {
		t.Errorf("StartChat: %+v %v", run, err)
	}
	if _, err := c.StartChat(ctx, 7, "x", ""); err == nil || err.Error() != "line 7 is already in use: in call" {
		t.Errorf("StartChat on a line in use: %v", err)
	}
	if err := c.RestoreLine(ctx, 65); err == nil || err.Error() != "line 65 is not busied out" {
		t.Errorf("RestoreLine: %v", err)
	}
	if err := c.ClearLine(ctx, 7); err == nil || err.Error() != "there is no line 7" {
		t.Errorf("ClearLine of an unknown line: %v", err)
	}
	if err := c.CancelCallback(ctx, "abc"); err != nil || <-f.cancelled != "abc" {
		t.Errorf("CancelCallback: %v", err)
	}
	order := client.CallbackOrder{User: "a & b", Number: "+1 808", Line: 65, Service: "ppp", At: created}
	if id, err := c.OrderCallback(ctx, order); err != nil || id != "a & b +1 808 65 ppp 10:00:00" {
		t.Errorf("OrderCallback: %q %v", id, err)
	}
	if id, err := c.OrderCallback(ctx, client.CallbackOrder{User: "kim"}); err != nil || id != "kim  0 exec 00:00:00" {
		t.Errorf("OrderCallback: %q %v", id, err)
	}
	if _, err := c.OrderCallback(ctx, client.CallbackOrder{User: "nobody"}); err == nil ||
		err.Error() != "no callback: no such user" {
		t.Errorf("OrderCallback: %v", err)
	}
	if err := c.RetryCallback(ctx, "abc"); err != nil || <-f.cleared != "retry abc" {
		t.Errorf("RetryCallback: %v", err)
	}
	locks, err := c.LoginLocks(ctx)
	ceilings, err2 := c.Ceilings(ctx)
	want, _ := f.Ceilings(ctx)
	if diff := cmp.Diff(want, ceilings); err2 != nil || diff != "" {
		t.Errorf("Ceilings: %v\n%s", err2, diff)
	}
	for step, hours := range map[string]int64{StepHour: 24, StepDay: 31 * 24} {
		if u, err := c.Usage(ctx, created.Add(-time.Hour), created, step); err != nil || u.Steps[0].Incoming != 1 ||
			u.Step != step || !u.Steps[0].Begin.Equal(created.Add(-time.Hour)) {
			t.Errorf("Usage: %+v %v", u, err)
		}
		if u, err := c.Usage(ctx, time.Time{}, time.Time{}, step); err != nil || u.Steps[0].Incoming != hours {
			t.Errorf("Usage of %s without times: %+v %v", step, u, err)
		}
	}
	for _, bad := range []struct {
		from, to time.Time
		step     string
	}{
		{created, created, StepHour}, {created, created.Add(-time.Hour), StepDay}, {created, created.Add(1), "week"},
		{created, created.Add(mostHours + time.Second), StepHour},
		{created, created.Add(mostDays + time.Second), StepDay},
	} {
		if _, err := c.Usage(ctx, bad.from, bad.to, bad.step); err == nil {
			t.Errorf("Usage of %+v is no error", bad)
		}
	}
	if diff := cmp.Diff(f.LoginLocks(), locks); err != nil || diff != "" {
		t.Errorf("LoginLocks: %v\n%s", err, diff)
	}
	for _, of := range []string{"u&all=true", ""} {
		if n, err := c.ClearLoginLocks(ctx, of); n != 2 || err != nil || <-f.cleared != "locks of "+of {
			t.Errorf("ClearLoginLocks %q: %d %v", of, n, err)
		}
	}
	if _, err := c.ClearLoginLocks(ctx, "nobody"); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("ClearLoginLocks of an unknown name: %v", err)
	}
	if v, err := c.Lockdown(ctx); err != nil || v.Reason != "fraud" || v.By != "uid 0" || !v.Active || !v.OnDisk {
		t.Errorf("Lockdown: %+v %v", v, err)
	}
	if v, err := c.OrderLockdown(ctx, "a & b", true); err != nil || v.Reason != "a & b" || !v.Sessions {
		t.Errorf("OrderLockdown: %+v %v", v, err)
	}
	if err := c.LiftLockdown(ctx, "x=y"); err == nil || err.Error() != "not lifted: x=y" {
		t.Errorf("LiftLockdown: %v", err)
	}
	if v, err := c.Drain(ctx, "a & b", 10*time.Minute); err != nil || v.Calls != 2 ||
		!strings.HasPrefix(<-f.cleared, "drain: a & b for 10m0s by uid ") {
		t.Errorf("Drain: %+v %v", v, err)
	}
	if _, err := c.Drain(ctx, "", time.Millisecond); !errors.As(err, &problem) || problem.Status != 422 {
		t.Errorf("Drain for a millisecond: %v", err)
	}
	if v, err := c.DrainState(ctx); err != nil || v.Reason != "kernel" {
		t.Errorf("DrainState: %+v %v", v, err)
	}
	if err := c.Undrain(ctx); err == nil || err.Error() != "not drained" {
		t.Errorf("Undrain: %v", err)
	}
	if v, err := c.OpenAccess(ctx, "a/b", 4*time.Hour, "x & y"); err != nil || len(v) != 1 || v[0].Group != "vendor" ||
		!v[0].Until.Equal(created) {
		t.Errorf("OpenAccess: %+v %v", v, err)
	}
	if _, err := c.ApproveAccess(ctx, "vendor", time.Hour, "x & y"); err == nil ||
		err.Error() != "not approved: vendor, 1h0m0s, x & y" {
		t.Errorf("ApproveAccess: %v", err)
	}
	if err := c.CloseAccess(ctx, "vendor", "a=b"); err == nil || err.Error() != "not closed: vendor, a=b" {
		t.Errorf("CloseAccess: %v", err)
	}
	if v, err := c.Version(ctx); err != nil || v.Version != "1" {
		t.Errorf("Version: %+v %v", v, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("its directory's mode is %v, %v", st.Mode(), err)
	}
	if _, err := Listen(path, nil); err == nil || !strings.Contains(err.Error(), "in use by another ringback") {
		t.Errorf("a second daemon on the socket: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false) // as after a kill
	stale.Close()
	l, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Listen(filepath.Join(dir, strings.Repeat("x", 120)), nil); err == nil ||
		!strings.Contains(err.Error(), "the maximum is 100") {
		t.Errorf("a path that is too long: %v", err)
	}
}

// The peer's user ID comes from the kernel, whatever the request contains.
func TestPeer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SO_PEERCRED is Linux's")
	}
	f := fake{cleared: make(chan string, 1), by: make(chan string, 1)}
	c, _ := serve(t, &Server{Daemon: f, Feed: &Feed{}})
	if err := c.ClearLine(t.Context(), 65); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("uid %d (api, pid %d)", os.Geteuid(), os.Getpid())
	if u, err := user.Current(); err == nil {
		want = fmt.Sprintf("uid %d (%s, api, pid %d)", os.Geteuid(), u.Username, os.Getpid())
	}
	if by := <-f.by; by != want {
		t.Errorf("%q, must be %q", by, want)
	}
	if by := By(t.Context()); by != "api" {
		t.Errorf("without a socket: %q", by)
	}
}

// A file at the path that is not a socket is not removed.
func TestOnlySocketsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	file, link, folder := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "folder")
	err := errors.Join(os.WriteFile(file, []byte("precious"), 0o600), os.Symlink(file, link), os.Mkdir(folder, 0o700))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, folder} {
		if l, err := Listen(path, nil); err == nil {
			l.Close()
			t.Errorf("%s was treated as a stale socket", path)
		} else if !strings.Contains(err.Error(), "a file that is not a socket") {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// The page at /docs refers to no other host.
func TestDocsPage(t *testing.T) {
	h := (&Server{Daemon: fake{}, Feed: &Feed{}}).Handler()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, as(&peer{known: true}, httptest.NewRequest(http.MethodGet, "/docs", nil)))
	page := w.Body.String()
	for _, want := range []string{"POST /v1/lines/{tty}/clear", "DELETE /v1/callbacks/{id}", "Clear the failed logins",
		"comma-separated: callback", `href="/openapi.json"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, bad := range []string{"<script", "http:", "https:", "src=", "<link", "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("%q in\n%s", bad, page)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); w.Code != http.StatusOK ||
		!strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("status %d, policy %q", w.Code, csp)
	}
}

func TestNoDaemon(t *testing.T) {
	dir := t.TempDir()
	_, err := client.New(filepath.Join(dir, "none")).Lines(t.Context())
	if want := "connect to the daemon at " + dir +
		"/none: no such file or directory (is `ringback serve` or `ringback lab` running?)"; err == nil ||
		err.Error() != want {
		t.Errorf("no daemon: %v, want %s", err, want)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "left")})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	_, err = client.New(filepath.Join(dir, "left")).Lines(t.Context())
	if want := "connect to the daemon at " + dir + "/left: connection refused (is `ringback serve` or `ringback lab` " +
		"running?)"; err == nil || err.Error() != want {
		t.Errorf("a stopped daemon: %v, want %s", err, want)
	}
}

func TestDebugStream(t *testing.T) {
	feed := &Feed{Now: func() time.Time { return created }}
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: feed})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan client.DebugEvent, 1)
	ended, listening := make(chan error, 1), make(chan struct{})
	first := func(e client.DebugEvent) {
		select {
		case got <- e:
		default:
		}
	}
	go func() {
		ended <- c.Debug(ctx, client.DebugQuery{Topics: []string{"chat", "modem"}}, func() { close(listening) }, first)
	}()
	<-listening // arrives before any debug event; later events are delivered
	feed.Publish("aaa", 0, "not asked for")
	feed.Publish("chat", 65, "Chat script rtp started.")
	want := client.DebugEvent{Time: created, Topic: "chat", TTY: 65, Text: "Chat script rtp started."}
	if e := <-got; e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Debug after the user ended it: %v", err)
	}
	err := c.Debug(t.Context(), client.DebugQuery{Topics: []string{"weather"}}, nil, func(client.DebugEvent) {})
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusUnprocessableEntity {
		t.Errorf("debug of an unknown topic: %v", err)
	}
}

// A listener that does not read blocks no publisher, and learns how many events it lost at most.
func TestFeedLosesRatherThanBlocks(t *testing.T) {
	var f Feed
	l := f.listen(client.DebugQuery{Topics: []string{"modem"}})
	other := f.listen(client.DebugQuery{Topics: []string{"chat"}})
	defer other.close()
	for range feedDepth {
		f.Publish("modem", 1, "x")
	}
	f.Publish("aaa", 1, "nobody listens")
	f.Publish("chat", 1, "y")
	got, texts, lost := 0, "", uint64(0)
	for got+int(lost) < feedDepth+1 {
		events, n, ready := l.next()
		if ready != nil && n == 0 {
			t.Fatalf("%d events and %d lost, then none", got, lost)
		}
		lost += n
		for _, e := range events {
			texts = e.Text
			got++
		}
		if got == feedDepth-1 {
			break
		}
	}
	if lost != 1 || texts != "x" {
		t.Errorf("%d lost, the last one is %q", lost, texts)
	}
	if !f.Heard("modem", 1) || f.Heard("aaa", 1) {
		t.Error("Heard")
	}
	l.close()
	l.close()
	if f.Heard("modem", 1) || !f.Heard("chat", 1) {
		t.Error("Heard after the end of a listener")
	}
}

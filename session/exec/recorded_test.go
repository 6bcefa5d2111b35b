package exec

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
)

// tape is a session.Recorder.
type tape struct {
	mu     sync.Mutex
	shown  strings.Builder
	hidden []string
	ends   []string
}

func (r *tape) Output(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown.Write(p)
}

func (r *tape) Hide(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hidden = append(r.hidden, secret)
}

func (r *tape) Close(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, reason)
}

// recorded logs a user in whose session is recorded.
func recorded(t *testing.T, authz *authority, auth aaa.Authorization, cfg settings) (*desk, *tape) {
	t.Helper()
	r := &tape{}
	auth.PrivLevel = 1
	authz.fakeLogin = fakeLogin{"u": {password: "login-pw", auth: auth}}
	d := &desk{authz: authz, b: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit, Recorder: r}}},
		debug: &strings.Builder{}}
	d.person = dialIn(t, scene{login: authz, broker: d.b, cfg: cfg, daemon: newDaemon()})
	d.types("nobody\r")
	d.types("wrong-pw\r")
	d.waits(3 * time.Second)
	d.types("u\r")
	d.types("login-pw\r")
	d.sees()
	d.waits(100 * time.Millisecond)
	return d, r
}

// TestRecorded: the recording has what the user sees after the login, so no password; and it knows all that were typed.
func TestRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := recorded(t, &authority{enable: password("open sesame")}, aaa.Authorization{}, settings{})
		d.types("enable\r")
		d.types("open sesame\r")
		d.types("show privilege\x08\x08\r")
		d.types("quit\r")
		d.ends()
		seen := d.sees()
		if got := strings.ReplaceAll(r.shown.String(), "\r", ""); got != seen ||
			!strings.HasPrefix(got, "This session is recorded.\nmaui-nas-04>enable\nPassword: \nmaui-nas-04#") {
			t.Errorf("recorded %q, the user saw %q", got, seen)
		}
		if want := []string{"wrong-pw", "login-pw", "open sesame"}; !slices.Equal(r.hidden, want) {
			t.Errorf("hidden %q, want %q", r.hidden, want)
		}
		if want := []string{"caller logged out"}; !slices.Equal(r.ends, want) {
			t.Errorf("ends %q, want %q", r.ends, want)
		}
	})
}

// TestRecordedAtHost: what a host sends is recorded, without the protocol; a program at TCP-Clear gets no notice.
func TestRecordedAtHost(t *testing.T) {
	for _, host := range []*aaa.Host{byTelnet, byClear} {
		synctest.Test(t, func(t *testing.T) {
			i := &inn{}
			cfg := settings{}
			cfg.exec.Hosts.Dial = i.dial
			d, r := recorded(t, &authority{}, aaa.Authorization{Host: host}, cfg)
			i.guests[0].says(t, iacWill+"\x01"+"login: ")
			d.types("secret of the host\r") // the host does not echo it
			i.guests[0].Close()
			d.ends()
			got, seen := strings.ReplaceAll(r.shown.String(), "\r", ""), d.sees()
			if host == byTelnet && (got != seen || !strings.Contains(got, "This session is recorded.\nTrying ") ||
				!strings.Contains(got, "Open\nlogin: \n[Connection to")) {
				t.Errorf("recorded %q, the user saw %q", got, seen)
			}
			if host == byClear && got != iacWill+"\x01login: " {
				t.Errorf("recorded %q, the user saw %q", got, seen)
			}
		})
	}
}

// TestRecordedParity: the parity bits of a 7-bit terminal are not in the recording.
func TestRecordedParity(t *testing.T) {
	var sent, shown strings.Builder
	term := console.NewTerminal(screen{&sent})
	term.Parity = console.EvenParity
	term.Shown = func(p []byte) { shown.Write(p) }
	_, _ = term.Write([]byte("abc\n"))
	raw, release := term.Raw(t.Context())
	_, _ = raw.Write([]byte("xyz"))
	release()
	if shown.String() != "abc\r\nxyz" || sent.String() == shown.String() {
		t.Errorf("recorded %q, sent %q", shown.String(), sent.String())
	}
}

// screen is a terminal that only shows.
type screen struct{ *strings.Builder }

func (screen) Read([]byte) (int, error)         { select {} }
func (screen) SetReadDeadline(time.Time) error  { return nil }
func (screen) SetWriteDeadline(time.Time) error { return nil }

// A broker that wrongly admits a caller who must not learn the decision has begun a recording: it ends, too.
func TestRecordedSecurely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &tape{}
		authz := &authority{fakeLogin: fakeLogin{"u": {password: "login-pw"}}}
		d := &desk{authz: authz, b: &fakeBroker{secure: true,
			verdicts: []session.Verdict{{Kind: session.Admit, Recorder: r}}}, debug: &strings.Builder{}}
		d.person = dialIn(t, scene{login: authz, broker: d.b, daemon: newDaemon()})
		d.types("u\r")
		d.types("login-pw\r")
		d.ends()
		if len(r.ends) != 1 || r.shown.Len() > 0 {
			t.Errorf("ended %q, recorded %q", r.ends, r.shown.String())
		}
	})
}

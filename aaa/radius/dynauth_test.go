package radius_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/tty"
)

// target records the calls.
type target struct {
	mu        sync.Mutex
	selectors []radius.Selector
	changes   []radius.Change
	n         int
	err       error
	wait      time.Duration
}

func (t *target) Disconnect(_ context.Context, s radius.Selector) (int, error) {
	<-time.After(t.wait) // the bubble's time
	t.mu.Lock()
	defer t.mu.Unlock()
	t.selectors = append(t.selectors, s)
	return t.n, t.err
}

func (t *target) Change(_ context.Context, s radius.Selector, c radius.Change) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.selectors, t.changes = append(t.selectors, s), append(t.changes, c)
	return t.n, t.err
}

func (t *target) acts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.selectors)
}

// Packets that radclient 3.2.1 sent with secret, dated 2000-01-01 00:00:10 UTC, ten seconds after a bubble begins.
const (
	capturedDisconnect = `283900425f6c9ccd3f028cdad8dfe8962382ea2e2c0473310105626f6220066d6175693706386d438a5012fe748a12b0154b2bdeff3d9ef0b5d0fe21040102210303`
	capturedCoA        = `2b37005ef4688f8eaba3eeea25dfbfec53a55f2032046d311b06000002581c06000000001a2200000009011c72696e676261636b3a63616c6c6261636b2d64656c61793d39303706386d438a50125c373dba1ff0225466d822a3d71376c0`
)

// avp is one attribute of a test packet.
type avp struct {
	t byte
	v []byte
}

func word(t byte, n uint32) avp { return avp{t, binary.BigEndian.AppendUint32(nil, n)} }
func str(t byte, s string) avp  { return avp{t, []byte(s)} }
func vsa(vendor uint32, t byte, v []byte) avp {
	return avp{26, append(append(binary.BigEndian.AppendUint32(nil, vendor), t, byte(2+len(v))), v...)}
}
func pair(s string) avp { return vsa(9, 1, []byte(s)) }

// dated returns an Event-Timestamp of now plus d.
func dated(d time.Duration) avp { return word(55, uint32(time.Now().Add(d).Unix())) }

// request encodes a request according to RFC 5176 §3.4 and RFC 3579 §3.2, independently of the code under test. The
// first attribute 80 is signed in place.
func request(code, id byte, secret string, attrs ...avp) []byte {
	b := append([]byte{code, id, 0, 0}, make([]byte, 16)...)
	mac := 0
	for _, a := range attrs {
		if a.t == 80 && mac == 0 {
			mac = len(b) + 2
		}
		b = append(append(b, a.t, byte(2+len(a.v))), a.v...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if mac > 0 && mac+16 <= len(b) {
		h := hmac.New(md5.New, []byte(secret))
		h.Write(b)
		copy(b[mac:], h.Sum(nil))
	}
	sum := md5.Sum(append(bytes.Clone(b), secret...))
	copy(b[4:], sum[:])
	return b
}

var unsigned = avp{80, make([]byte, 16)} // to be signed

// reply is a verified answer.
type reply struct {
	code, id byte
	cause    uint32
	attrs    []avp
}

// checkDynReply verifies both authenticators and reads the attributes.
func checkDynReply(t *testing.T, b, request []byte, secret string) reply {
	t.Helper()
	if len(b) < 38 || int(binary.BigEndian.Uint16(b[2:])) != len(b) || b[20] != 80 || b[21] != 18 {
		t.Fatalf("reply %x", b)
	}
	zeroed := append(append(bytes.Clone(b[:4]), request[4:20]...), b[20:]...)
	sum := md5.Sum(append(bytes.Clone(zeroed), secret...))
	clear(zeroed[22:38])
	h := hmac.New(md5.New, []byte(secret))
	h.Write(zeroed)
	if !bytes.Equal(b[4:20], sum[:]) || !bytes.Equal(b[22:38], h.Sum(nil)) {
		t.Errorf("reply %x is not signed", b)
	}
	r := reply{code: b[0], id: b[1]}
	for i := 38; i < len(b); i += int(b[i+1]) {
		a := avp{b[i], b[i+2 : i+int(b[i+1])]}
		if a.t == 101 {
			r.cause = binary.BigEndian.Uint32(a.v)
			continue
		}
		r.attrs = append(r.attrs, a)
	}
	return r
}

// dynTown is a server in a bubble, and a socket of one of its clients.
type dynTown struct {
	t      *testing.T
	net    *aaatest.Net
	target *target
	server *radius.DynAuth
	conn   *aaatest.MemConn

	mu    sync.Mutex
	trace []string
}

func inDynTown(t *testing.T, c radius.DynAuthConfig, f func(*dynTown)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &dynTown{t: t, net: &aaatest.Net{}, target: &target{n: 1}}
		c.Target, c.NASIdentifier, c.NASAddress = w.target, func() string { return "maui" },
			netip.MustParseAddr("192.0.2.1")
		c.Trace = func(e radius.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.trace = append(w.trace, e.Server+" "+e.What+" "+strings.Join(e.Lines, ", "))
		}
		if c.Clients == nil {
			c.Clients = []radius.DynAuthClient{{Name: "far", Prefix: netip.MustParsePrefix("198.51.100.0/24"),
				Secret: "another secret of many octets"},
				{Name: "ise", Prefix: netip.MustParsePrefix("198.51.100.7/32"), Secret: secret}}
		}
		var err error
		if w.server, err = radius.NewDynAuth(c); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		at, err1 := w.net.Listen("192.0.2.1:3799")
		conn, err2 := w.net.Listen("198.51.100.7:1024")
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		w.conn = conn
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := w.server.Serve(ctx, at); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		f(w)
		cancel()
		wg.Wait()
		if got := strings.Join(w.trace, "\n"); strings.Contains(got, secret) {
			t.Errorf("a secret in the trace:\n%s", got)
		}
	})
}

// send sends b from conn and returns the reply; nil if none arrives within 20 s.
func (w *dynTown) send(conn *aaatest.MemConn, b []byte) []byte {
	w.t.Helper()
	if _, err := conn.WriteTo(b, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:3799"))); err != nil {
		w.t.Fatal(err)
	}
	got := make(chan []byte, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	go func() {
		buf := make([]byte, 4096)
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			n = 0
		}
		got <- buf[:n]
	}()
	select {
	case b := <-got:
		return b
	case <-ctx.Done():
		// End the reader, which still waits, with an empty datagram.
		conn.WriteTo(nil, conn.LocalAddr())
		<-got
		return nil
	}
}

func (w *dynTown) want(b []byte, code byte, cause uint32) reply {
	w.t.Helper()
	got := w.send(w.conn, b)
	if got == nil {
		w.t.Errorf("no answer to %x; the trace is %q", b, w.trace)
		return reply{}
	}
	r := checkDynReply(w.t, got, b, secret)
	if r.code != code || r.cause != cause || r.id != b[1] {
		w.t.Errorf("%x: code %d, cause %d, id %d; want %d, %d; the trace ends with %q", b, r.code, r.cause, r.id, code,
			cause, w.trace[len(w.trace)-1])
	}
	return r
}

func TestDynAuthCaptured(t *testing.T) {
	inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
		r := w.want(hexOf(t, capturedDisconnect), 41, 0)
		if !reflect.DeepEqual(r.attrs, []avp{{33, []byte{1, 2}}, {33, []byte{3}}}) {
			t.Errorf("Proxy-State came back as %v", r.attrs)
		}
		w.want(hexOf(t, capturedCoA), 44, 0)
		ten, none := 10*time.Minute, time.Duration(0)
		if !reflect.DeepEqual(w.target.selectors, []radius.Selector{{SessionID: "s1", User: "bob"},
			{MultiSessionID: "m1"}}) ||
			!reflect.DeepEqual(w.target.changes,
				[]radius.Change{{SessionTimeout: &ten, IdleTimeout: &none, DelayCallback: 90 * time.Second}}) {
			t.Errorf("%+v %+v", w.target.selectors, w.target.changes)
		}
		if c := w.server.Counts(); c.Done != 2 || c.Requests != 2 {
			t.Errorf("%+v", c)
		}
	})
}

// A genuine request with any single bit changed is neither performed nor answered.
func TestDynAuthEveryBit(t *testing.T) {
	inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
		genuine := hexOf(t, capturedDisconnect)
		for i := range genuine {
			for bit := range 8 {
				forged := bytes.Clone(genuine)
				forged[i] ^= 1 << bit
				w.conn.WriteTo(forged, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:3799")))
			}
			w.conn.WriteTo(genuine[:i], net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:3799")))
		}
		synctest.Wait()
		c := w.server.Counts()
		if n := w.target.acts(); n != 0 || c.Done+c.Refused != 0 || c.Forged != c.Requests ||
			c.Requests != uint64(9*len(genuine)) {
			t.Errorf("%d calls of the target, %+v", n, c)
		}
	})
}

func TestDynAuthRefuses(t *testing.T) {
	const now = 0
	for name, tt := range map[string]struct {
		code  byte
		attrs []avp
		cause uint32
	}{
		"another vty":           {40, []avp{dated(now), word(5, 1), str(87, "vty0")}, 503},
		"a vty and a line":      {40, []avp{dated(now), str(87, "tty1"), word(5, 0)}, 503},
		"tty0":                  {40, []avp{dated(now), str(87, "tty0")}, 503},
		"a line above all":      {40, []avp{dated(now), str(87, "tty100000")}, 503},
		"no date":               {40, []avp{str(44, "s1")}, 402},
		"no session":            {40, []avp{dated(now)}, 402},
		"only the NAS":          {40, []avp{dated(now), str(32, "maui")}, 402},
		"nothing to change":     {43, []avp{dated(now), str(44, "s1")}, 402},
		"other NAS-Identifier":  {40, []avp{dated(now), str(44, "s1"), str(32, "oahu")}, 403},
		"other NAS-IP-Address":  {40, []avp{dated(now), str(44, "s1"), {4, []byte{192, 0, 2, 2}}}, 403},
		"other NAS-IPv6":        {40, []avp{dated(now), str(44, "s1"), {95, make([]byte, 16)}}, 403},
		"NAS-IP of five":        {40, []avp{dated(now), str(44, "s1"), {4, make([]byte, 5)}}, 407},
		"session twice":         {40, []avp{dated(now), str(44, "s1"), str(44, "s1")}, 404},
		"user twice":            {40, []avp{dated(now), str(1, "a"), str(1, "b")}, 404},
		"date twice":            {40, []avp{dated(now), dated(now), str(44, "s1")}, 404},
		"empty session":         {40, []avp{dated(now), str(44, "")}, 407},
		"NUL in the session":    {40, []avp{dated(now), str(44, "s\x001")}, 407},
		"CR in the user":        {40, []avp{dated(now), str(1, "bob\r")}, 407},
		"Authorize Only":        {43, []avp{dated(now), str(44, "s1"), word(6, 17), str(24, "st")}, 405},
		"another Service-Type":  {43, []avp{dated(now), str(44, "s1"), word(6, 6)}, 405},
		"disconnect Auth. Only": {40, []avp{dated(now), str(44, "s1"), word(6, 17)}, 405},
		"Callback-Number":       {43, []avp{dated(now), str(44, "s1"), str(19, "900")}, 501},
		"its Disconnect":        {40, []avp{dated(now), str(44, "s1"), str(19, "900")}, 501},
		"Callback-Id":           {43, []avp{dated(now), str(44, "s1"), word(27, 60), str(20, "home")}, 501},
		"dialstring":            {43, []avp{dated(now), str(44, "s1"), pair("shell:callback-dialstring=900")}, 501},
		"callback-line":         {43, []avp{dated(now), str(44, "s1"), pair("lcp:callback-line=3")}, 501},
		"no-verify":             {43, []avp{dated(now), str(44, "s1"), pair("shell:nocallback-verify=1")}, 501},
		"unknown attribute":     {43, []avp{dated(now), str(44, "s1"), word(27, 60), str(11, "filter")}, 401},
		"unknown pair": {43, []avp{dated(now), str(44, "s1"), pair("subscriber:command=bounce-host-port")},
			401},
		"unknown vendor":       {43, []avp{dated(now), str(44, "s1"), vsa(311, 7, []byte{0, 0, 0, 1})}, 401},
		"cut vendor":           {43, []avp{dated(now), str(44, "s1"), {26, []byte{0, 0, 0, 9, 1, 40, 'x'}}}, 407},
		"change in Disconnect": {40, []avp{dated(now), str(44, "s1"), word(27, 60)}, 401},
		"Framed-IP-Address":    {40, []avp{dated(now), {8, []byte{10, 0, 0, 1}}}, 401},
		"timeout of 3 octets":  {43, []avp{dated(now), str(44, "s1"), {27, []byte{0, 0, 60}}}, 407},
		"delay of no number":   {43, []avp{dated(now), str(44, "s1"), pair("ringback:callback-delay=-5")}, 407},
		"no delay":             {43, []avp{dated(now), str(44, "s1"), pair("ringback:callback-delay=0")}, 407},
		"eight days":           {43, []avp{dated(now), str(44, "s1"), pair("ringback:callback-delay=691200")}, 407},
		"delay twice": {43, []avp{dated(now), str(44, "s1"), pair("ringback:callback-delay=60"),
			vsa(529, 108, []byte{0, 0, 0, 60})}, 404},
		"cancel and delay": {43, []avp{dated(now), str(44, "s1"), pair("ringback:callback-delay=60"),
			pair("ringback:callback=cancel")}, 404},
		"earlier":   {43, []avp{dated(now), str(44, "s1"), pair("ringback:callback=now")}, 401},
		"two lines": {40, []avp{dated(now), word(5, 65), str(87, "tty66")}, 503},
		"no line":   {40, []avp{dated(now), str(87, "Serial0")}, 503},
		"line 0":    {40, []avp{dated(now), word(5, 0)}, 503},
	} {
		inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
			for i, a := range tt.attrs {
				if a.t == 55 {
					tt.attrs[i] = dated(0) // the bubble's current time
				}
			}
			r := w.want(request(tt.code, 7, secret, append(tt.attrs, unsigned)...), tt.code+2, tt.cause)
			if w.target.acts() != 0 {
				t.Errorf("%s: the target was called", name)
			}
			for _, a := range r.attrs {
				if a.t != 24 {
					t.Errorf("%s: attribute %d in the reply", name, a.t)
				}
			}
			if c := w.server.Counts(); c.Refused != 1 {
				t.Errorf("%s: %+v", name, c)
			}
		})
	}
}

func TestDynAuthTakes(t *testing.T) {
	hour := time.Hour
	for name, tt := range map[string]struct {
		code   byte
		attrs  []avp
		s      radius.Selector
		change radius.Change
	}{
		"all session attributes": {40, []avp{str(44, "s1"), str(50, "m1"), str(1, "bob"), word(5, 65),
			str(87, "tty65"), str(31, "84001"), str(32, "maui"), {4, []byte{192, 0, 2, 1}}, str(18, "bye"),
			word(49, 6)},
			radius.Selector{SessionID: "s1", MultiSessionID: "m1", User: "bob", TTY: 65, Caller: "84001"},
			radius.Change{}},
		"a vty": {40, []avp{word(5, 0), str(87, "vty0")}, radius.Selector{TTY: tty.VTY(0)},
			radius.Change{}},
		"a vty by its name": {40, []avp{str(87, "vty12")}, radius.Selector{TTY: tty.VTY(12)}, radius.Change{}},
		"the line":          {40, []avp{str(87, "65")}, radius.Selector{TTY: 65}, radius.Change{}},
		"a timeout": {43, []avp{str(1, "bob"), word(27, 3600)}, radius.Selector{User: "bob"},
			radius.Change{SessionTimeout: &hour}},
		"idle": {43, []avp{str(1, "bob"), word(28, 3600)}, radius.Selector{User: "bob"},
			radius.Change{IdleTimeout: &hour}},
		"cancel": {43, []avp{str(50, "m1"), pair("ringback:callback=cancel")},
			radius.Selector{MultiSessionID: "m1"}, radius.Change{CancelCallback: true}},
		"pair delay": {43, []avp{str(50, "m1"), pair("ringback:callback-delay=60")},
			radius.Selector{MultiSessionID: "m1"}, radius.Change{DelayCallback: time.Minute}},
		"Ascend": {43, []avp{str(50, "m1"), vsa(529, 108, []byte{0, 0, 0, 60})},
			radius.Selector{MultiSessionID: "m1"}, radius.Change{DelayCallback: time.Minute}},
	} {
		inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
			w.want(request(tt.code, 7, secret, append([]avp{unsigned, dated(0)}, tt.attrs...)...), tt.code+1, 0)
			if w.target.acts() != 1 || w.target.selectors[0] != tt.s || tt.code == 43 &&
				!reflect.DeepEqual(w.target.changes[0], tt.change) {
				t.Errorf("%s: %+v %+v", name, w.target.selectors, w.target.changes)
			}
		})
	}
}

// The target's result is reported as an Error-Cause (RFC 5176 §3.5).
func TestDynAuthOutcomes(t *testing.T) {
	for _, tt := range []struct {
		n     int
		err   error
		code  byte
		cause uint32
	}{{1, nil, 41, 0}, {0, nil, 42, 503}, {1, radius.ErrResidual, 41, 201}, {0, radius.ErrSeveral, 42, 508},
		{2, radius.ErrSeveral, 42, 508}, {0, radius.ErrProhibited, 42, 501},
		{0, radius.ErrNotRemovable, 42, 504}, {0, radius.ErrResidual, 42, 506},
		{1, errors.New("the disk is full"), 42, 506}} {
		inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
			w.target.n, w.target.err = tt.n, tt.err
			w.want(request(40, 7, secret, dated(0), str(44, "s1"), unsigned), tt.code, tt.cause)
		})
	}
}

// A retransmission gets the same answer and is not performed again, not even while the first is still in progress. The
// same packet from another source, later, or under another server's secret gets no answer.
func TestDynAuthReplay(t *testing.T) {
	inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
		elsewhere, err := w.net.Listen("198.51.100.7:1025")
		if err != nil {
			t.Fatal(err)
		}
		far, err := w.net.Listen("198.51.100.8:1024")
		if err != nil {
			t.Fatal(err)
		}
		b := request(40, 7, secret, dated(0), str(44, "s1"), unsigned)
		to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:3799"))
		w.target.wait = 5 * time.Second
		w.conn.WriteTo(b, to) // under way for 5 s
		synctest.Wait()
		first := w.send(w.conn, b)
		again := w.send(w.conn, b)
		if first == nil || !bytes.Equal(first, again) || w.target.acts() != 1 {
			t.Errorf("%x, then %x, %d calls of the target", first, again, w.target.acts())
		}
		if got := w.send(elsewhere, b); got != nil {
			t.Errorf("a replay from another port was answered: %x", got)
		}
		if got := w.send(far, b); got != nil {
			t.Errorf("a packet under another client's secret was answered: %x", got)
		}
		<-time.After(299 * time.Second)
		if got := w.send(elsewhere, b); got != nil {
			t.Errorf("a replay within the window was answered: %x", got)
		}
		<-time.After(20 * time.Minute)
		if got := w.send(w.conn, b); got != nil {
			t.Errorf("a replay after the window was answered: %x", got)
		}
		c := w.server.Counts()
		if w.target.acts() != 1 || c.Done != 1 || c.Duplicates != 2 || c.Replayed < 1 || c.Stale < 1 || c.Forged != 1 {
			t.Errorf("%d calls of the target, %+v", w.target.acts(), c)
		}
	})
}

func TestDynAuthDrops(t *testing.T) {
	inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
		stranger, err := w.net.Listen("203.0.113.9:1024")
		if err != nil {
			t.Fatal(err)
		}
		good := func(id byte) []byte { return request(40, id, secret, dated(0), str(44, "s1"), unsigned) }
		doubled := request(40, 3, secret, dated(0), str(44, "s1"), unsigned, avp{80, make([]byte, 16)})
		for name, tt := range map[string]struct {
			conn *aaatest.MemConn
			b    []byte
			n    func(radius.DynAuthCounts) uint64
		}{
			"not a client": {stranger, good(1), func(c radius.DynAuthCounts) uint64 { return c.Unlisted }},
			"no signature": {w.conn, request(40, 2, secret, dated(0), str(44, "s1")),
				func(c radius.DynAuthCounts) uint64 { return c.Forged }},
			"two signatures": {w.conn, doubled, func(c radius.DynAuthCounts) uint64 { return c.Forged }},
			"short signature": {w.conn, request(40, 4, secret, dated(0), str(44, "s1"), avp{80, make([]byte, 15)}),
				func(c radius.DynAuthCounts) uint64 { return c.Forged }},
			"other secret": {w.conn, request(40, 5, secret+"x", dated(0), str(44, "s1"), unsigned),
				func(c radius.DynAuthCounts) uint64 { return c.Forged }},
			"other code": {w.conn, request(4, 6, secret, dated(0), str(44, "s1"), unsigned),
				func(c radius.DynAuthCounts) uint64 { return c.Forged }},
			"too old": {w.conn, request(40, 8, secret, dated(-time.Hour), str(44, "s1"), unsigned),
				func(c radius.DynAuthCounts) uint64 { return c.Stale }},
			"too new": {w.conn, request(40, 9, secret, dated(time.Hour), str(44, "s1"), unsigned),
				func(c radius.DynAuthCounts) uint64 { return c.Stale }},
			"before the start": {w.conn, request(40, 10, secret, dated(-2*time.Second), str(44, "s1"), unsigned),
				func(c radius.DynAuthCounts) uint64 { return c.Stale }},
			"after Length": {w.conn, func() []byte {
				b := request(40, 11, secret, dated(0), str(44, "s1"))
				return append(b, append([]byte{80, 18}, make([]byte, 16)...)...)
			}(), func(c radius.DynAuthCounts) uint64 { return c.Forged }},
		} {
			before := tt.n(w.server.Counts())
			if got := w.send(tt.conn, tt.b); got != nil || tt.n(w.server.Counts()) != before+1 {
				t.Errorf("%s: answered %x, %+v", name, got, w.server.Counts())
			}
		}
		if w.target.acts() != 0 {
			t.Error("the target was called")
		}
	})
	inDynTown(t, radius.DynAuthConfig{Unsigned: true}, func(w *dynTown) {
		w.want(request(40, 2, secret, dated(0), str(44, "s1")), 41, 0)
		if got := w.send(w.conn, request(40, 3, secret, dated(0), str(44, "s1"), unsigned, unsigned)); got != nil {
			t.Errorf("a packet with two signatures was answered: %x", got)
		}
	})
}

// The limits of the window: a difference of 300 s is accepted, 301 s is not.
func TestDynAuthWindow(t *testing.T) {
	inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
		<-time.After(time.Hour)
		for i, tt := range []struct {
			off   time.Duration
			taken bool
		}{{300 * time.Second, true}, {-300 * time.Second, true}, {301 * time.Second, false},
			{-301 * time.Second, false}} {
			if got := w.send(w.conn, request(40, byte(i), secret, dated(tt.off), str(44, "s1"),
				unsigned)); (got != nil) != tt.taken {
				t.Errorf("%v: %x", tt.off, got)
			}
		}
	})
}

// A slow target blocks only its own request: others are served. Requests beyond the limit are dropped and can be sent
// again.
func TestDynAuthOverload(t *testing.T) {
	inDynTown(t, radius.DynAuthConfig{}, func(w *dynTown) {
		to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:3799"))
		w.target.wait = 3 * time.Second
		var last []byte
		for id := range byte(33) {
			last = request(40, id, secret, dated(0), str(44, "s1"), unsigned)
			w.conn.WriteTo(last, to)
		}
		synctest.Wait()
		if c := w.server.Counts(); c.Overload != 1 {
			t.Errorf("%+v", c)
		}
		<-time.After(4 * time.Second)
		buf := make([]byte, 4096)
		for range 32 {
			w.conn.ReadFrom(buf)
		}
		w.want(last, 41, 0)
		if w.target.acts() != 33 {
			t.Errorf("%d calls of the target", w.target.acts())
		}
	})
}

func TestNewDynAuthErrors(t *testing.T) {
	p := netip.MustParsePrefix
	_, err := radius.NewDynAuth(radius.DynAuthConfig{Clients: []radius.DynAuthClient{{Name: "a"},
		{Name: "b", Prefix: p("0.0.0.0/0"), Secret: secret}, {Name: "c", Prefix: p("192.0.2.0/24")},
		{Name: "d", Prefix: p("192.0.2.0/24"), Secret: canary}, {Name: "e", Prefix: p("192.0.2.0/24"), Secret: "short",
			Insecure: true}}})
	for _, want := range []string{"no target", `"a": no address`, `"b": 0.0.0.0/0 matches every address`,
		`"c": no secret`, `"d": a secret of 15 octets`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), `"e"`) {
		t.Error(err)
	}
	if _, err := radius.NewDynAuth(radius.DynAuthConfig{Target: &target{}}); err == nil ||
		!strings.Contains(err.Error(), "no client") {
		t.Error(err)
	}
}

package radius_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

const dialectDir = "testdata/dialects/"

// dialectCase is one user of testdata/dialects/users, with the attributes of the reply, built by hand from the vendors'
// formats.
type dialectCase struct {
	name     string
	service  aaa.Service
	dialects radius.Dialects
	reply    layeh.Attributes
}

// These functions build attributes.
func avpText(t layeh.Type, s string) *layeh.AVP {
	return &layeh.AVP{Type: t, Attribute: layeh.Attribute(s)}
}
func avpInt(t layeh.Type, n uint32) *layeh.AVP { return avpText(t, bigEndian(n)) }
func bigEndian(n uint32) string                { return string(binary.BigEndian.AppendUint32(nil, n)) }
func avpAddr(t layeh.Type, s string) *layeh.AVP {
	return avpText(t, string(netip.MustParseAddr(s).AsSlice()))
}
func avpVendor(vendor uint32, t byte, s string) *layeh.AVP {
	return avpText(26, bigEndian(vendor)+string([]byte{t, byte(len(s) + 2)})+s)
}
func avpVendorInt(vendor uint32, t byte, n uint32) *layeh.AVP {
	return avpVendor(vendor, t, bigEndian(n))
}
func avpUSR(t, n uint32) *layeh.AVP { return avpText(26, bigEndian(429)+bigEndian(t)+bigEndian(n)) }
func avpPair(s string) *layeh.AVP   { return avpVendor(9, 1, s) }

var dialectCases = []dialectCase{
	{name: "rfc-fixed", reply: layeh.Attributes{avpInt(6, 9), avpText(19, "84001"), avpInt(27, 3600), avpInt(28, 300),
		avpInt(62, 1), avpText(11, "staff"), avpText(11, "101.in"), avpText(11, "120"), avpText(25, "kept"),
		avpInt(29, 1),
		avpText(18, "You will be called back.")}},
	{name: "rfc-null", reply: layeh.Attributes{avpInt(6, 3)}},
	{name: "rfc-empty", reply: layeh.Attributes{avpInt(6, 9)}},
	{name: "rfc-place", reply: layeh.Attributes{avpInt(6, 11), avpText(20, "home-office")}},
	{name: "rfc-compat", reply: layeh.Attributes{avpInt(6, 3), avpText(19, "9,1-800-555-1212"),
		avpAddr(14, "192.0.2.7"), avpInt(16, 2323)}},
	{name: "rfc-host", reply: layeh.Attributes{avpInt(6, 3), avpAddr(14, "0.0.0.0"), avpText(19, "9,5551212"),
		avpInt(15, 0), avpInt(16, 23)}},
	{name: "rfc-tcpclear", reply: layeh.Attributes{avpInt(6, 1), avpAddr(14, "192.0.2.7"), avpInt(15, 2),
		avpInt(16, 5000)}},
	{name: "rfc-portmaster", reply: layeh.Attributes{avpInt(6, 3), avpAddr(14, "192.0.2.7"), avpInt(15, 3),
		avpText(19, "9,1-800-555-1212")}},
	{name: "rfc-prompt-host", reply: layeh.Attributes{avpInt(6, 7), avpAddr(14, "192.0.2.7"), avpInt(15, 1),
		avpInt(7, 1)}},
	{name: "rfc-framed", service: aaa.PPP, reply: layeh.Attributes{avpInt(6, 4), avpInt(7, 1), avpAddr(8, "192.0.2.10"),
		avpAddr(9, "255.255.255.255"), avpInt(10, 3), avpInt(12, 1500), avpInt(13, 1),
		avpText(22, "198.51.100.0/24 192.0.2.10 1"), avpText(88, "dialin"),
		avpText(96, "\x00\x00\x00\x00\x00\x00\x00\x01"), avpText(97, "\x00\x40\x20\x01\x0d\xb8\x00\x01\x00\x00"),
		avpText(99, "2001:db8:2::/48 ::"), avpText(100, "dialin6"), avpAddr(169, "2001:db8::53"),
		avpText(19, "84001")}},
	{name: "rfc-slip", service: aaa.PPP, reply: layeh.Attributes{avpInt(6, 2), avpInt(7, 2),
		avpAddr(8, "255.255.255.254")}},
	{name: "rfc-framed-exec", reply: layeh.Attributes{avpInt(6, 2), avpInt(7, 1)}},
	{name: "rfc-outbound", reply: layeh.Attributes{avpInt(6, 5)}},
	{name: "rfc-privilege", reply: layeh.Attributes{avpInt(6, 7), avpInt(136, 7)}},
	{name: "rfc-privilege-unknown", reply: layeh.Attributes{avpInt(6, 7), avpInt(136, 16)}},
	{name: "cisco-shell", reply: layeh.Attributes{avpInt(6, 7), avpPair("shell:callback-dialstring=84003"),
		avpPair("shell:callback-line=66"), avpPair("shell:callback-rotary=1"), avpPair("shell:nocallback-verify=1"),
		avpPair("shell:priv-lvl=15"), avpPair("shell:autocmd=show clock"), avpPair("shell:nohangup=true"),
		avpPair("shell:noescape=true"), avpPair("shell:acl=101"), avpPair("shell:timeout=60"),
		avpPair("shell:idletime=5"),
		avpPair("shell:zonelist*5"), avpPair("arap:callback-dialstring=84009"), avpPair("outbound:dial-number=84008"),
		avpPair("ringback:group=staff"), avpPair("v92-info=V.92 QC MOH/No QC Requested/60/1")}},
	{name: "cisco-null", reply: layeh.Attributes{avpInt(6, 9), avpPair("shell:callback-dialstring=")}},
	{name: "cisco-ppp", service: aaa.PPP, reply: layeh.Attributes{avpInt(6, 2), avpInt(7, 1),
		avpPair("lcp:callback-dialstring=6083"), avpPair("lcp:send-secret=hush"),
		avpPair("lcp:interface-config*ip mtu 1400"), avpPair("ip:addr-pool=first"),
		avpPair("ip:route=198.51.100.0 255.255.255.0"), avpPair("ip:inacl#1=permit ip any any"),
		avpPair("ip:outacl#1=deny ip any any"), avpPair("ip:dns-servers=192.0.2.53 192.0.2.54")}},
	{name: "cisco-interface", service: aaa.PPP,
		reply: layeh.Attributes{avpInt(6, 2), avpPair("lcp:interface-config=ip mtu 1400")}},
	{name: "cisco-mandatory", reply: layeh.Attributes{avpInt(6, 7), avpPair("shell:zonelist=5")}},
	{name: "ascend-callback", reply: layeh.Attributes{avpInt(6, 7), avpVendorInt(529, 246, 1),
		avpVendor(529, 227, "84001"), avpVendorInt(529, 108, 30), avpVendorInt(529, 114, 5), avpVendorInt(529, 112, 1),
		avpVendorInt(529, 113, 3), avpVendorInt(529, 115, 9),
		avpVendorInt(529, 247, 42), avpVendorInt(529, 231, 0), avpVendorInt(529, 194, 7200),
		avpVendorInt(529, 244, 600)}},
	{name: "ascend-user", reply: layeh.Attributes{avpVendorInt(529, 112, 1), avpVendorInt(529, 113, 2)}},
	{name: "ascend-profile", reply: layeh.Attributes{avpVendorInt(529, 113, 3)}},
	{name: "ascend-no", reply: layeh.Attributes{avpInt(6, 9), avpVendorInt(529, 246, 0)}},
	{name: "ascend-types", reply: layeh.Attributes{avpInt(246, 1), avpText(227, "84001"), avpInt(194, 7200),
		avpInt(244, 600)}},
	{name: "ascend-types-all", service: aaa.PPP, dialects: radius.Dialects{AscendTypes: true},
		reply: layeh.Attributes{avpInt(6, 2), avpInt(125, 90), avpAddr(135, "192.0.2.53"), avpText(227, "84001")}},
	{name: "ascend-secret", service: aaa.PPP, reply: layeh.Attributes{avpInt(6, 4), avpVendor(529, 227, "84001"),
		avpVendor(529, 214, hiddenHush)}},
	{name: "ascend-outbound", service: aaa.Outbound, reply: layeh.Attributes{avpInt(6, 5), avpVendor(529, 227, "84001"),
		avpVendor(529, 214, hiddenHush), avpVendorInt(529, 231, 2), avpVendorInt(529, 125, 90),
		avpVendorInt(529, 247, 42), avpVendorInt(529, 123, 3)}},
	{name: "cisco-outbound", service: aaa.Outbound, reply: layeh.Attributes{avpInt(6, 5),
		avpPair("outbound:dial-number=84001"),
		avpPair("outbound:dial-number=84002"), avpPair("outbound:modem-script=^out"),
		avpPair("outbound:system-script=^unix"), avpPair("outbound:send-name=maui-nas-04"),
		avpPair("outbound:send-secret=hush"), avpPair("lcp:send-secret=other"), avpText(19, "84009")}},
	{name: "outbound-other", service: aaa.Outbound,
		reply: layeh.Attributes{avpInt(6, 7), avpVendor(529, 227, "84001")}},
	{name: "outbound-unsaid", service: aaa.Outbound, reply: layeh.Attributes{avpVendor(529, 227, "84001")}},
	{name: "lucent", reply: layeh.Attributes{avpText(26, bigEndian(4846)+"\x00\xf6\x07"+bigEndian(1)),
		avpText(26, bigEndian(4846)+"\x00\xe3\x0884001"), avpText(26, bigEndian(4846)+"\x00\x6c\x07"+bigEndian(30))}},
	{name: "usr-normal", reply: layeh.Attributes{avpText(19, "84001"), avpUSR(0x986a, 1)}},
	{name: "usr-ani", reply: layeh.Attributes{avpUSR(0x986a, 2)}},
	{name: "usr-static", reply: layeh.Attributes{avpUSR(0x986a, 3), avpText(19, "84001")}},
	{name: "usr-static-missing", reply: layeh.Attributes{avpInt(6, 9), avpUSR(0x986a, 3)}},
	{name: "usr-dynamic", reply: layeh.Attributes{avpUSR(0x986a, 4)}},
	{name: "acc-user-auth", reply: layeh.Attributes{avpVendorInt(5, 36, 0), avpVendor(5, 35, "84001"),
		avpVendorInt(5, 34, 20)}},
	{name: "acc-user-specified", reply: layeh.Attributes{avpVendorInt(5, 36, 3)}},
	{name: "acc-cbcp", reply: layeh.Attributes{avpVendorInt(5, 36, 6), avpVendorInt(5, 37, 3), avpText(19, "84001")}},
	{name: "acc-cbcp-none", reply: layeh.Attributes{avpInt(6, 9), avpVendorInt(5, 37, 1)}},
	{name: "acc-cli", reply: layeh.Attributes{avpVendorInt(5, 36, 7)}},
	{name: "zyxel-mandatory", reply: layeh.Attributes{avpVendorInt(890, 192, 2), avpVendorInt(890, 193, 1)}},
	{name: "zyxel-preconfigured", reply: layeh.Attributes{avpVendorInt(890, 192, 2), avpVendorInt(890, 193, 0),
		avpText(19, "84001")}},
	{name: "zyxel-optional", reply: layeh.Attributes{avpVendorInt(890, 192, 1)}},
	{name: "zyxel-optional-user", reply: layeh.Attributes{avpVendorInt(890, 193, 1), avpVendorInt(890, 192, 1)}},
	{name: "zyxel-none", reply: layeh.Attributes{avpVendorInt(890, 192, 0), avpVendorInt(890, 193, 1)}},
	{name: "shiva", reply: layeh.Attributes{avpInt(6, 9), avpText(19, "84001"), avpVendorInt(166, 31, 15)}},
	{name: "bay", reply: layeh.Attributes{avpInt(6, 9), avpText(19, "84001"), avpVendorInt(1584, 36, 7)}},
	{name: "raritan", reply: layeh.Attributes{avpInt(6, 7), avpText(11, "Raritan:G{operators}:D{84001}")}},
	{name: "microsoft", service: aaa.PPP, reply: layeh.Attributes{avpInt(6, 2), avpVendor(311, 28, "\xc0\x00\x02\x35"),
		avpVendorInt(311, 7, 2)}},
	{name: "agreed", reply: layeh.Attributes{avpInt(6, 9), avpText(19, "8-4001"),
		avpPair("shell:callback-dialstring=84 001"), avpVendor(529, 227, "84001")}},
	{name: "two-numbers", reply: layeh.Attributes{avpText(19, "84001"), avpVendor(529, 227, "84002")}},
	{name: "number-and-place", reply: layeh.Attributes{avpText(19, "84001"), avpText(20, "home-office")}},
	{name: "number-and-caller", reply: layeh.Attributes{avpText(19, "84001"), avpUSR(0x986a, 2)}},
	{name: "static-and-dynamic", reply: layeh.Attributes{avpUSR(0x986a, 3), avpVendorInt(5, 36, 3)}},
	{name: "elsewhere", reply: layeh.Attributes{avpInt(6, 7), avpVendor(14122, 2, "lobby")}},
}

// hiddenHush is "hush" in an Ascend-Send-Secret, encrypted with hushAuthenticator and secret.
var (
	hushAuthenticator = []byte("sixteen octets..")
	hiddenHush        = func() string {
		pad := md5.Sum([]byte(string(hushAuthenticator) + secret))
		for i, c := range []byte("hush") {
			pad[i] ^= c
		}
		return string(pad[:])
	}()
)

// explained returns the content of a golden file: how each attribute was interpreted, then what is granted.
func explained(t *testing.T, c dialectCase, z aaa.Authorization) string {
	t.Helper()
	var b strings.Builder
	for _, r := range z.Readings {
		fmt.Fprintf(&b, "%s: %s = %s\n", r.Dialect, r.Attribute, r.Value)
		if r.Field != "" {
			fmt.Fprintf(&b, "    fills %s\n", r.Field)
		}
		if r.Note != "" {
			fmt.Fprintf(&b, "    %s\n", r.Note)
		}
	}
	if z.SendSecret != "" {
		fmt.Fprintf(&b, "\na secret for leg two of %d octets", len(z.SendSecret))
	}
	z.Readings, z.Attributes = nil, nil
	granted, err := json.MarshalIndent(z, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	service := c.service
	if service == "" {
		service = aaa.EXEC
	}
	fmt.Fprintf(&b, "\n%s session: %s\n", service, granted)
	return b.String()
}

// sameGolden compares got with testdata/dialects/NAME.golden. With -update and write, it writes the file: only packets
// built by hand set write.
func sameGolden(t *testing.T, c dialectCase, got string, write bool) {
	t.Helper()
	path := filepath.Join(dialectDir, c.name+".golden")
	if f := flag.Lookup("update"); write && f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
	}
}

// TestDialects reads packets built by hand. Each case has a golden file, and each golden file a case.
func TestDialects(t *testing.T) {
	files, err := filepath.Glob(dialectDir + "*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range dialectCases {
		d := c.dialects
		d.Secret, d.Authenticator = secret, hushAuthenticator
		z := d.Authorize(c.service, c.reply)
		sameGolden(t, c, explained(t, c, z), true)
		if strings.Contains(fmt.Sprintf("%v %+v", z, z.Readings), "hush") {
			t.Errorf("%s: the secret is printed", c.name)
		}
		path := filepath.Join(dialectDir, c.name+".golden")
		files = slices.DeleteFunc(files, func(f string) bool { return f == path })
	}
	if len(files) > 0 {
		t.Errorf("golden files without a case: %q", files)
	}
}

// askByHand sends an Access-Request, built by hand, and returns the attributes of the Access-Accept except its
// Message-Authenticator, and the Dialects to read them.
func askByHand(t *testing.T, address, user string, shared aaa.Secret, d radius.Dialects) (layeh.Attributes,
	radius.Dialects) {
	t.Helper()
	p := layeh.New(layeh.CodeAccessRequest, []byte(shared))
	p.Add(80, make([]byte, 16))
	if err := rfc2865.UserName_SetString(p, user); err != nil {
		t.Fatal(err)
	}
	if err := rfc2865.UserPassword_SetString(p, "pw"); err != nil {
		t.Fatal(err)
	}
	wire, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(md5.New, []byte(shared))
	h.Write(wire)
	copy(wire[22:38], h.Sum(nil))

	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	for range 5 {
		conn.Write(wire)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Read(buf)
		if err != nil {
			continue
		}
		reply, err := layeh.Parse(buf[:n], []byte(shared))
		if err != nil || !layeh.IsAuthenticResponse(buf[:n], wire, []byte(shared)) ||
			reply.Code != layeh.CodeAccessAccept {
			t.Fatalf("%s: %v, %v", user, reply, err)
		}
		d.Secret, d.Authenticator = shared, p.Authenticator[:]
		return slices.DeleteFunc(reply.Attributes, func(a *layeh.AVP) bool { return a.Type == 80 }), d
	}
	t.Fatalf("%s: no answer from %s", user, address)
	return nil, d
}

// TestDialectsInProcess reads replies of the test server: the attributes built by hand, and those from the names in the
// users file, if its dictionary contains them.
func TestDialectsInProcess(t *testing.T) {
	t.Parallel()
	var users []servers.User
	for _, c := range dialectCases {
		u := servers.User{Name: "by hand " + c.name, Password: "pw"}
		for _, a := range c.reply {
			u.Reply = append(u.Reply, servers.Attribute{Name: fmt.Sprintf("Attr-%d", a.Type),
				Value: "0x" + hex.EncodeToString(a.Attribute)})
		}
		users = append(users, u)
	}
	file, err := os.ReadFile(dialectDir + "users")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for block := range strings.SplitSeq(string(file), "\n\n") {
		u, err := servers.ParseUsers(strings.NewReader(block))
		switch {
		case err == nil && len(u) == 1:
			users, named[u[0].Name] = append(users, u[0]), true
		case err != nil && !strings.Contains(err.Error(), "unknown attribute"):
			t.Error(err)
		}
	}
	if len(named) < len(dialectCases)-4 {
		t.Errorf("%d of %d users by name", len(named), len(dialectCases))
	}
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: secret, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0", ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	for _, c := range dialectCases {
		attrs, d := askByHand(t, s.AuthAddr(), "by hand "+c.name, secret, c.dialects)
		d.Authenticator = hushAuthenticator // of the packet built by hand
		sameGolden(t, c, explained(t, c, d.Authorize(c.service, attrs)), false)
		if named[c.name] {
			attrs, d := askByHand(t, s.AuthAddr(), c.name, secret, c.dialects)
			sameGolden(t, c, explained(t, c, d.Authorize(c.service, attrs)), false)
		}
	}
}

// FuzzAuthorize checks that no reply causes a panic or puts a control character into a dial string, that a refusal
// grants nothing, and that printed text is safe for a terminal.
func FuzzAuthorize(f *testing.F) {
	for i, c := range dialectCases {
		b, err := (&layeh.Packet{Code: layeh.CodeAccessAccept, Secret: []byte(secret),
			Attributes: c.reply}).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[20:], c.service == aaa.PPP, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, ppp, ascend bool) {
		attrs, err := layeh.ParseAttributes(b)
		if err != nil {
			return
		}
		d := radius.Dialects{AscendTypes: ascend, ClassGroups: ascend, Secret: secret, Authenticator: hushAuthenticator}
		session := aaa.EXEC
		if ppp {
			session = aaa.PPP
		}
		z := d.Authorize(session, attrs)
		lawful(t, z)
		d.Terse = true
		terse := d.Authorize(session, attrs)
		if !z.Callback && z.Refuse == "" {
			if len(terse.Attributes)+len(terse.Readings) > 0 {
				t.Fatal("a terse reading has attributes or readings")
			}
			z.Attributes, z.Readings = nil, nil
		}
		if !reflect.DeepEqual(z, terse) {
			t.Fatalf("grants %+v, terse %+v", z, terse)
		}
	})
}

// lawful checks the rules that hold for every reply.
func lawful(t *testing.T, z aaa.Authorization) {
	t.Helper()
	nothing := aaa.Authorization{ServiceType: z.ServiceType, Kind: z.Kind, ReplyMessage: z.ReplyMessage,
		Refuse: z.Refuse, Attributes: z.Attributes, Readings: z.Readings}
	if z.Refuse != "" && !reflect.DeepEqual(z, nothing) {
		t.Fatalf("refused, but grants %+v", z)
	}
	control := func(r rune) bool { return r < 0x20 || r == 0x7f }
	if s := z.Dialstring.Value() + z.CallbackID + z.Autocmd + string(z.SendSecret) +
		strings.Join(z.Groups, ""); strings.ContainsFunc(s, control) {
		t.Fatalf("control characters in %q", s)
	}
	switch {
	case z.Refuse != "":
	case z.Callback != (z.Dialstring.IsSet() || z.CallbackID != "" || z.CallerID):
		t.Fatalf("a callback without a number, or a number without a callback: %+v", z)
	case z.CallerID && z.Dialstring.IsSet(), z.CallbackID != "" && (z.Dialstring.IsSet() || z.CallerID):
		t.Fatalf("two numbers: %+v", z)
	case z.PrivLevel < 0 || z.PrivLevel > 15, z.SessionTimeout < 0, z.IdleTimeout < 0, z.PortLimit < 0,
		z.CallbackDelay < 0 || z.CallbackDelay > time.Hour:
		t.Fatalf("out of range: %+v", z)
	case z.Rotary != nil && (*z.Rotary < 0 || *z.Rotary > 100), len(z.Lines) > 0 && z.Lines[0] < 1:
		t.Fatalf("invalid line or rotary: %+v", z)
	case z.Host != nil && (z.Host.Port < 1 || z.Host.Port > 65535 || z.Host.Service != aaa.Telnet &&
		z.Host.Service != aaa.TCPClear):
		t.Fatalf("invalid host: %+v", z)
	}
	lines := slices.Clone(z.Attributes)
	for _, r := range z.Readings {
		lines = append(lines, r.Dialect, r.Attribute, r.Value, r.Field, r.Note)
	}
	for _, line := range append(lines, z.Refuse) {
		if strings.ContainsFunc(line, control) {
			t.Fatalf("raw octets in %q", line)
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	plain := layeh.Attributes{avpInt(6, 7), avpPair("shell:priv-lvl=7"), avpInt(27, 3600), avpText(25, "class")}
	callback := append(layeh.Attributes{avpText(19, "84001"), avpPair("shell:nocallback-verify=1")}, plain...)
	for name, reply := range map[string]layeh.Attributes{"callback": callback, "plain": plain} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if z := (radius.Dialects{Terse: true}).Authorize(aaa.EXEC, reply); z.Refuse != "" {
					b.Fatal(z)
				}
			}
		})
	}
}

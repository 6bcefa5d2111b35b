package servers

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tq "github.com/facebookincubator/tacquito"
)

const tacTestConfig = `# users of the tests
key = "tac key"
default authorization = deny
accounting file = /var/log/tac_plus.acct
group = admins {
	default service = permit
	service = exec { priv-lvl = 15 }
}
user = bob {
	login = cleartext "bob's pw"
	pap = cleartext papers
	chap = cleartext chapters
	ms-chap = cleartext clientPass
	enable = cleartext lifted
	message = "mind the step"
	service = exec {
		priv-lvl = 1
		callback-dialstring = "84001"
		optional noescape = true
	}
	service = ppp protocol = lcp { callback-dialstring = "" send-secret = hush }
	service = ppp protocol = ip { default attribute = permit addr = 10.0.0.1 optional inacl = 5 }
	cmd = show { deny "run.*" permit .* }
	cmd = reload { deny .* }
}
user = al { member = admins login = cleartext al }
user = token { login = cleartext first challenge = "Code: " 123456 }
user = open { login = nopassword service = exec { } }
user = User { ms-chap = cleartext clientPass }
`

func tacServer(t *testing.T, c TACACSConfig) *TACACS {
	t.Helper()
	p, err := ParseTACACS(strings.NewReader(tacTestConfig))
	if err != nil {
		t.Fatal(err)
	}
	c.Profiles = p
	s, err := NewTACACS(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// tacClient is tacquito's client: its packets and obfuscation verify this server's.
func tacClient(t *testing.T, s *TACACS) *tq.Client {
	t.Helper()
	c, err := tq.NewClient(tq.SetClientDialer("tcp", s.Addr(), []byte("tac key")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func tacPacket(kind tq.HeaderType, minor uint8, seq int, session tq.SessionID, body tq.EncoderDecoder) *tq.Packet {
	return tq.NewPacket(tq.SetPacketHeader(tq.NewHeader(tq.SetHeaderVersion(tq.Version{MajorVersion: tq.MajorVersion,
		MinorVersion: minor}),
		tq.SetHeaderType(kind), tq.SetHeaderSeqNo(seq), tq.SetHeaderSessionID(session))), tq.SetPacketBodyUnsafe(body))
}

func authenStart(kind tq.AuthenType, service tq.AuthenService, user string, data []byte) *tq.AuthenStart {
	return tq.NewAuthenStart(tq.SetAuthenStartType(kind), tq.SetAuthenStartAction(tq.AuthenActionLogin),
		tq.SetAuthenStartPrivLvl(1),
		tq.SetAuthenStartService(service), tq.SetAuthenStartPort("tty65"), tq.SetAuthenStartRemAddr("84001"),
		tq.SetAuthenStartUser(tq.AuthenUser(user)), tq.SetAuthenStartData(tq.AuthenData(data)))
}

func unmarshal(t *testing.T, p *tq.Packet, err error, into tq.EncoderDecoder) {
	t.Helper()
	if err == nil {
		err = tq.Unmarshal(p.Body, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTACACSPasswords(t *testing.T) {
	s := tacServer(t, TACACSConfig{})
	chap := func(password string) []byte {
		sum := md5.Sum([]byte("\x07" + password + "challenge"))
		return append([]byte("\x07challenge"), sum[:]...)
	}
	// RFC 2759 §9.2: user User, password clientPass
	rfc := unhex(t, "01"+"5B5D7C7D7B3F2F3E3C2C602132262628"+"21402324255E262A28295F2B3A337C7E"+"0000000000000000"+
		"82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"+"00")
	for i, tt := range []struct {
		kind tq.AuthenType
		user string
		data []byte
		want tq.AuthenStatus
	}{
		{tq.AuthenTypePAP, "bob", []byte("papers"), tq.AuthenStatusPass},
		{tq.AuthenTypePAP, "bob", []byte("bob's pw"), tq.AuthenStatusFail},
		{tq.AuthenTypePAP, "al", []byte("al"), tq.AuthenStatusPass},
		{tq.AuthenTypePAP, "who", []byte("papers"), tq.AuthenStatusFail},
		{tq.AuthenTypePAP, "open", nil, tq.AuthenStatusFail},
		{tq.AuthenTypeCHAP, "bob", chap("chapters"), tq.AuthenStatusPass},
		{tq.AuthenTypeCHAP, "bob", chap("papers"), tq.AuthenStatusFail},
		{tq.AuthenTypeCHAP, "al", chap("al"), tq.AuthenStatusFail},
		{tq.AuthenTypeCHAP, "bob", []byte("short"), tq.AuthenStatusFail},
		{tq.AuthenTypeMSCHAPV2, "User", rfc, tq.AuthenStatusPass},
		{tq.AuthenTypeMSCHAPV2, "bob", rfc, tq.AuthenStatusFail},
		{tq.AuthenTypeARAP, "bob", nil, tq.AuthenStatusError},
	} {
		var r tq.AuthenReply
		p, err := tacClient(t, s).Send(tacPacket(tq.Authenticate, 1, 1, 77,
			authenStart(tt.kind, tq.AuthenServicePPP, tt.user, tt.data)))
		unmarshal(t, p, err, &r)
		if r.Status != tt.want {
			t.Errorf("%d: %v of %s: %v, want %v", i, tt.kind, tt.user, r.Status, tt.want)
		}
	}
	if got := s.Counts(); got.Connections != 12 || got.Sessions != 12 || got.Packets != 12 {
		t.Errorf("%+v", got)
	}
}

func TestTACACSConversations(t *testing.T) {
	var mu sync.Mutex
	var trace strings.Builder
	s := tacServer(t, TACACSConfig{Trace: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&trace, e.What, e.Attributes, e.Note)
	}})
	for _, tt := range []struct {
		name    string
		faults  TACACSFaults
		service tq.AuthenService
		user    string
		answers []string
		want    string
	}{
		{"login", TACACSFaults{}, tq.AuthenServiceLogin, "", []string{"bob", "bob's pw"},
			"GetUser GetPass Pass mind the step"},
		{"user in START", TACACSFaults{}, tq.AuthenServiceLogin, "bob", []string{"bob's pw"},
			"GetPass Pass mind the step"},
		{"wrong", TACACSFaults{}, tq.AuthenServiceLogin, "bob", []string{"papers"}, "GetPass Fail "},
		{"nobody", TACACSFaults{}, tq.AuthenServiceLogin, "who", []string{""}, "GetPass Fail "},
		{"no name", TACACSFaults{}, tq.AuthenServiceLogin, "", []string{""}, "GetUser Fail "},
		{"challenge", TACACSFaults{}, tq.AuthenServiceLogin, "token", []string{"first", "123456"},
			"GetPass GetData Pass "},
		{"wrong answer", TACACSFaults{}, tq.AuthenServiceLogin, "token", []string{"first", "654321"},
			"GetPass GetData Fail "},
		{"asked first", TACACSFaults{AskFirst: "Really?"}, tq.AuthenServiceLogin, "bob", []string{"bob's pw", "yes"},
			"GetPass GetData Pass mind the step"},
		{"no password", TACACSFaults{}, tq.AuthenServiceLogin, "open", nil, "Pass "},
		{"enable", TACACSFaults{}, tq.AuthenServiceEnable, "bob", []string{"lifted"}, "GetPass Pass mind the step"},
		{"enable by the login's", TACACSFaults{}, tq.AuthenServiceEnable, "bob", []string{"bob's pw"}, "GetPass Fail "},
		{"error", TACACSFaults{Error: true}, tq.AuthenServiceLogin, "bob", nil, "Error as configured"},
		{"restart", TACACSFaults{Restart: true}, tq.AuthenServiceLogin, "bob", nil, "Restart "},
	} {
		s.SetFaults(tt.faults)
		c := tacClient(t, s)
		next := tacPacket(tq.Authenticate, 0, 1, 4711, authenStart(tq.AuthenTypeASCII, tt.service, tt.user, nil))
		got := ""
		for i := 0; ; i++ {
			var r tq.AuthenReply
			p, err := c.Send(next)
			unmarshal(t, p, err, &r)
			got += strings.TrimPrefix(r.Status.String(), "AuthenStatus") + " "
			if i == len(tt.answers) {
				got += string(r.ServerMsg)
				break
			}
			next = tacPacket(tq.Authenticate, 0, 2*i+3, 4711,
				tq.NewAuthenContinue(tq.SetAuthenContinueUserMessage(tq.AuthenUserMessage(tt.answers[i]))))
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, secret := range []string{"bob's pw", "papers", "123456", "lifted", "first"} {
		if strings.Contains(trace.String(), secret) {
			t.Errorf("%q in the trace:\n%s", secret, trace.String())
		}
	}
}

func TestTACACSAuthorization(t *testing.T) {
	s := tacServer(t, TACACSConfig{})
	for i, tt := range []struct {
		faults TACACSFaults
		user   string
		args   []string
		want   string
	}{
		{TACACSFaults{}, "bob", []string{"service=shell", "cmd="},
			"PassAdd [priv-lvl=1 callback-dialstring=84001 noescape*true]"},
		{TACACSFaults{}, "bob", []string{"service=shell", "cmd*"},
			"PassAdd [priv-lvl=1 callback-dialstring=84001 noescape*true]"},
		{TACACSFaults{Replace: true}, "bob", []string{"service=shell", "cmd="},
			"PassRepl [service=shell cmd= priv-lvl=1 callback-dialstring=84001 noescape*true]"},
		{TACACSFaults{Pairs: []string{"odd=1"}}, "bob", []string{"service=ppp", "protocol=lcp"},
			"PassAdd [callback-dialstring= send-secret=hush odd=1]"},
		// the table of tac_plus's users' guide, case by case
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=lcp", "callback-dialstring="},
			"PassAdd [send-secret=hush]"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=lcp", "callback-dialstring=5"}, "Fail []"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=lcp", "callback-dialstring*5"},
			"PassRepl [service=ppp protocol=lcp callback-dialstring= send-secret=hush]"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=lcp", "mtu=5"}, "Fail []"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=lcp", "mtu*5"},
			"PassRepl [service=ppp protocol=lcp callback-dialstring= send-secret=hush]"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=ip", "inacl=9"}, "PassAdd [addr=10.0.0.1]"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=ip", "mtu=5"}, "PassAdd [addr=10.0.0.1 inacl*5]"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=ipv6"}, "Fail []"},
		{TACACSFaults{}, "bob", []string{"service=ppp", "protocol=lcp", "nothing"}, "Fail []"},
		{TACACSFaults{}, "bob", []string{"service=shell", "cmd=show", "cmd-arg=line", "cmd-arg=<cr>"}, "PassAdd []"},
		{TACACSFaults{}, "bob", []string{"service=shell", "cmd=show", "cmd-arg=running-config"}, "Fail []"},
		{TACACSFaults{}, "bob", []string{"service=shell", "cmd=reload"}, "Fail []"},
		{TACACSFaults{}, "bob", []string{"service=shell", "cmd=clear"}, "Fail []"},
		{TACACSFaults{}, "al", []string{"service=shell", "cmd=clear"}, "PassAdd []"},
		{TACACSFaults{}, "al", []string{"service=shell", "cmd="}, "PassAdd [priv-lvl=15]"},
		{TACACSFaults{}, "al", []string{"service=ppp", "protocol=lcp"}, "PassAdd []"},
		{TACACSFaults{}, "who", []string{"service=shell", "cmd="}, "Fail []"},
		{TACACSFaults{Error: true}, "bob", []string{"service=shell", "cmd="}, "Error []"},
	} {
		s.SetFaults(tt.faults)
		var args tq.Args
		args.Append(tt.args...)
		var r tq.AuthorReply
		p, err := tacClient(t, s).Send(tacPacket(tq.Authorize, 0, 1, 9,
			tq.NewAuthorRequest(tq.SetAuthorRequestMethod(tq.AuthenMethodTacacsPlus),
				tq.SetAuthorRequestPrivLvl(1), tq.SetAuthorRequestType(tq.AuthenTypePAP),
				tq.SetAuthorRequestService(tq.AuthenServiceLogin),
				tq.SetAuthorRequestUser(tq.AuthenUser(tt.user)), tq.SetAuthorRequestPort("tty65"),
				tq.SetAuthorRequestArgs(args))))
		unmarshal(t, p, err, &r)
		if got := fmt.Sprint(strings.TrimPrefix(r.Status.String(), "AuthorStatus"), " ",
			argStrings(r.Args)); got != tt.want {
			t.Errorf("%d: %s %v: %s, want %s", i, tt.user, tt.args, got, tt.want)
		}
	}
}

func argStrings(args tq.Args) []string {
	list := []string{}
	for _, a := range args {
		list = append(list, string(a))
	}
	return list
}

func TestTACACSAccounting(t *testing.T) {
	s := tacServer(t, TACACSConfig{})
	send := func(flags tq.AcctRequestFlag, args ...string) tq.AcctReplyStatus {
		var list tq.Args
		list.Append(args...)
		var r tq.AcctReply
		p, err := tacClient(t, s).Send(tacPacket(tq.Accounting, 0, 1, 5, tq.NewAcctRequest(tq.SetAcctRequestFlag(flags),
			tq.SetAcctRequestMethod(tq.AuthenMethodTacacsPlus),
			tq.SetAcctRequestPrivLvl(1), tq.SetAcctRequestType(tq.AuthenTypePAP),
			tq.SetAcctRequestService(tq.AuthenServiceLogin),
			tq.SetAcctRequestUser("bob"), tq.SetAcctRequestPort("tty65"), tq.SetAcctRequestRemAddr("84001"),
			tq.SetAcctRequestArgs(list))))
		unmarshal(t, p, err, &r)
		return r.Status
	}
	for _, flags := range []tq.AcctRequestFlag{2, 8, 10, 4} {
		if st := send(flags, "task_id=7", "service=shell"); st != tq.AcctReplyStatusSuccess {
			t.Errorf("%v: %v", flags, st)
		}
	}
	s.SetFaults(TACACSFaults{Error: true})
	if st := send(2, "task_id=8"); st != tq.AcctReplyStatusError {
		t.Errorf("%v", st)
	}
	var kinds []string
	for _, r := range s.Records() {
		kinds = append(kinds, r.Kind)
		if r.User != "bob" || r.Port != "tty65" || r.Remote != "84001" || r.Get("task_id") != "7" ||
			r.Get("none") != "" {
			t.Errorf("%+v", r)
		}
	}
	if want := []string{"start", "watchdog", "update", "stop"}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

// Many sessions on one connection, each reply delayed: they run in parallel, in the bubble's time.
func TestTACACSSingleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := ParseTACACS(strings.NewReader(tacTestConfig))
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewTACACS(TACACSConfig{Profiles: p})
		if err != nil {
			t.Fatal(err)
		}
		s.SetFaults(TACACSFaults{Delay: time.Second})
		ours, theirs := net.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		done := make(chan bool)
		go func() { s.ServeConn(ctx, theirs); close(done) }()
		begin := time.Now()
		const sessions = 50
		for i := range sessions {
			body, err := authenStart(tq.AuthenTypePAP, tq.AuthenServicePPP, "bob", []byte("papers")).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			h := tacHeader{0xc1, tacAuthen, 1, tacSingle, uint32(i), uint32(len(body))}
			if _, err := ours.Write(append(h.encode(), obfuscate(h, "tac key", body)...)); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[uint32]bool{}
		for range sessions {
			h, body, err := readTACACS(ours)
			if err != nil {
				t.Fatal(err)
			}
			if body = obfuscate(h, "tac key", body); h.seq != 2 || h.flags != tacSingle || h.version != 0xc1 ||
				body[0] != authenPass {
				t.Errorf("%+v % x", h, body)
			}
			seen[h.session] = true
		}
		if d := time.Since(begin); d != time.Second || len(seen) != sessions {
			t.Errorf("%d sessions in %v", len(seen), d)
		}
		ours.Close()
		<-done
	})
}

// RFC 8907 §4.5 has no test vectors for its pad; this is tacquito's, computed once: MD5 over session, key, version,
// sequence number, and the previous digest.
func TestTACACSObfuscation(t *testing.T) {
	one := md5.Sum([]byte("\x00\x00\x30\x39" + "fooman" + "\xc0\x01"))
	two := md5.Sum(append([]byte("\x00\x00\x30\x39"+"fooman"+"\xc0\x01"), one[:]...))
	want := append(one[:], two[:4]...)
	if got := obfuscate(tacHeader{version: 0xc0, seq: 1, session: 12345}, "fooman",
		make([]byte, 20)); !reflect.DeepEqual(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestTACACSRefusesPackets(t *testing.T) {
	start := unhex(t, "0101010103000000626f62") // ASCII login of bob
	good := tacHeader{0xc0, tacAuthen, 1, 0, 1, uint32(len(start))}
	for _, tt := range []struct {
		name string
		edit func(h *tacHeader)
		body []byte // as obfuscated by the key
		says string // status of the reply; "" if the connection is closed without one
	}{
		{"good", func(*tacHeader) {}, start, "05"},
		{"major version", func(h *tacHeader) { h.version = 0xd0 }, start, ""},
		{"minor version", func(h *tacHeader) { h.version = 0xc1 }, start, "07"},
		{"type", func(h *tacHeader) { h.kind = 4 }, start, ""},
		{"even sequence number", func(h *tacHeader) { h.seq = 2 }, start, ""},
		{"begins at 3", func(h *tacHeader) { h.seq = 3 }, start, ""},
		{"plain flag", func(h *tacHeader) { h.flags = tacUnencrypted }, start, ""},
		{"another key", func(*tacHeader) {}, obfuscate(good, "other", start), "07"},
		{"length", func(h *tacHeader) { h.length = 1 << 20 }, start, ""},
	} {
		s := tacServer(t, TACACSConfig{})
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		h := good
		tt.edit(&h)
		if _, err := conn.Write(append(h.encode(), obfuscate(h, "tac key", tt.body)...)); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		rh, body, err := readTACACS(conn)
		got := ""
		if err == nil {
			got = hex.EncodeToString(obfuscate(rh, "tac key", body)[:1])
		}
		if got != tt.says {
			t.Errorf("%s: %q (%v), want %q", tt.name, got, err, tt.says)
		}
		conn.Close()
	}
}

// The effect of each fault on a reply, octet by octet if it is in the header.
func TestTACACSFaults(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    TACACSFaults
		want func(h tacHeader, body []byte, err error) bool
	}{
		{"none", TACACSFaults{}, func(h tacHeader, b []byte, err error) bool {
			return err == nil && h == tacHeader{0xc0, 1, 2, 0, 1, uint32(len(b))} &&
				obfuscate(h, "tac key", b)[0] == authenGetPass
		}},
		{"bytewise", TACACSFaults{Bytewise: true}, func(h tacHeader, b []byte, err error) bool {
			return err == nil &&
				h.seq == 2
		}},
		{"seq", TACACSFaults{WrongSeq: true}, func(h tacHeader, _ []byte, err error) bool { return h.seq == 4 }},
		{"session", TACACSFaults{WrongSession: true}, func(h tacHeader, _ []byte, err error) bool {
			return err == nil &&
				h.session == 0
		}},
		{"version", TACACSFaults{WrongVersion: true},
			func(h tacHeader, _ []byte, err error) bool { return h.version == 0xd0 }},
		{"minor", TACACSFaults{WrongMinor: true},
			func(h tacHeader, _ []byte, err error) bool { return h.version == 0xc1 }},
		{"type", TACACSFaults{WrongType: true}, func(h tacHeader, _ []byte, err error) bool {
			return err == nil &&
				h.kind != 1
		}},
		{"key", TACACSFaults{WrongKey: true}, func(h tacHeader, b []byte, err error) bool {
			return err == nil && h.flags == 0 && obfuscate(h, "tac keynot", b)[0] == authenGetPass
		}},
		{"plain", TACACSFaults{Unencrypted: true},
			func(h tacHeader, b []byte, err error) bool { return h.flags == tacUnencrypted && b[0] == authenGetPass }},
		{"follow", TACACSFaults{Follow: "192.0.2.9"}, func(h tacHeader, b []byte, err error) bool {
			return err == nil && string(obfuscate(h, "tac key", b)) == "\x21\x00\x00\x09\x00\x00192.0.2.9"
		}},
		{"long", TACACSFaults{LongLength: 3}, func(h tacHeader, b []byte, err error) bool {
			return err != nil &&
				h.length > 6
		}},
		{"lying", TACACSFaults{LyingBody: true}, func(h tacHeader, b []byte, err error) bool {
			_, cut := fields(obfuscate(h, "tac key", b)[6:], int(obfuscate(h, "tac key", b)[3]))
			return err == nil && cut != nil
		}},
		{"cut", TACACSFaults{Cut: 5}, func(h tacHeader, b []byte, err error) bool {
			return err != nil &&
				h.length > 6
		}},
		{"close", TACACSFaults{Close: true}, func(h tacHeader, b []byte, err error) bool {
			return err != nil &&
				h.version == 0
		}},
		{"silent", TACACSFaults{Silent: true}, func(h tacHeader, b []byte, err error) bool {
			return err != nil &&
				h.version == 0
		}},
		{"drop", TACACSFaults{Drop: 1}, func(h tacHeader, b []byte, err error) bool {
			return err != nil &&
				h.version == 0
		}},
		{"by chance", TACACSFaults{DropPercent: 100}, func(h tacHeader, b []byte, err error) bool {
			return err != nil &&
				h.version == 0
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := tacServer(t, TACACSConfig{})
			s.SetFaults(tt.f)
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			start := unhex(t, "0101010103000000626f62")
			h := tacHeader{0xc0, tacAuthen, 1, 0, 1, uint32(len(start))}
			if _, err := conn.Write(append(h.encode(), obfuscate(h, "tac key", start)...)); err != nil {
				t.Fatal(err)
			}
			wait := time.Minute
			// a timeout is expected
			if tt.f.Silent || tt.f.Drop > 0 || tt.f.DropPercent > 0 || tt.f.LongLength > 0 {
				wait = 300 * time.Millisecond
			}
			conn.SetReadDeadline(time.Now().Add(wait))
			h, body, err := readTACACS(conn)
			if !tt.want(h, body, err) {
				t.Errorf("%+v % x %v", h, body, err)
			}
		})
	}
}

func TestTACACSOverTLS(t *testing.T) {
	server, client := testTLS(t)
	s := tacServer(t, TACACSConfig{TLS: server})
	c, err := tq.NewClient(tq.SetClientTLSDialer("tcp", s.Addr(), client))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var r tq.AuthenReply
	p, err := c.Send(tacPacket(tq.Authenticate, 1, 1, 1, authenStart(tq.AuthenTypePAP, tq.AuthenServicePPP, "bob",
		[]byte("papers"))))
	unmarshal(t, p, err, &r)
	if r.Status != tq.AuthenStatusPass {
		t.Error(r.Status)
	}
	old := client.Clone()
	old.MaxVersion = tls.VersionTLS12
	if conn, err := tls.Dial("tcp", s.Addr(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.2 was accepted")
	}
	if _, err := NewTACACS(TACACSConfig{TLS: &tls.Config{}}); err == nil {
		t.Error("TLS without a certificate was accepted")
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

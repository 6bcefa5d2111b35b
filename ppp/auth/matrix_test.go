package auth_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/lab/servers"
	"github.com/ringback/ringback/ppp/auth"
)

// The user of all servers, and of the example of RFC 2759 §9.2; the example of RFC 2433 §B.2 has another password.
const (
	matrixUser     = "User"
	matrixPassword = "clientPass"
	matrixUserV1   = "old"
	matrixV1       = "MyPw"
)

// The random octets of an Authenticator: the identifier, and the challenges of the RFCs' examples.
var (
	randomV1 = octets("07 10 2D B5 DF 08 5D 30 41")
	randomV2 = octets("07 5B5D7C7D7B3F2F3E3C2C602132262628")
)

const (
	nameV1     = "'old'"
	responseV1 = "02 07 00 39 31" + zeros24 + "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61 01" + nameV1
	responseV2 = "02 07 00 3a 31 21402324255E262A28295F2B3A337C7E 0000000000000000" +
		"82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF 00 'User'"
	zeros24 = "000000000000000000000000000000000000000000000000"
)

// matrixServers starts the servers and returns a login at each kind of AAA, in the order of the documentation.
func matrixServers(t *testing.T) map[string]aaa.Login {
	t.Helper()
	const secret = "a secret of 24 octets..."
	rs, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: secret, Users: []servers.User{
		{Name: matrixUser, Password: matrixPassword}, {Name: matrixUserV1, Password: matrixV1}}})
	must(t, err)
	must(t, rs.Listen(":0", ":0"))
	ts, err := servers.NewTACACS(servers.TACACSConfig{Key: secret, Profiles: servers.Profiles{Users: []servers.Profile{
		{Name: matrixUser, Default: "permit", PAP: matrixPassword, CHAP: matrixPassword, MSCHAP: matrixPassword},
		{Name: matrixUserV1, Default: "permit", PAP: matrixV1, MSCHAP: matrixV1}}}})
	must(t, err)
	must(t, ts.Listen(":0"))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = rs.Run(ctx) })
	wg.Go(func() { _ = ts.Run(ctx) })
	rc, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Name: "one", Address: rs.AuthAddr(),
		Secret: secret}}})
	must(t, err)
	tc, err := tacplus.New(tacplus.Config{Servers: []tacplus.ServerConfig{{Name: "one", Address: ts.Addr(),
		Secret: secret}}})
	must(t, err)
	t.Cleanup(func() { rc.Close(); tc.Close(); cancel(); wg.Wait() })
	plain, err := aaa.NewLocal([]aaa.User{{Name: matrixUser, Password: matrixPassword},
		{Name: matrixUserV1, Password: matrixV1}})
	must(t, err)
	hash, err := bcrypt.GenerateFromPassword([]byte(matrixPassword), bcrypt.MinCost)
	must(t, err)
	hashed, err := aaa.NewLocal([]aaa.User{{Name: matrixUser, PasswordHash: string(hash)},
		{Name: matrixUserV1, PasswordHash: string(hash)}})
	must(t, err)
	out := map[string]aaa.Login{}
	for name, m := range map[string]aaa.Method{"RADIUS": rc, "TACACS+": tc, "password_file": plain,
		"password_hash": hashed} {
		out[name] = aaa.Login{Authentication: aaa.Lists{aaa.PPP: {Name: "default", Entries: []aaa.Method{m}}}}
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logsIn has a peer with the right or a wrong password log in, and returns why it failed; "" if it passed.
func logsIn(t *testing.T, login aaa.Login, m auth.Method, right bool) string {
	t.Helper()
	e := newEngine(t, auth.Config{Method: m}, map[auth.Method][]byte{auth.MSCHAPv1: randomV1,
		auth.MSCHAPv2: randomV2}[m]...)
	e.start()
	e.receive(firstOf(e, m, right))
	conv, res := login.Start(t.Context(), e.asked.Request(aaa.Request{Service: aaa.PPP, TTY: 65}))
	e.answer(res)
	for m == auth.EAP && e.a.State() == auth.Waiting { // the server's request is there
		e.receive(md5Response(e.sent[len(e.sent)-1], right))
		e.answer(conv.Answer(t.Context(), aaa.Secret(e.more)))
	}
	if e.a.State() == auth.Passed {
		if e.grant.Identity.User != string(e.asked.User) {
			t.Errorf("%v: %v", m, e.grant.Identity)
		}
		return ""
	}
	if e.a.State() == auth.Waiting { // MS-CHAP: the peer may try again
		return res.Reason
	}
	return e.why.Detail
}

// firstOf returns the peer's first packet, in hexadecimal digits.
func firstOf(e *engine, m auth.Method, right bool) string {
	password := matrixPassword
	if !right {
		password = "clientPasS"
	}
	change := func(packet string) string { // the last octet of the NT response
		if right {
			return packet
		}
		b := octets(packet)
		b[52] ^= 1
		return fmt.Sprintf("%x", b)
	}
	switch m {
	case auth.PAP:
		return fmt.Sprintf("01 01 00 14 04 'User' 0a '%s'", password)
	case auth.CHAP:
		challenge := e.sent[0][5:21]
		sum := md5.Sum(bytes.Join([][]byte{e.sent[0][1:2], []byte(password), challenge}, nil))
		return fmt.Sprintf("02 %02x 00 19 10 %x 'User'", e.sent[0][1], sum)
	case auth.MSCHAPv1:
		return change(responseV1)
	case auth.MSCHAPv2:
		return change(responseV2)
	}
	return fmt.Sprintf("02 %02x 00 09 01 'User'", e.sent[0][1])
}

// md5Response answers a Request of EAP-MD5 (RFC 3748 §5.4).
func md5Response(request []byte, right bool) string {
	password := matrixPassword
	if !right {
		password = "clientPasS"
	}
	sum := md5.Sum(bytes.Join([][]byte{request[1:2], []byte(password), request[6:22]}, nil))
	return fmt.Sprintf("02 %02x 00 16 04 10 %x", request[1], sum)
}

// TestMatrix: each method of PPP with each kind of AAA passes, or says why not; a wrong password never passes. The
// table is that of the documentation.
func TestMatrix(t *testing.T) {
	t.Parallel()
	kinds := []string{"RADIUS", "TACACS+", "password_file", "password_hash"}
	logins := matrixServers(t)
	const hashed = "a hash is not enough"
	needs := "only a password hash is known"
	for _, row := range []struct {
		name   string
		method auth.Method
		cells  map[string][2]string // text in the table, and in the reason; without one it passes
	}{
		{"PAP", auth.PAP, nil},
		{"CHAP", auth.CHAP, map[string][2]string{"password_hash": {hashed, needs}}},
		{"MS-CHAP", auth.MSCHAPv1, map[string][2]string{"password_hash": {hashed, needs}}},
		{"MS-CHAPv2", auth.MSCHAPv2, map[string][2]string{"password_hash": {hashed, needs},
			"TACACS+": {"the server sends no proof", "it passed without the S= that"}}},
		{"EAP", auth.EAP, map[string][2]string{"password_hash": {hashed, needs},
			"TACACS+": {"the protocol has no EAP", "TACACS+ does not support EAP"}}},
	} {
		line := "| " + row.name
		for _, kind := range kinds {
			want, rejected := row.cells[kind]
			got := logsIn(t, logins[kind], row.method, true)
			switch {
			case rejected:
				line += " | rejected: " + want[0]
				if got == "" || !strings.Contains(got, want[1]) {
					t.Errorf("%s, %s: %q, want %q", row.name, kind, got, want[1])
				}
			case row.method == auth.EAP && kind == "password_file":
				line += " | passes: EAP-MD5 only"
			default:
				line += " | passes"
			}
			if !rejected && got != "" {
				t.Errorf("%s, %s: %q", row.name, kind, got)
			}
			if got := logsIn(t, logins[kind], row.method, false); got == "" {
				t.Errorf("%s, %s: a wrong password passes", row.name, kind)
			}
		}
		if !strings.Contains(matrixDoc(t), line+" |\n") {
			t.Errorf("docs/reference/ppp-authentication.md has no row\n%s |", line)
		}
	}
}

func matrixDoc(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/reference/ppp-authentication.md")
	must(t, err)
	return string(b)
}

package explain

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/ppp/auth"
)

// A PPP login against local users by each method: what the report says, and how it helps.
func TestPPPLogin(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, "hostname: h\nusers: [{name: kim, password_file: password}, {name: hashed, "+
		"password_hash: \"$1$abcd$2hDGYdE0UrwK2pqoiF6BB1\"}]\n"+
		"aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}\n"+
		"lines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n")
	for _, tt := range []struct {
		user     string
		method   auth.Method
		password string
		result   string
		reason   string
		hint     string
	}{
		{"kim", 0, "pw1", "granted", "", ""},
		{"kim", auth.PAP, "pw1", "granted", "", ""},
		{"kim", auth.CHAP, "pw1", "granted", "", ""},
		{"kim", auth.MSCHAPv1, "pw1", "granted", "", ""},
		{"kim", auth.MSCHAPv2, "pw1", "granted", "", ""},
		{"kim", auth.EAP, "pw1", "granted", "", ""},
		{"kim", auth.PAP, "wrong", "refused", "wrong password", ""},
		{"kim", auth.CHAP, "wrong", "refused", "wrong password", "for CHAP the server needs the password in plain"},
		{"kim", auth.MSCHAPv1, "wrong", "refused", "wrong password", "for MS-CHAP the server needs the password"},
		{"kim", auth.MSCHAPv2, "wrong", "refused", "wrong password", "or its NT hash"},
		{"kim", auth.EAP, "wrong", "refused", "wrong password", "for EAP-MD5 the server needs"},
		{"hashed", auth.PAP, "cisco", "granted", "", ""},
		{"hashed", auth.CHAP, "cisco", "refused", "only a password hash is known (use PAP, or password_file",
			"plain text"},
		{"nobody", auth.EAP, "cisco", "refused", "no user", "EAP-MD5"},
	} {
		r, err := Login(t.Context(), cfg, Question{User: tt.user, Service: aaa.PPP, Auth: tt.method, List: "default",
			Password: func(context.Context) (string, error) { return tt.password, nil }})
		if err != nil {
			t.Fatal(err)
		}
		if r.Result != tt.result || !strings.Contains(r.Reason, tt.reason) || !strings.Contains(r.Hint, tt.hint) ||
			tt.hint == "" && r.Hint != "" || r.Auth == "" || (r.Identity == tt.user) != (r.Result == "granted") {
			t.Errorf("%s by %v with %q: %+v", tt.user, tt.method, tt.password, r)
		}
	}
}

// A line whose profile does not offer the method is not tested with it.
func TestMethodOfLine(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, "hostname: h\nusers: [{name: kim, password_file: password}]\n"+
		"aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}\n"+
		"ppp: {netdev: userspace, profiles: [{name: office, address: 10.8.0.1, authentication: [chap, pap]}]}\n"+
		"lines: [{tty: 1, port: \"tcp://127.0.0.1:1\", ppp_profile: office}]\n")
	for m, want := range map[auth.Method]string{auth.CHAP: "", 0: "",
		auth.EAP: `the profile "office" of tty 1 does not offer eap, but chap, pap (without a line,`} {
		_, err := Login(t.Context(), cfg, Question{User: "kim", Service: aaa.PPP, Auth: m, Line: 1,
			Password: func(context.Context) (string, error) { return "pw1", nil }})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v", m, err)
		}
	}
}

// asks is a server that has one EAP request after the other, and then grants.
type asks struct {
	requests [][]byte
	got      [][]byte
	success  string
}

func (a *asks) Name() string { return "asks" }

func (a *asks) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) { return a, a.next() }

func (a *asks) next() aaa.Result {
	if len(a.requests) == 0 {
		return aaa.Result{Kind: aaa.Granted, EAP: []byte{3, 9, 0, 4}, Success: a.success}
	}
	r := a.requests[0]
	a.requests = a.requests[1:]
	return aaa.Result{Kind: aaa.Prompt, EAP: r}
}

func (a *asks) Answer(_ context.Context, answer aaa.Secret) aaa.Result {
	a.got = append(a.got, []byte(answer))
	return a.next()
}

func loginBy(a *asks) aaa.Login {
	return aaa.Login{Authentication: aaa.Lists{aaa.PPP: {Entries: []aaa.Method{a}}}}
}

// The peer answers an identity, a notification and MD5, and has no other EAP method (RFC 3748 §5).
func TestEAPPeer(t *testing.T) {
	t.Parallel()
	a := &asks{requests: [][]byte{{1, 4, 0, 5, 1}, {1, 5, 0, 7, 2, 'h', 'i'}, {1, 6, 0, 6, 13, 0x20},
		{1, 7, 0, 22, 4, 16, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'},
		{1, 8, 0, 5, 4}, append([]byte{1, 9, 1, 5, 4, 255}, bytes.Repeat([]byte("x"), 255)...)}}
	p := peer{method: auth.EAP, user: "kim", password: "sesame"}
	res, err := p.converse(t.Context(), loginBy(a), aaa.Request{Service: aaa.PPP})
	if err != nil || res.Kind != aaa.Granted {
		t.Fatalf("%+v %v", res, err)
	}
	// by md5sum, of 07, sesame, 0123456789abcdef, and of 09, sesame, 255 times x, the longest challenge
	sum := "\x69\x02\x95\xc9\x07\x52\x62\xc1\x6a\x24\x95\x65\xc0\x1b\xe4\x19"
	long := "\x04\x61\x4d\xd6\x13\x6f\xe1\x41\x13\xe0\xc4\x0a\xb8\xd7\x9d\x3f"
	want := [][]byte{{2, 4, 0, 8, 1, 'k', 'i', 'm'}, {2, 5, 0, 5, 2}, {2, 6, 0, 6, 3, 4},
		append([]byte{2, 7, 0, 22, 4, 16}, sum...), {2, 8, 0, 6, 3, 4},
		append([]byte{2, 9, 0, 22, 4, 16}, long...)}
	for i := range want {
		if i >= len(a.got) || !bytes.Equal(a.got[i], want[i]) {
			t.Fatalf("%d: %x, want %x", i, a.got, want)
		}
	}
	p.wants = 13
	if got := p.hint(); !strings.Contains(got, "wants EAP type 13") {
		t.Error(got)
	}
}

// A grant that the caller's client would not believe is none.
func TestServerProof(t *testing.T) {
	t.Parallel()
	for success, want := range map[string]string{
		"S=407A5589115FD0D6209F510FE9C04566932CDA56": "its proof (S=) is wrong", "": "without the S="} {
		p := peer{method: auth.MSCHAPv2, user: "User", password: "clientPass"}
		res, err := p.converse(t.Context(), loginBy(&asks{success: success}), aaa.Request{Service: aaa.PPP})
		if err != nil || res.Kind != aaa.Refused || !strings.Contains(res.Reason, want) {
			t.Errorf("%q: %+v %v", success, res, err)
		}
	}
	p := peer{method: auth.MSCHAPv2, user: "User", password: "caf\xe9"}
	if _, err := p.converse(t.Context(), loginBy(&asks{}), aaa.Request{}); err == nil ||
		!strings.Contains(err.Error(), "not UTF-8") {
		t.Error(err)
	}
}

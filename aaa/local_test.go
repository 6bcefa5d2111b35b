package aaa

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func TestLocal(t *testing.T) {
	rotary := 3
	l, err := NewLocal([]User{
		{Name: "austin-01", Password: "pw1", Callback: &UserCallback{Dialstring: DialstringOf("84001"), NoVerify: true,
			Lines: []int{66}, Rotary: &rotary}},
		{Name: "austin-02", PasswordHash: "$1$abcd$2hDGYdE0UrwK2pqoiF6BB1", Callback: &UserCallback{}},
		{Name: "bob", Password: "pw3", PrivLevel: 15, Groups: []string{"ops"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	start := func(user, password string) Result {
		c, res := l.Start(context.Background(), Request{User: user, Password: Secret(password)})
		if c != nil {
			t.Errorf("%s: a conversation", user)
		}
		return res
	}
	res := start("austin-01", "pw1")
	if res.Kind != Granted || res.Identity != (Identity{"local", "austin-01"}) || !res.Auth.Callback ||
		res.Auth.Dialstring.Value() != "84001" ||
		!res.Auth.NoVerify || len(res.Auth.Lines) != 1 || *res.Auth.Rotary != 3 || res.Auth.PrivLevel != 1 {
		t.Errorf("austin-01: %+v", res)
	}
	*res.Auth.Rotary, res.Auth.Lines[0] = 9, 9
	if again := start("austin-01", "pw1"); *again.Auth.Rotary != 3 || again.Auth.Lines[0] != 66 {
		t.Error("a caller changed what the next one is granted")
	}
	if res := start("austin-02", "cisco"); res.Kind != Granted || !res.Auth.Callback || !res.Auth.Dialstring.IsNull() {
		t.Errorf("austin-02: %+v", res)
	}
	if res := start("bob", "pw3"); res.Kind != Granted || res.Auth.Callback || res.Auth.PrivLevel != 15 ||
		res.Auth.Groups[0] != "ops" {
		t.Errorf("bob: %+v", res)
	}
	for _, tt := range [][2]string{{"bob", ""}, {"bob", "pw1"}, {"bob", "pw3\x00"}, {"Bob", "pw3"}, {" bob", "pw3"},
		{"bob ", "pw3"}, {"", ""}, {"nobody", ""}, {"nobody", "pw3"},
		{"bob", strings.Repeat("x", 255)}, {strings.Repeat("x", 300), "pw3"}, {"bob\x00", "pw3"}} {
		res := start(tt[0], tt[1])
		if res.Kind != Refused || res.Auth.Callback || res.Identity != (Identity{}) || res.Message != "" {
			t.Errorf("%q %q: %+v", tt[0], tt[1], res)
		}
		if tt[1] != "" && strings.Contains(res.Reason, tt[1]) {
			t.Errorf("password in %q", res.Reason)
		}
	}
	if _, res := new(Local).Start(context.Background(), Request{User: "bob", Password: "pw3"}); res.Kind != Refused {
		t.Errorf("zero Local: %+v", res)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range cap(l.slots) {
		l.slots <- struct{}{}
	}
	if _, res := l.Start(ctx, Request{User: "bob", Password: "pw3"}); res.Kind != Silent {
		t.Errorf("ended context: %+v", res)
	}
}

// The cost of an answer is measured in computed hashes, because times vary.
func TestLocalTellsNoUserByTime(t *testing.T) {
	l, err := NewLocal([]User{{Name: "cheap", Password: "a"},
		{Name: "dear", PasswordHash: "$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	count := func(h Hash) Hash {
		match := h.match
		h.match = func(p []byte) bool { n++; return match(p) }
		return h
	}
	dear := l.users[entry{"dear", EXEC}]
	dear.hash = count(dear.hash)
	l.users[entry{"dear", EXEC}], l.costlier = dear, dear.hash
	for _, r := range []Request{{User: "cheap", Password: "b"}, {User: "cheap", Password: "a"},
		{User: "dear", Password: "b"}, {User: "dear", Password: "cisco"},
		{User: "nobody", Password: "b"}, {User: "nobody"}, {User: "dear"},
		{User: "dear", Password: Secret(strings.Repeat("x", 400))}} {
		n = 0
		l.Start(context.Background(), r)
		if n != 1 {
			t.Errorf("%s: %d costly hashes", r.User, n)
		}
	}
}

func TestNewLocalErrors(t *testing.T) {
	bad := 101
	_, err := NewLocal([]User{
		{Name: "a"}, {Name: "b", Password: "x", PasswordHash: "$1$"}, {Name: "c", PasswordHash: "zzz"},
		{Name: " d", Password: "x"},
		{Name: "e", Password: "x", PrivLevel: 16}, {Name: "f", Password: "x", Callback: &UserCallback{Rotary: &bad}},
		{Name: "g", Password: "x", Callback: &UserCallback{Lines: []int{0}}},
		{Name: "h", Password: "x", Callback: &UserCallback{Dialstring: DialstringOf("5\r")}},
		{Name: "k", Password: "x", Callback: &UserCallback{Dialstring: DialstringOf("5"), Further: []string{"6\r"}}},
		{Name: "l", Password: "x", Callback: &UserCallback{Dialstring: DialstringOf("5"), Further: []string{""}}},
		{Name: "m", Password: "x", Callback: &UserCallback{Dialstring: DialstringOf(""), Further: []string{"5"}}},
		{Name: "n", Password: "x", Callback: &UserCallback{Dialstring: DialstringOf("5"),
			Further: strings.Split("1234567890", "")}},
		{Name: "i", Password: "x"}, {Name: "i", Password: "y"}, {Name: "j", Password: Secret(strings.Repeat("x", 255))},
	})
	for _, want := range []string{`"a": no password`, `"b": both a password and`, `"c": password hash: unknown`,
		`" d": user name begins or ends`, `"e": priv_lvl 16`, `"f": callback rotary 101`,
		`"g": callback line 0`, `"h": callback dialstring`,
		`"k": callback dialstring: contains a control`, `"l": callback: one of several numbers is empty`,
		`"m": callback: one of several`, `"n": callback: 11 numbers`, `"i": defined twice`, `"j": password longer`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

func TestDialstringJSON(t *testing.T) {
	for want, d := range map[string]Dialstring{"null": {}, `""`: DialstringOf(""), `"84\u0007"`: DialstringOf("84\a")} {
		b, err := json.Marshal(d)
		if err != nil || string(b) != want {
			t.Errorf("%v: %s %v, want %s", d, b, err, want)
		}
		var back Dialstring
		if err := json.Unmarshal(b, &back); err != nil || back != d {
			t.Errorf("%s read as %v, %v", b, back, err)
		}
	}
}

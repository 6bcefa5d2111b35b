package radius_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
)

// TestPeerFreeRADIUSHowTo starts a FreeRADIUS with the files that docs/how-to/freeradius.md quotes, in place of those of the other tests, and logs
// both of its users in. TestHowToFiles holds the document to the files.
func TestPeerFreeRADIUSHowTo(t *testing.T) {
	const secret = "CHANGE-ME-to-24-random-octets"
	conf := testFile(t, "radiusd.conf.in")
	conf = withSection(t, conf, "client loopback {", strings.Replace(testFile(t, "howto/clients.conf"), "192.0.2.9", "127.0.0.1", 1))
	signed := withSection(t, conf, "\tpost-auth {", testFile(t, "howto/post-auth"))
	unsigned := withSection(t, conf, "\tpost-auth {", "")
	users := testFile(t, "howto/users")

	c := howToClient(t, aaatest.FreeRADIUSOptions{Config: signed, Users: users, Secret: secret})
	for user, check := range map[string]func(aaa.Authorization) bool{
		"austin-01/maui-1993": func(a aaa.Authorization) bool { return a.Callback && a.Dialstring.Value() == "84001" && a.NoVerify },
		"austin-02/hana-1993": func(a aaa.Authorization) bool { return a.Callback && a.Dialstring.IsNull() && !a.NoVerify },
	} {
		if res := login(c, user); res.Kind != aaa.Granted || !check(res.Auth) {
			t.Errorf("%s: %+v", user, res)
		}
	}
	if res := login(c, "austin-01/wrong"); res.Kind != aaa.Refused {
		t.Errorf("a wrong password: %+v", res)
	}
	// Without the section a server of before 3.2.5 is not believed, and the error says so; a later one signs by itself.
	c = howToClient(t, aaatest.FreeRADIUSOptions{Config: unsigned, Users: users, Secret: secret})
	if res := login(c, "austin-01/maui-1993"); res.Kind != aaa.Granted && (res.Kind != aaa.Silent || !strings.Contains(res.Reason, "must sign its replies")) {
		t.Errorf("without the section: %+v", res)
	}
}

func howToClient(t *testing.T, o aaatest.FreeRADIUSOptions) *radius.Client {
	t.Helper()
	f := aaatest.StartFreeRADIUS(t, o)
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04", Servers: []radius.ServerConfig{
		{Name: "freeradius", Address: f.Auth, Accounting: f.Acct, Secret: f.Secret, Timeout: 500 * time.Millisecond, Retries: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// login takes "user/password".
func login(c *radius.Client, who string) aaa.Result {
	user, password, _ := strings.Cut(who, "/")
	_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: user, Password: aaa.Secret(password), TTY: 65})
	return res
}

// withSection puts text in the place of the section that begins with the line head, up to the closing brace of the same indent.
func withSection(t *testing.T, conf, head, text string) string {
	t.Helper()
	before, rest, ok := strings.Cut(conf, "\n"+head+"\n")
	indent := head[:len(head)-len(strings.TrimLeft(head, "\t"))]
	_, after, ends := strings.Cut(rest, "\n"+indent+"}\n")
	if !ok || !ends {
		t.Fatalf("no section %q", head)
	}
	return before + "\n" + text + after
}

func testFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/peers/freeradius/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

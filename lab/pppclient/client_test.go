package pppclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// link opens LCP without a login; withPAP and the others ask for one.
const link = `
	< c021 01 01 ____ 0206 00000000 0506........ 0702 0802
	> c021 02 01 ____ @
	> c021 01 07 ____ 0206 00000000 0506 aabbccdd
	< c021 02 07 ____ 0206 00000000 0506 aabbccdd`

// withCallback opens LCP, and accepts the callback option with a number of digits.
func withCallback(option string) string {
	return strings.Replace(link, "0702 0802", "0702 0802 "+option, 1)
}

const ipcp = `
	< 8021 01 01 ____ 0306 00000000 8106 00000000 8306 00000000
	> 8021 01 01 ____ 0306 0a080001
	< 8021 02 01 ____ 0306 0a080001
	> 8021 03 01 ____ 0306 0a08000a 8106 c0000235 8306 c0000236
	< 8021 01 02 ____ 0306 0a08000a 8106 c0000235 8306 c0000236
	> 8021 02 02 ____ @`

// asks opens LCP with the server asking for a method.
func asks(method string) string {
	return strings.Replace(strings.Replace(link, "0506 aabbccdd", method, 1), "0506 aabbccdd", method, 1)
}

// terminated is a client that ends the link.
const terminated = `
	< c021 05 .. ....
	> c021 06 01 0004`

// run plays a script against a client, which logs in, connects and serves until the server ends the link or a minute
// has passed. It returns what the client has told, and its error.
func run(t *testing.T, c Config, s string) (told []string, err error) {
	t.Helper()
	near, far := net.Pipe()
	c.User, c.Password = "kim", "sesame"
	c.Tell = func(text string) { told = append(told, text) }
	done := make(chan error, 1)
	go func() { done <- script(s).play(far) }()
	err = converse(t.Context(), New(bufio.NewReader(near), near, c), func(text string) { told = append(told, text) })
	if failed := <-done; failed != nil {
		t.Error(failed)
	}
	near.Close()
	far.Close()
	synctest.Wait()
	return told, err
}

func converse(ctx context.Context, c *Client, tell func(string)) error {
	p, err := c.Login(ctx)
	if err != nil {
		return err
	}
	if p != nil {
		tell(fmt.Sprintf("promise %+v", *p))
		return nil
	}
	n, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	tell(n.String())
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.Serve(ctx, func(b []byte) {
		tell(fmt.Sprintf("packet %x", b))
		_ = c.Send([]byte{0x45, 0xff})
	})
}

func TestClient(t *testing.T) {
	const address = "address 10.8.0.10; 10.8.0.10 (peer 10.8.0.1, DNS [192.0.2.53 192.0.2.54])"
	cbcp := Config{Callback: Callback{Kind: CBCP, Number: "2009042", Delay: 12 * time.Second}}
	for _, tt := range []struct {
		name   string
		config Config
		script string
		tells  string
		err    string
	}{
		{name: "without a login", script: link + ipcp + `
			> 0021 45 01
			< 0021 45 ff
			> c021 09 33 ____ aabbccdd 010203
			< c021 0a 33 ____ ........ 010203
			> 80fd 01 01 0004
			< c021 08 01 ____ 80fd 01 01 0004
			> c021 63 01 0004
			< c021 07 02 ____ 63 01 0004
			> c021 05 44 ____ 627965
			< c021 06 44 0004`,
			tells: "link open; the server does not ask for a login; " + address + "; packet 4501",
			err:   `the server ended the link: "bye"`},
		{name: "nothing is answered", script: strings.Repeat("< c021 01 01\n+ 2.9s\n", 10),
			err: "LCP: the server does not agree after 10 requests"},
		{name: "one octet at a time and noise", script: "! 0d0a436f6e6e656374 ff7e00\n" + asks("0304 c023") + `
			< c023 01 01 ____ 03 6b696d 06 736573616d65
			> c023 03 01 ____ 04 4e6f7065
			< c021 05 02
			> c021 06 02 0004`, tells: "link open", err: `pap: the server refused the login: "Nope"`},
		{name: "a repeated PAP request", script: asks("0304 c023") + `
			< c023 01 01
			+ 2.9s
			< c023 01 02
			> c023 02 01 ____ 00
			> c023 02 02 ____ 00` + ipcp, tells: "link open; logged in by pap; " + address,
			err: "context deadline exceeded"},
		{name: "another method", script: `
			< c021 01 01
			> c021 02 01 ____ @
			> c021 01 01 ____ 0305 c22380
			< c021 03 01 ____ 0304 c023
			> c021 01 02 ____ 0304 c023
			< c021 02 02
			< c023 01 01
			> c023 03 01 ____ 00
			< c021 05` + "\n> c021 06 02 0004", config: Config{Methods: []Method{PAP, CHAP}}, tells: "link open",
			err: `pap: the server refused the login: ""`},
		{name: "a challenge, and another in the network phase", script: asks("0305 c22305") + `
			> c223 01 17 ____ 10 30313233343536373839616263646566 6e6173
			< c223 02 17 ____ 10 37ec10273214a815b0fda0d864f1a91c 6b696d
			> c223 03 17 0004` + ipcp + `
			> c223 01 17 ____ 10 30313233343536373839616263646566
			< c223 02 17 ____ 10 37ec10273214a815b0fda0d864f1a91c 6b696d`,
			tells: "link open; logged in by chap; " + address, err: "context deadline exceeded"},
		{name: "challenges that are malformed", script: asks("0305 c22305") + `
			> c223 01 17 ____ 11 30313233343536373839616263646566
			> c223 01 17 ____ 00
			> c223 01 17 0004
			+ 1s
			> c223 04 17 ____ 786f
			< c021 05` + "\n> c021 06 01 0004", tells: "link open", err: `chap: the server refused the login: "xo"`},
		{name: "a server that does not know the password", script: asks("0305 c22381") + `
			> c223 01 17 ____ 10 30313233343536373839616263646566
			< c223 02 17 .... 31
			> c223 03 17 ____ 533d34303741353538393131354644304436323039463531304645394330343536363933324344413536
			< c021 05` + "\n> c021 06 01 0004", tells: "link open",
			err: "ms-chap-v2: the server does not prove that it knows the password"},
		{name: "a second attempt", config: Config{Again: "another"}, script: asks("0305 c22381") + `
			> c223 01 17 ____ 10 30313233343536373839616263646566
			< c223 02 17 .... 31
			> c223 04 17 ____ 453d36393120523d3120433d303031313232333334343535363637373838393941414242434344444545464620563d33
			< c223 02 18 .... 31
			> c223 04 18 ____ 453d36393120523d30
			< c021 05` + "\n> c021 06 01 0004", tells: "link open; the password is wrong: trying another one",
			err: `ms-chap-v2: the server refused the login: "E=691 R=0"`},
		{name: "success without a challenge", script: asks("0305 c22381") + `
			> c223 03 17 ____ 533d
			< c021 05` + "\n> c021 06 01 0004", tells: "link open",
			err: "ms-chap-v2: the server does not prove that it knows the password"},
		{name: "EAP", script: asks("0304 c227") + `
			> c227 01 01 ____ 01
			< c227 02 01 ____ 01 6b696d
			> c227 01 02 ____ 02 6869
			< c227 02 02 ____ 02
			> c227 01 03 ____ 0d 20
			< c227 02 03 ____ 03 04
			> c227 01 17 ____ 04 10 30313233343536373839616263646566
			< c227 02 17 ____ 04 10 37ec10273214a815b0fda0d864f1a91c 6b696d
			> c227 03 17 0004` + ipcp, tells: "link open; logged in by eap; " + address, err: "context deadline exceeded"},
		{name: "EAP fails", script: asks("0304 c227") + `
			> c227 04 01 0004
			< c021 05` + "\n> c021 06 01 0004", tells: "link open", err: `eap: the server refused the login: ""`},
		{name: "a server that never challenges", script: asks("0305 c22305") + `
			+ 59s
			< c021 05` + "\n> c021 06 01 0004", tells: "link open", err: "chap: the server does not answer within 1m0s"},
		{name: "no login before LCP, no IP before the login", script: `
			> c023 02 01 ____ 00
			> 8021 01 01 0004` + asks("0304 c023") + `
			> 8021 01 01 ____ 0306 0a080001
			> 0021 45 01
			> c029 01 01 ____ 0102
			< c023 01 01
			> c023 02 01 ____ 00` + ipcp, tells: "link open; logged in by pap; " + address,
			err: "context deadline exceeded"},
		{name: "the document's callback", config: cbcp, script: withCallback("0d03 06") + `
			+ 5s
			> c029 01 01 ____ 0102 0205000100
			< c029 02 01 ____ 020c0c01 32303039303432 00
			> c029 03 01 ____ 020c0c01 32303039303432 00` + terminated,
			tells: "link open; the server does not ask for a login; the server will call back 2009042; " +
				"promise {Number:2009042 Delay:12s}"},
		{name: "acks that are not ours, and a repeated offer", config: cbcp, script: withCallback("0d03 06") + `
			> c029 03 01 ____ 0102
			> c029 01 01 ____ 0102 0205000100
			< c029 02 01
			> c029 03 02 ____ @
			> c029 03 01 ____ 020c0c01 32303039303433 00
			+ 2.9s
			< c029 02 01
			> c029 01 02 ____ 0303 00
			< c029 02 02 ____ 03030c
			> c029 03 02 ____ @` + terminated,
			tells: "link open; the server does not ask for a login; the server will call back the number that the " +
				"server has; promise {Number: Delay:12s}"},
		{name: "an offer of nothing but none", config: cbcp, script: withCallback("0d03 06") + `
			> c029 01 01 ____ 0102
			< c029 02 01 ____ 0102
			> c029 03 01 ____ 0102` + ipcp, tells: "link open; the server does not ask for a login; no callback; " + address,
			err: "context deadline exceeded"},
		{name: "an offer of a list", config: cbcp, script: withCallback("0d03 06") + `
			> c029 01 01 ____ 0407 0001 3535 00` + terminated,
			tells: "link open; the server does not ask for a login",
			err:   "cbcp: the server offers 04 07 00 01 35 35 00, of which nothing is wanted"},
		{name: "options that are malformed", config: cbcp, script: withCallback("0d03 06") + `
			> c029 01 01 ____ 0200
			> c029 01 01 ____ 02ff
			+ 1s
			> c029 01 01 ____ 0102
			< c029 02 01
			> c021 08 01 ____ c029 02 01 0006 0102` + terminated,
			tells: "link open; the server does not ask for a login",
			err:   "cbcp: the server does not have the protocol"},
		{name: "a server that does not call back", config: cbcp, script: `
			< c021 01 01 ____ 0206 00000000 0506........ 0702 0802 0d03 06
			> c021 04 01 ____ 0d03 06
			< c021 01 02 ____ 0206 00000000 0506........ 0702 0802
			> c021 02 02 ____ @
			> c021 01 01 0004
			< c021 02 01` + ipcp, tells: "the server does not call back; link open; the server does not ask for a login; " +
			address, err: "context deadline exceeded"},
		{name: "the link by suggestions", script: `
			< c021 01 01 .... 0206 00000000 0506
			> c021 03 01 ____ 0206 000a0000 0506 01020304 0702
			< c021 01 02 ____ 0206 000a0000 0506 ........ 0802
			> c021 04 02 ____ 0206 000a0000 0802
			< c021 01 03 ____ 0506 ........
			> c021 02 03 ____ @
			> c021 01 01 ____ 0104 0040 0206 ffffffff
			< c021 03 01 ____ 0104 0080
			> c021 01 02 ____ 1104 05dc 1309 03 010203040506
			< c021 04 02 ____ 1104 05dc 1309 03 010203040506
			> c021 01 03 ____ 0104 0240
			< c021 02 03` + ipcp, tells: "link open; the server does not ask for a login; " + address,
			err: "context deadline exceeded"},
		{name: "by RFC 1570", config: Config{Callback: Callback{Kind: ByLogin}}, script: withCallback("0d03 00") + `
			> c021 05 09 ____ 6279 65
			< c021 06 09 0004`, tells: "link open; the server does not ask for a login; the server ended the link: bye; " +
			"promise {Number: Delay:0s}"},
		{name: "by RFC 1570 at a number", config: Config{Callback: Callback{Kind: ByNumber, Number: "84001"}},
			script: withCallback("0d08 03 3834303031") + "\n+ 9s" + terminated,
			tells:  "link open; the server does not ask for a login; promise {Number:84001 Delay:0s}"},
		{name: "renegotiated", script: asks("0304 c023") + `
			< c023 01 01
			> c023 02 01 ____ 00` + ipcp + `
			> c021 01 08 ____ 0304 c023
			< c021 01 01
			> c021 02 01 ____ @
			< c021 02 08
			< c023 01 02
			> c023 02 02 ____ 00` + ipcp + `
			> 0021 45 01
			< 0021 45 ff`, tells: "link open; logged in by pap; " + address + "; link open; logged in by pap; " +
			"address 10.8.0.10; packet 4501", err: "context deadline exceeded"},
		{name: "renegotiated in the login", script: asks("0305 c22305") + `
			> c021 01 08 ____ 0304 c023
			< c021 01 01
			> c021 02 01 ____ @
			< c021 02 08
			< c023 01 01
			> c023 03 01 ____ 00
			< c021 05` + "\n> c021 06 02 0004", tells: "link open; link open", err: `pap: the server refused the login: ""`},
		{name: "another address after a renegotiation", script: link + ipcp + `
			> 8021 01 08 ____ 0306 0a080002
			< 8021 01 01
			< 8021 02 08
			> 8021 03 01 ____ 0306 0a08000b
			< 8021 01 02 ____ 0306 0a08000b 8106 00000000 8306 00000000
			> 8021 02 02 ____ @`, tells: "link open; the server does not ask for a login; " + address + "; address 10.8.0.11",
			err: "the addresses changed from 10.8.0.10 (peer 10.8.0.1, DNS [192.0.2.53 192.0.2.54]) to 10.8.0.11 " +
				"(peer 10.8.0.2, DNS [])"},
		{name: "no address", script: link + `
			< 8021 01 01
			> 8021 04 01 ____ 0306 00000000
			< 8021 01 02 ____ 8106 00000000 8306 00000000
			> 8021 02 02 ____ @
			> 8021 01 01 0004
			< 8021 02 01` + terminated, tells: "link open; the server does not ask for a login",
			err: "IPCP: the server gives no address"},
		{name: "no IP", script: link + `
			< 8021 01 01
			> c021 08 01 ____ 8021 01 01` + terminated,
			tells: "link open; the server does not ask for a login; IPCP rejected",
			err:   "the server has no network protocol for us"},
		{name: "IPv6 ends alone", config: Config{IPv6: true}, script: link + `
			< 8021 01 01
			< 8057 01 01 .... 010a
			> 8057 02 01 ____ @
			> 8057 01 01 ____ 010a 0000000000000000
			< 8057 03 01 .... 010a
			> 8057 01 02 ____ 010a 0000000000000009
			< 8057 02 02
			> 8021 01 01 ____ 0306 0a080001
			< 8021 02 01
			> 8021 02 08 ____ 0306 00000000 8106 00000000 8306 00000000
			+ 1s
			> 8021 03 01 ____ 0306 0a08000a 8106 c0000235 8306 c0000236
			< 8021 01 02
			> 8021 02 02 ____ @
			> 8057 05 08 0004
			< 8057 06 08 0004
			> 0021 45 01
			< 0021 45 ff`, tells: "link open; the server does not ask for a login; address 10.8.0.10; IPv6 is up; 10.8.0.10 " +
			"(peer 10.8.0.1, DNS [192.0.2.53 192.0.2.54]); IPV6CP ended; packet 4501",
			err: "context deadline exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told, err := run(t, tt.config, tt.script)
				if got := strings.Join(told, "; "); got != tt.tells {
					t.Errorf("it tells\n%s, must be\n%s", got, tt.tells)
				}
				if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
					t.Errorf("%v, must be %s", err, tt.err)
				}
			})
		})
	}
}

// A client whose ctx ends returns at once, in every phase.
func TestInterrupted(t *testing.T) {
	why := errors.New("enough")
	for _, s := range []string{"< c021 01 01", asks("0305 c22305"), link + "\n< 8021 01 01", link + ipcp} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			ctx, cancel := context.WithCancelCause(t.Context())
			begun := time.Now()
			time.AfterFunc(20*time.Second, func() { cancel(why) })
			go func() {
				if err := script(s).play(far); err != nil {
					t.Error(err)
				}
			}()
			err := converse(ctx, New(bufio.NewReader(near), near, Config{}), func(string) {})
			if !errors.Is(err, why) || time.Since(begun) != 20*time.Second {
				t.Errorf("%q: %v after %v", s, err, time.Since(begun))
			}
			near.Close()
			far.Close()
		})
	}
}

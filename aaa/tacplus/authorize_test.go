package tacplus_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// authorized asks q of a server that sends the answers in order.
func authorized(t *testing.T, q aaa.Question, answers ...[]byte) (res aaa.Result, asked []wire) {
	t.Helper()
	inTown(t, tacplus.Config{}, func(w *town) {
		res = w.client.Authorize(w.t.Context(), q)
		if res.Kind != aaa.Granted {
			w.clean(res)
		}
	}, server{Serve: func(l *link) {
		p, ok := l.next()
		if !ok {
			return
		}
		asked = append(asked, p)
		l.send(p.to(answers[min(l.n, len(answers))-1]))
		l.closed()
	}})
	return res, asked
}

// The octets of each request.
func TestAuthorizationRequests(t *testing.T) {
	t.Parallel()
	ppp := asking("bob")
	ppp.Service = aaa.PPP
	ipv6 := ppp
	ipv6.Protocol = "ipv6"
	dual := ppp
	dual.IPv6 = true
	show := asking("bob")
	show.PrivLevel, show.Command = 15, []string{"show", "version", ""}
	leg2 := asking("bob")
	leg2.NoPassword = true
	local, radius, none := asking("bob"), asking("bob"), asking("bob")
	local.Identity.Entry, radius.Identity.Entry, none.Identity.Entry = "local", "radius", "none"
	add := authorReply(passAdd, "")
	for name, c := range map[string]struct {
		q    aaa.Question
		want [][]byte
	}{
		"EXEC": {asking("bob"),
			[][]byte{authorBody(6, 1, 1, 1, "bob", "tty65", "5551", "service=shell", "cmd=")}},
		"PPP": {ppp, [][]byte{authorBody(6, 1, 0, 3, "bob", "tty65", "5551", "service=ppp", "protocol=lcp"),
			authorBody(6, 1, 0, 3, "bob", "tty65", "5551", "service=ppp", "protocol=ip")}},
		"PPP with IPv6": {dual, [][]byte{
			authorBody(6, 1, 0, 3, "bob", "tty65", "5551", "service=ppp", "protocol=lcp"),
			authorBody(6, 1, 0, 3, "bob", "tty65", "5551", "service=ppp", "protocol=ip"),
			authorBody(6, 1, 0, 3, "bob", "tty65", "5551", "service=ppp", "protocol=ipv6")}},
		"IPv6": {ipv6, [][]byte{authorBody(6, 1, 0, 3, "bob", "tty65", "5551", "service=ppp",
			"protocol=ipv6")}},
		"command": {show, [][]byte{authorBody(6, 15, 1, 1, "bob", "tty65", "5551", "service=shell", "cmd=show",
			"cmd-arg=version", "cmd-arg=", "cmd-arg=<cr>")}},
		"no password":   {leg2, [][]byte{authorBody(1, 1, 0, 0, "bob", "tty65", "5551", "service=shell", "cmd=")}},
		"local user":    {local, [][]byte{authorBody(5, 1, 0, 1, "bob", "tty65", "5551", "service=shell", "cmd=")}},
		"RADIUS user":   {radius, [][]byte{authorBody(0x10, 1, 0, 1, "bob", "tty65", "5551", "service=shell", "cmd=")}},
		"unproven user": {none, [][]byte{authorBody(1, 1, 0, 1, "bob", "tty65", "5551", "service=shell", "cmd=")}},
	} {
		t.Run(name, func(t *testing.T) {
			res, asked := authorized(t, c.q, add)
			if res.Kind != aaa.Granted || len(asked) != len(c.want) {
				t.Fatalf("%+v after %d questions", res, len(asked))
			}
			for i, p := range asked {
				if string(p.body) != string(c.want[i]) || p.version != 0xc0 || p.kind != 2 || p.seq != 1 {
					t.Errorf("%+v\nbody %q\nwant %q", p, p.body, c.want[i])
				}
			}
		})
	}
}

func TestUnsendableQuestions(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		for want, words := range map[string][]string{
			"255 octets":     {"show", strings.Repeat("x", 248)},
			"US-ASCII":       {"show", "a\rb"},
			"the first must": {"", "x"},
			"the limit":      append([]string{"show"}, strings.Fields(strings.Repeat("x ", 253))...),
		} {
			q := asking("bob")
			q.Command = words
			if res := w.client.Authorize(w.t.Context(), q); res.Kind != aaa.Refused ||
				!strings.Contains(res.Reason, want) {
				t.Errorf("%s: %+v", want, res)
			}
		}
		if res := w.client.Authorize(w.t.Context(), asking("bø")); res.Kind != aaa.Refused {
			t.Errorf("%+v", res)
		}
		if w.connections("one") != 0 {
			t.Error("something was sent")
		}
	}, server{Serve: mute})
}

// Cisco's published sample of callback with TACACS+, paraphrased: a user whose EXEC is called back at a fixed number on
// line 7, unverified.
func TestCiscoSample(t *testing.T) {
	t.Parallel()
	res, _ := authorized(t, asking("foobar"), authorReply(passAdd, "", "callback-dialstring=3456789", "callback-line=7",
		"nocallback-verify=1"))
	a := res.Auth
	if res.Kind != aaa.Granted || !a.Callback || a.Dialstring != aaa.DialstringOf("3456789") ||
		!reflect.DeepEqual(a.Lines, []int{7}) || !a.NoVerify || a.PrivLevel != 1 || a.Rotary != nil {
		t.Errorf("%+v", res)
	}
	want := []aaa.Reading{
		{Dialect: "TACACS+", Attribute: "callback-dialstring", Value: "3456789", Field: "callback, dialstring"},
		{Dialect: "TACACS+", Attribute: "callback-line", Value: "7", Field: "callback, callback_line"},
		{Dialect: "TACACS+", Attribute: "nocallback-verify", Value: "1", Field: "no_verify"},
	}
	if !reflect.DeepEqual(a.Readings, want) ||
		!reflect.DeepEqual(a.Attributes, []string{"callback-dialstring=3456789", "callback-line=7",
			"nocallback-verify=1"}) {
		t.Errorf("%+v\n%q", a.Readings, a.Attributes)
	}
	// The same user over PPP: LCP returns the number; the sample has no IP, and a call that ends for callback needs
	// none.
	q := asking("foobar")
	q.Service = aaa.PPP
	res, asked := authorized(t, q, authorReply(passAdd, "", "callback-dialstring=123456"), authorReply(authorFail, ""))
	if res.Kind != aaa.Granted || res.Auth.Dialstring != aaa.DialstringOf("123456") || len(asked) != 2 ||
		res.Auth.Framed != nil {
		t.Errorf("%+v", res)
	}
	q.Leg = 2
	if res, _ = authorized(t, q, authorReply(passAdd, "", "callback-dialstring=123456"),
		authorReply(authorFail, "")); res.Kind != aaa.Refused {
		t.Errorf("leg two without IP: %+v", res)
	}
	if res, _ = authorized(t, q, authorReply(authorFail, "")); res.Kind != aaa.Refused {
		t.Errorf("without LCP: %+v", res)
	}
}

func number(n int) *int { return &n }

// Every attribute of the table and what it grants.
func TestAttributes(t *testing.T) {
	t.Parallel()
	null := aaa.Authorization{PrivLevel: 1, Callback: true, Dialstring: aaa.DialstringOf("")}
	plain := aaa.Authorization{PrivLevel: 1}
	with := func(a aaa.Authorization, f func(*aaa.Authorization)) aaa.Authorization { f(&a); return a }
	for pairs, want := range map[string]aaa.Authorization{
		"":                     plain,
		"service=shell|cmd=":   plain,
		"callback-dialstring=": null,
		"callback-dialstring*9,555 01": with(null,
			func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("9,555 01") }),
		"callback-line=65535": with(null, func(a *aaa.Authorization) { a.Lines = []int{65535} }),
		"callback-rotary=0":   with(null, func(a *aaa.Authorization) { a.Rotary = number(0) }),
		"callback-rotary=100|callback-dialstring=1": with(null, func(a *aaa.Authorization) {
			a.Rotary, a.Dialstring = number(100), aaa.DialstringOf("1")
		}),
		"nocallback-verify=1":    with(plain, func(a *aaa.Authorization) { a.NoVerify = true }),
		"nocallback-verify=true": with(plain, func(a *aaa.Authorization) { a.NoVerify = true }),
		"nocallback-verify=0":    plain,
		"priv-lvl=15":            with(plain, func(a *aaa.Authorization) { a.PrivLevel = 15 }),
		"priv-lvl=0":             with(plain, func(a *aaa.Authorization) { a.PrivLevel = 0 }),
		"Priv-Lvl*7":             with(plain, func(a *aaa.Authorization) { a.PrivLevel = 7 }),
		"autocmd=telnet host 23": with(plain, func(a *aaa.Authorization) { a.Autocmd = "telnet host 23" }),
		"noescape=true":          with(plain, func(a *aaa.Authorization) { a.NoEscape = true }),
		"nohangup=true":          with(plain, func(a *aaa.Authorization) { a.NoHangup = true }),
		"nohangup=false":         plain,
		"acl=7":                  with(plain, func(a *aaa.Authorization) { a.ACL = "7" }),
		"timeout=60|idletime=5": with(plain, func(a *aaa.Authorization) {
			a.SessionTimeout, a.IdleTimeout = time.Hour,
				5*time.Minute
		}),
		"timeout=0": plain,
		"ringback:group=staff|ringback:group=night|group=x": with(plain,
			func(a *aaa.Authorization) { a.Groups = []string{"staff", "night", "x"} }),
		"x-unknown*1":           plain,
		"priv-lvl*99":           plain,
		"addr*10.0.0.1":         plain, // has no meaning in an EXEC
		"priv-lvl=7|priv-lvl=7": with(plain, func(a *aaa.Authorization) { a.PrivLevel = 7 }),
		"priv-lvl=7|priv-lvl*8": with(plain, func(a *aaa.Authorization) { a.PrivLevel = 7 }),
		"autocmd=a=b*c":         with(plain, func(a *aaa.Authorization) { a.Autocmd = "a=b*c" }),
	} {
		for _, status := range []byte{passAdd, passRepl} {
			var args []string
			if pairs != "" {
				args = strings.Split(pairs, "|")
			}
			res, _ := authorized(t, asking("bob"), authorReply(status, "", args...))
			if len(res.Auth.Readings) != len(args) || len(res.Auth.Attributes) != len(args) {
				t.Errorf("%s: %+v", pairs, res.Auth.Readings)
			}
			res.Auth.Readings, res.Auth.Attributes = nil, nil
			if res.Kind != aaa.Granted || !reflect.DeepEqual(res.Auth, want) {
				t.Errorf("%s, status %d: %v %q\n%+v\nwant\n%+v", pairs, status, res.Kind, res.Reason, res.Auth, want)
			}
		}
	}
}

// The answers to LCP and IP are read as one.
func TestPPPAttributes(t *testing.T) {
	t.Parallel()
	q := asking("bob")
	q.Service = aaa.PPP
	res, _ := authorized(t, q,
		authorReply(passAdd, "", "callback-dialstring=5551002", "callback-rotary=3", "send-secret="+canary,
			"timeout=60", "callback-line*4"),
		authorReply(passRepl, "Hello.", "addr=10.9.0.2", "addr-pool=p", "inacl=101", "inacl#2=permit ip any any",
			"outacl#1=o", "route#1=10.0.0.0 255.0.0.0", "route#2=10.0.0.0 255.0.0.0 10.1.1.1",
			"dns-servers=192.0.2.1 192.0.2.2", "timeout=30", "routing*true"))
	got := res.Auth
	for _, r := range got.Readings {
		if strings.Contains(r.Value, canary) {
			t.Errorf("%+v", r)
		}
	}
	if strings.Contains(strings.Join(got.Attributes, " "), canary) || len(got.Readings) != 15 {
		t.Errorf("%q, %d readings", got.Attributes, len(got.Readings))
	}
	got.Readings, got.Attributes = nil, nil
	want := aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("5551002"), Rotary: number(3),
		Lines: []int{4}, SendSecret: canary, SessionTimeout: 30 * time.Minute, PrivLevel: 1, ReplyMessage: "Hello.",
		Framed: &aaa.Framed{Protocol: "PPP", Address: "10.9.0.2", Pool: "p",
			InACL: []string{"101", "permit ip any any"}, OutACL: []string{"o"},
			Routes: []string{"10.0.0.0 255.0.0.0", "10.0.0.0 255.0.0.0 10.1.1.1"},
			DNS:    []string{"192.0.2.1", "192.0.2.2"}}}
	if res.Kind != aaa.Granted || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %q\n%+v\n%+v", res.Kind, res.Reason, got, want)
	}
	q.Protocol = "ipv6"
	res, _ = authorized(t, q, authorReply(passAdd, "", "addr-pool=six", "inacl=101"))
	if want := (&aaa.Framed{Protocol: "PPP", IPv6Pool: "six",
		InACL: []string{"101"}}); !reflect.DeepEqual(res.Auth.Framed, want) {
		t.Errorf("%+v", res)
	}
}

// IPv6 is asked for on a line that serves it. A server that refuses it grants a session without it.
func TestPPPAttributesIPv6(t *testing.T) {
	t.Parallel()
	q := asking("bob")
	q.Service, q.IPv6 = aaa.PPP, true
	lcp, ip := authorReply(passAdd, ""), authorReply(passAdd, "", "addr=10.9.0.2", "inacl=four",
		"dns-servers=192.0.2.1")
	for name, c := range map[string]struct {
		reply []byte
		kind  aaa.Kind
		want  *aaa.Framed
	}{
		"granted": {authorReply(passAdd, "", "prefix#1=2001:db8:8::/64", "inacl=six", "dns-servers=2001:db8::53",
			"addr-pool=six", "route#1=2001:db8:9::/48"), aaa.Granted, &aaa.Framed{Protocol: "PPP", Address: "10.9.0.2",
			InACL: []string{"four", "six"}, DNS: []string{"192.0.2.1", "2001:db8::53"}, IPv6Pool: "six",
			IPv6Prefix: []string{"2001:db8:8::/64"}, Routes: []string{"2001:db8:9::/48"}}},
		"refused": {authorReply(authorFail, ""), aaa.Granted, &aaa.Framed{Protocol: "PPP", Address: "10.9.0.2",
			InACL: []string{"four"}, DNS: []string{"192.0.2.1"}, NoIPv6: true}},
		"a bad prefix": {authorReply(passAdd, "", "prefix#1=10.0.0.0/8"), aaa.Refused, nil},
		"ERROR":        {authorReply(authorError, ""), aaa.Silent, nil},
	} {
		res, asked := authorized(t, q, lcp, ip, c.reply)
		if res.Kind != c.kind || !reflect.DeepEqual(res.Auth.Framed, c.want) ||
			c.kind != aaa.Silent && len(asked) != 3 {
			t.Errorf("%s: %v %q after %d questions, %+v", name, res.Kind, res.Reason, len(asked), res.Auth.Framed)
		}
	}
}

// A mandatory pair that cannot be honored, and any doubtful answer, grants nothing.
func TestRefusedPairs(t *testing.T) {
	t.Parallel()
	for pairs, reason := range map[string]string{
		"x-mandatory=must-fail":                          "x-mandatory: it is unknown and mandatory",
		"callback-dialstring=" + strings.Repeat("5", 65): "65 octets",
		"callback-dialstring=555\rATD":                   "callback-dialstring: contains the character 0x0d",
		"callback-dialstring=555\x00":                    "the character 0x00",
		"callback-dialstring=1|callback-dialstring=":     "it lets the caller choose the number, but",
		"callback-dialstring*1|dial-number=2":            "it gives a different number than callback-dialstring",
		"callback-line=":                                 "callback-line: it is empty",
		"callback-line=tty7":                             "is not a line from 1 to 65535, or a range",
		"callback-line=0":                                "is not a line from 1 to 65535",
		"callback-line=-1":                               "is not a line from 1 to 65535",
		"callback-line=+1":                               "is not a line from 1 to 65535",
		"callback-rotary=101":                            "is not a number from 0 to 100",
		"nocallback-verify=yes":                          "is not true, 1, false or 0",
		"nohangup=":                                      "it is empty",
		"priv-lvl=16":                                    "is not a number from 0 to 15",
		"autocmd=":                                       "autocmd: it is empty",
		"acl=":                                           "it is empty",
		"timeout=99999999999999999":                      "is not a number",
		"idletime=1h":                                    "is not a number",
		"service=ppp":                                    "service=shell was requested",
		"cmd=reload":                                     "cmd: cmd= was requested",
		"protocol=ip":                                    "protocol: it cannot be honored in an EXEC",
		"addr=10.0.0.1":                                  "addr: it cannot be honored in an EXEC",
		"send-secret=" + canary:                          "cannot be honored in an EXEC",
		"no separator":                                   "has no name, or no = or * after it",
		"=value":                                         "has no name",
		"x":                                              "an invalid argument",
		"":                                               "an invalid argument",
		"autocmd=bø":                                     "an invalid argument",
		"priv-lvl#1=3":                                   "unknown and mandatory",
		"a\rb=1":                                         `"a\rb": it is unknown`,
	} {
		res, _ := authorized(t, asking("bob"), authorReply(passAdd, "", strings.Split(pairs, "|")...))
		if res.Kind != aaa.Refused || !strings.Contains(res.Reason, reason) || res.Server != "one" {
			t.Errorf("%q: %v %q; want %q", pairs, res.Kind, res.Reason, reason)
		}
	}
	ppp := asking("bob")
	ppp.Service = aaa.PPP
	for pairs, reason := range map[string]string{
		"addr=10.0.0.256": "not an IPv4 address", "addr=::1": "not an IPv4 address",
		"addr=0.0.0.0": "not an assignable address", "route=10.0.0.0": "not a destination, a mask",
		"route=a b": "not an IPv4 address",
		"inacl=":    "empty", "inacl#1=a|inacl#1=": "empty", "inacl#x=1": "unknown", "dns-servers=": "empty",
		"dns-servers=a": "not an IP address", "protocol=lcp": "protocol=ip was requested",
		"nocallback-verify=1": "cannot be honored in ppp ip", "priv-lvl=1": "cannot be honored",
		"callback-dialstring=1": "cannot be honored in ppp ip", "send-secret=x": "cannot be honored",
	} {
		res, _ := authorized(t, ppp, authorReply(passAdd, ""), authorReply(passAdd, "", strings.Split(pairs, "|")...))
		if res.Kind != aaa.Refused || !strings.Contains(res.Reason, reason) {
			t.Errorf("%q: %v %q; want %q", pairs, res.Kind, res.Reason, reason)
		}
	}
}

// Which answers refuse, and which let the client ask the next server.
func TestAuthorizationStatuses(t *testing.T) {
	t.Parallel()
	lies := authorReply(passAdd, "", "priv-lvl=15")
	lies[1] = 2
	short := authorReply(passAdd, "", "priv-lvl=15")
	short[6]--
	for name, c := range map[string]struct {
		reply  []byte
		kind   aaa.Kind
		server string
	}{
		"PASS_ADD":           {authorReply(passAdd, ""), aaa.Granted, "one"},
		"a message in UTF8":  {authorReply(passAdd, "grüß dich"), aaa.Granted, "one"},
		"FAIL":               {authorReply(authorFail, "No.", "callback-dialstring=1"), aaa.Refused, "one"},
		"ERROR":              {authorReply(authorError, ""), aaa.Granted, "two"},
		"FOLLOW":             {authorReply(follow, ""), aaa.Refused, "one"},
		"unknown":            {authorReply(3, ""), aaa.Granted, "two"},
		"a wrong count":      {lies, aaa.Granted, "two"},
		"a length too short": {short, aaa.Granted, "two"},
		"cut":                {[]byte{passAdd, 200, 0, 0, 0, 0}, aaa.Granted, "two"},
	} {
		inTown(t, tacplus.Config{}, func(w *town) {
			res := w.client.Authorize(w.t.Context(), asking("bob"))
			w.clean(res)
			if res.Kind != c.kind || res.Server != c.server {
				t.Errorf("%s: %+v", name, res)
			}
		}, server{Serve: always(c.reply)}, server{Serve: always(authorReply(passAdd, ""))})
	}
}

// A command runs exactly as it was requested, or not at all; the session's authorization does not change.
func TestCommands(t *testing.T) {
	t.Parallel()
	q := asking("bob")
	q.Command, q.Granted = []string{"show", "version"}, aaa.Authorization{PrivLevel: 7, Autocmd: "x"}
	for name, c := range map[string]struct {
		reply []byte
		kind  aaa.Kind
	}{
		"permitted": {authorReply(passAdd, ""), aaa.Granted},
		"echoed": {authorReply(passRepl, "", "service=shell", "cmd=show", "cmd-arg=version",
			"cmd-arg=<cr>"), aaa.Granted},
		"something optional":  {authorReply(passAdd, "", "priv-lvl*15"), aaa.Granted},
		"something mandatory": {authorReply(passAdd, "", "priv-lvl=15"), aaa.Refused},
		"replaced":            {authorReply(passRepl, "", "service=shell", "cmd=reload"), aaa.Refused},
		"replaced by nothing": {authorReply(passRepl, ""), aaa.Refused},
		"denied":              {authorReply(authorFail, ""), aaa.Refused},
	} {
		res, _ := authorized(t, q, c.reply)
		if res.Kind != c.kind || c.kind == aaa.Granted && (res.Auth.PrivLevel != 7 || res.Auth.Autocmd != "x") {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

package exec

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// spoken is a dialogue in the octets of a terminal, and what is typed at it.
type spoken struct {
	username, password, invalid, dialstring, denied, queued, initiated string
	user, secret                                                       string
}

// The octets are from the code tables of Big5.
var (
	inBig5 = spoken{
		username: "\xa8\xcf\xa5\xce\xaa\xcc\xa6W\xba\xd9\xa1G",
		password: "\xb1K\xbdX\xa1G",
		invalid: "% \xb5n\xa4J\xa5\xa2\xb1\xd1\xa1G\xa8\xcf\xa5\xce\xaa\xcc\xa6W\xba\xd9" +
			"\xa9\xce\xb1K\xbdX\xa4\xa3\xa5\xbf\xbdT",
		dialstring: "\xa6^\xbc\xb7\xb8\xb9\xbdX\xa1G",
		denied:     "% \xa4\xa3\xa4\xb9\xb3\\\xa6^\xbc\xb7\xb3o\xad\xd3\xb8\xb9\xbdX",
		queued: "\xbdu\xb8\xf4\xa5\xfe\xb3\xa1\xa6\xa3\xbdu\xa4\xa4\xa1A" +
			"\xb1z\xaa\xba\xa6^\xbc\xb7\xb1\xc6\xa6b\xb2\xc4 3 \xa6\xec",
		initiated: "\xa7Y\xb1N\xa6^\xbc\xb7\xa1A\xbdu\xb8\xf4\xa4w\xa4\xa4\xc2_",
		user:      "\xa4\xfd\xa4p\xa9\xfa",
		secret:    "\xa5\\\xb3\\", // each ends in a backslash
	}
	inUTF8 = spoken{
		username: "使用者名稱：", password: "密碼：", invalid: "% 登入失敗：使用者名稱或密碼不正確", dialstring: "回撥號碼：",
		denied: "% 不允許回撥這個號碼", queued: "線路全部忙線中，您的回撥排在第 3 位", initiated: "即將回撥，線路已中斷",
		user: "王小明", secret: "功許",
	}
	inEnglish = spoken{
		username: "Username: ", password: "Password: ", invalid: "% Login invalid", dialstring: "Callback Dialstring: ",
		denied: "% Number not allowed", queued: "All lines are busy - your callback is number 3 in the queue",
		initiated: "Callback initiated - line is disconnected", user: "kim", secret: "pw1",
	}
)

// TestLanguages: a caller who mistypes the password and the number, and is called back, in the octets of the terminal.
func TestLanguages(t *testing.T) {
	for name, tt := range map[string]struct {
		locale texts.Locale
		wants  spoken
	}{
		"Chinese in Big5":  {texts.Locale{Language: texts.TraditionalChinese, Charset: texts.Big5}, inBig5},
		"Chinese in UTF-8": {texts.Locale{Language: texts.TraditionalChinese}, inUTF8},
		"Chinese in ASCII": {texts.Locale{Language: texts.TraditionalChinese, Charset: texts.ASCII}, inEnglish},
		"English in Big5":  {texts.Locale{Charset: texts.Big5}, inEnglish},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { speaks(t, tt.locale, tt.wants) })
		})
	}
}

func speaks(t *testing.T, locale texts.Locale, w spoken) {
	b := &fakeBroker{verdicts: []session.Verdict{toType,
		{Kind: session.BadChoice, Text: texts.RefusedNumberDenied},
		{Kind: session.Promised, CallbackID: "cb1", Queue: 3}}}
	b.verdicts[0].Locale = locale
	users := fakeLogin{"kim": {password: "pw1"}, "王小明": {password: "功許"}}
	var debug strings.Builder
	p := dialIn(t, scene{login: users, broker: b, leg: session.Leg{Locale: locale},
		cfg: settings{calls: session.Config{Debug: func(_ int, text string) { debug.WriteString(text + "\n") }}}})
	step := func(keys, want string) {
		t.Helper()
		p.types(keys)
		p.waits(3 * time.Second) // AAA's answer, and the pause after a failure
		if s := p.sees(); s != want {
			t.Errorf("after % q: % q, want % q", keys, s, want)
		}
	}
	step("", "\n"+w.username)
	step(w.user+"\r", w.user+"\n"+w.password)
	step("wrong\r", "\n"+w.invalid+"\n\n"+w.username)
	step(w.user+"\r", w.user+"\n"+w.password)
	step(w.secret+"x\b\r", "\n\n"+w.dialstring)
	step("849\r", "849\n"+w.denied+"\n"+w.dialstring)
	step("84001\r", "84001\n"+w.queued+"\n"+w.initiated+"\n")
	if out := p.ends(); out.Kind != session.CallbackPromised {
		t.Errorf("%+v", out)
	}
	name := "王小明"
	if w.user == "kim" {
		name = "kim"
	}
	if text := debug.String(); strings.Contains(text, "\uFFFD") || !strings.Contains(text, name) {
		t.Errorf("the debug output is %s", text)
	}
}

// TestLanguageOfTheGroup: the group's language is in force from the decision on, and a user who is refused leaves the
// line's behind.
func TestLanguageOfTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zh := texts.Locale{Language: texts.TraditionalChinese}
		b := &fakeBroker{verdicts: []session.Verdict{{Text: texts.RefusedAccess, Locale: zh},
			{Kind: session.Admit, Locale: zh}}}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw1"}}, broker: b})
		login := func(want string) {
			t.Helper()
			p.types("u\r")
			p.types("pw1\r")
			p.waits(3 * time.Second)
			if s := p.sees(); !strings.HasSuffix(s, want) {
				t.Errorf("%q, want %q", s, want)
			}
		}
		login("% 拒絕存取\n\nUsername: ")
		login("\nmaui-nas-04>")
		p.types("nothing\r")
		if s := p.sees(); !strings.Contains(s, "% 在 '^' 記號處發現無效的輸入。\n") {
			t.Errorf("%q", s)
		}
		p.types("help\r")
		if s := p.sees(); !strings.Contains(s, "輸入 ? 列出所有指令") {
			t.Errorf("%q", s)
		}
		p.types("?")
		if s := p.sees(); !strings.Contains(s, "離開 EXEC\n") {
			t.Errorf("%q", s)
		}
		p.types("exit\r")
		p.ends()
	})
}

// TestSecureHasTheLinesLanguage: the text of a decision that is not for the caller does not depend on who decided.
func TestSecureHasTheLinesLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{secure: true, verdicts: []session.Verdict{
			{Text: texts.RefusedAccess, Locale: texts.Locale{Language: texts.TraditionalChinese}}}}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw1"}}, broker: b})
		p.types("u\rpw1\r")
		if p.ends(); !strings.HasSuffix(p.sees(), "\n\nLine is disconnected\n") {
			t.Error("the caller reads another text")
		}
	})
}

// TestSevenBitsInChinese: a caller with 7 data bits reads English once that is known.
func TestSevenBitsInChinese(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: fakeLogin{"kim": {password: "pw1"}}, broker: &fakeBroker{},
			leg: session.Leg{Locale: texts.Locale{Language: texts.TraditionalChinese, Charset: texts.Big5}}})
		p.types(withParity("kim\r"))
		p.types(withParity("no\r"))
		p.waits(3 * time.Second)
		seen := []byte(p.sees())
		for i := range seen {
			seen[i] &= 0x7f
		}
		if !strings.Contains(string(seen), "Password: ") || !strings.Contains(string(seen), "% Login invalid") {
			t.Errorf("%q", seen)
		}
		p.hangsUp()
	})
}

// withParity returns ASCII with even parity.
func withParity(s string) string {
	out := []byte(s)
	for i, c := range out {
		for bit := range 7 {
			out[i] ^= c >> bit & 1 << 7
		}
	}
	return string(out)
}

// TestRecordedInBig5: a recording of a session in Big5 is UTF-8, and has no secret.
func TestRecordedInBig5(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &tape{}
		locale := texts.Locale{Language: texts.TraditionalChinese, Charset: texts.Big5}
		b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit, Recorder: r, Locale: locale}}}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "功許", auth: aaa.Authorization{PrivLevel: 1}}}, broker: b,
			leg: session.Leg{Locale: locale}})
		p.types("u\r" + inBig5.secret + "\r")
		p.waits(time.Second)
		p.types("\xa5\\\r") // 功
		p.hangsUp()
		if got := r.shown.String(); !strings.HasPrefix(got, "本次連線將被記錄。") || !strings.Contains(got, ">功") {
			t.Errorf("recorded: %q", got)
		}
		if !slices.Contains(r.hidden, "功許") {
			t.Errorf("masked: %q", r.hidden)
		}
	})
}

// TestOwnTexts: prompts of the configuration take precedence in all languages, and a site's dictionary over the shipped
// one.
func TestOwnTexts(t *testing.T) {
	var d *texts.Dictionary
	d, problems := d.With(texts.TraditionalChinese, "own.yaml", []byte("prompt.password: \"通行碼：\"\n"))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: fakeLogin{}, broker: &fakeBroker{},
			leg: session.Leg{Locale: texts.Locale{Language: texts.TraditionalChinese}},
			cfg: settings{exec: Config{Texts: d, Prompts: Prompts{Username: "login: "}}}})
		p.types("u\r")
		if s := p.sees(); s != "\nlogin: u\n通行碼：" {
			t.Errorf("%q", s)
		}
		p.hangsUp()
	})
}

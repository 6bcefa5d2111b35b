package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/texts"
)

// TestCallersLanguage: a caller of a group with a language, from the modem of the PC: the login in the language of the
// line, a number that is denied, the callback, after a restart too, and the login of leg two in the language of the
// user. The octets of Big5 are from its code tables.
func TestCallersLanguage(t *testing.T) {
	type spoken struct{ username, password, dialstring, invalid, initiated string }
	english := spoken{username: "\nUsername: ", password: "\nPassword: "}
	utf8 := spoken{"\n使用者名稱：", "\n密碼：", "\n回撥號碼：", "\r\n% 回撥號碼無效：只能輸入數字\r\n",
		"\r\n即將回撥，線路已中斷\r\n"}
	big5 := spoken{"\n\xa8\xcf\xa5\xce\xaa\xcc\xa6W\xba\xd9\xa1G", "\n\xb1K\xbdX\xa1G",
		"\n\xa6^\xbc\xb7\xb8\xb9\xbdX\xa1G",
		"\r\n% \xa6^\xbc\xb7\xb8\xb9\xbdX\xb5L\xae\xc4\xa1G\xa5u\xaf\xe0\xbf\xe9\xa4J\xbc\xc6\xa6r\r\n",
		"\r\n\xa7Y\xb1N\xa6^\xbc\xb7\xa1A\xbdu\xb8\xf4\xa4w\xa4\xa4\xc2_\r\n"}
	zh := texts.TraditionalChinese
	for name, tt := range map[string]struct {
		line, group texts.Locale
		login, then spoken // of the line, and of the group
		restart     bool
	}{
		"group, UTF-8":         {texts.Locale{}, texts.Locale{Language: zh}, english, utf8, false},
		"group, Big5, restart": {texts.Locale{}, texts.Locale{Language: zh, Charset: texts.Big5}, english, big5, true},
		"line":                 {texts.Locale{Language: zh, Charset: texts.Big5}, texts.Locale{}, big5, big5, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{lines: 3, events: func(l *broker.Line) { l.Locale = tt.line },
				policy: func(p *policies.Policy) { p.Locale = tt.group }}
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.typ("atdt55555")
				p.see("CONNECT", time.Minute)
				p.see(tt.login.username, time.Minute)
				p.typ("austin-02")
				p.see(tt.login.password, time.Minute)
				p.typ(password)
				p.see(tt.then.dialstring, time.Minute)
				p.typ("84001;ATH")
				p.see(tt.then.invalid, time.Minute)
				p.typ("84001")
				p.see(tt.then.initiated, time.Minute)
				p.see("NO CARRIER", time.Minute)
				if tt.restart {
					w.halt()
					w.start()
				}
				p.see(tt.then.username, 2*time.Minute)
				p.typ("austin-02")
				p.see(tt.then.password, time.Minute)
				p.typ(password)
				p.see("maui-nas-04>", time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

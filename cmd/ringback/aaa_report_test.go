package main

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// What a session would refuse although AAA granted it, `aaa test` does not call admitted.
func TestReportOfWhatCannotBeHonoured(t *testing.T) {
	t.Parallel()
	cfg := loaded(t, "hostname: h\nusers: [{name: kim, password_file: password}]\naaa: {lists: {login: {default: [local]}}}\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n")
	for _, tt := range []struct {
		service aaa.Service
		auth    aaa.Authorization
		want    string
	}{
		{aaa.EXEC, aaa.Authorization{Autocmd: "show users"}, `admitted on this call, without a callback: the command "show users"`},
		{aaa.EXEC, aaa.Authorization{Autocmd: "format flash"}, `not let in: granted what cannot be honoured: autocmd "format flash"`},
		{aaa.EXEC, aaa.Authorization{Autocmd: "format flash", Callback: true, Dialstring: aaa.DialstringOf("84001")}, "not let in"},
		{aaa.EXEC, aaa.Authorization{Host: &aaa.Host{Address: "127.0.0.1", Service: aaa.Telnet, Port: 23}}, "not let in: granted what cannot be honoured: host 127.0.0.1:23"},
		{aaa.PPP, aaa.Authorization{Autocmd: "format flash"}, "refused: PPP is not served"},
	} {
		r := testReport{Service: tt.service}
		r.fill(cfg, lines.Config{Rotary: lines.NoRotary}, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "local", User: "kim"}, Auth: tt.auth})
		if !strings.HasPrefix(r.Outcome, tt.want) {
			t.Errorf("%s %+v: %q", tt.service, tt.auth, r.Outcome)
		}
	}
}

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// operators are users of TACACS+ with different rights in the EXEC.
const operators = `
user = makawao-08 {
	login = cleartext "paniolo-8"
	enable = cleartext "upcountry-15"
	service = exec {
		priv-lvl = 1
	}
	cmd = show {
		deny users
		permit .*
	}
	cmd = enable {
		permit .*
	}
}
user = pukalani-09 {
	login = cleartext "paniolo-9"
	service = exec {
		priv-lvl = 1
	}
	cmd = show {
		permit .*
	}
}
`

// Privileges with TACACS+: each command is authorized and accounted, and `enable` accepts only the user's own password.
func TestPrivilegesByTACACS(t *testing.T) {
	t.Parallel()
	l, server := aaaTown(t, lab.ByTACACS, operators, lab.Options{}, configured("login: {failure_delay: 0s}"),
		inLists("enable: {default: [tacacs]}\n    commands: {default: [tacacs]}"),
		edit{"ringback.yaml", "methods: [tacacs]}", "methods: [tacacs], commands: true}"})
	p := sitDown(t, l, "austin-01")
	p.call("makawao-08", "paniolo-8")
	p.see(prompt + ">")
	p.run("show users", "Command authorization failed.")
	p.run("sh priv", "Current privilege level is 1")
	p.enter("enable")
	p.see("Password: ")
	p.enter("paniolo-8")
	p.see("% Access denied")
	p.see("Password: ")
	p.enter("upcountry-15")
	p.see(prompt + "#")
	p.run("show privilege", "Current privilege level is 15")
	p.run("show users", "Command authorization failed.")
	p.hangUp()

	p.call("pukalani-09", "paniolo-9")
	p.see(prompt + ">")
	p.run("show users", "pukalani-09  exec")
	p.run("enable", "Command authorization failed.")
	p.hangUp()
	nobodyOnLine(t, l)

	want := []string{"makawao-08 1 show privilege <cr>", "makawao-08 1 enable <cr>",
		"makawao-08 15 show privilege <cr>", "pukalani-09 1 show users <cr>"}
	var got []string
	eventually(t, "the records of the commands", func() bool {
		got = nil
		for _, r := range server.tacacs.Records() {
			if r.Get("cmd") != "" {
				got = append(got, strings.Join([]string{r.User, r.Get("priv-lvl"), r.Get("cmd")}, " "))
			}
		}
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("the commands accounted are %q, must be %q", got, want)
	}
}

// The enable password of the configuration, like IOS's `enable secret`, and the order of the list: it is used after
// TACACS+ only if TACACS+ is silent.
func TestEnablePassword(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, lists, answer string
		silent              bool
	}{
		{"by itself", "", prompt + "#", false},
		{"after a refusal", "enable: {default: [tacacs, enable]}", "% Access denied", false},
		{"after silence", "enable: {default: [tacacs, enable]}", prompt + "#", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			if err := os.WriteFile(filepath.Join(dir, "enable.password"), []byte("haleakala-10023\n"),
				0o600); err != nil {
				t.Fatal(err)
			}
			all := []edit{configured("login: {failure_delay: 0s}"),
				configured("enable: {password_file: enable.password}")}
			if tt.lists != "" {
				all = append(all, inLists(tt.lists))
			}
			l, server := aaaTown(t, lab.ByTACACS, operators, lab.Options{Dir: dir}, all...)
			p := sitDown(t, l, "austin-01")
			p.call("makawao-08", "paniolo-8")
			p.see(prompt + ">")
			server.silence(tt.silent)
			p.enter("enable")
			p.see("Password: ")
			p.enter("haleakala-10023")
			p.see(tt.answer)
			p.hangUp()
		})
	}
}

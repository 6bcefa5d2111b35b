package ios

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/importer/importtest"
)

// whole is a text with lines of a router between its first and its last line.
func whole(lines string) string { return "version 12.0\n" + lines + "\nend\n" }

// TestListsFailClosed: a list whose servers cannot be imported admits nobody that the router rejects.
func TestListsFailClosed(t *testing.T) {
	const line = "\nline 1\n modem InOut\n"
	for text, want := range map[string]string{
		"aaa group server radius RG\n server 192.0.2.1\naaa authentication login default group RG none\n" +
			"radius-server host 192.0.2.1\nradius-server key 6 XXYY" + line: "default: [local]",
		"aaa authentication login default line none" + line: "default: [local]",
		"aaa authentication login default group radius group tacacs+ enable none\n" +
			"radius-server host 192.0.2.1 key 0123456789abcdef" + line: "default: [radius]",
		"aaa authentication login default group NOSUCH local none" + line: "default: [local]",
		"aaa authentication login default none\naaa authentication login DIAL line" + line +
			" login authentication DIAL": `login: "local-users"`,
		"aaa authentication login default none" + line + " login authentication NOSUCH": `login: "local-users"`,
		"aaa authentication login default none\naaa authentication login local-users none" + line +
			" login authentication local-users": `login: "local-users"`,
		"aaa authentication login default none\naaa authentication login DIAL local" + line +
			" login authentication DIAL": `login: "DIAL"`,
	} {
		site, _ := importtest.Accounted(t, read, whole("aaa new-model\n"+text))
		if site == nil {
			t.Errorf("%s: an error", text)
			continue
		}
		importtest.Load(t, site)
		got := importtest.Text(site)
		if !strings.Contains(got, want) || strings.Contains(got, "local-users: [none]") {
			t.Errorf("%s:\n%s\nwant %q", text, got, want)
		}
	}
}

// TestUndone: what a text turns off again is never imported: it is an error that names both lines.
func TestUndone(t *testing.T) {
	for text, line := range map[string]string{
		"username u password 0 x\nno username u":                                                 "line 2",
		"username c callback-dialstring 84001 password 0 x\nno username c callback-dialstring":   "line 2",
		"radius-server host 192.0.2.1 key x\nno radius-server host 192.0.2.1":                    "line 2",
		"aaa new-model\nno aaa new-model":                                                        "line 2",
		"enable secret 0 x\nno enable secret":                                                    "line 2",
		"banner motd #x#\nno banner motd":                                                        "line 2",
		"ip local pool P 10.0.0.1\nno ip local pool P":                                           "line 2",
		"chat-script a \"\" AT\nno chat-script a":                                                "line 2",
		"interface Async1\n ppp callback accept\n no ppp callback accept":                        "line 3",
		"interface Async1\n ppp authentication chap\n no ppp authentication":                     "line 3",
		"line 1 4\n modem InOut\n callback forced-wait 5\nline 2\n no callback forced-wait":      "line 4",
		"line 1 4\n modem InOut\n callback forced-wait 5\nline 2\n default callback forced-wait": "line 4",
		"line 1 4\n modem InOut\nline 2\n no modem InOut":                                        "line 3",
	} {
		_, _, err := Import([]byte(whole(text)), Options{})
		if err == nil || !strings.Contains(err.Error(), "turns off what "+line+" sets") {
			t.Errorf("%s: %v, want %s", text, err, line)
		}
	}
	for _, text := range []string{"username u password 0 x\nno username t", "no aaa new-model\naaa new-model",
		"interface Async1\n peer default ip address pool P\ninterface Async2\n no peer default ip address",
		"interface Ethernet0\n ip address 10.0.0.1 255.0.0.0\n no ip directed-broadcast",
		"line 1\n callback forced-wait 5\nline 2\n no callback forced-wait",
		"service exec-callback\nno service pad\nno service exec-callback",
		"ip local pool P 10.0.0.1\nno ip classless"} {
		if _, _, err := Import([]byte(whole(text)), Options{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestHiddenOthers: communities, passwords in URLs, and what chat scripts send after a prompt.
func TestHiddenOthers(t *testing.T) {
	for _, line := range []string{"snmp-server host 192.0.2.1 Hidd3n", "snmp-server host 192.0.2.1 version 2c Hidd3n",
		"snmp-server host 192.0.2.1 traps version 2c Hidd3n", "snmp-server host 192.0.2.1 informs Hidd3n",
		"no snmp-server host 192.0.2.1 Hidd3n", `chat-script l ogin: u word: Hidd3n`, `chat-script l ord: Hidd3n`,
		`chat-script l sword: Hidd3n`, `chat-script l asscode: Hidd3n`, `chat-script l PIN: Hidd3n`,
		`chat-script l "" "AT+CPIN=Hidd3n" OK`, "archive\n path ftp://u:Hidd3n@192.0.2.1/x",
		"boot config tftp://u:Hidd3n@h/x", "kron policy-list a\n cli copy run scp://u:Hidd3n@h/x",
		"router isis\n domain-password Hidd3n\n area-password Hidd3n",
		"event manager environment _password Hidd3n"} {
		if site, _ := importtest.Accounted(t, read, whole(line), "Hidd3n"); site == nil {
			t.Errorf("%s: an error", line)
		}
	}
}

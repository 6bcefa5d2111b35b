package ios

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/importtest"
)

func read(data []byte) (*importer.Site, *importer.Report, error) { return Import(data, Options{}) }

func readFragment(data []byte) (*importer.Site, *importer.Report, error) {
	return Import(data, Options{Fragment: true})
}

// TestHostile: cut, doubled, joined and converted samples, with the secrets that they have.
func TestHostile(t *testing.T) {
	secrets := []string{"maui-1993", "hana-1993", "Rhoda", "tollbooth", "cisco", "0822455D0A16", "avalon"}
	for name, text := range samples(t) {
		if name != "as5300.cfg" { // not ASCII, and large: TestMissingLines has it
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				importtest.Hostile(t, read, text, secrets...)
			})
		}
	}
}

// TestMissingLines: whatever lines of the samples are there, in whatever order, what is imported passes check-config.
func TestMissingLines(t *testing.T) {
	t.Parallel()
	all := samples(t)
	accepted := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var lines []string
		for _, name := range []string{"as5300.cfg", "exec-callback.cfg", "ppp-callback.cfg"} {
			keep := r.Float64()
			for line := range strings.Lines(all[name]) {
				banner := strings.Contains(line, "^C") || strings.Contains(line, "Zugang") || strings.HasPrefix(line,
					"bitte")
				if r.Float64() < keep && !banner && line != "end\n" && !strings.HasPrefix(line, "nas-frank") {
					lines = append(lines, line)
				}
			}
		}
		if seed%3 == 0 {
			for range 5 {
				i, j := r.IntN(len(lines)), r.IntN(len(lines))
				lines[i], lines[j] = lines[j], lines[i]
			}
		}
		text := strings.Join(lines, "")
		if site, _ := importtest.Accounted(t, readFragment, text); site != nil {
			accepted++
			importtest.Load(t, site)
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, text)
		}
	}
	if accepted < 20 {
		t.Errorf("only %d of the texts were accepted", accepted)
	}
}

// TestSecrets: no secret of any type, of any command that has one, is in the report or in an error.
func TestSecrets(t *testing.T) {
	const plain, seven = "S3cret-of-kim", "13364045190F2D0D0B2F2A2725"
	hashes := []string{"$1$mERr$XI/LndAZzYvhN745bYcc10",
		"$8$dsYGNam3K1SIJO$7nv/35M/qr6t.dVc7UY9zrJDWRVqncHub1PE9UlMQFs",
		"$9$qCkS0pkFEmWNGE$1lbyXtNBfXn8fLkNdtIT.QAthqnoPtWf1ByHv7MxZco", "tnhtc92DXBhelxjYk8LWJrPV36S2i4ntXrpb4RFmfqY"}
	for _, form := range []string{"username kim password %s", "username kim secret %s",
		"username kim privilege 15 secret %s",
		"username kim callback-dialstring 84001 password %s", "enable secret %s", "enable password %s",
		"enable secret level 5 %s", "line 1 4\n modem InOut\n password %s", "line vty 0 4\n password %s",
		"radius-server host 192.0.2.1 auth-port 1645 key %s", "radius-server key %s", "tacacs-server key %s",
		"tacacs-server host 192.0.2.1 single-connection key %s", "radius server a\n key %s", "tacacs server b\n key %s",
		"aaa group server radius X\n server-private 192.0.2.1 key %s", "interface Async1\n ppp chap password %s",
		"interface Dialer1\n ppp pap sent-username x password %s", "interface Async1\n ip ospf authentication-key %s",
		"interface Ethernet0\n ip ospf message-digest-key 1 md5 %s",
		"interface Ethernet0\n standby 1 authentication %s",
		"snmp-server community %s RO", "snmp-server user a b v3 auth md5 %s", "crypto isakmp key %s address 192.0.2.1",
		"ntp authentication-key 1 md5 %s 7", "router bgp 1\n neighbor 192.0.2.1 password %s",
		"key chain a\n key-string %s",
		"ip ftp password %s", "some new command with password %s", "username kim unknown-option password %s",
		"vpdn-group 1\n l2tp tunnel password %s", "chat-script a ogin: kim ssword: %s", "! password %s",
		"aaa server radius dynamic-author\n client 192.0.2.1 server-key %s", "no username kim password %s",
		"wlan x\n wpa-psk ascii %s", "banner motd #\npassword %s\n#", "login kim password %s",
		"username kim password %s more"} {
		for _, value := range []string{plain, "0 " + plain, "7 " + seven, "6 " + plain, "5 " + hashes[0], "8 " +
			hashes[1],
			"9 " + hashes[2], "4 " + hashes[3], "x " + plain} {
			text := "version 12.0\n" + fmt.Sprintf(form, value) + "\nend\n"
			importtest.Accounted(t, read, text, append([]string{plain, seven}, hashes...)...)
		}
	}
}

// TestReveal: type 7, with the texts of public examples.
func TestReveal(t *testing.T) {
	for text, want := range map[string]string{"0822455D0A16": "cisco", "02050D480809": "cisco", "104D000A0618": "cisco",
		"070C285F4D06": "cisco", "": "", "08": "", "0822455D0A1": "", "9922455D0A16": "", "0822455D0AZZ": "",
		"08FFFF": ""} {
		if got, _ := reveal(text); got != want {
			t.Errorf("reveal(%q) = %q, want %q", text, got, want)
		}
	}
}

package ios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringback/ringback/importer/importtest"
)

// large is a configuration of 5,000 lines: 96 lines with modems and interfaces, and as many users as there is room for.
func large() string {
	var b strings.Builder
	b.WriteString("version 12.1\nservice exec-callback\nhostname large\naaa new-model\n" +
		"chat-script rtp ABORT ERROR ABORT BUSY \"\" \"AT\" OK \"ATDT \\T\" TIMEOUT 45 CONNECT \\c\n" +
		"interface Loopback0\n ip address 10.0.0.1 255.255.255.255\n")
	for n := 1; n <= 96; n++ {
		fmt.Fprintf(&b, "!\ninterface Async%d\n ip unnumbered Loopback0\n encapsulation ppp\n async mode interactive\n"+
			" peer default ip address 10.1.0.%d\n ppp callback accept\n ppp authentication chap pap\n no cdp "+
			"enable\n", n, n)
	}
	for n := 1; n <= 96; n++ {
		fmt.Fprintf(&b, "line %d\n exec-timeout 15 0\n script callback rtp\n autoselect ppp\n login authentication "+
			"default\n modem InOut\n callback forced-wait 5\n flowcontrol hardware\n speed 115200\n", n)
	}
	for n := 0; strings.Count(b.String(), "\n") < 4999; n++ {
		for range 100 {
			fmt.Fprintf(&b, "username user%04d callback-dialstring 555%04d password 7 0822455D0A16\n", n, n)
			n++
			if strings.Count(b.String(), "\n") == 4999 {
				break
			}
		}
	}
	return b.String() + "end\n"
}

// BenchmarkImport reads 5,000 lines; with files, it also writes all files and checks the configuration.
func BenchmarkImport(b *testing.B) {
	text := []byte(large())
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			site, _, err := Import(text, Options{})
			if err != nil {
				b.Fatal(err)
			}
			site.Files()
		}
	})
	b.Run("files", func(b *testing.B) {
		for b.Loop() {
			site, _, err := Import(text, Options{})
			if err != nil {
				b.Fatal(err)
			}
			importtest.Load(b, site)
		}
	})
}

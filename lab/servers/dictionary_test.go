package servers

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"layeh.com/radius"
)

func TestDictionary(t *testing.T) {
	// Octets written by hand: the vendors' numbers are IANA's, the attributes' those of the table of dialects.
	for _, tt := range []struct{ name, value, want string }{
		{"Service-Type", "Callback-NAS-Prompt", "6 00000009"},
		{"User-Service-Type", "Dialback-Login-User", "6 00000003"},
		{"service-type", "callback-framed", "6 00000004"},
		{"Dialback-No", "5551234", "19 35353531323334"},
		{"Cisco-AVPair", "a=b", "26 00000009" + "0105" + "613d62"},
		{"Ascend-Callback", "Callback-Yes", "26 00000211" + "f606" + "00000001"},
		{"X-Ascend-Callback", "Callback-Yes", "246 00000001"},
		{"Lucent-Callback", "1", "26 000012ee" + "00f607" + "00000001"},
		{"USR-Callback-Type", "ANI", "26 000001ad" + "0000986a" + "00000002"},
		{"Acc-Callback-Mode", "CLI-Callback", "26 00000005" + "2406" + "00000007"},
		{"Zyxel-Callback-Option", "Mandatory", "26 0000037a" + "c006" + "00000002"},
		{"Shiva-Dialback-Delay", "0x10", "26 000000a6" + "1f06" + "00000010"},
		{"Annex-Callback-Portlist", "7", "26 00000630" + "2406" + "00000007"},
		{"Framed-Protocol", "Ascend-MPP", "7 00000100"},
		{"Framed-IPv6-Prefix", "2001:db8::/32", "97 002020010db8"},
		{"Framed-Interface-Id", "1:2:3:abcd", "96 000100020003abcd"},
		{"Login-IPv6-Host", "2001:db8::1", "98 20010db8000000000000000000000001"},
		{"Login-IP-Host", "255.255.255.255", "14 ffffffff"},
		{"Class", "0x00ff", "25 00ff"},
		{"Class", "text", "25 74657874"},
		{"Event-Timestamp", "Jan  2 1970 00:00:00 UTC", "55 00015180"},
		{"Attr-200", "0x01", "200 01"},
	} {
		typ, v, err := Attribute{tt.name, tt.value}.Encode()
		if got := fmt.Sprintf("%d %x", typ, []byte(v)); got != tt.want || err != nil {
			t.Errorf("%s = %s: %s, %v, want %s", tt.name, tt.value, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		octets string
		typ    byte
		want   string
	}{
		{"000001ad0000986a00000002", 26, "USR-Callback-Type = ANI"},
		{"00000211f60600000001", 26, "Ascend-Callback = Callback-Yes"},
		{"00000211f60700000001", 26, "Attr-26 = 0x00000211f60700000001"},
		{"000000090105613d62", 26, "Cisco-AVPair = a=b"},
		{"0000000901", 26, "Attr-26 = 0x0000000901"},
		{"00000001", 246, "X-Ascend-Callback = Callback-Yes"},
		{"00000009", 6, "Service-Type = Callback-NAS-Prompt"},
		{"0000000000000009", 6, "Service-Type = 0x0000000000000009"},
		{"", 6, "Service-Type = 0x"},
		{"002020010db8", 97, "Framed-IPv6-Prefix = 2001:db8::/32"},
		{"000100020003abcd", 96, "Framed-Interface-Id = 1:2:3:abcd"},
		{"c0000201", 4, "NAS-IP-Address = 192.0.2.1"},
		{"c00002", 4, "NAS-IP-Address = 0xc00002"},
	} {
		if got := decode(radius.Type(tt.typ), unhex(t, tt.octets)).String(); got != tt.want {
			t.Errorf("%d %s: %s, want %s", tt.typ, tt.octets, got, tt.want)
		}
	}
}

// FreeRADIUS's own dictionaries have the same numbers, types and names of values.
func TestPeerDictionary(t *testing.T) {
	const dir = "/usr/share/freeradius/"
	if _, err := os.Stat(dir + "dictionary.rfc2865"); err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs FreeRADIUS's dictionaries: apt-get install freeradius-common")
		}
		t.Skip("needs FreeRADIUS's dictionaries: apt-get install freeradius-common")
	}
	type key struct{ attribute, value string }
	attributes, values := map[string]uint64{}, map[key]uint64{}
	for _, name := range strings.Fields("rfc2865 rfc2866 rfc2869 rfc3162 rfc4372 rfc4818 rfc5176 rfc5607 rfc6911 " +
		"compat cisco ascend ascend.illegal lucent usr acc zyxel shiva bay microsoft") {
		f, err := os.Open(dir + "dictionary." + name)
		if err != nil {
			t.Fatal(err)
		}
		for sc := bufio.NewScanner(f); sc.Scan(); {
			w := strings.Fields(sc.Text())
			switch {
			case len(w) >= 4 && w[0] == "ATTRIBUTE":
				attributes[w[1]], _ = strconv.ParseUint(w[2], 0, 32)
			case len(w) >= 4 && w[0] == "VALUE":
				values[key{w[1], w[2]}], _ = strconv.ParseUint(w[3], 0, 32)
			}
		}
		f.Close()
	}
	ours, named := 0, 0
	for _, name := range dictionary().names {
		e := lookup(name)
		n, ok := attributes[name]
		if !ok && name != "Password" && !strings.HasPrefix(name, "X-") {
			t.Errorf("FreeRADIUS has no %s", name)
		}
		if ok && uint64(e.number) != n {
			t.Errorf("%s is %d, FreeRADIUS has %d", name, e.number, n)
		}
		ours++
		for text, v := range e.values {
			for k, n := range values {
				if k.attribute == name && strings.EqualFold(k.value, text) {
					if named++; n != uint64(v) {
						t.Errorf("%s %s is %d, FreeRADIUS has %d", name, text, v, n)
					}
				}
			}
		}
	}
	if ours < 900 || named < 1000 {
		t.Errorf("%d attributes, %d values were compared", ours, named)
	}
}

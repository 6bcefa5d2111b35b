package servers

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"layeh.com/radius"
)

func octetsOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A request of RADIUS/1.1 in RFC 9765's layout is converted to one of RADIUS/1.0 that the server can verify.
func TestFrom11(t *testing.T) {
	s, err := NewRADIUS(RADIUSConfig{Secret: "radsec"})
	if err != nil {
		t.Fatal(err)
	}
	const login = "01 00 00 26 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 01 06 6e 65 6d 6f 02 0c 61 72 63 74 " +
		"61 6e 67 65 6e 74"
	classic, err := s.from11(octetsOf(t, login))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.verify(classic, radius.CodeAccessRequest)
	if err != nil || string(p.Get(1)) != "nemo" {
		t.Fatalf("%v: %v", p, err)
	}
	if plain, err := radius.UserPassword(p.Get(2), []byte("radsec"), p.Authenticator[:]); err != nil ||
		string(plain) != "arctangent" {
		t.Errorf("%q, %v", plain, err)
	}
	classic, err = s.from11(octetsOf(t,
		"04 00 00 1a 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 28 06 00 00 00 01"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.verify(classic, radius.CodeAccountingRequest); err != nil {
		t.Error(err)
	}
	for want, request := range map[string]string{
		"reserved":       strings.Replace(login, "01 00 00 26", "01 07 00 26", 1),
		"reserved field": strings.Replace(login, "00 00 00 00 00 01 06", "00 00 00 00 01 01 06", 1),
		"Message-Authenticator": "01 00 00 26 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 50 12 00 00 00 00 00 " +
			"00 00 00 00 00 00 00 00 00 00 00",
		"CHAP-Challenge": "01 00 00 27 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 03 13 00 00 00 00 00 " +
			"00 00 00 00 00 00 00 00 00 00 00 00",
		"0 octets": "01 00 00 16 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 02 02",
	} {
		if _, err := s.from11(octetsOf(t, request)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestTo11(t *testing.T) {
	reply := octetsOf(t, "02 07 00 2c aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa 50 12 bb bb bb bb bb bb bb bb "+
		"bb bb bb bb bb bb bb bb 06 06 00 00 00 06")
	if got, want := to11(reply, [4]byte{1, 2, 3, 4}, false),
		octetsOf(t, "02 00 00 1a 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 06 06 00 00 00 06"); !bytes.Equal(got,
		want) {
		t.Errorf("%x, want %x", got, want)
	}
}

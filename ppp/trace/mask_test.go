package trace

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/ppp/ppptest"
)

// stars are n octets that were overwritten.
func stars(n int) string { return strings.Repeat("*", n) }

// with returns octets from texts.
func with(texts ...string) []byte { return []byte(strings.Join(texts, "")) }

// TestMask has what is overwritten, by the packets of RFC 1334, 1994, 2433, 2759 and 3748.
func TestMask(t *testing.T) {
	response := strings.Repeat("r", 49)
	reject := func(protocol string, info []byte) []byte {
		return ppptest.Packet(8, 3, with(protocol, string(info))...)
	}
	for _, tt := range []struct {
		name     string
		protocol uint16
		info     []byte
		want     []byte
	}{
		{"PAP request", ppptest.PAP, ppptest.Packet(1, 7, with("\x03kim\x06sesame")...),
			ppptest.Packet(1, 7, with("\x03kim\x06******")...)},
		{"with octets after the password", ppptest.PAP, ppptest.Packet(1, 7, with("\x03kim\x03sesame")...),
			ppptest.Packet(1, 7, with("\x03kim\x03******")...)},
		{"without a password", ppptest.PAP, ppptest.Packet(1, 7, with("\x03kim")...),
			ppptest.Packet(1, 7, with("****")...)},
		{"cut off in the password", ppptest.PAP, ppptest.Packet(1, 7, with("\x03kim\x09sesame")...),
			ppptest.Packet(1, 7, with("\x03kim\x09******")...)},
		{"a name beyond the end", ppptest.PAP, ppptest.Packet(1, 7, with("\x0fkim\x06sesame")...),
			ppptest.Packet(1, 7, with(stars(11))...)},
		{"padding", ppptest.PAP, append(ppptest.Packet(1, 7, with("\x03kim\x01x")...), "sesame"...),
			append(ppptest.Packet(1, 7, with("\x03kim\x01*")...), "******"...)},
		{"a length of 3", ppptest.PAP, with("\x01\x07\x00\x03\x03kim\x06sesame"), with("\x01\x07\x00\x03", stars(11))},
		{"PAP Nak", ppptest.PAP, ppptest.Packet(3, 7, with("\x02no")...), ppptest.Packet(3, 7, with("\x02no")...)},
		{"unknown code", ppptest.PAP, ppptest.Packet(9, 7, with("sesame")...), ppptest.Packet(9, 7, with("******")...)},
		{"short", ppptest.PAP, []byte{1, 7}, []byte{1, 7}},

		{"challenge", ppptest.CHAP, ppptest.Packet(1, 7, with("\x08challenge")...),
			ppptest.Packet(1, 7, with("\x08challenge")...)},
		{"MD5", ppptest.CHAP, ppptest.Packet(2, 7, with("\x10", response[:16], "kim")...),
			ppptest.Packet(2, 7, with("\x10", stars(16), "kim")...)},
		{"MS-CHAP", ppptest.CHAP, ppptest.Packet(2, 7, with("\x31", response, "kim")...),
			ppptest.Packet(2, 7, with("\x31", stars(49), "kim")...)},
		{"a response of another length", ppptest.CHAP, ppptest.Packet(2, 7, with("\x00", response, "kim")...),
			ppptest.Packet(2, 7, with(stars(53))...)},
		{"success", ppptest.CHAP, ppptest.Packet(3, 7, with("Welcome")...), ppptest.Packet(3, 7, with("Welcome")...)},
		{"the server's proof", ppptest.CHAP,
			ppptest.Packet(3, 7, with("S=407A5589115FD0D6209F510FE9C04566932CDA56 M=hello")...),
			ppptest.Packet(3, 7, with("S=", stars(40), " M=hello")...)},
		{"failure", ppptest.CHAP, ppptest.Packet(4, 7, with("E=691 R=1 C=00 V=3")...),
			ppptest.Packet(4, 7, with("E=691 R=1 C=00 V=3")...)},
		{"a new password", ppptest.CHAP, ppptest.Packet(7, 7, with(response)...),
			ppptest.Packet(7, 7, with(stars(49))...)},

		{"identity", ppptest.EAP, ppptest.Packet(2, 7, with("\x01kim")...), ppptest.Packet(2, 7, with("\x01kim")...)},
		{"EAP-MD5 request", ppptest.EAP, ppptest.Packet(1, 7, with("\x04\x10challenge")...),
			ppptest.Packet(1, 7, with("\x04\x10challenge")...)},
		{"EAP-MD5", ppptest.EAP, ppptest.Packet(2, 7, with("\x04\x10", response[:16])...),
			ppptest.Packet(2, 7, with("\x04", stars(17))...)},
		{"GTC", ppptest.EAP, ppptest.Packet(2, 7, with("\x06sesame")...), ppptest.Packet(2, 7, with("\x06******")...)},
		{"EAP-MSCHAPv2", ppptest.EAP, ppptest.Packet(1, 7, with("\x1a\x03S=40")...),
			ppptest.Packet(1, 7, with("\x1a*****")...)},
		{"EAP-TLS", ppptest.EAP, ppptest.Packet(2, 7, with("\x0d\x80hello")...),
			ppptest.Packet(2, 7, with("\x0d\x80hello")...)},
		{"EAP success", ppptest.EAP, ppptest.Packet(3, 7), ppptest.Packet(3, 7)},
		{"data of a success", ppptest.EAP, ppptest.Packet(3, 7, with("xy")...), ppptest.Packet(3, 7, with("**")...)},

		{"Shiva's PAP", 0xc027, ppptest.Packet(1, 7, with("sesame")...), ppptest.Packet(1, 7, with("******")...)},
		{"CBCP", ppptest.CBCP, ppptest.Packet(2, 7, with("\x02\x0b\x0c\x015551234")...),
			ppptest.Packet(2, 7, with("\x02\x0b\x0c\x015551234")...)},
		{"LCP", ppptest.LCP, ppptest.Packet(1, 7, with("\x05\x06rrrr")...),
			ppptest.Packet(1, 7, with("\x05\x06rrrr")...)},

		{"a rejected request", ppptest.LCP,
			reject("\xc0\x23", ppptest.Packet(1, 7, with("\x03kim\x06sesame")...)),
			reject("\xc0\x23", ppptest.Packet(1, 7, with("\x03kim\x06******")...))},
		{"a rejected request, cut off", ppptest.LCP,
			reject("\xc0\x23", ppptest.Packet(1, 7, with("\x03kim\x06sesame")...)[:12]),
			reject("\xc0\x23", append(ppptest.Packet(1, 7, with("\x03kim\x06******")...)[:9], "***"...))},
		{"a rejected packet of a user", ppptest.LCP, reject("\x00\x21", with("E packet")),
			reject("\x00\x21", with(stars(8)))},
		{"a rejected reject", ppptest.LCP, reject("\xc0\x21", reject("\xc0\x23", with("sesame"))),
			reject("\xc0\x21", with(stars(12)))},
		{"a rejected control packet", ppptest.LCP, reject("\x80\xfd", with("\x01\x01\x00\x04")),
			reject("\x80\xfd", with("\x01\x01\x00\x04"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := bytes.Clone(tt.info)
			if got := Mask(tt.protocol, tt.info, false); !bytes.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
			if !bytes.Equal(tt.info, before) {
				t.Error("Mask has changed the frame")
			}
		})
	}
	packet := reject("\x00\x21", with("E packet"))
	if got := Mask(ppptest.LCP, packet, true); !bytes.Equal(got, packet) {
		t.Errorf("with payload: %q", got)
	}
}

// wrap returns frames that have a secret: how each protocol proves an identity with it.
func wrap(secret, name []byte) map[string]ppptest.Frame {
	block := func(n int) []byte { return append(bytes.Clone(secret), make([]byte, n)...)[:n] }
	short := secret[:min(len(secret), 200)]
	name = name[:min(len(name), 50)]
	pap := ppptest.Packet(1, 7, slices.Concat([]byte{byte(len(name))}, name, []byte{byte(len(short))}, short)...)
	frames := map[string]ppptest.Frame{
		"pap":  {Protocol: ppptest.PAP, Info: pap},
		"md5":  {Protocol: ppptest.CHAP, Info: ppptest.Packet(2, 7, slices.Concat([]byte{16}, block(16), name)...)},
		"ms":   {Protocol: ppptest.CHAP, Info: ppptest.Packet(2, 7, slices.Concat([]byte{49}, block(49), name)...)},
		"gtc":  {Protocol: ppptest.EAP, Info: ppptest.Packet(2, 7, append([]byte{6}, short...)...)},
		"eap":  {Protocol: ppptest.EAP, Info: ppptest.Packet(2, 7, slices.Concat([]byte{4, 16}, block(16), name)...)},
		"ms26": {Protocol: ppptest.EAP, Info: ppptest.Packet(2, 7, slices.Concat([]byte{26, 2}, block(49), name)...)},
		"spap": {Protocol: 0xc027, Info: ppptest.Packet(1, 7, short...)},
	}
	frames["padding"] = ppptest.Frame{Protocol: ppptest.PAP, Info: append(ppptest.Packet(2, 7, 0), short...)}
	rejected := map[string]ppptest.Frame{}
	for way, f := range frames {
		data := append([]byte{byte(f.Protocol >> 8), byte(f.Protocol)}, f.Info...)
		rejected["rejected "+way] = ppptest.Frame{Protocol: ppptest.LCP, Info: ppptest.Packet(8, 1, data...)}
	}
	maps.Copy(frames, rejected)
	return frames
}

// FuzzMask: a masked frame has the length and the header of the frame, masking it again changes nothing, and it does
// not depend on a secret in it. Neither do its lines.
func FuzzMask(f *testing.F) {
	f.Add(uint16(ppptest.PAP), []byte("\x01\x07\x00\x0f\x03kim\x06sesame"), []byte("sesame"), []byte("kim"))
	f.Add(uint16(ppptest.CHAP), []byte("\x02\x07\x00\x08\x00abc"), []byte("0123456789abcdef"), []byte(""))
	f.Add(uint16(ppptest.LCP), []byte("\x08\x07\x00\x0f\xc0\x23\x01\x01\x00\x09\x01k\x01p"), []byte("p"), []byte("k"))
	f.Add(uint16(ppptest.EAP), []byte("\x02\x07\x00\x08\x06abc"), []byte("abc"), []byte("kim"))
	f.Fuzz(func(t *testing.T, protocol uint16, info, secret, name []byte) {
		got := Mask(protocol, info, false)
		head := min(4, len(info))
		if len(got) != len(info) || !bytes.Equal(got[:head], info[:head]) {
			t.Fatalf("%04x % x became % x", protocol, info, got)
		}
		if again := Mask(protocol, got, false); !bytes.Equal(again, got) {
			t.Fatalf("%04x % x: again % x", protocol, got, again)
		}
		for i, c := range got {
			if c != info[i] && c != filler {
				t.Fatalf("%04x: octet %d became %02x", protocol, i, c)
			}
		}
		other := bytes.Repeat([]byte{0xa5}, len(secret))
		others := wrap(other, name)
		for way, a := range wrap(secret, name) {
			b := others[way]
			x, y := Mask(a.Protocol, a.Info, true), Mask(b.Protocol, b.Info, true)
			if !bytes.Equal(x, y) {
				t.Fatalf("%s shows the secret:\n% x\n% x", way, x, y)
			}
			if fmt.Sprint(linesOf(a)) != fmt.Sprint(linesOf(b)) {
				t.Fatalf("%s: lines show the secret: %q", way, linesOf(a))
			}
		}
	})
}

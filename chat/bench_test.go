package chat

import "testing"

// BenchmarkDialScript runs a dial script against an in-memory modem that echoes and responds immediately, without
// system calls.
func BenchmarkDialScript(b *testing.B) {
	s := Shipped()[0]
	modem := fakeModem{rules: []rule{
		{"ATZ\r", "ATZ\r\r\nOK\r\n"},
		{"ATDT 5551234567\r", "ATDT 5551234567\r\r\nCONNECT 33600\r\n"},
	}}
	b.ReportAllocs()
	for b.Loop() {
		res := s.Run(b.Context(), &memConn{modem: modem}, Options{Dialstring: number("5551234567")})
		if res.Outcome != Success {
			b.Fatal(res.Err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := Shipped()[0].Text
	for b.Loop() {
		if _, err := Parse("x", text); err != nil {
			b.Fatal(err)
		}
	}
}

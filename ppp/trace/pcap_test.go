package trace

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/ppptest"
)

// TestPcap has the octets of a capture file, by pcap-savefile(5) and LINKTYPE_PPP_WITH_DIR.
func TestPcap(t *testing.T) {
	file := Header()
	at := time.Date(2026, 11, 21, 10, 4, 5, 123456789, time.UTC)
	file = AppendRecord(file, at, true, ppptest.CBCP, ppptest.Packet(1, 1, 3, 3, 0))
	file = AppendRecord(file, at.Add(time.Second), false, ppptest.IPv4, []byte("E"))
	want := "d4c3b2a1 0200 0400 00000000 00000000 ffff0000 cc000000" +
		"956c016b 40e20100 0c000000 0c000000 01 ff03 c029 01010007030300" +
		"966c016b 40e20100 06000000 06000000 00 ff03 0021 45"
	if got := hex.EncodeToString(file); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

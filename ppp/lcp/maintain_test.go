package lcp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/lcp"
)

// opened are the steps to Opened; the peer's magic number is 0a0b0c0d.
var opened = after(begin,
	step{"02 01 0019 020600000000 0305c22381 050611111111 0702 0802",
		"receive as mru 1500 accm 00000000 magic 11111111 pfc acfc"},
	step{"01 09 000e 01040080 05060a0b0c0d", "stop timer; send 02 09 00 0e 01 04 00 80 05 06 0a 0b 0c 0d; layer up"})

func TestMaintenance(t *testing.T) {
	for name, steps := range map[string][]step{
		"RFC 1661 §5.8: an Echo-Request, its data comes back with our magic number": after(opened,
			step{"09 42 000b 0a0b0c0d 010203", "send 0a 42 00 0b 11 11 11 11 01 02 03"},
			step{"09 43 0008 00000000", "send 0a 43 00 08 11 11 11 11"},
			step{"09 44 0008 0a0b0c0d ffff", "send 0a 44 00 08 11 11 11 11"}),
		"an Echo-Request without a magic number is dropped": after(opened,
			step{"09 42 0007 0a0b0c", ""},
			step{"09 42 0004", ""}),
		"a reply is not longer than the peer's MRU (accel-ppp #204)": after(opened,
			step{"09 42 0090 0a0b0c0d" + strings.Repeat("ee", 136),
				"send 0a 42 00 80 11 11 11 11" + strings.Repeat(" ee", 120)}),
		"RFC 1661 §5.8, 5.9: only while open": {
			begin[0], begin[1],
			{"09 42 0008 0a0b0c0d", ""},
			{"0a 42 0008 0a0b0c0d", ""},
			{"0b 42 0008 0a0b0c0d", ""},
			{"08 42 0006 8021", ""},
			{"60 s left", ""},
			{"reject 80fd", ""},
		},
		"no answer to Echo-Reply, Discard-Request, Time-Remaining": after(opened,
			step{"0a 42 0008 0a0b0c0d", ""},
			step{"0b 42 0008 0a0b0c0d", ""},
			step{"0d 42 000c 0a0b0c0d 0000003c", ""}),
		"RFC 1570 §1.1: Identification in any state": {
			{"0c 00 000b 00000000 414243", ""},
			begin[0], begin[1],
			{"0c 00 0012 00000000 4d5352415356352e3230", `peer is "MSRASV5.20"`}, // Windows 2000
			{"0c 00 0008 00000000", ""},
			{"0c 00 0007 000000", ""},
			{"identify", "send 0c 02 00 0a 00 00 00 00 6d 65"},
		},
		"RFC 1570 §1.2: Time-Remaining": after(opened,
			step{"60 s left", "send 0d 02 00 10 11 11 11 11 00 00 00 3c 73 6f 6f 6e"},
			step{"07 09 0014 0d020010 11111111 0000003c 736f6f6e", ""},
			step{"60 s left", ""}),
		"codes that the peer does not have are not sent again": after(opened,
			step{"identify", "send 0c 02 00 0a 11 11 11 11 6d 65"},
			step{"07 09 000e 0c02000a 11111111 6d65", ""},
			step{"identify", ""},
			step{"reject 80fd", "send 08 03 00 09 80 fd 01 02 03"},
			step{"07 0a 0008 08030009", ""},
			step{"reject 80fd", ""}),
		"RFC 1661 §5.7: Protocol-Reject, a new identifier each, truncated": after(opened,
			step{"reject 80fd", "send 08 02 00 09 80 fd 01 02 03"},
			step{"reject a large", "send 08 03 00 80 80 fd" + strings.Repeat(" 00", 122)}),
		"the peer rejects a protocol": after(opened,
			step{"08 50 000a 8021 01010004", "peer rejects protocol 8021"},
			step{"08 50 0005 80", ""}),
		"the peer rejects LCP": after(opened,
			step{"08 50 0006 c021", "layer down: the peer rejects the protocol; send 05 02 00 04" + timer}),
		"RFC 1661 §5.6: an unknown code": after(opened,
			step{"0e 50 0005 aa", "send 07 02 00 09 0e 50 00 05 aa"},
			step{"00 50 0004", "send 07 03 00 08 00 50 00 04"}),
		"padding, and lengths that are wrong": after(opened,
			step{"09 42 0003", ""},
			step{"09 42 00ff 0a0b0c0d", ""},
			step{"", ""},
			step{"09", ""}),
		"our magic number comes back while open: ten times are a loop": after(opened,
			step{"09 42 0008 11111111", ""},
			step{"0a 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111", ""},
			step{"09 42 0008 11111111",
				"layer down: the line is looped back; send 05 02 00 0f 6c 6f 6f 70 65 64 20 6c 69 6e 65" + timer}),
	} {
		t.Run(name, func(t *testing.T) { play(t, config(), steps) })
	}
}

// An Identification is sent when LCP opens.
func TestIdentification(t *testing.T) {
	c := config()
	c.Identification = "me"
	play(t, c, after(begin,
		step{"02 01 0019 020600000000 0305c22381 050611111111 0702 0802",
			"receive as mru 1500 accm 00000000 magic 11111111 pfc acfc"},
		step{"01 09 0004", "stop timer; send 02 09 00 04; layer up; send 0c 02 00 0a 11 11 11 11 6d 65"}))
}

func TestKeepalive(t *testing.T) {
	const echo30, echo10 = "; start echo timer 30s", "; start echo timer 10s"
	up := after(opened[:len(opened)-1],
		step{"01 09 000e 01040080 05060a0b0c0d",
			"stop timer; send 02 09 00 0e 01 04 00 80 05 06 0a 0b 0c 0d; layer up" + echo30})
	asks := func(id string, echo string) step {
		return step{"echo timeout", "send 09 " + id + " 00 08 11 11 11 11" + echo}
	}
	lost := func(id, n string) step {
		return step{"echo timeout", `layer down: no answer to Echo-Requests: "` + n + ` missed"; stop echo timer; ` +
			"send 05 " + id + " 00 11 6e 6f 20 65 63 68 6f 20 72 65 70 6c 79" + timer}
	}
	for name, steps := range map[string][]step{
		"four Echo-Requests, one after the other, without an answer": after(up,
			asks("02", echo30), asks("03", echo30), asks("04", echo30), asks("05", echo30), lost("06", "4")),
		"an answer sets the count anew": after(up,
			asks("02", echo30), asks("03", echo30), asks("04", echo30),
			step{"0a 04 0008 0a0b0c0d", ""},
			asks("05", echo30), asks("06", echo30), asks("07", echo30), asks("08", echo30), lost("09", "4")),
		"so does any valid frame of LCP or of another protocol (pppd #323, #376)": after(up,
			asks("02", echo30), asks("03", echo30), asks("04", echo30),
			step{"heard", ""},
			asks("05", echo30), asks("06", echo30), asks("07", echo30),
			step{"0b 42 0008 0a0b0c0d", ""},
			asks("08", echo30), asks("09", echo30), asks("0a", echo30), asks("0b", echo30), lost("0c", "4")),
		"our own packet does not": after(up,
			asks("02", echo30), asks("03", echo30), asks("04", echo30), asks("05", echo30),
			step{"09 05 0008 11111111", ""}, lost("06", "4")),
		"an invalid packet does not": after(up,
			asks("02", echo30), asks("03", echo30), asks("04", echo30), asks("05", echo30),
			step{"09 05 0002 11111111", ""}, lost("06", "4")),
		"another interval": after(up,
			asks("02", echo30),
			step{"shorter echo", "stop echo timer; start echo timer 10s"},
			asks("03", echo10), asks("04", echo10), asks("05", echo10), lost("06", "3")),
		"none": after(up,
			step{"no echo", "stop echo timer"},
			step{"echo timeout", ""}),
		"a peer without echo (Code-Reject)": after(up,
			asks("02", echo30),
			step{"07 42 000c 09020008 11111111", "stop echo timer"},
			step{"echo timeout", ""},
			step{"shorter echo", ""}),
		"it ends with the layer": after(up,
			step{"05 42 0004", "layer down: ended by the peer; stop echo timer; start timer 3s; send 06 42 00 04"},
			step{"echo timeout", ""},
			step{"shorter echo", ""}),
	} {
		t.Run(name, func(t *testing.T) {
			c := config()
			c.Echo = lcp.Echo{Every: 30 * time.Second}
			play(t, c, steps)
		})
	}
}

// A line that returns what we send is found out, whether it is a shell that echoes or a modem's loop, and whatever we
// ask for; and the reason is the loop, not the authentication that we rejected ourselves.
func TestLoop(t *testing.T) {
	for _, auth := range [][]lcp.Auth{{lcp.MSCHAPv2, lcp.PAP}, nil} {
		c := config()
		c.Auth = auth
		l := lcp.New(c)
		e := &fsmtest.Engine{Layer: l}
		e.Start(t)
		for range 200 {
			for _, p := range e.Take() {
				e.Receive(t, p)
			}
			if len(e.Sent) == 0 && e.Armed {
				e.Timeout(t)
			}
		}
		if len(e.Finished) != 1 || e.Finished[0].Cause != lcp.Looped || e.Packets > 40 {
			t.Errorf("%v: %v after %d packets in %v", auth, e.Finished, e.Packets, l.State())
		}
	}
}

// A peer that chose the same magic number gets a Nak, and both go on (RFC 1661 §6.4).
func TestSameMagicNumber(t *testing.T) {
	play(t, config(), after(begin,
		step{"01 09 000f 0506 11111111 0305c22305", "send 03 09 00 0a 05 06 22 22 22 22"},
		step{"01 0a 000f 0506 22222222 0305c22305", "send 04 0a 00 09 03 05 c2 23 05"},
		step{"01 0b 000a 0506 22222222", "send 02 0b 00 0a 05 06 22 22 22 22"}))
}

// A poor source of random numbers gives neither zero nor our own number.
func TestPoorRandom(t *testing.T) {
	for _, n := range []uint32{0, 0xffffffff} {
		c := config()
		c.Magic = func() uint32 { return n }
		e := &fsmtest.Engine{Layer: lcp.New(c)}
		e.Start(t)
		first, _ := fsm.ParsePacket(e.Take()[0])
		opts, _ := fsm.ParseOptions(first.Data)
		e.Receive(t, fsm.Packet{Code: 1, ID: 9, Data: fsm.AppendOptions(nil, opts[2])}.Bytes())
		if opts[2].Type != 5 || string(opts[2].Data) == "\x00\x00\x00\x00" {
			t.Errorf("asked for %v", opts[2])
		}
		nak, _ := fsm.ParsePacket(e.Take()[0])
		got, _ := fsm.ParseOptions(nak.Data)
		if nak.Code != 3 || string(got[0].Data) == "\x00\x00\x00\x00" || got[0].Equal(opts[2]) {
			t.Errorf("%v answered by %v", opts[2], nak)
		}
	}
}

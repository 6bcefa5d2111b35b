package fsm_test

import (
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
)

// FuzzMachine gives a machine any events and packets. The engine checks what always holds. The input is read as
// commands: an octet below 8 is an event, any other the length of the packet that follows.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("\x00\x01\x08\x01\x50\x00\x04\x08\x02\x01\x00\x04\x08\x05\x01\x00\x04\x02\x02\x02"))
	f.Add([]byte("\x00\x01\x0b\x01\x50\x00\x07\x02\x03\x00\x08\x07\x01\x00\x04\x03\x04\x05"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &colors{ask: []fsm.Option{{Type: 1, Data: []byte{7}}, {Type: 2, Data: []byte{0}}}, wants: 1}
		m := fsm.New(number, p, fsm.Config{FirstID: 1})
		e := &fsmtest.Engine{Layer: m}
		for len(in) > 0 {
			command := in[0]
			in = in[1:]
			switch command {
			case 0:
				e.Do(t, m.Open())
			case 1:
				e.Do(t, m.Up())
			case 2, 3:
				if e.Armed {
					e.Timeout(t)
				} else {
					e.Do(t, m.Timeout()) // late: nothing may happen
				}
			case 4:
				e.Do(t, m.Close(fsm.Reason{Cause: "closed"}, "closed"))
			case 5:
				e.Do(t, m.Down())
			case 6:
				e.Do(t, m.ProtocolRejected())
			case 7:
				e.Do(t, m.Maintain(fsm.Packet{Code: 10}))
			default:
				n := min(int(command)-4, len(in))
				e.Receive(t, in[:n])
				in = in[n:]
			}
		}
		// With a peer that only acknowledges it ends.
		e.Take()
		for range 60 {
			for _, p := range e.Take() {
				if p[0] == fsm.ConfigureRequest {
					p[0] = fsm.ConfigureAck
					e.Receive(t, p)
				}
			}
			if e.Armed {
				e.Timeout(t)
			}
		}
		if e.Armed {
			t.Errorf("still waiting in %v", m.State())
		}
	})
}

package auth_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

// FuzzAuthenticator gives an Authenticator any events, packets and results. The engine checks what always holds: a
// timer or a question where one is due, one packet at most for one input, one end, and no grant without AAA's. The
// first octet is the method; an octet below 16 is a command, any other one is the length of the packet that follows.
func FuzzAuthenticator(f *testing.F) {
	f.Add([]byte("\x00\x00\x04\x01\x07\x02\x0a\x01\x02"))
	f.Add([]byte("\x01\x00\x04\x00\x07\x04\x01\x0a\x04\x00\x02"))
	f.Add([]byte("\x03\x00\x04\x00\x08\x02\x04\x01\x08\x02\x04\x02\x08\x02\x07"))
	f.Add([]byte("\x04\x00\x04\x00\x0b\x1a\x02\x42\x00\x0a\x04\x04abcd\x09\x02"))
	f.Add([]byte("\x02\x00\x03\x01\x02\x05\x06\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		e := newEngine(t, auth.Config{Method: methods[int(in[0])%len(methods)], Name: "nas"})
		in = in[1:]
		for len(in) > 0 {
			command := in[0]
			in = in[1:]
			if command >= 16 {
				n := min(int(command)-12, len(in))
				packet := bytes.Clone(in[:n])
				e.do(e.a.Receive(e.a.Method().Protocol(), packet))
				in = in[n:]
				continue
			}
			arg := byte(0)
			if len(in) > 0 {
				arg = in[0]
			}
			event(e, command, arg)
			if command == 4 || command == 5 {
				in = in[min(1, len(in)):]
			}
		}
		settle(t, e)
	})
}

// event gives e one event.
func event(e *engine, command, arg byte) {
	reply := aaa.Result{Message: "text", Success: "E=691 R=1 V=3 M=x", Reason: "because"}
	switch command {
	case 0:
		e.start()
	case 1, 2:
		if e.armed {
			e.timeout()
		} else {
			e.do(e.a.Timeout()) // late: nothing may happen
		}
	case 3:
		e.open = false
		e.do(e.a.Rejected())
	case 4, 5:
		m := e.a.Method()
		e.do(e.a.Receive(m.Protocol(), login(m, arg, map[byte]string{4: "austin", 5: "kihei"}[command])))
	case 6:
		answer(e, reply) // silent
	case 7:
		reply.Kind = aaa.Granted
		answer(e, reply)
	case 8:
		reply.Kind = aaa.Refused
		answer(e, reply)
	case 9:
		reply.Kind, reply.EAP = aaa.Granted, []byte{3, arg, 0, 4}
		answer(e, reply)
	case 10:
		reply.Kind, reply.Success = aaa.Granted, v2Proof
		answer(e, reply)
	case 11:
		reply.Kind, reply.Wait = aaa.Prompt, time.Duration(arg)*time.Second
		reply.EAP = []byte{1, 0x42, 0, 6, 4, arg}
		answer(e, reply)
	case 12:
		reply.Kind = 99
		answer(e, reply)
	}
}

// answer gives e AAA's result: if no question is open, nothing may happen.
func answer(e *engine, res aaa.Result) {
	e.t.Helper()
	if e.open {
		e.answer(res)
	} else if got := e.do(e.a.Answer(res)); got != "" {
		e.t.Fatalf("an answer to nothing: %s", got)
	}
}

// settle lets AAA and the peer be silent: the login ends.
func settle(t *testing.T, e *engine) {
	t.Helper()
	answer(e, aaa.Result{})
	for range 20 {
		if e.armed {
			e.timeout()
		}
	}
	if state := e.a.State(); state == auth.Waiting || state == auth.Asking {
		t.Errorf("still %v", state)
	}
}

package broker_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/ppptest"
)

// pppWays are the ways of a PPP client to ask for a callback: the data of LCP's option 13.
var pppWays = []struct {
	name     string
	option   []byte
	initiate bool
}{
	{"CBCP", []byte{6}, false},
	{"operation 0", []byte{0}, false},
	{"operation 1", []byte("\x0184007"), false},
	{"operation 3", []byte("\x0384007"), false},
	{"operation 2", []byte("\x02home"), false},
	{"an unknown place", []byte("\x02rome"), false},
	{"does not ask", nil, false},
	{"waits", nil, true},
}

// TestPPPTable: what a real client gets, from its first frame to the promise, for each row and column of the table of
// callbacks (cbcp.PlanFor). A client that is offered a choice takes the last type.
func TestPPPTable(t *testing.T) {
	const no, unknown = "Callback not available", "Unknown location" // the link ends, with this text
	const bye, called = "Line is disconnected", "promised 84001"     // and of a client that is called, too
	cheaper := func(p *policies.Policy) { p.Callback = policies.WhenCheaper }
	secure := func(p *policies.Policy) { p.Callback = policies.Secure }
	for _, row := range []struct {
		name, user string
		policy     func(*policies.Policy)
		want       [8]string
	}{
		{"fixed", "kihei-03", nil, [8]string{"offer [3], promised 84001", "promised 84001", "promised 84001",
			"promised 84001", "promised 84001", "promised 84001", no, "promised 84001"}},
		{"NULL", "austin-02", nil, [8]string{"offer [2], promised 84007", no, "promised 84007", "promised 84007",
			"promised 84001", unknown, no, no}},
		{"on request", "paia-04", func(p *policies.Policy) { p.OnRequest = true },
			[8]string{"offer [1 2], promised 84007", no, "promised 84007", "promised 84007", "promised 84001", unknown,
				"IP", "IP"}},
		{"none required", "paia-04", nil, [8]string{"offer [1], IP", no, no, no, no, no, "IP", "IP"}},
		{"required, on request", "paia-04",
			func(p *policies.Policy) { p.OnRequest, p.Callback = true, policies.Required },
			[8]string{"offer [2], promised 84007", no, "promised 84007", "promised 84007", "promised 84001", unknown,
				no, no}},
		{"required, none", "paia-04", func(p *policies.Policy) { p.Callback = policies.Required },
			[8]string{no, no, no, no, no, no, no, no}},
		{"secure, fixed", "kihei-03", secure,
			[8]string{called, called, called, called, called, called, called, called}},
		{"secure, NULL", "austin-02", secure, [8]string{bye, bye, bye, bye, bye, bye, bye, bye}},
		{"secure, none", "paia-04", secure, [8]string{bye, bye, bye, bye, bye, bye, bye, bye}},
		{"cheaper", "paia-04", cheaper, [8]string{"offer [1 3], promised 84001", "promised 84001", "promised 84001",
			"promised 84001", "promised 84001", "promised 84001", "IP", "promised 84001"}},
		{"cheaper, NULL", "austin-02", cheaper, [8]string{"offer [2], promised 84007", no, "promised 84007",
			"promised 84007", "promised 84001", unknown, no, no}},
	} {
		for i, way := range pppWays {
			t.Run(row.name+", "+way.name, func(t *testing.T) {
				profile := pap
				profile.Initiate = way.initiate
				o := townOptions{frontEnds: withProfile(profile), policy: row.policy, callerID: true, tariff: cheapHome,
					line: exchange.ModemConfig{CallerID: true}}
				inTown(t, o, func(w *town) {
					if got := w.callsFrames(row.user, way.option); got != row.want[i] {
						t.Errorf("%s, want %s", got, row.want[i])
					}
				})
			})
		}
	}
}

// callsFrames has a PPP client call and ask for a callback, and returns what it gets.
func (w *town) callsFrames(user string, option []byte) string {
	w.t.Helper()
	p := w.pc(w.home)
	p.typ("atdt55555")
	p.see("CONNECT", time.Minute)
	w.pass(2 * time.Second)
	var offered string
	c := &ppptest.Client{User: user, Password: password, Callback: option, Response: func(offer []byte) []byte {
		var types []byte
		for _, o := range ppptest.Options(offer) {
			types = append(types, o[0])
		}
		offered = fmt.Sprintf("offer %v, ", types)
		return map[byte][]byte{1: {1, 2}, 2: []byte("\x02\x0a\x0a\x0184007\x00"), 3: {3, 3, 10}}[slices.Max(types)]
	}}
	if !p.frames(c, time.Minute, func() bool { return c.IPUp || c.Ended || c.EndAck }, c.Start()...) {
		w.t.Fatalf("no end: %+v", c)
	}
	switch {
	case c.IPUp:
		return offered + "IP"
	case w.promised() == 1:
		acked := bytes.HasPrefix(c.CBCPAck, []byte{2}) || bytes.HasPrefix(c.CBCPAck, []byte{3})
		if acked != (offered != "") {
			w.t.Errorf("acknowledged % x", c.CBCPAck)
		}
		return offered + "promised " + w.last().Number
	}
	return offered + c.EndText
}

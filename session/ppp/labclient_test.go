package pppfront

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/pppclient"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

// labCall is a call of the lab's PPP client, which pppd has proven. It tells what the client did, how the session
// ended, and what the broker was asked.
type labCall struct {
	auth   []lcp.Auth
	login  session.Login // nil: a fake that knows the password
	broker *fakeBroker
	leg    session.Leg
	client pppclient.Config
}

func (c labCall) run(t *testing.T) (told string, out session.Outcome) {
	t.Helper()
	near, far := net.Pipe()
	data := &fakeData{Conn: near, done: make(chan struct{})}
	defer data.lose()
	defer far.Close()
	profile := Profile{Authentication: c.auth, CBCP: true, RFC1570: true, IPv4: true, Identification: "ringback"}
	network := &fakeNetwork{}
	front := New(Config{Network: network, Profile: func(int) (Profile, bool) { return profile, true }})
	if c.login == nil {
		c.login = &fakeAAA{}
	}
	ended := make(chan session.Outcome, 1)
	go func() {
		call := &lines.Call{Data: data, ID: "c1", TTY: 65, Speed: 33600, Start: time.Now()}
		ended <- session.Run(t.Context(), call, session.Config{FrontEnds: session.Only{FrontEnd: front}}, c.login,
			c.broker, c.leg)
	}()
	var lines []string
	tell := func(text string) { lines = append(lines, text) }
	c.client.User, c.client.Tell = "kim", tell
	if c.client.Password == "" {
		c.client.Password = "sesame"
	}
	if err := converse(t.Context(), pppclient.New(bufio.NewReader(far), far, c.client)); err != nil {
		tell(err.Error())
	}
	out = <-ended
	if network.assigned != network.released {
		t.Errorf("%d leases, %d given back", network.assigned, network.released)
	}
	return strings.Join(lines, "; "), out
}

// converse goes online unless it is promised a callback, exchanges a packet and ends the link.
func converse(ctx context.Context, c *pppclient.Client) error {
	p, err := c.Login(ctx)
	if err != nil || p != nil {
		return err
	}
	n, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	online, offline := context.WithCancel(ctx)
	defer offline()
	packet := ppptest.IPv4Packet(n.Address.As4(), host, []byte("+++ATH0\r"))
	if err := c.Send(packet); err != nil {
		return err
	}
	err = c.Serve(online, func(b []byte) {
		if string(b[20:]) == "+++ATH0\r" {
			offline()
		}
	})
	if errors.Is(err, context.Canceled) {
		c.Terminate(ctx, "enough")
		return nil
	}
	return err
}

// TestLabClient: the lab's PPP client in each way to log in and to be called back.
func TestLabClient(t *testing.T) {
	const online = "; address 10.8.0.10"
	cbcp := pppclient.Callback{Kind: pppclient.CBCP, Number: "555123", Delay: 12 * time.Second}
	for _, tt := range []struct {
		name   string
		call   labCall
		tells  string
		kind   session.OutcomeKind
		choice session.Choice
	}{
		{name: "pap", call: labCall{auth: []lcp.Auth{lcp.PAP}}, tells: "link open; logged in by pap" + online,
			kind: session.SessionEnded},
		{name: "chap", call: labCall{auth: []lcp.Auth{lcp.CHAP}}, tells: "link open; logged in by chap" + online,
			kind: session.SessionEnded},
		{name: "eap", call: labCall{auth: []lcp.Auth{lcp.EAP}}, tells: "link open; logged in by eap" + online,
			kind: session.SessionEnded},
		{name: "a server that does not know the password", call: labCall{auth: []lcp.Auth{lcp.MSCHAPv2}},
			tells: "link open; ms-chap-v2: the server does not prove that it knows the password",
			kind:  session.SessionEnded},
		{name: "the client's choice of the methods", call: labCall{auth: []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP},
			client: pppclient.Config{Methods: []pppclient.Method{pppclient.PAP, pppclient.CHAP}}},
			tells: "link open; logged in by pap" + online, kind: session.SessionEnded},
		{name: "no method in common", call: labCall{auth: []lcp.Auth{lcp.CHAP},
			client: pppclient.Config{Methods: []pppclient.Method{pppclient.PAP}}},
			tells: `the server ended the link: "no agreement on the options"`},
		{name: "wrong password", call: labCall{client: pppclient.Config{Password: "wrongly"}},
			tells: `link open; pap: the server refused the login: "Access denied"`},
		{name: "CBCP, the client's number", call: labCall{broker: &fakeBroker{decide: offers("")},
			client: pppclient.Config{Callback: cbcp}},
			tells: "link open; logged in by pap; the server will call back 555123", kind: session.CallbackPromised,
			choice: session.Choice{Offer: "o1", Number: "555123", Delay: 12 * time.Second}},
		{name: "CBCP, the server's number", call: labCall{broker: &fakeBroker{decide: offers("84001")},
			client: pppclient.Config{Callback: cbcp}},
			tells: "link open; logged in by pap; the server will call back the number that the server has",
			kind:  session.CallbackPromised, choice: session.Choice{Offer: "o1", Delay: 12 * time.Second}},
		{name: "CBCP, no callback for this user", call: labCall{client: pppclient.Config{Callback: cbcp}},
			tells: "link open; logged in by pap; no callback" + online, kind: session.SessionEnded},
		{name: "CBCP on leg two", call: labCall{leg: session.Leg{Number: 2, Service: aaa.PPP,
			Identity: aaa.Identity{Entry: "radius", User: "kim"}},
			client: pppclient.Config{Callback: cbcp}},
			tells: "the server does not call back; link open; logged in by pap" + online, kind: session.SessionEnded},
		{name: "operation 0", call: labCall{broker: &fakeBroker{decide: offers("84001")},
			client: pppclient.Config{Callback: pppclient.Callback{Kind: pppclient.ByLogin}}},
			tells: "link open; logged in by pap; the server ended the link: Callback initiated",
			kind:  session.CallbackPromised, choice: session.Choice{Offer: "o1"}},
		{name: "operation 2", call: labCall{broker: &fakeBroker{decide: offers("")}, client: pppclient.Config{
			Callback: pppclient.Callback{Kind: pppclient.ByLocation, Number: "home"}}},
			tells: "link open; logged in by pap; the server ended the link: Callback initiated",
			kind:  session.CallbackPromised, choice: session.Choice{Offer: "o1", Place: "home"}},
		{name: "operation 3", call: labCall{broker: &fakeBroker{decide: offers("")}, client: pppclient.Config{
			Callback: pppclient.Callback{Kind: pppclient.ByNumber, Number: "555123"}}},
			tells: "link open; logged in by pap; the server ended the link: Callback initiated",
			kind:  session.CallbackPromised, choice: session.Choice{Offer: "o1", Number: "555123"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.call.auth == nil {
					tt.call.auth = []lcp.Auth{lcp.PAP}
				}
				if tt.call.broker == nil {
					tt.call.broker = &fakeBroker{}
				}
				told, out := tt.call.run(t)
				if told != tt.tells || out.Kind != tt.kind {
					t.Errorf("it tells\n%s, must be\n%s; %+v", told, tt.tells, out)
				}
				var choice session.Choice
				if b := tt.call.broker; len(b.chosen) > 0 {
					choice = b.chosen[0]
					choice.Call = nil
				}
				if choice != tt.choice {
					t.Errorf("choice %+v", choice)
				}
			})
		})
	}
}

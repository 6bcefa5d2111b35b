package load

import (
	"cmp"
	"context"
	"io"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
)

// Target is one server that logs users in. Its owner closes it.
type Target struct {
	Method
	io.Closer
	Protocol, Server string
	Dropped          func() uint64 // datagrams that were no authentic reply; nil: there are none
}

// Method logs users in: an aaa.Method, or an aaa.Login where what they may have is asked apart.
type Method interface {
	Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result)
}

// The protocols of AAA servers.
const (
	ProtocolRADIUS = "radius"
	ProtocolTACACS = "tacacs"
)

// RADIUS is a client of s alone.
func RADIUS(c radius.Config, s radius.ServerConfig) (*Target, error) {
	c.Servers, c.Trace = []radius.ServerConfig{s}, nil
	client, err := radius.New(c)
	if err != nil {
		return nil, err
	}
	return &Target{Method: client, Closer: client, Protocol: ProtocolRADIUS, Server: cmp.Or(s.Name, s.Address), Dropped: client.Dropped}, nil
}

// TACACS is a client of s alone. A login is what it is to the daemon: authentication, then the authorization of an
// EXEC.
func TACACS(c tacplus.Config, s tacplus.ServerConfig) (*Target, error) {
	c.Servers, c.Trace = []tacplus.ServerConfig{s}, nil
	client, err := tacplus.New(c)
	if err != nil {
		return nil, err
	}
	login := aaa.Login{Authentication: aaa.Lists{aaa.EXEC: {Name: "load", Entries: []aaa.Method{client}}}}
	return &Target{Method: login, Closer: client, Protocol: ProtocolTACACS, Server: cmp.Or(s.Name, s.Address)}, nil
}

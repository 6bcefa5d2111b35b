package load

import (
	"cmp"
	"context"
	"io"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
)

// Target is the server under load. Its owner closes it.
type Target struct {
	Method
	io.Closer
	Protocol, Server string
	Dropped          func() uint64 // datagrams that were not authentic replies; nil: not counted
}

// Method logs users in: an aaa.Method, or an aaa.Login if authorization is a separate request.
type Method interface {
	Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result)
}

// The protocols of AAA servers.
const (
	ProtocolRADIUS = "radius"
	ProtocolTACACS = "tacacs"
)

// RADIUS returns a target with the single server s.
func RADIUS(c radius.Config, s radius.ServerConfig) (*Target, error) {
	c.Servers, c.Trace = []radius.ServerConfig{s}, nil
	client, err := radius.New(c)
	if err != nil {
		return nil, err
	}
	return &Target{Method: client, Closer: client, Protocol: ProtocolRADIUS, Server: cmp.Or(s.Name, s.Address),
		Dropped: client.Dropped}, nil
}

// TACACS returns a target with the single server s. A login is the same as in the daemon: authentication, then
// authorization of an EXEC.
func TACACS(c tacplus.Config, s tacplus.ServerConfig) (*Target, error) {
	c.Servers, c.Trace = []tacplus.ServerConfig{s}, nil
	client, err := tacplus.New(c)
	if err != nil {
		return nil, err
	}
	login := aaa.Login{Authentication: aaa.Lists{aaa.EXEC: {Name: "load", Entries: []aaa.Method{client}}}}
	return &Target{Method: login, Closer: client, Protocol: ProtocolTACACS, Server: cmp.Or(s.Name, s.Address)}, nil
}

package api

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os/user"
	"strconv"
)

// peer is the client at the other end of a connection.
type peer struct {
	// known: the kernel has reported the process of the socket's client
	known    bool
	uid, gid uint32
	pid      int32
	groups   []uint32 // supplementary groups

	certificate *x509.Certificate // verified; nil on the socket
	inside      *User             // of this process; otherwise nil
	remote      string            // address, with certificate
}

// peerKey is the context key of the *peer of a request.
type peerKey struct{}

// peerOf returns the client of a connection before its certificate is known. It is never nil.
func peerOf(c net.Conn) *peer {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = inner.NetConn()
	}
	if u, ok := c.(*net.UnixConn); ok {
		if p, err := peerProcess(u); err == nil {
			return p
		}
		return &peer{}
	}
	return &peer{remote: c.RemoteAddr().String()}
}

// name identifies the operator: "uid 1000", or "certificate alice".
func (p *peer) name() string {
	switch {
	case p == nil:
		return "api"
	case p.inside != nil:
		return p.inside.Name
	case p.certificate != nil:
		return "certificate " + clean(firstName(p.certificate))
	case p.known:
		return fmt.Sprintf("uid %d", p.uid)
	}
	return "api"
}

// account identifies the operator for the ceilings of users, wherever the request comes from: "uid 1000".
func account(ctx context.Context) string {
	p, _ := ctx.Value(peerKey{}).(*peer)
	if p != nil && p.inside != nil {
		return p.inside.Account
	}
	return p.name()
}

// Account identifies the operator of an API request, wherever it comes from: "uid 1000", "kim".
func Account(ctx context.Context) string { return account(ctx) }

// By identifies the client of an API request for the audit, and where it is: "uid 1000 (alice, api, pid 4711)",
// "uid 1000 (api, pid 4711)" if the system has no name for the user, "certificate alice (serial 1f, api,
// 192.0.2.1:53214)", or "api" if the system does not report the user.
func By(ctx context.Context) string {
	p, _ := ctx.Value(peerKey{}).(*peer)
	switch {
	case p == nil:
		return "api"
	case p.inside != nil:
		return p.inside.Name
	case p.certificate != nil:
		return fmt.Sprintf("%s (serial %s, api, %s)", p.name(), p.certificate.SerialNumber.Text(16), p.remote)
	case !p.known:
		return "api"
	}
	if u, err := user.LookupId(strconv.FormatUint(uint64(p.uid), 10)); err == nil {
		return fmt.Sprintf("%s (%s, api, pid %d)", p.name(), u.Username, p.pid)
	}
	return fmt.Sprintf("%s (api, pid %d)", p.name(), p.pid)
}

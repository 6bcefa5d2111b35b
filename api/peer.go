package api

import (
	"context"
	"fmt"
	"net"
)

// peerKey is the context's key of the uid at the other end of the socket.
type peerKey struct{}

// withPeer is an http.Server's ConnContext: requests know who made them, by the kernel's word.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	if s, ok := c.(*spareConn); ok {
		c = s.Conn
	}
	if u, ok := c.(*net.UnixConn); ok {
		if uid, err := peerUID(u); err == nil {
			return context.WithValue(ctx, peerKey{}, uid)
		}
	}
	return ctx
}

// By is who made a request of the API, for the audit: "uid 1000 (api)", or "api" where the system does not tell.
func By(ctx context.Context) string {
	if uid, ok := ctx.Value(peerKey{}).(uint32); ok {
		return fmt.Sprintf("uid %d (api)", uid)
	}
	return "api"
}

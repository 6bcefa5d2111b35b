package api

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"strconv"
)

// peerKey is the context key of the user ID of the socket's peer.
type peerKey struct{}

// withPeer is an http.Server's ConnContext: it adds the peer's user ID, as reported by the kernel, to the context.
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

// By identifies the user of an API request for the audit: "uid 1000 (alice, api)", "uid 1000 (api)" if the system has
// no name for it, or "api" if it does not report the user.
func By(ctx context.Context) string {
	uid, ok := ctx.Value(peerKey{}).(uint32)
	if !ok {
		return "api"
	}
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		return fmt.Sprintf("uid %d (%s, api)", uid, u.Username)
	}
	return fmt.Sprintf("uid %d (api)", uid)
}

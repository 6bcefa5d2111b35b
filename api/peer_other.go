//go:build !linux

package api

import (
	"errors"
	"net"
)

func peerProcess(*net.UnixConn) (*peer, error) { return nil, errors.ErrUnsupported }

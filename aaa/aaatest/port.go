package aaatest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// QuietPort returns an address of 127.0.0.1 whose port is free now for UDP and TCP. It is below the ports that the
// system assigns itself (32768 and above), so no other socket takes it before a peer opens it or while a peer restarts.
func QuietPort() (address string, err error) {
	for range 100 {
		address = fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		u, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", address)
		u.Close()
		if err == nil {
			l.Close()
			return address, nil
		}
	}
	return "", errors.New("no free port below 32000")
}

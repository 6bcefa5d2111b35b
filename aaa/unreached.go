package aaa

import (
	"errors"
	"net"
	"syscall"
)

// Unreached is what an operator should look at where a server could not be reached for err, one sentence; "" where err does not tell.
func Unreached(err error) string {
	var name *net.DNSError
	if errors.As(err, &name) {
		if name.IsNotFound {
			return "Is the server's name right?"
		}
		return "Does the name server answer? The server's address in digits needs none."
	}
	var e syscall.Errno
	if !errors.As(err, &e) {
		return ""
	}
	switch e {
	case syscall.ECONNREFUSED:
		return "Nothing listens there: does the server run, and on this port?"
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN:
		return "There is no route to it: is the address right, and the network up?"
	case syscall.EACCES, syscall.EPERM:
		return "This machine forbids it: look at its firewall and its routes."
	case syscall.EADDRNOTAVAIL:
		return "Is the source address one of this machine's?"
	case syscall.ETIMEDOUT:
		return "Is the address right, and does no firewall drop the packets?"
	}
	return ""
}

package aaa

import (
	"errors"
	"net"
	"syscall"
)

// Unreached returns a one-sentence hint for the operator about a server that could not be reached because of err; "" if
// err gives none.
func Unreached(err error) string {
	var name *net.DNSError
	if errors.As(err, &name) {
		if name.IsNotFound {
			return "Is the server's name correct?"
		}
		return "Does the name server answer? A numeric address needs none."
	}
	var e syscall.Errno
	if !errors.As(err, &e) {
		return ""
	}
	switch e {
	case syscall.ECONNREFUSED:
		return "Nothing listens there: is the server running, and on this port?"
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN:
		return "There is no route to it: is the address correct, and is the network up?"
	case syscall.EACCES, syscall.EPERM:
		return "This machine forbids it: check its firewall and routes."
	case syscall.EADDRNOTAVAIL:
		return "Is the source address configured on this machine?"
	case syscall.ETIMEDOUT:
		return "Is the address correct, and does a firewall drop the packets?"
	}
	return ""
}

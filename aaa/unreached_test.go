package aaa

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestUnreached(t *testing.T) {
	of := func(e syscall.Errno) error {
		return fmt.Errorf("server r1: %w", &net.OpError{Op: "write", Net: "udp", Err: os.NewSyscallError("write", e)})
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{of(syscall.ECONNREFUSED), "is the server running, and on this port?"},
		{of(syscall.EHOSTUNREACH), "There is no route to it"},
		{of(syscall.ENETUNREACH), "There is no route to it"},
		{of(syscall.EACCES), "firewall"},
		{of(syscall.EPERM), "firewall"},
		{of(syscall.EADDRNOTAVAIL), "configured on this machine?"},
		{of(syscall.ETIMEDOUT), "does a firewall drop"},
		{&net.DNSError{Name: "aaa.example", IsNotFound: true}, "name correct?"},
		{&net.DNSError{Name: "aaa.example", IsTimeout: true}, "name server answer?"},
		{of(syscall.ECONNRESET), ""},
		{errors.New("time is out"), ""},
		{nil, ""},
	} {
		if got := Unreached(tt.err); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

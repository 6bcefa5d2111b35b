//go:build !linux

package netdev

import "errors"

// CheckTUN reports why a TUN network cannot work.
func CheckTUN() error {
	return errors.New("tun network: only Linux has it (use the userspace network)")
}

// TUN is the Network whose packets the kernel routes. Only Linux has it.
type TUN struct{}

// NewTUN returns the error of CheckTUN.
func NewTUN() (*TUN, error) { return nil, CheckTUN() }

// Open implements Network.
func (*TUN) Open(Session) (Device, error) { return nil, CheckTUN() }

// Close implements Network.
func (*TUN) Close() error { return nil }

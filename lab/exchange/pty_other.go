//go:build !linux

package exchange

import (
	"errors"
	"fmt"
)

// ServePTY is only implemented on Linux.
func (m *Modem) ServePTY(string) (string, error) {
	return "", fmt.Errorf("serve modem %s on a pseudo terminal: %w", m.cfg.Name, errors.ErrUnsupported)
}

type ptyLink struct{}

func (*ptyLink) reopen() {}

type ptySlave struct{}

func (*ptySlave) opened() bool { return true }
func (*ptySlave) sync()        {}
func (*ptySlave) forget()      {}

type ptyWatch struct{}

func (*ptyWatch) close() {}

//go:build !linux

package port

import (
	"fmt"
	"runtime"

	"github.com/ringback/ringback/lines"
)

type (
	modemIoctl any
	tty        struct{}
)

func (*tty) poll() {}

func openSerial(a Address, _ Options) (lines.Port, error) { return nil, needsLinux(a) }
func openPTY(a Address) (lines.Port, error)               { return nil, needsLinux(a) }

func needsLinux(a Address) error {
	return fmt.Errorf("%s: %s ports need Linux, not %s; the others work here", a.Name(), a.Scheme,
		runtime.GOOS)
}

package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/lines"
)

// TestPortOfADaemon: a server that ends the connection says so in many ways, at the opening or at the first command;
// each of them is explained. Other errors stay as they are.
func TestPortOfADaemon(t *testing.T) {
	for err, explained := range map[error]bool{
		io.EOF: true,
		fmt.Errorf("read: %w", syscall.ECONNRESET):      true,
		fmt.Errorf("write: %w", syscall.EPIPE):          true,
		fmt.Errorf("connect: %w", syscall.ECONNREFUSED): false,
		errors.New("locked by process 123 (minicom)"):   false,
	} {
		_, opened := Run(t.Context(), Options{
			Open: func(context.Context, int) (lines.Port, error) { return nil, err },
			URL:  func(int) string { return "rfc2217://h:1" },
		})
		asked := (&prober{}).advise(err)
		for _, got := range []error{opened, asked} {
			if !errors.Is(got, err) || strings.Contains(got.Error(), "in use, by a line of a daemon") != explained {
				t.Errorf("%v: %v", err, got)
			}
		}
	}
}

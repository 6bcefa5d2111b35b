package modem

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData writes a file's data to disk. The size of the file must not have changed.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}

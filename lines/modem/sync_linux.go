package modem

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData has a file's octets on the disk. Its size has not changed.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}

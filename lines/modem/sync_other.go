//go:build !linux

package modem

import "os"

// syncData has a file's octets on the disk.
func syncData(f *os.File) error { return f.Sync() }

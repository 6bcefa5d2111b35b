//go:build !linux

package modem

import "os"

// syncData writes a file's data to disk.
func syncData(f *os.File) error { return f.Sync() }

package probe

import (
	"os"
	"path/filepath"
	"strings"
)

// USB returns vid:pid of the USB device behind a serial device, "" if it is none. sys is the mount point of sysfs,
// /sys.
func USB(sys, device string) string {
	real, err := filepath.EvalSymlinks(device) // of /dev/serial/by-id/…
	if err != nil {
		return ""
	}
	at, err := filepath.EvalSymlinks(filepath.Join(sys, "class", "tty", filepath.Base(real), "device"))
	if err != nil {
		return ""
	}
	for range 4 { // interface, port of an adapter, device
		vendor, err := os.ReadFile(filepath.Join(at, "idVendor"))
		product, err2 := os.ReadFile(filepath.Join(at, "idProduct"))
		if err == nil && err2 == nil {
			return strings.TrimSpace(string(vendor)) + ":" + strings.TrimSpace(string(product))
		}
		at = filepath.Dir(at)
	}
	return ""
}

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines/port"
)

// deviceChecks look at the files of this machine.
var deviceChecks = []Check{
	{"device", "the device of each serial line exists", missingDevices},
	{"permission", "the daemon's user may read and write the device", forbiddenDevices},
	{"by-number", "no USB adapter is named by its number, which changes when it is plugged in again", numberedDevices},
	{"same-device", "no two lines have the same device, under different names", sharedDevices},
	{"getty", "no login service (getty) uses the device", gettys},
	{"modem-manager", "ModemManager, which sends commands to modems, does not run", modemManager},
	{"console", "the kernel does not write its messages to the device", consoles},
	{"in-use", "no other program has the device open", otherUsers},
	{"lock", "no lock file of another or of an ended program is in the way", locks},
}

func (s *Site) path(p string) string { return filepath.Join("/", s.Root, p) }

// resolve follows the symbolic links that a device name is: the links of udev are one file each.
func (s *Site) resolve(device string) string {
	for range 8 {
		target, err := os.Readlink(s.path(device))
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(device), target)
		}
		device = filepath.Clean(target)
	}
	return device
}

func missingDevices(_ context.Context, s *Site) (found []Finding, _ error) {
	s.serial(func(l config.Line, device string) {
		if _, err := os.Stat(s.path(device)); errors.Is(err, fs.ErrNotExist) {
			found = append(found, at(l, "plug it in, or write one of: "+s.candidates(), "%s does not exist",
				l.Address.Path))
		}
	})
	return found, nil
}

// candidates lists the names of the devices that are plugged in.
func (s *Site) candidates() string {
	entries, _ := os.ReadDir(s.path("/dev/serial/by-id"))
	var names []string
	for _, e := range entries {
		names = append(names, "serial:///dev/serial/by-id/"+e.Name())
	}
	if names == nil {
		return "serial:///dev/ttyS0 (there is no USB adapter: ls /dev/serial/by-id)"
	}
	return strings.Join(names, ", ")
}

func forbiddenDevices(_ context.Context, s *Site) (found []Finding, _ error) {
	s.serial(func(l config.Line, device string) {
		info, err := os.Stat(s.path(device))
		if err != nil {
			return // check "device"
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || s.User.may(info.Mode().Perm(), int(st.Uid), int(st.Gid)) {
			return
		}
		fix := fmt.Sprintf("usermod -aG %s USER, then start the daemon again", groupName(int(st.Gid)))
		if info.Mode().Perm()&0o060 != 0o060 || st.Gid == 0 {
			fix = fmt.Sprintf("chgrp dialout %s && chmod g+rw %[1]s, and make that last by a udev rule", device)
		}
		found = append(found, at(l, fix, "user %d may not read and write %s (mode %04o, user %d, group %d)", s.User.UID,
			device, info.Mode().Perm(), st.Uid, st.Gid))
	})
	return found, nil
}

// may reports whether the user may read and write a file.
func (u User) may(mode fs.FileMode, uid, gid int) bool {
	switch {
	case u.UID == 0:
		return true
	case u.UID == uid:
		return mode&0o600 == 0o600
	case slices.Contains(u.GIDs, gid):
		return mode&0o060 == 0o060
	}
	return mode&0o006 == 0o006
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}

func numberedDevices(_ context.Context, s *Site) (found []Finding, _ error) {
	entries, _ := os.ReadDir(s.path("/dev/serial/by-id"))
	s.serial(func(l config.Line, device string) {
		base := filepath.Base(l.Address.Path)
		if !strings.HasPrefix(base, "ttyUSB") && !strings.HasPrefix(base, "ttyACM") {
			return
		}
		fix := "ls -l /dev/serial/by-id, and write the name that leads to it"
		for _, e := range entries {
			if name := "/dev/serial/by-id/" + e.Name(); s.resolve(name) == device {
				fix = "write port: serial://" + name
			}
		}
		found = append(found, at(l, fix, "%s may name another adapter when it is plugged in again", l.Address.Path))
	})
	return found, nil
}

func sharedDevices(_ context.Context, s *Site) (found []Finding, _ error) {
	first := map[string]config.Line{}
	s.serial(func(l config.Line, device string) {
		if other, ok := first[device]; ok {
			found = append(found, at(l, "remove one of the lines", "%s and %s of tty %d are both %s", l.Address.Path,
				other.Address.Path, other.TTY, device))
			return
		}
		first[device] = l
	})
	return found, nil
}

// units are the directories in which systemd keeps the gettys that it starts.
var units = []string{"/etc/systemd/system/getty.target.wants", "/run/systemd/generator/getty.target.wants"}

func gettys(_ context.Context, s *Site) (found []Finding, err error) {
	holders, err := s.processes()
	s.serial(func(l config.Line, device string) {
		name := strings.TrimPrefix(device, "/dev/")
		unit := "serial-getty@" + strings.ReplaceAll(name, "/", "-") + ".service"
		fix := "systemctl disable --now " + unit
		for _, dir := range units {
			if _, err := os.Lstat(s.path(filepath.Join(dir, unit))); err == nil {
				if strings.HasPrefix(dir, "/run") {
					fix = "systemctl mask --now " + unit // made from the kernel's command line at each boot
				}
				found = append(found, at(l, fix, "systemd starts a login on %s (%s)", device, unit))
				return
			}
		}
		for _, p := range holders[device] {
			if strings.HasSuffix(p.name, "getty") {
				found = append(found, at(l, fix+" (or remove it from /etc/inittab)", "%s waits for a login on %s", p,
					device))
			}
		}
	})
	return found, err
}

func modemManager(_ context.Context, s *Site) (found []Finding, _ error) {
	all, err := s.list()
	serial := false
	s.serial(func(config.Line, string) { serial = true })
	for _, p := range all {
		if serial && p.name == "ModemManager" {
			found = append(found, Finding{Found: p.String() + " sends commands to new serial devices and modems",
				Fix: "systemctl mask --now ModemManager.service"})
		}
	}
	return found, err
}

func consoles(_ context.Context, s *Site) (found []Finding, err error) {
	text, err := os.ReadFile(s.path("/proc/cmdline"))
	s.serial(func(l config.Line, device string) {
		for _, word := range strings.Fields(string(text)) {
			name, _, _ := strings.Cut(strings.TrimPrefix(word, "console="), ",")
			if strings.HasPrefix(word, "console=") && "/dev/"+name == device {
				found = append(found, at(l, fmt.Sprintf("remove %s from the kernel's command line (on Debian in "+
					"/etc/default/grub, then update-grub) and restart", word), "the kernel's console is %s", device))
			}
		}
	})
	return found, err
}

func otherUsers(_ context.Context, s *Site) (found []Finding, err error) {
	holders, err := s.processes()
	s.serial(func(l config.Line, device string) {
		for _, p := range holders[device] {
			if p.name == "ringback" || s.Daemon != nil && p.pid == s.Daemon.PID || strings.HasSuffix(p.name, "getty") {
				continue
			}
			found = append(found, at(l, endFix(p), "%s has %s open", p, device))
		}
	})
	return found, err
}

// endFix says how to end a process that has a device open.
func endFix(p process) string {
	if p.pid == 1 {
		return "stop the service or the container for which process 1 has it open; do not end process 1"
	}
	return fmt.Sprintf("end it: kill %d", p.pid)
}

func locks(_ context.Context, s *Site) (found []Finding, _ error) {
	all, err := s.list()
	if err == nil {
		_, err = s.processes()
	}
	s.serial(func(l config.Line, device string) {
		name := "LCK.." + strings.ReplaceAll(strings.TrimPrefix(device, "/dev/"), "/", "_")
		path := filepath.Join("/run/lock", name)
		pid, err := port.ReadLock(s.path(path))
		if errors.Is(err, fs.ErrNotExist) {
			path = filepath.Join("/var/lock", name)
			pid, err = port.ReadLock(s.path(path))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		f := s.lock(all, device, path, pid, err)
		if f.Found != "" {
			f.TTY = l.TTY
			found = append(found, f)
		}
	})
	return found, err
}

// lock judges a lock file that names this process, or was not read for err. Every user may be able to write the file:
// its process is only blamed if it has the device open.
func (s *Site) lock(all []process, device, path string, pid int, err error) Finding {
	remove := "rm " + path + ", if no program uses the device"
	if none := (*port.NotLock)(nil); errors.As(err, &none) {
		none.Path = path
		return Finding{Found: fmt.Sprintf("%s is %s, not a lock file: ringback does not use the line", path,
			none.Kind()), Fix: none.Fix()}
	}
	if err != nil {
		return Finding{Found: fmt.Sprintf("lock file: %v", err), Fix: "ls -l " + path + " shows whose it is; " + remove}
	}
	if pid == 0 {
		return Finding{Found: path + " contains no process number, so nobody knows whose it is", Fix: remove}
	}
	i := slices.IndexFunc(all, func(p process) bool { return p.pid == pid })
	if i < 0 {
		return Finding{Found: fmt.Sprintf("%s is of process %d, which has ended; ringback removes it, other programs "+
			"may not", path, pid), Fix: "rm " + path}
	}
	p := all[i]
	switch {
	case p.name == "ringback":
		return Finding{}
	case slices.Contains(s.holders[device], p):
		return Finding{Found: fmt.Sprintf("%s has locked it (%s)", p, path), Fix: endFix(p)}
	case s.hidden[pid] && pid != 1:
		return Finding{Found: fmt.Sprintf("%s names %s; whether that has %s open is hidden from this user", path, p,
			device), Fix: "run doctor as root, outside of containers"}
	}
	doubt := "does not have " + device + " open"
	if s.hidden[pid] {
		doubt = "is the first of the system"
	}
	return Finding{Found: fmt.Sprintf("%s names %s, which %s: the lock is stale or forged, or of a program in a "+
		"container", path, p, doubt), Fix: remove}
}

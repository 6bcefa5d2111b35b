package node

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/config"
)

// What a daemon opens at most, for the warning at the start.
const (
	descriptorsOfALine = 3 // its port, the port's lock file, a connection to a host
	// sockets or connections, one for 256 requests under way, and of a configuration that was replaced
	descriptorsOfAServer = 16
	descriptorsElse      = 64 // journal, log, admin API, what the runtime has
)

// descriptorsNeeded is how many files and sockets a daemon of this configuration has open at most.
func descriptorsNeeded(cfg *config.Config) uint64 {
	return uint64(descriptorsElse + descriptorsOfALine*len(cfg.Lines) + descriptorsOfAServer*(len(cfg.RADIUS.Servers)+
		len(cfg.TACACS.Servers)))
}

// tooFewDescriptors says that the process may not open as many files as the configuration can need; "" it may.
func tooFewDescriptors(cfg *config.Config, limit uint64) string {
	need := descriptorsNeeded(cfg)
	if limit >= need {
		return ""
	}
	return fmt.Sprintf("the process may open %d files, and %d lines and %d AAA servers can need %d: calls and logins "+
		"will fail when they are used up "+
		"(ulimit -n %[4]d, or LimitNOFILE=%[4]d in the unit of systemd)", limit, len(cfg.Lines),
		len(cfg.RADIUS.Servers)+len(cfg.TACACS.Servers), need)
}

// descriptorLimit is the process's own; the Go runtime has raised it to what may be had.
func descriptorLimit() uint64 {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return unix.RLIM_INFINITY
	}
	return l.Cur
}

package node

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/ppp/netdev"
)

// The maximum number of files and sockets that a daemon opens, for the warning at the start.
const (
	descriptorsOfALine = 3 // its port, the port's lock file, a connection to a host
	// sockets or connections: one for each 256 requests in flight, and those of a configuration that was
	// replaced
	descriptorsOfAServer = 16
	descriptorsElse      = 64 // journal, log, admin API, the runtime's own
)

// descriptorsNeeded returns the maximum number of files and sockets that a daemon of this configuration has
// open.
func descriptorsNeeded(cfg *config.Config) uint64 {
	n := descriptorsElse + descriptorsOfALine*len(cfg.Lines) +
		descriptorsOfAServer*(len(cfg.RADIUS.Servers)+len(cfg.TACACS.Servers))
	ppp := 0
	for _, l := range cfg.Lines {
		if l.PPP.Profile != "" {
			ppp++
		}
	}
	switch cfg.PPP.Netdev {
	case config.NetdevTUN:
		n += ppp
	case config.NetdevUserspace:
		limits := netdev.Limits{}.WithDefaults()
		n += min(ppp*(limits.Connections+limits.Flows), limits.Total)
	}
	return uint64(n)
}

// tooFewDescriptors returns a warning if the process may open fewer files than the configuration can need;
// otherwise "".
func tooFewDescriptors(cfg *config.Config, limit uint64) string {
	need := descriptorsNeeded(cfg)
	if limit >= need {
		return ""
	}
	return fmt.Sprintf("the process may open %d files, but %d lines and %d AAA servers can need %d: calls and logins "+
		"fail when the limit is reached "+
		"(ulimit -n %[4]d, or LimitNOFILE=%[4]d in the systemd unit)", limit, len(cfg.Lines),
		len(cfg.RADIUS.Servers)+len(cfg.TACACS.Servers), need)
}

// descriptorLimit returns the limit of the process; the Go runtime has raised it to the hard limit.
func descriptorLimit() uint64 {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return unix.RLIM_INFINITY
	}
	return l.Cur
}

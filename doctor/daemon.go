package doctor

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines/port"
)

// daemonChecks ask the running daemon.
var daemonChecks = []Check{
	{"daemon", "a daemon runs, and reports no problem of its journal, its disk or its accounting", health},
	{"fleet", "no node of the fleet is silent, and all have the same version, entries, numbers and policies", nodes},
	{"line", "each line is in service", linesDown},
	{"notice", "no line has a problem that does not take it out of service", notices},
	{"dcd", "DCD is off on each line that is on hook", carrierHigh},
	{"wires", "DSR and CTS are on while the modem is ready", missingWires},
	{"com-port", "each RFC 2217 server reports modem signals", withoutSignals},
}

var errNoDaemon = errors.New("no daemon answers")

// unasked returns why the daemon does not say anything; nil if it does.
func (s *Site) unasked() error {
	switch {
	case s.Self.Denied != nil:
		return errDenied
	case s.Daemon == nil:
		return errNoDaemon
	}
	return nil
}

func health(_ context.Context, s *Site) (found []Finding, _ error) {
	if err := s.unasked(); err != nil {
		return nil, err
	}
	for _, w := range s.Daemon.Health.Warnings {
		found = append(found, Finding{Found: w.What, Fix: w.Fix})
	}
	return found, nil
}

func nodes(_ context.Context, s *Site) (found []Finding, _ error) {
	if err := s.unasked(); err != nil {
		return nil, err
	}
	for _, n := range s.Daemon.Nodes.Nodes {
		if n.State == "silent" {
			found = append(found, Finding{Found: "node " + n.Name + " of the fleet is silent", Fix: "look at that " +
				"machine; if it is off for good: ringback fleet remove " + n.Name})
		}
		if len(n.Differs) > 0 {
			found = append(found, Finding{Found: "node " + n.Name + " differs in " + strings.Join(n.Differs, ", "),
				Fix: "give both nodes the same version and files; ringback show nodes -o wide"})
		}
	}
	return found, nil
}

// daemonLines calls f for each line of the configuration that the daemon knows.
func (s *Site) daemonLines(f func(config.Line, client.Line)) error {
	if err := s.unasked(); err != nil {
		return err
	}
	for _, l := range s.Lines {
		for _, known := range s.Daemon.Lines {
			if known.TTY == l.TTY {
				f(l, known)
			}
		}
	}
	return nil
}

// remedies pairs a part of the reason why a line is out of service, or why its modem could not be asked, with its fix.
// The first that matches counts.
var remedies = []struct{ part, fix string }{
	{"busyout", "ringback line restore TTY"},
	{"or the device has none", "use a device with modem signals, or enable RFC 2217 at the server (ser2net: " +
		"accepter: telnet(rfc2217),tcp,PORT), or set insecure_signals: true"},
	{"COM-PORT", "enable RFC 2217 at the server (ser2net: accepter: telnet(rfc2217),tcp,PORT), or set " +
		"insecure_signals: true"},
	{"not a regular file", "remove it with the command that the reason names"},
	{"stale or forged", "remove the lock file that the reason names, if no program uses the device"},
	{"locked by this process", "remove one of the lines with this port; if there is one only, remove the lock file"},
	{"locked by process", "end that program, or remove its lock file"},
	{"can this user write to", "let the user write to the lock directory; ls -ld shows its group"},
	{"lock file", "remove the lock file, if no program uses the device; ls -l shows whose it is"},
	{"fuser -v", "end the program that fuser -v DEVICE names"},
	{"permission denied", "usermod -aG dialout USER, then start the daemon again"},
	{"no such file or directory", "plug it in; ls /dev/serial/by-id lists the adapters"},
	{"no UART behind it", "correct port: the device has no hardware; ls /dev/serial/by-id lists the adapters"},
	{"is not a terminal device", "correct port: it names no serial device"},
	{"the device does not support", "change port as the reason says, or use another adapter"},
	{"connection refused", "start the server, and check its TCP port"},
	{"no such host", "correct the name of the server in port, or add it to DNS"},
	{"certificate", "check the keys of tls of the line"},
	{"closed the connection immediately", fixClient},
	{"connection reset", fixClient},
	{"DCD stays on", "AT&C1&D2&W in the modem; check that no switch of the modem forces DCD on"},
	{"DCD is on: nothing", "wait for the end of the call; if there is none: " + fixCarrier},
	{"no OK", "switch the modem on; check its speed, its cable and flow_control"},
	{"no route to host", fixServer},
	{"unreachable", fixServer},
	{"i/o timeout", fixServer},
	{"deadline exceeded", fixServer},
	{errRefused.Error(), "switch the modem off and on"},
	{"does not stop sending", "check the speed, and switch the modem off and on"},
}

const (
	fixServer = "check the server's power, the route to it and the firewall: ping it"
	fixClient = "end the other client of the server's port, or read the server's log"
)

// remedy returns the fix for a reason, or otherwise the given one.
func remedy(l config.Line, reason, otherwise string) string {
	for _, r := range remedies {
		if strings.Contains(reason, r.part) {
			return withTTY(r.fix, l)
		}
	}
	return withTTY(otherwise, l)
}

func linesDown(_ context.Context, s *Site) (found []Finding, err error) {
	err = s.daemonLines(func(l config.Line, known client.Line) {
		if known.State != "down" && known.State != "quarantined" {
			return
		}
		fix := remedy(l, known.Reason, "ringback debug modem shows what the modem answers; then ringback clear "+
			"line TTY")
		if strings.Contains(known.Reason, "no OK") {
			fix += withTTY("; then ringback clear line TTY", l)
		}
		found = append(found, at(l, fix, "%s: %s", known.State, known.Reason))
	})
	return found, err
}

func notices(_ context.Context, s *Site) (found []Finding, err error) {
	err = s.daemonLines(func(l config.Line, known client.Line) {
		for _, n := range known.Notices {
			found = append(found, at(l, withTTY("ringback show line TTY", l), "%s", n))
		}
	})
	return found, err
}

const fixCarrier = "AT&C1&W in the modem, and no AT&C0 in init; check that no switch of the modem or wire of the " +
	"cable forces DCD on"

// onHook reports whether the line is on hook and its signals are known.
func onHook(known client.Line) bool { return known.State == "idle" && !known.InBand }

func carrierHigh(_ context.Context, s *Site) (found []Finding, err error) {
	err = s.daemonLines(func(l config.Line, known client.Line) {
		if onHook(known) && has(known.Signals, "DCD") {
			found = append(found, at(l, fixCarrier, "DCD is on while the line is on hook"))
		}
	})
	return found, err
}

func missingWires(_ context.Context, s *Site) (found []Finding, err error) {
	err = s.daemonLines(func(l config.Line, known client.Line) {
		if onHook(known) {
			found = append(found, wires(l, has(known.Signals, "DSR"), has(known.Signals, "CTS"))...)
		}
	})
	return found, err
}

// wires judges the signals of a modem that answers commands.
func wires(l config.Line, dsr, cts bool) (found []Finding) {
	if flow := cmp.Or(l.Address.Flow, l.FlowControl, port.FlowHardware); !cts && flow == port.FlowHardware {
		found = append(found, at(l, "AT&K3 (or &R2&H1) in the modem; use a cable with RTS and CTS, or "+
			"flow_control: none", "CTS is off: with hardware flow control nothing can be sent"))
	}
	if !dsr {
		found = append(found, at(l, "AT&S0 in the modem; use a cable with all wires (a null-modem adapter has none of "+
			"them at a modem)", "DSR is off although the modem answers: the cable may lack wires, such as DTR"))
	}
	return found
}

func withoutSignals(_ context.Context, s *Site) (found []Finding, err error) {
	err = s.daemonLines(func(l config.Line, known client.Line) {
		if known.State != "down" && known.InBand && !l.Address.InBand() {
			found = append(found, at(l, "enable RFC 2217 at the server (ser2net: accepter: telnet(rfc2217),tcp,PORT)",
				"the server reports no modem signals, so the state of the modem cannot be seen"))
		}
	})
	return found, err
}

func has(signals, name string) bool {
	for _, s := range strings.Fields(signals) {
		if s == name {
			return true
		}
	}
	return false
}

func withTTY(fix string, l config.Line) string { return strings.ReplaceAll(fix, "TTY", ttyText(l)) }

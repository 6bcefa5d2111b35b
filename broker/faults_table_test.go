package broker_test

import (
	"slices"
	"syscall"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// ofModem is a fault of the line's modem.
func ofModem(name, about string, f exchange.Fault) fault {
	return fault{name: name, about: about,
		begin: func(c *cell) { c.line.SetFault(f) },
		end:   func(c *cell) { c.line.SetFault(exchange.Fault{}) }}
}

// ofNumber is how the network treats the subscriber's number.
func ofNumber(name, about string, b exchange.Behavior) fault {
	return fault{name: name, about: about,
		begin: func(c *cell) { c.x.Reserve(c.sub.m.Number(), b) },
		end:   func(c *cell) { c.x.Reserve(c.sub.m.Number(), exchange.Subscriber) }}
}

// ofPort is a port that ends, and cannot be opened as long as the fault lasts.
func ofPort(name, about string, err error) fault {
	return fault{name: name, about: about,
		begin: func(c *cell) { c.refusePort(c.tty, err); c.line.Disconnect() },
		end:   func(c *cell) { c.refusePort(c.tty, nil) }}
}

// neverDials is a fault during which the line must not dial.
func neverDials(f fault) fault { f.noDial = true; return f }

// withLine is a fault of lines whose modems have other properties.
func withLine(f fault, change func(*exchange.ModemConfig)) fault {
	f.options = func(o *townOptions) { change(&o.line) }
	return f
}

var locked = &lines.Failed{Kind: lines.FailInUse,
	Text: "locked by process 4711 (minicom); end it or remove /run/lock/LCK..ttyS1"}

// faults are the rows of the fault matrix.
var faults = []fault{
	neverDials(ofModem("modem hung", "the modem accepts every octet and sends nothing; its line continues",
		exchange.Fault{Hung: true})),
	neverDials(ofModem("modem without power", "the line is released, all modem signals are off",
		exchange.Fault{PoweredOff: true})),
	{name: "modem resets", about: "the modem loses its settings and releases the line, as after a power failure",
		begin: func(c *cell) { c.line.PowerCycle() }},
	neverDials(ofModem("no OK", "the modem executes its commands, and never sends OK", exchange.Fault{NeverOK: true})),
	ofModem("late OK", "each OK comes 4 s late, when the driver has given up waiting for it",
		exchange.Fault{DelayOK: 4 * time.Second}),
	ofModem("old answers", "the modem answers each command with the result code of the one before",
		exchange.Fault{Stale: true}),
	ofModem("garbage", "the modem echoes other octets than it receives", exchange.Fault{Garbage: true}),
	ofModem("split CONNECT", "CONNECT arrives in pieces, 200 ms apart",
		exchange.Fault{SplitConnect: 200 * time.Millisecond}),
	withLine(fault{name: "RINGING", about: "the modems of the lines report each ring of the far end",
		begin: func(*cell) {}}, func(m *exchange.ModemConfig) { m.Dialect.HearsRinging = true }),
	ofModem("BLACKLISTED", "the modem rejects dial commands with BLACKLISTED", exchange.Fault{Blacklisted: true}),
	ofModem("DELAYED", "the modem rejects dial commands with DELAYED", exchange.Fault{Delayed: true}),
	ofModem("ERROR", "the modem rejects dial commands with ERROR", exchange.Fault{RejectsDial: true}),
	ofModem("NO DIALTONE", "the telephone line of the modem is dead", exchange.Fault{NoDialtone: true}),
	ofNumber("BUSY", "the subscriber's number is busy", exchange.Busy),
	ofNumber("NO ANSWER", "nobody answers the subscriber's telephone", exchange.NoAnswer),
	ofNumber("NO CARRIER", "the network answers with an announcement", exchange.OutOfService),
	withLine(ofNumber("VOICE", "a person answers the subscriber's telephone, and the modem hears it", exchange.Voice),
		func(m *exchange.ModemConfig) { m.Dialect.HearsVoice = true }),
	ofModem("wrong speed", "the modem changes its speed at CONNECT: the data arrives as other octets",
		exchange.Fault{WrongSpeed: true}),
	ofModem("false CONNECT", "the modem reports CONNECT and carrier without a call, as it does if an attacker who "+
		"holds the line plays dial tone and answer tone", exchange.Fault{FalseConnect: true}),
	ofModem("false hang-up", "the modem says OK to ATH and stays off hook, also when DTR drops",
		exchange.Fault{FalseHangUp: true}),
	ofModem("ATA lost", "the modem ignores one ATA", exchange.Fault{LosesATA: 1}),
	ofModem("late NO CARRIER", "NO CARRIER comes 20 s after the end of a call",
		exchange.Fault{LateNoCarrier: 20 * time.Second}),
	ofModem("no NO CARRIER", "the modem does not report the end of a call", exchange.Fault{MuteNoCarrier: true}),
	{name: "port ends", about: "read(2) fails with EIO; the port can be opened again at once",
		begin: func(c *cell) { c.line.Disconnect() }},
	{name: "unplugged", about: "USB: the modem has no power, its device is gone (ENODEV), and comes back",
		begin: func(c *cell) {
			c.refusePort(c.tty, syscall.ENODEV)
			c.line.SetFault(exchange.Fault{Vanished: true})
		},
		end: func(c *cell) { c.refusePort(c.tty, nil); c.line.SetFault(exchange.Fault{}) },
	},
	{name: "another name", about: "USB: the device is gone (ENOENT) and has another name, which a reload gives to " +
		"the line 30 s later",
		begin: func(c *cell) {
			c.refusePort(c.tty, syscall.ENOENT)
			c.line.Disconnect()
			time.AfterFunc(30*time.Second, func() {
				c.refusePort(c.tty, nil)
				c.reconfigure(func(l *lines.Config) { l.Port = "serial:///dev/ttyUSB9" }, c.ttys()...)
			})
		}},
	neverDials(ofPort("port in use", "the port ends, and another program locks it (also: a lock whose process number "+
		"another program has now)", locked)),
	ofModem("port is shared", "another program reads the port: the driver sees nothing of what the modem sends",
		exchange.Fault{Mute: true}),
	neverDials(ofModem("DCD stuck on", "DCD stays on, as if an attacker held the line",
		exchange.Fault{DCDStuckOn: true})),
	ofModem("DCD stuck off", "DCD never comes on", exchange.Fault{DCDStuckOff: true}),
	ofModem("DSR lost", "DSR is off", exchange.Fault{DSRLost: true}),
	ofModem("CTS stuck off", "CTS is off: nothing can be written to the port", exchange.Fault{CTSStuckOff: true}),
	{name: "ring", about: "a stranger calls the line (glare)", begin: func(c *cell) { c.stranger() }},
	withLine(fault{name: "late ring", about: "a stranger's call takes the line 4 s before it rings (glare)",
		begin: func(c *cell) { c.stranger() }},
		func(m *exchange.ModemConfig) { m.SeizedBefore = 4 * time.Second }),
	withLine(fault{name: "answers itself", about: "the modem resets to a stored profile with S0=1, and a stranger " +
		"calls: CONNECT of the incoming call", begin: func(c *cell) { c.line.PowerCycle(); c.stranger() }},
		func(m *exchange.ModemConfig) { m.Profile = "S0=1" }),
	{name: "calls again", about: "the same user calls from another telephone, and asks for a callback again",
		begin: func(c *cell) {
			other := c.subscriber(c.other("other", "84009"), c.sub.user)
			time.AfterFunc(3*time.Second, other.call)
		}},
	{name: "line held", about: "the subscriber never hangs up: the exchange keeps the called line connected",
		options: func(o *townOptions) { o.home.HoldsLine = true }, begin: func(*cell) {}, last: "dialing"},
	{name: "reload", about: "a reload (SIGHUP) changes the line's configuration",
		begin: func(c *cell) { c.reconfigure(func(l *lines.Config) { l.Init = "ATX4" }, c.ttys()...) }},
	{name: "removed", about: "a reload (SIGHUP) removes the line; another one brings it back",
		begin: func(c *cell) {
			c.reconfigure(nil, slices.DeleteFunc(c.ttys(), func(tty int) bool { return tty == c.tty })...)
		},
		end: func(c *cell) { c.reconfigure(nil, c.ttys()...) }},
	{name: "busyout", about: "an operator busies the line out, and restores it",
		begin: func(c *cell) { c.busyOut(c.tty) },
		end:   func(c *cell) { _ = c.broker.RestoreLine(c.tty, "the operator") }},
	{name: "lockdown", about: "an operator locks all callbacks, and lifts that",
		begin: func(c *cell) { c.lock(false) },
		end:   func(c *cell) { c.unlock() }},
	{name: "restart", about: "the daemon stops and starts (SIGTERM)",
		begin: func(c *cell) { c.halt(); c.start() }},
	{name: "crash", about: "the daemon ends without writing anything more (SIGKILL), and starts",
		begin: func(c *cell) { c.crash() }},
}

// stranger calls the line, whatever its number, and waits for an answer. They never log in.
func (c *cell) stranger() {
	m := c.other("stranger", "84007")
	s := c.subscriber(m, "")
	s.silent = true
	c.x.Ring(m, c.line)
}

func (c *cell) reconfigure(change func(*lines.Config), ttys ...int) {
	c.pool.Reconfigure(c.planned(func(l *lines.Config) {
		if change != nil && l.TTY == c.tty {
			change(l)
		}
	}, ttys...))
}

// crash ends the process; nothing that it does from then on reaches the disk.
func (c *cell) crash() {
	c.mortal.mu.Lock()
	c.mortal.dead = true
	c.mortal.mu.Unlock()
	c.stop()
	<-c.town.ended
	if err := c.journal.Close(); err != nil {
		c.t.Error(err)
	}
	c.start()
}

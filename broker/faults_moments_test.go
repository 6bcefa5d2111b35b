package broker_test

import (
	"syscall"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// moments are the columns of the fault matrix.
var moments = []moment{
	{name: "closed", about: "the port of the line that would call back cannot be opened, for another 20 s", tty: 66,
		later: true,
		reach: func(c *cell) {
			c.refusePort(66, syscall.ENODEV)
			c.line.Disconnect()
			c.reaches(lines.Down)
			c.pass(5 * time.Second)
		},
		after: func(c *cell) {
			if c.opensPort(66) == syscall.ENODEV {
				c.refusePort(66, nil)
			}
		}},
	{name: "starting", about: "the driver of the line that would call back initializes its modem", tty: 66, later: true,
		reach: func(c *cell) {
			c.line.SetFault(exchange.Fault{DelayOK: 500 * time.Millisecond})
			c.line.Disconnect()
			c.reaches(lines.Down)
			c.pass(1300 * time.Millisecond)
			c.line.SetFault(exchange.Fault{})
		}},
	{name: "quarantined", about: "the line that would call back is not proven on hook: its carrier was on", tty: 66,
		later: true,
		reach: func(c *cell) {
			c.line.SetFault(exchange.Fault{DCDStuckOn: true})
			c.line.Disconnect()
			c.reaches(lines.Quarantined)
			c.pass(5 * time.Second)
			c.line.SetFault(exchange.Fault{})
		}},
	{name: "idle", about: "the line that will be called is idle", tty: 65, later: true, reach: func(*cell) {}},
	{name: "idle to dial", about: "the line that will call back is idle", tty: 66, later: true,
		reach: func(*cell) {}},
	{name: "ringing", about: "the called line rings, and the caller's number has not come yet", tty: 65,
		reach: func(c *cell) { c.reaches(lines.Ringing); c.pass(500 * time.Millisecond) }},
	{name: "answering", about: "the called line's modem trains", tty: 65,
		reach: func(c *cell) {
			c.until("ATA", func() bool { return c.line.State() == exchange.Answering })
			c.pass(3 * time.Second)
		}},
	{name: "login", about: "the caller logs in", tty: 65,
		reach: func(c *cell) { c.reaches(lines.InCall); c.pass(3 * time.Second) }},
	{name: "promised", about: "the callback is on disk, and the called line hangs up", tty: 65,
		reach: func(c *cell) { c.until("a callback", func() bool { _, ok := c.callback(); return ok }) }},
	{name: "no free line", about: "the callback waits for a line; all are busied out for another 20 s", tty: 66,
		reach: func(c *cell) {
			c.until("login", func() bool { s, _ := c.pool.Line(65); return s.State == lines.InCall })
			for _, tty := range []int{65, 66, 67} {
				c.busyOut(tty)
			}
			c.until("leasing", func() bool { v, ok := c.callback(); return ok && v.Phase == "leasing" })
			c.pass(2 * time.Second)
		},
		after: func(c *cell) {
			for _, tty := range []int{66, 67, 65} {
				_ = c.broker.RestoreLine(tty, "the operator") // a fault may have restored it
			}
		}},
	{name: "leased", about: "the line that will call back is leased, and the forced wait runs", tty: 66,
		reach: func(c *cell) { c.reaches(lines.Leased); c.pass(time.Second) }},
	{name: "dialing", about: "the dial command was sent", tty: 66,
		reach: func(c *cell) { c.reaches(lines.Dialing); c.pass(time.Second) }},
	{name: "far end rings", about: "the subscriber's telephone rings", tty: 66,
		reach: func(c *cell) {
			c.reaches(lines.Dialing)
			c.until("a ring", func() bool { return c.home.State() == exchange.Ringing })
			c.pass(500 * time.Millisecond)
		}},
	{name: "training", about: "the subscriber's modem has answered, and both train", tty: 66,
		reach: func(c *cell) {
			c.reaches(lines.Dialing)
			c.until("an answer", func() bool { return c.home.State() == exchange.Answering })
			c.pass(3 * time.Second)
		}},
	{name: "second login", about: "the subscriber logs in again", tty: 66,
		reach: func(c *cell) { c.reaches(lines.OutCall); c.pass(3 * time.Second) }},
	{name: "session", about: "the callback is completed, and the session runs", tty: 66,
		reach: func(c *cell) { c.until("a session", c.sub.inSession); c.pass(time.Second) }},
	{name: "hanging up", about: "the session has ended, and its line hangs up", tty: 66,
		reach: func(c *cell) {
			c.until("a session", c.sub.inSession)
			c.line.SetFault(exchange.Fault{DelayOK: time.Second}) // so that the hang-up lasts
			c.sub.dte.SetDTR(false)
			c.reaches(lines.HangingUp)
			c.pass(200 * time.Millisecond)
			c.line.SetFault(exchange.Fault{})
		}},
}

// busyOut busies a line out; it finishes its call.
func (c *cell) busyOut(tty int) {
	c.t.Helper()
	if err := c.broker.BusyOutLine(tty, "maintenance", "the operator"); err != nil {
		c.t.Fatal(err)
	}
}

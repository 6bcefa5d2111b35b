package broker

import (
	"context"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/session"
)

// Report implements session.Broker: each session's Start and Stop go to the spool, in one commit with the call's row.
func (b *Broker) Report(ctx context.Context, r session.Report) {
	c := b.call(r.Call.ID)
	if c == nil {
		return
	}
	record := c.record(r)
	record.CallbackNumber = b.number(r.CallbackID)
	row := c.row()
	row.User, row.Entry, row.Service = r.Identity.User, r.Identity.Entry, string(r.Service)
	b.mu.Lock()
	c.user, c.service = r.Identity.User, r.Service
	b.mu.Unlock()
	if r.Kind == session.Began {
		row.SessionID = record.SessionID
		row.Data = mustJSON(record)
	} else {
		row.OctetsIn, row.OctetsOut = r.OctetsIn, r.OctetsOut // its Stop is on its way: nothing is left to close after a crash
	}
	if err := b.spool.put(context.WithoutCancel(ctx), []aaa.Record{record}, journal.PutCall{Call: row}); err != nil {
		b.log.Error("journal: spool an accounting record", zap.String("call", c.ID), zap.String("record", record.ID), zap.Error(err))
	}
}

// number is what a callback dials; "" where there is none.
func (b *Broker) number(callbackID string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.works[callbackID]; w != nil {
		return w.row.Number
	}
	return ""
}

// record is the accounting record of a report. Attributes of both legs: one Acct-Multi-Session-Id, each leg's own Class.
func (c *call) record(r session.Report) aaa.Record {
	id := c.sessionID(r.Session)
	rec := aaa.Record{
		ID: id + "-start", Type: aaa.Start, Time: r.Time, SessionID: id, MultiSessionID: c.multiSessionID,
		Entry: r.Identity.Entry, Server: r.Server, User: r.Identity.User, Service: r.Service, ServiceType: r.Auth.ServiceType, Class: r.Auth.Class,
		TTY: c.TTY, Caller: c.Caller, Called: c.Called, Connect: c.Connect,
	}
	if r.Kind == session.Ended {
		rec.ID, rec.Type = id+"-stop", aaa.Stop
		rec.SessionTime, rec.OctetsIn, rec.OctetsOut, rec.Cause = r.Duration, r.OctetsIn, r.OctetsOut, r.Cause
	}
	return rec
}

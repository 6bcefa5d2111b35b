package node

import (
	"context"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/recordings"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// recordingsEnd is how long the end of the daemon waits for the disk of the recordings.
const recordingsEnd = 5 * time.Second

func (d *daemon) openRecordings() (*recordings.Store, error) {
	c := d.cfg.Recordings
	return recordings.Open(recordings.Options{Dir: c.Dir, Limits: c.Limits,
		Happened: func(e events.Event) { d.broker.Happened(e) }})
}

// record begins the recording of a session.
func (d *daemon) record(ctx context.Context, of broker.Recorded) (session.Recorder, error) {
	about := recordings.About{ID: of.Session, Call: of.Call, User: of.User, Line: of.TTY, Leg: of.Leg,
		Callback: of.Callback, Group: of.Group}
	if of.Charset == texts.Big5 {
		about.Charset = string(texts.UTF8)
	}
	r, err := d.records.Begin(ctx, about)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// pruneRecordings removes old recordings, at intervals and after each reload, until ctx ends.
func (d *daemon) pruneRecordings(ctx context.Context) {
	for next := startTime; ; next = retainEvery {
		select {
		case <-time.After(next):
			d.records.Prune(time.Now())
		case <-d.newLimits:
			d.records.Prune(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) closeRecordings() {
	ctx, cancel := context.WithTimeout(context.Background(), recordingsEnd)
	defer cancel()
	d.records.Close(ctx)
}

package node

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// runtimeLevel is the level of the log, which an operator can change until the next start or for a while.
type runtimeLevel struct {
	zap.AtomicLevel
	configured zapcore.Level

	mu    sync.Mutex
	until time.Time   // the end of a level that was set for a while; zero: none
	timer *time.Timer // ends it
	order int         // counts the orders, so that a timer that fires late does not end a later one
}

// state returns the level in force.
func (l *runtimeLevel) state() client.LogLevel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stateLocked()
}

func (l *runtimeLevel) stateLocked() client.LogLevel {
	v := client.LogLevel{Level: l.Level().String(), Configured: l.configured.String()}
	if !l.until.IsZero() {
		until := l.until
		v.Until = &until
	}
	return v
}

// set sets the level, "" that of the configuration, for a while or, with 0, until the next start. over is called when
// the time is over and the level of the configuration is in force again.
func (l *runtimeLevel) set(text string, length time.Duration, over func()) (client.LogLevel, error) {
	level := l.configured
	if text != "" {
		var err error
		if level, err = zapcore.ParseLevel(text); err != nil {
			return client.LogLevel{}, fmt.Errorf("%q is not a level (debug, info, warn, error)", text)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer, l.until = nil, time.Time{}
	l.order++
	l.SetLevel(level)
	if length > 0 && level != l.configured {
		order := l.order
		l.until = time.Now().Add(length)
		l.timer = time.AfterFunc(length, func() {
			l.mu.Lock()
			mine := l.order == order
			if mine {
				l.timer, l.until = nil, time.Time{}
				l.SetLevel(l.configured)
			}
			l.mu.Unlock()
			if mine {
				over()
			}
		})
	}
	return l.stateLocked(), nil
}

// setLogLevel carries out an operator's order.
func (d *daemon) setLogLevel(text string, length time.Duration, by string) (client.LogLevel, error) {
	v, err := d.logLevel.set(text, length, func() {
		d.broker.Happened(events.LogLevel{Level: d.logLevel.configured.String(), By: "ringback"})
	})
	if err != nil {
		return v, err
	}
	d.broker.Happened(events.LogLevel{Level: v.Level, Length: length, By: by})
	return v, nil
}

package node

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/syslog"
)

// logQueue is the number of records that may wait for a slow reader or disk. Further records are counted and
// dropped, so that no call waits for the log.
const logQueue = 2048

// logFlush limits how long the daemon, when it ends, waits for queued records.
const logFlush = 2 * time.Second

// logger is the daemon's log. A separate goroutine writes the records, so that logging never blocks.
type logger struct {
	*zap.Logger
	path    string // "": standard error
	to      atomic.Pointer[io.Writer]
	queue   chan logItem
	dropped atomic.Uint64 // since the log last reported them
	lost    atomic.Uint64 // since the start
	encoder zapcore.Encoder
	core    zapcore.Core // of the log alone, without syslog
	mask    mask
	level   runtimeLevel

	syslog *syslog.Sender     // nil: none
	ended  <-chan struct{}    // closed when the sender has ended
	end    context.CancelFunc // ends it
}

// logItem is a record; or, without one, a request to close written once all records before it are written.
type logItem struct {
	record  []byte
	written chan struct{}
}

// newLogger starts the log of a configuration. Its writing goroutine runs until the program ends, that of syslog until
// close.
func newLogger(c config.Log, stderr io.Writer) (*logger, error) {
	level, err := zap.ParseAtomicLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	journald := c.File == "" && toJournald(os.Getenv("JOURNAL_STREAM"), os.Stderr)
	ec := zap.NewProductionEncoderConfig()
	ec.TimeKey, ec.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	if journald { // it has its own time
		ec.TimeKey = ""
	}
	l := &logger{path: c.File, queue: make(chan logItem, logQueue), encoder: zapcore.NewJSONEncoder(ec),
		mask: newMask(c.MaskNumbers), level: runtimeLevel{AtomicLevel: level, configured: level.Level()}}
	if c.Format == "console" {
		l.encoder = zapcore.NewConsoleEncoder(ec)
	}
	if journald {
		l.encoder = prioritized{l.encoder, buffer.NewPool()}
	}
	l.to.Store(&stderr)
	if err := l.reopen(); err != nil {
		return nil, err
	}
	l.core = l.mask.core(zapcore.NewCore(l.encoder, l, level))
	l.Logger = zap.New(l.core)
	go l.write()
	return l, l.startSyslog(c.Syslog)
}

// startSyslog lets the records go to a syslog server too; nil: none.
func (l *logger) startSyslog(c *config.Syslog) error {
	if c == nil {
		return nil
	}
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return fmt.Errorf("log.syslog.level: %w", err)
	}
	server := c.Server.String()
	l.syslog = syslog.New(syslog.Options{
		Server: c.Server,
		Origin: syslog.Origin{Facility: c.Facility, Hostname: c.Hostname, Enterprise: c.Enterprise, PID: os.Getpid()},
		Classify: func(level zapcore.Level, kind string) syslog.Class {
			m := events.MnemonicOf(events.Kind(kind), level)
			return syslog.Class{Severity: m.Severity, Mnemonic: m.Name, ID: cmp.Or(kind, "log")}
		},
		Down: func(err error) { events.Log{Logger: l.Logger}.Take(events.SyslogDown{Server: server, Err: err}) },
		Up: func(first zapcore.Core, dropped uint64) {
			both := zap.New(zapcore.NewTee(l.core, l.mask.core(first)))
			events.Log{Logger: both}.Take(events.SyslogUp{Server: server, Dropped: dropped})
		},
	})
	l.Logger = zap.New(zapcore.NewTee(l.core, l.mask.core(l.syslog.Core(level))))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	l.end, l.ended = cancel, ended
	go func() {
		defer close(ended)
		l.syslog.Run(ctx)
	}()
	return nil
}

// close waits, for logFlush at most, until all records are written and sent, and ends the sender of syslog.
func (l *logger) close() {
	ctx, cancel := context.WithTimeout(context.Background(), logFlush)
	defer cancel()
	if l.syslog != nil {
		l.syslog.Flush(ctx)
		l.end()
		<-l.ended
	}
	l.Sync()
}

// reopen opens the log file again, which may have been renamed (logrotate); without a file it does nothing. On
// an error it keeps the old file.
func (l *logger) reopen() error {
	if l.path == "" {
		return nil
	}
	f, err := openLog(l.path)
	if err != nil {
		return err
	}
	var w io.Writer = f
	if old, ok := (*l.to.Swap(&w)).(*os.File); ok && old != os.Stderr {
		old.Close() // waits for a write under way
	}
	return nil
}

// openLog opens a log file.
func openLog(path string) (*os.File, error) {
	return openAppend("log.file", "remove log.file for standard error", path)
}

// openAppend opens the file of a key to append to it; without is what to do to have none. A new file has mode 0600;
// permissions of others on an existing one are removed. Links are not followed: another user could lay one so that a
// daemon run by root writes elsewhere.
func openAppend(key, without, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (name a file that this user can write, not a link; %s)", key, err, without)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file but %s", path, info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w (%s)", key, err, without)
	}
	if info.Mode().Perm()&0o027 != 0 { // from an older ringback or another tool
		if err := f.Chmod(info.Mode().Perm() &^ 0o027); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %s may be read by others (mode %04o): %w (chmod 600 %[2]s)", key, path,
				info.Mode().Perm(), err)
		}
	}
	return f, nil
}

// Write implements zapcore.WriteSyncer. It never blocks and never fails.
func (l *logger) Write(record []byte) (int, error) {
	select {
	case l.queue <- logItem{record: append([]byte(nil), record...)}:
	default:
		l.drop()
	}
	return len(record), nil
}

// Sync implements zapcore.WriteSyncer: it waits, for logFlush at most, until all records are written.
func (l *logger) Sync() error {
	limit := time.NewTimer(logFlush)
	defer limit.Stop()
	written := make(chan struct{})
	select {
	case l.queue <- logItem{written: written}:
	case <-limit.C:
		return nil
	}
	select {
	case <-written:
	case <-limit.C:
	}
	return nil
}

func (l *logger) drop() {
	l.dropped.Add(1)
	l.lost.Add(1)
}

// health returns how many records were dropped since the start, and how many of them the log has not reported
// yet.
func (l *logger) health() client.Log {
	h := client.Log{Dropped: l.lost.Load(), Untold: l.dropped.Load()}
	if l.syslog != nil {
		s := l.syslog.Health()
		h.Syslog = &client.Syslog{Server: s.Server, Down: s.Down, Dropped: s.Dropped}
	}
	return h
}

func (l *logger) write() {
	for item := range l.queue {
		if item.written != nil {
			close(item.written)
			continue
		}
		if _, err := (*l.to.Load()).Write(item.record); err != nil {
			l.drop() // the disk is full, or the reader is gone
			continue
		}
		l.tellDropped()
	}
}

// tellDropped writes how many records were dropped, once the log can be written again.
func (l *logger) tellDropped() {
	n := l.dropped.Swap(0)
	if n == 0 {
		return
	}
	entry := zapcore.Entry{Level: zapcore.WarnLevel, Time: time.Now(), Message: "log records dropped"}
	b, err := l.encoder.Clone().EncodeEntry(entry, []zapcore.Field{zap.Uint64("count", n)})
	if err == nil {
		_, err = (*l.to.Load()).Write(b.Bytes())
		b.Free()
	}
	if err != nil {
		l.dropped.Add(n)
	}
}

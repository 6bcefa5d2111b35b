package node

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
)

// logQueue is how many records may wait for a reader, or a disk, that is behind. Above it they are counted and dropped:
// no call waits for a log.
const logQueue = 2048

// logFlush is how long the end of the daemon waits for what is in the queue.
const logFlush = 2 * time.Second

// logger is where the daemon's log goes. Records are written by a goroutine of its own, so that logging never blocks.
type logger struct {
	*zap.Logger
	path    string // "": standard error
	to      atomic.Pointer[io.Writer]
	queue   chan logItem
	dropped atomic.Uint64 // since the log last told of them
	lost    atomic.Uint64 // since the start
	encoder zapcore.Encoder
}

// logItem is a record, or, without one, somebody who waits until all before it are written.
type logItem struct {
	record  []byte
	written chan struct{}
}

// newLogger starts the log of a configuration. The goroutine that writes it ends with the program.
func newLogger(c config.Log, stderr io.Writer) (*logger, error) {
	level, err := zap.ParseAtomicLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	ec := zap.NewProductionEncoderConfig()
	ec.TimeKey, ec.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	l := &logger{path: c.File, queue: make(chan logItem, logQueue), encoder: zapcore.NewJSONEncoder(ec)}
	if c.Format == "console" {
		l.encoder = zapcore.NewConsoleEncoder(ec)
	}
	l.to.Store(&stderr)
	if err := l.reopen(); err != nil {
		return nil, err
	}
	l.Logger = zap.New(zapcore.NewCore(l.encoder, l, level))
	go l.write()
	return l, nil
}

// reopen opens the file of the log anew, which somebody may have renamed (logrotate); without a file it does nothing.
// Where it fails the old one stays.
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
		old.Close() // a write under way comes to its end before
	}
	return nil
}

// openLog opens a file of the log. It is made with mode 0600, and appended to where it is there, with what others may
// do to it taken away; it is not reached by a link, which another may have
// laid to have a daemon of root's write elsewhere.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log.file: %w (a file that this user may write, no link; leave log.file out for "+
			"standard error)", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file but %s", path, info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("log.file: %w (leave log.file out for standard error)", err)
	}
	if info.Mode().Perm()&0o027 != 0 { // one of an older ringback, or of another tool
		if err := f.Chmod(info.Mode().Perm() &^ 0o027); err != nil {
			f.Close()
			return nil, fmt.Errorf("log.file: %s may be read by others (mode %04o): %w (chmod 600 %[1]s)", path,
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

// Sync implements zapcore.WriteSyncer: it waits until what was logged is written, but not for long.
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

// health is how many records were dropped since the start, and how many of these the log could not tell of yet.
func (l *logger) health() client.Log {
	return client.Log{Dropped: l.lost.Load(), Untold: l.dropped.Load()}
}

func (l *logger) write() {
	for item := range l.queue {
		if item.written != nil {
			close(item.written)
			continue
		}
		if _, err := (*l.to.Load()).Write(item.record); err != nil {
			l.drop() // a full disk, or a reader that is gone
			continue
		}
		l.tellDropped()
	}
}

// tellDropped writes how many records were dropped, now that the log flows again.
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

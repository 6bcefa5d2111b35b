package main

import (
	"fmt"
	"os"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/config"
)

// newLogger makes the daemon's log. A file of it is made with mode 0600, and appended to where it is there; it is not reached by a link, which another
// may have laid to have a daemon of root's write elsewhere.
func newLogger(c config.Log) (*zap.Logger, error) {
	level, err := zap.ParseAtomicLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	out := os.Stderr
	if c.File != "" {
		if out, err = openLog(c.File); err != nil {
			return nil, err
		}
	}
	e := zap.NewProductionEncoderConfig()
	e.TimeKey = "time"
	e.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewConsoleEncoder(e)
	if c.Format == "json" {
		encoder = zapcore.NewJSONEncoder(e)
	}
	errs := zapcore.Lock(os.Stderr)
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(out), level), zap.ErrorOutput(errs)), nil
}

func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log.file: %w (a file that this user may write, no link; leave log.file out for standard error)", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file but %s", path, info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("log.file: %w (leave log.file out for standard error)", err)
	}
	return f, nil
}

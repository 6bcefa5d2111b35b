package node

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/broker/events"
)

// toJournald reports whether a file is the connection to systemd's journal whose device and inode are in JOURNAL_STREAM
// (systemd.exec(5)).
func toJournald(stream string, f *os.File) bool {
	if stream == "" || f == nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", uint64(s.Dev), s.Ino)
}

// prioritized writes each record with the prefix of sd-daemon(3), <N>, from which journald takes the priority: that of
// syslog.
type prioritized struct {
	zapcore.Encoder
	buffers buffer.Pool
}

func (p prioritized) Clone() zapcore.Encoder { return prioritized{p.Encoder.Clone(), p.buffers} }

func (p prioritized) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	kind := ""
	for _, f := range fields {
		if f.Key == events.KindKey && f.Type == zapcore.StringType {
			kind = f.String
		}
	}
	b, err := p.Encoder.EncodeEntry(e, fields)
	if err != nil {
		return nil, err
	}
	out := p.buffers.Get()
	out.AppendString("<" + strconv.Itoa(events.MnemonicOf(events.Kind(kind), e.Level).Severity) + ">")
	out.Write(b.Bytes())
	b.Free()
	return out, nil
}

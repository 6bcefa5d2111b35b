package node

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// The prefix is the severity of the record's mnemonic.
func TestPrioritized(t *testing.T) {
	t.Parallel()
	ec := zap.NewProductionEncoderConfig()
	ec.TimeKey = ""
	for _, tt := range []struct {
		level zapcore.Level
		kind  string
		want  string
	}{
		{zapcore.InfoLevel, "callback.promised", "<5>info\tx\t{\"event\": \"callback.promised\"}\n"},
		{zapcore.ErrorLevel, "alarm", "<1>error\tx\t{\"event\": \"alarm\"}\n"},
		{zapcore.WarnLevel, "", "<4>warn\tx\n"},
		{zapcore.DebugLevel, "", "<7>debug\tx\n"},
	} {
		var fields []zapcore.Field
		if tt.kind != "" {
			fields = append(fields, zap.String("event", tt.kind))
		}
		enc := prioritized{zapcore.NewConsoleEncoder(ec), buffer.NewPool()}
		b, err := enc.Clone().EncodeEntry(zapcore.Entry{Level: tt.level, Message: "x"}, fields)
		if err != nil || b.String() != tt.want {
			t.Errorf("%q, want %q (%v)", b, tt.want, err)
		}
	}
}

// JOURNAL_STREAM must be that of the file: a daemon that a shell in a service starts has another standard error.
func TestToJournald(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &s); err != nil {
		t.Fatal(err)
	}
	if !toJournald(fmt.Sprint(s.Dev, ":", s.Ino), f) {
		t.Error("not recognized")
	}
	for _, stream := range []string{"", "1", ":", fmt.Sprint(s.Dev, ":", s.Ino+1)} {
		if toJournald(stream, f) {
			t.Errorf("%q", stream)
		}
	}
}

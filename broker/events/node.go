package events

import "go.uber.org/zap/zapcore"

// Alarm reports what an operator must know.
type Alarm struct {
	undebugged
	Text string `event:"text,unlogged"`
}

func (e Alarm) log() (zapcore.Level, string) { return zapcore.ErrorLevel, e.Text }

func (e Alarm) audit() Entry { return Entry{"alarm", "ringback", e.Text} }

// Reloaded reports a configuration that was taken.
type Reloaded struct {
	undebugged
	File   string `event:"file"`
	Digest string `event:"digest"`
	By     string `event:"by,unlogged"` // who asked for it
}

func (Reloaded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "reloaded" }

func (e Reloaded) audit() Entry { return Entry{"reload", e.By, e.File + ", digest " + e.Digest} }

// ReloadFailed reports a configuration that was not taken.
type ReloadFailed struct {
	undebugged
	File string `event:"file"`
	Err  error  `event:"error"`       // why it cannot be taken though it has no mistakes
	By   string `event:"by,unlogged"` // who asked for it
}

func (e ReloadFailed) log() (zapcore.Level, string) {
	if e.Err != nil {
		return zapcore.ErrorLevel, "reload: the old configuration stays"
	}
	return zapcore.ErrorLevel, "reload: the new configuration has mistakes: the old one stays"
}

func (e ReloadFailed) audit() Entry {
	if e.Err != nil {
		return Entry{"reload failed", e.By, e.File + ": " + e.Err.Error()}
	}
	return Entry{"reload failed", e.By, e.File + ": the new configuration has mistakes"}
}

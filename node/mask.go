package node

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// mask hides telephone numbers in what is logged and in debug, except their last digits. The zero value hides nothing.
type mask struct {
	on   bool
	keep int // digits at the end that are shown
}

// newMask returns the mask of log.mask_numbers; nil hides nothing.
func newMask(keep *int) mask {
	if keep == nil {
		return mask{}
	}
	return mask{on: true, keep: *keep}
}

// number hides a value that is a number: each digit except the last ones is an asterisk.
func (m mask) number(s string) string {
	if _, err := netip.ParseAddr(s); !m.on || err == nil { // the caller on a vty
		return s
	}
	b, kept := []byte(s), 0
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < '0' || b[i] > '9' {
			continue
		}
		if kept++; kept > m.keep {
			b[i] = '*'
		}
	}
	return string(b)
}

// unmasked is what looks like a number in a text and is none: times, addresses, durations, IDs (those of older journals
// have 8 characters), digests. The last group is a number: five digits or more, alone or with hyphens, or all of a
// quoted text with spaces, too.
var unmasked = regexp.MustCompile(`\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?)?|\d{1,3}(?:\.\d{1,3}){3}|` +
	`\d+\.\d+(?:s|ms|µs|%)|` +
	`\b(?:[a-z2-7]{13}|[a-z2-7]{8})\b|\b[\da-f]{32,}\b|"[+\d][-+\d ()./]{3,}\d"|\+?\d(?:-?\d){4,}`)

// text hides the numbers in a text.
func (m mask) text(s string) string {
	if !m.on {
		return s
	}
	return unmasked.ReplaceAllStringFunc(s, func(found string) string {
		switch {
		case found[0] == '"', found[0] == '+':
			return m.number(found)
		case strings.ContainsFunc(found, func(r rune) bool { return r != '-' && (r < '0' || r > '9') }):
			return found // a time, an address, a duration or an ID
		case len(found) >= 32 && !strings.Contains(found, "-"), len(found) == 10 && date.MatchString(found):
			return found
		}
		return m.number(found)
	})
}

var date = regexp.MustCompile(`^(19|20)\d\d-[01]\d-[0-3]\d$`)

// numbered are the fields of a record that are a number as a whole, and exempt those that are never searched for one.
var (
	numbered = []string{"caller", "called", "number", "digits"}
	exempt   = []string{"call", "callback", "session", "test", "event", "digest", "version", "file", "socket",
		"journal",
		"directory", "port", "server", "stack", "key", "seal"}
)

// core returns a core whose records are masked.
func (m mask) core(c zapcore.Core) zapcore.Core {
	if !m.on {
		return c
	}
	return maskedCore{c, m}
}

type maskedCore struct {
	zapcore.Core
	mask mask
}

func (c maskedCore) With(fields []zapcore.Field) zapcore.Core {
	return maskedCore{c.Core.With(c.mask.fields(fields)), c.mask}
}

func (c maskedCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c maskedCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = c.mask.text(e.Message)
	return c.Core.Write(e, c.mask.fields(fields))
}

// fields returns masked copies of fields.
func (m mask) fields(fields []zapcore.Field) []zapcore.Field {
	out := make([]zapcore.Field, 0, len(fields))
	for _, f := range fields {
		if slices.Contains(exempt, f.Key) {
			out = append(out, f)
			continue
		}
		hide := m.text
		if slices.Contains(numbered, f.Key) {
			hide = m.number
		}
		switch f.Type {
		case zapcore.StringType:
			f.String = hide(f.String)
		case zapcore.ErrorType, zapcore.StringerType, zapcore.ByteStringType,
			zapcore.ArrayMarshalerType, zapcore.ReflectType:
			f = m.other(f, hide)
		}
		out = append(out, f)
	}
	return out
}

// other masks a field that is a text only when it is encoded, or a list of texts.
func (m mask) other(f zapcore.Field, hide func(string) string) zapcore.Field {
	enc := zapcore.NewMapObjectEncoder()
	f.AddTo(enc)
	switch v := enc.Fields[f.Key].(type) {
	case string:
		return zap.String(f.Key, hide(v))
	case []any:
		all := slices.Clone(v)
		for i := range all {
			if s, ok := all[i].(string); ok {
				all[i] = hide(s)
			}
		}
		return zap.Any(f.Key, all)
	}
	return f
}

// Package syslog sends the records of the daemon's log to a syslog server: RFC 5424 over UDP (RFC 5426), TCP (RFC 6587)
// and TLS (RFC 5425), or the format of the C library to a local socket such as /dev/log. Sending never blocks the
// program that logs.
package syslog

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Class is what a syslog server sorts a record by.
type Class struct {
	Severity int    // 0 to 7, RFC 5424 §6.2.1
	Mnemonic string // the name in "%RINGBACK-5-CALLBACK", as in the messages of IOS
	ID       string // MSGID
}

// Record is one message before it is formatted. Text and Fields may have any octets.
type Record struct {
	Class
	Time   time.Time
	Text   string
	Fields []Field
}

// Field is a key of a record. The name is one of our own and needs no quoting.
type Field struct{ Name, Value string }

// Bounds of what is sent, in octets. A receiver of RFC 5424 takes 2048 (§6.1), rsyslog 8192; what is longer than a
// datagram or than the receiver's buffer would be lost or split.
const (
	maxDatagram = 2048
	maxFrame    = 8192
	maxValue    = 1024 // of a field
	maxParam    = 256  // of a parameter of structured data
)

// Origin is what all records of a process have in common.
type Origin struct {
	Facility   int    // 0 to 23
	Hostname   string // the full name of this machine
	Enterprise int    // private enterprise number of the structured data's name
	PID        int
}

// structured are the fields that are also parameters of the structured data.
var structured = []string{"call", "callback", "session", "line"}

const app = "ringback"

// format5424 returns a record in the format of RFC 5424, of at most limit octets. sequence numbers the records from 1,
// so that a reader of them sees that some are missing (§7.3.1).
func (o Origin) format5424(r Record, sequence uint64, limit int) []byte {
	b := o.priority(r.Severity)
	b = append(b, "1 "...)
	b = r.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, ' ')
	b = append(b, headerField(o.Hostname, 255)...)
	b = append(b, " "+app+" "...)
	b = strconv.AppendInt(b, int64(o.PID), 10)
	b = append(b, ' ')
	b = append(b, headerField(r.ID, 32)...)
	b = append(b, ` [meta sequenceId="`...)
	b = strconv.AppendUint(b, (sequence-1)%(1<<31-1)+1, 10)
	b = append(b, `"]`...)
	b = o.appendData(b, r.Fields)
	b = append(b, ' ')
	text := r.message()
	if strings.ContainsFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }) {
		b = append(b, "\xef\xbb\xbf"...) // §6.4: the text is in UTF-8
	}
	return append(b, cut(text, limit-len(b))...)
}

// formatLocal returns a record as the C library's syslog(3) writes it to /dev/log, in the local time: journald and the
// input imuxsock of rsyslog expect this format there, and take RFC 5424 for text.
func (o Origin) formatLocal(r Record, limit int) []byte {
	b := o.priority(r.Severity)
	b = r.Time.Local().AppendFormat(b, time.Stamp)
	b = append(b, " "+app+"["...)
	b = strconv.AppendInt(b, int64(o.PID), 10)
	b = append(b, "]: "...)
	return append(b, cut(r.message(), limit-len(b))...)
}

func (o Origin) priority(severity int) []byte {
	b := append(make([]byte, 0, 512), '<')
	b = strconv.AppendInt(b, int64(o.Facility*8+severity), 10)
	return append(b, '>')
}

// appendData appends the structured data that is ours, if the record has any.
func (o Origin) appendData(b []byte, fields []Field) []byte {
	open := false
	for _, name := range structured {
		for _, f := range fields {
			if f.Name != name || f.Value == "" {
				continue
			}
			if !open {
				open = true
				b = append(b, "["+app+"@"...)
				b = strconv.AppendInt(b, int64(o.Enterprise), 10)
			}
			b = append(b, " "+name+`="`...)
			b = append(b, paramValue(f.Value)...)
			b = append(b, '"')
			break
		}
	}
	if open {
		b = append(b, ']')
	}
	return b
}

// message is "%RINGBACK-5-CALLBACK: callback promised user=kim …": one line of printable characters.
func (r Record) message() string {
	var b strings.Builder
	b.WriteString("%RINGBACK-" + strconv.Itoa(r.Severity) + "-" + r.Mnemonic + ": " + printable(r.Text))
	for _, f := range r.Fields {
		b.WriteString(" " + f.Name + "=" + quoted(f.Value))
	}
	return b.String()
}

// headerField returns a value of the header, which has printable ASCII characters without spaces (§6), and "-" for
// none.
func headerField(s string, limit int) string {
	s = strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), limit)]
}

var escapeParam = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// paramValue escapes a parameter of structured data (§6.3.3). Control characters have no escape there: they are
// replaced.
func paramValue(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, cut(strings.ToValidUTF8(s, "\uFFFD"), maxParam))
	return escapeParam.Replace(s)
}

// printable escapes what is not printable, as in a Go string, and leaves the rest.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if unicode.IsPrint(c) && (c != utf8.RuneError || n > 1) {
			b.WriteString(s[:n])
		} else {
			q := strconv.Quote(s[:n])
			b.WriteString(q[1 : len(q)-1])
		}
		s = s[n:]
	}
	return b.String()
}

// quoted returns a value as it is if it is a plain word, otherwise in quotes with escapes: a value cannot look like
// another field, another record or another mnemonic.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool { return !plain(c) }) && len(s) <= maxValue {
		return s
	}
	return strconv.Quote(cut(s, maxValue))
}

func plain(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.:/@+*,", c)
}

// cut shortens a text to a number of octets, at the limit of a character, and shows that it did.
func cut(s string, limit int) string {
	const more = "..."
	if len(s) <= limit {
		return s
	}
	n := max(limit-len(more), 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}

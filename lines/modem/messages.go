package modem

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem/sms"
)

// Short messages of cellular modems (3GPP TS 27.005). Their text is written by a stranger and could spell result codes,
// so it is only ever read in PDU mode, where it is hexadecimal: AT+CMGF=0 is in the same command line as each reading.
// The modem only says that a message was stored (+CMTI), and the driver reads the storage while the line is idle,
// deletes what the host has taken, and reads again until nothing is left.

const (
	pduMode       = "AT+CMGF=0"
	listMessages  = pduMode + ";+CMGL=4" // all
	deleteMessage = "AT+CMGD="
)

// maxMail is how many messages are read at a time.
const maxMail = 8

// mailRetry is the pause after a reading or a deletion that the modem has rejected: a SIM may be busy for a while.
const mailRetry = 30 * time.Second

// strangerTime is for how long the modem's output is discarded after it has begun to send the text of a message, which
// may have any lines. That takes 0.2 s at 9600 bit/s.
const strangerTime = 5 * time.Second

// mailbox is the messages of a line with Config.Messages. Its fields are guarded by Driver.mu.
type mailbox struct {
	due     bool      // the storage is to be read
	retry   time.Time // not before
	reading bool      // the modem lists its storage now
	header  stored    // of the next line; index 0 and size -1: none
	found   []stored
	more    bool // there were more than maxMail

	handling bool // the host has found
	taken    []int
	stop     context.CancelFunc // ends handling; nil: it does not run
}

// stored is a message in the modem's storage.
type stored struct {
	index   int // 0 for one that the modem delivered without storing it, otherwise from 0 on
	size    int // octets behind the service centre
	direct  bool
	message lines.Message
}

// switchOnMessages makes the modem report short messages, or makes it stop to: a modem that sends their text could be
// made to say anything. A refusal is shown as a notice where the messages are wanted.
func (d *Driver) switchOnMessages(ctx context.Context) {
	p := d.o.Config.Profile.Messages
	if d.mail == nil {
		if p.Off != "" {
			if err := d.ask(ctx, p.Off, d.t.Command); err != nil {
				d.debug("short messages are not switched off: %v", err)
			}
		}
		return
	}
	err := d.ask(ctx, pduMode, d.t.Command)
	if err == nil {
		err = d.ask(ctx, p.On, d.t.Command)
	}
	if err != nil {
		err = fmt.Errorf("no short messages: %w (has the modem a SIM? set sms.on in its profile to the command from "+
			"the modem's manual)", err)
		d.debug("%v", err)
	}
	d.notice(noticeMessages, err)
	d.mu.Lock()
	d.mail.due, d.mail.retry = true, time.Time{} // what came while nobody listened
	d.mu.Unlock()
}

// strangersLocked handles a line that reports or has a short message, and reports whether it was one: it is then no
// result code, whatever is in it.
func (d *Driver) strangersLocked(line []byte) bool {
	if time.Now().Before(d.strange) {
		return true
	}
	text := strings.TrimFunc(string(line), func(r rune) bool { return r <= ' ' || r >= 0x7f })
	if d.expectsPDU {
		d.expectsPDU = false
		if !isHex(text) {
			d.muteLocked()
			return true
		}
		if d.mail != nil {
			d.pduLocked(text)
		}
		return true
	}
	upper := strings.ToUpper(text)
	switch {
	case strings.HasPrefix(upper, "+CMTI:"), strings.HasPrefix(upper, "+CDSI:"):
		if d.mail != nil {
			d.mail.due = true
			signal(d.wake)
		}
	case strings.HasPrefix(upper, "+CMT:"), strings.HasPrefix(upper, "+CDS:"), strings.HasPrefix(upper, "+CBM:"):
		size, ok := sizeIn(upper[len("+CMT:"):], 1)
		if !ok { // text mode
			d.muteLocked()
			return true
		}
		d.expectsPDU = true
		if d.mail != nil {
			d.mail.header = stored{size: size, direct: strings.HasPrefix(upper, "+CMT:")}
		}
	case strings.HasPrefix(upper, "+CMGL:") && d.mail != nil && d.mail.reading:
		var ok bool
		if d.mail.header, ok = headerOf(upper[len("+CMGL:"):]); !ok {
			d.muteLocked()
			return true
		}
		d.expectsPDU = true
	default:
		return false
	}
	return true
}

// muteLocked discards the modem's output while it sends a stranger's text.
func (d *Driver) muteLocked() {
	d.strange, d.expectsPDU = time.Now().Add(strangerTime), false
	if d.mail != nil { // the mode is set again with the next reading
		d.mail.due = true
	}
	if d.phase == idle { // it has lost its settings: the probe finds that, and sets them again
		d.probeAt, d.heard = d.strange, time.Time{}
		signal(d.wake)
	}
	d.debug("the modem sends the text of a short message: its output is ignored for %v", strangerTime)
}

// headerOf reads what follows +CMGL: index, status, name, size. The size is -1 if it is not a received message. false:
// it is not a header of PDU mode.
func headerOf(rest string) (s stored, ok bool) {
	f := strings.Split(unnamed.ReplaceAllString(rest, ""), ",")
	if len(f) != 4 {
		return s, false
	}
	index, err := strconv.Atoi(strings.TrimSpace(f[0]))
	size, ok := sizeIn(rest, 3)
	if err != nil || index < 0 || !ok {
		return s, false
	}
	switch strings.TrimSpace(f[1]) {
	case "0", "1":
		return stored{index: index, size: size}, true
	case "2", "3": // to be sent
		return stored{size: -1}, true
	}
	return s, false
}

// unnamed is the name of a sender in a header, from the modem's own telephone book.
var unnamed = regexp.MustCompile(`"[^"]*"`)

// sizeIn returns the size of a PDU, the last value of a header; false if the header is not one of PDU mode. most is the
// number of commas before the size.
func sizeIn(rest string, most int) (size int, ok bool) {
	rest = unnamed.ReplaceAllString(rest, "")
	at := strings.LastIndexByte(rest, ',')
	if strings.Count(rest, ",") > most {
		return 0, false
	}
	size, err := strconv.Atoi(strings.TrimSpace(rest[at+1:]))
	return size, err == nil && size > 0 && size <= sms.MaxHex/2
}

func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789ABCDEFabcdef") == "" }

// pduLocked notes the message of which this is the PDU.
func (d *Driver) pduLocked(pdu string) {
	m, s := d.mail, d.mail.header
	m.header = stored{size: -1}
	switch {
	case s.size < 0:
		return
	case len(m.found) == maxMail:
		m.more = true
		return
	}
	s.message.TTY = d.o.Config.TTY
	got, err := sms.Parse(pdu, s.size)
	if err == nil && got.Parts > 1 {
		err = fmt.Errorf("part %d of %d of a longer text", got.Part, got.Parts)
	}
	s.message.From, s.message.Named, s.message.Sent = got.From, got.Named, got.Sent
	if s.message.Err = err; err == nil {
		s.message.Text = got.Text
	}
	m.found = append(m.found, s)
	if s.direct {
		m.due = true
		signal(d.wake)
	}
}

// mailDue reports whether the messages need the token, and when to look again.
func (d *Driver) mailDue() (due bool, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.mail
	switch {
	case m == nil || m.handling || d.phase != idle || !m.due && len(m.taken) == 0 && len(m.found) == 0:
		return false, time.Time{}
	case time.Now().Before(m.retry):
		return false, m.retry
	}
	return true, time.Time{}
}

// readMail deletes the messages that the host has taken, reads the next ones, and hands them to the host, which may
// take as long as it likes: the line answers calls meanwhile. It returns when it must be called again; zero means at
// the next event.
func (d *Driver) readMail(ctx context.Context) (next time.Time) {
	due, next := d.mailDue()
	if !due || !d.tryTake() {
		return next
	}
	defer d.give()
	err := d.deleteTaken(ctx)
	if err == nil {
		err = d.listMail(ctx)
	}
	if err != nil && stop(ctx, err) {
		return time.Time{}
	}
	if err != nil {
		d.debug("%v", err)
	}
	d.notice(noticeMessages, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.mail
	if err != nil {
		m.due, m.retry = true, time.Now().Add(mailRetry)
		next = m.retry
	}
	if len(m.found) > 0 {
		d.handMailLocked(ctx)
	}
	return next
}

// deleteTaken deletes what the host has taken.
func (d *Driver) deleteTaken(ctx context.Context) error {
	for {
		d.mu.Lock()
		if len(d.mail.taken) == 0 || d.rings > 0 {
			d.mu.Unlock()
			return nil
		}
		index := d.mail.taken[0]
		d.mu.Unlock()
		if err := d.ask(ctx, deleteMessage+strconv.Itoa(index), d.t.Command); err != nil {
			return fmt.Errorf("a short message that was read is not deleted: %w", err)
		}
		d.mu.Lock()
		d.mail.taken = d.mail.taken[1:]
		d.mu.Unlock()
	}
}

// listMail reads the storage, unless messages wait for their deletion or a call rings.
func (d *Driver) listMail(ctx context.Context) error {
	d.mu.Lock()
	m := d.mail
	reads := m.due && len(m.taken) == 0 && d.rings == 0
	if reads {
		m.due, m.reading, m.more, m.header = false, true, false, stored{size: -1}
	}
	d.mu.Unlock()
	if !reads {
		return nil
	}
	err := d.ask(ctx, listMessages, 2*d.t.Command)
	d.mu.Lock()
	defer d.mu.Unlock()
	m.reading, d.expectsPDU = false, false
	if m.more {
		m.due = true
	}
	if err != nil {
		return fmt.Errorf("short messages cannot be read: %w (has the modem a SIM?)", err)
	}
	return nil
}

// handMailLocked hands the messages to the host.
func (d *Driver) handMailLocked(ctx context.Context) {
	m := d.mail
	found := m.found
	m.found, m.handling = nil, true
	ctx, m.stop = context.WithCancel(ctx)
	d.checks.Go(func() {
		var taken []int
		for _, s := range found {
			if d.host.Message(ctx, s.message) && !s.direct {
				taken = append(taken, s.index)
			}
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		m.handling = false
		m.taken = append(m.taken, taken...)
		m.stop()
		m.stop = nil
		signal(d.wake)
	})
}

// dropMailLocked forgets the messages, which are still in the modem, and ends their handling.
func (d *Driver) dropMailLocked() {
	d.expectsPDU, d.strange = false, time.Time{}
	if m := d.mail; m != nil {
		m.found, m.taken, m.reading, m.due, m.retry = nil, nil, false, false, time.Time{}
		if m.stop != nil {
			m.stop()
		}
	}
}

// busyLocked reports whether the line must not rest.
func (m *mailbox) busyLocked() bool {
	return m != nil && (m.due || m.handling || len(m.taken) > 0 || len(m.found) > 0)
}

var errNoMessages = errors.New("the line's profile has no command for short messages (sms.on)")

// CheckMessages returns an error if a line with this profile cannot read short messages.
func CheckMessages(p lines.Profile) error {
	if p.Messages.On == "" {
		return errNoMessages
	}
	return nil
}

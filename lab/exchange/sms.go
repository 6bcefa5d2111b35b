package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// Short messages of a modem with Dialect.Messages (3GPP TS 27.005, TS 23.040). The service centre keeps what the
// modem's storage has no room for, and tries again when a message is deleted.

// storageSize is the number of messages that a SIM holds.
const storageSize = 20

// message is a short message in the storage of a modem.
type message struct {
	from, text string
	pdu        string // hexadecimal, with the service centre before the TPDU
	read       bool
	sent       time.Time
}

// size is the number of octets behind the address of the service centre.
func (m message) size() int {
	centre, _ := strconv.ParseUint(m.pdu[:2], 16, 8)
	return len(m.pdu)/2 - 1 - int(centre)
}

// stamp is the time in text mode.
func (m message) stamp() string { return m.sent.Format("06/01/02,15:04:05-07") }

// mail is the messages of a modem.
type mail struct {
	stored  [storageSize]*message // by index - 1
	waiting []*message            // at the service centre
	notices []string              // for the DTE, while the line carries data
}

// Deliver sends a short message to the modem, from a number or a name. The error says why no network carries it.
func (m *Modem) Deliver(from, text string) error {
	pdu, err := deliverPDU(from, text, time.Now())
	if err != nil {
		return err
	}
	return m.accept(&message{from: from, text: text, pdu: pdu, sent: time.Now()})
}

// DeliverPDU sends a PDU, which may be any octets.
func (m *Modem) DeliverPDU(from string, pdu []byte) error {
	if len(pdu) == 0 || int(pdu[0])+1 > len(pdu) {
		return errors.New("the PDU has no address of a service centre")
	}
	return m.accept(&message{from: from, pdu: fmt.Sprintf("%X", pdu), sent: time.Now()})
}

func (m *Modem) accept(msg *message) error {
	m.x.lock()
	defer m.x.unlock()
	if !m.cfg.Dialect.Messages {
		return fmt.Errorf("the modem of %s takes no short messages", m.cfg.Name)
	}
	m.mail.waiting = append(m.mail.waiting, msg)
	m.fetchMail()
	return nil
}

// Messages returns how many short messages are in the modem's storage, and how many wait at the service centre.
func (m *Modem) Messages() (stored, waiting int) {
	m.x.lock()
	defer m.x.unlock()
	for _, msg := range m.mail.stored {
		if msg != nil {
			stored++
		}
	}
	return stored, len(m.mail.waiting)
}

// fetchMail takes what waits at the service centre, as far as there is room.
func (m *Modem) fetchMail() {
	for len(m.mail.waiting) > 0 && !m.dead() {
		msg := m.mail.waiting[0]
		place := slices.Index(m.mail.stored[:], nil)
		switch route := m.profile.newMessage; {
		case route == 2: // to the DTE, without storing it
			if m.profile.textMode {
				m.notify(fmt.Sprintf("+CMT: \"%s\",,\"%s\"\r\n%s", msg.from, msg.stamp(), msg.text))
			} else {
				m.notify(fmt.Sprintf("+CMT: ,%d\r\n%s", msg.size(), msg.pdu))
			}
		case place < 0:
			return
		default:
			m.mail.stored[place] = msg
			if route == 1 {
				m.notify(fmt.Sprintf(`+CMTI: "SM",%d`, place+1))
			}
		}
		m.mail.waiting = m.mail.waiting[1:]
	}
}

// notify sends an unsolicited line, after the data of a call (+CNMI=2).
func (m *Modem) notify(text string) {
	if m.state != OnHook {
		m.mail.notices = append(m.mail.notices, text)
		return
	}
	m.inform("%s", text)
}

// noticeGap is the time from the end of a call to what was kept back during it.
const noticeGap = 100 * time.Millisecond

// flushMail sends what was kept back during a call, if no other has begun.
func (m *Modem) flushMail() {
	if m.state != OnHook {
		return
	}
	for _, text := range m.mail.notices {
		m.inform("%s", text)
	}
	m.mail.notices = nil
}

// messageCommand is the table of the commands of TS 27.005.
func messageCommand(name string) (handler, bool) {
	switch name {
	case "+CMGF":
		return handler{0, func(m *Modem, c command) verdict {
			if c.op != '=' || c.arg != "0" && c.arg != "1" {
				return refuse
			}
			m.profile.textMode = c.arg == "1"
			return goOn
		}}, true
	case "+CNMI":
		return handler{0, (*Modem).doNewMessages}, true
	case "+CMGL":
		return handler{0, (*Modem).doListMessages}, true
	case "+CMGR":
		return handler{0, (*Modem).doReadMessage}, true
	case "+CMGD":
		return handler{0, (*Modem).doDeleteMessage}, true
	}
	return handler{}, false
}

// doNewMessages executes +CNMI=mode,mt,…
func (m *Modem) doNewMessages(c command) verdict {
	f := strings.Split(c.arg, ",")
	route := 0
	if len(f) > 1 {
		n, err := strconv.Atoi(f[1])
		if err != nil || n < 0 || n > 2 {
			return refuse
		}
		route = n
	}
	if c.op != '=' {
		return refuse
	}
	m.profile.newMessage = route
	return goOn
}

func (m *Modem) doListMessages(c command) verdict {
	if c.op != '=' || c.arg != "4" && c.arg != `"ALL"` {
		return refuse
	}
	for i, msg := range m.mail.stored {
		if msg != nil {
			m.showMessage(fmt.Sprintf("+CMGL: %d,", i+1), msg)
		}
	}
	return goOn
}

func (m *Modem) doReadMessage(c command) verdict {
	msg := m.messageAt(c.arg)
	if c.op != '=' || msg == nil {
		return refuse
	}
	m.showMessage("+CMGR: ", msg)
	return goOn
}

func (m *Modem) showMessage(head string, msg *message) {
	status, name := 0, "REC UNREAD"
	if msg.read {
		status, name = 1, "REC READ"
	}
	msg.read = true
	if m.profile.textMode {
		m.inform("%s\"%s\",\"%s\",,\"%s\"\r\n%s", head, name, msg.from, msg.stamp(), msg.text)
		return
	}
	m.inform("%s%d,,%d\r\n%s", head, status, msg.size(), msg.pdu)
}

func (m *Modem) doDeleteMessage(c command) verdict {
	if c.op != '=' || m.messageAt(c.arg) == nil {
		return refuse
	}
	n, _ := strconv.Atoi(c.arg)
	m.mail.stored[n-1] = nil
	m.fetchMail()
	return goOn
}

func (m *Modem) messageAt(index string) *message {
	n, err := strconv.Atoi(index)
	if err != nil || n < 1 || n > storageSize {
		return nil
	}
	return m.mail.stored[n-1]
}

// deliverPDU builds an SMS-DELIVER (TS 23.040, 9.2.2.1): in 7 bits if the text is ASCII of the default alphabet,
// otherwise in UCS-2.
func deliverPDU(from, text string, at time.Time) (string, error) {
	b := []byte{0x00, 0x04} // no service centre; no more messages
	address, err := addressOf(from)
	if err != nil {
		return "", err
	}
	b = append(append(b, address...), 0)
	packed, seven := pack(text)
	wide := utf16.Encode([]rune(text))
	switch {
	case seven && len(text) > 160 || !seven && len(wide) > 70:
		return "", errors.New("the text is longer than one short message")
	case seven:
		b = append(append(append(b, 0), stampOf(at)...), byte(len(text)))
		b = append(b, packed...)
	default:
		b = append(append(append(b, 8), stampOf(at)...), byte(2*len(wide)))
		for _, u := range wide {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return fmt.Sprintf("%X", b), nil
}

// sevenBit are the characters of the default alphabet that have their number in ASCII; @, _ and $ have others.
func sevenBit(c byte) (byte, bool) {
	switch {
	case c == '@':
		return 0, true
	case c == '_':
		return 0x11, true
	case c == '$':
		return 2, true
	case c == '\r', c == '\n', c >= ' ' && c <= 'Z' && c != '@', c >= 'a' && c <= 'z':
		return c, true
	}
	return 0, false
}

// pack packs septets (TS 23.038, 6.1.2.1); false if a character has none.
func pack(text string) (b []byte, ok bool) {
	var bits, have uint
	for i := range len(text) {
		c, ok := sevenBit(text[i])
		if !ok {
			return nil, false
		}
		bits |= uint(c) << have
		for have += 7; have >= 8; have -= 8 {
			b = append(b, byte(bits))
			bits >>= 8
		}
	}
	if have > 0 {
		b = append(b, byte(bits))
	}
	return b, true
}

// addressOf is TP-Originating-Address (9.1.2.5).
func addressOf(from string) ([]byte, error) {
	digits, international := strings.CutPrefix(from, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		name, ok := pack(from)
		if !ok || len(from) == 0 || len(from) > 11 {
			return nil, fmt.Errorf("sender %q: a number, or a name of at most 11 letters", from)
		}
		return append([]byte{byte((len(from)*7 + 3) / 4), 0xd0}, name...), nil
	}
	if len(digits) > 20 {
		return nil, fmt.Errorf("sender %q: a number has at most 20 digits", from)
	}
	b := []byte{byte(len(digits)), 0x81}
	if international {
		b[1] = 0x91
	}
	if len(digits)%2 != 0 {
		digits += "?" // 0xf
	}
	for i := 0; i < len(digits); i += 2 {
		b = append(b, digits[i+1]&0xf<<4|digits[i]&0xf)
	}
	return b, nil
}

// stampOf is TP-Service-Centre-Time-Stamp (9.2.3.11), in UTC.
func stampOf(at time.Time) []byte {
	at = at.UTC()
	var b []byte
	for _, n := range []int{at.Year() % 100, int(at.Month()), at.Day(), at.Hour(), at.Minute(), at.Second(), 0} {
		b = append(b, byte(n%10<<4|n/10))
	}
	return b
}

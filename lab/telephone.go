package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/triggers"
)

// keyFile has the key with which the town's users sign short messages.
const keyFile = "trigger.key"

// SMS sends a short message to the modem of a line, from a number or a name.
func (l *Lab) SMS(tty int, from, text string) error {
	m, err := l.lineAt(tty)
	if err != nil {
		return err
	}
	return m.Deliver(from, text)
}

// Ring calls a line from a telephone, and hangs up after a while if nobody has answered. It blocks until then.
func (l *Lab) Ring(ctx context.Context, tty int, from string, d time.Duration) error {
	if _, err := l.lineAt(tty); err != nil {
		return err
	}
	l.mu.Lock()
	name := "telephone " + from
	if l.attached[name] {
		l.mu.Unlock()
		return fmt.Errorf("the telephone %s is in use", from)
	}
	l.attached[name] = true
	m := l.telephones[from]
	if m == nil {
		m = l.exchange.AddModem(exchange.ModemConfig{Name: name, PresentsNumber: from, Telephone: true})
		if l.telephones == nil {
			l.telephones = map[string]*exchange.Modem{}
		}
		l.telephones[from] = m
	}
	l.mu.Unlock()
	dte := m.DTE()
	defer l.detach(name, dte)
	defer m.HangUp()
	if _, err := io.WriteString(dte, "ATS7=255DT"+DirectNumber(tty)+"\r"); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Lab) lineAt(tty int) (*exchange.Modem, error) {
	if i := tty - firstTTY; i >= 0 && i < len(l.lines) {
		return l.lines[i], nil
	}
	return nil, fmt.Errorf("there is no line %d: the town has %d to %d", tty, firstTTY, firstTTY+len(l.lines)-1)
}

// sign returns the text by which a user of the town requests a callback.
func (l *Lab) sign(user, number string) (string, error) {
	key, err := os.ReadFile(filepath.Join(l.dir, keyFile))
	if err != nil {
		return "", fmt.Errorf("lab: %w (has the town a cellular modem? see --modems)", err)
	}
	return triggers.Sign(triggers.Request{User: user, At: time.Now(), Number: number},
		aaa.Secret(strings.TrimSpace(string(key))))
}

// phoneStep does a step of a scenario that needs no modem: sms TTY USER [NUMBER], ring TTY TIME.
func (l *Lab) phoneStep(ctx context.Context, st ScenarioStep, from string) error {
	f := strings.Fields(st.Text)
	tty, _ := strconv.Atoi(f[0]) // checked by phoneText
	if st.Verb == "ring" {
		return l.Ring(ctx, tty, from, st.Wait)
	}
	text, err := l.sign(f[1], strings.Join(f[2:], ""))
	if err != nil {
		return err
	}
	return l.SMS(tty, from, text)
}

// phoneText checks the text of such a step.
func phoneText(verb, text string) (wait time.Duration, err error) {
	f := strings.Fields(text)
	if len(f) > 0 {
		_, err = strconv.Atoi(f[0])
	}
	switch {
	case verb == "sms" && (err != nil || len(f) < 2 || len(f) > 3):
		return 0, fmt.Errorf("sms %q: expected a line, a user and perhaps a number, as in: sms 65 austin-01", text)
	case verb == "ring" && (err != nil || len(f) != 2):
		return 0, fmt.Errorf("ring %q: expected a line and a time, as in: ring 65 10s", text)
	case verb == "ring":
		if wait, err = time.ParseDuration(f[1]); err != nil || wait <= 0 {
			return 0, fmt.Errorf("ring %q: expected a time such as 10s", text)
		}
	}
	return wait, nil
}

// phoned is a request of SendSMS or RingLine to a running lab.
type phoned struct {
	TTY  int           `json:"tty"`
	From string        `json:"from"`
	Text string        `json:"text,omitempty"` // of an SMS
	For  time.Duration `json:"for,omitempty"`  // how long a telephone rings; 0: it is an SMS
}

func (l *Lab) phone(ctx context.Context, p phoned) error {
	if p.For > 0 {
		return l.Ring(ctx, p.TTY, p.From, p.For)
	}
	return l.SMS(p.TTY, p.From, p.Text)
}

// SendSMS sends a short message to a line of a running lab.
func SendSMS(ctx context.Context, t Town, tty int, from, text string) error {
	return ask(ctx, t, phoned{TTY: tty, From: from, Text: text})
}

// RingLine lets a telephone ring at a line of a running lab, and blocks until it has hung up.
func RingLine(ctx context.Context, t Town, tty int, from string, d time.Duration) error {
	return ask(ctx, t, phoned{TTY: tty, From: from, For: d})
}

func ask(ctx context.Context, t Town, p phoned) error {
	c, err := dialControl(ctx, t, controlRequest{Phone: &p})
	if err != nil {
		return err
	}
	return c.Close()
}

// dialControl sends a request to a running lab, and returns the connection after its answer.
func dialControl(ctx context.Context, t Town, r controlRequest) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", t.Control)
	if err != nil {
		return nil, fmt.Errorf("lab: %w (is the lab of pid %d still running?)", err, t.PID)
	}
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	data, _ := json.Marshal(r)
	if _, err := c.Write(append(data, '\n')); err != nil {
		c.Close()
		return nil, fmt.Errorf("lab: %w", err)
	}
	a, err := readAnswer(c)
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

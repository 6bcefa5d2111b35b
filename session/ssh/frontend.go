package sshfront

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// Shell is the front end for text that serves a user who has logged in: an *exec.FrontEnd.
type Shell interface {
	session.FrontEnd
	Banner() string
	PasswordPrompt(texts.Language) string
	Texts(texts.Language) texts.Printer
	Admitted(s *session.Session, res aaa.Result, notice texts.Message, command string) (e session.Ending, failed bool)
}

// FrontEnd serves one connection.
type FrontEnd struct {
	Shell
	conn *Conn
	key  ssh.Signer
}

// New returns the front end for a connection. key is the host key.
func New(conn *Conn, key ssh.Signer, shell Shell) *FrontEnd { return &FrontEnd{shell, conn, key} }

// Algorithms that are offered: none that OpenSSH or RFC 9142 has given up. The first is preferred.
var (
	keyExchanges = []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, "curve25519-sha256@libssh.org",
		ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384}
	ciphers = []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES256GCM, ssh.CipherAES128GCM, ssh.CipherAES256CTR}
	macs    = []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM}
)

const (
	version    = "SSH-2.0-ringback"
	maxTries   = 10 // of the protocol; the session ends after login.tries
	maxPrompts = 10 // of a server in one login
	maxText    = 4096
)

// Serve implements session.FrontEnd: it makes the handshake, in which the user logs in, and serves the shell.
func (f *FrontEnd) Serve(ctx context.Context, s *session.Session) session.Ending {
	l := &login{FrontEnd: f, s: s, ctx: ctx}
	shut := context.AfterFunc(ctx, func() { _ = f.conn.term.Close() })
	server, chans, reqs, err := ssh.NewServerConn(f.conn.raw, l.config())
	var command string
	if err == nil {
		command, err = f.conn.shell(ctx, server, chans, reqs)
	}
	inTime := shut()
	switch {
	case err == nil && inTime:
		e, failed := f.Admitted(s, l.granted, l.notice, command)
		f.conn.term.ends(failed)
		return e
	case !inTime:
		err = context.Cause(ctx)
	}
	return l.over(err)
}

// login is the login on one connection. It belongs to the session's goroutine, in which the handshake calls it.
type login struct {
	*FrontEnd
	s   *session.Session
	ctx context.Context

	granted aaa.Result
	notice  texts.Message
	ended   *session.Ending // the login has failed for good; nil: not so
}

func (l *login) config() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		Config:        ssh.Config{KeyExchanges: keyExchanges, Ciphers: ciphers, MACs: macs},
		ServerVersion: version, MaxAuthTries: maxTries,
		PasswordCallback: func(m ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return l.try(m.User(), l.converse(m.User(), string(password), nil))
		},
		KeyboardInteractiveCallback: func(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions,
			error) {
			return l.interactive(m.User(), ask)
		},
	}
	if banner := l.Banner(); banner != "" {
		c.BannerCallback = func(ssh.ConnMetadata) string { return banner + "\r\n" }
	}
	c.AddHostKey(l.key)
	return c
}

// over returns how a connection ended that has no shell.
func (l *login) over(err error) session.Ending {
	_ = l.conn.term.Close()
	if l.ended != nil {
		return *l.ended
	}
	e := session.Interrupted(l.ctx, err)
	var netErr net.Error
	if l.ctx.Err() == nil && err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &netErr) {
		e.Reason = l.s.Scrub("SSH: " + err.Error())
		l.conn.breakOff(errors.New(console.Clean(err.Error())))
	}
	return e
}

// errFailed is the answer to a login that failed: the client learns no more.
var errFailed = errors.New("permission denied")

// interactive asks for the password, and then what AAA asks.
func (l *login) interactive(user string, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	if l.ended != nil {
		return nil, errFailed
	}
	password, err := l.ask(ask, l.PasswordPrompt(l.s.Locale().Language), false)
	if err != nil {
		return nil, err
	}
	return l.try(user, l.converse(user, password, ask))
}

// ask asks the client one question, and remembers a secret.
func (l *login) ask(ask ssh.KeyboardInteractiveChallenge, prompt string, echo bool) (string, error) {
	answers, err := ask("", "", []string{prompt}, []bool{echo})
	if err != nil {
		return "", err
	}
	if len(answers) != 1 {
		return "", fmt.Errorf("%d answers to one question", len(answers))
	}
	if !echo {
		l.s.KeepSecret(answers[0])
	}
	return answers[0], nil
}

// converse returns a function that asks AAA about a user, and passes its questions to ask; nil: the client can answer
// none.
func (l *login) converse(user, password string, ask ssh.KeyboardInteractiveChallenge) func(context.Context) (aaa.Result,
	error) {
	l.s.KeepSecret(password)
	return func(ctx context.Context) (aaa.Result, error) {
		ctx, cancel := context.WithCancel(ctx) // ends a conversation that is left
		defer cancel()
		conv, res := l.s.AAA().Start(ctx, l.s.Request(user, aaa.Secret(password)))
		for asked := 0; res.Kind == aaa.Prompt; asked++ {
			switch {
			case ask == nil:
				return aaa.Result{Kind: aaa.Refused, Server: res.Server,
					Reason: "the server asks a question, and the client uses the method password (it can use " +
						"keyboard-interactive)"}, nil
			case conv == nil || asked >= maxPrompts:
				return aaa.Result{Server: res.Server, Reason: fmt.Sprintf("server %s sent more than %d prompts",
					res.Server, maxPrompts)}, nil
			}
			answer, err := l.ask(ask, l.question(res.Message), res.Echo)
			if err != nil {
				return aaa.Result{}, err
			}
			res = conv.Answer(ctx, aaa.Secret(answer))
		}
		return res, nil
	}
}

// question returns a server's text as a prompt.
func (l *login) question(message string) string {
	if text := console.CleanText(message[:min(len(message), maxText)]); text != "" {
		return text + " "
	}
	return l.PasswordPrompt(l.s.Locale().Language)
}

// try logs a user in, by the rules of every login.
func (l *login) try(user string, ask func(context.Context) (aaa.Result, error)) (*ssh.Permissions, error) {
	if l.ended != nil || l.ctx.Err() != nil {
		return nil, errFailed
	}
	l.s.Trying("")
	if err := aaa.CheckUser(user); err != nil {
		return nil, l.failed(session.GuessRefused, "invalid user name: "+err.Error())
	}
	l.s.Trying(user)
	res, err := l.s.AskLogin(l.ctx, ask)
	var locked session.Locked
	switch {
	case errors.As(err, &locked):
		return nil, l.failed(session.GuessLocked, locked.Error())
	case err != nil:
		return nil, err
	}
	v, failure := l.s.Settle(l.ctx, res)
	switch {
	case failure == session.NoFailure && v.Kind == session.Admit:
		l.granted, l.notice = res, v.Notice
		return &ssh.Permissions{}, nil
	case failure == session.NoFailure && v.Kind == session.Disconnect:
		l.ended = &session.Ending{Cause: aaa.CauseNASRequest, Reason: l.s.Scrub(v.Reason)}
		return nil, l.refused(v.Text)
	case failure == session.NoFailure:
		l.s.Refused(l.ctx)
		return nil, l.refused(v.Text)
	}
	return nil, l.refused("")
}

// failed counts a login that failed before AAA was asked.
func (l *login) failed(r session.GuessResult, reason string) error {
	l.s.Fail(r, reason)
	return l.refused("")
}

// refused answers a login that was not granted, after the pause. why is for the user; "" for nothing.
func (l *login) refused(why texts.Key) error {
	if e, yes := l.s.Exhausted(); yes && l.ended == nil {
		l.ended = &e
	}
	if l.ended != nil { // the answer is the last word
		_ = l.conn.raw.SetReadDeadline(time.Unix(1, 0))
	} else {
		l.s.PauseAfterFailure(l.ctx)
	}
	if why == "" {
		return errFailed
	}
	return &ssh.BannerError{Err: errFailed, Message: console.Clean(l.Texts(l.s.Locale().Language).Text(why)) + "\r\n"}
}

// Package explain logs a user in as a caller would be, and says what would become of the caller and why. Nobody is
// called and nothing is accounted.
package explain

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/node/methods"
)

// Question is a login to be explained.
type Question struct {
	User    string
	Service aaa.Service // aaa.EXEC or aaa.PPP
	CHAP    bool        // the password is proven by CHAP, else by PAP
	Line    int         // the TTY that is called; 0: none in particular
	List    string      // where Line is 0: the method list that authenticates
	Caller  string      // the number that rings; "" none

	// Password and Answer are asked for what a caller would type: the password, and what the server asks besides, in
	// its own words: untrusted text. They block until there is an answer; an error of theirs ends Login.
	Password func(ctx context.Context) (string, error)
	Answer   func(ctx context.Context, prompt string, echo bool) (string, error)
}

// ErrNoLine is the error of Login where the configuration does not have Question.Line.
var ErrNoLine = errors.New("the configuration has no such line")

// Login asks the AAA servers of a configuration, by clients of its own, and the policies. It blocks until the last
// word, which is in the report whatever it is; an error is a question that cannot be asked.
func Login(ctx context.Context, cfg *config.Config, q Question) (*Report, error) {
	line, err := q.line(cfg)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // clients may tell of a late packet when the report is made
	packets, silent := []methods.Packet{}, []Silence(nil)
	m, err := methods.New(cfg, methods.Options{
		Trace: func(p methods.Packet) {
			mu.Lock()
			defer mu.Unlock()
			packets = append(packets, p)
		},
		Silent: func(method, _, reason string) {
			mu.Lock()
			defer mu.Unlock()
			silent = append(silent, Silence{method, reason})
		},
	})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	login, err := m.Login(line)
	if err != nil {
		return nil, err
	}
	res, err := q.converse(ctx, login, line)
	if err != nil {
		return nil, err
	}
	report := &Report{User: q.User, Service: q.Service, Line: line.TTY, Caller: q.Caller}
	report.fill(cfg, line, res)
	mu.Lock()
	defer mu.Unlock()
	report.Packets, report.Silent = slices.Clone(packets), slices.Clone(silent)
	return report, nil
}

// line is the line that is called, or, where none is named, one that has the list named.
func (q *Question) line(cfg *config.Config) (config.Line, error) {
	if q.Line == 0 {
		kind, _ := config.KindOf(config.Authentication, q.Service)
		if _, ok := cfg.Lists.Find(kind.Name, q.List); !ok {
			return config.Line{}, fmt.Errorf("there is no %s list %q (aaa.lists.%s)", kind.Name, q.List, kind.Name)
		}
		none := lines.Config{Rotary: lines.NoRotary}
		return config.Line{Config: none, Lists: config.ListNames{kind.Name: q.List}}, nil
	}
	for _, l := range cfg.Lines {
		if l.TTY == q.Line {
			return l, nil
		}
	}
	return config.Line{}, ErrNoLine
}

// converse goes through the conversation, asking what a caller would be asked.
func (q *Question) converse(ctx context.Context, login aaa.Login, line config.Line) (aaa.Result, error) {
	password, err := q.Password(ctx)
	if err != nil {
		return aaa.Result{}, err
	}
	r := aaa.Request{
		Service: q.Service, User: q.User, Password: aaa.Secret(password), TTY: line.TTY, Caller: q.Caller, Explain: true,
	}
	if q.CHAP {
		r.CHAP, r.Password = chap(password), ""
	}
	conv, res := login.Start(ctx, r)
	for res.Kind == aaa.Prompt {
		answer, err := q.Answer(ctx, res.Message, res.Echo)
		if err != nil {
			return aaa.Result{}, err
		}
		res = conv.Answer(ctx, aaa.Secret(answer))
	}
	return res, nil
}

// chap is what a peer that knows the password answers to a challenge (RFC 1994 §4.1).
func chap(password string) *aaa.CHAP {
	c := &aaa.CHAP{ID: 1, Challenge: make([]byte, 16)}
	rand.Read(c.Challenge)
	sum := md5.Sum(append(append([]byte{c.ID}, password...), c.Challenge...))
	c.Response = sum[:]
	return c
}

// Package explain simulates a login and explains the callback decision. It places no call and sends no accounting.
package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/auth"
)

// Question is the login to simulate.
type Question struct {
	User    string
	Service aaa.Service // aaa.EXEC, aaa.PPP or aaa.Outbound
	Site    bool        // with aaa.Outbound: User is a site, about which is asked as `ringback call` does
	Number  string      // with aaa.Outbound: the number to dial, as typed; "": the first that AAA fixes
	Auth    auth.Method // of PPP: how the caller authenticates; EAP is EAP-MD5. The zero value is PAP
	Line    int         // the called TTY; 0: no particular line
	List    string      // the authentication method list, if Line is 0
	Caller  string      // the calling number; "" none
	Called  string      // the number that the caller dialed; "" none

	Windows map[string]policies.AccessWindow // the access windows that are open; nil: none

	// Password and Answer return what a caller would type: the password, and the answers to further prompts of the
	// server, which are untrusted text. They block until there is an answer; their error ends Login.
	Password func(ctx context.Context) (string, error)
	Answer   func(ctx context.Context, prompt string, echo bool) (string, error)

	site string // its name; "": User is none
}

// FieldError is an error about one field of a Question, which was not asked.
type FieldError struct {
	Field string // line, list, auth or site
	Err   error
}

func (e *FieldError) Error() string { return e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }

// ErrNoLine is returned by Login if the configuration has no line Question.Line.
var ErrNoLine = errors.New("the configuration has no such line")

// Login logs in with the AAA servers of a configuration, through its own clients, and evaluates the policies. It blocks
// until the login has ended; the report has its result, also if it was rejected. An error means that the login could
// not be attempted.
func Login(ctx context.Context, cfg *config.Config, q Question) (*Report, error) {
	if q.Site {
		if err := q.asSite(cfg); err != nil {
			return nil, err
		}
	}
	line, err := q.line(cfg)
	if err == nil {
		err = q.offered(cfg, line)
	}
	if err != nil {
		return nil, err
	}
	if site, ok := cfg.Sites.Known[q.site]; ok {
		return q.known(cfg, line, site), nil
	}
	var mu sync.Mutex // clients may report a late packet while the report is filled
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
	report := q.report(line)
	res, err := q.converse(ctx, cfg, login, line, report)
	if err != nil {
		return nil, err
	}
	report.fill(cfg, line, res, q.Windows)
	mu.Lock()
	defer mu.Unlock()
	report.Packets, report.Silent = slices.Clone(packets), slices.Clone(silent)
	return report, nil
}

func (q *Question) report(line config.Line) *Report {
	return &Report{User: q.User, Service: q.Service, Line: line.TTY, Caller: q.Caller, Called: q.Called,
		Number: q.Number}
}

// offered returns an error if the profile of the called line does not offer the method.
func (q *Question) offered(cfg *config.Config, line config.Line) error {
	p, ok := cfg.PPP.Profile(line.PPP.Profile)
	method := cmp.Or(q.Auth, auth.PAP).String()
	var all []string
	for _, m := range p.Front.Authentication {
		all = append(all, m.String())
	}
	if q.Service != aaa.PPP || !ok || slices.Contains(all, method) {
		return nil
	}
	return &FieldError{"auth", fmt.Errorf("the profile %q of tty %d does not offer %s, but %s (without a line, the "+
		"server alone is tested)", line.PPP.Profile, line.TTY, method, strings.Join(all, ", "))}
}

// ipv6 reports whether a line, or any line if none is given, serves IPv6.
func ipv6(cfg *config.Config, line config.Line) bool {
	if line.TTY != 0 {
		p, _ := cfg.PPP.Profile(line.PPP.Profile)
		return p.Front.IPv6
	}
	return slices.ContainsFunc(cfg.PPP.Profiles, func(p config.PPPProfile) bool { return p.Front.IPv6 })
}

// line returns the called line or, if Line is 0, a line with the method list List.
func (q *Question) line(cfg *config.Config) (config.Line, error) {
	if q.Line == 0 {
		kind, _ := config.KindOf(config.Authentication, q.Service)
		if _, ok := cfg.Lists.Find(kind.Name, q.List); !ok {
			return config.Line{}, &FieldError{"list", fmt.Errorf("there is no %s list %q (aaa.lists.%s)", kind.Name,
				q.List, kind.Name)}
		}
		names := config.ListNames{kind.Name: q.List}
		if q.Service == aaa.Outbound {
			names = cfg.Lists.ForDialOut(q.List)
		}
		return config.Line{Config: lines.Config{Rotary: lines.NoRotary}, Lists: names}, nil
	}
	for _, l := range cfg.Lines {
		if l.TTY == q.Line {
			if q.site != "" { // sites have lists of their own
				l.Lists = cfg.Lists.ForDialOut(q.List)
			}
			return l, nil
		}
	}
	return config.Line{}, &FieldError{"line", ErrNoLine}
}

// converse conducts the login conversation and passes its prompts to Password and Answer. With PPP, report gets the
// method, and after a refusal a hint.
func (q *Question) converse(ctx context.Context, cfg *config.Config, login aaa.Login, line config.Line,
	report *Report) (aaa.Result, error) {
	password, err := q.Password(ctx)
	if err != nil {
		return aaa.Result{}, err
	}
	r := aaa.Request{Service: q.Service, User: q.User, TTY: line.TTY, Caller: q.Caller, Called: q.Called, Explain: true}
	if q.Service == aaa.PPP {
		r.IPv6 = ipv6(cfg, line)
		p := peer{method: cmp.Or(q.Auth, auth.PAP), user: q.User, password: aaa.Secret(password)}
		report.Auth = p.method.String()
		res, err := p.converse(ctx, login, r)
		if res.Kind == aaa.Refused {
			report.Hint = p.hint()
		}
		return res, err
	}
	r.Password = aaa.Secret(password)
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

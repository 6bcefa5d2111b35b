package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/pppclient"
)

// online is a computer that is online.
type online struct {
	*pppclient.Host
	client  *pppclient.Client
	release func() // ends the watch of the carrier
}

// dialUp speaks PPP on the line: until the server has promised a callback, or until the computer is online.
func (s *subscriber) dialUp(ctx context.Context, c pppclient.Config) error {
	if s.online != nil {
		return errors.New("the line carries PPP already")
	}
	line, release := s.whileCarrier(ctx)
	ctx, cancel := context.WithTimeoutCause(line, s.within, fmt.Errorf("not online within %v", s.within))
	defer cancel()
	c.Tell = s.tell
	c.Text = func(octet byte) { s.show(string([]byte{octet})) }
	client := pppclient.New(s.in, s.dte, c)
	promise, err := client.Login(ctx)
	if err == nil && promise == nil {
		_, err = client.Connect(ctx)
	}
	if err == nil && promise == nil {
		var h *pppclient.Host
		if h, err = client.Online(line); err == nil {
			s.online = &online{h, client, release}
			return nil
		}
	}
	release()
	if err != nil {
		s.show(client.Leftover())
	}
	return err
}

var errCarrier = errors.New("the carrier was lost")

// whileCarrier returns a context that ends when the modem loses the carrier. release must be called.
func (s *subscriber) whileCarrier(ctx context.Context) (line context.Context, release func()) {
	line, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		for s.dte.Signals()&exchange.DCD != 0 {
			select {
			case <-s.dte.Changes():
			case <-line.Done():
				return
			}
		}
		cancel(errCarrier)
	})
	return line, func() { cancel(nil); watch.Wait() }
}

// tell writes a line of the computer's own onto the screen.
func (s *subscriber) tell(text string) {
	s.mu.Lock()
	start := s.atLineStart()
	s.mu.Unlock()
	text = "ppp: " + text + "\r\n"
	if !start {
		text = "\r\n" + text
	}
	s.show(text)
}

// pageLimit is the length to which a page is shown.
const pageLimit = 64 << 10

// fetch shows a page of a web server.
func (s *subscriber) fetch(ctx context.Context, page string) error {
	if s.online == nil {
		return errors.New("the computer is not online: use ppp first")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.within, fmt.Errorf("no page within %v", s.within))
	defer cancel()
	body, err := get(ctx, s.online.Host, page)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if down := s.online.Err(); err != nil && down != nil {
		return down
	}
	s.show(strings.ReplaceAll(body, "\n", "\r\n"))
	return err
}

func get(ctx context.Context, h *pppclient.Host, page string) (string, error) {
	web := &http.Client{Transport: &http.Transport{DialContext: h.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	answer, err := web.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, pageLimit))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the web server answers %s", answer.Status)
	}
	return string(body), err
}

// offline ends PPP in order, if the line carries it. The carrier stays.
func (s *subscriber) offline(ctx context.Context) {
	if s.online != nil {
		s.online.Close(ctx)
		s.online.release()
		s.online = nil
	}
}

// awaitOffline waits until the server has ended PPP, if the line carries it.
func (s *subscriber) awaitOffline(ctx context.Context, until time.Time) error {
	if s.online == nil {
		return nil
	}
	limit := time.NewTimer(time.Until(until))
	defer limit.Stop()
	select {
	case <-s.online.Done():
		if err := s.online.Err(); err != nil {
			s.tell(err.Error())
			s.show(s.online.client.Leftover())
		}
		s.offline(ctx)
		return nil
	case <-limit.C:
		return errTime
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// parsePPP reads the settings of the word ppp: user=NAME password=TEXT, and methods=, callback=, number=, delay=.
func parsePPP(text string) (*pppclient.Config, error) {
	c := &pppclient.Config{}
	for setting := range strings.FieldsSeq(text) {
		key, value, ok := strings.Cut(setting, "=")
		if !ok {
			return nil, fmt.Errorf("%q: expected KEY=VALUE", setting)
		}
		var err error
		switch key {
		case "user":
			c.User = value
		case "password":
			c.Password = value
		case "methods":
			for name := range strings.SplitSeq(value, ",") {
				m, bad := pppclient.ParseMethod(name)
				err = errors.Join(err, bad)
				c.Methods = append(c.Methods, m)
			}
		case "callback":
			c.Callback.Kind, err = pppclient.ParseCallbackKind(value)
		case "number":
			c.Callback.Number = value
		case "delay":
			if c.Callback.Delay, err = time.ParseDuration(value); err != nil {
				err = fmt.Errorf("%q: expected a time such as 5s", setting)
			}
		default:
			err = fmt.Errorf("unknown setting %q: use user, password, methods, callback, number or delay", key)
		}
		if err != nil {
			return nil, err
		}
	}
	if c.User == "" {
		return nil, errors.New("ppp needs user=NAME")
	}
	return c, nil
}

// checkPage checks the argument of fetch. A subscriber's computer has no DNS.
func checkPage(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil || u.Scheme != "http" {
		return fmt.Errorf("fetch %q: expected http:// and an IP address, such as http://10.8.0.1/", text)
	}
	return nil
}

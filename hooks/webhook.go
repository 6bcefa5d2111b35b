package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/certs"
)

// secretPrefix is that of the secrets of Standard Webhooks.
const secretPrefix = "whsec_"

// ParseSecret reads a secret as Standard Webhooks writes it: whsec_ and base64 of 24 to 64 octets.
func ParseSecret(text aaa.Secret) (aaa.Secret, error) {
	encoded, ok := strings.CutPrefix(string(text), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return "", errors.New("is no secret of Standard Webhooks: whsec_ and base64 of 24 to 64 octets")
	}
	return aaa.Secret(key), nil
}

// sign returns the value of webhook-signature.
func sign(key aaa.Secret, id string, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(m, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// CheckURL checks the address of a webhook: it must be https, or http to this machine itself.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("is no address (write https://host/path)")
	case u.User != nil:
		return errors.New("has a user name or password, which would be in the log (the signature authenticates)")
	case u.Fragment != "":
		return errors.New("has a fragment (#…), which is never sent")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("has the scheme %.20q (write https://)", u.Scheme)
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.IsLoopback() {
		return nil
	}
	return errors.New("is not encrypted (write https://; http:// is for 127.0.0.1 and [::1])")
}

// statusError is the error for an answer that is no success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string {
	s := fmt.Sprintf("the receiver answers %d %s", e.status, http.StatusText(e.status))
	if e.status >= 300 && e.status < 400 {
		return s + " (redirects are not followed: write the address that it names)"
	}
	if e.text != "" {
		s += fmt.Sprintf(": %.200q", e.text)
	}
	return s
}

// isGone reports whether a receiver wants no more messages.
func isGone(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.status == http.StatusGone
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 4096

// post makes one POST. It follows no redirect and uses no proxy. The connection is its own and is closed afterwards, so
// that a reload of the certificates needs nothing more.
func (h Hook) post(ctx context.Context, m Message) error {
	body := m.body()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "ringback")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", sign(h.Secret, m.ID, now, body))
	client := http.Client{
		Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true,
			TLSClientConfig:        &tls.Config{RootCAs: h.Roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address is in the configuration
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %v", h.Timeout)
		}
		return certs.Explain(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 == 2 {
		return nil // also if the rest of the answer is lost
	}
	if err != nil {
		text = nil
	}
	return &statusError{resp.StatusCode, strings.TrimSpace(string(text))}
}

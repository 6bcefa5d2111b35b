package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/ringback/ringback/bench/wire"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// layehLogins runs this program as a child that logs in with layeh.com/radius.
func layehLogins(ctx context.Context, self, server string, n int) (loginRun, error) {
	c, err := runChild(ctx, self, "-layeh", server, "-logins", fmt.Sprint(n))
	if err != nil {
		return loginRun{}, err
	}
	r := loginRun{childRun: c}
	if _, err := fmt.Sscanf(c.output, "%d granted", &r.granted); err != nil {
		return loginRun{}, fmt.Errorf("the logins of layeh.com/radius: %w: %s", err, c.output)
	}
	r.lost = n - r.granted
	return r, nil
}

// layeh is that child: n logins with radius.Exchange on one CPU, loginsAtOnce at a time.
func layeh(ctx context.Context, server string, n int) error {
	runtime.GOMAXPROCS(1) // as in `ringback aaa load` and radclient
	var granted atomic.Int64
	err := herd(loginsAtOnce, n, func(int) error {
		request, err := layehRequest()
		if err != nil {
			return err
		}
		reply, err := radius.Exchange(ctx, request, server)
		if err != nil {
			return err
		}
		if err := layehVerify(request, reply); err != nil {
			return err
		}
		if reply.Code == radius.CodeAccessAccept {
			granted.Add(1)
		}
		return nil
	})
	fmt.Printf("%d granted\n", granted.Load())
	return err
}

// layehRequest has the same attributes as radclient's request, and a Message-Authenticator.
func layehRequest() (*radius.Packet, error) {
	p := radius.New(radius.CodeAccessRequest, []byte(peerSecret))
	err := errors.Join(
		rfc2869.MessageAuthenticator_Set(p, make([]byte, 16)),
		rfc2865.UserName_SetString(p, "bench"),
		rfc2865.UserPassword_SetString(p, wire.Password),
		rfc2865.NASPort_Set(p, 1),
		rfc2865.NASPortType_Set(p, rfc2865.NASPortType_Value_Async),
		rfc2865.ServiceType_Set(p, rfc2865.ServiceType_Value_NASPromptUser),
	)
	if err != nil {
		return nil, err
	}
	mac, err := layehMAC(p)
	if err != nil {
		return nil, err
	}
	return p, rfc2869.MessageAuthenticator_Set(p, mac)
}

// layehMAC computes the Message-Authenticator of p.
func layehMAC(p *radius.Packet) ([]byte, error) {
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	h := hmac.New(md5.New, p.Secret)
	h.Write(b)
	return h.Sum(nil), nil
}

func layehVerify(request, reply *radius.Packet) error {
	got := rfc2869.MessageAuthenticator_Get(reply)
	if err := rfc2869.MessageAuthenticator_Set(reply, make([]byte, 16)); err != nil {
		return err
	}
	reply.Authenticator = request.Authenticator
	want, err := layehMAC(reply)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("a reply with a wrong Message-Authenticator")
	}
	return err
}

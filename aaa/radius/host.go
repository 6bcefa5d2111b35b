package radius

import (
	"fmt"

	"github.com/ringback/ringback/aaa"
)

// hostParts has the values of Login-IP-Host, Login-Service and Login-TCP-Port (RFC 2865 §5.14 to 5.16).
type hostParts struct {
	by      string // the attribute that named the host; "" if none
	address string
	service string // the attribute; "" if none
	n       uint32
	port    int
}

// loginServices maps each supported Login-Service to a service.
var loginServices = map[uint32]string{0: aaa.Telnet, 2: aaa.TCPClear}

// loginHost uses the first host; the caller is not asked to choose.
func (r *reading) loginHost(v value) error {
	if r.host.by != "" {
		return r.Left("an earlier host applies, ignored")
	}
	r.host.by, r.host.address = r.By, v.s
	switch v.s {
	case "0.0.0.0", "::":
		r.host.address = ""
	case "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff":
		r.host.address = "any"
	}
	return nil
}

func (r *reading) loginService(v value) error {
	r.host.service, r.host.n = r.By, v.n
	return nil
}

func (r *reading) loginPort(v value) error {
	if v.n < 1 || v.n > 65535 {
		return fmt.Errorf("%d is not a TCP port", v.n)
	}
	r.host.port = int(v.n)
	return nil
}

// concludeHost evaluates the host: it applies to Service-Type 1, 3 and none; without a host these mean the EXEC.
func (r *reading) concludeHost() error {
	h := &r.host
	if r.session != aaa.EXEC {
		return nil
	}
	if h.by == "" || r.service != nil && !r.service.host {
		why := "no Login-IP-Host, so the session is an EXEC, ignored"
		if h.by != "" {
			why = "the Service-Type grants a prompt, ignored"
			r.noteLater(h.by, why)
		}
		r.noteLater("Login-Service", why)
		r.noteLater("Login-TCP-Port", why)
		return nil
	}
	if by := r.Said("autocmd"); by != "" {
		return r.refuseLater(h.by, by+" runs a command instead of connecting to the host")
	}
	service, ok := loginServices[h.n]
	switch {
	case !ok:
		return r.refuseLater(h.service, fmt.Sprintf("%d (%s) is not supported (only Telnet and TCP-Clear are)", h.n,
			loginServiceNames[h.n]))
	case service == aaa.TCPClear && h.port == 0:
		return r.refuseLater(h.service, "TCP-Clear requires a Login-TCP-Port")
	case h.port == 0:
		h.port = 23
	}
	r.A.Host = &aaa.Host{Address: h.address, Service: service, Port: h.port}
	return nil
}

package aaatest

import (
	"errors"
	"net"
	"strings"

	"github.com/ringback/ringback/lab/servers"
)

// prepareRadSec finds a port for the TLS listener, and writes its certificate to the configuration directory.
func (f *FreeRADIUS) prepareRadSec(o *FreeRADIUSOptions) error {
	var err error
	if f.RadSec, err = QuietPort(); err != nil {
		return err
	}
	return o.RadSec.WriteFiles(f.Dir, radsecServer)
}

// radsecServer is the certificate of RADIUS servers over TLS.
var radsecServer = servers.Certificate{Name: "radius", Hosts: []string{"radius.example", "127.0.0.1"}, Server: true}

// withRadSec adds the TLS listener and its clients to a configuration.
func (f *FreeRADIUS) withRadSec(config string) (string, error) {
	const server, modules = "server ringback {\n", "modules {\n"
	if !strings.Contains(config, server) || !strings.Contains(config, modules) {
		return "", errors.New("the configuration has no `server ringback` or no `modules`")
	}
	listener, err := peerFile("radsec.conf.in")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(f.RadSec)
	if err != nil {
		return "", err
	}
	config = strings.Replace(config, server, server+strings.ReplaceAll(listener, "@RADSEC@", port), 1)
	return strings.Replace(config, modules,
		"clients radsec {\n\tclient 127.0.0.1 {\n\t\tipaddr = 127.0.0.1\n\t\tproto = tls\n\t\tsecret = "+
			"radsec\n\t}\n}\n"+modules, 1), nil
}

package config

import (
	"fmt"

	"github.com/ringback/ringback/listener"
	"github.com/ringback/ringback/schema"
)

// maxSessions is the most sessions that a listener can have.
const maxSessions = 1000

// listenKeys are those of an element of `listen`.
func listenKeys() []schema.Key {
	keys := []schema.Key{
		{Name: "address", Required: true, Check: checkAnyListen, Example: "127.0.0.1:2023",
			Doc: "Address and port. Beyond loopback, passwords must not pass in the clear: see `tls` and `insecure`."},
		{Name: "protocol", Required: true, Enum: listener.Protocols, Example: string(listener.Telnet),
			Doc: "`telnet`; `rfc2217`, Telnet for programs that drive a serial port; `raw`, octets over TCP; `ssh`."},
		{Name: "to", Enum: []string{toVTY}, Example: toVTY,
			Doc: "`vty`: users reach the EXEC. One of `to`, `line` and `rotary` is required."},
		{Name: "line", Type: schema.Int, Min: 1, Max: schema.MaxTTY, Example: "65",
			Doc: "Users reach the modem of this line."},
		{Name: "rotary", Type: schema.Int, Min: 0, Max: maxRotary, Example: "1",
			Doc: "Users reach the modem of a free line of this rotary."},
		{Name: "queue", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "With `line` or `rotary`: a user waits for a line if none is free, administrators (privilege level " +
				"15) before others, and reads their place. Default: the user reads what uses the line, and is " +
				"disconnected."},
		{Name: "raw", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty}, Example: "[operators]",
			Doc: "With `line` or `rotary`: groups whose users talk to the modem itself, and not to the AT prompt. " +
				"Their policy must have `raw_access: true`."},
		{Name: "sessions", Type: schema.Int, Min: 1, Max: maxSessions, Default: "16", Example: "5",
			Doc: "Most connections at the same time, with those before a login. Further ones read that all are in " +
				"use."},
		{Name: "tls", Type: schema.Object,
			Doc: "Certificates: clients speak TLS first. The files are read at the start and at each reload.",
			Keys: []schema.Key{
				{Name: "cert_file", Check: checkFileName, Required: true, Example: "vty.crt",
					Doc: "Certificate of the daemon, in PEM."},
				{Name: "key_file", Check: checkFileName, Required: true, Example: "vty.key",
					Doc: "Its key, in PEM."},
				{Name: "client_ca_file", Check: checkFileName, Example: "clients-ca.crt",
					Doc: "Certificates of the authorities that sign those of the clients, in PEM; they still log in. " +
						"Default: clients need no certificate."},
			}},
		{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Accepts that `telnet`, `rfc2217` or `raw` without `tls` passes beyond this machine: anyone on the " +
				"path can read passwords and change what is typed."},
	}
	for _, k := range ListKinds {
		if k.network() {
			keys = append(keys, schema.Key{Name: k.Name, Check: schema.NotEmpty, Default: defaultList, Example: k.name,
				Doc: k.lineDoc})
		}
	}
	return keys
}

// toVTY is the target of users of the EXEC.
const toVTY = "vty"

// listenKey is the row of `listen`.
func listenKey() schema.Key {
	return schema.Key{Name: "listen", Reload: schema.NewCalls, Type: schema.List,
		Elem: &schema.Key{Type: schema.Object, Keys: listenKeys()},
		Doc: fmt.Sprintf("Doors for users who come over the network. Each logs in as a caller does; the client's "+
			"address takes the place of the calling number. A reload opens new addresses and closes removed ones, "+
			"whose sessions go on. At most %d. See [The console server](../how-to/console-server.md).", maxListeners)}
}

// maxListeners is the most elements of `listen`.
const maxListeners = 100

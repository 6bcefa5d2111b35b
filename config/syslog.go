package config

import (
	"os"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/syslog"
)

// facilities are those of RFC 5424 §6.2.1 by their usual names. The kernel's is not for programs.
var facilities = map[string]int{
	"user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
	"authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21,
	"local6": 22, "local7": 23,
}

func syslogKeys() []schema.Key {
	tls := append(tlsKeys(), minVersionKey("Minimum version of TLS. `1.2` is for an old server."))
	schema.Find(tls, "server_name").Example = "syslog.example.net"
	return []schema.Key{
		{Name: "address", Required: true, Check: checkSyslog, Example: "tls://syslog.example.net:6514",
			Doc: "`tls://HOST:6514`, `tcp://HOST:601`, `udp://HOST:514` or `unix:///dev/log`. The port may be " +
				"omitted."},
		{Name: "level", Enum: []string{"debug", "info", "warn", "error"}, Default: "info", Example: "warn",
			Doc: "Minimum level of the records that are sent."},
		{Name: "facility", Default: "local7", Example: "daemon", Enum: []string{"user", "mail", "daemon", "auth",
			"syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "local0", "local1", "local2", "local3",
			"local4", "local5", "local6", "local7"}, Doc: "Facility of the records."},
		{Name: "hostname", Check: checkHostname, Example: "maui-nas-04.example.net",
			Doc: "Name of this machine in the records. Default: the system's."},
		{Name: "enterprise", Type: schema.Int, Min: 1, Max: 1<<31 - 1, Default: "32473", Example: "32473",
			Doc: "Private enterprise number in the name of the structured data, `ringback@32473`. The default is the " +
				"number for examples (RFC 5612): use your own if your servers select by it."},
		{Name: "tls", Type: schema.Object, Doc: "With `tls://`.", Keys: tls},
	}
}

func checkSyslog(s string) error {
	_, err := syslog.ParseServer(s)
	return err
}

// syslog reads `log.syslog`; nil if there is none, or an error in it.
func (l *loader) syslog(v *schema.Value) *Syslog {
	address := l.text("log.syslog.address")
	if address == "" || l.broken("log") {
		return nil
	}
	server, err := syslog.ParseServer(address)
	if err != nil { // the check of the key has reported it
		return nil
	}
	tls := v.Get("tls")
	switch {
	case server.Network != syslog.TLS && tls.IsSet():
		l.errorAt(tls, "write address: tls://…, or remove tls", "%s is not over TLS", server)
		return nil
	case server.Network == syslog.TLS:
		files, ok := l.certificates(tls)
		if !ok {
			return nil
		}
		server.TLS = files
	case server.Network != syslog.Unix:
		l.warnAt(v.Get("address"), "write tls://… if the server can", "%s is not encrypted: the records have the "+
			"names and numbers of users, and anyone on the path can read, change and forge them", server)
	}
	s := &Syslog{Server: server, Level: l.text("log.syslog.level"),
		Facility: facilities[l.text("log.syslog.facility")], Hostname: l.text("log.syslog.hostname"),
		Enterprise: l.int("log.syslog.enterprise")}
	if s.Hostname == "" {
		s.Hostname, _ = os.Hostname() // "" is NILVALUE
	}
	return s
}

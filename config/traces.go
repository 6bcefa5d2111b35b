package config

import (
	"strings"

	"github.com/ringback/ringback/otlp"
	"github.com/ringback/ringback/schema"
)

func tracesKeys() []schema.Key {
	tls := append(tlsKeys(), minVersionKey("Minimum version of TLS. `1.2` is for an old collector."))
	schema.Find(tls, "server_name").Example = "collector.example.net"
	return []schema.Key{
		{Name: "endpoint", Required: true, Check: otlp.CheckEndpoint,
			Example: "https://collector.example.net:4318/v1/traces",
			Doc:     "URL of the collector that takes OTLP over HTTP with JSON."},
		{Name: "identities", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "The names of users, their numbers and the reasons of failures are in the spans."},
		{Name: "tls", Type: schema.Object, Doc: "With `https://`.", Keys: tls},
	}
}

// traces reads `traces`.
func (l *loader) traces(v *schema.Value) Traces {
	t := Traces{Endpoint: l.text("traces.endpoint"), Identities: l.bool("traces.identities")}
	if t.Endpoint == "" || l.broken("traces") {
		return Traces{}
	}
	tls := v.Get("tls")
	if !strings.HasPrefix(t.Endpoint, "https:") {
		if tls.IsSet() {
			l.errorAt(tls, "write endpoint: https://…, or remove tls", "%s is not over TLS", t.Endpoint)
		}
		if t.Identities {
			l.warnAt(v.Get("identities"), "write https://…, or remove identities",
				"names and numbers of users are sent to %s without encryption", t.Endpoint)
		}
		return t
	}
	t.TLS, _ = l.certificates(tls)
	return t
}

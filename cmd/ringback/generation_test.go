package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

// A session is accounted where it began, whatever a reload says of later ones.
func TestGenerations(t *testing.T) {
	t.Parallel()
	const text = `hostname: h
users: [{name: kim, password_file: password}]
aaa:
  radius: [{name: r1, address: "127.0.0.1:1", accounting: "127.0.0.1:1", secret_file: secret}]
  tacacs: [{name: t1, address: "127.0.0.1:1", secret_file: secret}]
  lists: {login: {default: [local]}, accounting: {default: {record: start-stop, methods: [METHOD]}}}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`
	of := func(method string) *methods {
		cfg := loaded(t, strings.Replace(text, "METHOD", method, 1))
		return methodsOf(t, cfg)
	}
	first, same, last := of("radius"), of("radius"), of("tacacs")
	now := time.Now()
	noon := now.Add(-time.Hour)
	// radius until noon, radius again, and tacacs since half past.
	d := &daemon{old: []generation{{first, noon}, {same, noon.Add(30 * time.Minute)}}, methods: last}
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	for name, tt := range map[string]struct {
		r    aaa.Record
		want *methods
	}{
		"begun and ended before":              {aaa.Record{Type: aaa.Stop, Time: at(-1), SessionTime: time.Minute}, first},
		"begun before, ends now":              {aaa.Record{Type: aaa.Stop, Time: now, SessionTime: now.Sub(at(-5))}, first},
		"begun under the second":              {aaa.Record{Type: aaa.Interim, Time: now, SessionTime: now.Sub(at(10))}, same},
		"a Start that waited":                 {aaa.Record{Type: aaa.Start, Time: at(10)}, same},
		"begun since":                         {aaa.Record{Type: aaa.Stop, Time: now, SessionTime: time.Minute}, last},
		"the access server's own":             {aaa.Record{Type: aaa.On, Time: at(-1)}, last},
		"of a list that nobody had (default)": {aaa.Record{Type: aaa.Stop, Time: at(-1), List: "gone"}, first},
	} {
		if got := d.generation(tt.r, now); got != tt.want {
			t.Errorf("%s: another generation", name)
		}
	}
	if got := d.generation(aaa.Record{Type: aaa.Stop, Time: at(-1)}, now.Add(2*generationKept)); got != last {
		t.Error("servers that were taken out hold records for ever")
	}
	// The same servers under the newer configuration are as good.
	d = &daemon{old: []generation{{first, noon}}, methods: same}
	if got := d.generation(aaa.Record{Type: aaa.Stop, Time: at(-1)}, now); got != same {
		t.Error("an old client is used though the new one has the same servers")
	}
}

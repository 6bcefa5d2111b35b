package filter

import (
	"fmt"
	"testing"
)

// BenchmarkIn judges a packet that only the last rule matches; ns/rule is the time divided by the number of rules.
func BenchmarkIn(b *testing.B) {
	for _, p := range []struct {
		name string
		spec spec
		last string
	}{
		{"IPv4", to(mail, 6, 25), "allow tcp 192.0.2.25:25"},
		{"IPv6", to(mail6, 6, 25), "allow tcp [2001:db8::25]:25"},
	} {
		for _, n := range []int{1, 10, 100} {
			var rules []string
			for i := range n - 1 {
				rules = append(rules, fmt.Sprintf("deny tcp 192.0.2.25:%d", 1000+i))
			}
			f := mustParse(b, Config{In: append(rules, p.last)})
			packet := p.spec.build()
			b.Run(fmt.Sprintf("%s/%d", p.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !f.In(packet).Pass {
						b.Fatal("denied")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/rule")
			})
		}
	}
}

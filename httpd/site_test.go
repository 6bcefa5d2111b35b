package httpd

import "testing"

func TestHostOf(t *testing.T) {
	for header, want := range map[string]string{"nas.example": "nas.example", "nas.example:8443": "nas.example",
		"[::1]:8443": "::1", "[::1]": "::1", "127.0.0.1:80": "127.0.0.1", "": ""} {
		if got := HostOf(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		origin, host string
		want         bool
	}{
		{"https://nas.example:8443", "nas.example:8443", true},
		{"https://NAS.example", "nas.example", true},
		{"https://nas.example", "nas.example:8443", false},
		{"https://nas.example.evil", "nas.example", false},
		{"https://nas.example@evil", "nas.example", false},
		{"null", "nas.example", false},
		{"", "", false},
		{"://", "nas.example", false},
	} {
		if got := SameOrigin(c.origin, c.host); got != c.want {
			t.Errorf("%q at %q: %v", c.origin, c.host, got)
		}
	}
}

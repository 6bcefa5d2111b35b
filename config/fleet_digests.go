package config

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/ringback/ringback/schema"
)

// FleetDigests returns the digests of what all nodes of a fleet must have alike: a callback that one node promised
// must mean the same on another.
func (c *Config) FleetDigests() map[string]string {
	of := func(prefixes ...string) string {
		h := sha256.New()
		eachKey("", Keys(), func(path string, _ schema.Key) {
			for _, p := range prefixes {
				if strings.HasPrefix(path, p) {
					digest := c.written[path]
					h.Write(digest[:])
				}
			}
		})
		return hex.EncodeToString(h.Sum(nil))
	}
	return map[string]string{"entries": of("aaa.lists.", "aaa.groups"), "numbers": of("numbers.", "places"),
		"policies": c.Policies.Digest()}
}

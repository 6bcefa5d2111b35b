package fleettest

import (
	"testing"

	"github.com/ringback/ringback/broker/fleet"
)

func TestContract(t *testing.T) {
	Contract(t, func(*testing.T) func(string) fleet.Authority {
		f := New()
		return func(node string) fleet.Authority { return f.Node(node) }
	})
}

package postgres

import (
	"testing"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
)

// TestPeerContract: the authority over a real server does what every authority does.
func TestPeerContract(t *testing.T) {
	fleettest.Contract(t, func(t *testing.T) func(string) fleet.Authority { return newTown(t).open })
}

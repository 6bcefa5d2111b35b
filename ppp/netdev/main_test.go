package netdev

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a goroutine is left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

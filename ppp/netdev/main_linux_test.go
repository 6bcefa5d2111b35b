package netdev

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a goroutine is left. In the namespace of TestPeerNamespace it sets loopback up.
func TestMain(m *testing.M) {
	if os.Getenv(inNamespace) != "" {
		if err := setUpNamespace(); err != nil {
			fmt.Println("set up the namespace:", err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

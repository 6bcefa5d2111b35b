//go:build !unix

package port

// awaitReadable cannot wait here without a buffer: it returns, and the Read that follows waits.
func awaitReadable(any) {}

//go:build !unix

package port

// awaitReadable cannot wait here without a buffer: it returns, and the next Read waits.
func awaitReadable(any) {}

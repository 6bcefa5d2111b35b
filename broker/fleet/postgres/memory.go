package postgres

import "sync"

// memory is what this process has seen of callbacks: the marks against rows that went back, and the rows of its own
// claims.
type memory struct {
	mu sync.Mutex
}

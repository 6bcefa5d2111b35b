package orders

import (
	"encoding/json"
	"time"
)

// DrainArgs are the Args of fleet.Drain.
type DrainArgs struct {
	For time.Duration `json:"for,omitempty"` // 0: until it is ended
}

// LockdownArgs are the Args of fleet.Lockdown.
type LockdownArgs struct {
	Sessions bool `json:"sessions,omitempty"`
}

// Args returns the arguments of a verb as JSON. A node ignores what it does not know.
func Args(v any) string {
	text, _ := json.Marshal(v) // of plain values
	return string(text)
}

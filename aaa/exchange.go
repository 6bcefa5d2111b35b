package aaa

import (
	"context"
	"time"
)

// Purpose is what a server is asked for.
type Purpose string

// The purposes of exchanges.
const (
	Authentication Purpose = "authentication" // with RADIUS, which answers both at once, also authorization
	Authorizing    Purpose = "authorization"
	Accounting     Purpose = "accounting"
)

// Exchange is a question to a server and what came of it, for measurements.
type Exchange struct {
	Server  string // its name
	Purpose Purpose
	Result  Kind          // Granted also: the record was acknowledged
	Took    time.Duration // with all repetitions, to the answer or the end of the wait
}

// Observe reports an exchange that began at a time to f, unless f is nil or the caller has left (ctx): that says
// nothing about the server.
func Observe(ctx context.Context, f func(Exchange), began time.Time, server string, what Purpose, result Kind) {
	if f == nil || result == Silent && ctx.Err() != nil {
		return
	}
	f(Exchange{Server: server, Purpose: what, Result: result, Took: time.Since(began)})
}

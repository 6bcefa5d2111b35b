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

// About is whose request or record an exchange is about.
type About struct {
	User string // as it is sent to the server; "" none
	TTY  int    // 0: none
}

// About returns what an exchange with the request is about.
func (r Request) About() About { return About{r.User, r.TTY} }

// About returns what an exchange with the record is about.
func (r Record) About() About { return About{r.User, r.TTY} }

// Observe reports an exchange that began at a time to f, unless f is nil or the caller has left (ctx): that says
// nothing about the server.
func Observe(ctx context.Context, f func(Exchange), began time.Time, server string, what Purpose, result Kind) {
	if f == nil || result == Silent && ctx.Err() != nil {
		return
	}
	f(Exchange{Server: server, Purpose: what, Result: result, Took: time.Since(began)})
}

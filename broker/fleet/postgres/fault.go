package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/certs"
)

// fault is why something was not done, with one of the errors of package fleet.
type fault struct {
	kind    error
	text    string
	cause   error
	standby bool   // the server is a standby
	fix     string // what an operator does about it, for Check; "" if it depends on what was asked
}

// Error implements error.
func (f *fault) Error() string { return f.kind.Error() + ": " + f.text }

// Unwrap implements the errors of package errors.
func (f *fault) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// failed takes an error of a connection in use, and returns what it means. After one that says that the server does not
// take writes any more, or does not answer, all connections are closed.
func (p *pool) failed(c *conn, err error) error {
	if err == nil {
		return nil
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		if moved(refused.Code) {
			p.reset()
		}
	} else if c.IsClosed() {
		p.reset()
	}
	return p.opt.explain(p.opt.Addresses[c.address], err)
}

// moved reports that a server with this error will not take writes on its connections.
func moved(code string) bool {
	return code == "25006" || strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "08")
}

// explain returns what an error of PostgreSQL, or of the way to it, means and how to mend it. Errors that the caller
// must judge are returned as they are: those of constraints, of conversions and of its own functions.
func (o *Options) explain(address string, err error) error {
	var known *fault
	var refused *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, fleet.ErrUnknown):
		return err
	case errors.As(err, &refused):
		if text := o.refusal(address, refused); text != "" {
			return &fault{kind: kindOf(refused.Code), text: text, cause: err, fix: o.fixOf(refused.Code)}
		}
		return err
	}
	if text := o.unreached(address, err); text != "" {
		return &fault{kind: fleet.ErrAway, text: text, cause: err, fix: fixOfWay(err)}
	}
	return err
}

// fixOf returns what an operator does about an error of a server.
func (o *Options) fixOf(code string) string {
	switch code {
	case "28P01":
		return fmt.Sprintf("write the password of user %s to fleet.postgres.password_file, or change it there (ALTER "+
			"ROLE %s PASSWORD ...)", o.User, o.User)
	case "28000":
		return fmt.Sprintf("allow user %s in pg_hba.conf of the server, or create the user (createuser %s)", o.User,
			o.User)
	case "3D000":
		return fmt.Sprintf("create it (createdb -O %s %s), then run 'ringback fleet migrate'", o.User, o.Database)
	case "53300":
		return "raise max_connections there, end connections that nobody uses, or use PgBouncer"
	case "53100":
		return "free space on the server's disk"
	case "55P03", "57014":
		return "end the transaction that has the lock (pg_locks, pg_terminate_backend)"
	}
	return ""
}

// fixOfWay returns what an operator does about an error of the way to a server.
func fixOfWay(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "correct the name in fleet.postgres.addresses, or the name service of this machine"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return "start the server, or correct fleet.postgres.addresses and listen_addresses of the server"
	case refusesTLS(err):
		return "set ssl = on in postgresql.conf, or remove fleet.postgres.tls"
	case aboutTLS(err):
		return "correct ca_file and server_name in fleet.postgres.tls, or the certificate of the server"
	}
	return ""
}

// refusesTLS reports whether a server has no TLS. The error has no type in pgconn.
func refusesTLS(err error) bool { return strings.Contains(err.Error(), "server refused TLS") }

// aboutTLS reports whether an error is of a certificate, or of a handshake.
func aboutTLS(err error) bool {
	var untyped tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	_, alerted := certs.Alert(err)
	return alerted || errors.As(err, &certificate) || errors.As(err, &untyped) ||
		strings.Contains(err.Error(), "tls: ") // most errors of crypto/tls have no type
}

// ofTLS returns the one error of crypto/tls in what pgx has made of it, which repeats the user and the address.
func ofTLS(err error) error {
	var certificate *tls.CertificateVerificationError
	var alert *net.OpError
	if errors.As(err, &certificate) {
		return certificate
	}
	if _, alerted := certs.Alert(err); alerted && errors.As(err, &alert) {
		return alert
	}
	for {
		var inner error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			inner = e.Unwrap()
		case interface{ Unwrap() []error }:
			inner = e.Unwrap()[0]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}

// kindOf says whether the way to the server must change, or what it has.
func kindOf(code string) error {
	switch code {
	case "42501", "42P01", "42703", "42883", "3F000":
		return fleet.ErrNotMember
	}
	return fleet.ErrAway
}

// refusal explains an error of a server; "": the caller must judge it.
func (o *Options) refusal(address string, e *pgconn.PgError) string {
	at := "PostgreSQL"
	if address != "" {
		at += " at " + address
	}
	switch e.Code {
	case "28P01":
		return fmt.Sprintf("%s rejects the password of user %s (fleet.postgres.password_file)", at, o.User)
	case "28000":
		return fmt.Sprintf("%s rejects user %s: %s (see pg_hba.conf of the server)", at, o.User, e.Message)
	case "3D000":
		return fmt.Sprintf("%s has no database %s: create it (createdb -O %s %s)", at, o.Database, o.User, o.Database)
	case "53300":
		return fmt.Sprintf("%s has no connection left: %s (raise max_connections there, or use PgBouncer)", at,
			e.Message)
	case "53100":
		return at + " has no disk space left: " + e.Message
	case "42501":
		return fmt.Sprintf("%s: user %s has no right to it: %s (run 'ringback fleet migrate' as the owner of the "+
			"tables, with --grant %s)", at, o.User, e.Message, o.User)
	case "42P01", "42703", "42883", "3F000":
		return fmt.Sprintf("the tables of database %s are not those of this version: %s (run 'ringback fleet "+
			"migrate')", o.Database, e.Message)
	case "25006":
		return at + " takes no writes now: it is a standby, or read-only"
	case "55P03", "57014":
		return fmt.Sprintf("%s: a table or row was locked for longer than %v: %s", at, o.Timeout, e.Message)
	}
	for _, class := range []string{"08", "25", "28", "40", "53", "54", "55", "57", "58", "XX"} {
		if strings.HasPrefix(e.Code, class) {
			return fmt.Sprintf("%s: %s (SQLSTATE %s)", at, e.Message, e.Code)
		}
	}
	return ""
}

// unreached explains an error of the way to a server; "": it is none.
func (o *Options) unreached(address string, err error) string {
	at := "PostgreSQL"
	if address != "" {
		at += " at " + address
	}
	var lost net.Error
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &dns):
		return fmt.Sprintf("%s: %v", at, dns)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return at + " does not run, or does not listen there (connection refused)"
	case errors.Is(err, fs.ErrPermission):
		return at + ": the socket may not be opened: " + err.Error()
	case refusesTLS(err):
		return at + " does not use TLS (ssl = on in postgresql.conf)"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &lost) && lost.Timeout():
		return fmt.Sprintf("%s does not answer within %v", at, o.Timeout)
	case errors.Is(err, context.Canceled):
		return "the operation was canceled"
	}
	if aboutTLS(err) {
		return fmt.Sprintf("%s: TLS: %v", at, certs.Explain(ofTLS(err)))
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) || errors.As(err, &lost) || pgconn.SafeToRetry(err) || lostConn(err) {
		return fmt.Sprintf("%s: %v", at, err)
	}
	return ""
}

// lostConn reports that a connection has ended.
func lostConn(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "conn closed") // has no type in pgconn
}

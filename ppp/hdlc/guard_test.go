package hdlc

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"testing"
)

// The rules of the modem driver for data that a call writes. They are copies of lines/modem, which does not export
// them; TestGuardIsTheDrivers compares the code.

// suspect tracks the data that a call writes, since the last CR.
type suspect struct {
	a  bool
	at bool
	n  int
}

func (s *suspect) add(b []byte) (any bool) {
	for _, c := range b {
		c = c & 0x7f
		switch {
		case c == 0:
			continue
		case s.at:
			any = true
			if s.n++; c == '\r' {
				*s = suspect{}
			}
		case s.a && (c == 'T' || c == 't' || c == '/'):
			s.at, s.n, any = true, 2, true
		default:
			s.a = c == 'A' || c == 'a'
		}
	}
	return any
}

// driverEscapes has the fields of the driver's type escapes that next uses.
type driverEscapes struct {
	char   byte
	late   bool
	run    int
	waited bool
}

func (e *driverEscapes) next(b []byte) (n, skip int, wait bool) {
	if e.char == 0 {
		return len(b), 0, false
	}
	for i, c := range b {
		switch c & 0x7f {
		case e.char:
			if e.run < 2 {
				e.run++
				continue
			}
			switch {
			case !e.late:
				return i, 1, false
			case !e.waited || i > 0:
				return i, 0, true
			}
			e.waited, e.run = false, 1
		case 0, 0x11, 0x13:
		default:
			e.run = 0
		}
	}
	return len(b), 0, false
}

// body returns the code of a method, without its receiver and comments.
func body(t *testing.T, file, receiver, name string) string {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		m, ok := d.(*ast.FuncDecl)
		if !ok || m.Name.Name != name || m.Recv == nil {
			continue
		}
		if p, ok := m.Recv.List[0].Type.(*ast.StarExpr); !ok || p.X.(*ast.Ident).Name != receiver {
			continue
		}
		var b bytes.Buffer
		if err := printer.Fprint(&b, token.NewFileSet(), m.Body); err != nil { // no positions: one layout
			t.Fatal(err)
		}
		return b.String()
	}
	t.Fatalf("%s: no method %s of %s", file, name, receiver)
	return ""
}

func TestGuardIsTheDrivers(t *testing.T) {
	for _, tc := range []struct{ file, receiver, name, copied string }{
		{"guard.go", "suspect", "add", "suspect"},
		{"escape.go", "escapes", "next", "driverEscapes"},
	} {
		driver := body(t, "../../lines/modem/"+tc.file, tc.receiver, tc.name)
		if here := body(t, "guard_test.go", tc.copied, tc.name); here != driver {
			t.Errorf("lines/modem/%s: %s.%s has changed: copy it to guard_test.go; the Encoder must obey the new rule",
				tc.file, tc.receiver, tc.name)
		}
	}
}

// onTheWire is what the driver's rules make of everything that one Encoder sends.
type onTheWire struct {
	guard  suspect
	others []*driverEscapes
}

func newOnTheWire(escapes []byte) *onTheWire {
	w := &onTheWire{}
	for _, c := range escapes {
		w.others = append(w.others, &driverEscapes{char: c & 0x7f})
	}
	return w
}

// add returns what the driver would do with octets other than to send them at once; "" for nothing.
func (w *onTheWire) add(b []byte) (what string) {
	for _, e := range w.others {
		if n, _, _ := e.next(b); n < len(b) {
			what = "stopped at an escape character"
		}
	}
	if w.guard.add(b) {
		what = "delayed as a command"
	}
	return what
}

package radius

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// Dialects says how the replies of one server differ from the usual. The zero value is correct for servers that send
// RFC and vendor attributes.
type Dialects struct {
	// AscendTypes: the server sends Ascend's attributes as plain RADIUS types, as before Vendor-Specific existed. Then
	// all types from 105 to 254 are Ascend's, even if later RFCs define them. Without it, only types without another
	// meaning are Ascend's: 192 to 254, except that a type from 241 to 246 (RFC 6929) is Ascend's only if its value has
	// four octets and the first is 0, an extended type that RFC 6929 reserves.
	AscendTypes bool
	// ClassGroups: a Class names a group, as NAME or OU=NAME;. Otherwise its content has a meaning only for the server
	// (RFC 2865 §5.25).
	ClassGroups bool
	// SeveralNumbers: a reply may have several Callback-Number, which are the numbers of the user in their order. RFC
	// 2865 §5.44 allows one.
	SeveralNumbers bool
	// Terse leaves Attributes and Readings empty if the Authorization neither requires a callback nor refuses: nobody
	// needs them explained.
	Terse bool
	// Secret and Authenticator (of the Access-Request, 16 octets) decrypt Ascend-Send-Secret; without them it is
	// ignored.
	Secret        aaa.Secret
	Authenticator []byte
}

// Authorize returns what the attributes of an Access-Accept grant to a session of the given kind ("" is EXEC). It never
// panics. If an attribute cannot be honored, Refuse is set and names it, and nothing is granted. Dial strings are not
// checked against the number plan: the caller must do that.
func (d Dialects) Authorize(session aaa.Service, attrs radius.Attributes) aaa.Authorization {
	if session == "" {
		session = aaa.EXEC
	}
	r := readings.Get().(*reading)
	defer r.free()
	r.Dialects, r.session = d, session
	for it := range d.items(attrs) {
		r.take(it)
	}
	if r.err == nil {
		r.err = r.conclude()
	}
	if r.err != nil {
		r.A.Refuse = r.err.Error()
		r.A = r.A.Ungranted()
	}
	if !d.Terse || r.A.Callback || r.A.Refuse != "" {
		r.tell()
	}
	return r.A
}

// tell records how each attribute was interpreted: in Readings, and in Attributes, where the lines `Name = value` are
// followed by lines with # that say what was ignored or refused.
func (r *reading) tell() {
	told, lines := make([]aaa.Reading, len(r.judged)), make([]string, 0, len(r.judged))
	for i, o := range r.judged {
		rd := aaa.Reading{Dialect: o.it.source(), Attribute: o.it.name(), Value: o.it.value(), Field: o.field,
			Note: o.note}
		told[i], lines = rd, append(lines, rd.Attribute+" = "+rd.Value)
	}
	for _, o := range r.judged {
		if o.note != "" && o.note != unknown && o.note != unused && o.note != verified {
			lines = append(lines, "# "+o.by+": "+o.note)
		}
	}
	r.A.Readings, r.A.Attributes = told, lines
}

const (
	unknown = "unknown, ignored"
	unused  = "not used, ignored"

	verified = "verified" // before any other attribute was read
	refused  = "refused: "
)

// item is one attribute of a packet, or one vendor attribute from inside a Vendor-Specific.
type item struct {
	dialect *dialect // nil: a vendor without a table
	rule    *rule    // nil: an attribute without a row
	vendor  uint32
	typ     uint32
	raw     bool // an Ascend attribute as a plain type
	cut     bool // a truncated Vendor-Specific
	octets  radius.Attribute
}

// items yields the attributes in the order of the packet.
func (d Dialects) items(attrs radius.Attributes) iter.Seq[item] {
	return func(yield func(item) bool) {
		for _, a := range attrs {
			switch {
			case a.Type == rfc2865.VendorSpecific_Type:
				if !vendorItems(a.Attribute, yield) {
					return
				}
			case !yield(d.plain(uint32(a.Type), a.Attribute)):
				return
			}
		}
	}
}

// plain returns the item of an attribute that is not a Vendor-Specific.
func (d Dialects) plain(typ uint32, octets radius.Attribute) item {
	if d.isAscend(typ, octets) {
		if rule := ascend.byType[typ]; rule != nil {
			return item{dialect: ascend, rule: rule, typ: typ, raw: true, octets: octets}
		}
	}
	return item{dialect: rfc, rule: rfc.byType[typ], typ: typ, octets: octets}
}

func (d Dialects) isAscend(typ uint32, octets radius.Attribute) bool {
	switch {
	case d.AscendTypes:
		return typ >= firstAscendType
	case typ >= 241 && typ <= 246:
		return len(octets) == 4 && octets[0] == 0
	}
	return typ >= 192
}

// vendorItems yields the attributes in a Vendor-Specific (RFC 2865 §5.26). It returns false if yield did.
func vendorItems(octets radius.Attribute, yield func(item) bool) bool {
	if len(octets) < 5 {
		return yield(item{dialect: rfc, typ: uint32(rfc2865.VendorSpecific_Type), cut: true, octets: octets})
	}
	vendor, data := binary.BigEndian.Uint32(octets), octets[4:]
	d := vendors[vendor]
	if d == nil {
		return yield(item{vendor: vendor, octets: data})
	}
	header := max(d.types, 1)
	if !d.bare {
		header++
	}
	for {
		n := len(data)
		if n >= header && !d.bare {
			n = int(data[header-1])
		}
		if len(data) < header || n < header || n > len(data) {
			return yield(item{dialect: d, vendor: vendor, cut: true, octets: data})
		}
		t := vendorType(data[:max(d.types, 1)])
		if !yield(item{dialect: d, rule: d.byType[t], vendor: vendor, typ: t, octets: data[header:n]}) {
			return false
		}
		if data = data[n:]; len(data) == 0 {
			return true
		}
	}
}

func vendorType(b []byte) uint32 {
	var t uint32
	for _, c := range b {
		t = t<<8 | uint32(c)
	}
	return t
}

// reading is one Access-Accept being read.
type reading struct {
	Dialects
	session aaa.Service
	pairs.Grant
	err error // about the first attribute that cannot be honored

	seen    []seen
	service *serviceType
	host    hostParts

	judged []judgement
}

// readings reuses memory, because allocations dominate the cost of reading an Accept. Nothing of a reply is kept.
var readings = sync.Pool{New: func() any { return new(reading) }}

const maxKept = 64 // attributes; the memory for a longer reply is not reused

func (r *reading) free() {
	if cap(r.judged) > maxKept {
		return
	}
	clear(r.seen)
	clear(r.judged)
	r.Reset()
	r.Dialects, r.err, r.service, r.host = Dialects{}, nil, nil, hostParts{}
	r.seen, r.judged = r.seen[:0], r.judged[:0]
	readings.Put(r)
}

// judgement is how one attribute was interpreted.
type judgement struct {
	it              item
	by, field, note string // by: its name, for a pair with the pair's name
}

// seen is a rule that was applied, and the value. A reply may contain both an Ascend plain type and the vendor
// attribute.
type seen struct {
	rule   *rule
	raw    bool
	octets radius.Attribute
}

// take reads one attribute. After the first one that cannot be honored, the others are read only to explain them.
func (r *reading) take(it item) {
	r.Begin(it.name())
	err := r.honor(it)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", r.By, err)
	}
	o := judgement{it, r.By, r.Field, r.Note}
	if err != nil {
		o.field, o.note = "", refused+err.Error()
	}
	r.judged = append(r.judged, o)
}

func (r *reading) honor(it item) error {
	switch {
	case it.cut:
		return errors.New("truncated")
	case it.rule == nil:
		r.Note = unknown
		return nil
	case it.rule.apply == nil:
		r.Note = unused
		if it.rule.check != "" {
			r.Note = it.rule.check
			if it.rule.check != verified {
				r.Note += ", ignored"
			}
		}
		return nil
	}
	if again, err := r.once(it); err != nil {
		return err
	} else if again {
		return r.Left(pairs.Again)
	}
	v, err := it.rule.form.read(it.octets)
	switch {
	case err != nil:
		return err
	case it.rule.known && it.rule.enum[v.n] == "":
		return fmt.Errorf("unknown value %d", v.n)
	case !it.rule.serves(r.session):
		r.Note = "not for " + string(r.session) + " sessions, ignored"
		return nil
	}
	r.Field = it.rule.field
	if r.session == aaa.Outbound { // a number requires no callback then
		r.Field = strings.TrimPrefix(r.Field, "callback, ")
	}
	return it.rule.apply(r, v)
}

// once reports whether an attribute is repeated with the same value, as sent by servers that assemble a reply from
// several sources. A different value is an error.
func (r *reading) once(it item) (again bool, err error) {
	if it.rule.many {
		return false, nil
	}
	for _, s := range r.seen {
		switch {
		case s.rule != it.rule || s.raw != it.raw:
		case bytes.Equal(s.octets, it.octets):
			return true, nil
		case !it.rule.several:
			return false, pairs.ErrTwice
		case !r.SeveralNumbers:
			return false, fmt.Errorf("%w; RFC 2865 §5.44 allows one (several_numbers: true on the server accepts more)",
				pairs.ErrTwice)
		}
	}
	r.seen = append(r.seen, seen{it.rule, it.raw, it.octets})
	return false, nil
}

// noteLater notes that an attribute that was read before, under this name, changes nothing.
func (r *reading) noteLater(name, why string) {
	for i := range r.judged {
		if o := &r.judged[i]; o.by == name {
			o.field, o.note = "", why
		}
	}
}

// refuseLater refuses an attribute that was read before, and returns the error.
func (r *reading) refuseLater(name, why string) error {
	r.noteLater(name, refused+why)
	return errors.New(name + ": " + why)
}

// conclude evaluates the attributes together.
func (r *reading) conclude() error {
	if err := r.concludeHost(); err != nil {
		return err
	}
	if r.session == aaa.Outbound && r.service == nil {
		return fmt.Errorf("no Service-Type: only Outbound (%d) lets a user dial out", outboundUser)
	}
	err := r.Conclude(r.noteLater)
	if r.service != nil && r.Said(pairs.FieldPriv) == "" { // an explicit level overrides an implied one
		r.A.PrivLevel = max(r.A.PrivLevel, r.service.priv)
	}
	return err
}

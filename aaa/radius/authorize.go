package radius

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// Dialects say how the replies of one server are read, beyond what holds for all. The zero value suits servers that
// send RFC and vendor attributes.
type Dialects struct {
	// AscendTypes: the server sends Ascend's attributes as plain RADIUS types, as before vendors had types of their
	// own. All of 105 to 254 are Ascend's then, whatever the RFCs say since. Without it only those are Ascend's that
	// mean nothing else: 192 to 254, and of 241 to 246 (RFC 6929) those of four octets whose first is 0, an extended
	// type that RFC 6929 reserves.
	AscendTypes bool
	// ClassGroups: a Class names a group, plainly or as OU=NAME;. Else it is the server's own (RFC 2865 §5.25).
	ClassGroups bool
	// Terse leaves Attributes and Readings out of an Authorization that neither calls back nor refuses: people ask why
	// of the others.
	Terse bool
	// Secret and Authenticator (of the Access-Request, 16 octets) uncover Ascend-Send-Secret; without them it is left.
	Secret        aaa.Secret
	Authenticator []byte
}

// Authorize reads what the attributes of an Access-Accept grant to a session of the given kind ("" is EXEC). It never
// panics. Where they cannot be honoured Refuse is set, names the attribute, and nothing else is granted. Dial strings
// are taken as they came: they are still to pass the number plan.
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

// tell says what came of each attribute: in Readings, and in Attributes, where `Name = value` is followed, behind #, by
// what was not done as it says.
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

	verified = "verified" // before anything else of the reply was looked at
	refused  = "refused: "
)

// item is one attribute of a packet, those of vendors taken out of their Vendor-Specific.
type item struct {
	dialect *dialect // nil: a vendor without a table
	rule    *rule    // nil: an attribute without a row
	vendor  uint32
	typ     uint32
	raw     bool // Ascend's as a plain type
	cut     bool // a Vendor-Specific that ends before it should
	octets  radius.Attribute
}

// items walks the attributes in the order of the packet.
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

// plain finds the row of a type that is no vendor's.
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

// vendorItems takes a Vendor-Specific apart (RFC 2865 §5.26); false ends the walk.
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
	err error // of the first attribute that cannot be honoured

	seen    []seen
	service *serviceType
	host    hostParts

	judged []judgement
}

// readings has those that were used before: what an Accept costs is their memory. They keep none of what they read.
var readings = sync.Pool{New: func() any { return new(reading) }}

const maxKept = 64 // attributes; a reply of more is no measure for the next one's memory

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

// judgement is what came of one attribute.
type judgement struct {
	it              item
	by, field, note string // by: its name, a pair's in full
}

// seen is a rule that has been met, and with what; Ascend's plain types and vendor attributes may both come.
type seen struct {
	rule   *rule
	raw    bool
	octets radius.Attribute
}

// take reads one attribute. After the first that cannot be honoured the others are read for their explanation only.
func (r *reading) take(it item) {
	r.Begin(it.name())
	err := r.honour(it)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s: %w", r.By, err)
	}
	o := judgement{it, r.By, r.Field, r.Note}
	if err != nil {
		o.field, o.note = "", refused+err.Error()
	}
	r.judged = append(r.judged, o)
}

func (r *reading) honour(it item) error {
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
	case it.rule.only != "" && it.rule.only != r.session:
		r.Note = "not for " + string(r.session) + " sessions, ignored"
		return nil
	}
	r.Field = it.rule.field
	return it.rule.apply(r, v)
}

// once reports an attribute that came before with the same value, as servers send it that gather a reply from several
// places. Another value is an error.
func (r *reading) once(it item) (again bool, err error) {
	if it.rule.many {
		return false, nil
	}
	for _, s := range r.seen {
		if s.rule != it.rule || s.raw != it.raw {
			continue
		}
		if !bytes.Equal(s.octets, it.octets) {
			return false, pairs.ErrTwice
		}
		return true, nil
	}
	r.seen = append(r.seen, seen{it.rule, it.raw, it.octets})
	return false, nil
}

// noteLater notes that an attribute which was read before changes nothing, by the name it then had.
func (r *reading) noteLater(name, why string) {
	for i := range r.judged {
		if o := &r.judged[i]; o.by == name {
			o.field, o.note = "", why
		}
	}
}

// refuseLater is the error of an attribute that was read before.
func (r *reading) refuseLater(name, why string) error {
	r.noteLater(name, refused+why)
	return errors.New(name + ": " + why)
}

// conclude judges the attributes together.
func (r *reading) conclude() error {
	if err := r.concludeHost(); err != nil {
		return err
	}
	err := r.Conclude(r.noteLater)
	if r.service != nil && r.Said(pairs.FieldPriv) == "" { // what names a level goes before what a Service-Type implies
		r.A.PrivLevel = max(r.A.PrivLevel, r.service.priv)
	}
	return err
}

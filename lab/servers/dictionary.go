package servers

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	dictfile "layeh.com/radius/dictionary"
)

// The files of dictionary are in the format of FreeRADIUS's dictionaries: numbers and names of the RFCs and of the
// makers of access servers.
//
//go:embed dictionary
var dictionaryFiles embed.FS

// entry is the dictionary's entry of one attribute.
type entry struct {
	name    string
	vendor  uint32 // 0: an attribute of the RFCs
	number  uint32
	kind    dictfile.AttributeType
	encrypt int // as FreeRADIUS's flag: 1 User-Password, 2 Tunnel-Password, 3 Ascend's secret

	vendorName string
	typeOctets int // size of a vendor's type and length fields
	lenOctets  int

	values map[string]uint32 // names in lower case
	names  map[uint32]string // the name with which each number is printed
}

type number struct{ vendor, number uint32 }

type attributeDictionary struct {
	byName   map[string]*entry // in lower case
	byNumber map[number]*entry
	names    []string
}

// dictionary is read once, at first use.
var dictionary = sync.OnceValue(readDictionary)

// readDictionary panics if an embedded file does not parse: TestDictionary reads them.
func readDictionary() *attributeDictionary {
	d := &attributeDictionary{byName: map[string]*entry{}, byNumber: map[number]*entry{}}
	values := map[number][]*dictfile.Value{}
	for _, name := range []string{"rfc", "cisco", "ascend", "lucent", "usr", "acc", "zyxel", "shiva", "bay",
		"microsoft", "old"} {
		f, err := parseDictionary(name)
		if err != nil {
			panic(fmt.Sprintf("dictionary %s: %v", name, err))
		}
		d.take(f.Attributes, nil)
		d.collect(values, f.Values, 0, name == "old")
		for _, v := range f.Vendors {
			d.take(v.Attributes, v)
			d.collect(values, v.Values, uint32(v.Number), false)
		}
	}
	for _, e := range d.byName {
		e.values, e.names = map[string]uint32{}, map[uint32]string{}
		for _, v := range values[number{e.vendor, e.number}] {
			n := uint32(v.Number)
			e.values[strings.ToLower(v.Name)] = n
			e.names[n] = v.Name // as in FreeRADIUS, the last name of a number is the one that is printed
		}
	}
	d.rawAscend()
	for _, e := range d.byName {
		d.names = append(d.names, e.name)
	}
	slices.Sort(d.names)
	return d
}

type dictionaryFile struct{ fs.File }

func (dictionaryFile) Name() string { return "dictionary" }

func parseDictionary(name string) (*dictfile.Dictionary, error) {
	f, err := dictionaryFiles.Open("dictionary/" + name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var p dictfile.Parser
	return p.Parse(dictionaryFile{f})
}

// take adds attributes; the first name of a number is the one that is printed.
func (d *attributeDictionary) take(list []*dictfile.Attribute, v *dictfile.Vendor) {
	for _, a := range list {
		e := &entry{name: a.Name, number: uint32(a.OID[0]), kind: a.Type, typeOctets: 1, lenOctets: 1}
		if a.FlagEncrypt.Valid {
			e.encrypt = a.FlagEncrypt.Int
		}
		if v != nil {
			e.vendor, e.vendorName = uint32(v.Number), v.Name
			e.typeOctets, e.lenOctets = v.GetTypeOctets(), v.GetLengthOctets()
		}
		d.byName[strings.ToLower(a.Name)] = e
		at := number{e.vendor, e.number}
		if d.byNumber[at] == nil {
			d.byNumber[at] = e
		}
	}
}

// collect files values under their attribute's number, so that an old name of the attribute has them too. Old values
// come first, so that they are not printed.
func (d *attributeDictionary) collect(into map[number][]*dictfile.Value, list []*dictfile.Value, vendor uint32,
	old bool) {
	for _, v := range list {
		if e := d.byName[strings.ToLower(v.Attribute)]; e != nil {
			at := number{vendor, e.number}
			if old {
				into[at] = append([]*dictfile.Value{v}, into[at]...)
			} else {
				into[at] = append(into[at], v)
			}
		}
	}
}

// rawAscend adds X-Ascend-…: Ascend's old code sent its attributes as top-level types, which the RFCs now use for other
// attributes.
func (d *attributeDictionary) rawAscend() {
	const ascend, first = 529, 91 // only X-Ascend-Change-Password is below
	for _, e := range slices.SortedFunc(maps.Values(d.byName),
		func(a, b *entry) int { return strings.Compare(a.name, b.name) }) {
		if e.vendor != ascend || e.number < first || e.number > 255 {
			continue
		}
		x := *e
		x.name, x.vendor, x.vendorName = "X-"+e.name, 0, ""
		d.byName[strings.ToLower(x.name)] = &x
		if at := (number{0, x.number}); d.byNumber[at] == nil {
			d.byNumber[at] = &x
		}
	}
}

func lookup(name string) *entry { return dictionary().byName[strings.ToLower(name)] }

package schema

import (
	"slices"
	"strconv"
)

// Canonical returns a value as text; a key of an object that has its default is left out. Two texts are equal if the
// values are, however they are written. v may be nil: the default.
func Canonical(k Key, v *Value) string {
	c := canonical{defaults: map[*Key]*Value{}}
	c.value(&k, v)
	return string(c.text)
}

// canonical writes values into one text: a file may have thousands of lines.
type canonical struct {
	text     []byte
	defaults map[*Key]*Value // of scalars, so that each is parsed once; nil: there is none
}

func (c *canonical) value(k *Key, v *Value) {
	switch k.Type {
	case Object:
		c.object(k, v)
	case List:
		c.add("[")
		for i, item := range v.Items() {
			c.comma(i)
			c.value(k.Elem, item)
		}
		c.add("]")
	case Dict:
		c.add("{")
		for i, name := range slices.Sorted(slices.Values(v.Names())) {
			c.comma(i)
			c.text = strconv.AppendQuote(c.text, name)
			c.add(": ")
			c.value(k.Elem, v.Get(name))
		}
		c.add("}")
	default:
		c.scalar(k, v)
	}
}

// object writes the keys that are present and do not have their defaults. Most keys of a line are absent.
func (c *canonical) object(k *Key, v *Value) {
	c.add("{")
	names, next, n := v.Names(), 0, 0
	places := make([]int, 0, few) // in the table and, as the rest of a division, in names
	for j, name := range names {
		if i := indexFrom(k.Keys, name, next); i >= 0 {
			places, next = append(places, i*len(names)+j), i+1
		}
	}
	slices.Sort(places)
	for _, place := range places {
		f, own := &k.Keys[place/len(names)], v.below[place%len(names)]
		if c.isDefault(f, own) {
			continue
		}
		c.comma(n)
		n++
		c.add(f.Name)
		c.add(": ")
		c.value(f, own)
	}
	c.add("}")
}

// isDefault reports whether a value has the same text as an absent one.
func (c *canonical) isDefault(k *Key, v *Value) bool {
	switch k.Type {
	case Object:
		next := 0
		for j, name := range v.names {
			i := indexFrom(k.Keys, name, next)
			if i >= 0 && !c.isDefault(&k.Keys[i], v.below[j]) {
				return false
			}
			next = i + 1
		}
		return true
	case List, Dict:
		return len(v.below) == 0
	}
	d := c.defaultOf(k)
	return d != nil && d.text == v.text || d != nil && k.Type != String && d.num == v.num
}

func (c *canonical) scalar(k *Key, v *Value) {
	if v == nil {
		if v = c.defaultOf(k); v == nil {
			c.add(k.Default)
			return
		}
	}
	if k.Type == String {
		c.text = strconv.AppendQuote(c.text, v.text)
		return
	}
	c.text = strconv.AppendInt(c.text, v.num, 10)
}

// defaultOf returns the default of a scalar; nil: there is none, or it is invalid.
func (c *canonical) defaultOf(k *Key) *Value {
	if k.Default == "" {
		return nil
	}
	d, ok := c.defaults[k]
	if !ok {
		d, _ = ParseScalar(*k, k.Default)
		c.defaults[k] = d
	}
	return d
}

func (c *canonical) add(text string) { c.text = append(c.text, text...) }

// comma separates an element from the one before it.
func (c *canonical) comma(i int) {
	if i > 0 {
		c.add(", ")
	}
}

// Defaults returns the defaults of a table, as an Object with the keys that have one.
func Defaults(table []Key) *Value {
	v := &Value{typ: Object}
	for i := range table {
		k := &table[i]
		switch {
		case k.Type == Object:
			v.add(k.Name, Defaults(k.Keys))
		case k.Default != "" && k.Type != List && k.Type != Dict:
			if d, err := ParseScalar(*k, k.Default); err == nil {
				v.add(k.Name, d)
			}
		}
	}
	return v
}

package schema

import "slices"

// Reload is how a reload of the file applies a changed key.
type Reload string

const (
	NewCalls Reload = "new calls"   // to calls that begin after the reload
	AtOnce   Reload = "immediately" // also to calls under way
	Restart  Reload = "restart"     // not before a restart
)

// Inherit returns a copy of the table with the Reload of each key filled in: a key without one inherits that of the
// enclosing object, list or dict; a top-level key inherits top.
func Inherit(top Reload, keys []Key) []Key {
	out := slices.Clone(keys)
	for i := range out {
		inherit(top, &out[i])
	}
	return out
}

func inherit(above Reload, k *Key) {
	if k.Reload == "" {
		k.Reload = above
	}
	k.Keys = Inherit(k.Reload, k.Keys)
	if k.Elem != nil {
		elem := *k.Elem
		inherit(k.Reload, &elem)
		k.Elem = &elem
	}
}

// Reloads returns the distinct Reload values of the scalars below a key, in table order.
func (k Key) Reloads() []Reload {
	var out []Reload
	below := k.Keys
	if k.Elem != nil {
		below = []Key{*k.Elem}
	}
	if len(below) == 0 {
		return []Reload{k.Reload}
	}
	for _, b := range below {
		for _, r := range b.Reloads() {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

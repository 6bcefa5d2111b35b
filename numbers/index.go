package numbers

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Index finds the longest prefix of a number among many, in a time that hardly depends on their count. The zero value
// has none. An Index never changes.
type Index[V any] struct {
	rows    []indexed[V] // by prefix
	parents []int32      // of each row, the row with the longest shorter prefix of it; -1: none
}

type indexed[V any] struct {
	prefix string
	value  V
}

// NewIndex returns an Index of the values by their prefixes. "" is the prefix of every number.
func NewIndex[V any](values iter.Seq2[string, V]) Index[V] {
	var x Index[V]
	for prefix, v := range values {
		x.rows = append(x.rows, indexed[V]{prefix, v})
	}
	slices.SortFunc(x.rows, func(a, b indexed[V]) int { return cmp.Compare(a.prefix, b.prefix) })
	x.parents = make([]int32, len(x.rows))
	for i := range x.rows {
		up := int32(i) - 1
		for up >= 0 && !strings.HasPrefix(x.rows[i].prefix, x.rows[up].prefix) {
			up = x.parents[up]
		}
		x.parents[i] = up
	}
	return x
}

// Len returns the number of prefixes.
func (x Index[V]) Len() int { return len(x.rows) }

// Longest returns the value of the longest prefix of the digits; false: no prefix matches.
func (x Index[V]) Longest(digits string) (V, bool) {
	// All prefixes of the digits sort before them or are equal to them, and whatever sorts between the longest prefix
	// and the digits begins with that prefix. So the last row that does not sort after the digits leads to it.
	i, found := slices.BinarySearchFunc(x.rows, digits, byPrefix[V])
	if !found {
		i--
	}
	for i >= 0 && !strings.HasPrefix(digits, x.rows[i].prefix) {
		i = int(x.parents[i])
	}
	if i < 0 {
		var none V
		return none, false
	}
	return x.rows[i].value, true
}

// All returns the prefixes and values in the order of the prefixes.
func (x Index[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, r := range x.rows {
			if !yield(r.prefix, r.value) {
				return
			}
		}
	}
}

func byPrefix[V any](r indexed[V], digits string) int { return cmp.Compare(r.prefix, digits) }

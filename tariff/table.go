package tariff

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/ringback/ringback/numbers"
)

// Table is a price list in one currency. It is immutable. A nil Table has no rates.
type Table struct {
	currency string
	rates    []Rate // by prefix
	parents  []int  // of each rate, the rate with the longest shorter prefix of it; -1: none
}

// Currency returns the currency of all prices: three capital letters (ISO 4217); "" for a nil Table.
func (t *Table) Currency() string {
	if t == nil {
		return ""
	}
	return t.currency
}

// Rates returns all rates in the order of their prefixes.
func (t *Table) Rates() iter.Seq[Rate] {
	return func(yield func(Rate) bool) {
		if t == nil {
			return
		}
		for _, r := range t.rates {
			if !yield(r) {
				return
			}
		}
	}
}

// Find returns the rate with the longest prefix of a number. A number without a rate has no price, which is not a price
// of 0: a caller that limits money must not dial it.
func (t *Table) Find(n numbers.Number) (Rate, bool) {
	if t == nil || n.IsZero() {
		return Rate{}, false
	}
	digits := n.String()
	// All prefixes of the number sort before it or are equal to it, and whatever sorts between its longest prefix and
	// the number begins with that prefix. So the last rate that does not sort after the number leads to it.
	i, found := slices.BinarySearchFunc(t.rates, digits, byPrefix)
	if !found {
		i--
	}
	for i >= 0 && !strings.HasPrefix(digits, t.rates[i].Prefix) {
		i = t.parents[i]
	}
	if i < 0 {
		return Rate{}, false
	}
	return t.rates[i], true
}

func byPrefix(r Rate, digits string) int { return cmp.Compare(r.Prefix, digits) }

// newTable sorts the rates, whose prefixes are unique.
func newTable(currency string, rates []Rate) *Table {
	slices.SortFunc(rates, func(a, b Rate) int { return cmp.Compare(a.Prefix, b.Prefix) })
	t := &Table{currency: currency, rates: rates, parents: make([]int, len(rates))}
	for i := range rates {
		up := i - 1
		for up >= 0 && !strings.HasPrefix(rates[i].Prefix, rates[up].Prefix) {
			up = t.parents[up]
		}
		t.parents[i] = up
	}
	return t
}

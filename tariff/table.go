package tariff

import (
	"iter"

	"github.com/ringback/ringback/numbers"
)

// Table is a price list in one currency. It is immutable. A nil Table has no rates.
type Table struct {
	currency string
	rates    numbers.Index[Rate] // by prefix
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
		for _, r := range t.rates.All() {
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
	return t.rates.Longest(n.String())
}

// newTable returns the table of rates with unique prefixes.
func newTable(currency string, rates []Rate) *Table {
	return &Table{currency, numbers.NewIndex(func(yield func(string, Rate) bool) {
		for _, r := range rates {
			if !yield(r.Prefix, r) {
				return
			}
		}
	})}
}

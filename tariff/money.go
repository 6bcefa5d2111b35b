// Package tariff is the price list of the site's calls: the rate of a number by its longest prefix, the cost of a call,
// the worst that a callback may cost, and how long a sum of money lasts. It is pure and has no floats.
package tariff

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Money is an amount in millionths of a currency. It is never negative in this package, and arithmetic that would
// overflow yields MaxMoney.
type Money int64

const (
	// MaxMoney is the largest amount. A cost of MaxMoney is at least that.
	MaxMoney Money = math.MaxInt64

	decimals       = 6
	unit     Money = 1_000_000
)

// String returns a decimal number with two to six decimals: "12.00", "0.0125".
func (m Money) String() string {
	sign, n := "", uint64(m)
	if m < 0 {
		sign, n = "-", -n
	}
	fraction := fmt.Sprintf("%0*d", decimals, n%uint64(unit))
	rest := strings.TrimRight(fraction[2:], "0")
	return fmt.Sprintf("%s%d.%s%s", sign, n/uint64(unit), fraction[:2], rest)
}

// ParseMoney parses a decimal number with at most six decimals and a decimal point: "12", "0.0125". Signs, exponents
// and thousands separators are errors.
func ParseMoney(s string) (Money, error) {
	whole, fraction, point := strings.Cut(s, ".")
	switch {
	case s == "":
		return 0, errors.New("the amount is empty (write 0.05)")
	case strings.HasPrefix(s, "-"):
		return 0, fmt.Errorf("%.40q is negative (an amount is 0 or more)", s)
	case strings.Contains(s, ","):
		return 0, fmt.Errorf("%.40q has a comma (write a decimal point and no thousands separators: 1234.50)", s)
	case whole == "" || point && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "":
		return 0, fmt.Errorf("%.40q is not an amount (write digits with a decimal point, without a currency: 0.05)", s)
	case len(fraction) > decimals:
		return 0, fmt.Errorf("%.40q has %d decimals; the maximum is %d (round it up)", s, len(fraction), decimals)
	}
	var m Money
	for _, d := range whole + fraction + strings.Repeat("0", decimals-len(fraction)) {
		digit := Money(d - '0')
		if m > (MaxMoney-digit)/10 {
			return 0, fmt.Errorf("%.40q is too large (the maximum is %v)", s, MaxMoney)
		}
		m = m*10 + digit
	}
	return m, nil
}

// MarshalText returns String.
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText accepts what ParseMoney accepts.
func (m *Money) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMoney(string(text))
	return err
}

// Plus returns the sum, or MaxMoney. Neither amount may be negative.
func (m Money) Plus(n Money) Money {
	if m > MaxMoney-n {
		return MaxMoney
	}
	return m + n
}

// Times returns m × n, or MaxMoney. Neither may be negative.
func (m Money) Times(n int) Money { return scaled(m, uint64(n), 1) }

// scaled returns m × times / by, rounded up, or MaxMoney.
func scaled(m Money, times, by uint64) Money {
	hi, lo := bits.Mul64(uint64(m), times)
	lo, carry := bits.Add64(lo, by-1, 0)
	if hi += carry; hi >= by {
		return MaxMoney
	}
	q, _ := bits.Div64(hi, lo, by)
	return Money(min(q, uint64(MaxMoney)))
}

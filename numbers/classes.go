package numbers

import (
	"slices"
	"strings"
)

// Class is a kind of numbers that policies allow or deny.
type Class string

// The classes. A number has one or more: that of its range in Plan.Ranges, those that the number plan of its country
// gives it, and International; or Unknown if neither has one.
const (
	Fixed         Class = "fixed"
	Mobile        Class = "mobile"
	Premium       Class = "premium"     // premium rate
	SharedCost    Class = "shared_cost" // more than a call to a fixed line
	TollFree      Class = "toll_free"
	VoIP          Class = "voip"
	Personal      Class = "personal" // follow a person, at a price that the number does not show
	Pager         Class = "pager"
	UAN           Class = "uan" // universal access numbers of companies
	Voicemail     Class = "voicemail"
	Satellite     Class = "satellite"     // satellite networks and international networks, which share country codes
	Fraud         Class = "fraud"         // ranges known for toll fraud
	International Class = "international" // outside the Country, also if they have its country code
	Unknown       Class = "unknown"       // in no known range
)

// classes has all classes; their index is their bit in a ClassSet.
var classes = [...]Class{Unknown, Fraud, Premium, Personal, Satellite, SharedCost, Pager, Voicemail, Mobile, Fixed,
	TollFree, VoIP, UAN, International}

// DeniedClasses returns the classes that are denied unless a policy allows them. It does not name Unknown, which no
// policy can allow.
func DeniedClasses() []Class { return []Class{Premium, Personal, Satellite, Fraud} }

// Deniable returns all classes except Unknown, which is always denied.
func Deniable() []Class { return slices.Clone(classes[1:]) }

// ClassSet is a set of classes. The zero value is empty.
type ClassSet uint16

// SetOf returns the set of these classes; names that are none count as Unknown.
func SetOf[C ~string](names ...C) ClassSet {
	var s ClassSet
	for _, n := range names {
		s |= 1 << max(0, slices.Index(classes[:], Class(n)))
	}
	return s
}

// First returns the class of the set that comes first in the list of all classes; "" if the set is empty.
func (s ClassSet) First() Class {
	for i, c := range classes {
		if s&(1<<i) != 0 {
			return c
		}
	}
	return ""
}

// String returns the names of the classes, "none" for the empty set.
func (s ClassSet) String() string {
	names := make([]string, 0, len(classes))
	for i, c := range classes {
		if s&(1<<i) != 0 {
			names = append(names, string(c))
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Denied returns the classes that a policy denies: Unknown, DeniedClasses except those of allow, and those of deny.
func Denied(allow, deny []string) ClassSet {
	return SetOf(Unknown) | SetOf(DeniedClasses()...)&^SetOf(allow...) | SetOf(deny...)
}

// Classes returns the classes of a canonical number. An extension has none; neither has any number without a Country.
func (p Plan) Classes(number Number) ClassSet {
	if p.Country.Code == "" || p.Country.private(number.digits) != "" {
		return 0
	}
	region, planned := classify(number.digits)
	ours := p.Country.has(number.digits, region, planned)
	s := p.Ranges.of(number.digits) | planned
	if ours && p.Ranges.isBuiltIn() {
		s &^= SetOf(Fraud) // it is about calls from abroad, and names whole countries
	}
	if s == 0 {
		s = SetOf(Unknown)
	}
	if !ours {
		s |= SetOf(International)
	}
	return s
}

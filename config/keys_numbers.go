package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tariff"
)

var trunkKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "pbx", Doc: "Name in logs and traces."},
	{Name: "template", Secret: true, Required: true, Check: numbers.CheckTemplate, Example: `"9,{national}"`,
		Doc: "What `\\T` of a chat script becomes: one form of the number in braces, and around it digits, `*`, `#`, " +
			"`A` to `D`, and the modem's `,` `W` `@` `!`. `{number}`: as an exchange at the site connects it; " +
			"`{national}`: only numbers in the country, with the national prefix; `{international}`: with the " +
			"international prefix; `{e164}`: without prefix; `{extension}`: only extensions. All except `{number}` " +
			"require `numbers.country`. What follows the number, and a code before it, are shown as `[secret]`."},
	{Name: "numbers", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern, Example: `"33*"`},
		Example: `["33*"]`, Doc: "Patterns of the numbers that it takes, in canonical form. Default: all that the " +
			"template has a form of."},
	{Name: "lines", Type: schema.List, Elem: &schema.Key{Type: schema.Int, Min: 1, Max: schema.MaxTTY, Example: "65"},
		Example: "[65, 66]", Doc: "TTY numbers of the lines that lead to it, in the order of preference. A callback " +
			"uses them unless AAA or the policy names lines or a rotary, and the called line only if there is no " +
			"other. Default: all lines."},
	{Name: "rotary", Type: schema.Int, Min: 0, Max: maxRotary, Example: "1",
		Doc: "Rotary of the lines that lead to it, instead of `lines`."},
	{Name: "tariff", Check: checkFileName, Example: "carrier.csv",
		Doc: "Price list of this trunk, in the currency of the site's tariff. A number without a rate is not dialed " +
			"through it. Default: the site's tariff counts, and the order of the trunks decides."},
}

func numberKeys() []schema.Key {
	return []schema.Key{
		{Name: "trunk_prefixes", Type: schema.List, Elem: &schema.Key{Check: checkTrunk}, Example: `["9,"]`,
			Doc: "Prefixes that AAA sends although the chat script's dial template adds them: one is removed from " +
				"numbers of AAA, local users and places, never from a caller's."},
		{Name: "max_digits", Type: schema.Int, Min: 1, Max: numbers.MostDigits,
			Default: fmt.Sprint(numbers.DefaultMaxDigits), Example: "15", Doc: "Maximum number of digits."},
		{Name: "emergency", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern},
			Example: `["911", "112*"]`,
			Doc: "Patterns that are never dialed, whatever a policy allows. They replace the built-in ones: `" +
				strings.Join(numbers.EmergencyNumbers(), "`, `") + "`. With `country`, the emergency numbers of that " +
				"country are never dialed either, even if they are extensions."},
		{Name: "country", Example: `"33"`, Doc: "Country code of the site, in digits. With it a number in any " +
			"notation is converted to one canonical form, the digits of E.164 without `+`, and a number that could " +
			"be read in two ways is rejected. Requires `digits` and `international`."},
		{Name: "region", Example: "US", Doc: "Country of the site, as ISO 3166 abbreviates it, if several share the " +
			"country code. Numbers of the others are of the class `international`: with `country: \"1\"` those of " +
			"Canada and Jamaica. Default: the main one, which is US for 1, GB for 44, RU for 7 and IT for 39."},
		{Name: "digits", Type: schema.List, Elem: &schema.Key{Type: schema.Int, Min: 1, Max: 14, Example: "9"},
			Example: "[9]", Doc: "Possible lengths of a number in the country, without prefix and country code."},
		{Name: "area", Example: `"1"`, Doc: "Area code of numbers that are dialed without one."},
		{Name: "international", Type: schema.List, Elem: &schema.Key{Example: `"00"`}, Example: `["00"]`,
			Doc: "Prefixes of numbers in other countries. The first is dialed."},
		{Name: "national", Type: schema.List, Elem: &schema.Key{Example: `"0"`}, Example: `["0"]`,
			Doc: "Prefixes of numbers in the country. The first is dialed. `\"\"`: such a number is also written " +
				"without a prefix."},
		{Name: "private", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern, Example: `"84001"`},
			Example: `["84001"]`, Doc: "Patterns of extensions, which are dialed as they are. A number of another " +
				"country with the same digits is rejected."},
		{Name: "fraud_file", Check: checkFileName, Example: "fraud.yaml", Doc: "File with the classes of number " +
			"ranges, instead of the built-in ones ([format](../how-to/toll-fraud.md#expensive-numbers)). Relative " +
			"to this file."},
		{Name: "own", Type: schema.List, Elem: &schema.Key{Check: numbers.CheckPattern, Example: `"33123456700"`},
			Example: `["33123456700"]`, Doc: "Patterns of the site's own numbers in canonical form, which are never " +
				"dialed."},
	}
}

var placeKeys = []schema.Key{
	{Name: "name", Required: true, Check: schema.NotEmpty, Example: "paris", Doc: "The Callback-Id."},
	{Name: "number", Required: true, Example: `"84022"`, Doc: "The number; it may contain spaces and `-().`."},
}

func checkTrunk(s string) error {
	if strings.Trim(s, " -().") == "" {
		return errors.New("is empty")
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%q is not allowed in a prefix", r)
		}
	}
	return nil
}

// ceilingKeys are the keys of `ceilings`.
func ceilingKeys() (keys []schema.Key) {
	for _, period := range journal.Periods {
		keys = append(keys, schema.Key{Name: period, Type: schema.Object, Keys: []schema.Key{
			{Name: "calls", Type: schema.Int, Min: 1, Max: 1e9, Example: "100",
				Doc: "Most dials. Default: no ceiling."},
			{Name: "minutes", Type: schema.Int, Min: 1, Max: 1e9, Example: "6000",
				Doc: "Most minutes for which lines dial and calls are connected. Default: no ceiling."},
			{Name: "money", Loose: true, Check: tariff.CheckCeiling, Example: "250.00",
				Doc: "Most money, in the currency of the tariff, by which calls are priced. It requires " +
					"`tariff`; a number without a rate is not called back then. Default: no ceiling."},
		}, Doc: "Ceilings of each " + period + ", by the clock and the time zone of this machine."})
	}
	return keys
}

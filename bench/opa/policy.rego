# The policy of the benchmark, as a user of OPA would write it: objects with prefixes as keys, so that the longest match
# needs a lookup for each length of the number and no scan.
package ringback

default decision := {"outcome": "refuse", "number": ""}

group := data.users[input.user]

decision := {"outcome": "invalid_number", "number": ""} if {
	asked
	not allowed
}

decision := {
	"outcome": "call_back",
	"number": input.typed,
	"group": group,
	"attempts": data.groups[group].attempts,
	"no_verify": verify_omitted,
	"reason": sprintf("at %s, allowed by group %s", [input.typed, group]),
} if {
	asked
	allowed
}

# AAA requires a callback and leaves the number to the caller, who gave it; the service calls back.
asked if {
	input.callback
	input.number == ""
	data.groups[group].callback != "off"
	data.groups[group].from.caller
	data.services[input.service]
	input.typed
}

allowed if {
	regex.match(`^[0-9]{1,20}$`, input.typed)
	not emergency
	longest("allow") > longest("deny")
}

emergency if data.emergency[input.typed]

# The number of digits of the longest pattern of a list that matches; -1: none. The path leads to each pattern alone, so
# that OPA never reads a whole list.
longest(list) := max({-1} | {i |
	some i in numbers.range(0, count(input.typed))
	data.groups[group][list][substring(input.typed, 0, i)]
})

default verify_omitted := false

verify_omitted if {
	input.no_verify
	data.groups[group].no_verify == "allow"
}

package policies_test

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
)

// AAA leaves the number to the caller, whose group allows that for numbers that begin with 84.
func ExampleSet_Evaluate() {
	staff, problems := policies.Parse("staff.yaml", []byte(`
group: staff
users: [austin-02]
numbers: {from_caller: allow, allow: ["84*"], deny: ["849*"]}
attempts: {max: 3}
`))
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	set, err := policies.New(policies.Site{Callback: map[aaa.Service]bool{aaa.EXEC: true}}, staff)
	if err != nil {
		fmt.Println(err)
		return
	}

	asked := aaa.Request{Service: aaa.EXEC, User: "austin-02", Leg: 1}
	granted := aaa.Result{
		Kind:     aaa.Granted,
		Identity: aaa.Identity{Entry: "radius", User: "austin-02"},
		Auth:     aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("")}, // NULL
	}
	request := policies.Ask(asked, granted, true, time.Now(), policies.Used{})
	decision, _ := set.Evaluate(request)
	fmt.Println(decision.Outcome)

	for _, typed := range []string{"84901", "84007"} {
		request.FromCaller = &typed
		decision, trace := set.Evaluate(request)
		fmt.Printf("%s: %s: %s\n", typed, decision.Outcome, decision.Reason)
		if decision.Outcome == policies.CallBack {
			fmt.Print(trace)
		}
	}

	// Output:
	// ask_number
	// 84901: invalid_number: group staff: deny "849*" is the longest match
	// 84007: call_back: at 84007, as group staff allows
	//  1  group              user "austin-02"                                     policy of group staff: its users include this one
	//  2  authorization      no Service-Type                                      can be honoured
	//  3  leg                leg 1                                                the caller's own call
	//  4  callback demanded  AAA demands callback: yes                            go on
	//  5  callback enabled   exec.callback true                                   go on
	//  6  callback policy    callback: optional                                   go on
	//  7  number from        dialstring NULL, Callback-Id "", from_caller: allow  the caller typed it
	//  8  number plan        "84007"                                              84007
	//  9  emergency numbers  84007                                                none of them
	// 10  number lists       84007 from caller                                    allow "84*" is the longest match
	// 11  sessions           0 sessions, no Port-Limit                            one more is granted
	// 12  no_verify          AAA: no, policy: deny, service exec                  a second login is demanded
	// 13  line               AAA names no line, no rotary                         any line of the called line's rotary
	// 14  attempts           max 3, retry_wait 30s                                call back: at 84007, as group staff allows
}

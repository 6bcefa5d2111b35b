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
	request := policies.Ask(asked, granted, policies.Line{Trusted: true}, time.Now(), policies.Used{})
	decision, _ := set.Evaluate(request)
	fmt.Println(decision.Outcome)

	for _, typed := range []string{"84901", "84007"} {
		request.FromCaller = &typed
		decision, trace := set.Evaluate(request)
		fmt.Printf("%s: %s: %s\n", typed, decision.Outcome, decision.Reason)
		if decision.Outcome == policies.CallBack {
			for _, step := range trace {
				fmt.Printf("  %s: %s\n", step.Rule, step.Result)
			}
		}
	}

	// Output:
	// ask_number
	// 84901: invalid_number: group staff: deny "849*" is the longest match
	// 84007: call_back: at 84007, allowed by group staff
	//   group: policy of group staff: the group lists this user
	//   authorization: can be honored
	//   leg: the caller's own call
	//   callback demanded: continue
	//   callback enabled: continue
	//   callback policy: continue
	//   number from: the caller gave it
	//   number plan: 84007
	//   emergency numbers: not an emergency number
	//   number lists: allow "84*" is the longest match
	//   sessions: one more is allowed
	//   no_verify: second login required
	//   line: any line of the called line's rotary
	//   attempts: call back: at 84007, allowed by group staff
}

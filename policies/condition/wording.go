package condition

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
)

// first returns the first problem that CEL found, with its place, in the words of the reference.
func first(issues *cel.Issues) error {
	all := issues.Errors()
	if len(all) == 0 {
		return issues.Err()
	}
	msg, line, column := plain(all[0].Message), all[0].Location.Line(), all[0].Location.Column()+1
	switch {
	case line > 1:
		return fmt.Errorf("at line %d, column %d of the expression: %s", line, column, msg)
	case column > 0:
		return fmt.Errorf("at column %d of the expression: %s", column, msg)
	}
	return errors.New(msg)
}

// plain says what a message of CEL says, and what to write instead. A message that it does not know stays as it is.
func plain(msg string) string {
	msg, _, _ = strings.Cut(msg, "\n")
	if syntax, ok := strings.CutPrefix(msg, "Syntax error: "); ok {
		return plainSyntax(syntax)
	}
	quoted := strings.Split(msg, "'") // what is in quotes has odd indexes
	switch {
	case strings.HasPrefix(msg, "undeclared reference to ") && len(quoted) > 2:
		return plainName(quoted[1], msg)
	case strings.HasPrefix(msg, "found no matching overload for ") && len(quoted) > 3:
		return plainCall(quoted[1], quoted[3])
	case strings.HasPrefix(msg, "expected type ") && len(quoted) > 3:
		return plainExpected(quoted[1], quoted[3])
	case strings.HasSuffix(msg, "does not support field selection") && len(quoted) > 1:
		return plainType(quoted[1]) + ` has no parts (write the variable alone, such as user == "kim")`
	case msg == "invalid matches argument":
		return `the pattern is not a regular expression of RE2 (such as "^84[0-9]+$")`
	case msg == "invalid int literal":
		return "the number is too large (put a telephone number in quotes)"
	case strings.HasPrefix(msg, "expression recursion limit exceeded"):
		return fmt.Sprintf("the expression is nested deeper than %d levels (write several)", maxDepth)
	case strings.HasPrefix(msg, "reserved identifier: "):
		return strings.TrimPrefix(msg, "reserved identifier: ") + " is a reserved word (write the condition alone)"
	}
	return msg
}

// operatorNames are the operators as they are written, by their names in CEL.
var operatorNames = map[string]string{operators.In: "in", operators.Conditional: "? :", operators.Index: "[ ]"}

func operatorName(name string) string {
	if written, ok := operatorNames[name]; ok {
		return written
	}
	return strings.ReplaceAll(name, "_", "")
}

// plainName is about a variable, a function or an operator that the tables do not have.
func plainName(name, msg string) string {
	if strings.ContainsAny(name, "+-*/%[") {
		return "there is no operator " + operatorName(name) + " (the reference lists the operators: " + written() + ")"
	}
	for _, f := range functions {
		if slices.Contains(f.macros, name) {
			return fmt.Sprintf("%s has other arguments (write %s)", name, f.Name)
		}
	}
	text := fmt.Sprintf("there is no variable or function %q", name)
	if _, similar, ok := strings.Cut(msg, "(did you mean "); ok {
		return text + " (did you mean " + strings.ReplaceAll(similar, "'", `"`)
	}
	var names []string
	for _, v := range variables {
		names = append(names, v.Name)
	}
	return text + " (the variables are " + strings.Join(names, ", ") + ")"
}

// written returns the functions and operators as they are written.
func written() string {
	var all []string
	for _, f := range functions {
		all = append(all, f.Name)
	}
	return strings.Join(all, ", ")
}

// plainCall is about an operator or a function with operands that it does not take, such as `(string, int)`, or
// `string.(int)` for a function of a text.
func plainCall(name, operands string) string {
	of, args, _ := strings.Cut(strings.TrimSuffix(operands, ")"), "(")
	var got []string
	for t := range strings.SplitSeq(args, ", ") {
		if t != "" {
			got = append(got, plainType(t))
		}
	}
	what := strings.Join(got, " and ")
	if what == "" {
		what = "nothing"
	}
	if of = strings.TrimSuffix(of, "."); of != "" {
		what += " for " + plainType(of)
	}
	switch name {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater,
		operators.GreaterEquals:
		return fmt.Sprintf(`%s compares %s (write both as text, such as number == "84001", or both as integers, such as `+
			"priv_lvl == 15)", operatorName(name), what)
	}
	return fmt.Sprintf("%s does not take %s (write %s)", operatorName(name), what, usage(name))
}

// usage returns how a function or an operator is written.
func usage(name string) string {
	switch name {
	case operators.LogicalNot:
		return `!(user == "kim")`
	case overloads.EndsWith, overloads.Contains:
		return "TEXT." + name + "(TEXT)"
	}
	for _, f := range functions {
		if slices.Contains(f.std, name) {
			return f.Name
		}
	}
	return "what the reference shows"
}

// plainExpected is about an operand or an element of another type.
func plainExpected(want, got string) string {
	if want == "bool" {
		return fmt.Sprintf(`%s stands where a condition must be (write a comparison, such as user == "kim")`,
			plainType(got))
	}
	return fmt.Sprintf("%s stands where %s must be (the elements of a list have the same type)", plainType(got),
		plainType(want))
}

// plainType returns a type in words.
func plainType(t string) string {
	switch t {
	case "string":
		return "a text"
	case "int":
		return "an integer"
	case "bool":
		return "a condition"
	case "null", "null_type":
		return "null"
	case "list(string)":
		return "a list of texts"
	case "list(int)":
		return "a list of integers"
	}
	return "a value of type " + t
}

// plainSyntax is about an expression that cannot be read.
func plainSyntax(msg string) string {
	rest, found := strings.CutPrefix(msg, "token recognition error at: '")
	if found {
		return plainSign(strings.TrimSuffix(rest, "'"))
	}
	if missing, at, ok := strings.Cut(msg, " at '"); ok && strings.HasPrefix(msg, "missing ") {
		return strings.TrimPrefix(missing, "missing ") + " is missing before " + plainToken(strings.TrimSuffix(at, "'"))
	}
	_, rest, found = strings.Cut(msg, " input '")
	token, expecting, _ := strings.Cut(rest, "'")
	switch {
	case !found:
		return "the expression cannot be read: " + msg
	case token == "<EOF>" && strings.HasSuffix(expecting, "expecting ':'"):
		return "the second part of ? : is missing (write CONDITION ? A : B)"
	case token == "<EOF>":
		return `a value is missing at the end (write a comparison, such as user == "kim")`
	}
	for word, instead := range map[string]string{"and": "&&", "or": "||", "not": `!("night" in groups)`} {
		if token == word {
			return fmt.Sprintf("%q is no operator (write %s)", word, instead)
		}
	}
	return fmt.Sprintf("%q cannot stand there (join conditions with && and ||)", token)
}

// plainSign is about a sign that CEL does not have.
func plainSign(sign string) string {
	switch {
	case strings.HasPrefix(sign, `"`), strings.HasPrefix(sign, "'"):
		return "the text in quotes has no end, or a backslash in it has no meaning (write \\\\ for a backslash)"
	case strings.HasPrefix(sign, "=~"):
		return `there is no operator =~ (write user.matches("PATTERN"))`
	case strings.HasPrefix(sign, "="):
		return "there is no operator = (write == or !=)"
	case strings.HasPrefix(sign, "&"), strings.HasPrefix(sign, "|"):
		return "there is no operator " + sign[:1] + " (write && or ||)"
	case strings.ContainsAny(sign, "“”„‘’«»"):
		return sign + ` is no quotation mark of an expression (write ")`
	}
	return fmt.Sprintf("%q has no meaning there (the reference lists the operators: %s)", sign, written())
}

func plainToken(token string) string {
	if token == "<EOF>" {
		return "the end"
	}
	return fmt.Sprintf("%q", token)
}
